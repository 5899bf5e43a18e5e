package codec

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"
)

// The most that any input may cost, per byte of it. A step is a value that is
// read, or a comparison of two keys of up to stride bytes. Sorting n keys takes
// n log n comparisons, so the steps depend on maxDatagram.
const (
	maxSteps  = 6   // 5 bytes are the shortest of many distinct keys, and 2¹⁴ of them take 14 comparisons each and more
	maxAllocs = 0.5 // a string of two bytes takes 7 and makes three allocations
	maxBytes  = 24  // 16 for each NONE, and some for the order of what holds them
)

// What every call may cost beyond that.
const (
	fixedSteps  = 64
	fixedAllocs = 16       // errors
	fixedBytes  = 16 << 10 // errors, and what the runtime does meanwhile
)

// costOf parses in and returns what that cost.
func costOf(in []byte) (v Value, steps int, allocs, size uint64, err error) {
	var before, after runtime.MemStats
	p := newParser(in, Limits{})
	runtime.ReadMemStats(&before)
	v, err = p.value()
	runtime.ReadMemStats(&after)
	return v, p.items + p.steps, after.Mallocs - before.Mallocs, after.TotalAlloc - before.TotalAlloc, err
}

// checkCost makes sure that no input costs more than so much for each byte.
func checkCost(t *testing.T, name string, in []byte) Value {
	t.Helper()
	n := len(in)
	start := time.Now()
	v, steps, allocs, size, err := costOf(in)
	t.Logf("%-40s %5.2f steps, %5.3f allocations, %4.1f bytes, %5.1f ns per byte, %v", name,
		float64(steps)/float64(n), float64(allocs)/float64(n), float64(size)/float64(n), float64(time.Since(start).Nanoseconds())/float64(n), err)
	if steps > maxSteps*n+fixedSteps {
		t.Errorf("%s: %d steps for %d bytes", name, steps, n)
	}
	if float64(allocs) > maxAllocs*float64(n)+fixedAllocs {
		t.Errorf("%s: %d allocations for %d bytes", name, allocs, n)
	}
	if size > uint64(maxBytes*n+fixedBytes) {
		t.Errorf("%s: %d bytes allocated for %d", name, size, n)
	}
	return v
}

// near returns the decimal digits of an integer of n digits that differs from the
// others in its last three only.
func near(n, i int) string {
	return fmt.Sprintf("%s%03d", "1"+strings.Repeat("7", n-4), i%1000)
}

// keyMakers make keys that are dear to compare: the i-th of many.
var keyMakers = map[string]func(i int) Value{
	"ints":             func(i int) Value { return Int(i * 7919 % 65521) },
	"ints, falling":    func(i int) Value { return Int(-i) },
	"ints, organ pipe": func(i int) Value { return Int(min(i, 13000-i)) },
	"few ints":         func(i int) Value { return Int(i * 7919 % 17) },
	"large ints":       func(i int) Value { return Int(1<<62 + i*7919%65521) },
	"floats":           func(i int) Value { return Float(float64(i * 7919 % 65521)) },
	"large floats": func(i int) Value {
		return Float(math.Float64frombits(math.Float64bits(1e308) + uint64(i*7919%65521)))
	},
	"ints and large floats": func(i int) Value {
		if i%2 == 0 {
			return Int(i)
		}
		return Float(math.Float64frombits(math.Float64bits(1e308) + uint64(i*7919%65521)))
	},
	"nans": func(i int) Value {
		return Float(math.Float64frombits(math.Float64bits(math.NaN()) + uint64(i*7919%65521)))
	},
	"floats and the same longs": func(i int) Value {
		f := math.Ldexp(1, i%1000)
		if i%2 == 0 {
			return Float(f)
		}
		s := Float(f).exactDigits()
		return Long(s[:len(s)-1] + string('0'+byte(i%10)))
	},
	"one float and longs near it": func(i int) Value {
		if i%20 != 0 {
			return Float(1.7777777777777777e308)
		}
		return Long(near(309, i*7))
	},
	"tuples of floats and longs": func(i int) Value {
		if i%20 != 0 {
			return Tuple{None{}, Float(1.7777777777777777e308)}
		}
		return Tuple{None{}, Long(near(309, i*7))}
	},
	"longs of 30 digits":      func(i int) Value { return Long(near(30, i*7)) },
	"longs of 309 digits":     func(i int) Value { return Long(near(309, i*7)) },
	"longs of 1000 digits":    func(i int) Value { return Long("-" + near(1000, i*7)) },
	"longs of 30,000 digits":  func(i int) Value { return Long(near(30000, i*7)) },
	"strings":                 func(i int) Value { return Bytes(fmt.Sprintf("%03x", i*7919%4096)) },
	"strings, alike":          func(i int) Value { return Bytes(strings.Repeat("a", 100) + fmt.Sprint(i*7919%4096)) },
	"long strings, alike":     func(i int) Value { return Bytes(strings.Repeat("a", 2000) + fmt.Sprint(i*7919%4096)) },
	"zeros":                   func(i int) Value { return Bytes(strings.Repeat("\x00", i*7919%100)) },
	"bytes and text":          func(i int) Value { return []Value{Bytes("é"), Text("é"), Bytes("e"), Text("e")}[i*7%4] },
	"tuples of None":          func(i int) Value { return append(nones(50), Int(i*7919%65521)) },
	"tuples of many None":     func(i int) Value { return append(nones(2000), Int(i*7919%65521)) },
	"tuples of None, growing": func(i int) Value { return nones(i * 7919 % 200) },
	"tuples of strings":       func(i int) Value { return Tuple{Bytes("x"), Text("y"), Tuple{Bytes("z")}, Int(i * 7919 % 65521)} },
	"deep tuples":             func(i int) Value { return deep(280, Int(i*7919%65521)) },
	"exceptions":              func(i int) Value { return Exception{"E", Tuple{Int(-i)}} },
	"exceptions of long class": func(i int) Value {
		return Tuple{Exception{strings.Repeat("E", 200), nil}, Int(-i)}
	},
	"references":        func(i int) Value { return Ref{ID(fmt.Sprint(i * 7919 % 65521)), NewHome("127.0.0.1", 12074)} },
	"references, homes": func(i int) Value { return Ref{"1", NewHome("127.0.0.1", i*7919%65521)} },
	"references, far":   func(i int) Value { return Ref{"1", NewHome(strings.Repeat("h", 500), i*7919%65521)} },
	"references, odd": func(i int) Value {
		return Ref{"1", Home("\x00\x00\x00\x32\x01" + strings.Repeat("\x0a", 49) + "\x09" + string(rune(i%100)))}
	},
	"constants": func(i int) Value { return []Value{None{}, Ellipsis{}, Bool(true), Bool(false)}[i*7%4] },
	"everything, a mess": func(i int) Value {
		return []Value{Int(-i), Float(-i), Bytes("x"), Text("é"), nones(i % 9), Ref{"1", NewHome("", i)}, None{}}[i*5%7]
	},
}

// exactDigits returns an integral float in decimal.
func (v Float) exactDigits() string { return fmt.Sprintf("%.0f", float64(v)) }

func nones(n int) Tuple {
	t := make(Tuple, n, n+1)
	for i := range t {
		t[i] = None{}
	}
	return t
}

func deep(n int, v Value) Value {
	for range n {
		v = Tuple{v}
	}
	return v
}

// filled returns a datagram full of keys, as a set, or as a map of None.
func filled(key func(int) Value, asMap bool) []byte {
	b := append([]byte{tagSeq}, 0, 0, 0, 0, seqSet)
	if asMap {
		b = append([]byte{tagMap}, 0, 0, 0, 0)
	}
	n := 0
	for {
		start := len(b)
		if asMap {
			b = appendSeqHeader(b, pairLen, seqTuple)
		}
		b, _ = Append(b, key(n))
		if asMap {
			b = append(b, tagNone)
		}
		if len(b) > maxDatagram {
			binary.BigEndian.PutUint32(b[sizeTag:], uint32(n))
			return b[:start]
		}
		n++
	}
}

// towers are containers inside each other, with as much as fits inside, or beside
// each.
func towers() map[string][]byte {
	in := make(map[string][]byte)
	for _, tower := range []struct {
		name   string
		levels int
		wrap   func(v, pad Value) Value
	}{
		{"sets of exceptions", 140, func(v, pad Value) Value { return Set{Int(1), Exception{"E", Tuple{v, pad}}, Int(0)} }},
		{"maps of exceptions", 140, func(v, pad Value) Value {
			return mustMap(Pair{Exception{"E", Tuple{v, pad}}, None{}}, Pair{Int(0), pad})
		}},
		{"keys in keys", 90, func(v, pad Value) Value { return mustMap(Pair{Tuple{Exception{"E", Tuple{v}}, pad}, pad}) }},
		{"lists", 140, func(v, pad Value) Value { return List{Tuple{pad, v}} }},
		{"maps in maps", 280, func(v, pad Value) Value { return mustMap(Pair{Int(1), v}, Pair{Bytes("a"), pad}) }},
	} {
		for _, inner := range []struct {
			name string
			v    Value
		}{
			{"a string", Bytes(strings.Repeat("x", 30000))}, {"Nones", List(nones(30000))},
			{"references", List{Ref{"1", NewHome("h", 1)}, List(nones(30000))}},
		} {
			v, pad := inner.v, Value(nones(40))
			for range tower.levels {
				v = tower.wrap(v, pad)
			}
			in[tower.name+" around "+inner.name], _ = Append(nil, v)
		}
	}
	return in
}

// TestSteps hunts for inputs that cost more than they are worth, to be read and
// for whatever is done with the value afterwards.
func TestSteps(t *testing.T) {
	inputs := towers()
	for name, in := range hostileInputs() {
		inputs[name] = in
	}
	for name, key := range keyMakers {
		inputs["set of "+name], inputs["map of "+name] = filled(key, false), filled(key, true)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	bytesSet := append([]byte{tagSeq}, 0, 0, 0, 0, seqSet)
	for len(bytesSet) < maxDatagram-1 {
		bytesSet = append(bytesSet, tagByte, byte(rng.Uint32()))
	}
	binary.BigEndian.PutUint32(bytesSet[sizeTag:], uint32(len(bytesSet)-6)/2)
	inputs["set of BYTE"] = bytesSet
	for name, in := range inputs {
		if len(in) == 0 || len(in) > maxDatagram {
			t.Fatalf("%s: %d bytes", name, len(in))
		}
		v := checkCost(t, name, in)
		if v != nil {
			checkUse(t, name, in, v)
		}
	}
}

// checkUse makes sure that what is done with a value costs a few times what it is
// large, in memory, which is also the measure of its time.
func checkUse(t *testing.T, name string, in []byte, v Value) {
	t.Helper()
	again, _, err := Parse(in, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	uses := []struct {
		name string
		most int // bytes allocated for each byte
		use  func()
	}{
		{"Append", 6, func() { _, err = Append(nil, v) }},
		{"Equal", 30, func() {
			if !Equal(v, again) {
				err = errors.New("not equal to itself")
			}
		}},
		{"MapRefs", 40, func() {
			m := refMapper{f: func(v Value) (Value, error) { return v, nil }, left: *newBudget()}
			if _, _, err = m.value(v); DefaultItems-m.left.items > len(in) {
				err = fmt.Errorf("%d members looked at", DefaultItems-m.left.items)
			}
		}},
		{"HasRef", 0, func() { HasRef(v) }},
		{"String", 40, func() { _ = v.String() }},
		{"Brief", 0, func() { _ = Brief(v, 100) }},
	}
	for _, u := range uses {
		var before, after runtime.MemStats
		start := time.Now()
		runtime.ReadMemStats(&before)
		u.use()
		runtime.ReadMemStats(&after)
		if err != nil {
			t.Errorf("%s: %s: %v", name, u.name, err)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > uint64(u.most*len(in)+fixedBytes) {
			t.Errorf("%s: %s: %d bytes allocated for %d", name, u.name, used, len(in))
		}
		if d := time.Since(start); d > 5*time.Millisecond {
			t.Logf("%s: %s: %v", name, u.name, d)
		}
	}
}

// FuzzSteps looks for the input that costs most for each of its bytes.
func FuzzSteps(f *testing.F) {
	const seedLen = 2000 // bytes: longer ones only slow the search down
	for _, key := range keyMakers {
		for _, asMap := range []bool{false, true} {
			in := filled(key, asMap)
			for len(in) > seedLen {
				count := binary.BigEndian.Uint32(in[sizeTag:]) / 2
				binary.BigEndian.PutUint32(in[sizeTag:], count)
				n, err := Skip(in, Limits{})
				if err != nil {
					f.Fatal(err)
				}
				in = bytes.Clone(in[:n])
			}
			f.Add(in)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) <= maxDatagram {
			checkCost(t, "", data)
		}
	})
}
