package nomcore

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"reflect"
	"slices"
	"sync"
	"testing"

	"nomfs/codec"
	"nomfs/nomcore/object"
)

// shelf is a Go value that a client uses by Go values.
type shelf struct {
	sync.Mutex
	Count int
	Title string
	Next  *shelf
	Tell  func(int) string
}

// NomGetters makes an attribute of a method.
func (*shelf) NomGetters() []string                             { return []string{"twice"} }
func (s *shelf) Twice() int                                     { return 2 * s.Count }
func (*shelf) Same(x codec.Value) codec.Value                   { return x }
func (*shelf) Sum(a, b int) int                                 { return a + b }
func (*shelf) NomParams() map[string][]string                   { return map[string][]string{"sum": {"a", "b"}} }
func (*shelf) Each(f func(int) (int, error)) (n int, err error) { return f(20) }

// outcome is what an operation gave: its value, or its error alone.
func outcome(v any, err error) any {
	if err != nil {
		return err
	}
	return v
}

// TestTyped: each operation with Go values, with a peer of ours and an original.
func TestTyped(t *testing.T) {
	type part struct {
		Num  int
		Text string `nom:"text_of"`
	}
	for _, mode := range []struct {
		name string
		edit func(*Config)
	}{{"original", plainOnly}, {"extended", func(*Config) {}}} {
		t.Run(mode.name, func(t *testing.T) {
			s := &shelf{Count: 4, Title: "x"}
			s.Next = s
			p := newPair(t, newBag(nil), mode.edit)
			list := []int{5, 6, 7}
			for name, x := range map[string]any{"shelf": s, "list": &list, "plain": 5} {
				if err := p.server.Register(name, x); err != nil {
					t.Fatal(err)
				}
			}
			ctx := t.Context()
			o, err := p.peer.Object(ctx, "shelf")
			if err != nil {
				t.Fatal(err)
			}
			seq, err := p.peer.Object(ctx, "list")
			if err != nil {
				t.Fatal(err)
			}
			own := &shelf{Title: "ours"}
			ours, err := ValueOf(own)
			if err != nil {
				t.Fatal(err)
			}
			dict, err := codec.NewMap(codec.Pair{Key: codec.Bytes("num"), Value: codec.Int(3)},
				codec.Pair{Key: codec.Bytes("text_of"), Value: codec.Bytes("t")}, codec.Pair{Key: codec.Bytes("more"), Value: codec.None{}})
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range []struct {
				what string
				got  any
				want any // an error: errors.Is
			}{
				{"attribute", outcome(Get[int64](ctx, o, "count")), int64(4)},
				{"attribute by a getter", outcome(Get[int](ctx, o, "twice")), 8},
				{"call of a getter", outcome(Call[int](ctx, o, "twice")), object.Errorf("TypeError", "'int' object is not callable")},
				{"attribute that is not there", outcome(Get[int](ctx, o, "nope")), fs.ErrNotExist},
				{"attribute of another type", outcome(Get[int](ctx, o, "title")), codec.ErrType},
				{"number that does not fit", outcome(Call[int8](ctx, o, "sum", 100, 100)), codec.ErrRange},
				{"attribute as any", outcome(Get[any](ctx, o, "title")), "x"},
				{"attribute as it is", outcome(Get[codec.Value](ctx, o, "count")), codec.Value(codec.Int(4))},
				{"set", outcome(nil, Set(ctx, o, "title", "y")), nil},
				{"set, read back", outcome(Get[string](ctx, o, "title")), "y"},
				{"set of another type", outcome(nil, Set(ctx, o, "title", 5)), object.Errorf("TypeError", "attribute 'title': expected text, got int 5")},
				{"call", outcome(Call[int](ctx, o, "sum", 2, K("b", 3))), 5},
				{"call by keywords", outcome(Call[int](ctx, o, "sum", K("b", 3), K("a", 1))), 4},
				{"struct", outcome(Call[part](ctx, o, "same", dict)), part{3, "t"}},
				{"structs", outcome(Call[[]part](ctx, o, "same", []any{dict, dict})), []part{{3, "t"}, {3, "t"}}},
				{"map", outcome(Call[map[string]any](ctx, o, "same", dict)), map[string]any{"num": 3, "text_of": "t", "more": nil}},
				{"struct of a number", outcome(Call[part](ctx, o, "same", 1)), codec.ErrType},
				{"struct with a wrong part", outcome(Call[part](ctx, o, "same", map[string]string{"num": "x"})), codec.ErrType},
				{"callback", outcome(Call[int](ctx, o, "each", func(n int) int { return n + 1 })), 21},
				{"callback that fails", outcome(Call[int](ctx, o, "each", func(int) (int, error) { return 0, io.EOF })), object.Errorf("RuntimeError", "EOF")},
				{"an object of ours", outcome(Call[*shelf](ctx, o, "same", ours)), own},
				{"item", outcome(Item[int](ctx, seq, -1)), 7},
				{"items", outcome(Item[[]int](ctx, seq, codec.Slice{Start: 0, Stop: 2, Step: 1})), []int{5, 6}},
				{"item that is not there", outcome(Item[int](ctx, seq, 3)), fs.ErrNotExist},
				{"set item", outcome(nil, SetItem(ctx, seq, 1, 60)), nil},
				{"delete item", outcome(nil, DelItem(ctx, seq, 0)), nil},
				{"length", outcome(seq.Len(ctx)), 2},
				{"name of a plain value", outcome(p.peer.Object(ctx, "plain")), codec.ErrType},
				{"name of nothing", outcome(p.peer.Object(ctx, "nope")), fs.ErrNotExist},
			} {
				if want, isErr := x.want.(error); isErr {
					if err, _ := x.got.(error); !errors.Is(err, want) {
						t.Errorf("%s: %v, want %v", x.what, x.got, want)
					}
				} else if !reflect.DeepEqual(x.got, x.want) {
					t.Errorf("%s: %#v, want %#v", x.what, x.got, x.want)
				}
			}
			next, err := Get[*Proxy](ctx, o, "next")
			if err != nil || next.Ref != o.Ref || next == o {
				t.Errorf("object in an attribute: %v, %v", next, err)
			}
			sum, err := Get[func(int, int) (int, error)](ctx, next, "sum")
			if err != nil {
				t.Fatal(err)
			}
			if n, err := sum(3, 4); n != 7 || err != nil {
				t.Errorf("method as a func: %d, %v", n, err)
			}
			testLoops(t, o, seq, mode.name == "extended")
		})
	}
}

// testLoops loops over attributes and items, which an original does not list.
func testLoops(t *testing.T, o, seq *Proxy, lists bool) {
	t.Helper()
	ctx := t.Context()
	var attrs []string
	var failed error
	for a, err := range Attrs(ctx, o) {
		attrs, failed = append(attrs, a.Name), err
	}
	if !lists {
		if !errors.Is(failed, errors.ErrUnsupported) {
			t.Errorf("attributes of an original: %v, %v", attrs, failed)
		}
		return
	}
	if want := []string{"count", "each", "next", "same", "sum", "tell", "title", "twice"}; failed != nil || !slices.Equal(attrs, want) {
		t.Errorf("attributes: %v, %v", attrs, failed)
	}
	items := make(map[int]int)
	for item, err := range Items[int, int](ctx, seq) {
		items[item.Key], failed = item.Value, err
	}
	if failed != nil || !reflect.DeepEqual(items, map[int]int{0: 60, 1: 7}) {
		t.Errorf("items: %v, %v", items, failed)
	}
	for _, err := range Items[int, string](ctx, seq) {
		failed = err
	}
	if !errors.Is(failed, codec.ErrType) {
		t.Errorf("items of another type: %v", failed)
	}
	failed = nil
	for key, err := range Keys[string](ctx, seq) {
		if failed = err; key != "" {
			t.Errorf("key %q", key)
		}
	}
	if !errors.Is(failed, codec.ErrType) {
		t.Errorf("keys of another type: %v", failed)
	}
	state, err := Snapshot[struct{ Count, Twice int }](ctx, o, "count")
	if err != nil || state.Count != 4 {
		t.Errorf("snapshot: %v, %v", state, err)
	}
}

// A loop that is left asks for no further page.
func TestLoopIsLeft(t *testing.T) {
	p := newPair(t, newBag(nil))
	list := make([]int, 50_000)
	if err := p.server.Register("list", Wrap(&list)); err != nil {
		t.Fatal(err)
	}
	o, err := p.peer.Object(t.Context(), "list")
	if err != nil {
		t.Fatal(err)
	}
	sent := p.client.requests()
	for i, err := range Keys[int](t.Context(), o) {
		if err != nil {
			t.Fatal(err)
		}
		if i == 3 {
			break
		}
	}
	if cost := p.client.requests() - sent; cost != 1 {
		t.Errorf("%d requests, want 1", cost)
	}
}

// What an operation returned is given back by Close, once, and what is counted
// with another peer is given back there.
func TestProxyIsClosed(t *testing.T) {
	p := newPair(t, newBag(nil))
	third := p.net.newService(t, "127.0.0.7:9")
	there := &shelf{Title: "there"}
	if err := third.Register("there", there); err != nil {
		t.Fatal(err)
	}
	link, err := p.server.Connect(t.Context(), "127.0.0.7:9")
	if err != nil {
		t.Fatal(err)
	}
	far, err := link.Object(t.Context(), "there")
	if err != nil {
		t.Fatal(err)
	}
	if err := p.server.Register("far", newBag(map[string]codec.Value{"it": far})); err != nil {
		t.Fatal(err)
	}
	s := &shelf{}
	s.Next = s
	if err := p.server.Register("shelf", s); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	held, _ := p.peer.received.size()
	o, err := p.peer.Object(ctx, "shelf")
	if err != nil {
		t.Fatal(err)
	}
	next, err := Get[*Proxy](ctx, o, "next")
	if err != nil {
		t.Fatal(err)
	}
	far, err = Get[*Proxy](ctx, mustObject(t, p.peer, "far"), "it")
	if err != nil {
		t.Fatal(err)
	}
	sum, err := Get[*Proxy](ctx, far, "sum") // counted with the third peer
	if err != nil {
		t.Fatal(err)
	}
	if sum.Peer.addr == p.peer.addr {
		t.Errorf("the method of %v is a proxy of %v", far, sum.Peer.addr)
	}
	for _, x := range []*Proxy{o, next, next, far, sum} {
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	}
	for what, peer := range map[string]*Peer{"the server": p.peer, "the third peer": sum.Peer} {
		if now, pending := peer.received.size(); now > held+1 || pending == 0 { // and "far"
			t.Errorf("%s: %d references held, %d to be given back", what, now, pending)
		}
	}
}

func mustObject(t *testing.T, p *Peer, name string) *Proxy {
	t.Helper()
	o, err := p.Object(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// TestDialIsClosed: one Close ends what Dial began, and tells the peer.
func TestDialIsClosed(t *testing.T) {
	server := listenLoopback(t)
	peer, err := Dial(t.Context(), server.Addr().String(), &server.cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := peer.Close(); err != nil {
		t.Error(err)
	}
	if _, err := peer.List(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	if err := peer.Service().Register("x", &shelf{}); err != nil {
		t.Error(err)
	}
	beside, err := listenLoopback(t).Connect(t.Context(), server.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if err := beside.Close(); err != nil {
		t.Error(err)
	}
	if beside.Service().closed() {
		t.Error("closing a peer closed a Service that others use")
	}
}
