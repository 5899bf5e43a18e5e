package codec

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"strings"
	"testing"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// readOnly has what is read, and written in another way.
var readOnly = []struct {
	in   string
	want Value
}{
	{"09 ff", Int(255)},
	{"06 00000100", Bool(true)},
	{"06 80000000", Bool(true)},
	{"02 00000003 31324c", Long("12")},                                  // 12L
	{"02 00000004 20313220", Long("12")},                                // ' 12 '
	{"02 00000002 2b35", Long("5")},                                     // +5
	{"02 00000003 2d2035", Long("-5")},                                  // - 5
	{"02 00000004 2d303035", Long("-5")},                                // -005
	{"02 00000002 2d30", Long("0")},                                     // -0
	{"05 00000005 7574662d38 00000001 61", Text("a")},                   // utf-8
	{"05 00000004 55544638 00000002 c3a9", Text("é")},                   // UTF8
	{"05 00000005 6173636969 00000001 61", Text("a")},                   // ascii
	{"05 00000007 6c6174696e2d31 00000002 e961", Text("éa")},            // latin-1
	{"05 0000000a 49534f2d383835392d31 00000001 ff", Text("ÿ")},         // ISO-8859-1
	{"05 00000006 7574662d3136 00000004 fffee900", Text("é")},           // utf-16, little
	{"05 00000006 7574662d3136 00000004 feff00e9", Text("é")},           // utf-16, big
	{"05 00000006 7574662d3136 00000002 e900", Text("é")},               // utf-16, no mark
	{"05 00000009 7574662d31362d6265 00000004 d83dde00", Text("😀")},     // utf-16-be
	{"05 00000008 7574662d31366c65 00000004 fffe6100", Text("\ufeffa")}, // utf-16le keeps the mark
	{"05 00000006 7574665f3332 00000008 fffe0000 e9000000", Text("é")},
	{"05 00000006 7574665f3332 00000008 0000feff 0000d800", Text("\xed\xa0\x80")},
	{"05 00000005 7574662d38 00000003 eda080", Text("\xed\xa0\x80")},
	{"07 00000003 02 0100000001 0600000001 0100000002", Set{Int(1), Int(2)}},
	{"08 00000002 00000002 00 0100000001 0a 00000002 01 0600000001 0c", mustMap(Pair{Int(1), Ellipsis{}})},
	{"0d 00000001 45 00000001 00 0a", Exception{"E", Tuple{None{}}}},
	{"0a ffff", None{}},
}

func TestReadOnly(t *testing.T) {
	for _, test := range readOnly {
		v, _, err := Parse(unhex(t, test.in), Limits{})
		if err != nil || !Equal(v, test.want) {
			t.Errorf("%s: got %v, %v, want %s", test.in, v, err, test.want)
		}
	}
}

// badBytes has what is no value.
var badBytes = []struct {
	in   string
	kind error
}{
	{"", ErrTruncated},
	{"00", ErrTag},
	{"0e", ErrTag},
	{"fe", ErrTag},
	{"01 000000", ErrTruncated},
	{"03 00000000000000", ErrTruncated},
	{"04 00000001", ErrTruncated},
	{"04 ffffffff 61", ErrTruncated},
	{"04 7fffffff 61", ErrTruncated},
	{"06 00", ErrTruncated},
	{"09", ErrTruncated},
	{"0b 0000000000000000000000", ErrTruncated},
	{"02 00000000", ErrNumber},
	{"02 00000004 30783130", ErrNumber}, // 0x10
	{"02 00000001 2d", ErrNumber},
	{"02 00000003 352035", ErrNumber},
	{"05 00000003 686578 00000002 6161", ErrCodec},        // hex
	{"05 00000000 00000000", ErrCodec},                    // ''
	{"05 00000006 637031323532 00000001 80", ErrCodec},    // cp1252
	{"05 00000005 5554462d38 00000001 ff", ErrText},       // invalid
	{"05 00000005 5554462d38 00000002 c080", ErrText},     // overlong
	{"05 00000005 5554462d38 00000004 f4908080", ErrText}, // beyond U+10FFFF
	{"05 00000005 6173636969 00000001 80", ErrText},
	{"05 00000006 7574662d3136 00000003 610061", ErrText},
	{"05 00000006 7574662d3136 00000002 00d8", ErrText},
	{"05 00000006 7574662d3332 00000004 ffffffff", ErrText},
	{"07 00000000", ErrTruncated},
	{"07 00000000 03", ErrSeq},
	{"07 00000001 00", ErrTruncated},
	{"07 7fffffff 00 0a", ErrTruncated},
	{"07 ffffffff 00", ErrTruncated},
	{"07 00000001 00 00", ErrTag},
	{"07 00000001 02 07 00000000 00", ErrUnhashable},
	{"07 00000001 02 07 00000001 01 08 00000000", ErrUnhashable},
	{"08 00000001 00000001 01 0a 0a", ErrSeq},
	{"08 00000001 00000003 01 0a 0a", ErrSeq},
	{"08 00000001 00000002 02 0a 0a", ErrSeq},
	{"08 00000001 00000002 01 0700000000000a", ErrUnhashable},
	{"08 00000001 00000002 01 0b 000000000000000000000000 0a", ErrUnhashable},
	{"08 00000001 00000002 01 0a", ErrTruncated},
	{"08 7fffffff", ErrTruncated},
	{"0d 00000001 45 00000000 02", ErrSeq},
	{"ff 00000001 61 00000000 01", ErrNumber},
	{"ff 00000002 2d31 00000000 01", ErrNumber},
	{"ff 00000000 00000000 01", ErrNumber},
	{"ff 00000001 31 00000000 02", ErrSeq},
	{"ff 00000001 31 00000001 01", ErrTruncated},
}

func TestBadBytes(t *testing.T) {
	for _, test := range badBytes {
		v, n, err := Parse(unhex(t, test.in), Limits{})
		var we *WireError
		if !errors.Is(err, test.kind) || !errors.As(err, &we) || v != nil || n != 0 {
			t.Errorf("%s: %v, %d, %v, want %v", test.in, v, n, err, test.kind)
		}
	}
}

func TestRefs(t *testing.T) {
	tests := []struct {
		in     string
		id     ID
		addr   string // of the home, "" where it is none
		odd    bool   // is written in another way
		equal0 bool   // == the first one
	}{
		{"ff 00000002 3432 00000002 01 04 00000009 3132372e302e302e31 01 00002f2a", "42", "127.0.0.1:12074", false, true},
		{"ff 00000004 2034324c 00000002 01 04 00000009 3132372e302e302e31 01 00002f2a", "42", "127.0.0.1:12074", true, true},
		{"ff 00000003 303432 00000002 01 04 00000009 3132372e302e302e31 01 00002f2a", "42", "127.0.0.1:12074", true, true},
		{"ff 00000002 3432 00000002 00 04 00000009 3132372e302e302e31 01 00002f2a", "42", "127.0.0.1:12074", false, false},
		{"ff 00000002 3432 00000002 01 05 00000005 7574662d38 00000001 61 02 00000001 31", "42", "a:1", false, false},
		{"ff 00000002 3432 00000003 01 0a 0c 0a", "42", "", false, false},
		{"ff 00000002 3432 00000000 01", "42", "", false, false},
		{"ff 00000002 3432 00000002 01 0400000000 01ffffffff", "42", "", false, false},
		{"ff 00000002 3432 00000002 01 0400000000 0100010000", "42", "", false, false},
	}
	var first Ref
	for i, test := range tests {
		raw := unhex(t, test.in)
		v, n, err := Parse(raw, Limits{})
		r, ok := v.(Ref)
		if err != nil || n != len(raw) || !ok || r.ID != test.id {
			t.Errorf("%s: %v, %v", test.in, v, err)
			continue
		}
		if i == 0 {
			first = r
		}
		if (r == first) != test.equal0 {
			t.Errorf("%s: same object as the first: %t", test.in, r == first)
		}
		host, port, ok := r.Home.Addr()
		if ok != (test.addr != "") || ok && NewHome(host, port).String() != test.addr {
			t.Errorf("%s: address %s %d %t, want %s", test.in, host, port, ok, test.addr)
		}
		out, err := Append(nil, v)
		if err != nil || bytes.Equal(out, raw) == test.odd {
			t.Errorf("%s: written as %x, %v", test.in, out, err)
		}
	}
	if home := NewHome("127.0.0.1", 12074); home != first.Home {
		t.Errorf("NewHome = %x, want %x", home, first.Home)
	}
	for _, bad := range []Ref{
		{}, {ID: "x", Home: first.Home}, {ID: "-1", Home: first.Home}, {ID: "1"},
		{ID: "1", Home: first.Home[:9]}, {ID: "1", Home: first.Home + "x"}, {ID: "1", Home: "\x00\x00\x00\x01\x01\x00"},
	} {
		if _, err := Append(nil, bad); !errors.Is(err, ErrUnencodable) {
			t.Errorf("Append(%s %x) = %v", bad.ID, bad.Home, err)
		}
	}
}

func TestParseID(t *testing.T) {
	for in, want := range map[string]ID{"42": "42", " 42L\n": "42", "+7": "7", "007": "7", "-0": "0", "-1": "", "": "", "0x1": "", "1_0": "", "4 2": ""} {
		id, err := ParseID(in)
		if id != want || (err == nil) != (want != "") || err != nil && !errors.Is(err, ErrNumber) {
			t.Errorf("ParseID(%q) = %q, %v", in, id, err)
		}
	}
}

// foreignValue is a value of another package.
type foreignValue struct{ name string }

func (*foreignValue) Kind() Kind     { return KindRef }
func (*foreignValue) String() string { return "foreign" }

type byValue int

func (byValue) Kind() Kind     { return KindRef }
func (byValue) String() string { return "by value" }

func TestAppendErrors(t *testing.T) {
	loop := List{nil}
	loop[0] = loop
	pair := Tuple{nil, nil}
	pair[0], pair[1] = pair, pair
	share := List{}
	for range 100 { // 2^100 members, all the same list
		share = List{share, share}
	}
	tests := []struct {
		name string
		v    Value
		kind error
	}{
		{"nil", nil, ErrUnencodable},
		{"nil member", List{Int(1), nil}, ErrUnencodable},
		{"bad long", Long("1x"), ErrUnencodable},
		{"empty long", Long(""), ErrUnencodable},
		{"bad text", Text("\xff"), ErrText},
		{"foreign", &foreignValue{}, ErrUnencodable},
		{"foreign as key", mustMap(Pair{&foreignValue{}, None{}}), ErrUnencodable},
		{"loop", loop, ErrDepth},
		{"double loop", pair, ErrDepth},
		{"shared", share, ErrItems},
		{"large", Bytes(make([]byte, DefaultBytes+1)), ErrSize},
		{"large number", Long("-" + strings.Repeat("1", DefaultBytes)), ErrSize},
		{"large list", List{Bytes(make([]byte, DefaultBytes/2)), Bytes(make([]byte, DefaultBytes/2))}, ErrSize},
	}
	for _, test := range tests {
		b := []byte("before")
		out, err := Append(b, test.v)
		if !errors.Is(err, test.kind) || string(out) != "before" {
			t.Errorf("%s: %d bytes, %v, want %v", test.name, len(out), err, test.kind)
		}
	}
}

func TestEncoderRef(t *testing.T) {
	home := NewHome("127.0.0.1", 12074)
	broken := errors.New("broken")
	e := Encoder{Ref: func(v Value) (Ref, error) {
		s, ok := v.(*foreignValue)
		if !ok || s.name == "" {
			return Ref{}, broken
		}
		return Ref{ID(s.name), home}, nil
	}}
	two, one := &foreignValue{"2"}, &foreignValue{"1"}
	m := mustMap(Pair{two, Int(2)}, Pair{Tuple{one}, Int(3)}, Pair{one, Int(1)}, Pair{None{}, two})
	if v, ok := m.Get(one); !ok || v != Int(1) {
		t.Errorf("Get = %v, %t", v, ok)
	}
	out, err := e.Append(nil, List{m, one})
	if err != nil {
		t.Fatal(err)
	}
	want := List{mustMap(
		Pair{None{}, Ref{"2", home}}, Pair{Ref{"1", home}, Int(1)},
		Pair{Ref{"2", home}, Int(2)}, Pair{Tuple{Ref{"1", home}}, Int(3)}), Ref{"1", home}}
	plain, err := Append(nil, want)
	if err != nil || !bytes.Equal(out, plain) {
		t.Errorf("got %x, want %x, %v", out, plain, err)
	}
	for _, v := range []Value{&foreignValue{}, byValue(0), List{byValue(0)}, mustMap(Pair{Tuple{&foreignValue{}}, None{}})} {
		if out, err := e.Append([]byte{1}, v); err != broken || len(out) != 1 {
			t.Errorf("%s: %x, %v", v, out, err)
		}
	}
	if _, err := NewMap(Pair{byValue(0), None{}}); !errors.Is(err, ErrUnhashable) {
		t.Errorf("byValue as a key: %v", err)
	}
}

func TestAppendWidths(t *testing.T) {
	tests := []struct {
		v    Value
		want string
	}{
		{Int(math.MaxInt32), "01 7fffffff"},
		{Int(math.MaxInt32 + 1), "02 0000000a 32313437343833363438"},
		{Int(math.MinInt32), "01 80000000"},
		{Int(math.MinInt32 - 1), "02 0000000b 2d32313437343833363439"},
		{Long("5"), "02 00000001 35"},
		{Long("-07L"), "02 00000002 2d37"},
		{(*Map)(nil), "08 00000000"},
		{List(nil), "07 00000000 00"},
		{Text("\xed\xa0\x80"), "05 00000005 5554462d38 00000003 eda080"},
	}
	for _, test := range tests {
		out, err := Append(nil, test.v)
		if err != nil || !bytes.Equal(out, unhex(t, test.want)) {
			t.Errorf("%s: %x, %v, want %s", test.v, out, err, test.want)
		}
	}
}

// TestLimits has one value at each limit and one beyond.
func TestLimits(t *testing.T) {
	nested := func(n int) Value {
		v := Value(Int(1))
		for range n {
			v = Tuple{v}
		}
		return v
	}
	tests := []struct {
		name string
		v    Value
		lim  Limits
		kind error
	}{
		{"scalar", Int(1), Limits{Depth: 1, Items: 1, Bytes: 5}, nil},
		{"depth", nested(3), Limits{Depth: 3}, nil},
		{"depth", nested(4), Limits{Depth: 3}, ErrDepth},
		{"default depth", nested(DefaultDepth), Limits{}, nil},
		{"default depth", nested(DefaultDepth + 1), Limits{}, ErrDepth},
		{"depth of keys", mustMap(Pair{nested(2), None{}}), Limits{Depth: 2}, ErrDepth},
		{"depth of args", Exception{"E", Tuple{List{}}}, Limits{Depth: 1}, ErrDepth},
		{"depth of a home", List{Ref{"1", NewHome("h", 1)}}, Limits{Depth: 1}, ErrDepth},
		{"items", List{Int(1), List{Int(2)}}, Limits{Items: 3}, nil},
		{"items", List{Int(1), List{Int(2), Int(3)}}, Limits{Items: 3}, ErrItems},
		{"pairs", mustMap(Pair{Int(1), Int(2)}), Limits{Items: 2}, nil},
		{"pairs", mustMap(Pair{Int(1), Int(2)}), Limits{Items: 1}, ErrItems},
		{"bytes", Bytes("abc"), Limits{Bytes: 8}, nil},
		{"bytes", Bytes("abc"), Limits{Bytes: 7}, ErrSize},
		{"bytes of all", List{Bytes("abc"), Bytes("abc")}, Limits{Bytes: 21}, ErrSize},
		{"bytes of a number", Long("-12345"), Limits{Bytes: 10}, ErrSize},
	}
	for _, test := range tests {
		e := Encoder{Limits: test.lim}
		if _, err := e.Append([]byte("before"), test.v); !errors.Is(err, test.kind) {
			t.Errorf("%s: Append: %v, want %v", test.name, err, test.kind)
		}
		all := Encoder{Limits: Limits{Depth: 1000}}
		b, err := all.Append(nil, test.v)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := Parse(b, test.lim); !errors.Is(err, test.kind) {
			t.Errorf("%s: Parse: %v, want %v", test.name, err, test.kind)
		}
	}
}

func TestAttrs(t *testing.T) {
	var e Encoder
	b, err := e.AppendAttrs(nil, []Attr{{"b", Int(1)}, {"a", Int(2)}, {"b", Int(3)}})
	want := unhex(t, "08 00000002 00000002 01 0400000001 61 0100000002 00000002 01 0400000001 62 0100000003")
	if err != nil || !bytes.Equal(b, want) {
		t.Errorf("unsorted: %x, %v", b, err)
	}
	// A key in TEXT, out of order and twice, and bytes after the map.
	raw := unhex(t, "08 00000003 00000002 00 05 00000005 5554462d38 00000002 c3a9 0a 00000002 01 0400000001 61 0c 00000002 01 0400000002 c3a9 0c ffff")
	attrs, n, err := ParseAttrs(raw, Limits{})
	if err != nil || n != len(raw)-2 || len(attrs) != 2 || attrs[0] != (Attr{"é", Ellipsis{}}) || attrs[1] != (Attr{"a", Ellipsis{}}) {
		t.Errorf("ParseAttrs = %v, %d, %v", attrs, n, err)
	}
	many := make([]Attr, 1000)
	for i := range many {
		many[i] = Attr{string(rune('a' + i%7)), Int(i)}
	}
	b = append([]byte{tagMap}, 0, 0, 3, 0xe8)
	for _, a := range many {
		b = append(b, 0, 0, 0, 2, 1)
		b, _ = Append(b, Bytes(a.Name))
		b, _ = Append(b, a.Value)
	}
	attrs, _, err = ParseAttrs(b, Limits{})
	if err != nil || len(attrs) != 7 || attrs[0].Value != Int(994) {
		t.Errorf("ParseAttrs = %v, %v", attrs, err)
	}
	for in, kind := range map[string]error{
		"":                                      ErrTruncated,
		"0a":                                    ErrTag,
		"08":                                    ErrTruncated,
		"08 00000001 00000002 01 0100000001 0a": ErrTag,
		"08 00000001 00000003 01 0400000000 0a": ErrSeq,
		"08 00000001 00000002 01 0400000000":    ErrTruncated,
	} {
		if _, _, err := ParseAttrs(unhex(t, in), Limits{}); !errors.Is(err, kind) {
			t.Errorf("%s: %v, want %v", in, err, kind)
		}
	}
	if out, err := e.AppendAttrs([]byte{7}, []Attr{{"a", nil}}); err == nil || len(out) != 1 {
		t.Errorf("no value: %x, %v", out, err)
	}
}
