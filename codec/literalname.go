package codec

import (
	"math"
	"strings"
	"unicode"
)

// subscript reads a literal or a slice without the word: 1:2, ::-1, :.
func (p *literalParser) subscript() (Value, error) {
	const maxParts = 3 // start, stop, step
	var parts [maxParts]Value
	p.space()
	at := p.pos
	for i := range maxParts {
		if c := p.next(); c != ':' && c != ',' && c != 0 || i == 0 && c != ':' {
			var err error
			if parts[i], err = p.value(); err != nil {
				return nil, err
			}
		}
		if p.next() != ':' {
			if i == 0 {
				return parts[0], nil
			}
			break
		}
		if i == maxParts-1 {
			return nil, p.unexpected("the end of the slice")
		}
		p.pos++
	}
	return p.slice(at, parts[0], parts[1], parts[2])
}

// slice makes a slice of integers; nil and None are open ends. The wire has none,
// so they become the numbers that mean the same for every possible sequence.
func (p *literalParser) slice(at int, start, stop, step Value) (Value, error) {
	sl := Slice{Start: 0, Stop: math.MaxInt32, Step: 1}
	if err := p.bound(at, step, &sl.Step); err != nil {
		return nil, err
	}
	if sl.Step < 0 {
		sl.Start, sl.Stop = math.MaxInt32, math.MinInt32
	}
	if err := p.bound(at, start, &sl.Start); err != nil {
		return nil, err
	}
	if err := p.bound(at, stop, &sl.Stop); err != nil {
		return nil, err
	}
	return sl, nil
}

func (p *literalParser) bound(at int, v Value, dst *int32) error {
	switch v.(type) {
	case nil, None:
		return nil
	case Int:
	case Long:
		return p.limit(at, ErrRange, "a slice has 32 bits")
	default:
		return p.fail(at, "a slice is made of integers, not of %s", pythonName(v))
	}
	n, _ := Int64Of(v)
	if n < math.MinInt32 || n > math.MaxInt32 {
		return p.limit(at, ErrRange, "a slice has 32 bits")
	}
	*dst = int32(n)
	return nil
}

// identifier returns the name at the current position, "" if there is none.
func (p *literalParser) identifier() string {
	for i, r := range p.s[p.pos:] {
		if r == '_' || unicode.IsLetter(r) || i > 0 && unicode.IsDigit(r) {
			continue
		}
		return p.s[p.pos : p.pos+i]
	}
	return p.s[p.pos:]
}

// name reads what starts with a name: a constant, a string with a prefix, or
// one of the three calls that are literals here.
func (p *literalParser) name() (Value, error) {
	at, name := p.pos, p.identifier()
	if q := p.peek(len(name)); q == '\'' || q == '"' {
		return p.strings()
	}
	p.pos += len(name)
	switch name {
	case "None":
		return None{}, nil
	case "True":
		return Bool(true), nil
	case "False":
		return Bool(false), nil
	case "Ellipsis":
		return Ellipsis{}, nil
	}
	if p.next() == '(' {
		switch name {
		case "set":
			return p.setCall(at)
		case "slice":
			return p.sliceCall(at)
		case "float":
			return p.floatCall(at)
		}
		return nil, p.fail(at, "%s(...) is not a literal", excerptName(name))
	}
	return nil, p.fail(at, "expected a value, found the name %s: text needs quotes", excerptName(name))
}

// excerptName shortens a name for a message.
func excerptName(name string) string {
	if len(name) > excerptLen {
		name = strings.ToValidUTF8(name[:excerptLen], "") + "..."
	}
	return printable(name)
}

// setCall reads set() or set([1, 2]), after the name.
func (p *literalParser) setCall(at int) (Value, error) {
	args, err := p.members(')', nil)
	if err != nil {
		return nil, err
	}
	if len(args) == 0 {
		return Set{}, nil
	}
	if len(args) == 1 {
		switch v := args[0].(type) {
		case List:
			return p.set(at, v)
		case Tuple:
			return p.set(at, v)
		case Set:
			return v, nil
		}
	}
	return nil, p.fail(at, "expected set() or set([...])")
}

// sliceCall reads slice(stop), slice(start, stop) or slice(start, stop, step).
func (p *literalParser) sliceCall(at int) (Value, error) {
	args, err := p.members(')', nil)
	if err != nil {
		return nil, err
	}
	switch len(args) {
	case 1:
		return p.slice(at, nil, args[0], nil)
	case 2:
		return p.slice(at, args[0], args[1], nil)
	case 3:
		return p.slice(at, args[0], args[1], args[2])
	}
	return nil, p.fail(at, "expected slice(start, stop, step)")
}

// floatCall reads float('inf') and the like: the floats without a literal.
func (p *literalParser) floatCall(at int) (Value, error) {
	args, err := p.members(')', nil)
	if err != nil {
		return nil, err
	}
	if len(args) == 1 {
		s, _ := StringOf(args[0])
		switch strings.ToLower(strings.Trim(s, pythonSpace)) {
		case "inf", "+inf", "infinity", "+infinity":
			return Float(math.Inf(1)), nil
		case "-inf", "-infinity":
			return Float(math.Inf(-1)), nil
		case "nan", "+nan", "-nan":
			return Float(math.NaN()), nil
		}
	}
	return nil, p.fail(at, "expected float('inf'), float('-inf') or float('nan')")
}
