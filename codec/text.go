package codec

import (
	"encoding/binary"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// decoder turns the data of TEXT into UTF-8; ok is false for malformed data.
type decoder func(data []byte) (s string, ok bool)

// codecOf returns the decoder of a codec name, in any of the spellings that
// Python has for it. The original takes every codec of Python; these are the
// ones that mean text.
func codecOf(name string) decoder {
	switch normalCodec(name) {
	case "utf_8", "u8", "utf", "utf8":
		return decodeUTF8
	case "ascii", "646", "ansi_x3.4_1968", "ansi_x3_4_1968", "ansi_x3.4_1986",
		"cp367", "csascii", "ibm367", "iso646_us", "iso_646.irv_1991",
		"iso_ir_6", "us", "us_ascii":
		return decodeASCII
	case "latin_1", "8859", "cp819", "csisolatin1", "ibm819", "iso8859",
		"iso8859_1", "iso_8859_1", "iso_8859_1_1987", "iso_ir_100", "l1",
		"latin", "latin1":
		return decodeLatin1
	case "utf_16", "u16", "utf16":
		return decodeUTF16
	case "utf_16_le", "utf_16le", "unicodelittleunmarked":
		return func(b []byte) (string, bool) { return decodeUTF16Order(b, binary.LittleEndian) }
	case "utf_16_be", "utf_16be", "unicodebigunmarked":
		return func(b []byte) (string, bool) { return decodeUTF16Order(b, binary.BigEndian) }
	case "utf_32", "u32", "utf32":
		return decodeUTF32
	case "utf_32_le", "utf_32le":
		return func(b []byte) (string, bool) { return decodeUTF32Order(b, binary.LittleEndian) }
	case "utf_32_be", "utf_32be":
		return func(b []byte) (string, bool) { return decodeUTF32Order(b, binary.BigEndian) }
	}
	return nil
}

// maxCodecName is the length in bytes up to which a name is looked at; the
// longest name known has 21.
const maxCodecName = 64

// normalCodec spells a codec name as Python looks it up: lower case, one
// underscore for each run of other characters.
func normalCodec(name string) string {
	if len(name) > maxCodecName {
		return ""
	}
	return strings.Join(strings.FieldsFunc(strings.ToLower(name), func(r rune) bool {
		return r != '.' && (r < '0' || r > '9') && (r < 'a' || r > 'z')
	}), "_")
}

// decodeText returns the data of TEXT as UTF-8, or ErrCodec or ErrText.
func decodeText(codec string, data []byte) (string, error) {
	decode := decodeUTF8
	if codec != textCodec {
		decode = codecOf(codec)
	}
	if decode == nil {
		return "", ErrCodec
	}
	s, ok := decode(data)
	if !ok {
		return "", ErrText
	}
	return s, nil
}

func decodeUTF8(data []byte) (string, bool) {
	s := string(data)
	return s, validText(s)
}

func decodeASCII(data []byte) (string, bool) {
	s := string(data)
	return s, isASCII(s)
}

func decodeLatin1(data []byte) (string, bool) {
	var sb strings.Builder
	sb.Grow(len(data))
	for _, c := range data {
		sb.WriteRune(rune(c))
	}
	return sb.String(), true
}

// byteOrderMark is the character that may start UTF-16 and UTF-32. Without it
// Python takes the order of its machine, which in practice is little-endian.
const byteOrderMark = 0xfeff

func decodeUTF16(data []byte) (string, bool) {
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

func decodeUTF16Order(data []byte, order binary.ByteOrder) (string, bool) {
	if len(data)%2 != 0 {
		return "", false
	}
	var sb strings.Builder
	sb.Grow(len(data))
	for ; len(data) > 0; data = data[2:] {
		r := rune(order.Uint16(data))
		if utf16.IsSurrogate(r) {
			if len(data) < 4 {
				return "", false
			}
			if r = utf16.DecodeRune(r, rune(order.Uint16(data[2:]))); r == utf8.RuneError {
				return "", false
			}
			data = data[2:]
		}
		sb.WriteRune(r)
	}
	return sb.String(), true
}

func decodeUTF32(data []byte) (string, bool) {
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

func decodeUTF32Order(data []byte, order binary.ByteOrder) (string, bool) {
	if len(data)%4 != 0 {
		return "", false
	}
	b := make([]byte, 0, len(data))
	for ; len(data) > 0; data = data[4:] {
		r := order.Uint32(data)
		if r > utf8.MaxRune {
			return "", false
		}
		b = appendCodePoint(b, rune(r))
	}
	return string(b), true
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
func validText(s string) bool {
	if utf8.ValidString(s) {
		return true
	}
	for i := 0; i < len(s); {
		r, size := decodeCodePoint(s[i:])
		if r == utf8.RuneError && size == 1 {
			return false
		}
		i += size
	}
	return true
}

// isASCII tells whether all bytes of s are below 0x80.
func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
