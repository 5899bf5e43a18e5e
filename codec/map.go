package codec

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"sort"
)

// Pair is a key and its value.
type Pair struct{ Key, Value Value }

// Map is a Python dict that never changes. Its pairs are in the order of the wire:
// None, then numbers by value, then by type name and value.
type Map struct {
	pairs []Pair
	order keyOrder
	// foreign is set if a key is a value of another package: the map is sorted
	// again when the writer has made a reference of it.
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

// newMap returns an empty map and room for n pairs, for small maps in one
// allocation.
func newMap(n int) (*Map, []Pair) {
	switch {
	case n == 0:
		return new(Map), nil
	case n <= 2:
		var all struct {
			m     Map
			pairs [2]Pair
		}
		return &all.m, all.pairs[:n]
	case n <= 4:
		var all struct {
			m     Map
			pairs [4]Pair
		}
		return &all.m, all.pairs[:n]
	}
	return new(Map), make([]Pair, n)
}

// makeMap takes over the pairs, whose keys must be hashable.
func makeMap(pairs []Pair) *Map {
	m := new(Map)
	m.fill(pairs)
	return m
}

// fill takes over the pairs and returns the steps that it took to order them.
func (m *Map) fill(pairs []Pair) (steps int) {
	m.order, m.pairs = unicodeApart, pairs
	i := 1
	for i < len(pairs) && ascending(pairs[i-1].Key, pairs[i].Key) {
		i++
	}
	if i > 1 && i >= len(pairs) {
		m.order = m.order.withKey(pairs[0].Key, 0) // all keys have the type of the first
		return i
	}
	for i := range pairs {
		m.order = m.order.withKey(pairs[i].Key, 0)
		m.foreign = m.foreign || foreignKey(pairs[i].Key)
	}
	if len(pairs) < 2 {
		return i
	}
	t := makeKeys(len(pairs), m.order, func(i int) Value { return pairs[i].Key })
	if sorted := t.sorted(); sorted != nil {
		m.pairs = t.merge(pairs, sorted)
	}
	return t.steps
}

// merge returns the pairs in order, those with the same key as one.
func (t *keyTable) merge(pairs []Pair, sorted []entry) []Pair {
	merged := make([]Pair, 0, len(pairs))
	for i, e := range sorted {
		if i > 0 && t.compare(sorted[i-1].i, e.i) == 0 {
			merged[len(merged)-1].Value = pairs[e.i].Value
			continue
		}
		merged = append(merged, pairs[e.i])
	}
	return merged
}

// foreignKey tells whether a key is or contains a value of another package.
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

// Pairs returns the pairs in the order of the wire. The caller must not change
// them.
func (m *Map) Pairs() []Pair {
	if m == nil {
		return nil
	}
	return m.pairs
}

// Get returns the value of a key. As in Python, 1 finds True and 1.0, and ASCII
// bytes find the same text; an exception finds nothing.
func (m *Map) Get(key Value) (Value, bool) {
	if m.Len() == 0 || newBudget().hashable(key) != nil {
		return nil, false
	}
	const usual = 64 // bytes: most keys are shorter
	var sought, probe [usual]byte
	w := keyWriter{order: m.order, errors: math.MaxUint32} // no exception of the map has this number
	k := w.append(sought[:0], key, 0)
	i, found := sort.Find(len(m.pairs), func(i int) int {
		w.errors = 0
		return bytes.Compare(k, w.append(probe[:0], m.pairs[i].Key, 0))
	})
	if !found {
		return nil, false
	}
	return m.pairs[i].Value, true
}

// resolved returns the map with references, made by ref, in place of its foreign
// keys.
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
