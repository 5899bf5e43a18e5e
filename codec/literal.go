package codec

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// ParseLiteral reads one Python literal, as Python 2 or 3 would write it; the
// package comment lists the forms. At the top, where an index key may stand, it
// also reads 1:2:3 as a slice and 1, 2 as a tuple.
//
// Errors are *LiteralError and wrap ErrLiteral; where the text ends inside a
// bracket or a quote also ErrIncomplete; and ErrDepth, ErrItems, ErrSize,
// ErrRange or ErrUnhashable where one of these is the reason.
func ParseLiteral(s string) (Value, error) {
	p := literalParser{s: s}
	if len(s) > DefaultBytes {
		return nil, p.limit(0, ErrSize, fmt.Sprintf("at most %d bytes", DefaultBytes))
	}
	v, err := p.subscript()
	if err != nil {
		return nil, err
	}
	if p.next() == ',' {
		if v, err = p.bareTuple(v); err != nil {
			return nil, err
		}
	}
	if p.space(); p.pos < len(p.s) {
		return nil, p.unexpected("the end of the literal")
	}
	return v, nil
}

// LiteralError names the place where text stops being a literal, and the reason.
type LiteralError struct {
	Offset     int  // of the offending byte in the text
	Incomplete bool // the text ends inside a bracket or a quote

	text  string
	msg   string
	cause error // further kind, nil for none
}

// Column returns the line and the column of the offending character, both
// counted from 1, the column in characters.
func (e *LiteralError) Column() (line, column int) {
	before := e.text[:e.Offset]
	start := strings.LastIndexByte(before, '\n') + 1
	return strings.Count(before, "\n") + 1, utf8.RuneCountInString(before[start:]) + 1
}

// Error returns the place and the text that was expected there.
func (e *LiteralError) Error() string {
	line, column := e.Column()
	if line > 1 {
		return fmt.Sprintf("line %d, column %d: %s", line, column, e.msg)
	}
	return fmt.Sprintf("column %d: %s", column, e.msg)
}

// Unwrap returns the kinds of the error.
func (e *LiteralError) Unwrap() []error {
	kinds := []error{ErrLiteral}
	if e.Incomplete {
		kinds = append(kinds, ErrIncomplete)
	}
	if e.cause != nil {
		kinds = append(kinds, e.cause)
	}
	return kinds
}

// literalParser reads literals from s by recursive descent; depth bounds the
// recursion.
type literalParser struct {
	s     string
	pos   int
	depth int // open brackets
	items int // members so far
}

func (p *literalParser) fail(at int, format string, args ...any) error {
	return &LiteralError{Offset: at, text: p.s, msg: fmt.Sprintf(format, args...)}
}

// limit fails for another reason than grammar.
func (p *literalParser) limit(at int, kind error, what string) error {
	return &LiteralError{Offset: at, text: p.s, msg: fmt.Sprintf("%v: %s", kind, what), cause: kind}
}

// unexpected fails at the current character, or at the end of the text, which
// inside a bracket means that more may follow.
func (p *literalParser) unexpected(want string) error {
	if p.pos >= len(p.s) {
		return &LiteralError{Offset: len(p.s), text: p.s, Incomplete: p.depth > 0,
			msg: "expected " + want + ", found the end"}
	}
	r, _ := utf8.DecodeRuneInString(p.s[p.pos:])
	return p.fail(p.pos, "expected %s, found %q", want, r)
}

// blank skips white space and joined lines. Newlines count as white space
// everywhere: a caller that reads line by line has removed them.
func (p *literalParser) blank() {
	for p.pos < len(p.s) {
		switch c := p.s[p.pos]; {
		case strings.IndexByte(pythonSpace, c) >= 0:
			p.pos++
		case c == '\\' && p.pos+1 < len(p.s) && (p.s[p.pos+1] == '\n' || p.s[p.pos+1] == '\r'):
			p.pos += 2
		default:
			return
		}
	}
}

// space skips white space and comments.
func (p *literalParser) space() {
	for {
		p.blank()
		if p.pos >= len(p.s) || p.s[p.pos] != '#' {
			return
		}
		end := strings.IndexByte(p.s[p.pos:], '\n')
		if end < 0 {
			p.pos = len(p.s)
			return
		}
		p.pos += end
	}
}

// next skips space and returns the character there, 0 at the end.
func (p *literalParser) next() byte {
	p.space()
	return p.peek(0)
}

func (p *literalParser) peek(ahead int) byte {
	if p.pos+ahead < len(p.s) {
		return p.s[p.pos+ahead]
	}
	return 0
}

// open passes an opening bracket.
func (p *literalParser) open() error {
	p.depth++
	if p.depth > DefaultDepth {
		return p.limit(p.pos, ErrDepth, fmt.Sprintf("more than %d brackets inside each other", DefaultDepth))
	}
	p.pos++
	return nil
}

// shut passes a closing bracket.
func (p *literalParser) shut() {
	p.depth--
	p.pos++
}

// count counts one member.
func (p *literalParser) count() error {
	p.items++
	if p.items > DefaultItems {
		return p.limit(p.pos, ErrItems, fmt.Sprintf("more than %d", DefaultItems))
	}
	return nil
}

// value reads one literal.
func (p *literalParser) value() (Value, error) {
	switch c := p.next(); {
	case c == '(':
		return p.parens()
	case c == '[':
		items, err := p.members(']', nil)
		return List(items), err
	case c == '{':
		return p.braces()
	case c == '\'' || c == '"':
		return p.strings()
	case c == '+' || c == '-':
		return p.signed()
	case isDigit(c) || c == '.' && isDigit(p.peek(1)):
		return p.number(false)
	case strings.HasPrefix(p.s[p.pos:], "..."):
		p.pos += len("...")
		return Ellipsis{}, nil
	}
	if p.identifier() != "" {
		return p.name()
	}
	return nil, p.unexpected("a value")
}

// members reads members up to the closing bracket. If first is not nil, the caller
// has read it and the opening bracket before it.
func (p *literalParser) members(closer byte, first Value) ([]Value, error) {
	items := []Value{}
	if first != nil {
		items = append(items, first)
		if p.next() != ',' && p.next() != closer {
			return nil, p.unexpected(fmt.Sprintf("%q or %q", ',', closer))
		}
		if p.next() == ',' {
			p.pos++
		}
	} else if err := p.open(); err != nil {
		return nil, err
	}
	for p.next() != closer {
		v, err := p.value()
		if err == nil {
			err = p.count()
		}
		if err != nil {
			return nil, err
		}
		items = append(items, v)
		switch p.next() {
		case ',':
			p.pos++
		case closer:
		default:
			return nil, p.unexpected(fmt.Sprintf("%q or %q", ',', closer))
		}
	}
	p.shut()
	return items, nil
}

// parens reads a tuple, or a value in parentheses.
func (p *literalParser) parens() (Value, error) {
	if err := p.open(); err != nil {
		return nil, err
	}
	if p.next() == ')' {
		p.shut()
		return Tuple{}, nil
	}
	v, err := p.value()
	if err != nil {
		return nil, err
	}
	if p.next() == ')' {
		p.shut()
		return v, nil
	}
	items, err := p.members(')', v)
	return Tuple(items), err
}

// braces reads a dict or a set.
func (p *literalParser) braces() (Value, error) {
	at := p.pos
	if err := p.open(); err != nil {
		return nil, err
	}
	if p.next() == '}' {
		p.shut()
		return makeMap(nil), nil
	}
	first, err := p.value()
	if err != nil {
		return nil, err
	}
	if p.next() == ':' {
		return p.dict(at, first)
	}
	items, err := p.members('}', first)
	if err != nil {
		return nil, err
	}
	return p.set(at, items)
}

// dict reads a dict after its first key.
func (p *literalParser) dict(at int, key Value) (Value, error) {
	var pairs []Pair
	for {
		if err := p.hashable(at, key); err != nil {
			return nil, err
		}
		if p.next() != ':' {
			return nil, p.unexpected("':' and a value")
		}
		p.pos++
		v, err := p.value()
		if err == nil {
			err = p.count()
		}
		if err != nil {
			return nil, err
		}
		pairs = append(pairs, Pair{key, v})
		if p.next() == ',' {
			p.pos++
		} else if p.next() != '}' {
			return nil, p.unexpected("',' or '}'")
		}
		if p.next() == '}' {
			p.shut()
			return makeMap(pairs), nil
		}
		at = p.pos
		if key, err = p.value(); err != nil {
			return nil, err
		}
	}
}

func (p *literalParser) set(at int, items []Value) (Value, error) {
	for _, v := range items {
		if err := p.hashable(at, v); err != nil {
			return nil, err
		}
	}
	items, _ = firstOfEach(items)
	return Set(items), nil
}

func (p *literalParser) hashable(at int, v Value) error {
	w := unlimited()
	if w.hashable(v) == nil {
		return nil
	}
	return p.limit(at, ErrUnhashable, "a "+pythonName(v)+" cannot be a key or in a set")
}

// bareTuple reads the rest of a tuple without brackets, at the top.
func (p *literalParser) bareTuple(first Value) (Value, error) {
	items := Tuple{first}
	for p.next() == ',' {
		p.pos++
		if p.space(); p.pos >= len(p.s) {
			break
		}
		v, err := p.subscript()
		if err == nil {
			err = p.count()
		}
		if err != nil {
			return nil, err
		}
		items = append(items, v)
	}
	return items, nil
}
