package codec

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Parse reads one value from the start of b and returns its length n; it ignores
// the bytes after it. The value shares no memory with b, and Parse allocates at
// most a small multiple of n.
//
// Errors are *WireError and wrap ErrTruncated, ErrTag, ErrSeq, ErrNumber,
// ErrCodec, ErrText, ErrUnhashable, or for the limits ErrDepth, ErrItems,
// ErrSize.
func Parse(b []byte, lim Limits) (v Value, n int, err error) {
	p := newParser(b, lim)
	v, err = p.value()
	if err != nil {
		return nil, 0, err
	}
	return v, p.off, nil
}

// ParseAttrs reads a MAP with strings as keys, tag included, from the start of b:
// every packet is one, after its command. The attributes are in the order of the
// wire, which need not be sorted; of several with the same name the last value
// counts, at the position of the first. A key that is no string wraps ErrTag.
// Other errors are those of Parse.
func ParseAttrs(b []byte, lim Limits) (attrs []Attr, n int, err error) {
	p := newParser(b, lim)
	attrs, err = p.attrs()
	if err != nil {
		return nil, 0, err
	}
	return attrs, p.off, nil
}

// parser reads values from b. It allocates memory for the members of a container
// before it reads them. owed makes that safe: it is the number of bytes that the
// containers around the current value still need at least. The parser refuses a
// count that does not fit into the bytes beyond these, so all containers together
// never have more members than there are bytes, however they are nested.
type parser struct {
	b     []byte // up to the limit
	lim   Limits
	whole int // length of the input, limit or not
	off   int
	depth int // containers around the current value
	items int // members announced so far
	owed  int // bytes
	steps int // comparisons so far, for the tests
}

func newParser(b []byte, lim Limits) parser {
	lim = lim.withDefaults()
	return parser{b: b[:min(len(b), lim.Bytes)], lim: lim, whole: len(b)}
}

func (p *parser) fail(off int, kind error, format string, args ...any) error {
	return &WireError{Offset: off, Err: kind, Detail: fmt.Sprintf(format, args...)}
}

// short returns the error for n bytes that are wanted and not there.
func (p *parser) short(n int) error {
	switch left := p.whole - p.off; {
	case n < 0:
		return p.fail(p.off, ErrTruncated, "length %d", n)
	case n > left:
		return p.fail(p.off, ErrTruncated, "%d bytes wanted, %d left", n, left)
	}
	return p.fail(p.off, ErrSize, "more than %d bytes", p.lim.Bytes)
}

// next returns the next n bytes, or nil where there are fewer.
func (p *parser) next(n int) []byte {
	if uint(n) > uint(len(p.b)-p.off) {
		return nil
	}
	b := p.b[p.off:][:n]
	p.off += n
	return b
}

func (p *parser) byte() (byte, error) {
	b := p.next(sizeByte)
	if b == nil {
		return 0, p.short(sizeByte)
	}
	return b[0], nil
}

func (p *parser) i32() (int, error) {
	b := p.next(sizeI32)
	if b == nil {
		return 0, p.short(sizeI32)
	}
	return int(int32(binary.BigEndian.Uint32(b))), nil
}

// raw reads a length and that many bytes.
func (p *parser) raw() ([]byte, error) {
	n, err := p.i32()
	if err != nil {
		return nil, err
	}
	b := p.next(n)
	if b == nil {
		return nil, p.short(n)
	}
	return b, nil
}

// count reads the number of members of a container, each of at least size
// bytes and weighing so many items.
func (p *parser) count(size, weight int) (int, error) {
	at := p.off
	n, err := p.i32()
	if err != nil {
		return 0, err
	}
	if n < 0 || n*size > len(p.b)-p.off-p.owed {
		left := p.whole - p.off - p.owed
		if n >= 0 && n*size <= left {
			return 0, p.fail(at, ErrSize, "more than %d bytes", p.lim.Bytes)
		}
		return 0, p.fail(at, ErrTruncated, "%d members in %d bytes", n, max(left, 0))
	}
	return n, p.enter(at, n*weight)
}

// enter counts a container with n members; the caller leaves it by decrementing
// depth.
func (p *parser) enter(at, n int) error {
	p.depth++
	p.items += n
	switch {
	case p.depth > p.lim.Depth:
		return p.fail(at, ErrDepth, "more than %d containers inside each other", p.lim.Depth)
	case p.items > p.lim.Items:
		return p.fail(at, ErrItems, "more than %d", p.lim.Items)
	}
	return nil
}

// value reads a tag and what belongs to it.
func (p *parser) value() (Value, error) {
	at := p.off
	if at >= len(p.b) {
		return nil, p.short(sizeTag)
	}
	p.off++
	want := 0 // bytes of a body of fixed size
	switch tag := p.b[at]; tag {
	case tagInt:
		if b := p.next(sizeI32); b != nil {
			return intValue(i32(b)), nil
		}
		want = sizeI32
	case tagLong:
		return p.long()
	case tagFloat:
		if b := p.next(sizeFloat); b != nil {
			return Float(math.Float64frombits(binary.BigEndian.Uint64(b))), nil
		}
		want = sizeFloat
	case tagBytes:
		b, err := p.raw()
		if err != nil {
			return nil, err
		}
		return bytesValue(b), nil
	case tagText:
		return p.text()
	case tagBool:
		if b := p.next(sizeI32); b != nil {
			return Bool(binary.BigEndian.Uint32(b) != 0), nil
		}
		want = sizeI32
	case tagSeq:
		return p.seq()
	case tagMap:
		return p.dict()
	case tagByte:
		if b := p.next(sizeByte); b != nil {
			return Int(b[0]), nil
		}
		want = sizeByte
	case tagNone:
		return None{}, nil
	case tagSlice:
		if b := p.next(sizeSlice); b != nil {
			return Slice{int32(i32(b)), int32(i32(b[sizeI32:])), int32(i32(b[2*sizeI32:]))}, nil
		}
		want = sizeSlice
	case tagEllipsis:
		return Ellipsis{}, nil
	case tagError:
		return p.exception()
	case tagRef:
		return p.reference()
	default:
		return nil, p.fail(at, ErrTag, "%#02x", tag)
	}
	return nil, p.short(want)
}

func (p *parser) long() (Value, error) {
	at := p.off
	b, err := p.raw()
	if err != nil {
		return nil, err
	}
	s, ok := canonicalLong(string(b))
	if !ok {
		return nil, p.fail(at, ErrNumber, "%s", excerpt(b))
	}
	return Long(s), nil
}

func (p *parser) text() (Value, error) {
	at := p.off
	name, err := p.raw()
	if err != nil {
		return nil, err
	}
	data, err := p.raw()
	if err != nil {
		return nil, err
	}
	text, err := decodeText(name, data)
	if err != nil {
		return nil, p.fail(at, err, "%s", excerpt(name))
	}
	return Text(text), nil
}

// seqHeader reads the count and the kind of a SEQ body. A kind above most is
// ErrSeq.
func (p *parser) seqHeader(most byte) (n int, kind byte, err error) {
	if n, err = p.count(minValue, 1); err != nil {
		return 0, 0, err
	}
	if kind, err = p.byte(); err != nil {
		return 0, 0, err
	}
	if kind > most {
		return 0, 0, p.fail(p.off-sizeByte, ErrSeq, "kind %d", kind)
	}
	return n, kind, nil
}

// members reads n values of a container that was entered, and leaves it.
func (p *parser) members(n int) ([]Value, error) {
	items := make([]Value, n)
	p.owed += n * minValue
	for i := range items {
		p.owed -= minValue
		if b := p.b[p.off:]; len(b) >= sizeTag+sizeI32 && b[0] == tagInt { // the most frequent member of long lists
			items[i] = intValue(i32(b[sizeTag:]))
			p.off += sizeTag + sizeI32
			continue
		}
		var err error
		if items[i], err = p.value(); err != nil {
			return nil, err
		}
	}
	p.depth--
	return items, nil
}

func (p *parser) seq() (Value, error) {
	at := p.off
	n, kind, err := p.seqHeader(seqSet)
	if err != nil {
		return nil, err
	}
	items, err := p.members(n)
	if err != nil {
		return nil, err
	}
	switch kind {
	case seqList:
		return List(items), nil
	case seqTuple:
		return Tuple(items), nil
	}
	for _, v := range items {
		if err := p.hashable(at, v); err != nil {
			return nil, err
		}
	}
	items, steps := firstOfEach(items)
	p.steps += steps
	return Set(items), nil
}

// hashable checks a key or a member of a set.
func (p *parser) hashable(at int, v Value) error {
	switch v.(type) {
	case Bytes, Text, Int: // most are
		return nil
	}
	w := unlimited()
	if w.hashable(v) != nil {
		return p.fail(at, ErrUnhashable, "%s", pythonName(v))
	}
	return nil
}

// pair reads the header of a pair; a key and a value follow.
func (p *parser) pair() error {
	b := p.next(sizeSeqHdr)
	if b == nil {
		return p.short(sizeSeqHdr)
	}
	if n, kind := i32(b), b[sizeI32]; n != pairLen || kind > seqTuple {
		return p.fail(p.off-sizeSeqHdr, ErrSeq, "a pair of %d members and kind %d", n, kind)
	}
	return nil
}

func (p *parser) dict() (Value, error) {
	n, err := p.count(minPair, pairLen)
	if err != nil {
		return nil, err
	}
	m, pairs := newMap(n)
	p.owed += n * minPair
	for i := range pairs {
		p.owed -= minPair
		if err := p.pair(); err != nil {
			return nil, err
		}
		at := p.off
		p.owed += minValue
		if pairs[i].Key, err = p.value(); err != nil {
			return nil, err
		}
		p.owed -= minValue
		if err := p.hashable(at, pairs[i].Key); err != nil {
			return nil, err
		}
		if pairs[i].Value, err = p.value(); err != nil {
			return nil, err
		}
	}
	p.depth--
	p.steps += m.fill(pairs)
	return m, nil
}

func (p *parser) exception() (Value, error) {
	class, err := p.raw()
	if err != nil {
		return nil, err
	}
	args, err := p.addressOrArgs()
	if err != nil {
		return nil, err
	}
	return Exception{Class: string(class), Args: args}, nil
}

// addressOrArgs reads an untagged SEQ body: a tuple, or a list, which originals
// accept here too.
func (p *parser) addressOrArgs() ([]Value, error) {
	n, _, err := p.seqHeader(seqTuple)
	if err != nil {
		return nil, err
	}
	return p.members(n)
}

// home passes over a home, which may consist of any values.
func (p *parser) home() error {
	if n := plainHomeLen(p.b[p.off:]); n > 0 && n <= len(p.b)-p.off-p.owed {
		err := p.enter(p.off, addrLen)
		p.depth--
		p.off += n
		return err
	}
	_, err := p.addressOrArgs()
	return err
}

func (p *parser) reference() (Value, error) {
	at := p.off
	raw, err := p.raw()
	if err != nil {
		return nil, err
	}
	neg, digits, ok := splitLong(raw)
	if !ok || neg {
		return nil, p.fail(at, ErrNumber, "object id %s", excerpt(raw))
	}
	start := p.off
	if err := p.home(); err != nil {
		return nil, err
	}
	if len(digits) < len(raw) {
		return Ref{ID: ID(digits), Home: Home(p.b[start:p.off])}, nil
	}
	both := string(p.b[start-len(digits) : p.off]) // id and home follow each other: one allocation
	return Ref{ID: ID(both[:len(digits)]), Home: Home(both[len(digits):])}, nil
}
