package script

import (
	"math"
	"testing"

	"nomfs/codec"
	"nomfs/nomcore"
)

// there takes a value into Starlark and out again.
func there(t testing.TB, s *Script, v codec.Value) codec.Value {
	t.Helper()
	x, err := s.inward(v)
	if err != nil {
		t.Fatalf("%v cannot come in: %v", v, err)
	}
	back, err := s.outward(x)
	if err != nil {
		t.Fatalf("%v cannot go out: %v", v, err)
	}
	return back
}

func TestValues(t *testing.T) {
	o := &nomcore.Object{Impl: new(int)}
	for _, tt := range []struct{ v, want codec.Value }{ // want nil: the same
		{codec.None{}, nil},
		{codec.Bool(true), nil},
		{codec.Int(math.MinInt64), nil},
		{codec.Long("-123456789012345678901234567890"), nil},
		{codec.Long("7"), codec.Int(7)},
		{codec.Float(math.Inf(-1)), nil},
		{codec.Float(math.NaN()), nil},
		{codec.Float(math.Copysign(0, -1)), nil},
		{codec.Bytes("ascii"), nil},
		{codec.Bytes("\xff\x00"), nil},
		{codec.Text("caf\u00e9 \u20ac"), nil},
		{codec.Text("ascii"), codec.Bytes("ascii")},
		{codec.Bytes("caf\u00e9"), codec.Text("caf\u00e9")},
		{codec.Text("lone \xed\xa0\x80"), nil},
		{codec.List{codec.Int(1), codec.List{}}, nil},
		{codec.Tuple{codec.Tuple{}, codec.None{}}, nil},
		{codec.Set{codec.Int(1), codec.Tuple{codec.Bytes("a")}}, nil},
		{literal(t, `{1: 'a', 'b': [2], (1, None): {}, None: 1.5, 2.5: set([1])}`), nil},
		{codec.Slice{Start: 1, Stop: 5, Step: 2}, nil},
		{codec.Ellipsis{}, nil},
		{codec.Exception{Class: "ValueError", Args: codec.Tuple{codec.Int(1)}}, nil},
		{codec.Ref{ID: "5", Home: codec.NewHome("127.0.0.1", 1)}, nil},
		{codec.Set{codec.Ref{ID: "5"}, codec.Ellipsis{}, codec.Exception{Class: "E"}}, nil},
		{o, nil},
		{codec.List{o, o}, nil},
	} {
		s := newScript("x.star", Env{})
		want := tt.want
		if want == nil {
			want = tt.v
		}
		got := there(t, s, tt.v)
		if !codec.Equal(got, want) {
			t.Errorf("%v became %v, want %v", tt.v, got, want)
		}
	}
}

func TestNestingIsBounded(t *testing.T) {
	var v codec.Value = codec.None{}
	for range codec.DefaultDepth + 2 {
		v = codec.List{v}
	}
	s := newScript("x.star", Env{})
	if _, err := s.inward(v); err == nil {
		t.Error("a value of any depth came in")
	}
	script := load(t, "def f():\n    l = []\n    l.append(l)\n    return l\ndef g():\n    l = []\n    for i in range(60): l = [l, l]\n    return l\n", Env{})
	for _, name := range []string{"f", "g"} {
		if _, err := call(t, script, name); nomcore.ExceptionOf(err).Class != "ValueError" {
			t.Errorf("%s: %v, want a ValueError", name, err)
		}
	}
}

// FuzzValues checks that a value that has been through Starlark once goes
// through it unchanged, and that what Starlark has a word for keeps its kind.
func FuzzValues(f *testing.F) {
	for _, text := range []string{
		"None", "[1, 2.5, 'a', b'\\xff', u'\\u20ac', (True,), set([1, (2,)])]", "{1: {}, 'a': None, (1, 2): [slice(1, 2, 3), Ellipsis]}",
		"-123456789012345678901234567890",
	} {
		v, err := codec.ParseLiteral(text)
		if err != nil {
			f.Fatal(err)
		}
		b, err := codec.Append(nil, v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	s := newScript("x.star", Env{})
	f.Fuzz(func(t *testing.T, b []byte) {
		v, _, err := codec.Parse(b, codec.Limits{Depth: maxNesting})
		if err != nil {
			return
		}
		once := there(t, s, v)
		if twice := there(t, s, once); !codec.Equal(once, twice) {
			t.Errorf("%v became %v, and then %v", v, once, twice)
		}
		isText := func(k codec.Kind) bool { return k == codec.KindText || k == codec.KindBytes }
		if v.Kind() != once.Kind() && !(isText(v.Kind()) && isText(once.Kind())) {
			t.Errorf("%v, a %v, became %v, a %v", v, v.Kind(), once, once.Kind())
		}
	})
}
