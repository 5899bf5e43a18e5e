package codec

import (
	"errors"
	"io/fs"
	"math"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"
)

type (
	color   int // with a Stringer, still a number
	names   []string
	blob    []byte
	octet   uint8
	loopPtr *loopPtr
)

func (color) String() string { return "red" }

func ptr[T any](v T) *T { return &v }

func TestFromGo(t *testing.T) {
	huge, _ := new(big.Int).SetString("18446744073709551616", 10)
	tests := []struct {
		in   any
		want Value
	}{
		{nil, None{}},
		{true, Bool(true)},
		{int8(-5), Int(-5)},
		{color(2), Int(2)},
		{uint64(math.MaxUint64), Long("18446744073709551615")},
		{uintptr(7), Int(7)},
		{float32(0.5), Float(0.5)},
		{"abc", Bytes("abc")},
		{"é", Text("é")},
		{"\xff", Bytes("\xff")},
		{[]byte("é"), Bytes("é")},
		{blob("x"), Bytes("x")},
		{[]octet{1, 2}, Bytes("\x01\x02")},
		{[2]byte{1, 2}, Bytes("\x01\x02")},
		{[2]octet{1, 2}, Bytes("\x01\x02")},
		{[]byte(nil), Bytes("")},
		{[]int{1, 2}, List{Int(1), Int(2)}},
		{names(nil), List{}},
		{[2]any{1, "x"}, Tuple{Int(1), Bytes("x")}},
		{map[string]int(nil), mustMap()},
		{map[any]any{1: nil, "a": []any{}}, mustMap(Pair{Int(1), None{}}, Pair{Bytes("a"), List{}})},
		{map[int]struct{}{1: {}, 2: {}}, Set{Int(1), Int(2)}},
		{big.NewInt(5), Int(5)},
		{huge, Long("18446744073709551616")},
		{(*big.Int)(nil), None{}},
		{1500 * time.Millisecond, Float(1.5)},
		{time.Unix(10, 5e8), Float(10.5)},
		{time.Unix(-1, 5e8), Float(-0.5)},
		{Text("x"), Text("x")},
		{Ref{"1", "x"}, Ref{"1", "x"}},
		{[]Value{Int(1), nil}, List{Int(1), None{}}},
		{(*int)(nil), None{}},
		{(*Map)(nil), None{}},
		{(func())(nil), None{}},
		{(chan int)(nil), None{}},
	}
	for _, test := range tests {
		v, err := FromGo(test.in, nil)
		if err != nil || !Equal(v, test.want) {
			t.Errorf("FromGo(%T %v) = %v, %v, want %s", test.in, test.in, v, err, test.want)
		}
	}
}

func TestFromGoOther(t *testing.T) {
	loop := []any{nil}
	loop[0] = loop
	loopMap := map[string]any{}
	loopMap["x"] = loopMap
	for _, test := range []struct {
		in   any
		kind error
	}{
		{struct{ X int }{1}, ErrUnencodable},
		{ptr(1), ErrUnencodable},
		{1i, ErrUnencodable},
		{func() {}, ErrUnencodable},
		{errors.New("x"), ErrUnencodable},
		{[]error{fs.ErrNotExist}, ErrUnencodable},
		{map[string]any{"x": func() {}}, ErrUnencodable},
		{map[Slice]int{{}: 1}, ErrUnhashable},
		{loop, ErrDepth},
		{loopMap, ErrDepth},
		{make([]bool, DefaultItems+1), ErrItems},
	} {
		if v, err := FromGo(test.in, nil); !errors.Is(err, test.kind) {
			t.Errorf("FromGo(%T) = %v, %v, want %v", test.in, v, err, test.kind)
		}
	}
	other := func(x reflect.Value) (Value, error) { return Exception{Class: x.Type().String()}, nil }
	in := []any{ptr(1), struct{}{}, map[string]error{"k": fs.ErrExist}, 1i}
	want := "[*int(), struct\\x20{}(), {'k': error()}, complex128()]"
	if v, err := FromGo(in, other); err != nil || v.String() != want {
		t.Errorf("got %v, %v, want %s", v, err, want)
	}
}

func TestToGo(t *testing.T) {
	tests := []struct {
		v    Value
		want any // its type is the destination
	}{
		{Bool(true), true},
		{Int(5), 5},
		{Bool(true), 1},
		{Long("5"), int8(5)},
		{Int(2), color(2)},
		{Long("18446744073709551615"), uint64(math.MaxUint64)},
		{Int(5), uint8(5)},
		{Int(5), 5.0},
		{Long("100000000000000000000"), 1e20},
		{Float(0.5), float32(0.5)},
		{Float(math.Inf(1)), float32(math.Inf(1))},
		{Bytes("a"), "a"},
		{Text("é"), "é"},
		{Bytes("\xff"), "\xff"},
		{Bytes("é"), []byte("é")},
		{Bytes("ab"), []octet("ab")},
		{Bytes("ab"), [2]octet{'a', 'b'}},
		{Text("é"), blob("é")},
		{List{Int(1), Int(255)}, []byte{1, 255}},
		{List{Int(1)}, []int{1}},
		{Tuple{Bytes("a"), Text("é")}, names{"a", "é"}},
		{Set{Int(1)}, []int{1}},
		{List{Int(1), Int(2)}, [2]int{1, 2}},
		{List{Int(1), None{}}, []any{Int(1), None{}}},
		{Tuple{Int(1)}, List{Int(1)}},
		{Int(7), Long("7")},
		{Bytes("a"), Text("a")},
		{mustMap(Pair{Bytes("a"), Int(1)}), map[string]int{"a": 1}},
		{mustMap(Pair{Int(1), List{Text("x")}}), map[int][]string{1: {"x"}}},
		{Set{Int(1), Int(2)}, map[int]struct{}{1: {}, 2: {}}},
		{mustMap(), map[int]struct{}{}},
		{Int(5), big.NewInt(5)},
		{None{}, (*big.Int)(nil)},
		{Float(1.5), 1500 * time.Millisecond},
		{Int(2), 2 * time.Second},
		{Float(10.5), time.Unix(10, 5e8).UTC()},
		{Int(-1), time.Unix(-1, 0).UTC()},
		{None{}, (*int)(nil)},
		{Int(5), ptr(5)},
		{Exception{Class: "E"}, Exception{Class: "E"}},
		{Slice{1, 2, 3}, Slice{1, 2, 3}},
	}
	for _, test := range tests {
		dst := reflect.New(reflect.TypeOf(test.want)).Elem()
		if err := ToGo(test.v, dst); err != nil || !reflect.DeepEqual(dst.Interface(), test.want) {
			t.Errorf("ToGo(%s) = %v, %v, want %T %v", test.v, dst, err, test.want, test.want)
		}
	}
	var v Value
	var x any
	var e error
	for _, dst := range []any{&v, &x, &e} {
		if err := ToGo(Exception{Class: "E"}, reflect.ValueOf(dst).Elem()); err != nil {
			t.Errorf("ToGo(%T): %v", dst, err)
		}
	}
	if !Equal(v, x.(Value)) || e.Error() != "E" {
		t.Errorf("got %v, %v, %v", v, x, e)
	}
}

func TestToGoErrors(t *testing.T) {
	tests := []struct {
		v    Value
		dst  any // points to the destination
		kind error
		text string
	}{
		{Text("x"), new(int), ErrType, "want int, got text 'x'"},
		{Bytes("x"), new(int), ErrType, "want int, got bytes 'x'"},
		{Float(1), new(int), ErrType, "want int, got float 1.0"},
		{None{}, new(uint), ErrType, "want int, got None"},
		{nil, new(int), ErrType, "want int, got nothing"},
		{Int(1), new(bool), ErrType, "want bool, got int 1"},
		{Int(1), new(string), ErrType, "want text, got int 1"},
		{Text("é"), new(float64), ErrType, "want float, got text 'é'"},
		{Int(128), new(int8), ErrRange, "want int of 8 bits, got int 128"},
		{Long("9223372036854775808"), new(int64), ErrRange, "want int of 64 bits"},
		{Int(-1), new(uint), ErrRange, "not negative, got int -1"},
		{Long("18446744073709551616"), new(uint64), ErrRange, "not negative"},
		{Long(strings.Repeat("9", MaxBigDigits+1)), new(*big.Int), ErrRange, "want int of at most 4300 digits"},
		{Float(1e300), new(float32), ErrRange, "want float of 32 bits"},
		{Long("1" + strings.Repeat("0", 309)), new(float64), ErrRange, "want float of 64 bits"},
		{Long("1" + strings.Repeat("0", 400)), new(float64), ErrRange, "want float of 64 bits"},
		{Int(1), new([]int), ErrType, "want list, got int 1"},
		{None{}, new([]int), ErrType, "want list, got None"},
		{Int(1), new([]byte), ErrType, "want bytes, got int 1"},
		{Bytes("abc"), new([2]byte), ErrType, "want 2 bytes, got bytes 'abc'"},
		{List{Int(1)}, new([2]int), ErrType, "want list of 2, got list [1]"},
		{List{Int(1), Text("x")}, new([]int), ErrType, "item 1: wrong type: want int, got text 'x'"},
		{Int(1), new(map[string]int), ErrType, "want dict, got int 1"},
		{mustMap(Pair{Int(1), Int(1)}), new(map[int]struct{}), ErrType, "want set, got dict {1: 1}"},
		{mustMap(Pair{Int(1), Int(1)}), new(map[string]int), ErrType, "key: wrong type: want text, got int 1"},
		{mustMap(Pair{Bytes("a"), None{}}), new(map[string]int), ErrType, "key 'a': wrong type: want int, got None"},
		{mustMap(Pair{Tuple{}, Int(1)}), new(map[any]int), ErrType, "want a comparable key"},
		{Int(1), new(struct{ X int }), ErrType, "want struct { X int }, got int 1"},
		{Int(1), new(func()), ErrType, "want func(), got int 1"},
		{Ref{"1", "x"}, new(*int), ErrType, "want int, got reference <object 1 at ?>"},
		{&foreignValue{}, new(int), ErrType, "want int, got reference"},
		{Int(1), new(loopPtr), ErrDepth, ""},
		{Float(1e10), new(time.Duration), ErrRange, "want number of seconds, got float"},
		{Int(math.MaxInt64), new(time.Duration), ErrRange, "want number of seconds"},
		{Float(math.NaN()), new(time.Duration), ErrRange, "got float nan"},
		{Bytes("1s"), new(time.Duration), ErrType, "want number of seconds, got bytes '1s'"},
		{Float(math.NaN()), new(time.Time), ErrRange, "since 1970"},
		{Bytes("x"), new(time.Time), ErrType, "since 1970"},
		{Bytes("x"), new(*big.Int), ErrType, "want int, got bytes 'x'"},
		{Bytes("\xff"), new(Text), ErrType, `want text, got bytes b'\xff'`},
		{Text(strings.Repeat("é", 100)), new(int), ErrType, "é..."},
	}
	for _, test := range tests {
		dst := reflect.ValueOf(test.dst).Elem()
		err := ToGo(test.v, dst)
		if !errors.Is(err, test.kind) || !strings.Contains(err.Error(), test.text) {
			t.Errorf("ToGo(%v, %T) = %v, want %s", test.v, test.dst, err, test.text)
		}
		if !dst.IsZero() {
			t.Errorf("ToGo(%v, %T) failed and stored %v", test.v, test.dst, dst)
		}
	}
	if err := ToGo(Int(1), reflect.ValueOf(1)); !errors.Is(err, ErrType) {
		t.Errorf("not settable: %v", err)
	}
}

func TestDescription(t *testing.T) {
	tests := []Description{
		{},
		{Class: "Demo", Doc: "Ein Objekt für alle.", Callable: true, Sized: true, Indexable: true,
			Params: []Param{{Name: "a"}, {Name: "b", Type: "int", Default: Int(2)}, {Name: "c", Default: None{}}, {Rest: true}},
			Attrs: []AttrInfo{
				{Name: "add", Kind: KindRef, Type: "method", Doc: "adds", Call: true, Params: []Param{}},
				{Name: "größe", Kind: KindFloat, Write: true, Delete: true},
				{Name: "x"},
			}},
	}
	for _, d := range tests {
		b, err := Append(nil, d.Value())
		if err != nil {
			t.Fatal(err)
		}
		v, _, err := Parse(b, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := ParseDescription(v); err != nil || !reflect.DeepEqual(got, d) {
			t.Errorf("got %+v, %v, want %+v", got, err, d)
		}
	}
}

func TestParseDescription(t *testing.T) {
	tests := []struct {
		in   string
		want Description
		bad  bool
	}{
		{"{}", Description{}, false},
		{"{u'class': u'C', 'future': [1], 7: 8, 'sized': 1, 'doc': None}", Description{Class: "C"}, false},
		{"{'attrs': ({'name': 'b', 'kind': 'quark'}, {'name': 'a'}, {'name': 'b', 'doc': 'last'})}",
			Description{Attrs: []AttrInfo{{Name: "a"}, {Name: "b", Doc: "last"}}}, false},
		{"{'attrs': 5, 'params': 'x'}", Description{}, false},
		{"{'attrs': [5]}", Description{}, true},
		{"{'attrs': [{'name': 'a', 'params': [1]}]}", Description{}, true},
		{"{'params': [5]}", Description{}, true},
		{"[]", Description{}, true},
	}
	for _, test := range tests {
		v, err := ParseLiteral(test.in)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseDescription(v)
		if !reflect.DeepEqual(got, test.want) || errors.Is(err, ErrType) != test.bad {
			t.Errorf("%s: got %+v, %v", test.in, got, err)
		}
	}
}
