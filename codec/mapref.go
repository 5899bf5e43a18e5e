package codec

import (
	"errors"
	"slices"
)

// HasRef tells whether v is or contains something that is sent as a reference:
// a Ref, or a value of another package that stands for an object. It is true
// for a value that is nested more deeply than DefaultDepth.
func HasRef(v Value) bool {
	_, err := MapRefs(v, func(Value) (Value, error) { return nil, errFound })
	return err != nil
}

// errFound ends the walk of HasRef.
var errFound = errors.New("found")

// MapRefs returns v in which f has replaced everything that is sent as a
// reference. It copies the containers around a reference and returns all others as
// they are; v itself never changes. The error is that of f, ErrUnhashable if f
// returned a list, set or map for a key of a dict, or ErrDepth or ErrItems for a
// value that contains itself. The time is linear but for dicts whose keys change:
// these are sorted again.
func MapRefs(v Value, f func(Value) (Value, error)) (Value, error) {
	m := refMapper{f: f, left: *newBudget()}
	out, _, err := m.value(v)
	if err != nil {
		return nil, err
	}
	return out, nil
}

// refMapper replaces references. Its methods return changed if they found one, and
// out is a copy then.
type refMapper struct {
	f    func(Value) (Value, error)
	left budget
}

func (m *refMapper) value(v Value) (out Value, changed bool, err error) {
	switch x := v.(type) {
	case nil, None, Bool, Int, Long, Float, Bytes, Text, Slice, Ellipsis:
		return v, false, nil
	case List:
		items, changed, err := m.items(x)
		if changed {
			return List(items), true, err
		}
		return v, false, err
	case Tuple:
		items, changed, err := m.items(x)
		if changed {
			return Tuple(items), true, err
		}
		return v, false, err
	case Set:
		items, changed, err := m.items(x)
		if changed {
			return Set(items), true, err
		}
		return v, false, err
	case Exception:
		args, changed, err := m.items(x.Args)
		if changed {
			return Exception{Class: x.Class, Args: args}, true, err
		}
		return v, false, err
	case *Map:
		return m.dict(x)
	}
	if v.Kind() != KindRef {
		return v, false, nil
	}
	out, err = m.f(v)
	return out, true, err
}

func (m *refMapper) items(items []Value) (out []Value, changed bool, err error) {
	if err := m.left.enter(len(items)); err != nil {
		return nil, false, err
	}
	for i, item := range items {
		v, new, err := m.value(item)
		if err != nil {
			return nil, false, err
		}
		if new && !changed {
			out, changed = slices.Clone(items), true
		}
		if changed {
			out[i] = v
		}
	}
	m.left.depth++
	return out, changed, nil
}

func (m *refMapper) dict(d *Map) (out Value, changed bool, err error) {
	if err := m.left.enter(pairLen * d.Len()); err != nil {
		return nil, false, err
	}
	var pairs []Pair
	keys, values := false, false // which of them changed
	for i, p := range d.Pairs() {
		key, newKey, err := m.value(p.Key)
		if err != nil {
			return nil, false, err
		}
		value, newValue, err := m.value(p.Value)
		if err != nil {
			return nil, false, err
		}
		if (newKey || newValue) && pairs == nil {
			pairs = slices.Clone(d.Pairs())
		}
		keys, values = keys || newKey, values || newValue
		if pairs != nil {
			pairs[i] = Pair{key, value}
		}
	}
	m.left.depth++
	switch {
	case keys:
		out, err := NewMap(pairs...)
		return out, true, err
	case values:
		return &Map{pairs: pairs, order: d.order, foreign: d.foreign}, true, nil
	}
	return d, false, nil
}
