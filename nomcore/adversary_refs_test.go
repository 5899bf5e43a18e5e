package nomcore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"nomfs/auth"
	"nomfs/codec"
	"nomfs/nomcore/wire"
)

// offer registers an object with the server and returns the client's reference.
func (p *pair) offer(t *testing.T, name string, obj any) codec.Ref {
	t.Helper()
	if err := p.server.Register(name, obj); err != nil {
		t.Fatal(err)
	}
	v, err := p.peer.Resolve(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return v.(codec.Ref)
}

// textError is an error with a method that needs more than nil.
type textError struct{ text string }

func (e *textError) Error() string { return e.text }

// mute is an error that cannot be told.
type mute struct{}

func (mute) Error() string { panic("no text") }

// An error that cannot be told is answered all the same.
func TestErrorsThatPanic(t *testing.T) {
	p := newPair(t, newCounterObject(), noLog)
	for name, f := range map[string]func() error{
		"typed nil": func() error { var e *textError; return e },
		"panic":     func() error { return mute{} },
	} {
		_, err := p.peer.Call(t.Context(), p.offer(t, name, Func(f)), nil, nil)
		var exc codec.Exception
		if !errors.As(err, &exc) || exc.Class != "RuntimeError" {
			t.Errorf("%s: %v, want a RuntimeError", name, err)
		}
	}
}

// An object whose key is none, as it cannot be compared, is known by itself.
func TestKeysThatAreNone(t *testing.T) {
	p := newPair(t, newCounterObject(), noLog)
	for i, key := range []any{[]int{1}, map[string]int{}, struct{ x any }{[]int{1}}} {
		ref := p.offer(t, fmt.Sprint(i), &Object{Impl: echo, Key: key})
		if _, err := p.peer.Call(t.Context(), ref, nil, nil); err != nil {
			t.Errorf("%T: %v", key, err)
		}
	}
}

// A method called by CallAttr runs once, whatever it raises, and is not taken
// for a peer that knows no CallAttr.
func TestCallAttrRunsOnce(t *testing.T) {
	p := newPair(t, newCounterObject(), noLog)
	var runs atomic.Int32
	ref := p.offer(t, "s", Wrap(&struct{ F func() error }{func() error {
		runs.Add(1)
		return exception("NameError", errUnknownPull)
	}}))
	_, err := p.peer.CallAttr(t.Context(), ref, "f", nil, nil)
	var exc codec.Exception
	if !errors.As(err, &exc) || exc.Class != "NameError" {
		t.Errorf("CallAttr: %v", err)
	}
	if n := runs.Load(); n != 1 || p.peer.ext.Load() != wire.ExtAll {
		t.Errorf("%d runs, extensions %x", n, p.peer.ext.Load())
	}
}

// vault has attributes that go by two names each.
type vault struct {
	sync.Mutex
	Secret string `nom:"_secret"`
	Admin  string
}

func (*vault) Shutdown() string { return "down" }

// denyNames allows all but some attributes.
type denyNames struct {
	auth.Authenticator
	names []string
}

func (d denyNames) Allow(_ context.Context, _ auth.Identity, req auth.Request) error {
	if slices.Contains(d.names, req.Attr) {
		return errors.New("denied")
	}
	return nil
}

// An attribute is screened under its listed name, whichever name was asked for.
func TestScreenedUnderTheListedName(t *testing.T) {
	for _, tt := range []struct {
		auth  auth.Authenticator
		names []string // each other names of one attribute
	}{
		{auth.Default, []string{"_secret", "Secret"}},
		{denyNames{auth.Default, []string{"admin", "shutdown"}}, []string{"admin", "Admin", "shutdown", "Shutdown"}},
	} {
		p := newPair(t, newCounterObject(), noLog)
		if err := p.server.SetAuthenticator(tt.auth); err != nil {
			t.Fatal(err)
		}
		ctx := t.Context()
		ref := p.offer(t, "v", Wrap(&vault{Secret: "42", Admin: "root"}))
		for _, name := range tt.names {
			for op, f := range map[string]func() error{
				"GetAttr":  func() error { _, err := p.peer.GetAttr(ctx, ref, name); return err },
				"SetAttr":  func() error { return p.peer.SetAttr(ctx, ref, name, codec.Bytes("mine")) },
				"DelAttr":  func() error { return p.peer.DelAttr(ctx, ref, name) },
				"CallAttr": func() error { _, err := p.peer.CallAttr(ctx, ref, name, nil, nil); return err },
			} {
				if err := f(); !errors.Is(err, fs.ErrPermission) {
					t.Errorf("%s %s: %v, want permission denied", op, name, err)
				}
			}
			if m, err := p.peer.Snapshot(ctx, ref, name); len(m) != 0 {
				t.Errorf("Snapshot %s = %v, %v", name, m, err)
			}
		}
	}
}

// Who has left gets no datagram any more, though a callback of his is kept.
func TestDepartedClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var kept codec.Value
		p := newPair(t, fn(func(_ context.Context, a []codec.Value, _ map[string]codec.Value) (codec.Value, error) {
			kept = a[0]
			return codec.None{}, nil
		}), noLog)
		if _, err := p.peer.Call(t.Context(), p.ref, []codec.Value{&Object{Impl: echo}}, nil); err != nil {
			t.Fatal(err)
		}
		if err := p.peer.Disconnect(t.Context()); err != nil {
			t.Fatal(err)
		}
		p.client.Close()
		time.Sleep(leaseTime + 2*housekeepEvery)
		var out atomic.Int32
		p.net.onSend(func(netip.AddrPort, netip.AddrPort, []byte) { out.Add(1) })
		time.Sleep(2 * time.Hour)
		if n := out.Load(); n != 0 {
			t.Errorf("%d datagrams", n)
		}
		runtime.KeepAlive(kept)
	})
}

// References in a request that is refused are given back.
func TestReferencesInRefusedRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, newCounterObject(), noLog)
		unknown := codec.Ref{ID: "1", Home: p.ref.Home}
		for range 100 {
			for _, err := range []error{
				p.peer.SetAttr(t.Context(), p.ref, "_denied", &Object{Impl: echo}),
				p.peer.SetAttr(t.Context(), p.ref, "unsettable", codec.List{&Object{Impl: echo}}),
				p.peer.SetAttr(t.Context(), unknown, "a", &Object{Impl: echo}),
			} {
				if err == nil {
					t.Fatal("it was not refused")
				}
			}
		}
		time.Sleep(3 * housekeepEvery)
		if n := p.client.Stats().Objects; n != 0 {
			t.Errorf("%d objects are held", n)
		}
	})
}

// References that a callback returned are given back when they are dropped.
func TestReferencesFromCallbacks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, newCounterObject(), noLog)
		x := &struct{ F func() *Proxy }{}
		ref := p.offer(t, "x2", Wrap(x))
		callback := Func(func() *Object { return &Object{Impl: echo} })
		if err := p.peer.SetAttr(t.Context(), ref, "f", callback); err != nil {
			t.Fatal(err)
		}
		for range 100 {
			if x.F() == nil {
				t.Fatal("no reference")
			}
		}
		left := 0
		for range 100 { // the collector does not say when it is done
			runtime.GC()
			time.Sleep(housekeepEvery)
			if left = p.client.Stats().Objects; left == 1 {
				return
			}
		}
		t.Errorf("%d objects are held, want the callback alone", left)
	})
}

// knot is an object that leads to others.
type knot struct {
	Name string
	Next *knot
}

// Withdrawing a name leaves objects with names of their own alone.
func TestUnregisterLeavesOtherNames(t *testing.T) {
	p := newPair(t, newCounterObject(), noLog)
	inner := &knot{Name: "inner"}
	b := &knot{"b", inner}
	refA := p.offer(t, "a", Wrap(&knot{"a", b}))
	via, err := p.peer.GetAttr(t.Context(), refA, "next") // the first reference to b
	if err != nil {
		t.Fatal(err)
	}
	refB := p.offer(t, "b", Wrap(b))
	if via != codec.Value(refB) {
		t.Errorf("one object, two references: %v, %v", via, refB)
	}
	next, err := p.peer.GetAttr(t.Context(), refB, "next")
	if err != nil {
		t.Fatal(err)
	}
	if err := p.server.Unregister("a"); err != nil {
		t.Fatal(err)
	}
	if _, err := p.peer.GetAttr(t.Context(), refA, "name"); !errors.Is(err, ErrStale) {
		t.Errorf("a: %v, want ErrStale", err)
	}
	for _, r := range []codec.Ref{refB, next.(codec.Ref)} {
		if _, err := p.peer.GetAttr(t.Context(), r, "name"); err != nil {
			t.Error(err)
		}
	}
}

// Revoke ends an object that has no name, and if it is a scope what was reached
// through it, whatever was given back meanwhile.
func TestRevoke(t *testing.T) {
	ctx := t.Context()
	p := newPair(t, newCounterObject(), noLog)
	last := &knot{Name: "last"}
	middle := Wrap(&knot{"middle", last})
	shelf := newBag(map[string]codec.Value{"middle": middle})
	first := &Object{Impl: shelf}
	ref := p.offer(t, "first", first)
	get := func(r codec.Ref, name string) codec.Ref {
		t.Helper()
		v, err := p.peer.GetAttr(ctx, r, name)
		if err != nil {
			t.Fatal(err)
		}
		return v.(codec.Ref)
	}
	check := func(what string, r codec.Ref, stale bool) {
		t.Helper()
		if _, err := p.peer.Repr(ctx, r); errors.Is(err, ErrStale) != stale || err != nil && !stale {
			t.Errorf("%s: %v, want stale %v", what, err, stale)
		}
	}
	refMiddle := get(ref, "middle")
	refLast := get(refMiddle, "next")
	p.server.Revoke(&Object{Impl: shelf}) // no client has a reference to that one
	p.server.Revoke(middle)
	check("the middle", refMiddle, true)
	check("what was reached through it", refLast, false)
	refMiddle = get(ref, "middle")
	check("the middle, given again", refMiddle, false)
	check("what was reached through it before", get(refMiddle, "next"), false)

	for _, giveBack := range []bool{false, true} {
		scope := Wrap(&knot{"scope", &knot{"inner", &knot{Name: "innermost"}}})
		scope.Scope = true
		if err := shelf.SetAttr(ctx, "scope", scope); err != nil {
			t.Fatal(err)
		}
		refScope := get(ref, "scope")
		refInner := get(refScope, "next")
		refInnermost := get(refInner, "next")
		if giveBack {
			for _, r := range []codec.Ref{refInner, refScope} {
				p.server.reg.releaseAll(p.server.peers.known(clientAt).refs, idIn(t, r))
			}
			check("the scope, given back", refScope, true)
		}
		check("innermost", refInnermost, false)
		p.server.Revoke(scope)
		check("the scope", refScope, true)
		check("inner", refInner, true)
		check("innermost", refInnermost, true)
		check("what lies outside", refMiddle, false)
		refScope = get(ref, "scope")
		check("innermost, reached again", get(get(refScope, "next"), "next"), false)
	}
	p.server.Revoke(first)
	check("what has a name", ref, false)
}

// idIn returns the id in a reference.
func idIn(t *testing.T, r codec.Ref) objectID {
	t.Helper()
	id, ok := parseObjectID(r.ID)
	if !ok {
		t.Fatalf("%s has no id", r)
	}
	return id
}

// What fits a datagram by itself is in a listing, on a page of its own; what
// does not is left out.
func TestLargeEntries(t *testing.T) {
	p := newPair(t, newCounterObject(), noLog)
	const small, large, huge = 31_000, 40_000, 70_000
	ref := p.offer(t, "s", Wrap(&struct {
		A, B, C []byte
		N       int
	}{make([]byte, small), make([]byte, large), make([]byte, huge), 1}))
	m, err := p.peer.Snapshot(t.Context(), ref)
	if err != nil || len(m) != 3 || m["c"] != nil {
		t.Errorf("Snapshot has %d attributes, %v", len(m), err)
	}
	ref = p.offer(t, "k", Wrap(&map[string]int{strings.Repeat("a", small): 1, strings.Repeat("b", large): 2}))
	if keys, err := p.peer.Keys(t.Context(), ref); err != nil || len(keys) != 2 {
		t.Errorf("%d keys, %v", len(keys), err)
	}
}

// A reference to us is the object itself, by whatever name we are called.
func TestOtherNamesForUs(t *testing.T) {
	a := newBag(map[string]codec.Value{})
	p := newPair(t, a)
	for _, host := range []string{"localhost", "0.0.0.0", "127.0.0.1"} {
		ref := codec.Ref{ID: p.ref.ID, Home: codec.NewHome(host, int(serverAt.Port()))}
		if err := p.peer.SetAttr(t.Context(), p.ref, "me", ref); err != nil {
			t.Errorf("%s: %v", host, err)
		} else if o, ok := a.get("me").(*Object); !ok || o.Impl != any(a) {
			t.Errorf("%s: the server got %v, want its own object", host, a.get("me"))
		}
	}
}

// A reference that is the key of a map is no different from others.
func TestReferencesAsKeys(t *testing.T) {
	a := newBag(map[string]codec.Value{})
	p := newPair(t, a)
	own := &Object{Impl: echo}
	m, err := codec.NewMap(codec.Pair{Key: own, Value: own})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.peer.SetAttr(t.Context(), p.ref, "m", m); err != nil {
		t.Fatal(err)
	}
	if k := a.get("m").(*codec.Map).Pairs()[0].Key; fmt.Sprintf("%T", k) != "*nomcore.Proxy" {
		t.Errorf("the server got %T, want a proxy", k)
	}
	v, err := p.peer.GetAttr(t.Context(), p.ref, "m")
	if err != nil {
		t.Fatal(err)
	}
	if k := v.(*codec.Map).Pairs()[0].Key; k != codec.Value(own) {
		t.Errorf("our own key came back as %v", k)
	}
}

// Callbacks within callbacks do not wait for each other.
func TestDeepCallbacks(t *testing.T) {
	const depth = 2 * 25 // there and back
	for name, extended := range map[string]bool{"original": false, "extended": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				network := newMemNet()
				server := network.newService(t, serverAddr, func(c *Config) { c.NoExtensions = !extended })
				client := network.newService(t, clientAddr, plainOnly)
				var there, here *Object
				there = &Object{Impl: fn(func(ctx context.Context, a []codec.Value, _ map[string]codec.Value) (codec.Value, error) {
					return bounceWith(ctx, a, there)
				})}
				here = &Object{Impl: fn(func(ctx context.Context, a []codec.Value, _ map[string]codec.Value) (codec.Value, error) {
					return bounceWith(ctx, a, here)
				})}
				if err := server.Register("x", there); err != nil {
					t.Fatal(err)
				}
				peer, ref := connect(t, client, serverAddr, "x")
				start := time.Now()
				if _, err := peer.Call(t.Context(), ref, []codec.Value{codec.Int(depth), here}, nil); err != nil {
					t.Error(err)
				}
				if took := time.Since(start); took != 0 {
					t.Errorf("took %v", took)
				}
			})
		})
	}
}

// stuck is a writer that writes when it is told to.
type stuck chan struct{}

func (s stuck) Write(b []byte) (int, error) { <-s; return len(b), nil }

// A trace that nobody reads holds up nothing.
func TestTraceThatNobodyReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		trace := make(stuck)
		defer close(trace)
		p := newPair(t, newCounterObject(), noLog, func(c *Config) { c.Trace = trace })
		start := time.Now()
		for range maxTraceLines / 2 {
			if _, err := p.peer.List(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("took %v", took)
		}
		p.client.Close()
		p.server.Close()
		if took := time.Since(start); took > 2*closeWait {
			t.Errorf("closed after %v", took)
		}
	})
}

// A Peer that others have displaced from the table works on.
func TestDisplacedPeerRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, newCounterObject(), noLog)
		for i := range maxPeers {
			p.client.peers.chosen(netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 1, byte(i >> 8), byte(i)}), 9))
		}
		if p.client.peers.known(serverAt) != nil {
			t.Fatal("the server is still known")
		}
		p.net.setFilter(func(netip.AddrPort, netip.AddrPort, []byte, func()) {})
		if _, err := p.peer.GetAttr(t.Context(), p.ref, "a"); !errors.Is(err, ErrTimeout) {
			t.Errorf("without a network: %v", err)
		}
		p.net.setFilter(nil)
		time.Sleep(2 * probeAfter)
		if _, err := p.peer.GetAttr(t.Context(), p.ref, "a"); err != nil {
			t.Error(err)
		}
	})
}
