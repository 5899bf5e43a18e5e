package nomcore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"nomfs/codec"
	"nomfs/nomcore/wire"
)

// rawRequest encodes a request as an original would send it.
func rawRequest(t testing.TB, cmd command, attrs ...codec.Attr) []byte {
	t.Helper()
	sortAttrs(attrs)
	pkt := packet{cmd: cmd, attrs: attrs}
	b, err := pkt.append(nil, &codec.Encoder{})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func xidAttr(xid int) codec.Attr { return codec.Attr{Name: attrXID, Value: codec.Int(xid)} }

// An address that has proven nothing gets at most three bytes for one; what is
// more waits for the proof.
func TestAmplification(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMemNet()
		s := net.newService(t, serverAddr)
		for i := range 1000 {
			if err := s.Register(fmt.Sprintf("a long name for nothing %d", i), i); err != nil {
				t.Fatal(err)
			}
		}
		client := net.listen(t, clientAddr)
		in := 0
		var out atomic.Int64 // bytes
		net.onSend(func(from, to netip.AddrPort, b []byte) {
			if to == client.addr {
				out.Add(int64(len(b)))
			}
		})
		send := func(b []byte) {
			in += len(b)
			net.deliver(client.addr, s.Addr(), b)
			synctest.Wait()
		}
		for i := range 100 {
			send(rawRequest(t, cmdList, xidAttr(i)))
			if n := int(out.Load()); n > amplification*in {
				t.Fatalf("%d bytes in, %d out", in, n)
			}
			time.Sleep(time.Second)
		}
		if heldBytes(s) == 0 {
			t.Error("nothing is held back")
		}
		// The challenge is a LIST; answered, everything comes.
		var challenge packet
		for len(client.in) > 0 {
			p, err := parsePacket((<-client.in).b)
			if err != nil {
				t.Fatal(err)
			}
			if p.isReply() {
				t.Fatalf("an answer of %v was sent before the proof", p.cmd)
			}
			challenge = p
		}
		if challenge.cmd != cmdList {
			t.Fatalf("asked for proof by %v", challenge.cmd)
		}
		xid, _ := challenge.xid()
		send(rawRequest(t, cmdList, xidAttr(int(xid)), codec.Attr{Name: attrResult, Value: codec.List{}}))
		if n := len(client.in); n < 5 {
			t.Errorf("%d answers came after the proof", n)
		}
		if n := heldBytes(s); n != 0 {
			t.Errorf("%d bytes are still held", n)
		}
	})
}

// A wrong proof is none.
func TestWrongProof(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMemNet()
		s := net.newService(t, serverAddr)
		client := net.listen(t, clientAddr)
		for i := range 60 {
			net.deliver(client.addr, s.Addr(), rawRequest(t, cmdList, xidAttr(i)))
		}
		synctest.Wait()
		p := s.peers.knownGuest(client.addr)
		for xid := range 1000 {
			net.deliver(client.addr, s.Addr(), rawRequest(t, cmdList, xidAttr(xid), codec.Attr{Name: attrResult, Value: codec.None{}}))
		}
		synctest.Wait()
		if p.validated.Load() {
			t.Error("a guessed number was taken for proof")
		}
	})
}

// An original that sends a burst is not slowed down: it gives the proof.
func TestBurstOfAnOriginal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, newBag(map[string]codec.Value{"a": codec.Int(1)}), plainOnly)
		const burst = 200
		var wg sync.WaitGroup
		start := time.Now()
		for range burst {
			wg.Go(func() {
				if _, err := p.peer.GetAttr(t.Context(), p.ref, "a"); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if took := time.Since(start); took > time.Second {
			t.Errorf("took %v", took)
		}
	})
}

// Forged addresses fill no table and stay apart from real clients.
func TestForgedAddresses(t *testing.T) {
	p := newPair(t, newBag(map[string]codec.Value{"a": codec.Int(1)}), noLog)
	const n = 100_000
	hellos := [][]byte{rawRequest(t, cmdSync, xidAttr(1)), rawRequest(t, cmdSync, xidAttr(1), helloAttr(wire.SessionID{1}))}
	w := newWorker(p.server, nil)
	for i := range n {
		from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, byte(1 + i>>16), byte(i >> 8), byte(i)}), 9)
		w.receive(hellos[i%2], from, netip.Addr{})
	}
	if n := len(p.server.peers.all()); n > maxGuests+2 {
		t.Errorf("%d peers in all", n)
	}
	if p.server.peers.known(p.client.Addr()) == nil {
		t.Error("the real client was displaced")
	}
	if _, err := p.peer.GetAttr(context.Background(), p.ref, "a"); err != nil {
		t.Error(err)
	}
}

// A flood from forged addresses, on sockets: the client that was there before
// hardly notices. What the flood itself costs the machine is measured by
// sending it elsewhere.
func TestFloodOnSockets(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs any address of 127.0.0.0/8 to be local")
	}
	rounds, addresses := 1, 1000
	if full {
		rounds, addresses = 40, 20_000 // at most: others use this machine, too
	}
	server, client := listenLoopback(t, noLog), listenLoopback(t, noLog)
	if err := server.Register("x", &Object{Impl: newBag(map[string]codec.Value{"a": codec.Int(1)})}); err != nil {
		t.Fatal(err)
	}
	peer, ref := connect(t, client, server.Addr().String(), "x")
	sink, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer sink.Close()
	go func() {
		buf := make([]byte, recvBuffer)
		for {
			if _, _, err := sink.ReadFromUDPAddrPort(buf); err != nil {
				return
			}
		}
	}()
	sinkAddr := sink.LocalAddr().(*net.UDPAddr).AddrPort()
	next := 0
	// during returns how many operations the client did per second while
	// the flood went to an address.
	during := func(to netip.AddrPort) float64 {
		var stop atomic.Bool
		done := make(chan float64)
		go func() {
			n, start := 0, time.Now()
			for !stop.Load() {
				if _, err := peer.GetAttr(context.Background(), ref, "a"); err != nil {
					t.Error(err)
					break
				}
				n++
			}
			done <- float64(n) / time.Since(start).Seconds()
		}()
		flood(t, to, next, addresses)
		next += addresses
		stop.Store(true)
		return <-done
	}
	const least = 0.8 // of what it did without
	best := 0.0
	for round := 0; round < rounds && best < least; round++ {
		elsewhere := during(sinkAddr)
		here := during(server.Addr())
		best = max(best, here/elsewhere)
		t.Logf("%.0f operations/s, %.0f while flooded", elsewhere, here)
	}
	if full && best < least {
		t.Errorf("the client is slowed down to %.2f", best)
	}
	if n := len(server.peers.all()); n > maxGuests+1 {
		t.Errorf("%d peers", n)
	}
}

// flood sends one SYNC from each of n addresses.
func flood(t *testing.T, to netip.AddrPort, first, n int) {
	t.Helper()
	b := rawRequest(t, cmdSync, xidAttr(1))
	for i := first; i < first+n; i++ {
		from := &net.UDPAddr{IP: net.IPv4(127, byte(1+i>>16), byte(i>>8), byte(i))}
		c, err := net.ListenUDP("udp4", from)
		if err != nil {
			t.Error(err)
			return
		}
		_, err = c.WriteToUDPAddrPort(b, to)
		c.Close()
		if err != nil {
			t.Error(err)
			return
		}
	}
}

func TestBurstOnSockets(t *testing.T) {
	const burst = 4096
	server, client := listenLoopback(t, noLog), listenLoopback(t, noLog)
	c := newCounterObject()
	if err := server.Register("c", &Object{Impl: c}); err != nil {
		t.Fatal(err)
	}
	peer, ref := connect(t, client, server.Addr().String(), "c")
	inParallel(burst, burst, func(i int) {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if _, err := peer.Call(ctx, ref, []codec.Value{codec.Int(i)}, nil); err != nil {
			t.Error(err)
		}
	})
	if n, different := c.runs(); n != burst || different != burst {
		t.Errorf("%d runs, %d different, want %d", n, different, burst)
	}
}

// A passes a reference of B's to C, who uses it without A.
func TestThreePeers(t *testing.T) {
	nets := []netip.Prefix{netip.MustParsePrefix("10.0.0.1/32"), netip.MustParsePrefix("10.0.0.2/32"), netip.MustParsePrefix("10.0.0.3/32")}
	network := newMemNet()
	at := func(addr string, allowed ...int) *Service {
		return network.newService(t, addr, func(c *Config) {
			c.Plain = nil
			for _, i := range allowed {
				c.Plain = append(c.Plain, nets[i])
			}
		})
	}
	a, b := at("10.0.0.1:12074", 1, 2), at("10.0.0.2:12074", 0, 2)
	secret := newBag(map[string]codec.Value{"v": codec.Int(42)})
	if err := b.Register("b", &Object{Impl: secret}); err != nil {
		t.Fatal(err)
	}
	_, refB := connect(t, a, "10.0.0.2:12074", "b")
	if err := a.Register("a", &Object{Impl: newBag(map[string]codec.Value{"b": refB})}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name    string
		allowed []int
		works   bool
	}{{"allowed", []int{0, 1}, true}, {"not allowed", []int{0}, false}} {
		t.Run(tt.name, func(t *testing.T) {
			c := at("10.0.0.3:12074", tt.allowed...)
			defer c.Close()
			peer, refA := connect(t, c, "10.0.0.1:12074", "a")
			v, err := peer.GetAttr(context.Background(), refA, "b")
			if err != nil || v != codec.Value(refB) {
				t.Fatalf("C got %v, %v, want %v", v, err, refB)
			}
			if tt.works {
				a.Close()
				defer func() {
					a = at("10.0.0.1:12074", 1, 2)
					_ = a.Register("a", &Object{Impl: newBag(map[string]codec.Value{"b": refB})})
				}()
			}
			sent := c.Stats().Sent
			v, err = peer.GetAttr(context.Background(), refB, "v")
			if tt.works {
				if err != nil || v != codec.Value(codec.Int(42)) {
					t.Errorf("C asked B: %v, %v", v, err)
				}
				return
			}
			if !errors.Is(err, fs.ErrPermission) || !errors.Is(err, ErrPlainRefused) {
				t.Errorf("C asked B: %v, %v, want permission denied", v, err)
			}
			if n := c.Stats().Sent; n != sent {
				t.Errorf("%d packets went out", n-sent)
			}
		})
	}
}

// The figure of the package comment.
func TestMemoryOfManyClients(t *testing.T) {
	clients, refs := 200, 10
	if full {
		clients = 10_000
	}
	network := newMemNet()
	s := network.newService(t, serverAddr, noLog)
	x := newFactory(fn(nil))
	if err := s.Register("x", &Object{Impl: x}); err != nil {
		t.Fatal(err)
	}
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	for i := range clients {
		p := s.peers.validate(netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 1, byte(i >> 8), byte(i)}), 1))
		p.learn(wire.Hello{Version: 1, Flags: wire.ExtAll, Boot: wire.BootID{1}}, true, codec.NewHome("127.1.0.1", i))
		p.openSession(wire.SessionID{byte(i), byte(i >> 8)})
		for seq := range uint64(8) {
			sess := p.session(wire.SessionID{byte(i), byte(i >> 8)})
			sess.begin(&wire.Tag{Seq: seq + 1, Below: seq + 1}, false, s.now())
			sess.finish(seq+1, make([]byte, 150))
		}
		for range refs {
			o := &Object{Impl: x.f}
			if _, err := s.reg.give(p.refs, o, source{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	perClient := (float64(heap()) - float64(before)) / float64(clients)
	t.Logf("%.0f bytes for each of %d clients with %d references", perClient, clients, refs)
	const most = 16 << 10 // bytes
	if perClient > most {
		t.Errorf("%.0f bytes for each client", perClient)
	}
	if n := s.Stats().Objects; n != clients*refs+0 && n != clients*refs+1 {
		t.Errorf("%d objects", n)
	}
	runtime.KeepAlive(s)
}

func TestTrace(t *testing.T) {
	var server, client syncBuffer
	network := newMemNet()
	s := network.newService(t, serverAddr, func(c *Config) { c.Trace = &server })
	if err := s.Register("x", &Object{Impl: newBag(map[string]codec.Value{"a": codec.Int(7)})}); err != nil {
		t.Fatal(err)
	}
	c := network.newService(t, clientAddr, func(c *Config) { c.Trace = &client })
	peer, ref := connect(t, c, serverAddr, "x")
	if _, err := peer.GetAttr(context.Background(), ref, "a"); err != nil {
		t.Fatal(err)
	}
	if _, err := peer.GetAttr(context.Background(), ref, "nope"); err == nil {
		t.Fatal("no error")
	}
	network.deliver(peer.addr, c.Addr(), []byte{9, 9})
	c.Close() // which writes what is left
	s.Close()
	for _, want := range []string{
		serverAddr + " > SYNC xid ", " = True in ", " > RESOLVE 'x' xid ", "<object " + string(ref.ID),
		" > PULL GetAttr #" + string(ref.ID) + " 'a' xid ", " = 7 in ", " ! AttributeError(",
	} {
		if !strings.Contains(client.String(), want) {
			t.Errorf("the client's trace lacks %q:\n%s", want, client.String())
		}
	}
	if !strings.Contains(server.String(), clientAddr+" < PULL GetAttr") {
		t.Errorf("the server's trace:\n%s", server.String())
	}
	for _, line := range strings.Split(strings.TrimSpace(client.String()), "\n") {
		if len(line) > 300 {
			t.Errorf("long line: %s", line)
		}
	}
}

// syncBuffer is a buffer for several goroutines.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// heldBytes returns what waits for addresses to be validated, in bytes.
func heldBytes(s *Service) int {
	s.peers.mu.Lock()
	defer s.peers.mu.Unlock()
	return s.peers.heldBytes
}
