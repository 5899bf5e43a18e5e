package codec

import (
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
			Ref{"9", "b"}, Ref{"10", "a"}, Ref{"10", "b"}, Ellipsis{}, Exception{"A", nil}, Exception{"B", Tuple{Int(1)}}, Exception{"B", Tuple{List{}}},
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
		{Exception{"E", Tuple{List{Int(1)}}}, Exception{"E", Tuple{List{Int(1)}}}, true},
		{Exception{"E", Tuple{mustMap(Pair{Int(1), Set{}})}}, Exception{"E", Tuple{mustMap(Pair{Int(1), Slice{1, 2, 3}})}}, false},
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
	for _, key := range []Value{loop, Exception{"E", Tuple{loop, Set{}, Exception{}, mustMap()}}} {
		if _, err := NewMap(Pair{key, None{}}); !errors.Is(err, ErrDepth) {
			t.Errorf("a key that contains itself: %v", err)
		}
	}
}

func TestEqual(t *testing.T) {
	loop := List{nil}
	loop[0] = loop
	x := &stranger{}
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
		{x, &stranger{}, false},
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
