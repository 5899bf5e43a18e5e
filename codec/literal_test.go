package codec

import (
	"errors"
	"math"
	"strings"
	"testing"
)

func mustMap(pairs ...Pair) *Map {
	m, err := NewMap(pairs...)
	if err != nil {
		panic(err)
	}
	return m
}

// literalTests are literals as people and Python write them, with what they
// mean and how we would write it.
var literalTests = []struct {
	in   string
	want Value
	out  string
}{
	{"None", None{}, "None"},
	{" True ", Bool(true), "True"},
	{"False", Bool(false), "False"},
	{"Ellipsis", Ellipsis{}, "Ellipsis"},
	{"...", Ellipsis{}, "Ellipsis"},

	{"0", Int(0), "0"},
	{"00", Int(0), "0"},
	{"-0", Int(0), "0"},
	{"5", Int(5), "5"},
	{"5L", Int(5), "5"},
	{"5l", Int(5), "5"},
	{"+5", Int(5), "5"},
	{"- -5", Int(5), "5"},
	{"-+-+5", Int(5), "5"},
	{"1_000", Int(1000), "1000"},
	{"0755", Int(493), "493"},
	{"0755L", Int(493), "493"},
	{"0o755", Int(493), "493"},
	{"0O17", Int(15), "15"},
	{"0xFF", Int(255), "255"},
	{"0X_ffL", Int(255), "255"},
	{"-0b1_01", Int(-5), "-5"},
	{"2147483648", Int(2147483648), "2147483648"},
	{"9223372036854775807", Int(math.MaxInt64), "9223372036854775807"},
	{"-9223372036854775808", Int(math.MinInt64), "-9223372036854775808"},
	{"9223372036854775808", Long("9223372036854775808"), "9223372036854775808"},
	{"-000_0", Int(0), "0"},
	{"18446744073709551616L", Long("18446744073709551616"), "18446744073709551616"},
	{"-0x10000000000000000", Long("-18446744073709551616"), "-18446744073709551616"},

	{"1.", Float(1), "1.0"},
	{".5", Float(0.5), "0.5"},
	{"-.5e1", Float(-5), "-5.0"},
	{"1e5", Float(1e5), "100000.0"},
	{"1E+5", Float(1e5), "100000.0"},
	{"1_0.0_1e1_0", Float(10.01e10), "100100000000.0"},
	{"01.5", Float(1.5), "1.5"},
	{"08e1", Float(80), "80.0"},
	{"-0.0", Float(math.Copysign(0, -1)), "-0.0"},
	{"1e16", Float(1e16), "1e+16"},
	{"1e15", Float(1e15), "1000000000000000.0"},
	{"9999999999999998.0", Float(9999999999999998), "9999999999999998.0"},
	{"0.0001", Float(0.0001), "0.0001"},
	{"0.00001", Float(0.00001), "1e-05"},
	{"0.1", Float(0.1), "0.1"},
	{"1e22", Float(1e22), "1e+22"},
	{"5e-324", Float(5e-324), "5e-324"},
	{"1.7976931348623157e308", Float(math.MaxFloat64), "1.7976931348623157e+308"},
	{"123456789012345678.0", Float(123456789012345678), "1.2345678901234568e+17"},
	{"1e999", Float(math.Inf(1)), "inf"},
	{"float('-inf')", Float(math.Inf(-1)), "-inf"},

	{"''", Bytes(""), "''"},
	{"'abc'", Bytes("abc"), "'abc'"},
	{`"abc"`, Bytes("abc"), "'abc'"},
	{`'it\'s'`, Bytes("it's"), `"it's"`},
	{`'say "hi"'`, Bytes(`say "hi"`), `'say "hi"'`},
	{`'\'"'`, Bytes(`'"`), `'\'"'`},
	{`b'abc'`, Bytes("abc"), "'abc'"},
	{`B"abc"`, Bytes("abc"), "'abc'"},
	{`b'\xff\x00'`, Bytes("\xff\x00"), `b'\xff\x00'`},
	{`'\xff'`, Bytes("\xff"), `b'\xff'`},
	{`'\377\08'`, Bytes("\xff\x008"), `b'\xff\x008'`},
	{`'\400'`, Bytes("\x00"), `'\x00'`},
	{`'\a\b\f\n\r\t\v\\\0\x7f'`, Bytes("\a\b\f\n\r\t\v\\\x00\x7f"), `'\x07\x08\x0c\n\r\t\x0b\\\x00\x7f'`},
	{`'\q\N\8'`, Bytes(`\q\N\8`), `'\\q\\N\\8'`},
	{"'a\\\nb\\\r\nc'", Bytes("abc"), "'abc'"},
	{`b'\u0041\N{x}'`, Bytes(`\u0041\N{x}`), `'\\u0041\\N{x}'`},
	{`r'\n\''`, Bytes(`\n\'`), `"\\n\\'"`},
	{`R"\\"`, Bytes(`\\`), `'\\\\'`},
	{`br'\x41'`, Bytes(`\x41`), `'\\x41'`},
	{`Rb'\x41'`, Bytes(`\x41`), `'\\x41'`},
	{"'''a\n'b''\r\n\"'''", Bytes("a\n'b''\n\""), `'a\n\'b\'\'\n"'`},
	{`"""a""b"""`, Bytes(`a""b`), `'a""b'`},
	{`'''''' `, Bytes(""), "''"},
	{`'a' "b" r'\c'`, Bytes(`ab\c`), `'ab\\c'`},

	{"u''", Text(""), "u''"},
	{"u'abc'", Text("abc"), "u'abc'"},
	{`U"it's"`, Text("it's"), `u"it's"`},
	{"'café'", Text("café"), "'café'"},
	{"u'café'", Text("café"), "'café'"},
	{`'caf\u00e9'`, Text("café"), "'café'"},
	{`u'caf\xe9'`, Text("café"), "'café'"},
	{`'\xe9é'`, Text("éé"), "'éé'"},
	{`'\u0041'`, Text("A"), "u'A'"},
	{`'\U0001F600'`, Text("😀"), "'😀'"},
	{`u'\400\101'`, Text("ĀA"), "'ĀA'"},
	{`u'\x80'`, Text("\u0080"), `u'\x80'`},
	{`u'\u200b'`, Text("\u200b"), `u'\u200b'`},
	{`'é\u200b\n\x80"'`, Text("é\u200b\n\u0080\""), `'é\u200b\n\x80"'`},
	{`u'\ud83d\ude00'`, Text("\xed\xa0\xbd\xed\xb8\x80"), `u'\ud83d\ude00'`},
	{`'\ud800é'`, Text("\xed\xa0\x80é"), `'\ud800é'`},
	{`u'\U0010ffff'`, Text("\U0010ffff"), `u'\U0010ffff'`},
	{`u'\xa0'`, Text("\u00a0"), `u'\xa0'`},
	{`r'é\u0041'`, Text(`é\u0041`), `'é\\u0041'`},
	{`ur'\u0041\n\\u0041'`, Text(`A\n\\u0041`), `u'A\\n\\\\u0041'`},
	{`'a' u'b'`, Text("ab"), "u'ab'"},
	{`b'a' 'é'`, Text("aé"), "'aé'"},
	{"'\ufffd'", Text("\ufffd"), "'\ufffd'"},

	{"[]", List{}, "[]"},
	{"[1,'a',]", List{Int(1), Bytes("a")}, "[1, 'a']"},
	{"[[],()]", List{List{}, Tuple{}}, "[[], ()]"},
	{"()", Tuple{}, "()"},
	{"(1)", Int(1), "1"},
	{"( (1) ,)", Tuple{Int(1)}, "(1,)"},
	{"(1, 2)", Tuple{Int(1), Int(2)}, "(1, 2)"},
	{"1, 2", Tuple{Int(1), Int(2)}, "(1, 2)"},
	{"1,", Tuple{Int(1)}, "(1,)"},
	{"[\n1,\n# two\n2 # three\n]\n# end", List{Int(1), Int(2)}, "[1, 2]"},
	{"{}", mustMap(), "{}"},
	{"{'b': 2, 'a': 1,}", mustMap(Pair{Bytes("a"), Int(1)}, Pair{Bytes("b"), Int(2)}), "{'a': 1, 'b': 2}"},
	{"{1: 'x', True: 'y', 1.0: 'z'}", mustMap(Pair{Int(1), Bytes("z")}), "{1: 'z'}"},
	{"set()", Set{}, "set([])"},
	{"set([7])", Set{Int(7)}, "set([7])"},
	{"set((7, 8, 7.0),)", Set{Int(7), Int(8)}, "set([7, 8])"},
	{"set({7})", Set{Int(7)}, "set([7])"},
	{"{7, 7, 8}", Set{Int(7), Int(8)}, "set([7, 8])"},
	{"{(1, 'a'),}", Set{Tuple{Int(1), Bytes("a")}}, "set([(1, 'a')])"},

	{"slice(1, 2, 3)", Slice{1, 2, 3}, "slice(1, 2, 3)"},
	{"slice(5)", Slice{0, 5, 1}, "slice(0, 5, 1)"},
	{"slice(None, None, -1)", Slice{math.MaxInt32, math.MinInt32, -1}, "slice(2147483647, -2147483648, -1)"},
	{"slice(2, None)", Slice{2, math.MaxInt32, 1}, "slice(2, 2147483647, 1)"},
	{"1:2:3", Slice{1, 2, 3}, "slice(1, 2, 3)"},
	{"1:2", Slice{1, 2, 1}, "slice(1, 2, 1)"},
	{":", Slice{0, math.MaxInt32, 1}, "slice(0, 2147483647, 1)"},
	{"::", Slice{0, math.MaxInt32, 1}, "slice(0, 2147483647, 1)"},
	{"-3:", Slice{-3, math.MaxInt32, 1}, "slice(-3, 2147483647, 1)"},
	{":-3", Slice{0, -3, 1}, "slice(0, -3, 1)"},
	{"::-1", Slice{math.MaxInt32, math.MinInt32, -1}, "slice(2147483647, -2147483648, -1)"},
	{"5 : None : -2", Slice{5, math.MinInt32, -2}, "slice(5, -2147483648, -2)"},
	{"1:2, ...", Tuple{Slice{1, 2, 1}, Ellipsis{}}, "(slice(1, 2, 1), Ellipsis)"},
	{":,::2", Tuple{Slice{0, math.MaxInt32, 1}, Slice{0, math.MaxInt32, 2}}, "(slice(0, 2147483647, 1), slice(0, 2147483647, 2))"},
}

func TestLiterals(t *testing.T) {
	for _, test := range literalTests {
		v, err := ParseLiteral(test.in)
		if err != nil || !Equal(v, test.want) {
			t.Errorf("ParseLiteral(%s) = %v, %v, want %s", test.in, v, err, test.want)
			continue
		}
		if s := test.want.String(); s != test.out {
			t.Errorf("%s prints as %s, want %s", test.in, s, test.out)
		}
		checkLiteral(t, v)
	}
}

// badLiterals are texts that are no literals: the column and a part of the
// message, and the kind beyond ErrLiteral.
var badLiterals = []struct {
	in   string
	col  int
	part string
	kind error
}{
	{"", 1, "expected a value", nil},
	{"  # nothing", 12, "expected a value", nil},
	{"x", 1, "text needs quotes", nil},
	{"true", 1, "text needs quotes", nil},
	{"héllo wörld", 1, "name héllo", nil},
	{"[1, x]", 5, "name x", nil},
	{"1 2", 3, "expected the end", nil},
	{"'é' 1", 5, "expected the end", nil},
	{"1]", 2, "expected the end", nil},
	{"[1}", 3, "']'", nil},
	{"(1]", 3, "')'", nil},
	{"[,]", 2, "a value", nil},
	{"[1,,2]", 4, "a value", nil},
	{"{1: 2, 3}", 9, "':'", nil},
	{"{1, 2: 3}", 6, "'}'", nil},
	{"{1:2 3:4}", 6, "'}'", nil},
	{"1j", 1, "complex", nil},
	{"1.5J", 1, "complex", nil},
	{"1+2", 2, "expected the end", nil},
	{"-", 2, "number after the sign", nil},
	{"-x", 2, "number after the sign", nil},
	{"--'a'", 3, "number after the sign", nil},
	{"0x", 1, "bad number", nil},
	{"0xg", 1, "bad number", nil},
	{"0b2", 1, "bad number", nil},
	{"08", 1, "bad number", nil},
	{"0_7", 1, "bad number", nil},
	{"1__0", 1, "bad number", nil},
	{"1_", 1, "bad number", nil},
	{"1e", 1, "bad number", nil},
	{"1e+", 1, "bad number", nil},
	{"1.5L", 1, "bad number", nil},
	{"1.2.3", 1, "bad number", nil},
	{"12abc", 1, "bad number", nil},
	{"0x1.8p3", 1, "bad number", nil},
	{".", 1, "a value", nil},
	{"..", 1, "a value", nil},
	{"inf", 1, "name inf", nil},
	{"frozenset([1])", 1, "frozenset(...)", nil},
	{"ValueError('x')", 1, "not a literal", nil},
	{"<object 42 at 127.0.0.1:12074>", 1, "a value", nil},
	{"set(1)", 1, "set([...])", nil},
	{"set('ab')", 1, "set([...])", nil},
	{"float('1')", 1, "float('inf')", nil},
	{"slice()", 1, "slice(start", nil},
	{"slice(1,2,3,4)", 1, "slice(start", nil},
	{"slice('a')", 1, "made of integers", nil},
	{"slice(2147483648)", 1, "32 bits", ErrRange},
	{"1:99999999999999999999", 1, "32 bits", ErrRange},
	{"'a':", 1, "made of integers", nil},
	{"1:2:3:4", 6, "end of the slice", nil},
	{"[1:2]", 3, "']'", nil},
	{"f'abc'", 1, "f is no prefix", nil},
	{"bu'abc'", 1, "bu is no prefix", nil},
	{"b'é'", 1, "ASCII only", nil},
	{`'\xff' 'é'`, 1, "cannot be joined", nil},
	{`'\xff' u'a'`, 1, "cannot be joined", nil},
	{`'\x4'`, 2, `after \x`, nil},
	{`'C:\users'`, 4, `after \u`, nil},
	{`u'\U00110000'`, 3, `after \U`, nil},
	{`u'\Uffffffff'`, 3, `after \U`, nil},
	{`'\N{DASH}'`, 2, `\N{...}`, nil},
	{"'abc\n'", 5, "end of the line", nil},
	{"'a\xff'", 3, "not UTF-8", nil},
	{"{[1]: 2}", 1, "cannot be a key", ErrUnhashable},
	{"{1: 2, {}: 3}", 8, "cannot be a key", ErrUnhashable},
	{"{(1, [2])}", 1, "cannot be a key", ErrUnhashable},
	{"set([[1]])", 1, "cannot be a key", ErrUnhashable},
	{"{slice(1)}", 1, "cannot be a key", ErrUnhashable},
	{strings.Repeat("[", 1000000), DefaultDepth + 1, "inside each other", ErrDepth},
	{strings.Repeat("(", 301) + strings.Repeat(")", 301), DefaultDepth + 1, "inside each other", ErrDepth},
	{"0x" + strings.Repeat("f", maxRadixDigits+1), 1, "in decimal", ErrSize},

	{"[", 2, "found the end", ErrIncomplete},
	{"[1,\n", 1, "found the end", ErrIncomplete},
	{"{1:", 4, "found the end", ErrIncomplete},
	{"{1", 3, "found the end", ErrIncomplete},
	{"(1, # more", 11, "found the end", ErrIncomplete},
	{"set([1", 7, "found the end", ErrIncomplete},
	{"[-", 3, "found the end", ErrIncomplete},
	{"'abc", 1, "string that starts here", ErrIncomplete},
	{`'abc\`, 1, "string that starts here", ErrIncomplete},
	{`"""abc""` + "\n", 1, "string that starts here", ErrIncomplete},
	{"[1, u'abc", 5, "string that starts here", ErrIncomplete},
}

func TestBadLiterals(t *testing.T) {
	for _, test := range badLiterals {
		name := excerpt(test.in)
		v, err := ParseLiteral(test.in)
		var le *LiteralError
		if !errors.As(err, &le) || !errors.Is(err, ErrLiteral) {
			t.Errorf("%s: %v, %v, want a LiteralError", name, v, err)
			continue
		}
		if _, col := le.Column(); col != test.col {
			t.Errorf("%s: %v, want column %d", name, err, test.col)
		}
		if !strings.Contains(err.Error(), test.part) {
			t.Errorf("%s: %v, want %q", name, err, test.part)
		}
		for _, kind := range []error{ErrIncomplete, ErrDepth, ErrItems, ErrSize, ErrRange, ErrUnhashable} {
			if got, want := errors.Is(err, kind), kind == test.kind; got != want {
				t.Errorf("%s: %v: is %v: %t", name, err, kind, got)
			}
		}
	}
}

func TestLiteralErrorLine(t *testing.T) {
	_, err := ParseLiteral("[1,\n 'é', x]")
	if want := "line 2, column 7: expected a value, found the name x: text needs quotes"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// TestReprOnly has what is printed for people and not read back.
func TestReprOnly(t *testing.T) {
	loop := List{nil}
	loop[0] = loop
	home := NewHome("127.0.0.1", 12074)
	tests := []struct {
		v    Value
		want string
	}{
		{Float(math.NaN()), "nan"},
		{Float(math.Inf(-1)), "-inf"},
		{Exception{"ValueError", Tuple{Bytes("bad")}}, "ValueError('bad')"},
		{Exception{Class: "Exception"}, "Exception()"},
		{Exception{"IOError", Tuple{Int(2), Bytes("No such")}}, "IOError(2, 'No such')"},
		{Exception{"a\x1b[0m b", nil}, `a\x1b[0m\x20b()`},
		{Ref{"42", home}, "<object 42 at 127.0.0.1:12074>"},
		{Ref{"42", NewHome("::1", 1)}, "<object 42 at [::1]:1>"},
		{Ref{"42", ""}, "<object 42 at ?>"},
		{Long("007"), "7"},
		{Long("x"), "<bad number>"},
		{Text("\xff"), `u'\ufffd'`},
		{List{nil}, "[<nil>]"},
		{(*Map)(nil), "{}"},
		{loop, strings.Repeat("[", 301) + "..." + strings.Repeat("]", 301)},
	}
	for _, test := range tests {
		if got := test.v.String(); got != test.want {
			t.Errorf("got %s, want %s", got, test.want)
		}
	}
}
