package nomcore

import (
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"nomfs/auth"
)

// memNet is a network in memory. What is sent is delivered at once, unless a
// filter decides otherwise. It works inside a testing/synctest bubble.
type memNet struct {
	mu    sync.Mutex
	hosts map[netip.AddrPort]*memConn
	// filter, if set, delivers a datagram as often and whenever it likes. It
	// is called without locks and may call deliver later, from a goroutine.
	filter func(from, to netip.AddrPort, b []byte, deliver func())
	sent   func(from, to netip.AddrPort, b []byte)
}

func newMemNet() *memNet { return &memNet{hosts: make(map[netip.AddrPort]*memConn)} }

// setFilter replaces the filter.
func (n *memNet) setFilter(f func(from, to netip.AddrPort, b []byte, deliver func())) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.filter = f
}

// onSend has every datagram shown to f.
func (n *memNet) onSend(f func(from, to netip.AddrPort, b []byte)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.sent = f
}

// listen returns a socket at addr.
func (n *memNet) listen(t testing.TB, addr string) *memConn {
	t.Helper()
	c := &memConn{net: n, addr: netip.MustParseAddrPort(addr), in: make(chan memDatagram, 8192), done: make(chan struct{})}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.hosts[c.addr] != nil {
		t.Fatalf("%s is taken", addr)
	}
	n.hosts[c.addr] = c
	return c
}

// deliver puts a datagram into the receiver's queue; a full queue loses it.
func (n *memNet) deliver(from, to netip.AddrPort, b []byte) {
	n.mu.Lock()
	c := n.hosts[to]
	n.mu.Unlock()
	if c == nil {
		return
	}
	select {
	case c.in <- memDatagram{from, b}:
	default:
	}
}

type memDatagram struct {
	from netip.AddrPort
	b    []byte
}

// memConn is a socket of a memNet.
type memConn struct {
	net  *memNet
	addr netip.AddrPort
	in   chan memDatagram
	once sync.Once
	done chan struct{}
}

var _ net.PacketConn = (*memConn)(nil)

func (c *memConn) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case d := <-c.in:
		return copy(b, d.b), net.UDPAddrFromAddrPort(d.from), nil
	case <-c.done:
		return 0, nil, net.ErrClosed
	}
}

func (c *memConn) WriteTo(b []byte, addr net.Addr) (int, error) {
	select {
	case <-c.done:
		return 0, net.ErrClosed
	default:
	}
	to := addr.(*net.UDPAddr).AddrPort()
	to = unmap(to)
	own := append([]byte(nil), b...)
	c.net.mu.Lock()
	sent, filter := c.net.sent, c.net.filter
	c.net.mu.Unlock()
	if sent != nil {
		sent(c.addr, to, own)
	}
	deliver := func() { c.net.deliver(c.addr, to, own) }
	if filter != nil {
		filter(c.addr, to, own, deliver)
	} else {
		deliver()
	}
	return len(b), nil
}

func (c *memConn) Close() error {
	c.once.Do(func() {
		close(c.done)
		c.net.mu.Lock()
		delete(c.net.hosts, c.addr)
		c.net.mu.Unlock()
	})
	return nil
}

func (c *memConn) LocalAddr() net.Addr              { return net.UDPAddrFromAddrPort(c.addr) }
func (c *memConn) SetDeadline(time.Time) error      { return nil }
func (c *memConn) SetReadDeadline(time.Time) error  { return nil }
func (c *memConn) SetWriteDeadline(time.Time) error { return nil }

// newService serves at addr on the network until the test ends.
func (n *memNet) newService(t testing.TB, addr string, edit ...func(*Config)) *Service {
	t.Helper()
	cfg := &Config{Authenticator: auth.Default, Log: testLog(t)}
	for _, f := range edit {
		f(cfg)
	}
	s, err := New(n.listen(t, addr), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// plainOnly makes a service speak as the original does.
func plainOnly(c *Config) { c.NoExtensions = true }

// testLog shows what a service logs when the test fails.
func testLog(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(&testWriter{t: t}, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// testWriter writes to the test's log until the test ends.
type testWriter struct {
	t    testing.TB
	mu   sync.Mutex
	init bool
	over bool
}

func (w *testWriter) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.init {
		w.init = true
		w.t.Cleanup(func() { w.mu.Lock(); w.over = true; w.mu.Unlock() })
	}
	if !w.over {
		w.t.Logf("%s", b)
	}
	return len(b), nil
}

// requests returns how many datagrams were sent, copies that were sent because
// the machine was busy not counted.
func (s *Service) requests() uint64 {
	st := s.Stats()
	return st.Sent - st.Resent
}
