package codec

import (
	"bytes"
	"math"
	"testing"
)

// FuzzParse: what parses can be written, reads back as the same value, and is
// written the same way again.
func FuzzParse(f *testing.F) {
	for _, row := range goldenLines(f, "testdata/values.tsv") {
		f.Add([]byte(row[0]))
	}
	for _, row := range goldenLines(f, "../nomcore/testdata/packets.tsv") {
		f.Add([]byte(row[0])[1:])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		checkAttrs(t, data)
		v, n, err := Parse(data, Limits{})
		if err != nil {
			return
		}
		if n <= 0 || n > len(data) {
			t.Fatalf("%d bytes of %d", n, len(data))
		}
		first, err := Append(nil, v)
		if err != nil {
			t.Fatalf("Append(%s): %v", v, err)
		}
		w, n, err := Parse(first, Limits{})
		if err != nil || n != len(first) {
			t.Fatalf("Parse(%x): %d of %d bytes, %v", first, n, len(first), err)
		}
		if !Equal(v, w) {
			t.Fatalf("%s became %s", v, w)
		}
		second, err := Append(nil, w)
		if err != nil || !bytes.Equal(first, second) {
			t.Fatalf("%x became %x, %v", first, second, err)
		}
		checkLiteral(t, v)
	})
}

// checkAttrs makes sure that a packet's attributes read back once written.
func checkAttrs(t *testing.T, data []byte) {
	attrs, _, err := ParseAttrs(data, Limits{})
	if err != nil {
		return
	}
	var e Encoder
	out, err := e.AppendAttrs(nil, attrs)
	if err != nil {
		t.Fatalf("AppendAttrs: %v", err)
	}
	again, n, err := ParseAttrs(out, Limits{})
	if err != nil || n != len(out) || len(again) != len(attrs) {
		t.Fatalf("ParseAttrs(%x): %d bytes, %d attributes of %d, %v", out, n, len(again), len(attrs), err)
	}
}

// checkLiteral makes sure that the literal of v is read as exactly v.
func checkLiteral(t *testing.T, v Value) {
	t.Helper()
	if !hasLiteral(v) {
		_ = v.String()
		return
	}
	s := v.String()
	w, err := ParseLiteral(s)
	if err != nil {
		t.Fatalf("ParseLiteral(%s): %v", s, err)
	}
	if !Equal(v, w) {
		t.Fatalf("literal %s was read as %s", s, w)
	}
	if args, kwargs, err := ParseArgs(s); err != nil || len(args) != 1 || len(kwargs) != 0 || !Equal(v, args[0]) {
		t.Fatalf("ParseArgs(%s) = %v, %v, %v", s, args, kwargs, err)
	}
}

// hasLiteral tells whether v can be read back: everything but errors,
// references, infinities and nan.
func hasLiteral(v Value) bool {
	switch v := v.(type) {
	case Exception, Ref:
		return false
	case Float:
		return !math.IsInf(float64(v), 0) && !math.IsNaN(float64(v))
	case *Map:
		for _, p := range v.Pairs() {
			if !hasLiteral(p.Key) || !hasLiteral(p.Value) {
				return false
			}
		}
		return true
	}
	items, _ := membersOf(v)
	for _, item := range items {
		if !hasLiteral(item) {
			return false
		}
	}
	return true
}

// FuzzLiteral: what is read as a literal is printed as one of the same value,
// and nothing that a person types does worse than an error.
func FuzzLiteral(f *testing.F) {
	for _, test := range literalTests {
		f.Add(test.in)
	}
	const maxSeed = 1000 // bytes: longer ones only slow the search down
	for _, test := range badLiterals {
		if len(test.in) <= maxSeed {
			f.Add(test.in)
		}
	}
	f.Fuzz(func(t *testing.T, s string) {
		checkArgs(t, s)
		v, err := ParseLiteral(s)
		if err != nil {
			_ = err.Error()
			return
		}
		checkLiteral(t, v)
		b, err := Append(nil, v)
		if err != nil {
			t.Fatalf("Append(%s): %v", v, err)
		}
		w, n, err := Parse(b, Limits{})
		if err != nil || n != len(b) || !Equal(v, w) {
			t.Fatalf("%s was sent as %s, %v", v, w, err)
		}
	})
}

func checkArgs(t *testing.T, s string) {
	p := ArgParser{Path: func(path string) (Value, error) { return Text("/"), nil }}
	args, kwargs, err := p.Parse(s)
	if err != nil {
		_ = err.Error()
		return
	}
	for _, v := range args {
		checkLiteral(t, v)
	}
	for _, a := range kwargs {
		checkLiteral(t, a.Value)
	}
}
