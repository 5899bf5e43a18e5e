package codec

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// StringValue returns the value for a string of a Go program: Bytes if it is ASCII,
// as the strings of an original are; Text if it is other UTF-8; Bytes if it is no
// UTF-8.
func StringValue(s string) Value {
	if isASCII(s) || !validText(s) {
		return Bytes(s)
	}
	return Text(s)
}

// StringOf returns the string of Bytes or Text.
func StringOf(v Value) (string, bool) {
	switch v := v.(type) {
	case Bytes:
		return string(v), true
	case Text:
		return string(v), true
	}
	return "", false
}

// charset is a codec of TEXT.
type charset uint8

const (
	charsetNone charset = iota // any codec that readers refuse
	charsetUTF8
	charsetASCII
	charsetLatin1
	charsetUTF16
	charsetUTF16LE
	charsetUTF16BE
	charsetUTF32
	charsetUTF32LE
	charsetUTF32BE
)

// charsetOf returns the charset of a codec name, in any of the spellings that
// Python has for it. The original accepts every codec of Python, compressions
// included; charsetOf knows those whose result is text.
func charsetOf(name []byte) charset {
	if string(name) == textCodec {
		return charsetUTF8
	}
	var buf [maxCodecName]byte
	switch string(normalCodec(buf[:0], name)) {
	case "utf_8", "u8", "utf", "utf8":
		return charsetUTF8
	case "ascii", "646", "ansi_x3.4_1968", "ansi_x3_4_1968", "ansi_x3.4_1986",
		"cp367", "csascii", "ibm367", "iso646_us", "iso_646.irv_1991",
		"iso_ir_6", "us", "us_ascii":
		return charsetASCII
	case "latin_1", "8859", "cp819", "csisolatin1", "ibm819", "iso8859",
		"iso8859_1", "iso_8859_1", "iso_8859_1_1987", "iso_ir_100", "l1",
		"latin", "latin1":
		return charsetLatin1
	case "utf_16", "u16", "utf16":
		return charsetUTF16
	case "utf_16_le", "utf_16le", "unicodelittleunmarked":
		return charsetUTF16LE
	case "utf_16_be", "utf_16be", "unicodebigunmarked":
		return charsetUTF16BE
	case "utf_32", "u32", "utf32":
		return charsetUTF32
	case "utf_32_le", "utf_32le":
		return charsetUTF32LE
	case "utf_32_be", "utf_32be":
		return charsetUTF32BE
	}
	return charsetNone
}

// maxCodecName is the length in bytes up to which a name is looked at; the
// longest name known has 21.
const maxCodecName = 64

// normalCodec appends a codec name to dst as Python looks it up: lower case, one
// underscore for each run of other characters. Names too long give nothing.
func normalCodec(dst, name []byte) []byte {
	if len(name) > maxCodecName {
		return dst
	}
	gap := false
	for _, c := range name {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != '.' && (c < '0' || c > '9') && (c < 'a' || c > 'z') {
			gap = len(dst) > 0
			continue
		}
		if gap {
			dst = append(dst, '_')
			gap = false
		}
		dst = append(dst, c)
	}
	return dst
}

// decodeText returns the data of TEXT as UTF-8: the data itself where it is UTF-8
// already. The error is ErrCodec or ErrText.
func decodeText(codec, data []byte) (text []byte, err error) {
	text, ok := data, false
	switch charsetOf(codec) {
	case charsetNone:
		return nil, ErrCodec
	case charsetUTF8:
		ok = validText(data)
	case charsetASCII:
		ok = isASCII(data)
	case charsetLatin1:
		text, ok = decodeLatin1(data), true
	case charsetUTF16:
		text, ok = decodeUTF16(data)
	case charsetUTF16LE:
		text, ok = decodeUTF16Order(data, binary.LittleEndian)
	case charsetUTF16BE:
		text, ok = decodeUTF16Order(data, binary.BigEndian)
	case charsetUTF32:
		text, ok = decodeUTF32(data)
	case charsetUTF32LE:
		text, ok = decodeUTF32Order(data, binary.LittleEndian)
	case charsetUTF32BE:
		text, ok = decodeUTF32Order(data, binary.BigEndian)
	}
	if !ok {
		return nil, ErrText
	}
	return text, nil
}

func decodeLatin1(data []byte) []byte {
	b := make([]byte, 0, len(data))
	for _, c := range data {
		b = utf8.AppendRune(b, rune(c))
	}
	return b
}

// byteOrderMark is the character that may start UTF-16 and UTF-32. Without it
// Python takes the order of its machine, which in practice is little-endian.
const byteOrderMark = 0xfeff

func decodeUTF16(data []byte) ([]byte, bool) {
	if len(data) >= 2 {
		switch {
		case binary.LittleEndian.Uint16(data) == byteOrderMark:
			data = data[2:]
		case binary.BigEndian.Uint16(data) == byteOrderMark:
			return decodeUTF16Order(data[2:], binary.BigEndian)
		}
	}
	return decodeUTF16Order(data, binary.LittleEndian)
}

func decodeUTF16Order(data []byte, order binary.ByteOrder) ([]byte, bool) {
	if len(data)%2 != 0 {
		return nil, false
	}
	b := make([]byte, 0, len(data))
	for ; len(data) > 0; data = data[2:] {
		r := rune(order.Uint16(data))
		if utf16.IsSurrogate(r) {
			if len(data) < 4 {
				return nil, false
			}
			if r = utf16.DecodeRune(r, rune(order.Uint16(data[2:]))); r == utf8.RuneError {
				return nil, false
			}
			data = data[2:]
		}
		b = utf8.AppendRune(b, r)
	}
	return b, true
}

func decodeUTF32(data []byte) ([]byte, bool) {
	if len(data) >= 4 {
		switch {
		case binary.LittleEndian.Uint32(data) == byteOrderMark:
			data = data[4:]
		case binary.BigEndian.Uint32(data) == byteOrderMark:
			return decodeUTF32Order(data[4:], binary.BigEndian)
		}
	}
	return decodeUTF32Order(data, binary.LittleEndian)
}

func decodeUTF32Order(data []byte, order binary.ByteOrder) ([]byte, bool) {
	if len(data)%4 != 0 {
		return nil, false
	}
	b := make([]byte, 0, len(data))
	for ; len(data) > 0; data = data[4:] {
		r := order.Uint32(data)
		if r > utf8.MaxRune {
			return nil, false
		}
		b = appendCodePoint(b, rune(r))
	}
	return b, true
}

// The bounds of the surrogates. Alone they are no characters, but Python 2 has
// them in its strings and encodes them like any other code point.
const (
	surrogateMin = 0xd800
	surrogateMax = 0xdfff
	surrogateLen = 3 // bytes
)

// appendCodePoint appends a code point, lone surrogates included.
func appendCodePoint(b []byte, r rune) []byte {
	if r >= surrogateMin && r <= surrogateMax {
		return append(b, 0xe0|byte(r>>12), 0x80|byte(r>>6)&0x3f, 0x80|byte(r)&0x3f)
	}
	return utf8.AppendRune(b, r)
}

// decodeCodePoint reads the first code point of s, which may be a lone
// surrogate. Bytes that are no UTF-8 give utf8.RuneError and size 1.
func decodeCodePoint(s string) (r rune, size int) {
	r, size = utf8.DecodeRuneInString(s)
	if r != utf8.RuneError || size != 1 {
		return r, size
	}
	if len(s) >= surrogateLen && s[0] == 0xed && s[1] >= 0xa0 && s[1] <= 0xbf && s[2]&0xc0 == 0x80 {
		return 0xd000 | rune(s[1]&0x3f)<<6 | rune(s[2]&0x3f), surrogateLen
	}
	return r, size
}

// validText tells whether s is what Text may hold: UTF-8 and lone surrogates.
func validText[S ~string | ~[]byte](s S) bool {
	s = s[asciiLen(s):]
	if len(s) == 0 {
		return true
	}
	switch s := any(s).(type) { // package utf8 is faster, but refuses surrogates
	case string:
		if utf8.ValidString(s) {
			return true
		}
	case []byte:
		if utf8.Valid(s) {
			return true
		}
	}
	for len(s) > 0 {
		r, size := decodeCodePoint(string(s[:min(len(s), utf8.UTFMax)]))
		if r == utf8.RuneError && size == 1 {
			return false
		}
		s = s[size:]
	}
	return true
}

// isASCII tells whether all bytes of s are below 0x80.
func isASCII[S ~string | ~[]byte](s S) bool { return asciiLen(s) == len(s) }

// asciiLen returns the number of bytes before the first that is not ASCII. It looks
// at 64 of them at a time.
func asciiLen[S ~string | ~[]byte](s S) int {
	const (
		word  = 8 // bytes
		block = 8 * word
		high  = 0x8080808080808080 // the bits that are 0 in ASCII
	)
	i := 0
	for ; len(s)-i >= block; i += block {
		t := s[i : i+block]
		if (load64(t)|load64(t[word:])|load64(t[2*word:])|load64(t[3*word:])|
			load64(t[4*word:])|load64(t[5*word:])|load64(t[6*word:])|load64(t[7*word:]))&high != 0 {
			break
		}
	}
	for ; len(s)-i >= word; i += word {
		if w := load64(s[i:]) & high; w != 0 {
			return i + bits.TrailingZeros64(w)/8
		}
	}
	for i < len(s) && s[i] < utf8.RuneSelf {
		i++
	}
	return i
}

// load64 returns the first 8 bytes of s as a number. The compiler makes one
// instruction of it.
func load64[S ~string | ~[]byte](s S) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}
