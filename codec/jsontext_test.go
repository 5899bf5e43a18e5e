package codec

import (
	"strings"
	"testing"
)

func TestCheckJSON(t *testing.T) {
	for text, want := range map[string]string{
		`{"a": [1, "b\\ud800", "\ud83d\ude00", "\u00e9\n", {"a": 1}], "b": {"a": 1}}`: "",
		`["a", "a"]`:                     "",
		"\"\xff\"":                       "not UTF-8",
		`"\ud800"`:                       `\ud800 is half a character`,
		`"\ude00\ud83d"`:                 `\ude00 is half`,
		`["\ud83dx"]`:                    "half",
		`{"a": 1, "a": 1}`:               `"a" is there twice`,
		`[{"b": {"a": 1, "\u0061": 2}}]`: `"a" is there twice`,
		`{"a": {"a": 1}, "b": "a"}`:      "",
	} {
		err := CheckJSON([]byte(text))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
