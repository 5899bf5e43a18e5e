package fsview

import (
	"strconv"
	"strings"

	"nomfs/codec"
)

// KeyNames returns the file name of each key below index/: its text, or its
// literal where two keys have the same text.
func KeyNames(keys []codec.Value) []string {
	count := make(map[string]int, len(keys))
	for _, key := range keys {
		count[plainKeyName(key)]++
	}
	names := make([]string, len(keys))
	for i, key := range keys {
		if names[i] = plainKeyName(key); count[names[i]] > 1 {
			names[i] = exactKeyName(key)
		}
	}
	return names
}

// KeyOf returns the key that a file name below index/ stands for: of the keys
// that the peer tells the one with that name, else what it spells. It is false
// for what is the spelling of nothing.
func KeyOf(file string, keys []codec.Value) (codec.Value, bool) {
	for i, name := range KeyNames(keys) {
		if name == file {
			return keys[i], true
		}
	}
	return spelledKey(file)
}

// plainKeyName is the text of a key.
func plainKeyName(key codec.Value) string {
	if s, ok := codec.StringOf(key); ok {
		return encodeName(s, plainNames)
	}
	if s, ok := key.(codec.Slice); ok {
		return strconv.Itoa(int(s.Start)) + ":" + strconv.Itoa(int(s.Stop)) + ":" + strconv.Itoa(int(s.Step))
	}
	return encodeName(key.String(), plainNames)
}

// exactKeyName is the literal of a key.
func exactKeyName(key codec.Value) string { return encodeName(key.String(), plainNames) }

// spelledKey reads a name as a key where the object does not say what it
// means: an integer, a quoted or bracketed literal, a slice, else text. It is
// false for what is the spelling of nothing.
func spelledKey(name string) (codec.Value, bool) {
	s, ok := decodeName(name, plainNames)
	if !ok {
		return nil, false
	}
	if s != "" {
		if isDecimal(s) || strings.ContainsRune(`'"([{`, rune(s[0])) || bytesLiteral(s) {
			if v, err := codec.ParseLiteral(s); err == nil {
				return v, true
			}
		}
		if sl, ok := parseSlice(s); ok {
			return sl, true
		}
	}
	return codec.StringValue(s), true
}

// isDecimal tells whether s is an integer of any size, with a sign or without.
func isDecimal(s string) bool {
	digits := strings.TrimLeft(s, "+-")
	return digits != "" && len(s)-len(digits) <= 1 && strings.Trim(digits, "0123456789") == ""
}

// bytesLiteral tells whether s begins like b'…' or u"…".
func bytesLiteral(s string) bool {
	return len(s) > 1 && (s[0] == 'b' || s[0] == 'u') && (s[1] == '\'' || s[1] == '"')
}

// parseSlice reads a:b and a:b:c, each part an integer or empty. The wire has
// no open end: it is written as the farthest number.
func parseSlice(s string) (codec.Slice, bool) {
	parts := strings.Split(s, ":")
	if len(parts) < 2 || len(parts) > 3 {
		return codec.Slice{}, false
	}
	const openEnd, farBack = 1<<31 - 1, -1 << 31
	nums := []int32{0, openEnd, 1}
	if len(parts) == 3 && strings.HasPrefix(parts[2], "-") {
		nums[0], nums[1] = openEnd, farBack
	}
	for i, p := range parts {
		if p == "" {
			continue
		}
		n, err := strconv.ParseInt(p, 10, 32)
		if err != nil {
			return codec.Slice{}, false
		}
		nums[i] = int32(n)
	}
	return codec.Slice{Start: nums[0], Stop: nums[1], Step: nums[2]}, nums[2] != 0
}
