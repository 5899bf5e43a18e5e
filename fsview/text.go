package fsview

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"syscall"
	"unicode/utf8"

	"nomfs/codec"
)

// render returns the text of the file that holds v: text as it is, bytes that
// are no text raw, anything else its literal; one newline at the end of all
// but raw bytes, so that reading and writing back changes nothing.
func render(v codec.Value) []byte {
	switch v := v.(type) {
	case codec.Text:
		return append([]byte(v), '\n')
	case codec.Bytes:
		if isRaw(v) {
			return []byte(v)
		}
		return append([]byte(v), '\n')
	}
	return append([]byte(v.String()), '\n')
}

// isRaw tells whether a byte string is not text.
func isRaw(b codec.Bytes) bool {
	return !utf8.ValidString(string(b)) || strings.IndexByte(string(b), 0) >= 0
}

// An opError is an error of our own: an errno with words for people.
type opError struct {
	errno syscall.Errno
	text  string
}

func (e *opError) Error() string { return e.text }
func (e *opError) Unwrap() error { return e.errno }

// textError is text that does not become a value. It is EINVAL.
type textError struct {
	words      string
	incomplete bool // more text may mend it
}

func (e *textError) Error() string { return e.words }
func (e *textError) Unwrap() error { return syscall.EINVAL }

// parseText turns the text written to a file into a value of the type that cur
// has. A nil or None cur takes a literal, and any other text as text.
func parseText(text []byte, cur codec.Value) (codec.Value, error) {
	s := strings.TrimSuffix(string(text), "\n")
	switch cur := cur.(type) {
	case nil, codec.None:
		if v, err := codec.ParseLiteral(strings.TrimSpace(s)); err == nil {
			return v, nil
		}
		return codec.StringValue(s), nil
	case codec.Bytes:
		if isRaw(cur) {
			return codec.Bytes(text), nil
		}
		return codec.Bytes(s), nil
	case codec.Text:
		if string(cur) != s && !utf8.ValidString(s) {
			return nil, &textError{words: "want text in UTF-8, got other bytes"}
		}
		return codec.Text(s), nil
	case codec.Bool:
		return parseBool(strings.TrimSpace(s))
	case codec.Float:
		if f, ok := parseSpecialFloat(strings.TrimSpace(s)); ok {
			return f, nil
		}
	}
	v, err := codec.ParseLiteral(strings.TrimSpace(s))
	if err != nil {
		return nil, &textError{
			words:      fmt.Sprintf("want %s, got %s: %v", cur.Kind(), excerpt(s), err),
			incomplete: errors.Is(err, codec.ErrIncomplete),
		}
	}
	return convertTo(v, cur, s)
}

// convertTo gives a literal the type of cur.
func convertTo(v, cur codec.Value, s string) (codec.Value, error) {
	switch cur := cur.(type) {
	case codec.Float:
		if v.Kind() == codec.KindInt {
			n, ok := codec.BigIntOf(v)
			if ok {
				f, _ := n.Float64()
				if !math.IsInf(f, 0) {
					return codec.Float(f), nil
				}
			}
		}
	case codec.Long:
		// The width is part of the type in Python 2: a long stays one.
		if n, ok := codec.BigIntOf(v); ok && v.Kind() == codec.KindInt {
			return codec.Long(n.String()), nil
		}
	case codec.Ref, codec.Exception:
		return nil, &textError{words: fmt.Sprintf("%s cannot be written as text", cur.Kind())}
	}
	if v.Kind() != cur.Kind() {
		return nil, &textError{words: fmt.Sprintf("want %s, got %s %s", cur.Kind(), v.Kind(), excerpt(s))}
	}
	return v, nil
}

// boolWords are the spellings of a bool that people type.
var boolWords = map[string]bool{
	"True": true, "true": true, "1": true, "yes": true, "on": true,
	"False": false, "false": false, "0": false, "no": false, "off": false,
}

func parseBool(s string) (codec.Value, error) {
	if b, ok := boolWords[s]; ok {
		return codec.Bool(b), nil
	}
	return nil, &textError{words: "want bool (True, False, 1, 0, yes, no, on, off), got " + excerpt(s)}
}

// parseSpecialFloat reads the floats that are no Python literals but that
// reading a file may have shown.
func parseSpecialFloat(s string) (codec.Float, bool) {
	switch s {
	case "inf":
		return codec.Float(math.Inf(1)), true
	case "-inf":
		return codec.Float(math.Inf(-1)), true
	case "nan":
		return codec.Float(math.NaN()), true
	}
	return 0, false
}

// excerptLen is how much of a bad text an error repeats, in bytes.
const excerptLen = 60

// excerpt quotes text for an error, cut to a readable length.
func excerpt(s string) string {
	if len(s) <= excerptLen {
		return fmt.Sprintf("%q", s)
	}
	return fmt.Sprintf("%q…", strings.ToValidUTF8(s[:excerptLen], ""))
}
