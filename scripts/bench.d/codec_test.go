package main

import (
	"encoding/base64"
	"reflect"
	"testing"

	"nomfs/codec"
)

// TestCoders makes sure that all codecs do the same work: what they decode is what
// they have encoded, as often as they are asked.
func TestCoders(t *testing.T) {
	for _, s := range samples() {
		for _, lib := range codecs {
			t.Run(lib.name+" "+s.name, func(t *testing.T) {
				c, err := lib.make(s)
				if err != nil {
					t.Fatal(err)
				}
				for range 3 {
					if err := c.encode(); err != nil {
						t.Fatal(err)
					}
					if err := c.decode(); err != nil {
						t.Fatal(err)
					}
				}
				if got := c.value(); !sameSample(lib.name, s, got) {
					t.Errorf("%.200v", got)
				}
			})
		}
	}
}

// sameSample compares what a codec has decoded with the sample.
func sameSample(lib string, s sample, got any) bool {
	switch lib {
	case nomfsName:
		return codec.Equal(got.(codec.Value), s.nom)
	case "gob", streamName:
		return reflect.DeepEqual(got, s.typed)
	}
	want := s.plain
	if r, isReference := want.(reference); isReference {
		want = []any{r.ID, r.Host, r.Port}
		if lib == "json" {
			want = map[string]any{"ID": inJSON(r.ID), "Host": r.Host, "Port": r.Port}
		}
	}
	if b, isBytes := want.([]byte); isBytes && lib == "json" {
		want = inJSON(b)
	}
	return reflect.DeepEqual(numbers(got), numbers(want))
}

// inJSON is how bytes are written in JSON.
func inJSON(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

// numbers makes all numbers of one type.
func numbers(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any)
		for k, member := range v {
			out[k] = numbers(member)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, member := range v {
			out[i] = numbers(member)
		}
		return out
	case []byte, string:
		return v
	}
	return reflect.ValueOf(v).Convert(reflect.TypeFor[float64]()).Float()
}

func BenchmarkEncode(b *testing.B) {
	benchmarkCoders(b, func(c *coder) func() error { return c.encode })
}

func BenchmarkDecode(b *testing.B) {
	benchmarkCoders(b, func(c *coder) func() error { return c.decode })
}

func benchmarkCoders(b *testing.B, what func(*coder) func() error) {
	for _, s := range samples() {
		for _, lib := range codecs {
			b.Run(s.name+"/"+lib.name, func(b *testing.B) {
				c, err := lib.make(s)
				if err != nil {
					b.Fatal(err)
				}
				do := what(c)
				b.ReportAllocs()
				for b.Loop() {
					if err := do(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
