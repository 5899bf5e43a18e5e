package nomcore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"nomfs/codec"
)

// badNetwork is a network of the kind one hopes never to have.
type badNetwork struct {
	loss      float64       // of datagrams
	duplicate float64       // of those that arrive
	delay     time.Duration // at most; random, so that they overtake each other
}

var (
	terrible = badNetwork{loss: 0.3, duplicate: 0.2, delay: 20 * time.Millisecond}
	good     = badNetwork{delay: time.Millisecond}
)

// filter returns the network's behaviour, random by a seed.
func (n badNetwork) filter(seed uint64) func(from, to netip.AddrPort, b []byte, deliver func()) {
	var mu sync.Mutex
	r := rand.New(rand.NewPCG(seed, 0))
	return func(from, to netip.AddrPort, b []byte, deliver func()) {
		mu.Lock()
		defer mu.Unlock()
		copies := 1
		if r.Float64() < n.duplicate {
			copies = 2
		}
		for range copies {
			if r.Float64() >= n.loss {
				time.AfterFunc(time.Duration(r.Int64N(int64(n.delay)+1)), deliver)
			}
		}
	}
}

// full makes the tests that count in millions do so. Otherwise they take a
// quick look, which is all that the race detector has the time for.
var full = os.Getenv("NOMFS_TEST_FULL") != ""

// lossSize sizes the tests under loss.
func lossSize() (seeds uint64, calls int) {
	if full {
		return 20, 10_000
	}
	return 2, 1000
}

// inParallel runs f(0) … f(n-1) from some goroutines.
func inParallel(n, workers int, f func(i int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				f(i)
			}
		})
	}
	wg.Wait()
}

// counterObject counts its calls, and remembers who called twice.
type counterObject struct {
	mu   sync.Mutex
	n    int
	seen map[codec.Value]int
}

// runs returns how many calls there were, and how many different ones.
func (c *counterObject) runs() (all, different int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n, len(c.seen)
}

func newCounterObject() *counterObject { return &counterObject{seen: make(map[codec.Value]int)} }

func (c *counterObject) GetAttr(_ context.Context, name string) (codec.Value, error) {
	return codec.StringValue("value of " + name), nil
}

func (c *counterObject) Call(_ context.Context, args []codec.Value, _ map[string]codec.Value) (codec.Value, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
	c.seen[args[0]]++
	return codec.Int(c.n), nil
}

// noLog keeps a test that makes a million packets from logging them.
func noLog(c *Config) { c.Log = nil }

const lossDeadline = 120 * time.Second

func TestAtMostOnceUnderLoss(t *testing.T) {
	seeds, calls := lossSize()
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCounterObject()
				p := newPair(t, c, noLog)
				p.net.setFilter(terrible.filter(seed))
				within := func(f func(ctx context.Context)) {
					ctx, cancel := context.WithTimeout(t.Context(), lossDeadline)
					defer cancel()
					f(ctx)
				}
				inParallel(calls, 100, func(i int) {
					within(func(ctx context.Context) {
						name := fmt.Sprint(i)
						if v, err := p.peer.GetAttr(ctx, p.ref, name); err != nil || v.String() != "'value of "+name+"'" {
							t.Errorf("GetAttr %s = %v, %v", name, v, err)
						}
					})
				})
				inParallel(calls, 100, func(i int) {
					within(func(ctx context.Context) {
						if _, err := p.peer.Call(ctx, p.ref, []codec.Value{codec.Int(i)}, nil); err != nil {
							t.Errorf("Call %d: %v", i, err)
						}
					})
				})
				if n, different := c.runs(); n != calls || different != calls {
					t.Errorf("%d runs of %d calls, %d different", n, calls, different)
				}
			})
		})
	}
}

func TestRestartUnderLoss(t *testing.T) {
	for _, tt := range []struct {
		name   string
		net    badNetwork
		within time.Duration
	}{{"good", good, 2 * time.Second}, {"terrible", terrible, 30 * time.Second}} {
		seeds, calls := lossSize()
		calls /= 10
		for seed := range seeds {
			t.Run(fmt.Sprint(tt.name, seed), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { restartUnderLoss(t, tt.net, tt.within, seed, calls) })
			})
		}
	}
}

// restartUnderLoss calls while the server is replaced by another at the same
// address.
func restartUnderLoss(t *testing.T, net badNetwork, within time.Duration, seed uint64, calls int) {
	first, second := newCounterObject(), newCounterObject()
	p := newPair(t, first, noLog)
	p.net.setFilter(net.filter(seed))
	var unknown, stale, done atomic.Int32
	var working atomic.Int64 // Unix ns of the first success after the restart
	var restarted atomic.Int64
	call := func(i int) error {
		ctx, cancel := context.WithTimeout(t.Context(), lossDeadline)
		defer cancel()
		v, err := p.peer.Resolve(ctx, "x")
		if err != nil {
			return err
		}
		_, err = p.peer.Call(ctx, v.(codec.Ref), []codec.Value{codec.Int(i)}, nil)
		return err
	}
	const callers, span = 20, 2 * time.Second
	pause := span / time.Duration(calls/callers)
	var restart sync.WaitGroup
	defer restart.Wait()
	restart.Go(func() {
		time.Sleep(span / 4)
		p.server.Close()
		time.Sleep(span / 20)
		s := p.net.newService(t, serverAddr, noLog)
		if err := s.Register("x", &Object{Impl: second}); err != nil {
			t.Error(err)
		}
		restarted.Store(time.Now().UnixNano())
	})
	inParallel(calls, callers, func(i int) {
		time.Sleep(pause)
		err := call(i)
		switch {
		case err == nil:
			done.Add(1)
			if restarted.Load() != 0 {
				working.CompareAndSwap(0, time.Now().UnixNano())
			}
		case errors.Is(err, ErrOutcomeUnknown):
			unknown.Add(1)
		case errors.Is(err, ErrStale):
			stale.Add(1) // it did not run
		default:
			t.Errorf("call %d: %v", i, err)
		}
	})
	for i := range calls {
		n := first.seen[codec.Int(i)] + second.seen[codec.Int(i)]
		if n > 1 {
			t.Errorf("call %d ran %d times", i, n)
		}
	}
	if ran := first.n + second.n; ran < int(done.Load()) || ran > int(done.Load()+unknown.Load()) {
		t.Errorf("%d ran, %d succeeded, %d unknown, %d stale", ran, done.Load(), unknown.Load(), stale.Load())
	}
	if first.n == 0 || second.n == 0 {
		t.Errorf("runs %d and %d: the restart was not in the middle", first.n, second.n)
	}
	if took := time.Duration(working.Load() - restarted.Load()); took > within {
		t.Errorf("works again %v after the restart, want within %v", took, within)
	}
}

// Names are the strings of the original, and so are the texts of objects and of
// errors: it fails with any other kind, unless they are ASCII.
func TestNamesAreBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, fn(func(context.Context, []codec.Value, map[string]codec.Value) (codec.Value, error) {
			return nil, errors.New("né")
		}), noLog, plainOnly)
		var sent, answered []packet
		p.net.setFilter(func(from, to netip.AddrPort, b []byte, deliver func()) {
			pkt, err := parsePacket(bytes.Clone(b))
			if err != nil {
				t.Error(err)
			}
			if to == p.server.Addr() {
				sent = append(sent, pkt)
			} else {
				answered = append(answered, pkt)
			}
			deliver()
		})
		_, _ = p.peer.GetAttr(t.Context(), p.ref, "né")
		_ = p.peer.SetAttr(t.Context(), p.ref, "né", codec.None{})
		_ = p.peer.DelAttr(t.Context(), p.ref, "né")
		_, _ = p.peer.Resolve(t.Context(), "né")
		_, _ = p.peer.Call(t.Context(), p.ref, nil, nil)
		for i, key := range []string{attrAttr, attrAttr, attrAttr, attrName} {
			if v, _ := sent[i].get(key); v != codec.Value(codec.Bytes("né")) {
				t.Errorf("request %d: the name is %v", i, v)
			}
		}
		v, _ := answered[len(answered)-1].get(attrError)
		if exc, ok := v.(codec.Exception); !ok || exc.Args[0] != codec.Value(codec.Bytes("né")) {
			t.Errorf("the error is %v", v)
		}
	})
}

// An original peer executes every copy: what is not harmless goes out once.
func TestOriginalUnderLoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCounterObject()
		p := newPair(t, c, noLog, plainOnly)
		copies := make(map[string]int)
		lossy := terrible.filter(1)
		p.net.setFilter(func(from, to netip.AddrPort, b []byte, deliver func()) {
			if to == p.server.Addr() && command(b[0]) == cmdPull {
				copies[string(b)]++
			}
			lossy(from, to, b, deliver)
		})
		for i := range 300 {
			ctx, cancel := context.WithTimeout(t.Context(), lossDeadline)
			_, err := p.peer.Call(ctx, p.ref, []codec.Value{codec.Int(i)}, nil)
			if err != nil && !errors.Is(err, ErrOutcomeUnknown) {
				t.Errorf("Call %d: %v", i, err)
			}
			cancel()
		}
		for b, n := range copies {
			if n != 1 {
				t.Errorf("sent %d times: %x", n, b)
			}
		}
		for i, n := range c.seen {
			if n != 1 {
				t.Errorf("call %v ran %d times", i, n)
			}
		}
		if len(copies) != 300 {
			t.Errorf("%d calls were sent", len(copies))
		}
	})
}

func TestCancelReachesThePeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cancelled := make(chan struct{})
		p := newPair(t, fn(func(ctx context.Context, _ []codec.Value, _ map[string]codec.Value) (codec.Value, error) {
			<-ctx.Done()
			close(cancelled)
			return nil, ctx.Err()
		}))
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		_, err := p.peer.Call(ctx, p.ref, nil, nil)
		if !errors.Is(err, context.Canceled) || !errors.Is(err, ErrOutcomeUnknown) {
			t.Errorf("Call: %v", err)
		}
		start := time.Now()
		<-cancelled
		if took := time.Since(start); took > time.Second {
			t.Errorf("the callee heard of it after %v", took)
		}
	})
}

// What was given up before it began never runs, and may be tried again.
func TestEndedContextSendsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var runs atomic.Int64
		p := newPair(t, fn(func(context.Context, []codec.Value, map[string]codec.Value) (codec.Value, error) {
			runs.Add(1)
			return codec.None{}, nil
		}))
		cancelled, cancel := context.WithCancel(t.Context())
		cancel()
		late, cancelLate := context.WithTimeout(t.Context(), -time.Second)
		defer cancelLate()
		for ctx, want := range map[context.Context]error{cancelled: context.Canceled, late: ErrTimeout} {
			_, err := p.peer.Call(ctx, p.ref, nil, nil)
			if !errors.Is(err, want) || errors.Is(err, ErrOutcomeUnknown) {
				t.Errorf("Call: %v, want %v", err, want)
			}
		}
		if _, err := p.peer.Call(t.Context(), p.ref, nil, nil); err != nil {
			t.Errorf("Call after those: %v", err)
		}
		synctest.Wait()
		if n := runs.Load(); n != 1 {
			t.Errorf("%d calls ran", n)
		}
	})
}

// Who gives a call up and closes at once, as a command does that is interrupted,
// still has the peer end it. A peer that is silent does not hold up Close.
func TestCancelReachesThePeerBeforeClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cancelled := make(chan struct{})
		p := newPair(t, fn(func(ctx context.Context, _ []codec.Value, _ map[string]codec.Value) (codec.Value, error) {
			<-ctx.Done()
			close(cancelled)
			return nil, ctx.Err()
		}))
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if _, err := p.peer.Call(ctx, p.ref, nil, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("Call: %v", err)
		}
		start := time.Now()
		p.client.Close()
		if took := time.Since(start); took > tellWait {
			t.Errorf("Close took %v", took)
		}
		select {
		case <-cancelled:
		case <-time.After(time.Second):
			t.Error("the callee never heard of it")
		}
	})
}

// slowAttr is an object whose attributes take as long as their reader waits.
type slowAttr struct{ given chan struct{} }

func (o slowAttr) GetAttr(ctx context.Context, _ string) (codec.Value, error) {
	<-ctx.Done()
	close(o.given)
	return nil, ctx.Err()
}

// A read that is given up ends at the peer as well.
func TestCancelledReadReachesThePeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := slowAttr{make(chan struct{})}
		p := newPair(t, o)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if _, err := p.peer.GetAttr(ctx, p.ref, "x"); !errors.Is(err, context.Canceled) {
			t.Errorf("GetAttr: %v", err)
		}
		select {
		case <-o.given:
		case <-time.After(time.Second):
			t.Error("the reader is gone, and the peer never heard of it")
		}
	})
}

// Who waits just as long as it takes to probe a peer has not found out that the
// peer is down, and tells it to end the call.
func TestShortWaitIsNoSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cancelled := make(chan struct{})
		p := newPair(t, fn(func(ctx context.Context, _ []codec.Value, _ map[string]codec.Value) (codec.Value, error) {
			<-ctx.Done()
			close(cancelled)
			return nil, ctx.Err()
		}))
		ctx, cancel := context.WithTimeout(t.Context(), probeAfter)
		defer cancel()
		if _, err := p.peer.Call(ctx, p.ref, nil, nil); !errors.Is(err, ErrTimeout) {
			t.Errorf("Call: %v", err)
		}
		if p.peer.isDown() {
			t.Error("the peer is taken to be down")
		}
		p.client.Close()
		select {
		case <-cancelled:
		case <-time.After(time.Second):
			t.Error("the callee never heard of it")
		}
	})
}

// What a client holds is freed one lease after it vanished, whatever it held.
func TestLeases(t *testing.T) {
	calls, callbacks := 2000, 1000
	if full {
		calls, callbacks = 1_000_000, 100_000
	}
	synctest.Test(t, func(t *testing.T) {
		var kept sync.Map
		method := fn(func(_ context.Context, a []codec.Value, _ map[string]codec.Value) (codec.Value, error) {
			if len(a) > 0 {
				kept.Store(0, a[0]) // the last callback stays in use
			}
			return codec.None{}, nil
		})
		obj := newFactory(method)
		p := newPair(t, obj, noLog)
		base := p.server.Stats().Objects
		inParallel(calls, 50, func(i int) {
			if _, err := p.peer.CallAttr(t.Context(), p.ref, "m", nil, nil); err != nil {
				t.Error(err)
			}
		})
		if n := p.server.Stats().Objects; n > base {
			t.Errorf("%d calls left %d references", calls, n-base)
		}
		v, err := p.peer.GetAttr(t.Context(), p.ref, "m")
		if err != nil {
			t.Fatal(err)
		}
		inParallel(callbacks, 50, func(i int) {
			cb := &Object{Impl: fn(nil)}
			if _, err := p.peer.Call(t.Context(), v.(codec.Ref), []codec.Value{cb}, nil); err != nil {
				t.Error(err)
			}
		})
		p.client.Close()
		time.Sleep(leaseTime + 2*housekeepEvery)
		if n := p.server.Stats().Objects; n > base {
			t.Errorf("%d objects a lease after the client vanished, at first %d", n, base)
		}
	})
}

// factory gives out a new object for a method each time.
type factory struct{ f fn }

func newFactory(f fn) *factory { return &factory{f} }

func (x *factory) GetAttr(context.Context, string) (codec.Value, error) {
	return &Object{Impl: x.f}, nil
}

// References that are in use outlive any silence, as their holder renews them;
// given back, they are gone.
func TestRenewAndRelease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, newFactory(func(context.Context, []codec.Value, map[string]codec.Value) (codec.Value, error) {
			return codec.Int(1), nil
		}))
		v, err := p.peer.GetAttr(t.Context(), p.ref, "m")
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * leaseTime)
		if v, err := p.peer.Call(t.Context(), v.(codec.Ref), nil, nil); err != nil || v != codec.Value(codec.Int(1)) {
			t.Errorf("after ten leases: %v, %v", v, err)
		}
		if n := p.server.Stats().Objects; n != 2 {
			t.Errorf("%d objects, want x and m", n)
		}
		p.peer.Release(v.(codec.Ref))
		time.Sleep(2 * housekeepEvery)
		if n := p.server.Stats().Objects; n != 1 {
			t.Errorf("%d objects after the release, want x", n)
		}
		if _, err := p.peer.Call(t.Context(), v.(codec.Ref), nil, nil); !errors.Is(err, ErrStale) {
			t.Errorf("a reference that was given back: %v", err)
		}
	})
}

// Originals never give anything back; what they hold is bounded.
func TestOriginalsAreBounded(t *testing.T) {
	p := newPair(t, newFactory(fn(nil)), plainOnly, noLog)
	p.server.peers.validate(clientAt)
	var first codec.Value
	for i := range maxOriginalRefs + 100 {
		v, err := p.peer.GetAttr(context.Background(), p.ref, "m")
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = v
		}
	}
	if n := p.server.Stats().Objects; n > maxOriginalRefs+1 {
		t.Errorf("%d objects", n)
	}
	if _, err := p.peer.Repr(context.Background(), first.(codec.Ref)); !errors.Is(err, ErrStale) {
		t.Errorf("the least recently used one: %v, want ErrStale", err)
	}
	if _, err := p.peer.GetAttr(context.Background(), p.ref, "m"); err != nil {
		t.Errorf("the one in use: %v", err)
	}
}
