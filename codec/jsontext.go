package codec

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// CheckJSON refuses a JSON text (RFC 8259) that package encoding/json would change
// silently: bytes that are no UTF-8, one half of a surrogate pair, and a name that
// occurs twice in an object. The caller must know that the text is JSON.
func CheckJSON(text []byte) error {
	if !utf8.Valid(text) {
		return errors.New("it is not UTF-8")
	}
	if err := checkHalves(text); err != nil {
		return err
	}
	return checkTwice(text)
}

// checkHalves refuses one half of a surrogate pair, which the decoder would
// replace.
func checkHalves(text []byte) error {
	const escape = len(`\u0000`)
	half := func(at int) rune { // the number of an escape, -1 where there is none
		if at+escape > len(text) || text[at] != '\\' || text[at+1] != 'u' {
			return -1
		}
		n, err := strconv.ParseUint(string(text[at+2:at+escape]), 16, 16)
		if err != nil {
			return -1
		}
		return rune(n)
	}
	for at := bytes.IndexByte(text, '\\'); at >= 0 && at < len(text); {
		switch r := half(at); {
		case text[at] != '\\':
			at++
		case r < 0:
			at += len(`\n`)
		case !utf16.IsSurrogate(r):
			at += escape
		case utf16.DecodeRune(r, half(at+escape)) == utf8.RuneError:
			return fmt.Errorf("%s is half a character", text[at:at+escape])
		default:
			at += 2 * escape
		}
	}
	return nil
}

// checkTwice refuses an object in which a name occurs twice: the decoder would
// keep the last value and lose the others.
func checkTwice(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	type level struct {
		names map[string]bool // nil in an array
		value bool            // the next token is the value of a member
	}
	var open []level
	for {
		token, err := d.Token()
		if err != nil {
			return nil // the end of the text
		}
		top := len(open) - 1
		name, isText := token.(string)
		if top >= 0 && open[top].names != nil && !open[top].value && isText {
			if open[top].names[name] {
				return fmt.Errorf("%q is there twice", name)
			}
			open[top].names[name], open[top].value = true, true
			continue
		}
		if top >= 0 {
			open[top].value = false
		}
		switch token {
		case json.Delim('{'):
			open = append(open, level{names: make(map[string]bool)})
		case json.Delim('['):
			open = append(open, level{})
		case json.Delim('}'), json.Delim(']'):
			open = open[:top]
		}
	}
}
