package nomcore

import (
	"errors"
	"net"
	"net/netip"
	"syscall"
)

// conn is what the service needs of a socket: datagrams in, datagrams out.
type conn interface {
	// read also returns the local address that the datagram was sent to, where
	// the socket has several and the system tells.
	read(b []byte) (n int, from netip.AddrPort, at netip.Addr, err error)
	// write sends from that address, if it is valid: who asked one address
	// takes no answer from another.
	write(b []byte, to netip.AddrPort, from netip.Addr) error
	local() netip.AddrPort
	close() error
}

// newConn adapts a PacketConn. UDP sockets take the path that allocates
// nothing and hear of ports that nobody listens on.
func newConn(pc net.PacketConn) (conn, error) {
	if udp, ok := pc.(*net.UDPConn); ok {
		return newUDPConn(udp), nil
	}
	if _, ok := addrPortOf(pc.LocalAddr()); !ok {
		return nil, errors.New("nomcore: the connection's local address is not an IP address and port")
	}
	return packetConn{pc}, nil
}

// packetConn is any PacketConn whose addresses are IP addresses and ports.
type packetConn struct{ pc net.PacketConn }

func (c packetConn) read(b []byte) (int, netip.AddrPort, netip.Addr, error) {
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

func (c packetConn) write(b []byte, to netip.AddrPort, _ netip.Addr) error {
	_, err := c.pc.WriteTo(b, net.UDPAddrFromAddrPort(to))
	return err
}

func (c packetConn) local() netip.AddrPort {
	a, _ := addrPortOf(c.pc.LocalAddr())
	return a
}

func (c packetConn) close() error { return c.pc.Close() }

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

// fatalRead reports whether a read error means that the socket is gone. Every
// other error, such as an ICMP message that Windows reports by a failing read,
// concerns one peer and must not stop the service.
func fatalRead(err error) bool {
	return errors.Is(err, net.ErrClosed) || errors.Is(err, syscall.EBADF) || errors.Is(err, syscall.ENOTSOCK)
}
