package fsview

import (
	"strings"
	"unicode/utf8"
)

// maxName is the longest file name in bytes: what statfs promises and every
// tool expects. A longer name is not listed and cannot be looked up.
const maxName = 255

// emptyName stands for the empty name.
const emptyName = "%"

// A nameStyle tells which names a directory holds, and so which characters
// must be escaped there.
type nameStyle int

const (
	// plainNames are registered names and keys of items: inner dots stay.
	plainNames nameStyle = iota
	// attrNames are names of attributes: a dot separates the name from the
	// suffix of a view, and some words are names of the tree's own, see isWord.
	attrNames
)

// encodeName returns the file name of s. Every string has exactly one file
// name, and no two strings share one.
func encodeName(s string, style nameStyle) string {
	if s == "" {
		return emptyName
	}
	if style == attrNames && isWord(s) {
		return s + "%"
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if mustEscape(s[i], r, n, i, style) {
			escapeByte(&b, s[i])
			i++
			continue
		}
		b.WriteString(s[i : i+n])
		i += n
	}
	return b.String()
}

// mustEscape tells whether the byte c at position i cannot stand for itself;
// r of n bytes is the character that begins with it.
func mustEscape(c byte, r rune, n, i int, style nameStyle) bool {
	switch {
	case c < ' ' || c == 0x7f || c == '/' || c == '%':
		return true
	case r == utf8.RuneError && n == 1:
		return true
	case c == '.':
		return i == 0 || style == attrNames
	}
	return false
}

func escapeByte(b *strings.Builder, c byte) {
	const hex = "0123456789ABCDEF"
	b.WriteByte('%')
	b.WriteByte(hex[c>>4])
	b.WriteByte(hex[c&15])
}

// decodeName is the inverse of encodeName. It refuses a file name that
// encodeName does not produce, so that no object has two names.
func decodeName(name string, style nameStyle) (s string, ok bool) {
	if name == emptyName {
		return "", true
	}
	if style == attrNames && strings.HasSuffix(name, "%") && isWord(name[:len(name)-1]) {
		return name[:len(name)-1], true
	}
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		if name[i] != '%' {
			b.WriteByte(name[i])
			continue
		}
		if i+2 >= len(name) {
			return "", false
		}
		hi, lo := unhex(name[i+1]), unhex(name[i+2])
		if hi < 0 || lo < 0 {
			return "", false
		}
		b.WriteByte(byte(hi<<4 | lo))
		i += 2
	}
	s = b.String()
	return s, encodeName(s, style) == name
}

// unhex returns the value of an upper case hexadecimal digit, or -1.
func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// splitView splits the file name of a view, ATTR.SUFFIX, into the name of the
// attribute and the suffix. A name without a raw dot has no suffix.
func splitView(name string) (base, suffix string) {
	if i := strings.LastIndexByte(name, '.'); i > 0 {
		return name[:i], name[i+1:]
	}
	return name, ""
}

// isIdentifier tells whether a name is one that a program can spell after a
// dot. Of the names that a peer does not advertise only such a one is asked for: an
// object may have attributes that it does not list.
func isIdentifier(s string) bool {
	for i, r := range s {
		switch {
		case r == '_' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z':
		case r >= utf8.RuneSelf && r != utf8.RuneError:
		case i > 0 && '0' <= r && r <= '9':
		default:
			return false
		}
	}
	return s != ""
}

// sedRandom is the number of random characters in the name of the temporary
// file that sed -i makes.
const sedRandom = 6

// isScratch tells by its name alone whether a file is an editor's or a tool's
// own: backup, swap and temporary files never become attributes.
func isScratch(name string) bool {
	if name == "" || name == emptyName {
		return false
	}
	switch {
	case isOurs(name):
		return false
	case neverAttr(name):
		return true
	case strings.HasPrefix(name, "tmp"):
		return true
	case isRandom(name, "XX"): // perl -i
		return true
	case strings.HasPrefix(name, "sed") && len(name) == len("sed")+sedRandom:
		return true
	}
	return false
}

// isScratchItem is isScratch for the names of items: digits are a key there,
// and a dot belongs to it.
func isScratchItem(name string) bool {
	if name[0] == '.' {
		return true
	}
	return strings.Trim(name, "0123456789") != "" && isScratch(strings.ReplaceAll(name, ".", "_"))
}

// isLinkScratch tells whether a new link is the temporary one of ln -sf.
func isLinkScratch(name string) bool { return isRandom(name, "Cu") }

// isRandom tells whether a name is prefix and six random letters and digits.
// Six lower case letters are a word, and a word may be an attribute.
func isRandom(name, prefix string) bool {
	rest, ok := strings.CutPrefix(name, prefix)
	return ok && len(rest) == randomLetters && strings.Trim(rest, lowerCase+upperCase+digits) == "" && strings.Trim(rest, lowerCase) != ""
}

// isWordLike tells whether a name is two letters that programs begin such names
// with, and a word of six.
func isWordLike(name string) bool {
	if len(name) != 2+randomLetters || strings.Trim(name[2:], lowerCase) != "" {
		return false
	}
	return name[:2] == "Cu" || name[:2] == "XX"
}

// What names of temporary files are made of.
const (
	randomLetters = 6
	lowerCase     = "abcdefghijklmnopqrstuvwxyz"
	upperCase     = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits        = "0123456789"
)

// neverAttr tells whether a file name is of a shape that only tools use, so
// that looking it up needs no request: vim probes 4913, emacs #x#, and many
// keep x~.
func neverAttr(name string) bool {
	if strings.ContainsRune(name, '.') || strings.HasPrefix(name, "#") || strings.HasSuffix(name, "~") {
		return true
	}
	return strings.Trim(name, "0123456789") == ""
}
