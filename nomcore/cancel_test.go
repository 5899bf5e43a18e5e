package nomcore

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"nomfs/codec"
	"nomfs/nomcore/wire"
)

// A request that is cancelled before it begins never runs.
func TestCancelledBeforeItRuns(t *testing.T) {
	for _, tt := range []struct {
		name string
		ops  map[string]bool // of the datagrams that the network delays
	}{
		{"the Cancel overtakes the request", map[string]bool{"Call": true}},
		{"the Cancel overtakes every copy", map[string]bool{"Call": true, "copies": true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const late, gaveUp = 3 * time.Second, time.Second / 2
				method := &slow{}
				p := newPair(t, method, noLog)
				seen := false
				p.net.setFilter(func(_, to netip.AddrPort, b []byte, deliver func()) {
					pkt, _ := parsePacket(b)
					op, _ := pkt.text(attrOp)
					switch {
					case to != serverAt || !tt.ops[op]:
						deliver()
					case !seen || tt.ops["copies"]:
						seen = true
						time.AfterFunc(late, deliver)
					}
				})
				ctx, cancel := context.WithTimeout(t.Context(), gaveUp)
				defer cancel()
				if _, err := p.peer.Call(ctx, p.ref, nil, nil); !errors.Is(err, ErrTimeout) {
					t.Errorf("Call: %v", err)
				}
				time.Sleep(2 * late)
				if n := method.runs.Load(); n != 0 {
					t.Errorf("%d runs of a call that was cancelled before it came", n)
				}
				p.net.setFilter(nil)
				if v, err := p.peer.Call(t.Context(), p.ref, nil, nil); err != nil || v != codec.Value(codec.Int(1)) {
					t.Errorf("the next call: %v, %v", v, err)
				}
			})
		})
	}
}

// A request that is cancelled between the moment when it gets a goroutine of its
// own and the moment when that begins never runs, whoever cancels it.
func TestCancelledBeforeItBegins(t *testing.T) {
	for name, cancel := range map[string]func(p *pair, sess *session, seq uint64){
		"Cancel":       func(_ *pair, sess *session, seq uint64) { sess.cancel(seq) },
		"acknowledged": func(_ *pair, sess *session, seq uint64) { sess.begin(&wire.Tag{Seq: seq + 2, Below: seq + 1}, true, 0) },
		"expired":      func(_ *pair, sess *session, _ uint64) { sess.end() },
		"closed":       func(p *pair, _ *session, _ uint64) { p.server.cancel() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				method := &slow{}
				p := newPair(t, method, noLog)
				client := p.server.peers.known(clientAt)
				sess := client.session(p.peer.ask().sess.Load().id)
				sess.mu.Lock()
				tag := wire.Tag{Session: sess.id, Boot: p.server.boot, Seq: sess.below + 10, Below: sess.below}
				sess.mu.Unlock()
				// What handOff does, up to the moment when the goroutine begins.
				b := rawRequest(t, cmdPull, xidAttr(7), tagAttr(tag), codec.Attr{Name: attrOp, Value: codec.Bytes("Call")},
					codec.Attr{Name: attrOID, Value: codec.Long(p.ref.ID)},
					codec.Attr{Name: attrArgs, Value: codec.Tuple{}}, codec.Attr{Name: attrKwargs, Value: codec.MapOf(nil)})
				own := newWorker(p.server, b)
				if err := own.pkt.Parse(b); err != nil {
					t.Fatal(err)
				}
				own.job = own.newJob(client, b)
				own.job.sess, own.job.seq = sess, tag.Seq
				if v, _ := sess.begin(&tag, false, p.server.now()); v != seqRun {
					t.Fatalf("begin: %v", v)
				}
				own.job.attach(own)
				cancel(p, sess, tag.Seq)
				own.run()
				if n := method.runs.Load(); n != 0 {
					t.Errorf("%d runs", n)
				}
				if n := p.server.orphans.Load(); n != 0 {
					t.Errorf("%d requests run for nobody", n)
				}
			})
		})
	}
}

// A Cancel of a number that was never used, or of one far away, takes no more
// room than a request would, and none for good.
func TestCancelOfNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, newCounterObject(), noLog)
		sess := p.server.peers.known(clientAt).session(p.peer.ask().sess.Load().id)
		for _, seq := range []uint64{0, 1, sessionSpan - 1, sessionSpan, 1 << 40, 1<<64 - 1} {
			sess.cancel(seq)
		}
		if n := p.server.kept.used.Load(); n > 2*sessionSpan*(entryCost+answerReused) {
			t.Errorf("%d bytes are kept", n)
		}
		p.client.Close()
		time.Sleep(sessionKept + 2*housekeepEvery)
		sess.cancel(sessionSpan / 2)
		if n := p.server.kept.used.Load(); n != 0 {
			t.Errorf("%d bytes are kept of a session that has expired", n)
		}
	})
}

// A request that ends after its session is gone leaves nothing behind.
func TestEndsAfterItsSession(t *testing.T) {
	for name, end := range map[string]func(p *pair){
		"expired": func(p *pair) { time.Sleep(sessionKept + 2*housekeepEvery) },
		"displaced": func(p *pair) {
			for i := range maxPeers {
				p.server.peers.validate(netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 9, byte(i >> 8), byte(i)}), 9))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const calls = 40
				var begun atomic.Int32
				gone := make(chan struct{})
				p := newPair(t, fn(func(_ context.Context, args []codec.Value, _ map[string]codec.Value) (codec.Value, error) {
					begun.Add(1)
					<-gone // whatever becomes of the context
					size, _ := codec.Int64Of(args[0])
					return codec.Bytes(strings.Repeat("x", int(size))), nil
				}), noLog)
				for i := range calls {
					go func() {
						ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
						defer cancel()
						_, _ = p.peer.Call(ctx, p.ref, []codec.Value{codec.Int(i * 60_000 / calls)}, nil)
					}()
				}
				time.Sleep(time.Second)
				if n := begun.Load(); n != calls {
					t.Fatalf("%d of %d calls run", n, calls)
				}
				client := p.server.peers.known(clientAt)
				p.net.setFilter(func(netip.AddrPort, netip.AddrPort, []byte, func()) {}) // not a word of the client any more
				end(p)
				if n := p.server.orphans.Load(); n != calls {
					t.Errorf("%d requests run for nobody, want %d", n, calls)
				}
				close(gone)
				time.Sleep(time.Second)
				for what, n := range map[string]int64{
					"bytes kept": p.server.kept.used.Load(), "bytes kept of the client": client.kept.Load(),
					"calls": p.server.calls.used.Load(), "bytes of calls": p.server.callBytes.used.Load(),
					"calls for nobody": p.server.orphans.Load(),
				} {
					if n != 0 {
						t.Errorf("%d %s", n, what)
					}
				}
			})
		})
	}
}
