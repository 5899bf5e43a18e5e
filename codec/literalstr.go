package codec

import (
	"strings"
	"unicode/utf8"
)

// quoted is one string literal as it stands in the text.
type quoted struct {
	at   int    // where it starts, prefix included
	body string // between the quotes
	raw  bool   // r prefix
	typ  byte   // 'b', 'u', or 0 without a prefix that tells
	long bool   // triple quotes
}

// strings reads a string literal, and further ones that follow it: Python
// joins them. One piece of text makes all of it text.
func (p *literalParser) strings() (Value, error) {
	at := p.pos
	first, isText, err := p.piece()
	if err != nil {
		return nil, err
	}
	if !p.atString() {
		return stringLiteral(first, isText), nil
	}
	var joined strings.Builder
	joined.WriteString(first)
	ascii := isText || isASCII(first)
	for p.atString() {
		s, text, err := p.piece()
		if err != nil {
			return nil, err
		}
		isText = isText || text
		ascii = ascii && (text || isASCII(s))
		joined.WriteString(s)
	}
	if isText && !ascii {
		return nil, p.fail(at, "bytes that are not ASCII cannot be joined with text")
	}
	return stringLiteral(joined.String(), isText), nil
}

func stringLiteral(s string, isText bool) Value {
	if isText {
		return Text(s)
	}
	return Bytes(s)
}

// atString tells whether another string literal follows.
func (p *literalParser) atString() bool {
	p.space()
	// The longest prefix has two letters.
	for i := range 3 {
		c := p.peek(i)
		if c == '\'' || c == '"' {
			_, ok := prefixOf(p.s[p.pos : p.pos+i])
			return ok
		}
	}
	return false
}

// prefixOf reads the letters before a quote: b, u, r and their pairs.
func prefixOf(letters string) (q quoted, ok bool) {
	switch strings.ToLower(letters) {
	case "":
	case "r":
		q.raw = true
	case "b":
		q.typ = 'b'
	case "u":
		q.typ = 'u'
	case "br", "rb":
		q.typ, q.raw = 'b', true
	case "ur":
		q.typ, q.raw = 'u', true
	default:
		return quoted{}, false
	}
	return q, true
}

// piece reads one string literal.
func (p *literalParser) piece() (s string, isText bool, err error) {
	letters := p.identifier()
	q, ok := prefixOf(letters)
	if !ok {
		return "", false, p.fail(p.pos, "%s is no prefix of a string: text needs quotes", excerptName(letters))
	}
	q.at = p.pos
	p.pos += len(letters)
	if err := p.body(&q); err != nil {
		return "", false, err
	}
	if i := invalidUTF8(q.body); i >= 0 {
		return "", false, p.fail(p.pos-len(q.body)-1+i, "text that is not UTF-8")
	}
	isText = q.typ == 'u'
	if !isASCII(q.body) {
		if q.typ == 'b' {
			return "", false, p.fail(q.at, `bytes hold ASCII only: write other bytes as \xNN`)
		}
		isText = true
	}
	if q.typ == 0 && !q.raw && hasTextEscape(q.body) {
		isText = true
	}
	s, err = p.unescape(q, isText)
	return s, isText, err
}

func invalidUTF8(s string) int {
	if utf8.ValidString(s) {
		return -1
	}
	for i, r := range s {
		if r == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(s[i:]); size == 1 {
				return i
			}
		}
	}
	return -1
}

// body finds the closing quotes.
func (p *literalParser) body(q *quoted) error {
	quote := p.s[p.pos : p.pos+1]
	if triple := strings.Repeat(quote, 3); strings.HasPrefix(p.s[p.pos:], triple) {
		quote, q.long = triple, true
	}
	p.pos += len(quote)
	start := p.pos
	for p.pos < len(p.s) {
		switch c := p.s[p.pos]; {
		case c == '\\':
			p.pos++ // a quote after a backslash does not close, even in r''
			if p.peek(0) == '\r' && p.peek(1) == '\n' {
				p.pos++
			}
		case (c == '\n' || c == '\r') && !q.long:
			return p.fail(p.pos, "expected %s before the end of the line", quote)
		case c == quote[0] && strings.HasPrefix(p.s[p.pos:], quote):
			q.body = p.s[start:p.pos]
			p.pos += len(quote)
			return nil
		}
		p.pos++
	}
	p.pos = len(p.s)
	return &LiteralError{Offset: q.at, text: p.s, Incomplete: true,
		msg: "expected " + quote + " to end the string that starts here"}
}

// hasTextEscape tells whether a body without a prefix has an escape that only
// text can have.
func hasTextEscape(body string) bool {
	for i := 0; i+1 < len(body); i++ {
		if body[i] != '\\' {
			continue
		}
		i++
		switch {
		case body[i] == 'u' || body[i] == 'U':
			return true
		case body[i] == 'N' && strings.HasPrefix(body[i+1:], "{"):
			return true
		}
	}
	return false
}

// unescape returns the string of a body, its escapes replaced.
func (p *literalParser) unescape(q quoted, isText bool) (string, error) {
	if strings.IndexByte(q.body, '\\') < 0 && (!q.long || strings.IndexByte(q.body, '\r') < 0) {
		return strings.Clone(q.body), nil
	}
	u := unescaper{p: p, q: q, text: isText, s: q.body, b: make([]byte, 0, len(q.body))}
	for u.s != "" {
		if err := u.step(); err != nil {
			return "", err
		}
	}
	return string(u.b), nil
}

type unescaper struct {
	p    *literalParser
	q    quoted
	text bool
	s    string // rest of the body
	b    []byte // string so far
}

// step takes one character or escape.
func (u *unescaper) step() error {
	c := u.s[0]
	switch {
	case c == '\r': // lines end in \n, whatever the file has
		u.s = strings.TrimPrefix(u.s[1:], "\n")
		u.b = append(u.b, '\n')
		return nil
	case c != '\\':
		u.b = append(u.b, c)
		u.s = u.s[1:]
		return nil
	case u.q.raw:
		return u.rawEscape()
	}
	return u.escape()
}

// rawEscape takes a backslash in a raw string, where it is no escape; only Python
// 2's ur'...' has \u and \U.
func (u *unescaper) rawEscape() error {
	if u.q.typ == 'u' && len(u.s) > 1 {
		switch u.s[1] {
		case 'u':
			return u.hex(4)
		case 'U':
			return u.hex(8)
		}
	}
	// The next character belongs to it, so that r'\\u0041' is not an escape.
	n := min(2, len(u.s))
	if u.s[n-1] == '\r' || u.s[n-1] >= utf8.RuneSelf {
		n = 1
	}
	u.b = append(u.b, u.s[:n]...)
	u.s = u.s[n:]
	return nil
}

// simpleEscapes are the escapes of one letter.
var simpleEscapes = [...]struct{ letter, means byte }{
	{'\\', '\\'}, {'\'', '\''}, {'"', '"'}, {'a', '\a'}, {'b', '\b'},
	{'f', '\f'}, {'n', '\n'}, {'r', '\r'}, {'t', '\t'}, {'v', '\v'},
}

func (u *unescaper) escape() error {
	c := u.s[1] // a body never ends in a lone backslash
	for _, e := range simpleEscapes {
		if e.letter == c {
			u.b = append(u.b, e.means)
			u.s = u.s[2:]
			return nil
		}
	}
	switch {
	case c == '\n':
		u.s = u.s[2:]
		return nil
	case c == '\r':
		u.s = strings.TrimPrefix(u.s[2:], "\n")
		return nil
	case c == 'x':
		return u.hex(2)
	case c >= '0' && c <= '7':
		u.octal()
		return nil
	case u.text && c == 'u':
		return u.hex(4)
	case u.text && c == 'U':
		return u.hex(8)
	case u.text && c == 'N' && strings.HasPrefix(u.s[2:], "{"):
		return u.fail(`names of characters are not known here: write \uNNNN instead of \N{...}`)
	}
	u.b = append(u.b, '\\') // Python keeps the backslash of an unknown escape
	u.s = u.s[1:]
	return nil
}

func (u *unescaper) fail(msg string) error {
	start := strings.Index(u.p.s[u.q.at:], u.q.body) + u.q.at
	return u.p.fail(start+len(u.q.body)-len(u.s), "%s", msg)
}

// hex takes \xNN, \uNNNN or \UNNNNNNNN.
func (u *unescaper) hex(digits int) error {
	const prefix = len(`\x`)
	if len(u.s) < prefix+digits {
		return u.badHex(digits)
	}
	r := rune(0)
	for i := range digits {
		d, ok := joinDigits(strings.ToLower(u.s[prefix+i:prefix+i+1]), 16)
		if !ok || r > utf8.MaxRune {
			return u.badHex(digits)
		}
		n := rune(d[0] - '0')
		if d[0] >= 'a' {
			n = rune(d[0]-'a') + 10
		}
		r = r<<4 | n
	}
	if r > utf8.MaxRune {
		return u.badHex(digits)
	}
	u.s = u.s[prefix+digits:]
	u.put(r)
	return nil
}

func (u *unescaper) badHex(digits int) error {
	switch digits {
	case 2:
		return u.fail(`expected two hexadecimal digits after \x`)
	case 4:
		return u.fail(`expected four hexadecimal digits after \u`)
	}
	return u.fail(`expected eight hexadecimal digits after \U, at most 0010ffff`)
}

// octal takes one to three octal digits.
func (u *unescaper) octal() {
	r := rune(0)
	n := 1
	for ; n <= 3 && n < len(u.s) && u.s[n] >= '0' && u.s[n] <= '7'; n++ {
		r = r<<3 | rune(u.s[n]-'0')
	}
	u.s = u.s[n:]
	u.put(r)
}

// put appends the character of a numeric escape: a code point in text, a byte
// in bytes, where Python drops what is beyond 8 bits.
func (u *unescaper) put(r rune) {
	if u.text {
		u.b = appendCodePoint(u.b, r)
		return
	}
	u.b = append(u.b, byte(r))
}
