package codec

import (
	"cmp"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// maxInt64Digits is the number of decimal digits of 2⁶³−1: a shorter number
// always fits 64 bits, a longer one never.
const maxInt64Digits = 19

// pythonSpace is what Python 2 skips around a number.
const pythonSpace = " \t\n\v\f\r"

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

func trimSpaceLeft[S ~string | ~[]byte](s S) S {
	for len(s) > 0 && isSpace(s[0]) {
		s = s[1:]
	}
	return s
}

// splitLong takes decimal text apart as Python's long() does: white space
// around the number and after its sign, and an L at its end, do not matter. The
// digits have no leading zeros; zero is "0" and never negative. It allocates
// nothing and is linear.
func splitLong[S ~string | ~[]byte](s S) (neg bool, digits S, ok bool) {
	s = trimSpaceLeft(s)
	for len(s) > 0 && isSpace(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	if len(s) > 0 && (s[0] == '-' || s[0] == '+') {
		neg = s[0] == '-'
		s = trimSpaceLeft(s[1:])
	}
	if len(s) > 0 && (s[len(s)-1] == 'L' || s[len(s)-1] == 'l') {
		s = s[:len(s)-1]
	}
	var none S
	if len(s) == 0 {
		return false, none, false
	}
	for i := range len(s) {
		if !isDigit(s[i]) {
			return false, none, false
		}
	}
	for len(s) > 1 && s[0] == '0' {
		s = s[1:]
	}
	return neg && s[0] != '0', s, true
}

// canonicalLong returns decimal text in its only canonical form.
func canonicalLong(s string) (string, bool) {
	neg, digits, ok := splitLong(s)
	if !ok {
		return "", false
	}
	if !neg {
		return digits, true
	}
	if len(s) == len(digits)+1 {
		return s, true // already canonical, minus sign included
	}
	return "-" + digits, true
}

// ParseID reads an object id: decimal text as Python's long() takes it, not
// negative. The error wraps ErrNumber.
func ParseID(s string) (ID, error) {
	neg, digits, ok := splitLong(s)
	if !ok || neg {
		return "", &WireError{Err: ErrNumber, Detail: "object id " + excerpt(s)}
	}
	return ID(digits), nil
}

// IntValue returns n as an Int where it fits 64 bits, as a Long otherwise. A
// nil n is 0.
func IntValue(n *big.Int) Value {
	switch {
	case n == nil:
		return Int(0)
	case n.IsInt64():
		return Int(n.Int64())
	}
	return Long(n.String())
}

// Int64Of returns the value of an Int, of a Long that fits, or of a Bool (0 or
// 1).
func Int64Of(v Value) (int64, bool) {
	switch v := v.(type) {
	case Int:
		return int64(v), true
	case Bool:
		if v {
			return 1, true
		}
		return 0, true
	case Long:
		neg, digits, ok := splitLong(string(v))
		if !ok {
			return 0, false
		}
		return digitsInt64(neg, digits)
	}
	return 0, false
}

// digitsInt64 converts canonical digits that fit 64 bits.
func digitsInt64[S ~string | ~[]byte](neg bool, digits S) (int64, bool) {
	if len(digits) > maxInt64Digits {
		return 0, false
	}
	u := uint64(0)
	for i := range len(digits) {
		u = u*10 + uint64(digits[i]-'0')
	}
	switch {
	case !neg && u <= math.MaxInt64:
		return int64(u), true
	case neg && u <= -math.MinInt64:
		return -int64(u), true // -2⁶³ negates to itself
	}
	return 0, false
}

// BigIntOf returns the value of an Int, Long or Bool. The conversion of a Long
// costs more than linear time in its length: ask only when the number is
// needed.
func BigIntOf(v Value) (*big.Int, bool) {
	if n, ok := Int64Of(v); ok {
		return big.NewInt(n), true
	}
	l, ok := v.(Long)
	if !ok {
		return nil, false
	}
	s, ok := canonicalLong(string(l))
	if !ok {
		return nil, false
	}
	return new(big.Int).SetString(s, 10)
}

// decimal is an integer of any size, for comparisons.
type decimal struct {
	neg    bool
	digits string
}

func (d decimal) compare(o decimal) int {
	switch {
	case d.neg && !o.neg:
		return -1
	case !d.neg && o.neg:
		return 1
	case d.neg:
		d, o = o, d
	}
	if c := cmp.Compare(len(d.digits), len(o.digits)); c != 0 {
		return c
	}
	return strings.Compare(d.digits, o.digits)
}

// compareNumbers orders Bool, Int, Long and Float by exact value. Every nan
// comes before every other number, nans among each other by their bits, so
// that the order is total.
func compareNumbers(a, b Value) int {
	fa, aFloat := a.(Float)
	fb, bFloat := b.(Float)
	switch {
	case aFloat && bFloat:
		return compareFloats(float64(fa), float64(fb))
	case aFloat:
		return -compareIntFloat(b, float64(fa))
	case bFloat:
		return compareIntFloat(a, float64(fb))
	}
	na, aSmall := Int64Of(a)
	nb, bSmall := Int64Of(b)
	if aSmall && bSmall {
		return cmp.Compare(na, nb)
	}
	return decimalOf(a, na, aSmall).compare(decimalOf(b, nb, bSmall))
}

// decimalOf returns an integer as a decimal; n is its value if it is small.
func decimalOf(v Value, n int64, small bool) decimal {
	if small {
		s := strconv.FormatInt(n, 10)
		return decimal{n < 0, strings.TrimPrefix(s, "-")}
	}
	l, _ := v.(Long)
	neg, digits, _ := splitLong(string(l))
	return decimal{neg, digits}
}

func compareFloats(a, b float64) int {
	aNaN, bNaN := math.IsNaN(a), math.IsNaN(b)
	switch {
	case aNaN && bNaN:
		return cmp.Compare(math.Float64bits(a), math.Float64bits(b))
	case aNaN:
		return -1
	case bNaN:
		return 1
	}
	return cmp.Compare(a, b)
}

// compareIntFloat compares an integer with a float without rounding either.
func compareIntFloat(v Value, f float64) int {
	switch {
	case math.IsNaN(f) || math.IsInf(f, -1):
		return 1
	case math.IsInf(f, 1):
		return -1
	}
	n, small := Int64Of(v)
	// 2⁶³ is a float, 2⁶³−1 is not: compare with the former.
	const two63 = 1 << 63
	if small && f >= -two63 && f < two63 {
		whole := math.Trunc(f)
		if c := cmp.Compare(n, int64(whole)); c != 0 {
			return c
		}
		return cmp.Compare(0, f-whole)
	}
	// At least one lies beyond 64 bits. Dropping a fraction cannot matter
	// then: a float that large has none, a smaller one is told by its length.
	text := strconv.FormatFloat(math.Abs(math.Trunc(f)), 'f', 0, 64)
	return decimalOf(v, n, small).compare(decimal{f <= -1, text})
}
