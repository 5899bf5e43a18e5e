package nomcore_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"nomfs/auth"
	"nomfs/codec"
	"nomfs/nomcore"
)

// The server of the soak test.

func init() { roles["soak-server"] = soakServer }

// soakNames are the names that the server has all the time.
var soakNames = []string{"gate", "plain", "once", "maker", "caller", "numbers", "stubborn", "many"}

// onceOnly is an object whose calls bear the name of a caller and a number that
// the caller uses once. It knows the last numbers of each caller.
type onceOnly struct {
	mu    sync.Mutex
	runs  map[string]map[int64]bool
	again []string
}

func (o *onceOnly) Call(_ context.Context, args []codec.Value, _ map[string]codec.Value) (codec.Value, error) {
	if len(args) != 2 {
		return nil, errors.New("want a name and a number")
	}
	name, ok := codec.StringOf(args[0])
	n, isNumber := codec.Int64Of(args[1])
	if !ok || !isNumber {
		return nil, errors.New("want a name and a number")
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	const (
		known = 10_000 // numbers of a caller: more than are under way
		most  = 20     // complaints
	)
	if o.runs[name] == nil {
		o.runs[name] = make(map[int64]bool)
	}
	if o.runs[name][n] && len(o.again) < most {
		o.again = append(o.again, fmt.Sprintf("call %d of %s ran again", n, name))
	}
	o.runs[name][n] = true
	delete(o.runs[name], n-known)
	return args[1], nil
}

// caller calls its first argument with the second, and keeps some of those that
// it has called.
type caller struct {
	mu   sync.Mutex
	next int
	kept [64]codec.Value
}

func (c *caller) Call(ctx context.Context, args []codec.Value, _ map[string]codec.Value) (codec.Value, error) {
	f, ok := args[0].(nomcore.Caller)
	if !ok {
		return nil, errors.New("want a callback")
	}
	c.mu.Lock()
	c.kept[c.next%len(c.kept)] = args[0]
	c.next++
	c.mu.Unlock()
	return f.Call(ctx, args[1:], nil)
}

// forget lets go what is kept.
func (c *caller) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.kept[:])
}

// numbers keeps numbers in attributes, and nothing else.
type numbers struct{ sync.Map }

func (s *numbers) GetAttr(_ context.Context, name string) (codec.Value, error) {
	if v, ok := s.Load(name); ok {
		return v.(codec.Value), nil
	}
	return nil, codec.Exception{Class: "AttributeError", Args: codec.Tuple{codec.Bytes(name)}}
}

func (s *numbers) SetAttr(_ context.Context, name string, v codec.Value) error {
	if n, ok := v.(codec.Int); ok {
		s.Store(name, n)
	}
	return nil
}

// stubborn is an object whose calls last two seconds, whoever waits.
type stubborn struct{ running atomic.Int64 }

func (s *stubborn) Call(context.Context, []codec.Value, map[string]codec.Value) (codec.Value, error) {
	s.running.Add(1)
	defer s.running.Add(-1)
	time.Sleep(2 * time.Second)
	return codec.None{}, nil
}

// manyItems is how many items the object "many" has: several pages.
const manyItems = 10_000

type many struct{}

// manyKeys are made once, so that what a page costs is what the service does.
var manyKeys = sync.OnceValue(func() []codec.Value {
	keys := make([]codec.Value, manyItems)
	for i := range keys {
		keys[i] = codec.Bytes(fmt.Sprintf("item_%05d", i))
	}
	return keys
})

func (many) Keys(context.Context) ([]codec.Value, error) { return manyKeys(), nil }

func (many) GetItem(_ context.Context, key codec.Value) (codec.Value, error) { return key, nil }

// soakState is what the server tells about itself.
type soakState struct {
	Addr       string
	Goroutines int
	Heap       uint64 // bytes, after a collection
	Objects    int    // given to clients
	Names      int
	Sessions   int
	Running    int // operations of clients
	Waiting    int // of them calls at the gate
	Stubborn   int
	Overload   uint64
	Again      []string // calls that ran again
}

// soakRequest asks the server for its state. Quiet ends what it does by itself.
type soakRequest struct{ Quiet bool }

// soakServer serves until its input ends.
func soakServer(in *json.Decoder, out *json.Encoder) error {
	s, err := nomcore.Listen("127.0.0.1:0", &nomcore.Config{Authenticator: auth.Default, Timeout: soakPatience})
	if err != nil {
		return err
	}
	defer s.Close()
	g, once, calls, slow := newGate(), &onceOnly{runs: make(map[string]map[int64]bool)}, &caller{}, &stubborn{}
	g.runs = nil // the calls of the soak bear no numbers
	for name, impl := range map[string]any{
		"gate": g, "plain": &plain{}, "once": once, "maker": maker{}, "caller": calls,
		"numbers": &numbers{}, "stubborn": slow, "many": many{},
	} {
		if err := s.Register(name, &nomcore.Object{Impl: impl}); err != nil {
			return err
		}
	}
	ctx, quiet := context.WithCancel(context.Background())
	defer quiet()
	var reloading sync.WaitGroup
	reloading.Go(func() { reload(ctx, s) })
	for {
		var ask soakRequest
		if err := in.Decode(&ask); err != nil {
			return err
		}
		if ask.Quiet {
			quiet()
			reloading.Wait()
			calls.forget()
		}
		st := stateOf(s)
		st.Waiting, st.Stubborn = int(g.waiting.Load()), int(slow.running.Load())
		once.mu.Lock()
		st.Again = once.again
		once.mu.Unlock()
		if err := out.Encode(st); err != nil {
			return err
		}
	}
}

// stateOf returns what a service and its process hold.
func stateOf(s *nomcore.Service) soakState {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	all := s.Stats()
	st := soakState{
		Addr: s.Addr().String(), Goroutines: runtime.NumGoroutine(), Heap: m.HeapAlloc,
		Objects: all.Objects, Names: all.Names, Overload: all.Overload,
	}
	for _, p := range s.Peers() {
		st.Sessions += p.Sessions
		st.Running += p.Running
	}
	return st
}

// reload gives names back and registers them again, as a server does whose
// configuration changes, and fills the table of names meanwhile.
func reload(ctx context.Context, s *nomcore.Service) {
	const extra = 1000 // names that come and go
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	change := func(f func(name string) error) {
		_ = f("reloaded")
		for i := range extra {
			_ = f(fmt.Sprintf("extra_%d", i))
		}
	}
	remove := s.Unregister
	add := func(name string) error { return s.Register(name, &nomcore.Object{Impl: &plain{}}) }
	for on := true; ; on = !on {
		select {
		case <-tick.C:
			if on {
				change(add)
			} else {
				change(remove)
			}
		case <-ctx.Done():
			change(remove)
			return
		}
	}
}
