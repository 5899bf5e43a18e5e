package wrap

import (
	"context"
	"strings"
	"testing"

	"nomfs/codec"
	"nomfs/nomcore/object"
)

// callee has methods that cost next to nothing themselves.
type callee struct{}

func (callee) Add(a, b int) int         { return a + b }
func (callee) Echo(b []byte) []byte     { return b }
func (callee) Ctx(context.Context) bool { return true }

// calls are calls with the most allocations that each may take; under the race
// detector, which empties pools now and then, they take one more than without.
var calls = []struct {
	name, attr string
	args       []codec.Value
	allocs     float64
}{
	{"add", "add", []codec.Value{codec.Int(1000), codec.Int(2000)}, 4},
	{"echo 96", "echo", []codec.Value{codec.Bytes(strings.Repeat("x", 96))}, 6},
	{"echo 60000", "echo", []codec.Value{codec.Bytes(strings.Repeat("x", 60000))}, 6},
	{"ctx", "ctx", nil, 3},
}

// TestCallAllocations keeps a call cheap.
func TestCallAllocations(t *testing.T) {
	o := Wrap(&callee{}).Impl.(object.AttrCaller)
	ctx := t.Context()
	for _, c := range calls {
		n := testing.AllocsPerRun(100, func() {
			if _, err := o.CallAttr(ctx, c.attr, c.args, nil); err != nil {
				t.Fatal(err)
			}
		})
		if n > c.allocs {
			t.Errorf("%s: %v allocations, want at most %v", c.name, n, c.allocs)
		}
	}
}

func BenchmarkCallMethod(b *testing.B) {
	o := Wrap(&callee{}).Impl.(object.AttrCaller)
	ctx := context.Background()
	for _, c := range calls {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := o.CallAttr(ctx, c.attr, c.args, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
