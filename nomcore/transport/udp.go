package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"syscall"

	"nomfs/auth"
)

// udpConn is a UDP socket.
type udpConn struct {
	c *net.UDPConn
	// wild says that the socket has all addresses of the machine.
	wild bool
	oob  [oobSize]byte // for read, which is called by one goroutine
}

const (
	// maxUDP is the largest UDP payload over IPv4, in bytes: 65,535 less 20 of
	// IP header and 8 of UDP header.
	maxUDP = 65507

	// socketBuffer is asked for as the kernel's receive and send buffer, in
	// bytes. Linux's default of 208 KiB loses a quarter of a burst of 1024
	// small datagrams.
	socketBuffer = 4 << 20
)

// oobSize is enough for the control messages of a datagram or of an error, in
// bytes.
const oobSize = 512

func newUDPConn(c *net.UDPConn) *udpConn {
	// The kernel grants what its limits allow; less is slower, not wrong.
	_ = c.SetReadBuffer(socketBuffer)
	_ = c.SetWriteBuffer(socketBuffer)
	enableErrorQueue(c)
	u := &udpConn{c: c}
	u.wild = u.Local().Addr().IsUnspecified() && enableLocalAddress(c)
	return u
}

func (u *udpConn) Read(b []byte) (int, netip.AddrPort, netip.Addr, error) {
	var at netip.Addr
	n, from, err := 0, netip.AddrPort{}, error(nil)
	if u.wild {
		var oobn int
		n, oobn, _, from, err = u.c.ReadMsgUDPAddrPort(b, u.oob[:])
		at = localAddress(u.oob[:oobn])
	} else {
		n, from, err = u.c.ReadFromUDPAddrPort(b)
	}
	if err != nil && !Fatal(err) {
		if to, payload := drainErrorQueue(u.c, b); to.IsValid() {
			return 0, netip.AddrPort{}, at, &ClosedError{To: unmap(to), Datagram: payload}
		}
	}
	return n, unmap(from), at, err
}

// sendTries: an error that an earlier datagram caused is reported by the next
// send, which then sends nothing. Each try takes one such report.
const sendTries = 8

func (u *udpConn) Write(b []byte, to netip.AddrPort, from netip.Addr) (err error) {
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

func (u *udpConn) Local() netip.AddrPort {
	a, _ := addrPortOf(u.c.LocalAddr())
	return a
}

func (u *udpConn) Limit() int { return maxUDP }

func (u *udpConn) Identity(at netip.AddrPort) auth.Identity { return auth.Identity{Addr: at} }

func (u *udpConn) Close() error { return u.c.Close() }

// ClosedError is a message of the network: the datagram sent to that address
// found nobody listening.
type ClosedError struct {
	To       netip.AddrPort
	Datagram []byte // as far as the message quotes it
}

func (e *ClosedError) Error() string { return e.To.String() + ": connection refused" }

// Listen opens a UDP socket at an address.
func Listen(at netip.AddrPort) (*net.UDPConn, error) {
	network := "udp" // one at the IPv6 wildcard takes both families
	if at.Addr().Is4() {
		network = "udp4"
	}
	return net.ListenUDP(network, net.UDPAddrFromAddrPort(at))
}

// LocalFor returns the local address from which the kernel would send to
// a peer. Connecting a UDP socket sends nothing.
func LocalFor(to netip.AddrPort) (netip.Addr, error) {
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to))
	if err != nil {
		return netip.Addr{}, err
	}
	defer c.Close()
	a, _ := addrPortOf(c.LocalAddr())
	return a.Addr(), nil
}

// Resolve reads host[:port], where port is the default; an empty host is the
// IPv4 wildcard. IPv4 is preferred,
// as the original knows nothing else.
func Resolve(ctx context.Context, addr string, port uint16) (netip.AddrPort, error) {
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
