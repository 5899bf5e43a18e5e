package codec

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"reflect"
)

// Equal tells whether two values are the same in structure and type: Int(5)
// and Long("5") are, Bytes and Text are not, nor are a list and a tuple, nor 1
// and 1.0. Floats are compared by their bits, so that a nan equals itself.
// Sets are equal whatever their order, but not if they have more than one member
// and one is a value of another package that is no pointer. Values that are nested
// deeper than DefaultDepth, as those that contain themselves are, equal nothing.
// The time is n log n for sets of n bytes and linear otherwise.
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
			return sameInteger(a, b)
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

// sets compares sets by their exact encodings, in which the order of the members
// does not depend on the order in the set.
func (e *equality) sets(a, b Set) bool {
	if len(a) != len(b) {
		return false
	}
	if len(a) < 2 {
		return e.items(a, b)
	}
	var spare []byte
	w := writer{exact: &spare, lim: defaultLimits}
	x, err := w.value(nil, a)
	if err != nil {
		return false
	}
	w = writer{exact: &spare, lim: defaultLimits}
	y, err := w.value(nil, b)
	return err == nil && bytes.Equal(x, y)
}

// exactSet writes a set with its members in the order of their bytes.
func (w *writer) exactSet(b []byte, s Set) ([]byte, error) {
	if err := w.enter(len(s)); err != nil {
		return b, err
	}
	b = appendSeqHeader(b, len(s), seqSet)
	start := len(b)
	t := keyTable{ends: make([]uint32, 1, len(s)+1)}
	for _, item := range s {
		var err error
		if b, err = w.value(b, item); err != nil {
			return b, err
		}
		t.ends = append(t.ends, uint32(len(b)-start))
	}
	t.keys = b[start:]
	if sorted := t.sorted(); sorted != nil {
		spare := (*w.exact)[:0]
		for _, e := range sorted {
			spare = append(spare, t.key(e.i)...)
		}
		copy(t.keys, spare)
		*w.exact = spare
	}
	w.depth--
	return w.sized(b)
}

// exactLong writes an integer as INT or LONG, by its value.
func (w *writer) exactLong(b []byte, v Long) ([]byte, error) {
	if n, ok := Int64Of(v); ok {
		return w.sized(AppendInt(b, n))
	}
	s, ok := canonicalLong(string(v))
	if !ok {
		s = "" // malformed ones are Equal
	}
	return w.raw(append(b, tagLong), s)
}

// exactRef writes a reference, even one that the wire cannot carry.
func (w *writer) exactRef(b []byte, r Ref) ([]byte, error) {
	b, err := w.raw(b, string(r.ID))
	if err != nil {
		return b, err
	}
	return w.raw(b, string(r.Home))
}

// exactForeign writes a value of another package: its address, after a tag that
// no value has.
func (w *writer) exactForeign(b []byte, v Value) ([]byte, error) {
	p := reflect.ValueOf(v)
	if p.Kind() != reflect.Pointer {
		return b, fmt.Errorf("%w: %T", ErrUnencodable, v)
	}
	return binary.BigEndian.AppendUint64(append(b, tagBase), uint64(p.Pointer())), nil
}

// sameInteger compares Int and Long.
func sameInteger(a, b Value) bool {
	n, small := Int64Of(a)
	m, ok := Int64Of(b)
	if small || ok {
		return small == ok && n == m
	}
	x, _ := a.(Long)
	y, _ := b.(Long)
	xNeg, xDigits, xOK := splitLong(string(x))
	yNeg, yDigits, yOK := splitLong(string(y))
	return xOK == yOK && xNeg == yNeg && xDigits == yDigits
}
