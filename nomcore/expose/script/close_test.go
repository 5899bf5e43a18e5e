package script

import (
	"context"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"nomfs/auth"
	"nomfs/codec"
	"nomfs/nomcore"
)

// traceLog keeps the lines of a trace.
type traceLog struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *traceLog) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *traceLog) has(word string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.text.String(), word)
}

// eventually waits until something holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatal("never: " + what)
		}
		time.Sleep(time.Millisecond)
	}
}

// TestDisconnect checks that a peer is left when the last script that uses it
// is closed, not before.
// TestConnectInVain: addresses that lead nowhere do not use up the number of
// peers that a script may have.
func TestConnectInVain(t *testing.T) {
	home, away := serve(t), serve(t)
	register(t, away, "app", &shelf{Number: 1})
	good := away.Addr().String()
	s := load(t, `
def one(addr): return connect(addr).app.number
def each(n):
    return [attempt(_get, "nowhere:%d" % i)[1] for i in range(n)][-1]
def _get(addr): return connect(addr).app.number
`, Env{Connect: func(ctx context.Context, addr string) (*nomcore.Peer, error) {
		if addr != good {
			return nil, codec.Exception{Class: "IOError"}
		}
		return home.Connect(ctx, addr)
	}})
	if v, err := call(t, s, "each", codec.Int(maxServers+10)); err != nil || v.String() != "'IOError'" {
		t.Errorf("in vain: %v, %v", v, err)
	}
	for range 2 {
		if v, err := call(t, s, "one", codec.StringValue(good)); err != nil || !codec.Equal(v, codec.Int(1)) {
			t.Errorf("to one that is there: %v, %v", v, err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.links) != 1 {
		t.Errorf("there are %d links, want 1", len(s.links))
	}
}

func TestDisconnect(t *testing.T) {
	away, trace := serve(t), new(traceLog)
	register(t, away, "app", &shelf{Number: 1})
	home, err := nomcore.Listen("127.0.0.1:0", &nomcore.Config{Authenticator: auth.Default, Trace: trace})
	if err != nil {
		t.Fatal(err)
	}
	defer home.Close()
	src := "far = connect('" + away.Addr().String() + "')\nstate = {}\n" +
		"def f():\n    if 'o' not in state: state['o'] = far.app.me()\n    return state['o'].number\n"
	var scripts [2]*Script
	for i := range scripts {
		scripts[i] = load(t, src, Env{Connect: home.Connect})
		if v, err := call(t, scripts[i], "f"); err != nil || !codec.Equal(v, codec.Int(1)) {
			t.Fatalf("%v, %v", v, err)
		}
	}
	scripts[0].Close()
	if trace.has("DESYNC") {
		t.Error("the peer was left while a script uses it")
	}
	if v, err := call(t, scripts[1], "f"); err != nil || !codec.Equal(v, codec.Int(1)) {
		t.Errorf("after the other script was closed: %v, %v", v, err)
	}
	far := get(t, scripts[1], "far").(*nomcore.Object).Impl
	if v, err := far.(nomcore.AttrGetter).GetAttr(context.Background(), "app"); err != nil || v.Kind() != codec.KindRef {
		t.Errorf("the peer as an object: %v, %v", v, err)
	}
	if names, err := far.(nomcore.Direr).Dir(context.Background()); err != nil || len(names) != 1 || names[0] != "app" {
		t.Errorf("its names: %v, %v", names, err)
	}
	scripts[1].Close()
	eventually(t, "the peer is left", func() bool { return trace.has("DESYNC") })
	if _, err := far.(nomcore.AttrGetter).GetAttr(context.Background(), "app"); nomcore.ExceptionOf(err).Class != "ReferenceError" {
		t.Errorf("a peer of a closed script: %v", err)
	}
}

// TestReloadsLeakNothing checks that a script that is closed leaves no
// goroutine.
func TestReloadsLeakNothing(t *testing.T) {
	path := write(t, counter)
	before := runtime.NumGoroutine()
	for range 1000 {
		s, err := Load(path, Env{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := call(t, s, "increment"); err != nil {
			t.Fatal(err)
		}
		s.Close()
	}
	eventually(t, "the goroutines end", func() bool { return runtime.NumGoroutine() <= before })
}

// TestPrint checks that print goes to the log with its place.
func TestPrint(t *testing.T) {
	log := new(traceLog)
	s := load(t, "def f(x):\n    print('got', x)\n", Env{Log: newTextLog(log)})
	if _, err := call(t, s, "f", codec.List{codec.Int(1)}); err != nil {
		t.Fatal(err)
	}
	if !log.has(`msg="got [1]"`) || !log.has("logic.star:2") {
		t.Errorf("the log: %s", log.text.String())
	}
}

func newTextLog(w *traceLog) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }
