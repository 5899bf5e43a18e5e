package codec

import (
	"math"
	"reflect"
	"slices"
)

// Equal tells whether two values are the same in structure and type: Int(5)
// and Long("5") are, Bytes and Text are not, nor are a list and a tuple, nor 1
// and 1.0. Floats are compared by their bits, so that a nan equals itself.
// Sets are equal whatever their order. Values that are nested
// deeper than DefaultDepth, as those that contain themselves are, equal
// nothing.
func Equal(a, b Value) bool {
	e := equality{*newBudget()}
	return e.equal(a, b)
}

type equality struct{ left budget }

func (e *equality) equal(a, b Value) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	if a.Kind() != b.Kind() {
		return false
	}
	switch a := a.(type) {
	case None, Ellipsis, Bool, Bytes, Text, Slice, Ref:
		return a == b
	case Int, Long:
		switch b.(type) {
		case Int, Long:
			return compareNumbers(a, b) == 0
		}
		return false
	case Float:
		b, ok := b.(Float)
		return ok && math.Float64bits(float64(a)) == math.Float64bits(float64(b))
	case List:
		b, ok := b.(List)
		return ok && e.items(a, b)
	case Tuple:
		b, ok := b.(Tuple)
		return ok && e.items(a, b)
	case Set:
		b, ok := b.(Set)
		return ok && e.sets(a, b)
	case *Map:
		b, ok := b.(*Map)
		return ok && e.maps(a, b)
	case Exception:
		b, ok := b.(Exception)
		return ok && a.Class == b.Class && e.items(a.Args, b.Args)
	}
	ta, tb := reflect.TypeOf(a), reflect.TypeOf(b)
	return ta == tb && ta.Comparable() && a == b
}

func (e *equality) items(a, b []Value) bool {
	if len(a) != len(b) || e.left.enter(len(a)) != nil {
		return false
	}
	for i := range a {
		if !e.equal(a[i], b[i]) {
			return false
		}
	}
	e.left.depth++
	return true
}

func (e *equality) maps(a, b *Map) bool {
	if a.Len() != b.Len() || e.left.enter(2*a.Len()) != nil {
		return false
	}
	for i, p := range a.Pairs() {
		q := b.Pairs()[i]
		if !e.equal(p.Key, q.Key) || !e.equal(p.Value, q.Value) {
			return false
		}
	}
	e.left.depth++
	return true
}

// sets compares members in the order of keys, whatever their own order is.
func (e *equality) sets(a, b Set) bool {
	if len(a) != len(b) {
		return false
	}
	a, aOK := sortedSet(a)
	b, bOK := sortedSet(b)
	return aOK && bOK && e.items(a, b)
}

func sortedSet(s Set) (Set, bool) {
	if newBudget().acyclic(s) != nil {
		return nil, false
	}
	order := ^keyOrder(0)
	for _, v := range s {
		order = order.withKey(v, 0)
	}
	s = slices.Clone(s)
	slices.SortStableFunc(s, func(v, w Value) int { return order.compare(v, w, 0) })
	return s, true
}
