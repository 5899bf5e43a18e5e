package codec

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The literals of the values: Python that ParseLiteral reads back to the same
// value. The rules for strings are in the package comment.

func (None) String() string        { return "None" }
func (v Bool) String() string      { return literalOf(v) }
func (v Int) String() string       { return strconv.FormatInt(int64(v), 10) }
func (v Long) String() string      { return literalOf(v) }
func (v Float) String() string     { return literalOf(v) }
func (v Bytes) String() string     { return literalOf(v) }
func (v Text) String() string      { return literalOf(v) }
func (v List) String() string      { return literalOf(v) }
func (v Tuple) String() string     { return literalOf(v) }
func (v Set) String() string       { return literalOf(v) }
func (m *Map) String() string      { return literalOf(m) }
func (v Slice) String() string     { return literalOf(v) }
func (Ellipsis) String() string    { return "Ellipsis" }
func (e Exception) String() string { return literalOf(e) }
func (r Ref) String() string       { return literalOf(r) }

// literalOf returns the literal of v, "<nil>" where there is no value.
func literalOf(v Value) string {
	r := repr{left: *newBudget(), most: math.MaxInt}
	return string(r.append(nil, v))
}

// Brief returns the literal of v, with "..." in place of all beyond most bytes. Its
// time and memory depend on most and not on the value, so logs and messages can
// show values of any size. Only a Long and the home of a Ref take time for all
// their bytes.
func Brief(v Value, most int) string {
	r := repr{left: *newBudget(), most: max(most, 0)}
	b := r.append(nil, v)
	if len(b) <= r.most {
		return string(b)
	}
	b = b[:r.most]
	// Remove the rest of a character that was cut.
	for range utf8.UTFMax - 1 {
		if last, size := utf8.DecodeLastRune(b); last != utf8.RuneError || size != 1 {
			break
		}
		b = b[:len(b)-1]
	}
	return string(append(b, "..."...))
}

// repr writes literals. It writes "...", as Python does, for a value that is nested
// too deeply or has too many members: one that contains itself. It may stop after
// most bytes.
type repr struct {
	left budget
	most int
}

// full tells whether b is longer than Brief needs.
func (r *repr) full(b []byte) bool { return len(b) > r.most }

// clip returns the part of a string that Brief may show.
func (r *repr) clip(s string) string {
	if len(s)-utf8.UTFMax > r.most {
		return s[:r.most+utf8.UTFMax]
	}
	return s
}

func (r *repr) append(b []byte, v Value) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, "<nil>"...)
	case Bool:
		if v {
			return append(b, "True"...)
		}
		return append(b, "False"...)
	case Int:
		return strconv.AppendInt(b, int64(v), 10)
	case Long:
		if s, ok := canonicalLong(string(v)); ok {
			return append(b, r.clip(s)...)
		}
		return append(b, "<bad number>"...)
	case Float:
		return appendFloatLiteral(b, float64(v))
	case Bytes:
		return appendBytesLiteral(b, r.clip(string(v)))
	case Text:
		return appendTextLiteral(b, r.clip(string(v)))
	case List:
		return append(r.items(append(b, '['), v), ']')
	case Tuple:
		return r.tuple(b, v)
	case Set:
		return append(r.items(append(b, "set(["...), v), "])"...)
	case *Map:
		return r.dict(b, v)
	case Slice:
		return fmt.Appendf(b, "slice(%d, %d, %d)", v.Start, v.Stop, v.Step)
	case Exception:
		b = append(append(b, safeName(r.clip(v.Class))...), '(')
		return append(r.items(b, v.Args), ')')
	case Ref:
		return append(b, "<object "+printable(r.clip(string(v.ID)))+" at "+v.Home.String()+">"...)
	}
	return append(b, v.String()...) // None, Ellipsis, values of other packages
}

func (r *repr) items(b []byte, items []Value) []byte {
	if r.left.enter(len(items)) != nil {
		r.left.depth++
		return append(b, "..."...)
	}
	for i, v := range items {
		if r.full(b) {
			break
		}
		if i > 0 {
			b = append(b, ", "...)
		}
		b = r.append(b, v)
	}
	r.left.depth++
	return b
}

func (r *repr) tuple(b []byte, t Tuple) []byte {
	b = r.items(append(b, '('), t)
	if len(t) == 1 {
		b = append(b, ',')
	}
	return append(b, ')')
}

func (r *repr) dict(b []byte, m *Map) []byte {
	b = append(b, '{')
	if r.left.enter(pairLen*m.Len()) != nil {
		r.left.depth++
		return append(b, "...}"...)
	}
	for i, p := range m.Pairs() {
		if r.full(b) {
			break
		}
		if i > 0 {
			b = append(b, ", "...)
		}
		b = append(r.append(b, p.Key), ": "...)
		b = r.append(b, p.Value)
	}
	r.left.depth++
	return append(b, '}')
}

// Python writes a float with an exponent below 1e-4 and from 1e16 on.
const (
	minPlainExponent = -4
	maxPlainExponent = 15
)

// appendFloatLiteral writes the shortest digits that give f back, as Python 2.7 does.
func appendFloatLiteral(b []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(b, "nan"...)
	case math.IsInf(f, 1):
		return append(b, "inf"...)
	case math.IsInf(f, -1):
		return append(b, "-inf"...)
	}
	var buf [32]byte // the longest is 24 bytes: -2.2250738585072014e-308
	short := strconv.AppendFloat(buf[:0], f, 'e', -1, 64)
	_, digits, _ := strings.Cut(string(short), "e")
	exponent, _ := strconv.Atoi(digits)
	if exponent < minPlainExponent || exponent > maxPlainExponent {
		return append(b, short...)
	}
	start := len(b)
	b = strconv.AppendFloat(b, f, 'f', -1, 64)
	if !strings.Contains(string(b[start:]), ".") {
		b = append(b, ".0"...)
	}
	return b
}

// appendBytesLiteral writes 'abc' if all bytes are ASCII, else b'\xff'.
func appendBytesLiteral(b []byte, s string) []byte {
	if !isASCII(s) {
		b = append(b, 'b')
	}
	q := quoteFor(s)
	b = append(b, q)
	for i := range len(s) {
		if s[i] < utf8.RuneSelf {
			b = appendChar(b, rune(s[i]), q)
		} else {
			b = appendHex(append(b, `\x`...), rune(s[i]), 2)
		}
	}
	return append(b, q)
}

// appendTextLiteral writes 'café' if the literal shows at least one character that
// is not ASCII, which makes it text; else u'abc' or u'\x80'.
func appendTextLiteral(b []byte, s string) []byte {
	q := quoteFor(s)
	start := len(b)
	b = append(b, 'u', q)
	shown := false
	for i := 0; i < len(s); {
		r, size := decodeCodePoint(s[i:])
		switch {
		case r < utf8.RuneSelf:
			b = appendChar(b, r, q)
		case unicode.IsPrint(r) && size > 1: // size 1 is a byte that is no UTF-8
			b = append(b, s[i:i+size]...)
			shown = true
		case size == 1:
			b = append(b, `\ufffd`...)
		default:
			b = appendEscape(b, r)
		}
		i += size
	}
	b = append(b, q)
	if shown {
		b = append(b[:start], b[start+1:]...)
	}
	return b
}

// quoteFor returns the quote that Python uses for a string.
func quoteFor(s string) byte {
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		return '"'
	}
	return '\''
}

// appendChar writes an ASCII character inside quotes q.
func appendChar(b []byte, r rune, q byte) []byte {
	switch {
	case r == rune(q) || r == '\\':
		return append(b, '\\', byte(r))
	case r == '\n':
		return append(b, `\n`...)
	case r == '\r':
		return append(b, `\r`...)
	case r == '\t':
		return append(b, `\t`...)
	case r < ' ' || r == 0x7f:
		return appendEscape(b, r)
	}
	return append(b, byte(r))
}

// appendEscape writes the shortest of \xNN, \uNNNN and \UNNNNNNNN.
func appendEscape(b []byte, r rune) []byte {
	switch {
	case r <= 0xff:
		return appendHex(append(b, `\x`...), r, 2)
	case r <= 0xffff:
		return appendHex(append(b, `\u`...), r, 4)
	}
	return appendHex(append(b, `\U`...), r, 8)
}

func appendHex(b []byte, r rune, digits int) []byte {
	for shift := 4 * (digits - 1); shift >= 0; shift -= 4 {
		b = append(b, "0123456789abcdef"[r>>shift&0xf])
	}
	return b
}

// printable returns text with everything escaped that might disturb a terminal.
func printable(s string) string {
	var b []byte
	for i := 0; i < len(s); {
		r, size := decodeCodePoint(s[i:])
		switch {
		case size == 1 && r == utf8.RuneError:
			b = appendHex(append(b, `\x`...), rune(s[i]), 2)
		case unicode.IsPrint(r):
			b = append(b, s[i:i+size]...)
		default:
			b = appendEscape(b, r)
		}
		i += size
	}
	return string(b)
}

// excerptLen is how many bytes of a string an error message shows.
const excerptLen = 40

// excerpt returns the start of a string, quoted, for an error message.
func excerpt[S ~string | ~[]byte](s S) string {
	if len(s) > excerptLen {
		return strconv.Quote(string(s[:excerptLen])) + "..."
	}
	return strconv.Quote(string(s))
}

// pythonName returns the name of a value's type for an error message.
func pythonName(v Value) string {
	if v == nil {
		return "nothing"
	}
	return v.Kind().String()
}
