package nomcore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"nomfs/codec"
)

// Names and references come in one request, and count as given and as got.
func TestRoots(t *testing.T) {
	ctx := context.Background()
	p := newPair(t, newBag(nil))
	const many = 1000
	for i := range many {
		if err := p.server.Register(fmt.Sprintf("object%d", i), newBag(nil)); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.server.Register("plain", 5); err != nil {
		t.Fatal(err)
	}
	sent := p.client.requests()
	names, refs, err := p.peer.Roots(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if cost := p.client.requests() - sent; cost != 1 {
		t.Errorf("%d requests, want 1", cost)
	}
	if list, err := p.peer.List(ctx); err != nil || !slices.Equal(list, names) {
		t.Errorf("%d names, List has %d, %v", len(names), len(list), err)
	}
	if len(refs) != many+1 || refs["plain"] != (codec.Ref{}) {
		t.Errorf("%d references, want %d", len(refs), many+1)
	}
	for _, name := range []string{"object0", "object999"} {
		v, err := p.peer.Resolve(ctx, name)
		if err != nil || v != codec.Value(refs[name]) {
			t.Errorf("%s resolves to %v, %v; Roots has %v", name, v, err, refs[name])
		}
	}
	if st := p.peer.Status(); st.Imported != many+1 {
		t.Errorf("%d references held, want %d", st.Imported, many+1)
	}
}

func TestRootsArePaged(t *testing.T) {
	p := newPair(t, newBag(nil))
	const many = 5000
	for i := range many {
		if err := p.server.Register(fmt.Sprintf("an object with a long name, number %d", i), newBag(nil)); err != nil {
			t.Fatal(err)
		}
	}
	names, refs, err := p.peer.Roots(context.Background())
	if err != nil || len(names) != many+1 || len(refs) != many+1 {
		t.Errorf("%d names, %d references, %v", len(names), len(refs), err)
	}
}

// Who may not resolve a name gets no reference to it either.
func TestRootsAreScreened(t *testing.T) {
	ctx := context.Background()
	p := newPair(t, newBag(nil))
	if err := p.server.SetAuthenticator(&picky{deny: "RESOLVE"}); err != nil {
		t.Fatal(err)
	}
	names, refs, err := p.peer.Roots(ctx)
	if err != nil || len(names) == 0 || len(refs) != 0 {
		t.Errorf("%v, %v, %v; want names alone", names, refs, err)
	}
	plain := newPair(t, newBag(nil), plainOnly)
	sent := plain.client.requests()
	if _, _, err := plain.peer.Roots(ctx); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("towards an original: %v", err)
	}
	if plain.client.requests() != sent {
		t.Error("it costs a packet")
	}
}

// Looking at a method exports nothing.
func TestLook(t *testing.T) {
	ctx := context.Background()
	x := &twins{A: 5}
	p := newPair(t, Wrap(x).Impl)
	objects := p.server.Stats().Objects
	v, info, err := p.peer.Look(ctx, p.ref, "add")
	if err != nil || v != nil || info == nil || !info.Call || info.Name != "add" || len(info.Params) != 1 {
		t.Errorf("add: %v, %+v, %v", v, info, err)
	}
	if n := p.server.Stats().Objects; n != objects {
		t.Errorf("%d objects given, %d before", n, objects)
	}
	if v, info, err := p.peer.Look(ctx, p.ref, "a"); err != nil || info != nil || v != codec.Value(codec.Int(5)) {
		t.Errorf("a: %v, %+v, %v", v, info, err)
	}
	if v, info, err := p.peer.Look(ctx, p.ref, "sub"); err != nil || info != nil || v.Kind() != codec.KindRef {
		t.Errorf("sub: %v, %+v, %v", v, info, err)
	}
	if _, _, err := p.peer.Look(ctx, p.ref, "nope"); err == nil {
		t.Error("nope is there")
	}
	plain := newPair(t, Wrap(x).Impl, plainOnly)
	if v, info, err := plain.peer.Look(ctx, plain.ref, "add"); err != nil || info != nil || v.Kind() != codec.KindRef {
		t.Errorf("of an original: %v, %+v, %v", v, info, err)
	}
}

func TestKeysAndKinds(t *testing.T) {
	ctx := context.Background()
	x := &struct{ List, Map, Refs any }{
		List: &[]any{1, "x", nil, &twins{}, []int{1}},
		Map:  &map[string]any{"b": 1.5, "a": &twins{}},
		Refs: &[]*twins{{}, nil},
	}
	p := newPair(t, Wrap(x).Impl)
	for name, want := range map[string][]codec.Kind{
		"list": {codec.KindInt, codec.KindBytes, codec.KindNone, codec.KindRef, codec.KindList},
		"map":  {codec.KindRef, codec.KindFloat},
		"refs": {codec.KindRef, codec.KindNone},
	} {
		v, err := p.peer.GetAttr(ctx, p.ref, name)
		if err != nil {
			t.Fatal(err)
		}
		keys, kinds, err := p.peer.KeysAndKinds(ctx, v.(codec.Ref))
		if err != nil || len(keys) != len(kinds) {
			t.Fatalf("%s: %v, %v, %v", name, keys, kinds, err)
		}
		for i, key := range keys {
			item, err := p.peer.GetItem(ctx, v.(codec.Ref), key)
			if err != nil || item.Kind() != kinds[i] {
				t.Errorf("%s[%v] is said to be %v and is %v, %v", name, key, kinds[i], item, err)
			}
		}
		if name != "map" && !slices.Equal(kinds, want) || len(kinds) != len(want) {
			t.Errorf("%s: %v, want %v", name, kinds, want)
		}
	}
	for k := codec.KindInvalid; k <= codec.KindRef; k++ {
		if got := kindOfLetter(kindLetter(k)); got != k {
			t.Errorf("%v travels as %v", k, got)
		}
	}
	if kindOfLetter('!') != codec.KindInvalid {
		t.Error("a letter that is not known has a kind")
	}
}

// A reference to an object of a third peer goes back to that peer.
func TestReleaseAtHome(t *testing.T) {
	ctx := context.Background()
	net := newMemNet()
	a, b, c := net.newService(t, "127.0.0.1:1001"), net.newService(t, "127.0.0.1:1002"), net.newService(t, "127.0.0.1:1003")
	child := &Object{Impl: newBag(map[string]codec.Value{"x": codec.Int(7)})}
	if err := b.Register("parent", newBag(map[string]codec.Value{"child": child})); err != nil {
		t.Fatal(err)
	}
	peerB, err := a.Connect(ctx, b.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	parent, err := peerB.Resolve(ctx, "parent")
	if err != nil {
		t.Fatal(err)
	}
	got, err := peerB.GetAttr(ctx, parent.(codec.Ref), "child")
	if err != nil {
		t.Fatal(err)
	}
	passed := &Proxy{Peer: peerB, Ref: got.(codec.Ref)}
	if err := a.Register("giver", newBag(map[string]codec.Value{"far": passed})); err != nil {
		t.Fatal(err)
	}
	peerA, err := c.Connect(ctx, a.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	giver, err := peerA.Resolve(ctx, "giver")
	if err != nil {
		t.Fatal(err)
	}
	far, err := peerA.GetAttr(ctx, giver.(codec.Ref), "far")
	if err != nil {
		t.Fatal(err)
	}
	if v, err := peerA.GetAttr(ctx, far.(codec.Ref), "x"); err != nil || v != codec.Value(codec.Int(7)) {
		t.Fatalf("at its home: %v, %v", v, err)
	}
	home := c.peers.known(b.Addr())
	heldOf := func() int { return b.peers.known(c.Addr()).Status().Exported }
	if heldOf() != 1 {
		t.Fatalf("b thinks that c holds %d objects", heldOf())
	}
	peerA.Release(far.(codec.Ref))
	home.flushReleases(ctx)
	for deadline := time.Now().Add(5 * time.Second); heldOf() != 0; {
		if time.Now().After(deadline) {
			t.Fatalf("b thinks that c still holds %d objects", heldOf())
		}
	}
}
