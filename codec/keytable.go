package codec

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// keyTable is a table of keys as a keyWriter writes them.
type keyTable struct {
	keys  []byte   // one after the other
	ends  []uint32 // offset of the end of each in keys, 0 before the first
	steps int      // comparisons, weighted by their length, for the tests
}

// keyLen returns the length in bytes of most keys of the type of v, 0 where it
// differs much.
func keyLen(v Value) int {
	switch v.(type) {
	case None, Ellipsis:
		return 1
	case Bool, Int, Long, Float:
		return 1 + sizeFloat + 1 // rank, float, side
	}
	return 0
}

// makeKeys writes n keys.
func makeKeys(n int, order keyOrder, key func(i int) Value) *keyTable {
	size := 0
	for i := range n {
		size += keyLen(key(i))
	}
	t := &keyTable{keys: make([]byte, 0, size), ends: make([]uint32, n+1)}
	w := keyWriter{order: order}
	for i := range n {
		t.keys = w.append(t.keys, key(i), 0)
		t.ends[i+1] = uint32(len(t.keys))
	}
	t.steps = n + len(t.keys)/stride
	return t
}

func (t *keyTable) key(i uint32) []byte { return t.keys[t.ends[i]:t.ends[i+1]] }

// stride is the number of bytes that count as one step: bytes.Compare takes at
// least so many at once.
const stride = 16

func (t *keyTable) compare(i, j uint32) int {
	a, b := t.key(i), t.key(j)
	t.steps += 1 + min(len(a), len(b))/stride
	return bytes.Compare(a, b)
}

// sorted returns the keys in order, equal ones in the order in which they came; nil
// means that the table is in order already and has no key twice.
func (t *keyTable) sorted() []entry {
	n := uint32(len(t.ends) - 1)
	i := uint32(1)
	for i < n && t.compare(i-1, i) < 0 {
		i++
	}
	if i >= n {
		return nil
	}
	entries := make([]entry, n)
	for i := range entries {
		var head [sizeFloat]byte
		copy(head[:], t.key(uint32(i)))
		entries[i] = entry{binary.BigEndian.Uint64(head[:]), uint32(i)}
	}
	slices.SortFunc(entries, func(a, b entry) int {
		t.steps++
		if a.head != b.head {
			if a.head < b.head {
				return -1
			}
			return 1
		}
		if c := t.compare(a.i, b.i); c != 0 {
			return c
		}
		return int(a.i) - int(b.i)
	})
	return entries
}

// entry is a key in a table that is sorted.
type entry struct {
	head uint64 // its first bytes: most comparisons need no more
	i    uint32 // its number in the table
}

// ascending tells whether a comes before b, for the types that most keys have. For
// other types it is false: the keys must be written to know.
func ascending(a, b Value) bool {
	switch a := a.(type) {
	case Bytes:
		b, ok := b.(Bytes)
		return ok && a < b
	case Text:
		b, ok := b.(Text)
		return ok && a < b
	case Int:
		b, ok := b.(Int)
		return ok && a < b
	}
	return false
}

// numSmall is the number of members that firstOfSmall knows: None, Ellipsis and
// the numbers of one byte.
const numSmall = 1 + 1 + 1<<8

// smallKey returns the number of such a member.
func smallKey(v Value) (n int, ok bool) {
	switch v := v.(type) {
	case None:
		return 0, true
	case Ellipsis:
		return 1, true
	case Bool:
		return 2 + boolInt(bool(v)), true
	case Int:
		return 2 + int(v), v >= 0 && v < 1<<8
	}
	return 0, false
}

// firstOfSmall removes later duplicates of small members, in place. A set of n
// bytes can have n or n/2 of these, but at most n/5 others.
func firstOfSmall(items []Value) []Value {
	var seen [numSmall]bool
	kept := items[:0]
	for _, v := range items {
		n, ok := smallKey(v)
		if ok && seen[n] {
			continue
		}
		if ok {
			seen[n] = true
		}
		kept = append(kept, v)
	}
	clear(items[len(kept):])
	return kept
}

// firstOfEach removes later duplicates from the members of a set, in place. All
// members must be hashable.
func firstOfEach(items []Value) (kept []Value, steps int) {
	if len(items) > numSmall {
		items = firstOfSmall(items)
	}
	i := 1
	for i < len(items) && ascending(items[i-1], items[i]) {
		i++
	}
	if i >= len(items) {
		return items, i
	}
	order := unicodeApart
	for _, v := range items {
		order = order.withKey(v, 0)
	}
	t := makeKeys(len(items), order, func(i int) Value { return items[i] })
	sorted := t.sorted()
	dropped := false
	for i := 1; i < len(sorted); i++ {
		if t.compare(sorted[i-1].i, sorted[i].i) == 0 {
			items[sorted[i].i] = nil
			dropped = true
		}
	}
	if dropped {
		items = slices.DeleteFunc(items, func(v Value) bool { return v == nil })
	}
	return items, t.steps
}
