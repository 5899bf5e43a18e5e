package nomcore

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"

	"nomfs/auth"
	"nomfs/codec"
)

// selfGadget is an object for Self, with an attribute that keeps what it is
// given.
type selfGadget struct {
	sync.Mutex `nom:"-"`

	Number int
	Friend any
	Items  *[]int
}

func (g *selfGadget) Add(a, b int) int { return a + b }

func (g *selfGadget) Panic() { panic("boom") }

func (g *selfGadget) Stuck() { select {} }

// local returns a service on the loopback.
func localService(t *testing.T) *Service {
	t.Helper()
	s, err := Listen("127.0.0.1:0", &Config{Authenticator: auth.Default})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// TestSelf does every operation on an object of the service itself.
func TestSelf(t *testing.T) {
	s := localService(t)
	items := []int{5, 6, 7}
	if err := s.Register("gadget", &selfGadget{Number: 1, Items: &items}); err != nil {
		t.Fatal(err)
	}
	if err := s.Register("plain", 5); err != nil {
		t.Fatal(err)
	}
	self, ctx := s.Self(), context.Background()
	names, refs, err := self.Roots(ctx)
	if got := fmt.Sprint(names, len(refs), err); got != "[gadget plain] 1 <nil>" {
		t.Fatalf("Roots = %s", got)
	}
	r := refs["gadget"]
	if v, err := self.Resolve(ctx, "plain"); err != nil || v != codec.Value(codec.Int(5)) {
		t.Errorf("plain = %v, %v", v, err)
	}
	if v, _ := self.Resolve(ctx, "gadget"); v != codec.Value(r) {
		t.Errorf("gadget = %v, want %v", v, r)
	}
	get := func(name string) func() (any, error) {
		return func() (any, error) { return self.GetAttr(ctx, r, name) }
	}
	itemsRef, err := self.GetAttr(ctx, r, "items")
	if err != nil {
		t.Fatal(err)
	}
	ir := itemsRef.(codec.Ref)
	for _, tt := range []struct {
		name string
		do   func() (any, error)
		want string
	}{
		{"get", get("number"), "1"},
		{"no attribute", get("nothing"), "AttributeError: 'selfGadget' object has no attribute 'nothing'"},
		{"no name", func() (any, error) { return self.Resolve(ctx, "x") }, "NameError: No such name"},
		{"set", func() (any, error) { return nil, self.SetAttr(ctx, r, "number", codec.Int(9)) }, "<nil>"},
		{"as set", get("number"), "9"},
		{"wrong type", func() (any, error) { return nil, self.SetAttr(ctx, r, "number", codec.Bytes("x")) }, "TypeError: "},
		{"delete", func() (any, error) { return nil, self.DelAttr(ctx, r, "number") }, "AttributeError: "},
		{"call", func() (any, error) {
			return self.CallAttr(ctx, r, "add", []codec.Value{codec.Int(2), codec.Int(3)}, nil)
		}, "5"},
		{"call a value", func() (any, error) { return self.CallAttr(ctx, r, "number", nil, nil) }, "TypeError: 'int' object is not callable"},
		{"panic", func() (any, error) { return self.CallAttr(ctx, r, "panic", nil, nil) }, "RuntimeError: boom"},
		{"item", func() (any, error) { return self.GetItem(ctx, ir, codec.Int(1)) }, "6"},
		{"set item", func() (any, error) { return nil, self.SetItem(ctx, ir, codec.Int(1), codec.Int(60)) }, "<nil>"},
		{"as set", func() (any, error) { return self.GetItem(ctx, ir, codec.Int(1)) }, "60"},
		{"delete item", func() (any, error) { return nil, self.DelItem(ctx, ir, codec.Int(0)) }, "<nil>"},
		{"len", func() (any, error) { return self.Len(ctx, ir) }, "2"},
		{"no len", func() (any, error) { return self.Len(ctx, r) }, "TypeError: 'selfGadget' object has no len()"},
		{"no item", func() (any, error) { return self.GetItem(ctx, r, codec.Int(0)) }, "TypeError: 'selfGadget' object"},
		{"keys", func() (any, error) { return self.Keys(ctx, ir) }, "[0 1]"},
		{"str", func() (any, error) { return self.Str(ctx, r) }, "<selfGadget object>"},
		{"repr", func() (any, error) { return self.Repr(ctx, r) }, "<selfGadget object>"},
		{"dir", func() (any, error) { return self.Dir(ctx, r) }, "[add friend items number panic stuck]"},
		{"snapshot", func() (any, error) { return self.Snapshot(ctx, r) }, "map[friend:None number:9]"},
		{"one of it", func() (any, error) { return self.Snapshot(ctx, r, "number", "items") }, "map[number:9]"},
		{"unknown", func() (any, error) { return self.GetAttr(ctx, codec.Ref{ID: "1", Home: selfHome}, "x") }, "stale reference"},
	} {
		v, err := tt.do()
		got := fmt.Sprint(v)
		if err != nil {
			got = err.Error()
		}
		if got != tt.want && !(err != nil && strings.HasPrefix(got, tt.want)) {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
	if v, info, err := self.Look(ctx, r, "add"); v != nil || info == nil || info.Name != "add" || err != nil {
		t.Errorf("Look(add) = %v, %v, %v", v, info, err)
	}
	stopped, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := self.CallAttr(stopped, r, "stuck", nil, nil); !errors.Is(err, context.Canceled) || !errors.Is(err, ErrOutcomeUnknown) {
		t.Errorf("a call that nobody waits for: %v", err)
	}
}

// TestSelfAndPeers passes objects between a service seen from inside and a peer.
func TestSelfAndPeers(t *testing.T) {
	home := localService(t)
	gadget := &selfGadget{Number: 3}
	if err := home.Register("gadget", gadget); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	s, peers, err := Attach(ctx, []string{home.Addr().String()}, &Config{Authenticator: auth.Default})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	self, p := s.Self(), peers[0]
	v, err := p.Resolve(ctx, "gadget")
	if err != nil {
		t.Fatal(err)
	}
	r := v.(codec.Ref)

	// A callback of ours, called over there and there alone run here.
	heard := make(chan string, 1)
	fn, end := self.Func(func(_ context.Context, args []codec.Value, kwargs map[string]codec.Value) (codec.Value, error) {
		heard <- fmt.Sprint(args, kwargs)
		return codec.List(args), nil
	})
	send, own, err := self.Object(fn)
	if !own || err != nil {
		t.Fatalf("Object = %v, %v", own, err)
	}
	if err := p.SetAttr(ctx, r, "friend", send); err != nil {
		t.Fatal(err)
	}
	back, err := p.GetAttr(ctx, r, "friend")
	if err != nil {
		t.Fatal(err)
	}
	if again, ok := self.Own(back); !ok || again != fn {
		t.Errorf("it came home as %v, want %v", again, fn)
	}
	gadget.Lock()
	friend := gadget.Friend
	gadget.Unlock()
	got, err := friend.(*Proxy).Call(ctx, []codec.Value{codec.Int(1), v}, map[string]codec.Value{"k": codec.Int(2)})
	if err != nil || len(got.(codec.List)) != 2 {
		t.Errorf("the call returned %v, %v", got, err)
	}
	if said := <-heard; !strings.HasPrefix(said, "[1 <") || !strings.Contains(said, "map[k:2]") {
		t.Errorf("heard %q", said)
	}
	end(codec.Exception{Class: "ReferenceError", Args: codec.Tuple{codec.StringValue("over")}})
	_, callErr := friend.(*Proxy).Call(ctx, nil, nil)
	_, describeErr := self.Describe(ctx, fn)
	for _, err := range []error{callErr, describeErr} {
		if err == nil || !strings.Contains(err.Error(), "ReferenceError: over") {
			t.Errorf("after the end: %v", err)
		}
	}

	// A reference of the peer's in an object of ours: used through it.
	if err := s.Register("mine", &selfGadget{}); err != nil {
		t.Fatal(err)
	}
	mine, _ := self.Resolve(ctx, "mine")
	if err := self.SetAttr(ctx, mine.(codec.Ref), "friend", r); err != nil {
		t.Fatal(err)
	}
	theirs, err := self.GetAttr(ctx, mine.(codec.Ref), "friend")
	if err != nil || theirs != codec.Value(r) {
		t.Fatalf("friend = %v, %v, want %v", theirs, err, r)
	}
	if v, err := self.GetAttr(ctx, r, "number"); err != nil || v != codec.Value(codec.Int(3)) {
		t.Errorf("its number = %v, %v", v, err)
	}
	if d, err := self.Describe(ctx, r); err != nil || d.Class != "selfGadget" {
		t.Errorf("Describe = %v, %v", d.Class, err)
	}
	if v, err := self.CallAttr(ctx, r, "add", []codec.Value{codec.Int(1), codec.Int(1)}, nil); err != nil || v != codec.Value(codec.Int(2)) {
		t.Errorf("add = %v, %v", v, err)
	}
	self.Release(r, fn)
}

// TestAttach connects to several peers, one of which is not there.
func TestAttach(t *testing.T) {
	a, b := localService(t), localService(t)
	gone, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := gone.LocalAddr().String()
	gone.Close()
	ctx := context.Background()
	cfg := &Config{Authenticator: auth.Default}
	s, peers, err := Attach(ctx, []string{a.Addr().String(), nobody, b.Addr().String()}, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i, want := range []error{nil, syscall.ECONNREFUSED, nil} {
		if err := peers[i].Reconnect(ctx); !errors.Is(err, want) {
			t.Errorf("peer %d: %v, want %v", i, err, want)
		}
	}
	for _, i := range []int{0, 2} {
		if _, err := peers[i].List(ctx); err != nil {
			t.Errorf("peer %d: %v", i, err)
		}
	}
	if _, _, err := Attach(ctx, []string{nobody, nobody}, cfg); !errors.Is(err, ErrSamePeer) {
		t.Errorf("the same peer twice: %v", err)
	}
	if _, _, err := Attach(ctx, []string{nobody, "10.0.0.1"}, cfg); !errors.Is(err, ErrPlainRefused) {
		t.Errorf("a network that is not allowed: %v", err)
	}
}
