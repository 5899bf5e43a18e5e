// Package transport carries datagrams between services. Conn is what a service
// needs of a transport; plain UDP is the one that speaks with original peers.
//
// Nothing here knows what the datagrams mean.
package transport

import (
	"errors"
	"net"
	"net/netip"
	"syscall"

	"nomfs/auth"
)

// Conn carries datagrams. Read is called by one goroutine at a time, the other
// methods by any number.
type Conn interface {
	// Read waits for a datagram. at is the local address that it was sent to,
	// where the socket has several and the system says which; it is invalid
	// elsewhere. A *ClosedError says that a datagram of ours found nobody
	// listening. Of other errors only a Fatal one ends the connection.
	Read(b []byte) (n int, from netip.AddrPort, at netip.Addr, err error)
	// Write sends b from the local address from, if that is valid: who asked
	// one address takes no answer from another.
	Write(b []byte, to netip.AddrPort, from netip.Addr) error
	// Local returns the local address, a wildcard where the socket has all.
	Local() netip.AddrPort
	// Limit returns how many bytes one datagram may have.
	Limit() int
	// Identity returns what the transport knows of whoever is at an address.
	Identity(at netip.AddrPort) auth.Identity
	// Close ends the connection, and a Read that waits.
	Close() error
}

// New makes a Conn of a socket, which it takes over. UDP sockets take the path
// that allocates nothing and hear of ports that nobody listens on. The addresses
// of any other net.PacketConn must be IP addresses and ports.
func New(pc net.PacketConn) (Conn, error) {
	if udp, ok := pc.(*net.UDPConn); ok {
		return newUDPConn(udp), nil
	}
	if _, ok := addrPortOf(pc.LocalAddr()); !ok {
		return nil, errors.New("the connection's local address is not an IP address and port")
	}
	return packetConn{pc}, nil
}

// packetConn is any PacketConn whose addresses are IP addresses and ports.
type packetConn struct{ pc net.PacketConn }

func (c packetConn) Read(b []byte) (int, netip.AddrPort, netip.Addr, error) {
	n, addr, err := c.pc.ReadFrom(b)
	if err != nil {
		return n, netip.AddrPort{}, netip.Addr{}, err
	}
	from, ok := addrPortOf(addr)
	if !ok {
		return n, from, netip.Addr{}, errBadSource
	}
	return n, from, netip.Addr{}, nil
}

func (c packetConn) Write(b []byte, to netip.AddrPort, _ netip.Addr) error {
	_, err := c.pc.WriteTo(b, net.UDPAddrFromAddrPort(to))
	return err
}

func (c packetConn) Local() netip.AddrPort {
	a, _ := addrPortOf(c.pc.LocalAddr())
	return a
}

func (c packetConn) Limit() int { return maxUDP }

func (c packetConn) Identity(at netip.AddrPort) auth.Identity { return auth.Identity{Addr: at} }

func (c packetConn) Close() error { return c.pc.Close() }

// errBadSource: a datagram without a usable source address.
var errBadSource = errors.New("source is not an IP address and port")

// addrPortOf returns the IP address and port of a, as IPv4 where it can be.
func addrPortOf(a net.Addr) (netip.AddrPort, bool) {
	type addrPorter interface{ AddrPort() netip.AddrPort }
	if p, ok := a.(addrPorter); ok {
		ap := p.AddrPort()
		return unmap(ap), ap.IsValid()
	}
	ap, err := netip.ParseAddrPort(a.String())
	return unmap(ap), err == nil
}

// unmap turns an IPv4 address in IPv6 clothes into the IPv4 address, so that
// one peer has one address.
func unmap(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// Fatal reports whether a read error means that the socket is gone. Every
// other error, such as an ICMP message that Windows reports by a failing read,
// concerns one peer and must not stop the service.
func Fatal(err error) bool {
	return errors.Is(err, net.ErrClosed) || errors.Is(err, syscall.EBADF) || errors.Is(err, syscall.ENOTSOCK)
}
