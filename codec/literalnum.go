package codec

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// maxRadixDigits is the number of digits up to which an integer is read that is not
// written in decimal. It must be converted, which takes more than linear time;
// decimal digits stay text and may be any number.
const maxRadixDigits = 1 << 14

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isAlnum(c byte) bool {
	return isDigit(c) || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// signed reads a number after any number of signs.
func (p *literalParser) signed() (Value, error) {
	neg := false
	for c := p.next(); c == '+' || c == '-'; c = p.next() {
		neg = neg != (c == '-')
		p.pos++
	}
	if c := p.peek(0); !isDigit(c) && (c != '.' || !isDigit(p.peek(1))) {
		return nil, p.unexpected("a number after the sign")
	}
	return p.number(neg)
}

// number reads an integer or a float in any spelling of Python 2 and 3.
func (p *literalParser) number(neg bool) (Value, error) {
	at := p.pos
	word := p.numberWord()
	lower := strings.ToLower(word)
	if len(lower) > 1 && lower[0] == '0' {
		switch lower[1] {
		case 'x':
			return p.radix(at, neg, 16, lower[2:])
		case 'o':
			return p.radix(at, neg, 8, lower[2:])
		case 'b':
			return p.radix(at, neg, 2, lower[2:])
		}
	}
	if strings.HasSuffix(lower, "j") {
		return nil, p.fail(at, "complex numbers cannot be sent")
	}
	if strings.ContainsAny(lower, ".e") {
		return p.float(at, neg, lower)
	}
	digits := strings.TrimSuffix(lower, "l")
	plain, ok := joinDigits(digits, 10)
	if !ok {
		return nil, p.badNumber(at)
	}
	if trimmed := strings.TrimLeft(plain, "0"); trimmed != "" && plain[0] == '0' {
		if strings.Contains(digits, "_") {
			return nil, p.badNumber(at)
		}
		return p.radix(at, neg, 8, lower[1:])
	}
	return intLiteral(neg, plain), nil
}

// numberWord passes everything that may belong to a number, so that 1abc is one bad
// number and not a number and a name.
func (p *literalParser) numberWord() string {
	start := p.pos
	hex := p.peek(0) == '0' && (p.peek(1) == 'x' || p.peek(1) == 'X')
	for p.pos < len(p.s) {
		c := p.s[p.pos]
		sign := (c == '+' || c == '-') && !hex && p.pos > start &&
			(p.s[p.pos-1] == 'e' || p.s[p.pos-1] == 'E')
		if !isAlnum(c) && c != '_' && c != '.' && !sign {
			break
		}
		p.pos++
	}
	return p.s[start:p.pos]
}

func (p *literalParser) badNumber(at int) error {
	return p.fail(at, "bad number %s", excerpt(p.s[at:p.pos]))
}

// joinDigits removes the underscores that may stand between two digits.
func joinDigits(s string, base int) (string, bool) {
	if s == "" || s[0] == '_' || s[len(s)-1] == '_' || strings.Contains(s, "__") {
		return "", false
	}
	if strings.Contains(s, "_") {
		s = strings.ReplaceAll(s, "_", "")
	}
	for i := range len(s) {
		d := int(s[i] - '0')
		if s[i] >= 'a' && s[i] <= 'f' {
			d = int(s[i]-'a') + 10
		}
		if s[i] < '0' || d >= base {
			return "", false
		}
	}
	return s, true
}

// radix reads the digits after a prefix, an L at the end included.
func (p *literalParser) radix(at int, neg bool, base int, digits string) (Value, error) {
	digits = strings.TrimSuffix(digits, "l")
	digits = strings.TrimPrefix(digits, "_") // 0x_ff
	digits, ok := joinDigits(digits, base)
	if !ok {
		return nil, p.badNumber(at)
	}
	digits = strings.TrimLeft(digits, "0")
	if len(digits) > maxRadixDigits {
		return nil, p.limit(at, ErrSize, fmt.Sprintf("more than %d digits; write it in decimal", maxRadixDigits))
	}
	if digits == "" {
		return Int(0), nil
	}
	n, ok := new(big.Int).SetString(digits, base)
	if !ok {
		return nil, p.badNumber(at)
	}
	if neg {
		n.Neg(n)
	}
	return IntValue(n), nil
}

// intLiteral returns decimal digits as an Int, or as a Long if they need it.
func intLiteral(neg bool, digits string) Value {
	digits = strings.TrimLeft(digits, "0")
	if digits == "" {
		return Int(0)
	}
	if n, ok := digitsInt64(neg, digits); ok {
		return Int(n)
	}
	if neg {
		return Long("-" + digits)
	}
	return Long(strings.Clone(digits))
}

// float reads a number with a point or an exponent.
func (p *literalParser) float(at int, neg bool, word string) (Value, error) {
	mantissa, exponent, hasExponent := strings.Cut(word, "e")
	whole, fraction, hasPoint := strings.Cut(mantissa, ".")
	exponent = strings.TrimPrefix(exponent, "+")
	ok := whole != "" || fraction != ""
	join := func(s string, optional bool) string {
		if s == "" && optional {
			return ""
		}
		digits, good := joinDigits(s, 10)
		ok = ok && good
		return digits
	}
	text := join(whole, hasPoint) + "." + join(fraction, true)
	if hasExponent {
		sign := ""
		if strings.HasPrefix(exponent, "-") {
			sign, exponent = "-", exponent[1:]
		}
		text += "e" + sign + join(exponent, false)
	}
	if !ok {
		return nil, p.badNumber(at)
	}
	// ParseFloat fails only for a number too large; the result is infinite then,
	// as in Python.
	f, _ := strconv.ParseFloat(text, 64)
	if neg {
		f = -f
	}
	return Float(f), nil
}
