package main

import (
	"strings"

	"nomfs/codec"
	"nomfs/fsview"
)

// keyNames returns the file name of each key below index/: its text, or its
// literal where two keys have the same text.
func keyNames(keys []codec.Value) []string {
	uses := make(map[string]int, len(keys))
	for _, key := range keys {
		uses[keyText(key)]++
	}
	names := make([]string, len(keys))
	for i, key := range keys {
		text := keyText(key)
		if uses[text] > 1 {
			text = key.String()
		}
		names[i] = fsview.EncodeKey(text)
	}
	return names
}

// keyText is a key as a person writes it: strings without quotes.
func keyText(key codec.Value) string {
	if s, ok := codec.StringOf(key); ok {
		return s
	}
	return key.String()
}

// parseKey returns the key that a file name stands for: of the keys that the
// peer tells the one with that name, else a number, a quoted or bracketed
// literal, a slice, or text. It is false for a name that is no spelling of
// anything.
func parseKey(file string, keys []codec.Value) (codec.Value, bool) {
	text, ok := fsview.DecodeKey(file)
	if !ok {
		return nil, false
	}
	for i, name := range keyNames(keys) {
		if name == file {
			return keys[i], true
		}
	}
	v, err := codec.ParseLiteral(text)
	switch {
	case err != nil:
	case v.Kind() == codec.KindInt,
		v.Kind() == codec.KindSlice && strings.Contains(text, ":"),
		strings.ContainsAny(text[:1], `'"([{ubUB`):
		return v, true
	}
	return codec.StringValue(text), true
}
