package codec

import (
	"bytes"
	"errors"
	"io/fs"
	"math"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestKeyOrder has keys in the order of Python 2.
func TestKeyOrder(t *testing.T) {
	big := "1" + strings.Repeat("0", 30)
	orders := [][]Value{
		{None{}, Float(math.Inf(-1)), Long("-" + big), Float(-1e19), Int(math.MinInt64), Int(-1), Float(-0.5), Bool(false), Float(0.5),
			Bool(true), Float(1.5), Int(2), Int(1<<53 + 1), Float(1<<53 + 2), Int(math.MaxInt64), Float(1 << 63), Long("9223372036854775809"),
			Float(1e22), Long("10000000000000000000001"), Long(big), Float(1e300), Float(math.Inf(1)),
			Ref{"9", "b"}, Ref{"10", "a"}, Ref{"10", "b"}, Ellipsis{},
			Bytes(""), Bytes("A"), Text("B"), Bytes("a"), Bytes("é"), Text("é"), Text("😀"), Tuple{}, Tuple{Int(1)}, Tuple{Int(1), None{}}, Tuple{Bytes("a")}},
		{Ellipsis{}, Bytes("b"), Tuple{Int(1)}},
		{Ellipsis{}, Tuple{Int(1)}, Text("b")},
		{Tuple{Bytes("a"), Int(1)}, Text("b")},
		{Tuple{Bytes("a")}, Tuple{Tuple{}}},
		{Tuple{Tuple{}}, Tuple{Text("a")}},
	}
	for _, keys := range orders {
		pairs := make([]Pair, len(keys))
		for i, k := range keys {
			pairs[i] = Pair{k, Int(i)}
		}
		rng := rand.New(rand.NewPCG(1, 2))
		for range 20 {
			rng.Shuffle(len(pairs), func(i, j int) { pairs[i], pairs[j] = pairs[j], pairs[i] })
			m := mustMap(pairs...)
			for i, p := range m.Pairs() {
				if !Equal(p.Key, keys[i]) {
					t.Errorf("key %d is %s, want %s", i, p.Key, keys[i])
				}
				if v, ok := m.Get(keys[i]); !ok || v != Int(i) {
					t.Errorf("Get(%s) = %v, %t", keys[i], v, ok)
				}
			}
		}
	}
}

func TestSameKeys(t *testing.T) {
	nan := Float(math.NaN())
	tests := []struct {
		a, b Value
		same bool
	}{
		{Int(1), Bool(true), true},
		{Float(1), Bool(true), true},
		{Int(1), Long("1"), true},
		{Float(0), Float(math.Copysign(0, -1)), true},
		{Float(1e22), Long("10000000000000000000000"), true},
		{Float(1 << 53), Int(1<<53 + 1), false},
		{nan, nan, true},
		{nan, Float(1), false},
		{Bytes("a"), Text("a"), true},
		{Bytes("é"), Text("é"), false},
		{Tuple{Int(1), Bytes("a")}, Tuple{Bool(true), Text("a")}, true},
		{Tuple{Int(1)}, Int(1), false},
		{None{}, Bool(false), false},
		{Long("10000000000000000000000"), Long("10000000000000000000001"), false},
		{Float(math.MaxFloat64), Long("1" + strings.Repeat("0", 309)), false},
		{Float(math.Inf(1)), Long("1" + strings.Repeat("0", 309)), false},
		{Bytes("a\x00"), Text("a\x00"), true},
	}
	for _, test := range tests {
		m := mustMap(Pair{test.a, Bytes("a")}, Pair{test.b, Bytes("b")})
		if same := m.Len() == 1; same != test.same {
			t.Errorf("%s and %s are one key: %t", test.a, test.b, same)
			continue
		}
		if v, _ := m.Get(test.b); v != Bytes("b") {
			t.Errorf("%s: the last value does not win: %s", test.b, m)
		}
		if test.same && !Equal(m.Pairs()[0].Key, test.a) {
			t.Errorf("%s: the first key does not stay: %s", test.a, m)
		}
	}
	loop := Tuple{nil}
	loop[0] = loop
	for _, key := range []Value{nil, List{}, Set{}, mustMap(), Slice{}, Tuple{List{}}, (*Map)(nil)} {
		if _, err := NewMap(Pair{key, None{}}); !errors.Is(err, ErrUnhashable) {
			t.Errorf("%v as a key: %v", key, err)
		}
		if _, ok := mustMap(Pair{Int(1), None{}}).Get(key); ok {
			t.Errorf("%v was found", key)
		}
	}
	if _, err := NewMap(Pair{loop, None{}}); !errors.Is(err, ErrDepth) {
		t.Errorf("a key that contains itself: %v", err)
	}
	if _, err := NewMap(Pair{Long("x"), None{}}); !errors.Is(err, ErrUnhashable) {
		t.Errorf("a bad number as a key: %v", err)
	}
}

// TestExceptionKeys: exceptions are keys, ordered by their class, and no two are
// the same.
func TestExceptionKeys(t *testing.T) {
	e := Exception{"B", Tuple{List{Int(2)}}}
	m := mustMap(Pair{Tuple{e, Int(2)}, Int(3)}, Pair{Tuple{e, Int(1)}, Int(4)}, Pair{e, Int(1)}, Pair{Exception{"B", nil}, Int(2)},
		Pair{Exception{"A", nil}, Int(0)}, Pair{Int(5), Int(-1)})
	for i, p := range m.Pairs() {
		if p.Value != Int(i-1) {
			t.Errorf("pair %d is %s: %s", i, p.Key, p.Value)
		}
		if v, ok := m.Get(p.Key); ok != (i == 0) {
			t.Errorf("Get(%s) = %v, %t", p.Key, v, ok)
		}
	}
	kept, _ := firstOfEach([]Value{e, None{}, e, None{}})
	if !Equal(Set(kept), Set{None{}, e, e}) {
		t.Errorf("a set of exceptions is %s", Set(kept))
	}
}

// TestNumberOrder compares numbers around each power of two and ten, and around
// the largest float, with math/big.
func TestNumberOrder(t *testing.T) {
	var keys []Value
	add := func(n *big.Int) {
		f, _ := new(big.Float).SetInt(n).Float64()
		for _, f := range []float64{f, math.Nextafter(f, 0), math.Nextafter(f, math.Inf(1))} {
			keys = append(keys, Float(f), Float(-f))
		}
		for d := int64(-2); d <= 2; d++ {
			m := new(big.Int).Add(n, big.NewInt(d))
			keys = append(keys, IntValue(m), Long(m.String()), IntValue(new(big.Int).Neg(m)))
		}
	}
	for _, exponent := range []uint{0, 1, 31, 52, 53, 54, 62, 63, 64, 65, 127, 128, 1000, 1023, 1024, 1025} {
		add(new(big.Int).Lsh(big.NewInt(1), exponent))
	}
	for _, exponent := range []int64{1, 15, 18, 19, 20, 38, 39, 300, 307, 308, 309, 310} {
		add(new(big.Int).Exp(big.NewInt(10), big.NewInt(exponent), nil))
	}
	largest, _ := new(big.Float).SetFloat64(math.MaxFloat64).Int(nil)
	add(largest)
	keys = append(keys, Float(math.Inf(1)), Float(math.Inf(-1)), Float(0.5), Float(math.Copysign(0, -1)), Float(math.SmallestNonzeroFloat64))
	exact := func(v Value) *big.Float {
		if f, ok := v.(Float); ok {
			return big.NewFloat(float64(f))
		}
		n, _ := BigIntOf(v)
		return new(big.Float).SetInt(n)
	}
	written, numbers := make([][]byte, len(keys)), make([]*big.Float, len(keys))
	w := keyWriter{order: unicodeApart}
	for i, k := range keys {
		written[i], numbers[i] = w.append(nil, k, 0), exact(k)
	}
	for i, a := range keys {
		for j, b := range keys {
			if got, want := bytes.Compare(written[i], written[j]), numbers[i].Cmp(numbers[j]); got != want {
				t.Fatalf("%s and %s compare as %d, want %d", a, b, got, want)
			}
		}
	}
}

func TestEqual(t *testing.T) {
	loop := List{nil}
	loop[0] = loop
	x := &foreignValue{}
	tests := []struct {
		a, b Value
		want bool
	}{
		{nil, nil, true},
		{nil, None{}, false},
		{Int(5), Long("5"), true},
		{Int(5), Float(5), false},
		{Int(1), Bool(true), false},
		{Bytes("a"), Text("a"), false},
		{List{}, Tuple{}, false},
		{List{Int(1)}, List{Int(1), Int(2)}, false},
		{List{Int(1)}, List{Int(2)}, false},
		{Float(math.NaN()), Float(math.NaN()), true},
		{Float(0), Float(math.Copysign(0, -1)), false},
		{Set{Int(1), Bytes("a")}, Set{Bytes("a"), Int(1)}, true},
		{Set{Int(1)}, Set{Bool(true)}, false},
		{Set{Int(1)}, Set{}, false},
		{Set{Int(1), Int(2)}, Set{Int(2), Float(1)}, false},
		{Set{Long("2"), Int(1)}, Set{Int(1), Int(2)}, true},
		{Set{x, Int(1)}, Set{Int(1), x}, true},
		{Set{x, Int(1)}, Set{Int(1), &foreignValue{}}, false},
		{Set{byValue(1), Int(1)}, Set{Int(1), byValue(1)}, false},
		{Set{Ref{"5", "here"}, Int(1)}, Set{Int(1), Ref{"5", "here"}}, true},
		{Set{Ref{"5", "here"}, Int(1)}, Set{Int(1), Ref{"5", "there"}}, false},
		{Set{Text("\xff"), Long("x")}, Set{Long("x"), Text("\xff")}, true},
		{Set{mustMap(Pair{x, Int(1)}), Int(1)}, Set{Int(1), mustMap(Pair{x, Int(1)})}, true},
		{Set{Exception{"E", Tuple{Set{Int(1), Int(2)}}}, Int(3)}, Set{Int(3), Exception{"E", Tuple{Set{Int(2), Int(1)}}}}, true},
		{Set{loop}, Set{loop}, false},
		{mustMap(Pair{Int(1), None{}}), mustMap(Pair{Int(1), None{}}), true},
		{mustMap(Pair{Int(1), None{}}), mustMap(Pair{Bool(true), None{}}), false},
		{mustMap(), mustMap(Pair{Int(1), None{}}), false},
		{mustMap(), (*Map)(nil), true},
		{Exception{"E", nil}, Exception{"E", Tuple{}}, true},
		{Exception{"E", nil}, Exception{"F", nil}, false},
		{Slice{1, 2, 3}, Slice{1, 2, 3}, true},
		{Ref{"1", "x"}, x, false},
		{x, x, true},
		{x, &foreignValue{}, false},
		{loop, loop, false},
	}
	for _, test := range tests {
		if got := Equal(test.a, test.b); got != test.want {
			t.Errorf("Equal(%v, %v) = %t", test.a, test.b, got)
		}
		if got := Equal(test.b, test.a); got != test.want {
			t.Errorf("Equal(%v, %v) = %t", test.b, test.a, got)
		}
	}
}

func TestIntegers(t *testing.T) {
	tests := []struct {
		v     Value
		n     string // "" for no integer
		fits  bool
		again Value
	}{
		{Int(-5), "-5", true, Int(-5)},
		{Bool(true), "1", true, Int(1)},
		{Bool(false), "0", true, Int(0)},
		{Long("9223372036854775807"), "9223372036854775807", true, Int(math.MaxInt64)},
		{Long("-9223372036854775808"), "-9223372036854775808", true, Int(math.MinInt64)},
		{Long("9223372036854775808"), "9223372036854775808", false, Long("9223372036854775808")},
		{Long("99999999999999999999"), "99999999999999999999", false, Long("99999999999999999999")},
		{Long("x"), "", false, nil},
		{Float(1), "", false, nil},
		{nil, "", false, nil},
	}
	for _, test := range tests {
		n, ok := BigIntOf(test.v)
		if ok != (test.n != "") || ok && (n.String() != test.n || IntValue(n) != test.again) {
			t.Errorf("BigIntOf(%v) = %v, %t", test.v, n, ok)
		}
		if i, ok := Int64Of(test.v); ok != test.fits || ok && n.Cmp(big.NewInt(i)) != 0 {
			t.Errorf("Int64Of(%v) = %d, %t", test.v, i, ok)
		}
	}
	if n, ok := BigIntOf(Long("-" + strings.Repeat("9", MaxBigDigits))); !ok || len(n.String()) != MaxBigDigits+1 {
		t.Errorf("BigIntOf of the longest number: %t", ok)
	}
	if _, ok := BigIntOf(Long(strings.Repeat("9", MaxBigDigits+1))); ok {
		t.Error("BigIntOf has no limit")
	}
	if IntValue(nil) != Int(0) {
		t.Error("IntValue(nil)")
	}
}

func TestStringValue(t *testing.T) {
	for s, want := range map[string]Value{"": Bytes(""), "abc": Bytes("abc"), "é": Text("é"), "\xff": Bytes("\xff")} {
		if got := StringValue(s); got != want {
			t.Errorf("StringValue(%q) = %s", s, got)
		}
		if got, ok := StringOf(want); !ok || got != s {
			t.Errorf("StringOf(%s) = %q", want, got)
		}
	}
	m := MapOf(map[string]Value{"b": Int(1), "é": Int(2), "a": Int(3)})
	if got, want := m.String(), "{'a': 3, 'b': 1, 'é': 2}"; got != want {
		t.Errorf("MapOf = %s, want %s", got, want)
	}
}

func TestBrief(t *testing.T) {
	tests := []struct {
		v    Value
		most int
		want string
	}{
		{nil, 5, "<nil>"},
		{Int(12345), 5, "12345"},
		{Int(12345), 4, "1234..."},
		{Long(strings.Repeat("9", 50)), 4, "9999..."},
		{Text("éé"), 5, "'éé..."},
		{Text("éé"), 4, "'é..."},
		{Text("😀😀"), 4, "'..."},
		{Bytes("abcdef"), 3, "'ab..."},
		{List{Int(1), List{Int(2), Int(3)}}, 8, "[1, [2, ..."},
		{mustMap(Pair{Int(1), Int(2)}, Pair{Int(3), Int(4)}), 3, "{1:..."},
		{Exception{strings.Repeat("E", 9), Tuple{Int(1)}}, 3, "EEE..."},
		{Int(1), 0, "..."},
		{Int(1), -1, "..."},
	}
	for _, test := range tests {
		if got := Brief(test.v, test.most); got != test.want {
			t.Errorf("Brief(%s, %d) = %s, want %s", test.v, test.most, got, test.want)
		}
	}
}

func TestException(t *testing.T) {
	kinds := []error{fs.ErrNotExist, fs.ErrPermission, errors.ErrUnsupported}
	tests := []struct {
		e    Exception
		text string
		kind error
	}{
		{Exception{"ValueError", Tuple{Bytes("bad")}}, "ValueError: bad", nil},
		{Exception{"StopIteration", nil}, "StopIteration", nil},
		{Exception{"", Tuple{Int(1)}}, "Exception: 1", nil},
		{Exception{"ValueError", Tuple{Text("é\n\x1b")}}, `ValueError: é\x0a\x1b`, nil},
		{Exception{"ValueError", Tuple{Int(1), Bytes("x")}}, "ValueError: (1, 'x')", nil},
		{Exception{"KeyError", Tuple{Bytes("k")}}, "KeyError: 'k'", fs.ErrNotExist},
		{Exception{"AttributeError", nil}, "AttributeError", fs.ErrNotExist},
		{Exception{"NameError", Tuple{Bytes("No such name")}}, "NameError: No such name", fs.ErrNotExist},
		{Exception{"IndexError", nil}, "IndexError", fs.ErrNotExist},
		{Exception{"IOError", Tuple{Int(2), Bytes("No such"), Bytes("/f")}}, "IOError: [Errno 2] No such: '/f'", nil},
		{Exception{"PermissionError", Tuple{Int(13), Bytes("no")}}, "PermissionError: [Errno 13] no", fs.ErrPermission},
		{Exception{"RuntimeError", Tuple{Bytes("Access denied")}}, "RuntimeError: Access denied", fs.ErrPermission},
		{Exception{"RuntimeError", Tuple{Bytes("Access denied!")}}, "RuntimeError: Access denied!", nil},
		{Exception{"RuntimeError", Tuple{Bytes("Access denied"), Int(1)}}, "RuntimeError: ('Access denied', 1)", nil},
		{Exception{"NotImplementedError", nil}, "NotImplementedError", errors.ErrUnsupported},
	}
	for _, test := range tests {
		if got := test.e.Error(); got != test.text {
			t.Errorf("Error() = %s, want %s", got, test.text)
		}
		for _, kind := range kinds {
			if errors.Is(test.e, kind) != (kind == test.kind) {
				t.Errorf("%s: Is(%v) is wrong", test.e, kind)
			}
		}
		if !test.e.Is(test.e) || test.e.Is(Exception{"Other", nil}) {
			t.Errorf("%s: Is(Exception) is wrong", test.e)
		}
	}
}
