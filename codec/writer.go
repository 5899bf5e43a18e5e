package codec

import (
	"encoding/binary"
	"fmt"
	"math"
)

// writer is the state of one Append.
type writer struct {
	ref   func(v Value) (Ref, error)
	lim   Limits
	start int     // where the value starts in the buffer
	depth int     // containers around the current value
	items int     // members so far
	exact *[]byte // spare buffer of exactSet; if not nil, Equal values give the same bytes
}

// value writes one value with its tag.
func (w *writer) value(b []byte, v Value) ([]byte, error) {
	switch v := v.(type) {
	case None:
		b = append(b, tagNone)
	case Bool:
		b = AppendBool(b, bool(v))
	case Int:
		b = AppendInt(b, int64(v))
	case Long:
		if w.exact != nil {
			return w.exactLong(b, v)
		}
		return w.long(append(b, tagLong), string(v))
	case Float:
		b = binary.BigEndian.AppendUint64(append(b, tagFloat), math.Float64bits(float64(v)))
	case Bytes:
		return w.raw(append(b, tagBytes), string(v))
	case Text:
		if !validText(string(v)) && w.exact == nil {
			return b, fmt.Errorf("%w: not UTF-8: %s", ErrText, excerpt(v))
		}
		if len(v) > w.room(b)-textHead {
			return b, w.tooLarge()
		}
		return AppendText(b, string(v)), nil
	case List:
		return w.seq(append(b, tagSeq), v, seqList)
	case Tuple:
		return w.seq(append(b, tagSeq), v, seqTuple)
	case Set:
		if w.exact != nil {
			return w.exactSet(append(b, tagSeq), v)
		}
		return w.seq(append(b, tagSeq), v, seqSet)
	case *Map:
		return w.dict(append(b, tagMap), v)
	case Slice:
		b = appendI32(append(b, tagSlice), int(v.Start))
		b = appendI32(appendI32(b, int(v.Stop)), int(v.Step))
	case Ellipsis:
		b = append(b, tagEllipsis)
	case Exception:
		b, err := w.raw(append(b, tagError), v.Class)
		if err != nil {
			return b, err
		}
		return w.seq(b, v.Args, seqTuple)
	case Ref:
		if w.exact != nil {
			return w.exactRef(append(b, tagRef), v)
		}
		return w.reference(append(b, tagRef), v)
	default:
		return w.foreign(b, v)
	}
	return w.sized(b)
}

// sized checks the length so far.
func (w *writer) sized(b []byte) ([]byte, error) {
	if len(b)-w.start > w.lim.Bytes {
		return b, w.tooLarge()
	}
	return b, nil
}

// room returns the number of bytes that may follow b.
func (w *writer) room(b []byte) int {
	return min(w.lim.Bytes-(len(b)-w.start), math.MaxInt32)
}

func (w *writer) tooLarge() error {
	return fmt.Errorf("%w: more than %d bytes", ErrSize, w.lim.Bytes)
}

// raw writes a length and the bytes of a string.
func (w *writer) raw(b []byte, s string) ([]byte, error) {
	if len(s) > w.room(b)-sizeI32 {
		return b, w.tooLarge()
	}
	return append(appendI32(b, len(s)), s...), nil
}

// long writes the decimal text of a LONG, in canonical form.
func (w *writer) long(b []byte, s string) ([]byte, error) {
	neg, digits, ok := splitLong(s)
	if !ok {
		return b, fmt.Errorf("%w: Long %s", ErrUnencodable, excerpt(s))
	}
	if !neg {
		return w.raw(b, digits)
	}
	if len(digits)+1 > w.room(b)-sizeI32 {
		return b, w.tooLarge()
	}
	b = append(appendI32(b, len(digits)+1), '-')
	return append(b, digits...), nil
}

// enter counts a container of n members; the caller leaves it by decrementing
// depth.
func (w *writer) enter(n int) error {
	w.depth++
	w.items += n
	switch {
	case w.depth > w.lim.Depth:
		return fmt.Errorf("%w: more than %d containers inside each other", ErrDepth, w.lim.Depth)
	case w.items > w.lim.Items || n > math.MaxInt32:
		return fmt.Errorf("%w: more than %d", ErrItems, w.lim.Items)
	}
	return nil
}

// seq writes the body of a SEQ.
func (w *writer) seq(b []byte, items []Value, kind byte) ([]byte, error) {
	if err := w.enter(len(items)); err != nil {
		return b, err
	}
	b = appendSeqHeader(b, len(items), kind)
	for _, item := range items {
		if n, ok := item.(Int); ok { // the most frequent member of long lists
			b = AppendInt(b, int64(n))
			continue
		}
		var err error
		if b, err = w.value(b, item); err != nil {
			return b, err
		}
	}
	w.depth--
	return w.sized(b)
}

// dict writes the body of a MAP.
func (w *writer) dict(b []byte, m *Map) ([]byte, error) {
	if m != nil && m.foreign && w.exact == nil {
		var err error
		if m, err = m.resolved(w.ref); err != nil {
			return b, err
		}
	}
	if err := w.enter(pairLen * m.Len()); err != nil {
		return b, err
	}
	b = appendI32(b, m.Len())
	for _, p := range m.Pairs() {
		var err error
		b = appendSeqHeader(b, pairLen, seqTuple)
		if b, err = w.value(b, p.Key); err != nil {
			return b, err
		}
		if b, err = w.value(b, p.Value); err != nil {
			return b, err
		}
	}
	w.depth--
	return w.sized(b)
}

// attrs writes the body of a MAP with names as keys.
func (w *writer) attrs(b []byte, attrs []Attr) ([]byte, error) {
	if !strictlySorted(attrs) {
		attrs = sortAttrs(attrs)
	}
	if err := w.enter(pairLen * len(attrs)); err != nil {
		return b, err
	}
	b = appendI32(b, len(attrs))
	for _, a := range attrs {
		var err error
		b = appendSeqHeader(b, pairLen, seqTuple)
		if b, err = w.raw(append(b, tagBytes), a.Name); err != nil {
			return b, err
		}
		if b, err = w.value(b, a.Value); err != nil {
			return b, err
		}
	}
	w.depth--
	return w.sized(b)
}

// reference writes the body of a REF. It checks a home that NewHome and Parse do
// not make: a malformed one would garble everything after it.
func (w *writer) reference(b []byte, r Ref) ([]byte, error) {
	neg, digits, ok := splitLong(string(r.ID))
	if !ok || neg {
		return b, fmt.Errorf("%w: reference with the id %s", ErrUnencodable, excerpt(r.ID))
	}
	b, err := w.raw(b, digits)
	if err != nil {
		return b, err
	}
	if plainHomeLen(r.Home) == len(r.Home) && r.Home != "" {
		err = w.enter(addrLen)
		w.depth--
	} else {
		err = w.checkHome(r.Home)
	}
	if err != nil {
		return b, err
	}
	return w.sized(append(b, r.Home...))
}

// checkHome parses a home of unusual shape.
func (w *writer) checkHome(h Home) error {
	p := newParser([]byte(h), w.lim)
	p.depth, p.items = w.depth, w.items
	if err := p.home(); err != nil {
		return fmt.Errorf("%w: reference with a bad home: %w", ErrUnencodable, err)
	}
	if p.off != len(h) {
		return fmt.Errorf("%w: reference with a home and %d bytes more", ErrUnencodable, len(h)-p.off)
	}
	w.items = p.items
	return nil
}

// foreign writes a value of another package as the reference it becomes.
func (w *writer) foreign(b []byte, v Value) ([]byte, error) {
	if v == nil {
		return b, fmt.Errorf("%w: no value", ErrUnencodable)
	}
	if w.exact != nil {
		return w.exactForeign(b, v)
	}
	if w.ref == nil {
		return b, fmt.Errorf("%w: %T", ErrUnencodable, v)
	}
	r, err := w.ref(v)
	if err != nil {
		return b, err
	}
	return w.reference(append(b, tagRef), r)
}
