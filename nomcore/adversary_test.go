package nomcore

import (
	"bytes"
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"nomfs/auth"
	"nomfs/codec"
	"nomfs/nomcore/wire"
)

var (
	serverAt = netip.MustParseAddrPort(serverAddr)
	clientAt = netip.MustParseAddrPort(clientAddr)
	forgedAt = netip.MustParseAddrPort("127.0.0.9:666")
)

// slow is a method that takes its time and counts its runs.
type slow struct {
	runs  atomic.Int32
	takes time.Duration
}

func (s *slow) Call(context.Context, []codec.Value, map[string]codec.Value) (codec.Value, error) {
	n := s.runs.Add(1)
	time.Sleep(s.takes)
	return codec.Int(n), nil
}

// rawCall is a call as anybody could send it.
func rawCall(t *testing.T, xid int, id codec.ID) []byte {
	t.Helper()
	return rawRequest(t, cmdPull, xidAttr(xid), codec.Attr{Name: attrOp, Value: codec.Bytes("Call")},
		codec.Attr{Name: attrOID, Value: codec.Long(id)},
		codec.Attr{Name: attrArgs, Value: codec.Tuple{}}, codec.Attr{Name: attrKwargs, Value: codec.MapOf(nil)})
}

func tagAttr(tag wire.Tag) codec.Attr {
	return codec.Attr{Name: attrNomq, Value: codec.Bytes(tag.Append(nil))}
}

// helloAttr is nomx of a peer of ours with that nonce.
func helloAttr(nonce wire.SessionID) codec.Attr {
	x := wire.Hello{Version: wire.NomxVersion, Flags: wire.ExtAll, Boot: wire.BootID{9}, Nonce: nonce}
	return codec.Attr{Name: attrNomx, Value: codec.Bytes(x.Append(nil))}
}

// Whatever happens to the client's address or admission while a call runs, the
// call runs once and its answer arrives.
func TestRunsOnceWhateverHappens(t *testing.T) {
	for _, tt := range []struct {
		name   string
		lost   bool // the answer cannot arrive; that it may have run must be told
		happen func(t *testing.T, p *pair)
	}{
		{"forged DESYNC", false, func(t *testing.T, p *pair) {
			p.net.deliver(clientAt, serverAt, rawRequest(t, cmdDesync, xidAttr(1)))
		}},
		{"forged SYNC", false, func(t *testing.T, p *pair) {
			p.net.deliver(clientAt, serverAt, rawRequest(t, cmdSync, xidAttr(1)))
			p.net.deliver(clientAt, serverAt, rawRequest(t, cmdSync, xidAttr(1), helloAttr(wire.SessionID{7})))
		}},
		{"DESYNC of our own", false, func(t *testing.T, p *pair) {
			if err := p.peer.Disconnect(t.Context()); err != nil {
				t.Error(err)
			}
		}},
		{"new source address", true, func(t *testing.T, p *pair) {
			moved := netip.MustParseAddrPort("127.0.0.1:40404")
			p.net.setFilter(func(from, to netip.AddrPort, b []byte, deliver func()) {
				switch {
				case from == clientAt:
					p.net.deliver(moved, to, b)
				case to == moved:
					p.net.deliver(from, clientAt, b)
				}
			})
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				method := &slow{takes: 3 * time.Second}
				p := newPair(t, method, noLog)
				time.Sleep(time.Minute) // the server is no new one
				time.AfterFunc(method.takes/2, func() { tt.happen(t, p) })
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				v, err := p.peer.Call(ctx, p.ref, nil, nil)
				switch {
				case tt.lost && !errors.Is(err, ErrOutcomeUnknown):
					t.Errorf("Call = %v, %v, want ErrOutcomeUnknown", v, err)
				case !tt.lost && (err != nil || v != codec.Value(codec.Int(1))):
					t.Errorf("Call = %v, %v", v, err)
				}
				time.Sleep(time.Minute)
				if n := method.runs.Load(); n != 1 {
					t.Errorf("%d runs", n)
				}
			})
		})
	}
}

// Copies of a call that come after the client has gone run nothing.
func TestLateCopies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		method := &slow{}
		network := newMemNet()
		server := network.newService(t, serverAddr, noLog)
		client := network.newService(t, clientAddr, noLog)
		if err := server.Register("x", &Object{Impl: method}); err != nil {
			t.Fatal(err)
		}
		var sent [][]byte
		network.onSend(func(from, _ netip.AddrPort, b []byte) {
			if from == clientAt {
				sent = append(sent, bytes.Clone(b))
			}
		})
		peer, ref := connect(t, client, serverAddr, "x")
		if _, err := peer.Call(t.Context(), ref, nil, nil); err != nil {
			t.Fatal(err)
		}
		late := sent
		if err := peer.Disconnect(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(dupWindow)
		for _, b := range late {
			network.deliver(clientAt, serverAt, b)
			time.Sleep(time.Millisecond)
		}
		if n := method.runs.Load(); n != 1 {
			t.Errorf("%d runs", n)
		}
	})
}

// A copy of SYNC that the network made does not make copies of calls run.
func TestCopyOfSync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		method := &slow{}
		p := newPair(t, method, noLog)
		hello, call := rawRequest(t, cmdSync, xidAttr(0)), rawCall(t, 2, p.ref.ID)
		for _, b := range [][]byte{hello, rawCall(t, 1, "77"), call, hello, call} {
			p.net.deliver(forgedAt, serverAt, b)
			time.Sleep(dupWindow / 10)
		}
		if n := method.runs.Load(); n != 1 {
			t.Errorf("%d runs", n)
		}
	})
}

// A copy of the SYNC that opened a session does not open it again once it was
// forgotten: copies of its requests would run twice.
func TestForgottenSessionStaysForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCounterObject()
		p := newPair(t, c, noLog)
		var sent [][]byte
		p.net.onSend(func(from, _ netip.AddrPort, b []byte) {
			if from == clientAt {
				sent = append(sent, bytes.Clone(b))
			}
		})
		for i := range maxSessions + 2 {
			time.Sleep(time.Millisecond)
			p.peer.ask().sess.Store(nil)
			if _, err := p.peer.Call(t.Context(), p.ref, []codec.Value{codec.Int(i)}, nil); err != nil {
				t.Fatal(err)
			}
		}
		p.net.onSend(nil)
		for range 2 {
			for _, b := range sent {
				p.net.deliver(clientAt, serverAt, b)
				time.Sleep(time.Millisecond)
			}
		}
		if n, different := c.runs(); n != different {
			t.Errorf("%d runs of %d calls", n, different)
		}
	})
}

// Only the cookie that was sent to an address proves it.
func TestCookieProvesTheAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, newCounterObject(), noLog)
		if err := p.server.Register(strings.Repeat("a long name ", 1000), 1); err != nil {
			t.Fatal(err)
		}
		own := p.peer.ask().sess.Load()
		for name, tag := range map[string]wire.Tag{
			"boot id":                   {Boot: own.boot, Seq: 1, Below: 1},
			"session of another client": {Session: own.id, Boot: own.boot, Seq: 1, Below: 1},
		} {
			from := netip.AddrPortFrom(forgedAt.Addr(), uint16(1000+len(name)))
			in, out := 0, 0
			p.net.onSend(func(_, to netip.AddrPort, b []byte) {
				if to == from {
					out += len(b)
				}
			})
			for i := range 100 {
				tag.Seq++
				b := rawRequest(t, cmdList, xidAttr(i), tagAttr(tag))
				if i%2 == 0 {
					b = rawRequest(t, cmdSync, xidAttr(i), helloAttr(tag.Session))
				}
				in += len(b)
				p.net.deliver(from, serverAt, b)
				synctest.Wait()
				if out > amplification*in {
					t.Fatalf("%s: %d bytes in, %d out", name, in, out)
				}
			}
			if p.server.peers.known(from) != nil || p.server.peers.knownGuest(from) != nil {
				t.Errorf("%s: something is kept of the address", name)
			}
		}
	})
}

// A reference to an address that never answers makes us send it next to nothing.
func TestForeignHome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most = 2 // datagrams for one operation
		p := newPair(t, fn(func(ctx context.Context, a []codec.Value, _ map[string]codec.Value) (codec.Value, error) {
			return a[0].(*Proxy).Call(ctx, nil, nil)
		}), noLog)
		var out atomic.Int32
		p.net.onSend(func(_, to netip.AddrPort, b []byte) {
			if to == forgedAt {
				out.Add(1)
			}
		})
		victim := codec.Ref{ID: "1", Home: codec.NewHome(forgedAt.Addr().String(), int(forgedAt.Port()))}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := p.peer.Call(ctx, p.ref, []codec.Value{victim}, nil); err == nil {
			t.Error("no error")
		}
		time.Sleep(2 * probeIdle)
		if n := out.Load(); n == 0 || n > most {
			t.Errorf("%d datagrams", n)
		}
	})
}

// Connecting again goes on in the session that is open.
func TestConnectAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, newCounterObject(), noLog)
		p.net.setFilter(good.filter(1))
		for range 30 {
			if _, err := p.client.Connect(t.Context(), serverAddr); err != nil {
				t.Fatal(err)
			}
			if _, err := p.peer.Call(t.Context(), p.ref, []codec.Value{codec.None{}}, nil); err != nil {
				t.Fatal(err)
			}
		}
		if n := p.server.peers.known(clientAt).Status().Sessions; n != 1 {
			t.Errorf("%d sessions", n)
		}
	})
}

// doorman takes for ever to admit one address.
type doorman struct {
	auth.Authenticator
	asked   chan struct{} // closed when that address is there
	decided chan struct{}
}

func (d *doorman) Admit(_ context.Context, who auth.Identity) error {
	if who.Addr == forgedAt {
		close(d.asked)
		<-d.decided
	}
	return nil
}

// While one client waits for admission, and leaves, the others are served.
func TestSlowAdmission(t *testing.T) {
	p := newPair(t, newCounterObject(), noLog)
	door := &doorman{auth.Default, make(chan struct{}), make(chan struct{})}
	defer close(door.decided)
	if err := p.server.SetAuthenticator(door); err != nil {
		t.Fatal(err)
	}
	p.net.deliver(forgedAt, serverAt, rawRequest(t, cmdSync, xidAttr(1)))
	<-door.asked
	p.net.deliver(forgedAt, serverAt, rawRequest(t, cmdDesync, xidAttr(2)))
	if _, err := p.peer.List(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := p.peer.GetAttr(t.Context(), p.ref, "a"); err != nil {
		t.Error(err)
	}
}

// A forged SYNC of an original makes no original of a peer of ours.
func TestForgedSyncOfAnOriginal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, newCounterObject(), noLog)
		sess := p.peer.ask().sess.Load()
		hello := rawRequest(t, cmdSync, xidAttr(1))
		p.net.deliver(serverAt, clientAt, hello)
		p.net.deliver(clientAt, serverAt, hello)
		time.Sleep(defaultTimeout)
		if !p.peer.Extended() || p.peer.ask().sess.Load() != sess {
			t.Error("the client was misled")
		}
		if !p.server.peers.known(clientAt).Extended() {
			t.Error("the server was misled")
		}
		if _, err := p.peer.Call(t.Context(), p.ref, []codec.Value{codec.None{}}, nil); err != nil {
			t.Error(err)
		}
	})
}

// A forged SYNC of a peer of ours puts no lease on what an original holds.
func TestForgedSyncOfAPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := newMemNet()
		server := network.newService(t, serverAddr, noLog)
		if err := server.Register("x", &Object{Impl: newFactory(echo)}); err != nil {
			t.Fatal(err)
		}
		peer, ref := connect(t, network.newService(t, clientAddr, noLog, plainOnly), serverAddr, "x")
		v, err := peer.GetAttr(t.Context(), ref, "m")
		if err != nil {
			t.Fatal(err)
		}
		network.deliver(clientAt, serverAt, rawRequest(t, cmdSync, xidAttr(1), helloAttr(wire.SessionID{1})))
		time.Sleep(2 * leaseTime)
		if _, err := peer.Call(t.Context(), v.(codec.Ref), nil, nil); err != nil {
			t.Error(err)
		}
	})
}

// A DESYNC without the cookie takes no references away.
func TestForgedDesync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, newFactory(echo), noLog)
		v, err := p.peer.GetAttr(t.Context(), p.ref, "m")
		if err != nil {
			t.Fatal(err)
		}
		own := p.peer.ask().sess.Load()
		for name, b := range map[string][]byte{
			"bare":            rawRequest(t, cmdDesync),
			"with xid":        rawRequest(t, cmdDesync, xidAttr(1)),
			"another session": rawRequest(t, cmdDesync, xidAttr(1), tagAttr(wire.Tag{Boot: own.boot, Seq: 1})),
		} {
			p.net.deliver(clientAt, serverAt, b)
			synctest.Wait()
			if _, err := p.peer.Call(t.Context(), v.(codec.Ref), nil, nil); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// original serves a socket as an original does that runs every copy of a call
// and repeats all that the request had, or little of it. calls counts them.
func original(t *testing.T, c *memConn, repeat bool, calls *atomic.Int32) {
	t.Cleanup(func() { c.Close() })
	for {
		select {
		case d := <-c.in:
			pkt, err := parsePacket(d.b)
			if err != nil || pkt.isReply() {
				t.Errorf("the original got %x, %v", d.b, err)
				continue
			}
			result := codec.Value(codec.Bool(true))
			if pkt.cmd == cmdPull {
				result = codec.Int(calls.Add(1))
			}
			attrs := []codec.Attr{{Name: attrResult, Value: result}}
			for _, a := range pkt.attrs {
				if a.Name == attrXID || repeat && pkt.cmd != cmdSync {
					attrs = append(attrs, a)
				}
			}
			c.net.deliver(c.addr, d.from, rawRequest(t, pkt.cmd, attrs...))
		case <-c.done:
			return
		}
	}
}

// Where an original takes the place of a peer of ours, its answers count.
func TestReplacedByAnOriginal(t *testing.T) {
	for name, repeat := range map[string]bool{"repeats": true, "does not repeat": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPair(t, newCounterObject(), noLog)
				p.server.Close()
				var calls atomic.Int32
				socket := p.net.listen(t, serverAddr)
				go original(t, socket, repeat, &calls)
				for i := range 3 {
					v, err := p.peer.Call(t.Context(), p.ref, nil, nil)
					if err != nil || v != codec.Value(codec.Int(i+1)) {
						t.Errorf("Call %d = %v, %v", i, v, err)
					}
				}
				if p.peer.Extended() || p.peer.ask().sess.Load() != nil {
					t.Error("it is not taken for an original")
				}
				if n := calls.Load(); n != 3 {
					t.Errorf("3 calls were sent %d times", n)
				}
			})
		})
	}
}

// A read whose answer was too much to keep is done again.
func TestLargeReadsUnderLoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size, reads = 60_000, 32 // much more than a session keeps
		p := newPair(t, newBag(map[string]codec.Value{"a": codec.Bytes(strings.Repeat("x", size))}), noLog)
		var mu sync.Mutex
		lost := make(map[uint32]bool)
		p.net.setFilter(func(_, to netip.AddrPort, b []byte, deliver func()) {
			pkt, _ := parsePacket(b)
			xid, _ := pkt.xid()
			mu.Lock()
			lose := to == clientAt && !lost[xid] // the first answer
			if lose {
				lost[xid] = true
			}
			mu.Unlock()
			if !lose {
				deliver()
			}
		})
		inParallel(reads, reads, func(int) {
			if v, err := p.peer.GetAttr(t.Context(), p.ref, "a"); err != nil || len(v.(codec.Bytes)) != size {
				t.Error(err)
			}
		})
		if len(lost) < reads {
			t.Errorf("%d answers were lost", len(lost))
		}
	})
}

// A stranger that is forgotten while its requests run leaves nothing behind.
func TestForgottenStranger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		large := codec.Bytes(strings.Repeat("x", maxHeldBytes/maxHeld/2))
		takes := 5 * time.Second
		p := newPair(t, fn(func(context.Context, []codec.Value, map[string]codec.Value) (codec.Value, error) {
			time.Sleep(takes)
			return codec.List{large, &Object{Impl: echo}}, nil
		}), noLog)
		for i := range sourceBurst - 1 {
			p.net.deliver(forgedAt, serverAt, rawCall(t, i, p.ref.ID))
		}
		time.Sleep(10 * overdueAfter) // all run
		for i := range maxGuests {
			p.server.peers.guest(netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 1, byte(i >> 8), byte(i)}), 9))
		}
		if p.server.peers.knownGuest(forgedAt) != nil {
			t.Fatal("the stranger is still known")
		}
		time.Sleep(2 * takes)
		if n := heldBytes(p.server); n > maxHeldBytes {
			t.Errorf("%d bytes are held", n)
		}
		if n := p.server.Stats().Objects; n != 1 {
			t.Errorf("%d objects, want x alone", n)
		}
	})
}

// Methods that never return take nothing from other clients.
func TestMethodsThatNeverReturn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		block := make(chan struct{})
		p := newPair(t, fn(func(context.Context, []codec.Value, map[string]codec.Value) (codec.Value, error) {
			<-block
			return codec.None{}, nil
		}), noLog)
		defer close(block)
		if err := p.server.Register("free", &Object{Impl: newCounterObject()}); err != nil {
			t.Fatal(err)
		}
		for i := range 2000 {
			p.net.deliver(clientAt, serverAt, rawCall(t, i, p.ref.ID))
		}
		synctest.Wait()
		other := p.net.newService(t, "127.0.0.1:5555", noLog)
		peer, ref := connect(t, other, serverAddr, "free")
		if _, err := peer.Call(t.Context(), ref, []codec.Value{codec.None{}}, nil); err != nil {
			t.Error(err)
		}
	})
}
