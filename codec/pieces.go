package codec

import (
	"encoding/binary"
	"strconv"
)

// The functions of this file append single values to a packet that is written
// straight to bytes, without an Attr and without a Value for each. They allocate
// nothing but room for the result, and leave the limits to the caller.
//
//	b = AppendMapHeader(b, 2)          08 00000002
//	b = AppendAttrName(b, "op")           00000002 01  04 00000002 6f70
//	b = AppendBytes(b, "Len")                              04 00000003 4c656e
//	b = AppendAttrName(b, "xid")          00000002 01  04 00000003 786964
//	b = AppendInt(b, 7)                                    01 00000007

// AppendMapHeader appends the head of a MAP of n pairs: 08 0000000n. So many
// pairs must follow, in the order of their keys.
func AppendMapHeader(b []byte, n int) []byte {
	return appendI32(append(b, tagMap), n)
}

// AppendTupleHeader appends the head of a tuple of n members, which must follow:
// 07 0000000n 01.
func AppendTupleHeader(b []byte, n int) []byte {
	return appendSeqHeader(append(b, tagSeq), n, seqTuple)
}

// AppendListHeader appends the head of a list of n members, which must follow:
// 07 0000000n 00.
func AppendListHeader(b []byte, n int) []byte {
	return appendSeqHeader(append(b, tagSeq), n, seqList)
}

// AppendAttrName appends the head of a pair and its key, a name as BYTES:
// 00000002 01 04 00000002 6f70 for op. The value must follow.
func AppendAttrName[S ~string | ~[]byte](b []byte, name S) []byte {
	return AppendBytes(appendSeqHeader(b, pairLen, seqTuple), name)
}

// AppendBytes appends s as BYTES: 04 00000003 616263 for abc.
func AppendBytes[S ~string | ~[]byte](b []byte, s S) []byte {
	n := len(s)
	return append(append(b, tagBytes, byte(n>>24), byte(n>>16), byte(n>>8), byte(n)), s...)
}

// AppendText appends s, which must be what Text may hold, as TEXT:
// 05 00000005 5554462d38 00000002 c3a9 for é.
func AppendText[S ~string | ~[]byte](b []byte, s S) []byte {
	n := len(s)
	b = append(b, tagText, 0, 0, 0, byte(len(textCodec)), 'U', 'T', 'F', '-', '8', byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	return append(b, s...)
}

// AppendString appends s as StringValue has it: BYTES if it is ASCII or no
// UTF-8, TEXT otherwise.
func AppendString[S ~string | ~[]byte](b []byte, s S) []byte {
	if isASCII(s) || !validText(s) {
		return AppendBytes(b, s)
	}
	return AppendText(b, s)
}

// AppendInt appends n as INT where it fits 32 bits, as LONG otherwise:
// 01 00000007 for 7, 02 0000000a 32313437343833363438 for 2³¹.
func AppendInt(b []byte, n int64) []byte {
	if n == int64(int32(n)) {
		return append(b, tagInt, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
	b = appendI32(append(b, tagLong), 0)
	at := len(b)
	b = strconv.AppendInt(b, n, 10)
	binary.BigEndian.PutUint32(b[at-sizeI32:], uint32(len(b)-at))
	return b
}

// AppendLong appends a number, given as its canonical decimal digits with an
// optional minus sign, as LONG: 02 00000002 3432 for 42. An ID is such a number.
func AppendLong[S ~string | ~[]byte](b []byte, digits S) []byte {
	return append(appendI32(append(b, tagLong), len(digits)), digits...)
}

// AppendBool appends a BOOL: 06 00000001 for true.
func AppendBool(b []byte, v bool) []byte {
	return appendI32(append(b, tagBool), boolInt(v))
}

// AppendNone appends NONE: 0a.
func AppendNone(b []byte) []byte { return append(b, tagNone) }
