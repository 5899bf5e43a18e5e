package fsview

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"syscall"
	"testing"

	"nomfs/codec"
)

// jsonRef is the one reference that the JSON tests know.
var jsonRef = codec.Ref{ID: "7", Home: codec.NewHome("127.0.0.1", 12074)}

func jsonPath(codec.Ref) string { return "child" }

func jsonObject(path string) (codec.Value, error) {
	if path != "child" {
		return nil, syscall.ENOENT
	}
	return jsonRef, nil
}

func dictOf(t *testing.T, pairs ...codec.Value) codec.Value {
	t.Helper()
	var list []codec.Pair
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, codec.Pair{Key: pairs[i], Value: pairs[i+1]})
	}
	m, err := codec.NewMap(list...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestJSON writes values as JSON and reads them back: with the old value at
// hand, nothing of their types is lost.
func TestJSON(t *testing.T) {
	b, u := func(s string) codec.Value { return codec.Bytes(s) }, func(s string) codec.Value { return codec.Text(s) }
	one := codec.Int(1)
	for _, tt := range []struct {
		v    codec.Value
		json string // without its white space
	}{
		{codec.None{}, "null"},
		{codec.Bool(true), "true"},
		{codec.Int(-5), "-5"},
		{codec.Long("5"), "5"},
		{codec.Long("123456789012345678901234567890"), "123456789012345678901234567890"},
		{codec.Float(2), "2.0"},
		{codec.Float(1e300), "1e+300"},
		{codec.Float(math.Inf(-1)), `{"@float":"-inf"}`},
		{codec.Float(math.NaN()), `{"@float":"nan"}`},
		{b("a<b>&\n"), `"a<b>&\n"`},
		{b("café"), `"café"`},
		{u("plain"), `"plain"`},
		{u("café"), `"café"`},
		{b("\xff\x00"), `{"@base64":"/wA="}`},
		{u("\xed\xa0\x80"), `{"@literal":"u'\\ud800'"}`},
		{codec.List{}, "[]"},
		{codec.List{one, codec.List{u("x")}}, `[1,["x"]]`},
		{codec.Tuple{one, b("x")}, `{"@tuple":[1,"x"]}`},
		{codec.Set{b("b"), u("a")}, `{"@set":["b","a"]}`},
		{dictOf(t, b("b"), one, u("a"), codec.Float(3)), `{"a":3.0,"b":1}`},
		{dictOf(t, one, b("x"), b("y"), one), `{"@dict":[["y",1],[1,"x"]]}`},
		{dictOf(t, b("@tuple"), one), `{"@dict":[["@tuple",1]]}`},
		{dictOf(t, b("@type"), one), `{"@type":1}`},
		{dictOf(t, codec.Tuple{one, one}, one), `{"@dict":[[{"@tuple":[1,1]},1]]}`},
		{codec.Slice{Start: 1, Stop: 2, Step: 1}, `{"@literal":"slice(1, 2, 1)"}`},
		{codec.Ellipsis{}, `{"@literal":"Ellipsis"}`},
		{codec.List{jsonRef}, `[{"@":"child"}]`},
	} {
		text, err := appendJSON(nil, jsonOf(tt.v, jsonPath))
		if err != nil {
			t.Errorf("%v: %v", tt.v, err)
			continue
		}
		if got := compactJSON(t, text); got != tt.json {
			t.Errorf("%v is %s, want %s", tt.v, got, tt.json)
		}
		back, err := parseJSON(text, tt.v, jsonObject)
		if err != nil || !codec.Equal(back, tt.v) || back.Kind() != tt.v.Kind() {
			t.Errorf("%s is %v, %v, want %v", text, back, err, tt.v)
		}
		if _, isLong := tt.v.(codec.Long); isLong {
			if _, still := back.(codec.Long); !still {
				t.Errorf("%s is no long any more", text)
			}
		}
	}
}

func compactJSON(t *testing.T, text []byte) string {
	t.Helper()
	var out bytes.Buffer
	if err := json.Compact(&out, text); err != nil {
		t.Errorf("%s is no JSON: %v", text, err)
	}
	return out.String()
}

// TestParseJSON reads JSON that others write.
func TestParseJSON(t *testing.T) {
	for _, tt := range []struct {
		text string
		cur  codec.Value
		want codec.Value // nil: refused
		more bool        // it could go on
	}{
		{text: "5", cur: codec.Float(1), want: codec.Float(5)},
		{text: "5", cur: codec.Bytes("x"), want: codec.Int(5)},
		{text: "1.0", cur: codec.Int(1), want: codec.Float(1)},
		{text: `"x"`, cur: codec.Text("y"), want: codec.Text("x")},
		{text: ` ["\u00e9"] `, want: codec.List{codec.Text("é")}},
		{text: `{"@tuple": [[1]]}`, want: codec.Tuple{codec.List{codec.Int(1)}}},
		{text: `{"@set": [1, 1]}`, want: codec.Set{codec.Int(1)}},
		{text: `{"@": "child"}`, want: jsonRef},
		{text: `{"@": "nope"}`},
		{text: `{"@set": [[1]]}`},
		{text: `{"@dict": [1]}`},
		{text: `{"@base64": "?"}`},
		{text: `{"@float": "x"}`},
		{text: `{"@tuple": 1}`},
		{text: `{"@literal": "x"}`},
		{text: `1e999`},
		{text: "1 2"},
		{text: "'x'"},
		{text: "\"\xff\""},
		{text: `"\ud800"`},
		{text: `{"a": 1, "a": 2}`},
		{text: "[1,", more: true},
		{text: `{"a"`, more: true},
	} {
		got, err := parseJSON([]byte(tt.text), tt.cur, jsonObject)
		if (err == nil) != (tt.want != nil) || err == nil && (!codec.Equal(got, tt.want) || got.Kind() != tt.want.Kind()) {
			t.Errorf("%s is %v, %v, want %v", tt.text, got, err, tt.want)
		}
		var bad *textError
		if errors.As(err, &bad) && bad.incomplete != tt.more {
			t.Errorf("%s: may go on: %v", tt.text, bad.incomplete)
		}
	}
}
