package codec

import (
	"bytes"
	"encoding/binary"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// keyOrder says, for each depth inside keys that are tuples, where strings
// stand among keys of other types. Python 2 orders different types by name, so
// a unicode comes after a tuple and a str before it, yet compares str and
// unicode as text: no order can have all three. Bit d set means that there is
// no str at depth d and unicode keeps its own place; clear means that strings
// stand where str does. Deeper levels than bits share the last bit.
type keyOrder uint64

// unicodeApart is the order of keys that hold no str.
const unicodeApart = ^keyOrder(0)

// maxOrderDepth is the number of the last bit of a keyOrder.
const maxOrderDepth = 63

// withKey clears the bits of the depths at which the key holds a str.
func (o keyOrder) withKey(v Value, depth int) keyOrder {
	switch v := v.(type) {
	case Bytes:
		return o &^ (1 << depth)
	case Tuple:
		for _, item := range v {
			o = o.withKey(item, min(depth+1, maxOrderDepth))
		}
	}
	return o
}

func (o keyOrder) rankOfStrings(depth int) byte {
	if o>>depth&1 != 0 {
		return rankUnicode
	}
	return rankStr
}

// Ranks of the types, in the order of the names that Python 2 gives them. Zero
// ends a tuple, so that the shorter of two comes first.
const (
	rankEnd      byte = iota
	rankNone          // smaller than anything
	rankNaN           // nan comes before all other numbers
	rankNumber        // numbers have the empty name
	rankRef           // Proxy
	rankForeign       // becomes a Ref when it is sent
	rankEllipsis      // ellipsis
	rankError         // exceptions.…
	rankStr           // str
	rankTuple         // tuple
	rankUnicode       // unicode
)

// keyWriter writes keys as bytes in whose order, that of bytes.Compare, the keys
// are. The same key gives the same bytes: 1, 1.0 and True do, and an ASCII str
// and the same unicode. No key gives the start of what another gives, so that
// tuples are their members one after the other. The cost is linear in the key,
// and so is what sorting compares, however alike the keys are.
type keyWriter struct {
	order  keyOrder
	errors uint32 // exceptions so far
}

// append appends a key, which must be hashable.
func (w *keyWriter) append(b []byte, v Value, depth int) []byte {
	switch v := v.(type) {
	case None:
		return append(b, rankNone)
	case Bool:
		return appendIntKey(b, int64(boolInt(bool(v))))
	case Int:
		return appendIntKey(b, int64(v))
	case Long:
		return appendLongKey(b, string(v))
	case Float:
		return appendFloatKey(b, float64(v))
	case Bytes:
		return w.appendString(b, string(v), depth, 0)
	case Text:
		return w.appendString(b, string(v), depth, 1)
	case Tuple:
		b = append(b, rankTuple)
		for _, item := range v {
			b = w.append(b, item, min(depth+1, maxOrderDepth))
		}
		return append(b, rankEnd)
	case Ref:
		b = appendDigits(append(b, rankRef), string(v.ID))
		return appendTerminated(b, string(v.Home))
	case Ellipsis:
		return append(b, rankEllipsis)
	case Exception:
		// No two exceptions are the same key, as objects are not in Python;
		// those of one class stay in the order in which they came.
		w.errors++
		b = appendTerminated(append(b, rankError), v.Class)
		return binary.BigEndian.AppendUint32(b, w.errors)
	}
	// A value of another package is itself alone; the order of addresses means
	// nothing, but that it is one keeps sorting sound.
	return binary.BigEndian.AppendUint64(append(b, rankForeign), uint64(reflect.ValueOf(v).Pointer()))
}

// appendString appends Bytes or Text by their bytes, which for UTF-8 is the order
// of code points. The same bytes are the same key if they are ASCII; otherwise
// Python calls str and unicode different, and str, type 0, comes first.
func (w *keyWriter) appendString(b []byte, s string, depth int, typ byte) []byte {
	b = appendTerminated(append(b, w.order.rankOfStrings(depth)), s)
	if isASCII(s) {
		typ = 0
	}
	return append(b, typ)
}

// appendTerminated appends a string so that a shorter one comes before a longer
// one that starts alike: two zeros end it, and a zero inside is followed by ff.
func appendTerminated(b []byte, s string) []byte {
	for {
		before, after, found := strings.Cut(s, "\x00")
		b = append(b, before...)
		if !found {
			return append(b, 0, 0)
		}
		b = append(b, 0, 0xff)
		s = after
	}
}

// appendDigits appends the decimal digits of a number that is not negative and
// has no leading zeros: the longer one is larger.
func appendDigits(b []byte, digits string) []byte {
	return append(appendI32(b, len(digits)), digits...)
}

// A number is the nearest float64 towards zero, then on which side of the float
// it lies, and where it is not the float itself, its digits.
const (
	sideBelow byte = iota // the number is below the float, which is negative
	sideExact
	sideAbove
)

func appendFloatKey(b []byte, f float64) []byte {
	if math.IsNaN(f) {
		return binary.BigEndian.AppendUint64(append(b, rankNaN), math.Float64bits(f))
	}
	return append(appendOrdered(append(b, rankNumber), f), sideExact)
}

// appendOrdered appends a float that is not nan.
func appendOrdered(b []byte, f float64) []byte {
	const signBit = 1 << 63
	bits := math.Float64bits(f)
	switch {
	case f == 0:
		bits = signBit // 0.0 and -0.0
	case f < 0:
		bits = ^bits
	default:
		bits |= signBit
	}
	return binary.BigEndian.AppendUint64(b, bits)
}

func appendIntKey(b []byte, n int64) []byte {
	magnitude := uint64(n)
	if n < 0 {
		magnitude = -magnitude
	}
	f, exact := floatBelow(magnitude)
	if exact {
		if n < 0 {
			f = -f
		}
		return append(appendOrdered(append(b, rankNumber), f), sideExact)
	}
	var buf [maxInt64Digits + 1]byte
	return appendInexact(b, n < 0, f, string(strconv.AppendUint(buf[:0], magnitude, 10)))
}

func appendLongKey(b []byte, s string) []byte {
	neg, digits, _ := splitLong(s)
	if n, ok := digitsInt64(neg, digits); ok {
		return appendIntKey(b, n)
	}
	f, exact := floatBelowDigits(digits)
	if !exact {
		return appendInexact(b, neg, f, digits)
	}
	if neg {
		f = -f
	}
	return append(appendOrdered(append(b, rankNumber), f), sideExact)
}

// appendInexact appends an integer whose magnitude is above f and has these
// digits.
func appendInexact(b []byte, neg bool, f float64, digits string) []byte {
	if !neg {
		return appendDigits(append(appendOrdered(append(b, rankNumber), f), sideAbove), digits)
	}
	b = append(appendOrdered(append(b, rankNumber), -f), sideBelow)
	start := len(b)
	b = appendDigits(b, digits)
	for i := start; i < len(b); i++ {
		b[i] = ^b[i]
	}
	return b
}

// keyTable holds keys as a keyWriter writes them.
type keyTable struct {
	keys  []byte   // one after the other
	ends  []uint32 // where each ends in keys, 0 before the first
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

// sorted returns the numbers of the keys in their order, equal ones in the order
// in which they came, or nil where they are in order and distinct already.
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

// entry is a key in a table that is sorted: its first bytes and its number.
type entry struct {
	head uint64
	i    uint32
}

// ascending tells that a comes before b without writing keys, for the types that
// most keys have; false means that it does not know.
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

// firstOfSmall removes later duplicates of small members, in place: they are the
// only ones of which a set of n bytes can have n or n/2.
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

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// isForeign tells whether v is of another package: something that becomes a
// Ref when it is sent.
func isForeign(v Value) bool {
	switch v.(type) {
	case nil, None, Bool, Int, Long, Float, Bytes, Text, List, Tuple, Set, *Map, Slice, Ellipsis, Exception, Ref:
		return false
	}
	return true
}
