package codec

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Parse reads one value from the start of b and returns how many bytes it took;
// what follows is the caller's affair. The value shares no memory with b. What
// is allocated is at most a small multiple of n.
//
// Errors are *WireError and wrap ErrTruncated, ErrTag, ErrSeq, ErrNumber,
// ErrCodec, ErrText, ErrUnhashable, or for the limits ErrDepth, ErrItems,
// ErrSize.
func Parse(b []byte, lim Limits) (v Value, n int, err error) {
	p := parser{b: b, lim: lim.withDefaults()}
	v, err = p.value()
	if err != nil {
		return nil, 0, err
	}
	return v, p.off, nil
}

// ParseAttrs reads a MAP with strings as keys, tag included, from the start of
// b: what every packet is after its command. The attributes are in the order of
// the wire, which need not be sorted; of several with the same name the last
// value counts, in the place of the first. A key that is no string wraps
// ErrTag. Other errors are those of Parse.
func ParseAttrs(b []byte, lim Limits) (attrs []Attr, n int, err error) {
	p := parser{b: b, lim: lim.withDefaults()}
	attrs, err = p.attrs()
	if err != nil {
		return nil, 0, err
	}
	return attrs, p.off, nil
}

// parser reads values from b. Memory for the members of a container is
// allocated before they are read, so their number must be believed; owed makes
// that safe: it is the number of bytes that the containers around the current
// value still need at least. A count that does not fit what is left beyond that
// is a lie, and the slots of all containers together can never be more than
// there are bytes, however they are nested.
type parser struct {
	b     []byte
	lim   Limits
	off   int
	depth int // containers around the current value
	items int // members announced so far
	owed  int // bytes
	steps int // what it cost so far, see the tests
}

func (p *parser) fail(off int, kind error, format string, args ...any) error {
	return &WireError{Offset: off, Err: kind, Detail: fmt.Sprintf(format, args...)}
}

// take returns the next n bytes.
func (p *parser) take(n int) ([]byte, error) {
	switch left := len(p.b) - p.off; {
	case n < 0:
		return nil, p.fail(p.off, ErrTruncated, "length %d", n)
	case n > left:
		return nil, p.fail(p.off, ErrTruncated, "%d bytes wanted, %d left", n, left)
	case n > p.lim.Bytes-p.off:
		return nil, p.fail(p.off, ErrSize, "more than %d bytes", p.lim.Bytes)
	}
	b := p.b[p.off : p.off+n]
	p.off += n
	return b, nil
}

func (p *parser) byte() (byte, error) {
	b, err := p.take(sizeByte)
	if err != nil {
		return 0, err
	}
	return b[0], nil
}

func (p *parser) i32() (int, error) {
	b, err := p.take(sizeI32)
	if err != nil {
		return 0, err
	}
	return int(int32(binary.BigEndian.Uint32(b))), nil
}

// raw reads a length and that many bytes.
func (p *parser) raw() ([]byte, error) {
	n, err := p.i32()
	if err != nil {
		return nil, err
	}
	return p.take(n)
}

// count reads the number of members of a container, each of at least size
// bytes and weighing so many items.
func (p *parser) count(size, weight int) (int, error) {
	at := p.off
	n, err := p.i32()
	if err != nil {
		return 0, err
	}
	if left := len(p.b) - p.off - p.owed; n < 0 || n > left/size {
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
	p.steps++
	at := p.off
	tag, err := p.byte()
	if err != nil {
		return nil, err
	}
	switch tag {
	case tagInt:
		n, err := p.i32()
		if err != nil {
			return nil, err
		}
		return Int(n), nil
	case tagLong:
		return p.long()
	case tagFloat:
		b, err := p.take(sizeFloat)
		if err != nil {
			return nil, err
		}
		return Float(math.Float64frombits(binary.BigEndian.Uint64(b))), nil
	case tagBytes:
		b, err := p.raw()
		if err != nil {
			return nil, err
		}
		return bytesValue(b), nil
	case tagText:
		return p.text()
	case tagBool:
		n, err := p.i32()
		if err != nil {
			return nil, err
		}
		return Bool(n != 0), nil
	case tagSeq:
		return p.seq()
	case tagMap:
		return p.dict()
	case tagByte:
		n, err := p.byte()
		if err != nil {
			return nil, err
		}
		return Int(n), nil
	case tagNone:
		return None{}, nil
	case tagSlice:
		b, err := p.take(sizeSlice)
		if err != nil {
			return nil, err
		}
		n := func(i int) int32 { return int32(binary.BigEndian.Uint32(b[i*sizeI32:])) }
		return Slice{Start: n(0), Stop: n(1), Step: n(2)}, nil
	case tagEllipsis:
		return Ellipsis{}, nil
	case tagError:
		return p.exception()
	case tagRef:
		return p.reference()
	}
	return nil, p.fail(at, ErrTag, "%#02x", tag)
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
	s, err := decodeText(name, data)
	if err != nil {
		return nil, p.fail(at, err, "%s", excerpt(name))
	}
	return Text(s), nil
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
		var err error
		p.owed -= minValue
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
	w := unlimited()
	if w.hashable(v) != nil {
		return p.fail(at, ErrUnhashable, "%s", pythonName(v))
	}
	return nil
}

// pair reads the header of a pair; a key and a value follow.
func (p *parser) pair() error {
	b, err := p.take(sizeSeqHdr)
	if err != nil {
		return err
	}
	n, kind := int32(binary.BigEndian.Uint32(b)), b[sizeI32]
	if n != pairLen || kind != seqTuple && kind != seqList {
		return p.fail(p.off-sizeSeqHdr, ErrSeq, "a pair of %d members and kind %d", n, kind)
	}
	return nil
}

func (p *parser) dict() (Value, error) {
	n, err := p.count(minPair, pairLen)
	if err != nil {
		return nil, err
	}
	pairs := make([]Pair, n)
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
	m := new(Map)
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

// addressOrArgs reads an untagged SEQ body that is a tuple or, from writers
// that take less care, a list.
func (p *parser) addressOrArgs() ([]Value, error) {
	n, _, err := p.seqHeader(seqTuple)
	if err != nil {
		return nil, err
	}
	return p.members(n)
}

// home passes over a home: any values will do, but values they must be.
func (p *parser) home() error {
	_, err := p.addressOrArgs()
	return err
}

func (p *parser) reference() (Value, error) {
	at := p.off
	b, err := p.raw()
	if err != nil {
		return nil, err
	}
	id, err := ParseID(string(b))
	if err != nil {
		return nil, p.fail(at, ErrNumber, "object id %s", excerpt(b))
	}
	start := p.off
	if err := p.home(); err != nil {
		return nil, err
	}
	return Ref{ID: id, Home: Home(p.b[start:p.off])}, nil
}
