package nomcore

import (
	"context"
	"fmt"
	"reflect"
	"syscall"
	"testing"

	"nomfs/codec"
	"nomfs/nomcore/object"
)

// wide makes a Go value with n attributes.
func wide(n int) any {
	fields := make([]reflect.StructField, n)
	for i := range fields {
		fields[i] = reflect.StructField{Name: fmt.Sprintf("Attribute%04d", i), Type: reflect.TypeFor[int]()}
	}
	return reflect.New(reflect.StructOf(fields)).Interface()
}

// told is a description that counts how many of its attributes were asked for.
type told struct {
	object.PageDescriber
	attrs int
}

func (o *told) DescribeFrom(ctx context.Context, from int, yield func(codec.AttrInfo) bool) (codec.Description, error) {
	return o.PageDescriber.DescribeFrom(ctx, from, func(a codec.AttrInfo) bool {
		o.attrs++
		return yield(a)
	})
}

// TestWideListings: listings of several pages come whole, whatever the entries
// take beside themselves.
func TestWideListings(t *testing.T) {
	const attrs, items = 5000, 20_000
	o := Wrap(wide(attrs))
	listed := &told{PageDescriber: o.Impl.(object.PageDescriber)}
	p := newPair(t, o.Impl)
	list := make([]string, items)
	for name, impl := range map[string]any{"list": Wrap(&list).Impl, "told": listed} {
		if err := p.server.Register(name, &Object{Impl: impl}); err != nil {
			t.Fatal(err)
		}
	}
	_, listRef := connect(t, p.client, serverAddr, "list")
	_, toldRef := connect(t, p.client, serverAddr, "told")
	for _, x := range []struct {
		what string
		want int
		ask  func() (int, error)
	}{
		{"Describe", attrs, func() (int, error) {
			d, err := p.peer.Describe(t.Context(), p.ref)
			return len(d.Attrs), err
		}},
		{"Dir", attrs, func() (int, error) {
			names, err := p.peer.Dir(t.Context(), p.ref)
			return len(names), err
		}},
		{"Snapshot", attrs, func() (int, error) {
			values, err := p.peer.Snapshot(t.Context(), p.ref)
			return len(values), err
		}},
		{"Keys", items, func() (int, error) {
			keys, _, err := p.peer.KeysAndKinds(t.Context(), listRef)
			return len(keys), err
		}},
		{"Describe of one that counts", attrs, func() (int, error) {
			d, err := p.peer.Describe(t.Context(), toldRef)
			return len(d.Attrs), err
		}},
	} {
		before := p.client.requests()
		got, err := x.ask()
		if err != nil || got != x.want {
			t.Errorf("%s: %d entries, %v; want %d", x.what, got, err, x.want)
		}
		if pages := int(p.client.requests() - before); x.want == attrs && listed.attrs > attrs+pages {
			t.Errorf("%s: the object described %d attributes for %d pages of %d", x.what, listed.attrs, pages, attrs)
		}
	}
}

// BenchmarkDescribeWide lists an object with 5,000 attributes.
func BenchmarkDescribeWide(b *testing.B) {
	const attrs = 5000
	server, client := listenLoopback(b), listenLoopback(b)
	if err := server.Register("wide", wide(attrs)); err != nil {
		b.Fatal(err)
	}
	peer, err := client.Connect(b.Context(), server.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	v, err := peer.Resolve(b.Context(), "wide")
	if err != nil {
		b.Fatal(err)
	}
	ref := v.(codec.Ref)
	sent, used := client.Stats().Sent, cpuTime(b)
	b.ReportAllocs()
	for b.Loop() {
		d, err := peer.Describe(context.Background(), ref)
		if err != nil || len(d.Attrs) != attrs {
			b.Fatal(len(d.Attrs), err)
		}
	}
	b.ReportMetric(float64(client.Stats().Sent-sent)/float64(b.N), "requests/op")
	b.ReportMetric((cpuTime(b)-used)/float64(b.N), "cpu-ns/op")
}

// cpuTime returns the processor time that this process has used, in nanoseconds:
// on a busy machine it says more than the time that passes.
func cpuTime(b *testing.B) float64 {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return float64(u.Utime.Nano() + u.Stime.Nano())
}
