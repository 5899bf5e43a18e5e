package codec

import (
	"math"
	"math/big"
	"math/bits"
	"strings"
)

// maxInt64Digits is the number of decimal digits of 2⁶³−1: a shorter number
// always fits 64 bits, a longer one never.
const maxInt64Digits = 19

// pythonSpace is the white space that Python 2 skips around a number.
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

// MaxBigDigits is the number of decimal digits up to which BigIntOf converts a
// Long. Converting takes more than linear time; Python 3 has the same limit.
const MaxBigDigits = 4300

// BigIntOf returns the value of an Int, Long or Bool; ok is false for any other
// value and for a Long of more than MaxBigDigits digits. For the longest it takes
// some 100 µs: ask only when the number is needed.
func BigIntOf(v Value) (n *big.Int, ok bool) {
	if n, ok := Int64Of(v); ok {
		return big.NewInt(n), true
	}
	l, ok := v.(Long)
	if !ok {
		return nil, false
	}
	s, ok := canonicalLong(string(l))
	if !ok || len(strings.TrimPrefix(s, "-")) > MaxBigDigits {
		return nil, false
	}
	return new(big.Int).SetString(s, 10)
}

// Decimal digits are converted in chunks, the most that a uint64 holds.
const (
	chunkDigits = maxInt64Digits
	chunkBase   = 1e19
)

// chunks calls f with the number that each chunk of digits means, from the left;
// only the first may have fewer digits than chunkDigits.
func chunks(digits string, f func(uint64)) {
	for n := len(digits) % chunkDigits; digits != ""; n = chunkDigits {
		u := uint64(0)
		for _, c := range []byte(digits[:n]) {
			u = u*10 + uint64(c-'0')
		}
		f(u)
		digits = digits[n:]
	}
}

// floatDigits is the number of decimal digits of the largest float64: a longer
// number is above it.
const floatDigits = 309

// floatBelow returns the largest float64 that is not above u.
func floatBelow(u uint64) (f float64, exact bool) {
	const mantissa = 53 // bits
	drop := max(bits.Len64(u)-mantissa, 0)
	kept := u >> drop << drop
	return float64(kept), kept == u
}

// floatBelowDigits returns the largest finite float64 that is not above a number
// of decimal digits.
func floatBelowDigits(digits string) (f float64, exact bool) {
	if len(digits) > floatDigits {
		return math.MaxFloat64, false
	}
	const words = 18 // of 64 bits: 17 for floatDigits digits, and one below
	var n [words]uint64
	used := 1
	chunks(digits, func(u uint64) {
		for i := 1; i < used; i++ {
			high, low := bits.Mul64(n[i], chunkBase)
			low, carry := bits.Add64(low, u, 0)
			n[i], u = low, high+carry
		}
		if u != 0 {
			n[used] = u
			used++
		}
	})
	// What counts are the 64 bits from the first that is set.
	last, below := n[used-1], n[max(used-2, 0)]
	zeros := bits.LeadingZeros64(last)
	f, exact = floatBelow(last<<zeros | below>>(64-zeros))
	f = math.Ldexp(f, 64*(used-2)-zeros)
	if math.IsInf(f, 0) {
		return math.MaxFloat64, false
	}
	exact = exact && below<<zeros == 0
	for i := 1; i < used-2; i++ {
		exact = exact && n[i] == 0
	}
	return f, exact
}
