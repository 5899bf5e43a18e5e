package codec

import (
	"bytes"
	"encoding/binary"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"
)

// maxDatagram is the largest payload of UDP over IPv4, in bytes.
const maxDatagram = 65507

// hostileInputs are datagrams made to cost more than they are worth.
func hostileInputs() map[string][]byte {
	i32 := func(n int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(n)) }
	cat := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	listOf := func(n int, kind byte, body []byte) []byte { return cat([]byte{tagSeq}, i32(n), []byte{kind}, body) }
	fill := func(part []byte) (int, []byte) {
		n := (maxDatagram - 16) / len(part)
		return n, bytes.Repeat(part, n)
	}
	one := listOf(1, seqList, nil)
	in := map[string][]byte{
		"huge count":   listOf(math.MaxInt32, seqList, nil),
		"huge map":     cat([]byte{tagMap}, i32(math.MaxInt32)),
		"huge string":  cat([]byte{tagBytes}, i32(math.MaxInt32)),
		"nested lists": bytes.Repeat(one, maxDatagram/len(one)),
		"digits":       cat([]byte{tagLong}, i32(maxDatagram-5), bytes.Repeat([]byte("9"), maxDatagram-5)),
		"zeros":        cat([]byte{tagLong}, i32(maxDatagram-5), bytes.Repeat([]byte("0"), maxDatagram-5)),
		"latin-1":      cat([]byte{tagText}, i32(6), []byte("latin1"), i32(maxDatagram-15), bytes.Repeat([]byte{0xe9}, maxDatagram-15)),
		"codec name":   cat([]byte{tagText}, i32(maxDatagram-10), bytes.Repeat([]byte("A"), maxDatagram-10), i32(0)),
	}
	// Each container claims all that is left.
	var lists, maps []byte
	for len(lists) < maxDatagram-12 {
		lists = append(lists, listOf(maxDatagram-12-len(lists), seqList, nil)...)
	}
	for len(maps) < maxDatagram-24 {
		maps = cat(maps, []byte{tagMap}, i32((maxDatagram-len(maps))/8), i32(pairLen), []byte{seqTuple, tagNone})
	}
	in["claiming lists"], in["claiming maps"] = lists, maps
	for name, part := range map[string][]byte{
		"nones":      {tagNone},
		"empty maps": cat([]byte{tagMap}, i32(0)),
		"lists":      listOf(0, seqList, nil),
		"ints":       cat([]byte{tagInt}, i32(1<<20)),
		"strings":    cat([]byte{tagBytes}, i32(1), []byte("x")),
		"errors":     cat([]byte{tagError}, i32(0), i32(0), []byte{seqTuple}),
		"refs":       cat([]byte{tagRef}, i32(1), []byte("1"), i32(0), []byte{seqTuple}),
		"slices":     cat([]byte{tagSlice}, i32(1), i32(2), i32(3)),
	} {
		n, body := fill(part)
		in["list of "+name] = listOf(n, seqList, body)
		if name != "empty maps" && name != "lists" && name != "slices" {
			in["set of "+name] = listOf(n, seqSet, body)
			n, body = fill(cat(i32(2), []byte{seqTuple}, part, part))
			in["map of "+name] = cat([]byte{tagMap}, i32(n), body)
		}
	}
	in["distinct keys"] = distinctKeys(func(i int) Value { return Int(i * 7919 % 10007) })
	in["tuple keys"] = distinctKeys(func(i int) Value { return Tuple{Tuple{Tuple{Int(0), Int(i * 7919 % 10007)}}} })
	in["numbers as keys"] = distinctKeys(func(i int) Value {
		if i%2 == 0 {
			return Float(math.Ldexp(1, i%1000))
		}
		return Long("1" + strings.Repeat("0", i%300))
	})
	in["deep keys"] = deepKeys()
	return in
}

// distinctKeys returns a map of as many keys as fit, not in order.
func distinctKeys(key func(int) Value) []byte {
	b := append([]byte{tagMap}, 0, 0, 0, 0)
	n := 0
	const longest = 2500 // bytes of one pair: a deep key
	for ; len(b) < maxDatagram-longest; n++ {
		b = append(b, 0, 0, 0, 2, seqTuple)
		b, _ = Append(b, key(n))
		b = append(b, tagNone)
	}
	binary.BigEndian.PutUint32(b[1:], uint32(n))
	return b
}

// deepKeys returns keys that are equal but for their innermost member.
func deepKeys() []byte {
	return distinctKeys(func(i int) Value {
		v := Value(Int(-i))
		for range DefaultDepth - 10 {
			v = Tuple{v}
		}
		return v
	})
}

// TestHostile bounds the memory and the time of what may come from anywhere.
func TestHostile(t *testing.T) {
	// An interface takes 16 bytes, so a list of NONE, one byte each, costs 16
	// times its size; putting such lists in order takes some more.
	const maxFactor = maxBytes
	const slack = 16 << 10 // bytes: errors, and what the runtime does meanwhile
	for name, in := range hostileInputs() {
		if len(in) > maxDatagram {
			t.Fatalf("%s: %d bytes", name, len(in))
		}
		var before, after runtime.MemStats
		start := time.Now()
		runtime.ReadMemStats(&before)
		v, _, err := Parse(in, Limits{})
		runtime.ReadMemStats(&after)
		used := after.TotalAlloc - before.TotalAlloc
		if used > uint64(maxFactor*len(in)+slack) {
			t.Errorf("%s: %d bytes allocated for %d, %v", name, used, len(in), err)
		}
		if d := time.Since(start); d > 10*time.Second {
			t.Errorf("%s: %v", name, d)
		}
		if err == nil {
			_ = v.String()
			if _, err := Append(nil, v); err != nil {
				t.Errorf("%s: Append: %v", name, err)
			}
		}
	}
}

// TestTruncated cuts every known good value at every place.
func TestTruncated(t *testing.T) {
	for _, row := range goldenLines(t, "testdata/values.tsv") {
		for n := range len(row[0]) {
			if v, _, err := Parse([]byte(row[0][:n]), Limits{}); err == nil {
				t.Errorf("%s: %d of %d bytes gave %s", row[1], n, len(row[0]), v)
			}
		}
	}
}

func TestAllocs(t *testing.T) {
	values := List{}
	for _, row := range goldenLines(t, "testdata/values.tsv") {
		v, _, err := Parse([]byte(row[0]), Limits{})
		if err != nil {
			t.Fatal(err)
		}
		values = append(values, v)
	}
	buf := make([]byte, 0, 1<<12)
	var all Value = values
	if n := testing.AllocsPerRun(100, func() {
		if _, err := Append(buf, all); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("Append allocates %v times", n)
	}
	attrs := []Attr{{"op", Bytes("GetAttr")}, {"xid", Int(3)}}
	if n := testing.AllocsPerRun(100, func() {
		var e Encoder
		if _, err := e.AppendAttrs(buf, attrs); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("AppendAttrs allocates %v times", n)
	}
	for v, most := range map[Value]float64{None{}: 0, Bool(true): 0, Ellipsis{}: 0, Int(1 << 20): 1, Float(1.5): 1} {
		b, _ := Append(nil, v)
		if n := testing.AllocsPerRun(100, func() {
			if _, _, err := Parse(b, Limits{}); err != nil {
				t.Fatal(err)
			}
		}); n > most {
			t.Errorf("Parse of %s allocates %v times", v, n)
		}
	}
}
