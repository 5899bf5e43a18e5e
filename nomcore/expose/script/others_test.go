package script

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"nomfs/codec"
	"nomfs/nomcore"
)

// shelf is a remote object with something of everything.
type shelf struct {
	sync.Mutex
	Number int
	Items  *map[string]int
	OnSet  codec.Value
}

func (s *shelf) Add(a, b int) int { return a + b }
func (s *shelf) Fail() error {
	return codec.Exception{Class: "OddError", Args: codec.Tuple{codec.StringValue("odd")}}
}
func (s *shelf) Me() *shelf { return s }

func (s *shelf) Fire(ctx context.Context) (codec.Value, error) {
	s.Lock()
	heard := s.OnSet.(*nomcore.Proxy)
	s.Unlock()
	return heard.Call(ctx, []codec.Value{codec.Int(5)}, nil)
}

// TestAttempt: what fails can be gone on from, but for what ends the call.
func TestAttempt(t *testing.T) {
	gone, away := serve(t), serve(t)
	register(t, away, "app", &shelf{Number: 1})
	s := load(t, `
state = {"watchers": [], "n": 0}
def no(): fail("no")
def deep(): return {}["x"]
def keywords(a, *, b): return [a, b]
def ok(): return attempt(keywords, 1, b = 2)
def bad(): return attempt(no)
def far(): return attempt(connect("`+away.Addr().String()+`").app.fail)
def nested(): return attempt(lambda: [attempt(no), deep()])
def none(): return attempt()
def wrong(): return attempt(5)
def forever():
    while True: pass
def steps(): return attempt(forever)
def much(): return attempt(lambda: "x" * (1 << 40))
def remember():
    state["n"] += 1
    error = attempt(_fill)[1]
    return [state["n"], error]
def _fill():
    state["n"] += 1
    fail("no")
def watch(w): state["watchers"].append(w)
def fire(v):
    for w in state["watchers"]:
        _, error = attempt(w, v)
        if error: state["watchers"].remove(w)
    return len(state["watchers"])
`, Env{Connect: gone.Connect, Steps: 100_000})
	for _, tt := range []struct{ name, want string }{
		{"ok", "([1, 2], None)"}, {"bad", "(None, 'RuntimeError: no (logic.star:3:15 in no, called at logic.star:7:26 in bad)')"},
		{"far", "(None, 'OddError: odd')"}, {"remember", "[2, 'RuntimeError: no (logic.star:22:9 in _fill, called at logic.star:18:20 in remember)']"},
		{"nested", `(None, 'KeyError: \'key "x" not in dict (logic.star:4:22 in deep, called at logic.star:9:56 in lambda, called at logic.star:9:29 in nested)\'')`},
		{"none", "TypeError: attempt() takes at least 1 argument (0 given) (logic.star:10:27 in none)"},
		{"wrong", "(None, 'TypeError: invalid call of non-function (int)')"},
		{"steps", "RuntimeError: steps() takes more than 100000 steps"},
		{"much", "MemoryError"},
	} {
		v, err := call(t, s, tt.name)
		switch {
		case err != nil && strings.HasPrefix(err.Error(), tt.want):
		case err != nil || v.String() != tt.want:
			t.Errorf("%s: %v, %v, want %s", tt.name, v, err, tt.want)
		}
	}
	var heard atomic.Int32
	count := nomcore.Func(func(int) { heard.Add(1) })
	broken := nomcore.Func(func(int) error { return codec.Exception{Class: "OddError"} })
	for _, w := range []codec.Value{broken, count, broken, nomcore.Func(func(int) { heard.Add(1) })} {
		if _, err := call(t, s, "watch", w); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 2 {
		if v, err := call(t, s, "fire", codec.Int(1)); err != nil || !codec.Equal(v, codec.Int(2)) || heard.Load() != int32(2*n+2) {
			t.Errorf("fire: %v, %v; %d heard it", v, err, heard.Load())
		}
	}
}

// TestAttemptLeavesTime: who does not answer does not take all of it.
func TestAttemptLeavesTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const tries = 2
		began, start := make(chan time.Duration, tries), time.Now()
		silent := &nomcore.Object{Impl: callerFunc(func(ctx context.Context) {
			began <- time.Since(start)
			<-ctx.Done()
		})}
		s := newScript("a.star", Env{Timeout: 8 * time.Second})
		defer s.Close()
		if err := s.load([]byte("state = []\ndef f(o):\n    state.append(1)\n    return [attempt(o)[1] for _ in range(2)] + [len(state)]\n")); err != nil {
			t.Fatal(err)
		}
		v, err := call(t, s, "f", silent)
		const text = "'IOError: [Errno 110] there was no answer in half of the time that was left'"
		if err != nil || v.String() != "["+text+", "+text+", 1]" {
			t.Errorf("%v, %v", v, err)
		}
		if first, second := <-began, <-began; first != 0 || second != 4*time.Second {
			t.Errorf("it was called after %v and %v", first, second)
		}
	})
}

// callerFunc is an object that can be called.
type callerFunc func(ctx context.Context)

func (f callerFunc) Call(ctx context.Context, _ []codec.Value, _ map[string]codec.Value) (codec.Value, error) {
	f(ctx)
	return nil, ctx.Err()
}

func TestOtherObjects(t *testing.T) {
	home, away := serve(t), serve(t)
	far, near := &shelf{Number: 1, Items: &map[string]int{"a": 1}}, &shelf{Number: 2, Items: &map[string]int{"b": 2}}
	register(t, away, "app", far)
	register(t, away, "plain", 7)
	nearObject := nomcore.Wrap(near)
	var connects atomic.Int32
	s := load(t, `
far = connect("`+away.Addr().String()+`")
state = {}

def each(f): return [f(far.app), f(objects.shelf), f(objects["shelf"])]
def attrs(): return each(lambda o: o.number)
def methods(): return each(lambda o: o.add(o.number, 10))
def apart(): return each(lambda o: [m(1, 2) for m in [o.add]][0])
def items(): return each(lambda o: [len(o.items), sorted(dir(o.items))])
def store(): return each(_store)
def _store(o):
    o.number = 5
    o.number += 2
    o.items["x"] = 1
    o.items["x"] += 3
    return [o.number, o.items["x"]]
def texts(): return each(lambda o: str(o) + repr(o))
def same(): return each(lambda o: [o.me() == o, o == o.items, type(o), len(set([o, o.me()]))])
def has(): return each(lambda o: [hasattr(o, "number"), hasattr(o, "nope"), getattr(o, "nope", None)])
def keep():
    state["o"] = far.app.me()
    state["m"] = far.app.add
def kept(): return [state["o"].number, state["m"](1, 2)]
def failing(): return far.app.fail()
def missing(): return far.nope
def missing_attr(): return far.app.nope
def no_object(): return objects.nope
def plain(): return [far.plain, dir(far)]
def hand_over(): return far.app
def callback():
    far.app.on_set = _heard
    return far.app.fire()
def _heard(x): return ["heard", x]
def made_here(y):
    far.app.on_set = lambda x, y = y: [x, y]
    return far.app.fire()
def returned(): return _heard
def is_mine(f): return f == _heard
`, Env{
		Timeout: 30 * time.Second,
		Objects: func(name string) (any, bool) { return nearObject, name == "shelf" },
		Connect: func(ctx context.Context, addr string) (*nomcore.Peer, error) {
			connects.Add(1)
			return home.Connect(ctx, addr)
		},
	})
	if n := connects.Load(); n != 0 {
		t.Errorf("loading made %d connections", n)
	}
	register(t, home, "logic", s.Object())
	c := dial(t, home)
	for _, tt := range []struct{ name, want string }{
		{"attrs", "[1, 2, 2]"},
		{"methods", "[11, 12, 12]"},
		{"apart", "[3, 3, 3]"},
		{"same", "[[True, False, 'reference', 1]] * 3"},
		{"has", "[[True, False, None]] * 3"},
		{"store", "[[7, 4], [7, 4], [7, 4]]"},
		{"texts", "['<shelf object><shelf object>'] * 3"},
		{"keep", "None"},
		{"kept", "[7, 3]"},
		{"plain", "[7, ['app', 'plain']]"},
		{"callback", "['heard', 5]"},
	} {
		v, err := c.call(tt.name)
		want := tt.want
		if item, thrice := strings.CutSuffix(want, " * 3"); thrice {
			item = strings.TrimSuffix(strings.TrimPrefix(item, "["), "]")
			want = "[" + strings.Join(slices.Repeat([]string{item}, 3), ", ") + "]"
		}
		if err != nil || !codec.Equal(v, literal(t, want)) {
			t.Errorf("%s: %v, %v, want %s", tt.name, v, err, want)
		}
	}
	c.want(t, literal(t, "[5, 'y']"), "made_here", codec.StringValue("y"))
	for _, tt := range []struct{ name, want string }{ // the class, or all of it
		{"failing", "OddError"}, {"missing", "NameError: there is no object 'nope' at " + away.Addr().String()}, {"missing_attr", "AttributeError"}, {"no_object", "AttributeError"},
	} {
		_, err := c.call(tt.name)
		if exc := nomcore.ExceptionOf(err); exc.Class != tt.want && exc.Error() != tt.want {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
		}
	}
	if v, err := c.call("hand_over"); err != nil || v.Kind() != codec.KindRef {
		t.Errorf("a reference handed over: %v, %v", v, err)
	} else if n, err := c.GetAttr(context.Background(), v.(codec.Ref), "number"); err != nil || !codec.Equal(n, codec.Int(7)) {
		t.Errorf("its number: %v, %v", n, err)
	}
	v, err := c.call("returned")
	if err != nil {
		t.Fatal(err)
	}
	c.want(t, codec.Bool(true), "is_mine", v)
	if n := connects.Load(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}

// TestPeerThatIsNotThere checks that loading does not wait for peers, and that
// a call does not wait for ever.
func TestPeerThatIsNotThere(t *testing.T) {
	gone := serve(t)
	addr := gone.Addr().String()
	gone.Close()
	home := serve(t)
	s := load(t, "far = connect('"+addr+"')\nstate = []\ndef f():\n    state.append(1)\n    return far.x.y\n", Env{Connect: home.Connect, Timeout: time.Second})
	if _, err := call(t, s, "f"); err == nil {
		t.Error("somebody is there")
	}
	if v := get(t, s, "state"); !codec.Equal(v, literal(t, "[1]")) {
		t.Errorf("state is %v", v)
	}
}
