package script

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"nomfs/codec"
	"nomfs/nomcore"
)

// shelf is a remote object with something of everything.
type shelf struct {
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
	return s.OnSet.(*nomcore.Proxy).Call(ctx, []codec.Value{codec.Int(5)}, nil)
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
	for _, tt := range []struct{ name, class string }{
		{"failing", "OddError"}, {"missing", "NameError"}, {"missing_attr", "AttributeError"}, {"no_object", "AttributeError"},
	} {
		if _, err := c.call(tt.name); nomcore.ExceptionOf(err).Class != tt.class {
			t.Errorf("%s: %v, want a %s", tt.name, err, tt.class)
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
