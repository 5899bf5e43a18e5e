package nomcore_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"nomfs/auth"
	"nomfs/codec"
	"nomfs/nomcore"
)

// forgedAddr returns the i-th of many addresses, none of which listens.
func forgedAddr(i int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, byte(10 + i>>16), byte(i >> 8), byte(i)}), 9)
}

// A flood from addresses that are not validated leaves nothing behind: during
// it and after it a newcomer gets in at once, with all that a session gives.
func TestForgedFlood(t *testing.T) {
	const (
		perSecond = 1000 // below what a service looks at: what counts is what it keeps
		every     = 15_000
	)
	hello := func(i int) []byte {
		var nonce [16]byte
		binary.BigEndian.PutUint64(nonce[:], uint64(i)+1)
		return rawPacket(cmdSync, i, nomxAttr(uint64(i)+1, nonce))
	}
	for name, tt := range map[string]struct {
		n      int
		packet func(i int) []byte
	}{
		"SYNC": {75_000, hello},
		"SYNC of originals": {5000, func(i int) []byte {
			return rawPacket(cmdSync, i)
		}},
		"unknown session": {5000, func(i int) []byte {
			return rawPacket(cmdList, i, rawTag(uint64(i), 1, 2, 1, 1))
		}},
		"RESOLVE": {5000, func(i int) []byte { return rawResolve(i, "plain") }},
	} {
		t.Run(name, func(t *testing.T) {
			inMemory(t, func(t *testing.T, network *nomcore.MemNet, _ *gate, p *plain, server *nomcore.Service) {
				came := 0
				next := func() string {
					came++
					return fmt.Sprintf("127.0.2.%d:5000", came)
				}
				for i := range tt.n {
					network.Deliver(forgedAddr(i), server.Addr(), tt.packet(i))
					time.Sleep(time.Second / perSecond)
					if i%every == every-1 {
						newcomer(t, network, next())
					}
				}
				newcomer(t, network, next())
				callInSession(t, network, p, next())
			})
		})
	}
}

// callInSession fails the test unless a newcomer's call runs once although each
// datagram is lost the first time: only in a session a call is sent again.
func callInSession(t *testing.T, network *nomcore.MemNet, p *plain, addr string) {
	t.Helper()
	c := mustDial(t, network, addr)
	var mu sync.Mutex
	seen := make(map[string]bool)
	network.Filter(func(_, _ netip.AddrPort, b []byte, deliver func()) {
		mu.Lock()
		again := seen[string(b)]
		seen[string(b)] = true
		mu.Unlock()
		if again {
			deliver()
		}
	})
	defer network.Filter(nil)
	before := p.runs.Load()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := c.peer.Call(ctx, c.plain, []codec.Value{codec.Int(1)}, nil); err != nil {
		t.Errorf("a newcomer's call whose first copy is lost: %v", err)
	}
	if n := p.runs.Load() - before; n != 1 {
		t.Errorf("a newcomer's call ran %d times", n)
	}
}

// slowCounter counts its runs, each of which takes a while.
type slowCounter struct {
	takes time.Duration
	runs  atomic.Int64
}

func (s *slowCounter) Call(context.Context, []codec.Value, map[string]codec.Value) (codec.Value, error) {
	n := s.runs.Add(1)
	time.Sleep(s.takes)
	return codec.Int(n), nil
}

// What anybody can send in the name of an original does not make a copy of its
// call run again, whether the call still runs or has run.
func TestForgedSyncForgetsNothing(t *testing.T) {
	hello, desync := rawPacket(cmdSync, 77), rawPacket(cmdDesync, 78)
	ours := rawPacket(cmdSync, 79, nomxAttr(5, [16]byte{6}))
	for name, forged := range map[string][][]byte{
		"SYNC":               {hello},
		"DESYNC":             {desync},
		"SYNC of a session":  {ours},
		"DESYNC, SYNC":       {desync, hello},
		"SYNC, SYNC, DESYNC": {ours, hello, desync},
	} {
		for _, takes := range []time.Duration{0, 700 * time.Millisecond} {
			t.Run(fmt.Sprintf("%s/%v", name, takes), func(t *testing.T) {
				inMemory(t, func(t *testing.T, network *nomcore.MemNet, _ *gate, _ *plain, server *nomcore.Service) {
					method := &slowCounter{takes: takes}
					register(t, server, "slow", method)
					const addr = "127.0.0.2:5000"
					o := newOriginal(t, network.Listen(t, addr), server.Addr())
					o.ask(0, rawPacket(cmdSync, 0))
					id := o.resolve(1, "slow")
					time.Sleep(10 * time.Second) // the original is no newcomer
					call := rawCall(2, id)
					o.send(call)
					for _, b := range forged {
						time.Sleep(100 * time.Millisecond)
						network.Deliver(netip.MustParseAddrPort(addr), server.Addr(), b)
					}
					time.Sleep(100 * time.Millisecond)
					o.send(call)
					time.Sleep(takes + time.Second)
					if n := method.runs.Load(); n != 1 {
						t.Errorf("%d runs", n)
					}
					for _, r := range o.answered(2) {
						if r.get("result") != codec.Value(codec.Int(1)) {
							t.Errorf("answered with %v", r.attrs)
						}
					}
				})
			})
		}
	}
}

// What anybody can send in the name of a client of ours takes nothing from it:
// what it holds stays, and its calls go on and run once.
func TestForgedPacketsTakeNothing(t *testing.T) {
	for name, b := range map[string][]byte{
		"SYNC":                            rawPacket(cmdSync, 77),
		"SYNC of a session":               rawPacket(cmdSync, 77, nomxAttr(5, [16]byte{6})),
		"DESYNC":                          rawPacket(cmdDesync, 78),
		"DESYNC of a session":             rawPacket(cmdDesync, 78, rawTag(1, 2, 3, 1, 1)),
		"LIST of a session":               rawPacket(cmdList, 79, rawTag(1, 2, 3, 1, 1)),
		"answer to a LIST":                rawPacket(cmdList, 80, codec.Attr{Name: "result", Value: codec.List{}}),
		"Release of nothing of a session": rawPull(81, "1", "Release", codec.Attr{Name: "refs", Value: codec.List{}}, rawTag(1, 2, 3, 1, 1)),
	} {
		t.Run(name, func(t *testing.T) {
			inMemory(t, func(t *testing.T, network *nomcore.MemNet, g *gate, _ *plain, server *nomcore.Service) {
				register(t, server, "maker", maker{})
				const addr = "127.0.0.2:5000"
				c := mustDial(t, network, addr)
				v, err := c.peer.Resolve(t.Context(), "maker")
				if err != nil {
					t.Fatal(err)
				}
				held, err := c.peer.Call(t.Context(), v.(codec.Ref), nil, nil)
				if err != nil {
					t.Fatal(err)
				}
				const waiting = 3
				w := c.wait(t, 0, waiting)
				g.settle(t, waiting)
				time.Sleep(10 * time.Second) // the client is no newcomer
				for range 5 {
					network.Deliver(netip.MustParseAddrPort(addr), server.Addr(), b)
					time.Sleep(200 * time.Millisecond)
					if v, err := c.peer.GetAttr(t.Context(), held.(codec.Ref), "n"); err != nil || v != codec.Value(codec.Int(5)) {
						t.Errorf("use of a reference that it holds: %v, %v", v, err)
					}
					c.quick(t, "the client")
				}
				g.open()
				w.report(t)
				if wrong := g.wrong(waiting); len(wrong) > 0 {
					t.Errorf("calls that did not run once: %v", wrong)
				}
			})
		})
	}
}

// lateAnswer is an object whose calls end only after their client is forgotten.
// A call is told how many bytes to answer with.
type lateAnswer struct {
	takes       time.Duration
	heeds       bool // it ends with its context
	begun, told atomic.Int64
	ended       atomic.Int64
}

func (l *lateAnswer) Call(ctx context.Context, args []codec.Value, _ map[string]codec.Value) (codec.Value, error) {
	l.begun.Add(1)
	defer l.ended.Add(1)
	size, _ := codec.Int64Of(args[0])
	// The large answers come first: the smaller ones then fill what is left.
	end := time.NewTimer(l.takes + time.Minute/time.Duration(1+size))
	if !l.heeds {
		<-end.C
	} else {
		select {
		case <-end.C:
		case <-ctx.Done():
			l.told.Add(1)
			return nil, ctx.Err()
		}
	}
	return codec.Bytes(strings.Repeat("x", int(size))), nil
}

// Calls of clients that are gone are cancelled when their session expires, and
// what those return that run on regardless takes no room for good.
func TestCallsOfTheGone(t *testing.T) {
	const (
		clients = 300
		expired = 200 * time.Second
	)
	// Together 72 MB: more answers than are kept for all.
	sizes := []codec.Int{60_000, 60_000, 60_000, 60_000, 2000, 0}
	const calls = clients * 6
	for _, heeds := range []bool{true, false} {
		t.Run(fmt.Sprintf("heeds its context %v", heeds), func(t *testing.T) {
			inMemory(t, func(t *testing.T, network *nomcore.MemNet, _ *gate, p *plain, server *nomcore.Service) {
				late := &lateAnswer{takes: 2 * expired, heeds: heeds}
				register(t, server, "late", late)
				var wg sync.WaitGroup
				var all []*client
				for i := range clients {
					c := mustDial(t, network, fmt.Sprintf("127.0.%d.%d:5000", 1+i/250, 1+i%250))
					v, err := c.peer.Resolve(t.Context(), "late")
					if err != nil {
						t.Fatal(err)
					}
					all = append(all, c)
					for _, size := range sizes {
						wg.Go(func() {
							ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
							defer cancel()
							_, _ = c.peer.Call(ctx, v.(codec.Ref), []codec.Value{size}, nil)
						})
					}
				}
				time.Sleep(time.Second)
				if n := late.begun.Load(); n != calls {
					t.Errorf("%d of %d calls run", n, calls)
				}
				// All clients are killed: not a word of them arrives any more.
				network.Filter(func(netip.AddrPort, netip.AddrPort, []byte, func()) {})
				for _, c := range all {
					c.s.Close()
				}
				wg.Wait()
				time.Sleep(expired)
				if n := late.told.Load(); heeds && n != calls {
					t.Errorf("%d of %d calls were cancelled when their clients had been gone for %v", n, calls, expired)
				}
				time.Sleep(2 * expired)
				if n := late.ended.Load(); n != calls {
					t.Errorf("%d of %d calls have ended", n, calls)
				}
				network.Filter(nil)
				newcomer(t, network, "127.0.9.1:5000")
				callInSession(t, network, p, "127.0.9.2:5000")
			})
		})
	}
}

// A call of an original goes on as long as the original is there, which is silent
// while it waits but answers a LIST, and is cancelled when it is gone.
func TestCallOfAnOriginal(t *testing.T) {
	const long = 10 * time.Minute
	for name, gone := range map[string]bool{"it is there": false, "it is gone": true} {
		t.Run(name, func(t *testing.T) {
			inMemory(t, func(t *testing.T, network *nomcore.MemNet, g *gate, _ *plain, server *nomcore.Service) {
				conn := network.Listen(t, "127.0.0.2:5000")
				o := newOriginal(t, conn, server.Addr())
				o.ask(0, rawPacket(cmdSync, 0))
				id := o.resolve(1, "gate")
				o.send(rawCall(2, id, codec.Int(7)))
				g.settle(t, 1)
				if gone {
					conn.Close()
				}
				time.Sleep(long)
				if n := g.waiting.Load(); gone == (n > 0) {
					t.Errorf("after %v %d of its calls run", long, n)
				}
				g.open()
				time.Sleep(time.Second)
				if n := len(o.answered(2)); !gone && n != 1 {
					t.Errorf("%d answers", n)
				}
			})
		})
	}
}

// doorkeeper admits and allows all but the addresses that it bars.
type doorkeeper struct {
	mu   sync.Mutex
	bars map[netip.AddrPort]string // "admit" or "allow"
}

func (d *doorkeeper) barred(who auth.Identity, at string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.bars[who.Addr] == at {
		return auth.ErrDenied
	}
	return nil
}

func (d *doorkeeper) Admit(_ context.Context, who auth.Identity) error { return d.barred(who, "admit") }

func (d *doorkeeper) Allow(_ context.Context, who auth.Identity, _ auth.Request) error {
	return d.barred(who, "allow")
}

// An answer that is kept for copies of its request is given to nobody who may
// not have it: a copy is screened as the request was.
func TestReplayIsScreened(t *testing.T) {
	const secret = "the secret answer"
	owner, thief := netip.MustParseAddrPort("127.0.0.2:5000"), netip.MustParseAddrPort("127.0.0.3:5000")
	for _, tt := range []struct {
		name string
		from netip.AddrPort // who sends the copy
		bar  string         // where the sender is barred
		want bool           // whether it gets the answer
	}{
		{"the client itself", owner, "", true},
		{"not admitted any more", owner, "admit", false},
		{"not allowed any more", owner, "allow", false},
		{"another that is not admitted", thief, "admit", false},
		{"another that is not allowed", thief, "allow", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inMemory(t, func(t *testing.T, network *nomcore.MemNet, _ *gate, _ *plain, server *nomcore.Service) {
				d := &doorkeeper{bars: make(map[netip.AddrPort]string)}
				if err := server.SetAuthenticator(d); err != nil {
					t.Fatal(err)
				}
				c := mustDial(t, network, owner.String())
				network.Listen(t, thief.String())
				var mu sync.Mutex
				var call []byte
				heard := 0 // answers with the secret that went to the sender
				network.Filter(func(_, to netip.AddrPort, b []byte, deliver func()) {
					mu.Lock()
					switch {
					case to == server.Addr() && bytes.Contains(b, []byte(secret)):
						call = bytes.Clone(b)
					case to == tt.from && bytes.Contains(b, []byte(secret)):
						heard++
					}
					mu.Unlock()
					deliver()
				})
				arg := []codec.Value{codec.Bytes(secret)}
				if _, err := c.peer.Call(t.Context(), c.plain, arg, nil); err != nil {
					t.Fatal(err)
				}
				d.mu.Lock()
				if tt.bar != "" {
					d.bars[tt.from] = tt.bar
				}
				d.mu.Unlock()
				if err := server.SetAuthenticator(d); err != nil { // it has changed its mind
					t.Fatal(err)
				}
				mu.Lock()
				heard = 0
				mu.Unlock()
				network.Deliver(tt.from, server.Addr(), call)
				time.Sleep(time.Second)
				mu.Lock()
				defer mu.Unlock()
				if got := heard > 0; got != tt.want {
					t.Errorf("the copy is answered with the secret: %v, want %v", got, tt.want)
				}
			})
		})
	}
}
