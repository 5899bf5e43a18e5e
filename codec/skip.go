package codec

// Skip returns the length in bytes of the value at the start of b without
// decoding it. It allocates nothing unless it fails. Its time is linear in the
// bytes it passes.
//
// Where Parse succeeds, Skip returns the same length: bytes after the value are
// ignored, and a string that b does not hold in full is an error. Skip checks the
// structure only: tags, lengths, counts, kinds of sequences, and the limits. It
// does not look at the digits of a LONG or of an id, at the codec and the data
// of a TEXT, or at keys. So Parse may still fail where Skip succeeds, and then
// with ErrNumber, ErrCodec, ErrText or ErrUnhashable.
//
// Errors are *WireError and wrap ErrTruncated, ErrTag, ErrSeq, or for the
// limits ErrDepth, ErrItems, ErrSize.
func Skip(b []byte, lim Limits) (n int, err error) {
	p := newParser(b, lim)
	if err := p.skip(); err != nil {
		return 0, err
	}
	return p.off, nil
}

// skip passes a tag and what belongs to it.
func (p *parser) skip() error {
	at := p.off
	if at >= len(p.b) {
		return p.short(sizeTag)
	}
	p.off++
	want := 0 // bytes of a body of fixed size
	switch tag := p.b[at]; tag {
	case tagInt, tagBool:
		want = sizeI32
	case tagFloat:
		want = sizeFloat
	case tagByte:
		want = sizeByte
	case tagSlice:
		want = sizeSlice
	case tagNone, tagEllipsis:
	case tagLong, tagBytes:
		return p.skipRaw()
	case tagText:
		if err := p.skipRaw(); err != nil {
			return err
		}
		return p.skipRaw()
	case tagSeq:
		return p.skipSeq(seqSet)
	case tagMap:
		return p.skipMap()
	case tagError, tagRef:
		if err := p.skipRaw(); err != nil {
			return err
		}
		return p.skipSeq(seqTuple)
	default:
		return p.fail(at, ErrTag, "%#02x", tag)
	}
	if p.next(want) == nil {
		return p.short(want)
	}
	return nil
}

func (p *parser) skipRaw() error {
	_, err := p.raw()
	return err
}

// skipSeq passes the body of a SEQ of a kind up to most.
func (p *parser) skipSeq(most byte) error {
	n, _, err := p.seqHeader(most)
	if err != nil {
		return err
	}
	return p.skipMembers(n)
}

// skipMembers passes n values of a container that was entered, and leaves it.
func (p *parser) skipMembers(n int) error {
	p.owed += n * minValue
	for range n {
		p.owed -= minValue
		if err := p.skip(); err != nil {
			return err
		}
	}
	p.depth--
	return nil
}

// skipMap passes the body of a MAP.
func (p *parser) skipMap() error {
	n, err := p.count(minPair, pairLen)
	if err != nil {
		return err
	}
	p.owed += n * minPair
	for range n {
		p.owed -= minPair
		if err := p.pair(); err != nil {
			return err
		}
		p.owed += minValue
		if err := p.skip(); err != nil {
			return err
		}
		p.owed -= minValue
		if err := p.skip(); err != nil {
			return err
		}
	}
	p.depth--
	return nil
}

// WalkAttrs calls f for each attribute of the MAP at the start of b, tag included:
// every packet is one, after its command. It returns the length of the MAP. name
// and value are parts of b: the text of the key, and the encoded value with its
// tag, for ReadInt, ReadString or Parse. WalkAttrs allocates nothing unless it
// fails or a name is TEXT in a codec that is neither UTF-8 nor ASCII.
//
// The attributes come in the order of the wire, which need not be sorted. Where
// a name occurs twice, f is called twice, and the later value counts.
//
//	08 00000002                                       two attributes
//	   00000002 01  04 00000002 6f70       04 00000003 4c656e    op = 'Len'
//	   00000002 01  04 00000003 786964     01 00000007           xid = 7
//
// An error of f ends the walk and is returned as it is. Other errors are those of
// ParseAttrs. But WalkAttrs only skips the values: Parse may still refuse one, for
// the reasons that Skip names.
func WalkAttrs(b []byte, lim Limits, f func(name, value []byte) error) (n int, err error) {
	p := newParser(b, lim)
	count, err := p.attrsHeader()
	if err != nil {
		return 0, err
	}
	p.owed += count * minPair
	for range count {
		p.owed -= minPair
		name, err := p.skipName()
		if err != nil {
			return 0, err
		}
		start := p.off
		if err := p.skip(); err != nil {
			return 0, err
		}
		if err := f(name, b[start:p.off]); err != nil {
			return 0, err
		}
	}
	return p.off, nil
}

// skipName passes the header of a pair and a key that is a string, and returns
// the string.
func (p *parser) skipName() ([]byte, error) {
	if err := p.pair(); err != nil {
		return nil, err
	}
	start := p.off
	if start < len(p.b) && p.b[start] == tagBytes {
		p.off++
		return p.raw()
	}
	p.owed += minValue
	if err := p.skip(); err != nil {
		return nil, err
	}
	p.owed -= minValue
	key := p.b[start:p.off]
	name, err := stringIn(key)
	if err != nil {
		return nil, p.fail(start, err, "tag %#02x as the name of an attribute", key[0])
	}
	return name, nil
}

// stringIn returns the string of a whole BYTES or TEXT. The error is ErrTag for
// anything else, or ErrCodec or ErrText.
func stringIn(value []byte) ([]byte, error) {
	p := newParser(value, Limits{})
	p.off = sizeTag
	switch value[0] {
	case tagBytes:
		return p.raw()
	case tagText:
		name, err := p.raw()
		if err != nil {
			return nil, err
		}
		data, err := p.raw()
		if err != nil {
			return nil, err
		}
		return decodeText(name, data)
	}
	return nil, ErrTag
}

// ReadString returns the string of an encoded value that is BYTES or TEXT, as
// Parse and StringOf would; ok is false for any other value and for one that
// Parse refuses. The result is a part of value, unless that is TEXT in a codec
// that is neither UTF-8 nor ASCII.
func ReadString(value []byte) (s []byte, ok bool) {
	if len(value) == 0 {
		return nil, false
	}
	s, err := stringIn(value)
	return s, err == nil
}

// ReadInt returns the number of an encoded value that is INT, BYTE, BOOL or a
// LONG that fits 64 bits, as Parse and Int64Of would; ok is false for any other
// value and for one that Parse refuses. It allocates nothing.
func ReadInt(value []byte) (n int64, ok bool) {
	if len(value) == 0 {
		return 0, false
	}
	body := value[sizeTag:]
	switch value[0] {
	case tagInt:
		if len(body) >= sizeI32 {
			return int64(i32(body)), true
		}
	case tagBool:
		if len(body) >= sizeI32 {
			return int64(boolInt(i32(body) != 0)), true
		}
	case tagByte:
		if len(body) >= sizeByte {
			return int64(body[0]), true
		}
	case tagLong:
		p := newParser(body, Limits{})
		raw, err := p.raw()
		if err != nil {
			return 0, false
		}
		if neg, digits, ok := splitLong(raw); ok {
			return digitsInt64(neg, digits)
		}
	}
	return 0, false
}

// ReadDigits returns the digits of an encoded value that is a LONG, as a part of
// value; ok is false for any other value, for a negative number, and for one that
// Parse refuses.
func ReadDigits(value []byte) (digits []byte, ok bool) {
	p := parser{b: value, lim: Limits{}.withDefaults()}
	if tag, err := p.byte(); err != nil || tag != tagLong {
		return nil, false
	}
	b, err := p.raw()
	if err != nil {
		return nil, false
	}
	neg, digits, ok := splitLong(b)
	return digits, ok && !neg
}

// ParseItems reads the members of an encoded value that is a list or a tuple; ok
// is false for any other value. Errors are those of Parse.
func ParseItems(value []byte, lim Limits) (items []Value, ok bool, err error) {
	p := parser{b: value, lim: lim.withDefaults()}
	if tag, err := p.byte(); err != nil || tag != tagSeq || len(value) < sizeTag+sizeSeqHdr || value[sizeTag+sizeI32] > seqTuple {
		return nil, false, nil
	}
	n, _, err := p.seqHeader(seqTuple)
	if err != nil {
		return nil, true, err
	}
	items, err = p.members(n)
	return items, true, err
}

// IsEmptyMap reports whether an encoded value is a MAP without pairs.
func IsEmptyMap(value []byte) bool {
	return len(value) == sizeTag+sizeI32 && value[0] == tagMap && i32(value[sizeTag:]) == 0
}
