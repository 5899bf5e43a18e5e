package codec

import (
	"fmt"
	"slices"
	"sort"
)

// Pair is a key and its value.
type Pair struct{ Key, Value Value }

// Map is a Python dict. It never changes once it is made. Its pairs are in the
// order of the wire: None, then numbers by value, then by type name and value.
type Map struct {
	pairs []Pair
	order keyOrder
	// foreign is set where a key is of another package: its place is known
	// only when it has become a reference.
	foreign bool
}

// NewMap makes a map of the pairs, in any order. Of several pairs with the same
// key the last value counts, under the first key, as in Python. The error wraps
// ErrUnhashable, or ErrDepth for a key that contains itself.
func NewMap(pairs ...Pair) (*Map, error) {
	w := newBudget()
	for _, p := range pairs {
		if err := w.hashable(p.Key); err != nil {
			return nil, err
		}
	}
	return makeMap(slices.Clone(pairs)), nil
}

// MapOf makes a map with strings as keys.
func MapOf(m map[string]Value) *Map {
	pairs := make([]Pair, 0, len(m))
	for name, v := range m {
		pairs = append(pairs, Pair{StringValue(name), v})
	}
	return makeMap(pairs)
}

// makeMap takes over the pairs, whose keys must be hashable.
func makeMap(pairs []Pair) *Map {
	m := &Map{order: ^keyOrder(0)}
	sorted := true
	for i := range pairs {
		m.order = m.order.withKey(pairs[i].Key, 0)
		m.foreign = m.foreign || foreignKey(pairs[i].Key)
	}
	for i := 1; i < len(pairs) && sorted; i++ {
		sorted = m.order.compare(pairs[i-1].Key, pairs[i].Key, 0) < 0
	}
	if !sorted {
		pairs = m.sort(pairs)
	}
	m.pairs = pairs
	return m
}

// sort brings the pairs into order and merges those with the same key.
func (m *Map) sort(pairs []Pair) []Pair {
	slices.SortStableFunc(pairs, func(p, q Pair) int {
		return m.order.compare(p.Key, q.Key, 0)
	})
	kept := pairs[:1]
	for _, p := range pairs[1:] {
		last := &kept[len(kept)-1]
		if m.order.compare(last.Key, p.Key, 0) == 0 {
			last.Value = p.Value
			continue
		}
		kept = append(kept, p)
	}
	clear(pairs[len(kept):])
	return kept
}

// foreignKey tells whether a key is, or holds, a value of another package.
func foreignKey(key Value) bool {
	if t, ok := key.(Tuple); ok {
		return slices.ContainsFunc(t, foreignKey)
	}
	return isForeign(key)
}

// Len returns the number of pairs. A nil Map is empty.
func (m *Map) Len() int {
	if m == nil {
		return 0
	}
	return len(m.pairs)
}

// Pairs returns the pairs in the order of the wire. They must not be changed.
func (m *Map) Pairs() []Pair {
	if m == nil {
		return nil
	}
	return m.pairs
}

// Get returns the value of a key. As in Python, 1 finds True and 1.0, and ASCII
// bytes find the same text.
func (m *Map) Get(key Value) (Value, bool) {
	if m.Len() == 0 || newBudget().hashable(key) != nil {
		return nil, false
	}
	i, found := sort.Find(len(m.pairs), func(i int) int {
		return m.order.compare(key, m.pairs[i].Key, 0)
	})
	if !found {
		return nil, false
	}
	return m.pairs[i].Value, true
}

// StringValue returns s as a Go program means it: Bytes if it is ASCII, as the
// original has its strings; Text if it is other UTF-8; Bytes if it is neither.
func StringValue(s string) Value {
	if isASCII(s) || !validText(s) {
		return Bytes(s)
	}
	return Text(s)
}

// StringOf returns the string of Bytes or Text.
func StringOf(v Value) (string, bool) {
	switch v := v.(type) {
	case Bytes:
		return string(v), true
	case Text:
		return string(v), true
	}
	return "", false
}

// resolved returns the map with its foreign keys made references by ref.
func (m *Map) resolved(ref func(Value) (Ref, error)) (*Map, error) {
	pairs := slices.Clone(m.pairs)
	for i := range pairs {
		key, err := resolveKey(pairs[i].Key, ref)
		if err != nil {
			return nil, err
		}
		pairs[i].Key = key
	}
	return makeMap(pairs), nil
}

func resolveKey(key Value, ref func(Value) (Ref, error)) (Value, error) {
	if t, ok := key.(Tuple); ok {
		t = slices.Clone(t)
		for i := range t {
			item, err := resolveKey(t[i], ref)
			if err != nil {
				return nil, err
			}
			t[i] = item
		}
		return t, nil
	}
	if !isForeign(key) {
		return key, nil
	}
	if ref == nil {
		return nil, fmt.Errorf("%w: %T as a key", ErrUnencodable, key)
	}
	return ref(key)
}
