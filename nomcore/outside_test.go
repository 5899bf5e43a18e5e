package nomcore_test

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"nomfs/auth"
	"nomfs/codec"
	"nomfs/nomcore"
)

// What the tests share that see the package from outside: a server in memory
// with two objects, its clients, and what they expect.

// full sizes the tests that count in thousands.
var full = os.Getenv("NOMFS_TEST_FULL") != ""

const serverAddr = "127.0.0.1:12074"

// atOnce is how long an operation may take in virtual time, where nothing
// takes any time but what has to wait for something. It leaves room for a
// service that takes some milliseconds to notice that a handler waits.
const atOnce = 100 * time.Millisecond

// gate is an object whose calls wait until it opens. A call returns its first
// argument.
type gate struct {
	opened  chan struct{}
	waiting atomic.Int64
	mu      sync.Mutex
	runs    map[codec.Value]int // by first argument; nil if nobody wants to know
}

func newGate() *gate { return &gate{opened: make(chan struct{}), runs: make(map[codec.Value]int)} }

func (g *gate) Call(ctx context.Context, args []codec.Value, _ map[string]codec.Value) (codec.Value, error) {
	if g.runs != nil {
		g.mu.Lock()
		g.runs[args[0]]++
		g.mu.Unlock()
	}
	g.waiting.Add(1)
	defer g.waiting.Add(-1)
	select {
	case <-g.opened:
		return args[0], nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (g *gate) open() { close(g.opened) }

// wrong returns how often each of n calls ran that did not run once.
func (g *gate) wrong(n int) map[int]int {
	g.mu.Lock()
	defer g.mu.Unlock()
	wrong := make(map[int]int)
	for i := range n {
		if runs := g.runs[codec.Int(i)]; runs != 1 {
			wrong[i] = runs
		}
	}
	return wrong
}

// plain is an object with one attribute, whose calls return their argument.
type plain struct{ runs atomic.Int64 }

func (*plain) GetAttr(context.Context, string) (codec.Value, error) { return codec.Int(5), nil }

func (p *plain) Call(_ context.Context, args []codec.Value, _ map[string]codec.Value) (codec.Value, error) {
	p.runs.Add(1)
	return args[0], nil
}

// maker makes an object with each call.
type maker struct{}

func (maker) Call(context.Context, []codec.Value, map[string]codec.Value) (codec.Value, error) {
	return &nomcore.Object{Impl: &plain{}}, nil
}

// serve makes a service at addr on a network in memory, until the test ends.
func serve(t testing.TB, network *nomcore.MemNet, addr string) *nomcore.Service {
	t.Helper()
	s, err := nomcore.New(network.Listen(t, addr), &nomcore.Config{Authenticator: auth.Default})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// register registers an object.
func register(t testing.TB, s *nomcore.Service, name string, impl any) {
	t.Helper()
	if err := s.Register(name, &nomcore.Object{Impl: impl}); err != nil {
		t.Fatal(err)
	}
}

// client is a connection to a server that has a gate and a plain object.
type client struct {
	s           *nomcore.Service
	peer        *nomcore.Peer
	gate, plain codec.Ref
}

// dial connects a service to a server and resolves the two objects.
func dial(ctx context.Context, s *nomcore.Service, server string) (*client, error) {
	peer, err := s.Connect(ctx, server)
	if err != nil {
		return nil, err
	}
	c := &client{s: s, peer: peer}
	for name, ref := range map[string]*codec.Ref{"gate": &c.gate, "plain": &c.plain} {
		v, err := peer.Resolve(ctx, name)
		if err != nil {
			return nil, err
		}
		r, ok := v.(codec.Ref)
		if !ok {
			return nil, fmt.Errorf("%s is %v", name, v)
		}
		*ref = r
	}
	return c, nil
}

// mustDial is dial on a network in memory.
func mustDial(t testing.TB, network *nomcore.MemNet, addr string) *client {
	t.Helper()
	c, err := dial(t.Context(), serve(t, network, addr), serverAddr)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// waitingCalls are calls that a client has waiting at the gate.
type waitingCalls struct {
	wg     sync.WaitGroup
	cancel context.CancelFunc
	failed atomic.Int64
	errs   sync.Map // error text to a number of a call
}

// wait starts calls of the gate with the numbers from first on. They end with
// the gate or with the test.
func (c *client) wait(t testing.TB, first, n int) *waitingCalls {
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	w := &waitingCalls{cancel: cancel}
	for i := first; i < first+n; i++ {
		w.wg.Go(func() {
			v, err := c.peer.Call(ctx, c.gate, []codec.Value{codec.Int(i)}, nil)
			if err == nil && v != codec.Value(codec.Int(i)) {
				err = fmt.Errorf("returned %v", v)
			}
			if err != nil {
				w.failed.Add(1)
				w.errs.LoadOrStore(err.Error(), i)
			}
		})
	}
	t.Cleanup(func() { cancel(); w.wg.Wait() })
	return w
}

// report fails the test for calls that failed.
func (w *waitingCalls) report(t testing.TB) {
	t.Helper()
	w.wg.Wait()
	if n := w.failed.Load(); n > 0 {
		w.errs.Range(func(text, i any) bool {
			t.Errorf("waiting call %v: %v", i, text)
			return false
		})
		t.Errorf("%d waiting calls failed", n)
	}
}

// settle waits until n calls wait at the gate, and fails the test if they do
// not within a minute of virtual time.
func (g *gate) settle(t testing.TB, n int) {
	t.Helper()
	for range 60 {
		if g.waiting.Load() == int64(n) {
			return
		}
		time.Sleep(time.Second)
	}
	t.Fatalf("%d of %d calls are running after a minute", g.waiting.Load(), n)
}

// operations are the quick operations of a client.
func (c *client) operations() map[string]func(ctx context.Context) error {
	return map[string]func(ctx context.Context) error{
		"SYNC": c.peer.Reconnect,
		"LIST": func(ctx context.Context) error { _, err := c.peer.List(ctx); return err },
		"RESOLVE": func(ctx context.Context) error {
			_, err := c.peer.Resolve(ctx, "plain")
			return err
		},
		"GetAttr": func(ctx context.Context) error {
			_, err := c.peer.GetAttr(ctx, c.plain, "n")
			return err
		},
		"Call": func(ctx context.Context) error {
			_, err := c.peer.Call(ctx, c.plain, []codec.Value{codec.Int(1)}, nil)
			return err
		},
	}
}

// quick fails the test unless each operation ends at once.
func (c *client) quick(t testing.TB, who string) {
	t.Helper()
	for what, do := range c.operations() {
		start := time.Now()
		err := do(t.Context())
		if took := time.Since(start); err != nil || took > atOnce {
			t.Errorf("%s of %s: %v after %v", what, who, err, took)
		}
	}
}

// newcomer fails the test unless a client that is new is served at once.
func newcomer(t testing.TB, network *nomcore.MemNet, addr string) {
	t.Helper()
	start := time.Now()
	c, err := dial(t.Context(), serve(t, network, addr), serverAddr)
	if took := time.Since(start); err != nil || took > atOnce {
		t.Errorf("connect of the newcomer %s: %v after %v", addr, err, took)
	}
	if err == nil {
		c.quick(t, "the newcomer "+addr)
	}
}

// inMemory runs f in a bubble with a server that has a gate and a plain object.
func inMemory(t *testing.T, f func(t *testing.T, network *nomcore.MemNet, g *gate, p *plain, server *nomcore.Service)) {
	synctest.Test(t, func(t *testing.T) {
		network := nomcore.NewMemNet()
		server := serve(t, network, serverAddr)
		g, p := newGate(), &plain{}
		register(t, server, "gate", g)
		register(t, server, "plain", p)
		f(t, network, g, p, server)
	})
}
