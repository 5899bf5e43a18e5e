package script

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"nomfs/auth"
	"nomfs/codec"
	"nomfs/nomcore"
)

// serve starts a service on a free port of loopback.
func serve(t testing.TB) *nomcore.Service {
	t.Helper()
	s, err := nomcore.Listen("127.0.0.1:0", &nomcore.Config{Authenticator: auth.Default, Timeout: 30 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func register(t testing.TB, s *nomcore.Service, name string, obj any) {
	t.Helper()
	if err := s.Register(name, obj); err != nil {
		t.Fatal(err)
	}
}

// client is another process that uses what is registered as "logic".
type client struct {
	*nomcore.Peer
	ref codec.Ref
}

func dial(t testing.TB, s *nomcore.Service) client {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	p, err := nomcore.Dial(ctx, s.Addr().String(), &nomcore.Config{Authenticator: auth.Default, Timeout: 30 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	v, err := p.Resolve(ctx, "logic")
	if err != nil {
		t.Fatal(err)
	}
	ref, ok := v.(codec.Ref)
	if !ok {
		t.Fatalf("logic is %v", v)
	}
	return client{p, ref}
}

func (c client) call(name string, args ...codec.Value) (codec.Value, error) {
	return c.CallAttr(context.Background(), c.ref, name, args, nil)
}

// want checks that a call returns a value.
func (c client) want(t testing.TB, want codec.Value, name string, args ...codec.Value) {
	t.Helper()
	v, err := c.call(name, args...)
	if err != nil || !codec.Equal(v, want) {
		t.Errorf("%s%v: %v, %v, want %v", name, args, v, err, want)
	}
}

const counter = `"""
Counts.

    It is an example.
"""
version = "1.4.2"
limits = {"low": 1, "high": [2, 3]}
state = {"n": 0}
_step = 1
_table = {"a": 0}
_table["a"] += 1

def increment(by = 1, *rest, twice = False):
    """
    Adds to the count.
    """
    state["n"] += by * _step * (2 if twice else 1)
    return state["n"]

def keys(**named):
    return sorted(named.keys())
`

func TestOverTheWire(t *testing.T) {
	service := serve(t)
	s := load(t, counter, Env{})
	register(t, service, "logic", s.Object())
	c := dial(t, service)
	ctx := context.Background()

	for name, want := range map[string]string{"version": "'1.4.2'", "limits": "{'low': 1, 'high': [2, 3]}", "state": "{'n': 0}"} {
		if v, err := c.GetAttr(ctx, c.ref, name); err != nil || !codec.Equal(v, literal(t, want)) {
			t.Errorf("%s: %v, %v", name, v, err)
		}
	}
	for _, tt := range []struct{ name, text string }{
		{"version", "attribute 'version' is read-only"},
		{"increment", "attribute 'increment' is read-only"},
		{"state", "attribute 'state' is read-only"},
		{"nope", "'logic' object has no attribute 'nope'"},
	} {
		err := c.SetAttr(ctx, c.ref, tt.name, codec.Int(1))
		var exc codec.Exception
		if !errors.As(err, &exc) || !codec.Equal(exc, exception("AttributeError", "%s", tt.text)) {
			t.Errorf("set %s: %v", tt.name, err)
		}
	}
	for _, name := range []string{"_step", "#1"} {
		if _, err := s.Object().Impl.(nomcore.AttrGetter).GetAttr(ctx, name); nomcore.ExceptionOf(err).Class != "AttributeError" {
			t.Errorf("a private name: %v", err)
		}
	}
	if err := c.DelAttr(ctx, c.ref, "version"); nomcore.ExceptionOf(err).Class != "AttributeError" {
		t.Errorf("delete: %v", err)
	}
	if v, err := c.CallAttr(ctx, c.ref, "increment", []codec.Value{codec.Int(2)}, map[string]codec.Value{"twice": codec.Bool(true)}); err != nil || !codec.Equal(v, codec.Int(4)) {
		t.Errorf("increment: %v, %v", v, err)
	}
	c.want(t, codec.Int(5), "increment")
	if v, err := c.CallAttr(ctx, c.ref, "keys", nil, map[string]codec.Value{"b": codec.None{}, "a": codec.None{}}); err != nil || !codec.Equal(v, literal(t, "['a', 'b']")) {
		t.Errorf("keys: %v, %v", v, err)
	}
	if _, err := c.call("increment", codec.StringValue("x")); nomcore.ExceptionOf(err).Class != "TypeError" || !strings.Contains(err.Error(), "(logic.star:17:16 in increment)") {
		t.Errorf("a wrong argument: %v", err)
	}
	snap, err := c.Snapshot(ctx, c.ref)
	if err != nil || !codec.Equal(codec.MapOf(snap), literal(t, "{'version': '1.4.2', 'limits': {'low': 1, 'high': [2, 3]}, 'state': {'n': 5}}")) {
		t.Errorf("snapshot: %v, %v", snap, err)
	}
	if text, err := c.Repr(ctx, c.ref); err != nil || text != "<logic object>" {
		t.Errorf("repr: %q, %v", text, err)
	}
}

func TestDescription(t *testing.T) {
	service := serve(t)
	register(t, service, "logic", load(t, counter, Env{}).Object())
	c := dial(t, service)
	d, err := c.Describe(context.Background(), c.ref)
	if err != nil {
		t.Fatal(err)
	}
	if d.Class != "logic" || d.Doc != "Counts.\n\n    It is an example." || d.Callable {
		t.Errorf("%+v", d)
	}
	want := codec.Description{Attrs: []codec.AttrInfo{
		{Name: "increment", Kind: codec.KindRef, Type: "method", Doc: "Adds to the count.", Call: true, Params: []codec.Param{
			{Name: "by", Default: codec.Int(1)}, {Name: "rest", Rest: true}, {Name: "twice", Default: codec.Bool(false)},
		}},
		{Name: "keys", Kind: codec.KindRef, Type: "method", Call: true, Params: []codec.Param{}},
		{Name: "limits", Kind: codec.KindMap, Type: "dict"},
		{Name: "state", Kind: codec.KindMap, Type: "dict", Doc: "what the functions remember; a copy"},
		{Name: "version", Kind: codec.KindBytes, Type: "bytes"},
	}}
	if got := (codec.Description{Attrs: d.Attrs}); !codec.Equal(got.Value(), want.Value()) {
		t.Errorf("%v\nwant %v", got.Value(), want.Value())
	}
	v, err := c.GetAttr(context.Background(), c.ref, "increment")
	if err != nil {
		t.Fatal(err)
	}
	if d, err := c.Describe(context.Background(), v.(codec.Ref)); err != nil || !d.Callable || d.Doc != "Adds to the count." || len(d.Params) != 3 {
		t.Errorf("%+v, %v", d, err)
	}
	again, err := c.GetAttr(context.Background(), c.ref, "increment")
	if err != nil || again != v {
		t.Errorf("the same method is another object: %v, %v, %v", v, again, err)
	}
}

func TestParallelIncrements(t *testing.T) {
	const clients, each = 8, 1000
	service := serve(t)
	register(t, service, "logic", load(t, counter, Env{Timeout: time.Minute}).Object())
	var wg sync.WaitGroup
	for range clients {
		c := dial(t, service)
		wg.Go(func() {
			for range each {
				if _, err := c.call("increment"); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	c := dial(t, service)
	c.want(t, codec.Int(clients*each+1), "increment")
}

const hub = `
state = {"subscribers": [], "n": 0}

def subscribe(cb):
    if cb in state["subscribers"]: return False
    state["subscribers"].append(cb)
    return True

def fire(x):
    return [cb(x) for cb in state["subscribers"]]

def fire_named(x):
    return [cb.call_me(x) for cb in state["subscribers"]]

def by(key):
    state["l"] = [3, 1, 2]
    return [sorted(state["l"], key = key), max(state["l"], key = key), state["l"]]

def add(x):
    state["l"].append(x)
    return x

def increment():
    state["n"] += 1
    return state["n"]

def then(cb):
    before = increment()
    answer = cb(before)
    return [before, answer, state["n"]]
`

// TestCallbackIsKept checks that a script calls what it was given earlier, and
// knows it again.
func TestCallbackIsKept(t *testing.T) {
	service := serve(t)
	register(t, service, "logic", load(t, hub, Env{}).Object())
	c := dial(t, service)
	seen := make(chan codec.Value, 1)
	cb := nomcore.Func(func(v codec.Value) string {
		seen <- v
		return "seen"
	})
	c.want(t, codec.Bool(true), "subscribe", cb)
	c.want(t, codec.Bool(false), "subscribe", cb)
	other := dial(t, service)
	other.want(t, literal(t, "['seen']"), "fire", literal(t, "[1, {'a': None}]"))
	if v := <-seen; !codec.Equal(v, literal(t, "[1, {'a': None}]")) {
		t.Errorf("the callback got %v", v)
	}
	bad := nomcore.Func(func(v codec.Value) error {
		return codec.Exception{Class: "OddError", Args: codec.Tuple{v, codec.Int(7)}}
	})
	other.want(t, codec.Bool(true), "subscribe", bad)
	_, err := other.call("fire", codec.Int(1))
	var exc codec.Exception
	if !errors.As(err, &exc) || !codec.Equal(exc, codec.Exception{Class: "OddError", Args: codec.Tuple{codec.Int(1), codec.Int(7)}}) {
		t.Errorf("the exception of a callback became %v", err)
	}
}

// TestReentrancy checks that a callback can call the script that calls it, and
// that a slow callback holds up nobody.
func TestReentrancy(t *testing.T) {
	service := serve(t)
	register(t, service, "logic", load(t, hub, Env{Timeout: time.Minute}).Object())
	c := dial(t, service)
	nested := nomcore.Func(func(int) (codec.Value, error) { return c.call("increment") })
	c.want(t, literal(t, "[1, 2, 2]"), "then", nested)

	entered, release := make(chan struct{}), make(chan struct{})
	slow := nomcore.Func(func(int) string {
		close(entered)
		<-release
		return "late"
	})
	done := make(chan error, 1)
	go func() {
		v, err := c.call("then", slow)
		if err == nil && !codec.Equal(v, literal(t, "[3, 'late', 5]")) {
			t.Errorf("then: %v", v)
		}
		done <- err
	}()
	<-entered
	other := dial(t, service)
	other.want(t, codec.Int(4), "increment")
	other.want(t, codec.Int(5), "increment")
	close(release)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestSubscribeWhileFiring checks that what a loop goes through can change
// while the loop waits for a callback.
func TestSubscribeWhileFiring(t *testing.T) {
	service := serve(t)
	register(t, service, "logic", load(t, hub, Env{Timeout: time.Minute}).Object())
	c := dial(t, service)
	var calls atomic.Int32
	echo := nomcore.Func(func(x int) int { return x })
	first := nomcore.Func(func(x int) (int, error) {
		if calls.Add(1) > 1 {
			return x, nil
		}
		_, err := c.call("subscribe", echo)
		return x, err
	})
	c.want(t, codec.Bool(true), "subscribe", first)
	c.want(t, literal(t, "[5]"), "fire", codec.Int(5))
	c.want(t, literal(t, "[6, 6]"), "fire", codec.Int(6))
}

// TestOrderByCallback is the same for functions that go through a list.
func TestOrderByCallback(t *testing.T) {
	service := serve(t)
	register(t, service, "logic", load(t, hub, Env{Timeout: time.Minute}).Object())
	c := dial(t, service)
	first := true
	key := nomcore.Func(func(x codec.Value) (codec.Value, error) {
		if first {
			first = false
			return c.call("add", codec.Int(0))
		}
		return x, nil
	})
	c.want(t, literal(t, "[[3, 1, 2], 3, [3, 1, 2, 0]]"), "by", key)
}

// TestFrozenInParallel has many calls read what is frozen, for the race
// detector.
func TestFrozenInParallel(t *testing.T) {
	s := load(t, `
_table = {"a": [1, 2, {"b": (3, set([4]))}]}
def f(x):
    n = 0
    for k, l in _table.items():
        for e in l: n += e if type(e) == "int" else e["b"][0] + len(e["b"][1])
    return [n + x, sorted(_table["a"][:2], key = lambda v: -v), _table]
`, Env{})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 50 {
				v, err := call(t, s, "f", codec.Int(i))
				if want := literal(t, "{'a': [1, 2, {'b': (3, set([4]))}]}"); err != nil || !codec.Equal(v, codec.List{codec.Int(7 + i), literal(t, "[2, 1]"), want}) {
					t.Errorf("%v, %v", v, err)
				}
			}
		})
	}
	wg.Wait()
}

// TestManyFireAndSubscribe has callbacks that call back, from many sides at
// once, to show that nothing waits for itself.
func TestManyFireAndSubscribe(t *testing.T) {
	const clients, each = 4, 30
	service := serve(t)
	register(t, service, "logic", load(t, hub, Env{Timeout: time.Minute}).Object())
	var wg sync.WaitGroup
	for range clients {
		c := dial(t, service)
		nested := nomcore.Func(func(int) (codec.Value, error) { return c.call("increment") })
		wg.Go(func() {
			for range each {
				if _, err := c.call("then", nested); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	dial(t, service).want(t, codec.Int(2*clients*each+1), "increment")
}
