package codec

import (
	"encoding/binary"
	"math"
	"reflect"
	"strconv"
	"strings"
)

// Ranks of the types, in the order of the names that Python 2 gives them. Zero
// ends a tuple, so that the shorter of two comes first.
const (
	rankEnd      byte = iota
	rankNone          // smaller than anything
	rankNaN           // nan comes before all other numbers
	rankNumber        // numbers have the empty name
	rankRef           // Proxy
	rankForeign       // becomes a Ref when it is sent
	rankEllipsis      // ellipsis
	rankError         // exceptions.…
	rankStr           // str
	rankTuple         // tuple
	rankUnicode       // unicode
)

// keyWriter writes keys as bytes whose order, that of bytes.Compare, is the order
// of the keys. The same key gives the same bytes: 1, 1.0 and True do, and an ASCII
// str and the same unicode. The bytes of one key are never the start of those of
// another, so a tuple is its members one after the other. Writing a key takes
// linear time, and a comparison looks at no more bytes than the shorter key has.
type keyWriter struct {
	order  keyOrder
	errors uint32 // exceptions so far
}

// append appends a key, which must be hashable.
func (w *keyWriter) append(b []byte, v Value, depth int) []byte {
	switch v := v.(type) {
	case None:
		return append(b, rankNone)
	case Bool:
		return appendIntKey(b, int64(boolInt(bool(v))))
	case Int:
		return appendIntKey(b, int64(v))
	case Long:
		return appendLongKey(b, string(v))
	case Float:
		return appendFloatKey(b, float64(v))
	case Bytes:
		return w.appendString(b, string(v), depth, 0)
	case Text:
		return w.appendString(b, string(v), depth, 1)
	case Tuple:
		b = append(b, rankTuple)
		for _, item := range v {
			b = w.append(b, item, min(depth+1, maxOrderDepth))
		}
		return append(b, rankEnd)
	case Ref:
		b = appendDigits(append(b, rankRef), string(v.ID))
		return appendTerminated(b, string(v.Home))
	case Ellipsis:
		return append(b, rankEllipsis)
	case Exception:
		// No two exceptions are the same key, as objects are not in Python;
		// those of one class stay in the order in which they came.
		w.errors++
		b = appendTerminated(append(b, rankError), v.Class)
		return binary.BigEndian.AppendUint32(b, w.errors)
	}
	// A value of another package equals itself alone. The order of addresses has
	// no meaning, but it is total, so sorting works.
	return binary.BigEndian.AppendUint64(append(b, rankForeign), uint64(reflect.ValueOf(v).Pointer()))
}

// appendString appends Bytes (typ 0) or Text (typ 1). Strings are ordered by their
// bytes, which for UTF-8 is the order of code points. A str and a unicode with the
// same bytes are one key if these are ASCII; otherwise Python calls them
// different, and the str comes first.
func (w *keyWriter) appendString(b []byte, s string, depth int, typ byte) []byte {
	b = appendTerminated(append(b, w.order.rankOfStrings(depth)), s)
	if isASCII(s) {
		typ = 0
	}
	return append(b, typ)
}

// appendTerminated appends a string and its end, two zeros; it writes a zero inside
// as 00 ff. So a string comes before a longer one that starts with it.
func appendTerminated(b []byte, s string) []byte {
	for {
		before, after, found := strings.Cut(s, "\x00")
		b = append(b, before...)
		if !found {
			return append(b, 0, 0)
		}
		b = append(b, 0, 0xff)
		s = after
	}
}

// appendDigits appends the decimal digits of a number after their count: without
// leading zeros the number with more digits is larger.
func appendDigits(b []byte, digits string) []byte {
	return append(appendI32(b, len(digits)), digits...)
}

// A number is written as the nearest float64 towards zero, the side of this float
// on which the number lies, and its digits if it is not the float itself.
const (
	sideBelow byte = iota // the number is below the float, which is negative
	sideExact
	sideAbove
)

func appendFloatKey(b []byte, f float64) []byte {
	if math.IsNaN(f) {
		return binary.BigEndian.AppendUint64(append(b, rankNaN), math.Float64bits(f))
	}
	return append(appendOrdered(append(b, rankNumber), f), sideExact)
}

// appendOrdered appends a float that is not nan.
func appendOrdered(b []byte, f float64) []byte {
	const signBit = 1 << 63
	bits := math.Float64bits(f)
	switch {
	case f == 0:
		bits = signBit // 0.0 and -0.0
	case f < 0:
		bits = ^bits
	default:
		bits |= signBit
	}
	return binary.BigEndian.AppendUint64(b, bits)
}

func appendIntKey(b []byte, n int64) []byte {
	magnitude := uint64(n)
	if n < 0 {
		magnitude = -magnitude
	}
	f, exact := floatBelow(magnitude)
	if exact {
		if n < 0 {
			f = -f
		}
		return append(appendOrdered(append(b, rankNumber), f), sideExact)
	}
	var buf [maxInt64Digits + 1]byte
	return appendInexact(b, n < 0, f, string(strconv.AppendUint(buf[:0], magnitude, 10)))
}

func appendLongKey(b []byte, s string) []byte {
	neg, digits, _ := splitLong(s)
	if n, ok := digitsInt64(neg, digits); ok {
		return appendIntKey(b, n)
	}
	f, exact := floatBelowDigits(digits)
	if !exact {
		return appendInexact(b, neg, f, digits)
	}
	if neg {
		f = -f
	}
	return append(appendOrdered(append(b, rankNumber), f), sideExact)
}

// appendInexact appends an integer whose magnitude is above f and has these
// digits.
func appendInexact(b []byte, neg bool, f float64, digits string) []byte {
	if !neg {
		return appendDigits(append(appendOrdered(append(b, rankNumber), f), sideAbove), digits)
	}
	b = append(appendOrdered(append(b, rankNumber), -f), sideBelow)
	start := len(b)
	b = appendDigits(b, digits)
	for i := start; i < len(b); i++ {
		b[i] = ^b[i]
	}
	return b
}
