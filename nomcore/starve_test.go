package nomcore_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"nomfs/auth"
	"nomfs/codec"
	"nomfs/nomcore"
)

// Calls of a client that wait hold up none of its other operations.
func TestWaitingCallsHoldUpNothing(t *testing.T) {
	const others, callers = 5000, 8
	for _, waiting := range []int{1, 10_000} {
		t.Run(fmt.Sprint(waiting), func(t *testing.T) {
			inMemory(t, func(t *testing.T, network *nomcore.MemNet, g *gate, p *plain, _ *nomcore.Service) {
				c := mustDial(t, network, "127.0.0.2:5000")
				w := c.wait(t, 0, waiting)
				g.settle(t, waiting)
				var next, done atomic.Int64
				var wg sync.WaitGroup
				for range callers {
					wg.Go(func() {
						for i := next.Add(1); i <= others; i = next.Add(1) {
							do := c.operations()["GetAttr"]
							if i%2 == 0 {
								do = c.operations()["Call"]
							}
							start := time.Now()
							err := do(t.Context())
							if took := time.Since(start); err != nil || took > atOnce {
								t.Errorf("operation %d of %d: %v after %v", i, others, err, took)
								return
							}
							done.Add(1)
						}
					})
				}
				wg.Wait()
				g.open()
				w.report(t)
				if wrong := g.wrong(waiting); len(wrong) > 0 {
					t.Errorf("waiting calls that did not run once: %v", wrong)
				}
				if n := done.Load(); p.runs.Load() > (n+1)/2+callers {
					t.Errorf("%d runs of %d calls", p.runs.Load(), n/2)
				}
			})
		})
	}
}

// Many clients with many waiting calls slow down neither a newcomer nor each
// other.
func TestWaitingCallsStarveNobody(t *testing.T) {
	const clients, waiting, newcomers = 20, 1000, 5
	inMemory(t, func(t *testing.T, network *nomcore.MemNet, g *gate, _ *plain, _ *nomcore.Service) {
		var all []*waitingCalls
		var first *client
		for i := range clients {
			c := mustDial(t, network, fmt.Sprintf("127.0.1.%d:5000", i+1))
			if first == nil {
				first = c
			}
			all = append(all, c.wait(t, i*waiting, waiting))
		}
		// However many of them run by then, nobody else has to wait.
		time.Sleep(time.Second)
		for i := range newcomers {
			newcomer(t, network, fmt.Sprintf("127.0.2.%d:5000", i+1))
		}
		first.quick(t, "a client with waiting calls")
		if t.Failed() {
			return
		}
		g.settle(t, clients*waiting)
		newcomer(t, network, "127.0.3.1:5000")
		g.open()
		for _, w := range all {
			w.report(t)
		}
		if wrong := g.wrong(clients * waiting); len(wrong) > 0 {
			t.Errorf("%d calls did not run once", len(wrong))
		}
	})
}

// Clients that take all calls that they can get leave room for others.
func TestHogsLeaveRoom(t *testing.T) {
	const hogs, modest = 4, 100
	calls := 1500
	if full {
		calls = 17_000 // together more than run at once in all
	}
	inMemory(t, func(t *testing.T, network *nomcore.MemNet, g *gate, _ *plain, server *nomcore.Service) {
		for i := range hogs {
			mustDial(t, network, fmt.Sprintf("127.0.1.%d:5000", i+1)).wait(t, i*calls, calls)
		}
		time.Sleep(time.Minute)
		t.Logf("%d of %d calls run", g.waiting.Load(), hogs*calls)
		other := newGate()
		register(t, server, "other", other)
		c := mustDial(t, network, "127.0.2.1:5000")
		v, err := c.peer.Resolve(t.Context(), "other")
		if err != nil {
			t.Fatal(err)
		}
		c.gate = v.(codec.Ref)
		w := c.wait(t, 0, modest)
		other.settle(t, modest)
		newcomer(t, network, "127.0.2.2:5000")
		other.open()
		w.report(t)
		g.open()
	})
}

// Calls that are given up end at the server, whenever that happens: before it has
// them, while it tells that they run, or later; and whatever is lost.
func TestGivenUpCallsEnd(t *testing.T) {
	const calls = 5000
	for name, loss := range map[string]float64{"good network": 0, "lossy network": 0.2} {
		t.Run(name, func(t *testing.T) {
			inMemory(t, func(t *testing.T, network *nomcore.MemNet, g *gate, _ *plain, _ *nomcore.Service) {
				c := mustDial(t, network, "127.0.0.2:5000")
				var mu sync.Mutex
				r := rand.New(rand.NewPCG(1, 2))
				network.Filter(func(_, _ netip.AddrPort, _ []byte, deliver func()) {
					mu.Lock()
					defer mu.Unlock()
					if r.Float64() >= loss {
						time.AfterFunc(time.Duration(r.IntN(5))*time.Millisecond, deliver)
					}
				})
				var wg sync.WaitGroup
				for i := range calls {
					mu.Lock()
					wait := time.Duration(r.IntN(30_000)) * time.Microsecond
					mu.Unlock()
					wg.Go(func() {
						ctx, cancel := context.WithTimeout(t.Context(), wait)
						defer cancel()
						_, err := c.peer.Call(ctx, c.gate, []codec.Value{codec.Int(i)}, nil)
						if !errors.Is(err, nomcore.ErrTimeout) {
							t.Errorf("call %d: %v", i, err)
						}
					})
					time.Sleep(time.Millisecond)
				}
				wg.Wait()
				time.Sleep(time.Minute)
				if n := g.waiting.Load(); n > 0 {
					t.Errorf("%d of %d calls run on a minute after they were given up", n, calls)
				}
			})
		})
	}
}

// newcomerTimes returns how long each of some newcomers took to connect and to
// do each operation once, over the loopback, sorted.
func newcomerTimes(t *testing.T, server string) []time.Duration {
	t.Helper()
	const newcomers = 15
	var times []time.Duration
	for range newcomers {
		s, err := nomcore.Listen("127.0.0.1:0", &nomcore.Config{Authenticator: auth.Default})
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		c, err := dial(t.Context(), s, server)
		if err == nil {
			for what, do := range c.operations() {
				if err = do(t.Context()); err != nil {
					err = fmt.Errorf("%s: %w", what, err)
					break
				}
			}
		}
		times = append(times, time.Since(start))
		s.Close()
		if err != nil {
			t.Fatalf("newcomer: %v", err)
		}
	}
	slices.Sort(times)
	return times
}

// rate returns how many reads per second a client does with 8 callers.
func (c *client) rate(t *testing.T) float64 {
	t.Helper()
	const span, callers = 500 * time.Millisecond, 8
	var n atomic.Int64
	var wg sync.WaitGroup
	start := time.Now()
	for range callers {
		wg.Go(func() {
			for time.Since(start) < span {
				if _, err := c.peer.GetAttr(t.Context(), c.plain, "n"); err != nil {
					t.Errorf("GetAttr: %v", err)
					return
				}
				n.Add(1)
			}
		})
	}
	wg.Wait()
	return float64(n.Load()) / time.Since(start).Seconds()
}

// On real sockets: with thousands of calls waiting, others are about as fast as
// without. Each figure is the best of some rounds, since others use the machine.
func TestWaitingCallsCostNoSpeed(t *testing.T) {
	const (
		waiting = 1000
		rounds  = 3
		// The calls themselves ask now and then whether they still run, and both
		// ends share this process.
		grain = 3 * time.Millisecond
	)
	// Without the long tests the times are not compared: others use the machine.
	clients, leastRate, mostTimes := 3, 0.0, time.Duration(1000_000)
	if full {
		clients = 20
		// Of the rate without waiting calls: the collector looks at the stacks of all
		// of them, and both ends share this process.
		leastRate = 0.3
		mostTimes = 5 // times the median of newcomers without
	}
	listen := func() *nomcore.Service {
		s, err := nomcore.Listen("127.0.0.1:0", &nomcore.Config{Authenticator: auth.Default})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}
	server, g := listen(), newGate()
	register(t, server, "gate", g)
	register(t, server, "plain", &plain{})
	addr := server.Addr().String()
	connect := func() *client {
		c, err := dial(t.Context(), listen(), addr)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	measure := func(c *client) (rate float64, median time.Duration) {
		median = time.Hour
		for range rounds {
			rate = max(rate, c.rate(t))
			times := newcomerTimes(t, addr)
			median = min(median, times[len(times)/2])
		}
		return rate, median
	}
	busy := connect()
	idleRate, idle := measure(busy)
	all := []*waitingCalls{busy.wait(t, 0, waiting)}
	for i := 1; i < clients; i++ {
		all = append(all, connect().wait(t, i*waiting, waiting))
	}
	g.settle(t, clients*waiting)
	loadedRate, loaded := measure(busy)
	t.Logf("reads: %.0f/s, with waiting calls %.0f/s; newcomers: %v, with waiting calls %v", idleRate, loadedRate, idle, loaded)
	if loadedRate < leastRate*idleRate {
		t.Errorf("the client with waiting calls does %.0f reads/s, without %.0f", loadedRate, idleRate)
	}
	if loaded > mostTimes*idle+grain {
		t.Errorf("a newcomer takes %v, without waiting calls %v", loaded, idle)
	}
	g.open()
	for _, w := range all {
		w.report(t)
	}
}

// A call that takes long is not sent again and again: the client learns that it
// runs, and looks now and then whether it still does.
func TestLongCallIsNotResent(t *testing.T) {
	const (
		argument = 50_000 // bytes
		takes    = 2 * time.Minute
		largest  = 256 // bytes of a datagram that merely asks whether it runs
		interval = time.Second
	)
	for _, tt := range []struct {
		name   string
		lost   int // datagrams of the server that are lost first
		copies int // of the whole request, at most
	}{
		{"good network", 0, 2}, // a slow start may cost one
		{"first answers lost", 3, 6},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inMemory(t, func(t *testing.T, network *nomcore.MemNet, g *gate, _ *plain, server *nomcore.Service) {
				c := mustDial(t, network, "127.0.0.2:5000")
				var mu sync.Mutex
				var whole, small, large, answers, lost int
				network.Filter(func(from, to netip.AddrPort, b []byte, deliver func()) {
					mu.Lock()
					lose := false
					switch {
					case to != server.Addr():
						answers += len(b)
						if lose = lost < tt.lost; lose {
							lost++
						}
					case len(b) >= argument:
						whole++
					case len(b) <= largest:
						small++
					default:
						large++
					}
					mu.Unlock()
					if !lose {
						deliver()
					}
				})
				time.AfterFunc(takes, g.open)
				ctx, cancel := context.WithTimeout(t.Context(), 2*takes)
				defer cancel()
				arg := codec.Bytes(make([]byte, argument))
				v, err := c.peer.Call(ctx, c.gate, []codec.Value{arg, codec.Int(1)}, nil)
				if err != nil || v != codec.Value(arg) {
					t.Errorf("Call: %v", err)
				}
				mu.Lock()
				defer mu.Unlock()
				t.Logf("client: %d copies, %d small and %d other datagrams; server: %d bytes", whole, small, large, answers)
				if whole > tt.copies || large > 0 {
					t.Errorf("the request was sent %d times, %d other large datagrams", whole, large)
				}
				if most := int(takes / interval); small > most {
					t.Errorf("%d small datagrams, want at most %d", small, most)
				}
				if most := 2*argument + int(takes/interval)*largest; answers > most {
					t.Errorf("the server sent %d bytes, want at most %d", answers, most)
				}
				if g.mu.Lock(); g.runs[arg] != 1 {
					t.Errorf("%d runs", g.runs[arg])
				}
				g.mu.Unlock()
			})
		})
	}
}
