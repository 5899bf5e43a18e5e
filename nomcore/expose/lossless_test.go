package expose

import (
	"strings"
	"testing"
)

// TestDataLosesNothing reads data of which a decoder would lose a part without a
// word.
func TestDataLosesNothing(t *testing.T) {
	for _, tt := range []struct{ format, text, want string }{
		{"json", `{"n": 123456789012345678901234567890}`, "{'n': 123456789012345678901234567890}"},
		{"json", `{"a": [{"b": "a"}, {"b": "b"}], "b": {"a": "a"}}`, "{'a': [{'b': 'a'}, {'b': 'b'}], 'b': {'a': 'a'}}"},
		{"json", `{"a": {"b": 1, "c": [], "b": 2}}`, `error: "b" is there twice`},
		{"json", `{"a": 1, "a": 1}`, `error: "a" is there twice`},
		{"json", "[\"\xff\"]", "error: it is not UTF-8"},
		{"json", `{"\\": "\\\ud83d\ude00\n\\ud800\u00e9"}`, `{'\\': '\\😀\n\\ud800é'}`},
		{"json", `["\ud800"]`, `error: \ud800 is half a character`},
		{"json", `["\ud83d\u0041"]`, `error: \ud83d is half a character`},
		{"json", `{"\ude00\ud83d": 1}`, `error: \ude00 is half a character`},
		{"yaml", "d: 2001-12-14\n2001-12-15: 2001-12-14t21:59:43.10-05:00\ne: !!timestamp 2001-12-16",
			"{'2001-12-15': '2001-12-14t21:59:43.10-05:00', 'd': '2001-12-14', 'e': '2001-12-16'}"},
		{"json", "{\n\"é\": x}", "error: 2:6: invalid character 'x'"},
		{"toml", "a = 1\n\"é\" = x", "error: 2:7: "},
		{"yaml", "n: 18446744073709551615", "{'n': 18446744073709551615}"},
		{"yaml", "m: 1\nn: [-123456789012345678901234567890]", "error: 2:5: the number is too large for YAML"},
		{"yaml", "n: 1.5e300\nt: '123456789012345678901234567890'", "{'n': 1.5e+300, 't': '123456789012345678901234567890'}"},
		{"yaml", "1: a\n1.0: b", "error: two keys of a table are the same"},
		{"yaml", "1: a\n2: b", "{1: 'a', 2: 'b'}"},
	} {
		v, err := dataValue([]byte(tt.text), tt.format)
		got := ""
		if err != nil {
			got = "error: " + err.Error()
		} else {
			got = v.String()
		}
		if got != tt.want && !(err != nil && strings.HasPrefix(got, tt.want)) {
			t.Errorf("%s\n%s: %s, want %s", tt.text, tt.format, got, tt.want)
		}
	}
}
