package nomcore

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
)

// udpConn is a UDP socket.
type udpConn struct {
	c *net.UDPConn
	// wild says that the socket has all addresses of the machine.
	wild bool
	oob  [oobSize]byte // for read, which is called by one goroutine
}

// oobSize is enough for the control messages of a datagram or of an error, in
// bytes.
const oobSize = 512

func newUDPConn(c *net.UDPConn) *udpConn {
	// The kernel grants what its limits allow; less is slower, not wrong.
	_ = c.SetReadBuffer(socketBuffer)
	_ = c.SetWriteBuffer(socketBuffer)
	enableErrorQueue(c)
	u := &udpConn{c: c}
	u.wild = u.local().Addr().IsUnspecified() && enableLocalAddress(c)
	return u
}

func (u *udpConn) read(b []byte) (int, netip.AddrPort, netip.Addr, error) {
	var at netip.Addr
	n, from, err := 0, netip.AddrPort{}, error(nil)
	if u.wild {
		var oobn int
		n, oobn, _, from, err = u.c.ReadMsgUDPAddrPort(b, u.oob[:])
		at = localAddress(u.oob[:oobn])
	} else {
		n, from, err = u.c.ReadFromUDPAddrPort(b)
	}
	if err != nil && !fatalRead(err) {
		if to, payload := drainErrorQueue(u.c, b); to.IsValid() {
			return 0, netip.AddrPort{}, at, &refusedError{to: unmap(to), datagram: payload}
		}
	}
	return n, unmap(from), at, err
}

// sendTries: an error that an earlier datagram caused is reported by the next
// send, which then sends nothing. Each try takes one such report.
const sendTries = 8

func (u *udpConn) write(b []byte, to netip.AddrPort, from netip.Addr) (err error) {
	for range sendTries {
		if u.wild && from.IsValid() {
			_, _, err = u.c.WriteMsgUDPAddrPort(b, sourceMessage(from), to)
		} else {
			_, err = u.c.WriteToUDPAddrPort(b, to)
		}
		if !errors.Is(err, syscall.ECONNREFUSED) && !errors.Is(err, syscall.EHOSTUNREACH) {
			return err
		}
	}
	return err
}

func (u *udpConn) local() netip.AddrPort {
	a, _ := addrPortOf(u.c.LocalAddr())
	return a
}

func (u *udpConn) close() error { return u.c.Close() }

// refusedError is a message of the network: the datagram sent to that address
// found nobody listening.
type refusedError struct {
	to       netip.AddrPort
	datagram []byte // as far as the message quotes it
}

func (e *refusedError) Error() string { return e.to.String() + ": connection refused" }

// Listen opens a UDP socket at addr, host[:port], and serves on it. Without a
// port it is 12074; port 0 is any free one. An address that plain NOM may not
// be exchanged with is refused (ErrPlainRefused): a wildcard needs a network
// beyond loopback in Config.Plain.
func Listen(addr string, cfg *Config) (*Service, error) {
	full, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	at, err := resolve(context.Background(), addr, DefaultPort)
	if err != nil {
		return nil, err
	}
	if !mayListen(full.Plain, at.Addr()) {
		return nil, fmt.Errorf("listen on %s: %w", at, ErrPlainRefused)
	}
	c, err := net.ListenUDP(family(at.Addr()), net.UDPAddrFromAddrPort(at))
	if err != nil {
		return nil, err
	}
	return New(c, &full)
}

// family returns the network of an address. A socket at the IPv4 wildcard is one
// for IPv4; one at the IPv6 wildcard takes both.
func family(a netip.Addr) string {
	if a.Is4() {
		return "udp4"
	}
	return "udp"
}

// mayListen reports whether a service may be reachable at a.
func mayListen(nets []netip.Prefix, a netip.Addr) bool {
	if !a.IsUnspecified() {
		return plainAllowed(nets, a)
	}
	for _, p := range nets {
		if !p.Addr().IsLoopback() {
			return true
		}
	}
	return false
}

// localAddrFor returns the local address from which the kernel would send to
// a peer. Connecting a UDP socket sends nothing.
func localAddrFor(to netip.AddrPort) (netip.Addr, error) {
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to))
	if err != nil {
		return netip.Addr{}, err
	}
	defer c.Close()
	a, _ := addrPortOf(c.LocalAddr())
	return a.Addr(), nil
}

// resolve reads host[:port]; an empty host is the wildcard. IPv4 is preferred,
// as the original knows nothing else.
func resolve(ctx context.Context, addr string, port uint16) (netip.AddrPort, error) {
	host, port, err := splitHostPort(addr, port)
	if err != nil {
		return netip.AddrPort{}, err
	}
	if host == "" {
		return netip.AddrPortFrom(netip.IPv4Unspecified(), port), nil
	}
	if a, err := netip.ParseAddr(host); err == nil {
		return netip.AddrPortFrom(a.Unmap(), port), nil
	}
	if host == "localhost" { // this machine, whatever a name server says
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), port), nil
	}
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return netip.AddrPort{}, err
	}
	best := addrs[0]
	for _, a := range addrs {
		if a = a.Unmap(); a.Is4() {
			best = a
			break
		}
	}
	return netip.AddrPortFrom(best.Unmap(), port), nil
}

// splitHostPort takes host, host:port, [v6], [v6]:port and bare v6.
func splitHostPort(addr string, port uint16) (string, uint16, error) {
	if ap, err := netip.ParseAddrPort(addr); err == nil {
		return ap.Addr().String(), ap.Port(), nil
	}
	bare := addr
	if strings.HasPrefix(addr, "[") && strings.HasSuffix(addr, "]") {
		bare = addr[1 : len(addr)-1]
	}
	if a, err := netip.ParseAddr(bare); err == nil {
		return a.String(), port, nil
	}
	host, text, found := strings.Cut(addr, ":")
	if found && strings.ContainsAny(text, ":") {
		var err error
		if host, text, err = net.SplitHostPort(addr); err != nil {
			return "", 0, fmt.Errorf("address %q: want host[:port]", addr)
		}
	}
	if !found {
		return addr, port, nil
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("address %q: port %q is not a number up to 65535", addr, text)
	}
	return host, uint16(n), nil
}
