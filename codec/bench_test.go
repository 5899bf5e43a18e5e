package codec

import (
	"fmt"
	"strings"
	"testing"
)

func BenchmarkAppend(b *testing.B) {
	for _, row := range benchmarks() {
		b.Run(row.name, func(b *testing.B) {
			buf, err := Append(nil, row.v)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(buf)))
			b.ReportAllocs()
			for b.Loop() {
				buf, _ = Append(buf[:0], row.v)
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	for _, row := range benchmarks() {
		b.Run(row.name, func(b *testing.B) {
			buf, err := Append(nil, row.v)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(buf)))
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := Parse(buf, Limits{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkLiteral(b *testing.B) {
	for _, row := range benchmarks() {
		if !hasLiteral(row.v) {
			continue
		}
		b.Run(row.name, func(b *testing.B) {
			s := row.v.String()
			b.SetBytes(int64(len(s)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ParseLiteral(s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkEnvelope writes and reads the attributes of a call in place.
func BenchmarkEnvelope(b *testing.B) {
	args, err := Append(nil, Tuple{Bytes(strings.Repeat("x", 96))})
	if err != nil {
		b.Fatal(err)
	}
	write := func(b []byte) []byte {
		b = AppendMapHeader(b, 5)
		b = append(AppendAttrName(b, "args"), args...)
		b = AppendMapHeader(AppendAttrName(b, "kwargs"), 0)
		b = AppendLong(AppendAttrName(b, "oid"), "212676479325586539664609129644855132177")
		b = AppendBytes(AppendAttrName(b, "op"), "Call")
		return AppendInt(AppendAttrName(b, "xid"), 123456)
	}
	packet := write(nil)
	b.Run("write", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			packet = write(packet[:0])
		}
	})
	b.Run("walk", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var xid int64
			if _, err := WalkAttrs(packet, Limits{}, func(name, value []byte) error {
				if string(name) == "xid" {
					xid, _ = ReadInt(value)
				}
				return nil
			}); err != nil || xid != 123456 {
				b.Fatal(xid, err)
			}
		}
	})
	b.Run("skip", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := Skip(packet, Limits{}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkKeys reads a set of as many keys as a datagram holds, out of order.
func BenchmarkKeys(b *testing.B) {
	for _, name := range []string{"ints", "ints and large floats", "longs of 309 digits", "strings, alike", "tuples of None"} {
		in := filled(keyMakers[name], false)
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(in)))
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := Parse(in, Limits{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

type benchmark struct {
	name string
	v    Value
}

func benchmarks() []benchmark {
	list := make(List, 100)
	dict := make(map[string]Value)
	for i := range list {
		list[i] = Int(i * 1000)
	}
	for i := range 20 {
		dict[fmt.Sprintf("name%d", i)] = Int(i * 1000)
	}
	owner := MapOf(map[string]Value{"name": Bytes("somebody"), "uid": Int(1000), "home": Bytes("/home/somebody")})
	point := MapOf(map[string]Value{"x": Int(1), "y": Float(2.5)})
	return []benchmark{
		{"int", Int(1 << 20)},
		{"text of 1 kB", Text(strings.Repeat("x", 1<<10))},
		{"text of 1 kB beyond ASCII", Text(strings.Repeat("é", 1<<9))},
		{"bytes of 60 kB", Bytes(make([]byte, 60000))},
		{"reference", Ref{"212676479325586539664609129644855132177", NewHome("127.0.0.1", 12074)}},
		{"list of 100 ints", list},
		{"map of 20 ints", MapOf(dict)},
		{"record", MapOf(map[string]Value{"name": Bytes("a machine"), "load": Float(1.25), "owner": owner,
			"tags": List{Bytes("tag 1"), Bytes("tag 2"), Bytes("tag 3")}, "points": List{point, point, point}})},
	}
}
