package transport

import (
	"encoding/binary"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// enableErrorQueue asks Linux to keep the ICMP errors that our datagrams
// cause (ip(7), IP_RECVERR). Without it an unconnected socket never hears that
// a port is closed, and a caller would wait for its timeout.
func enableErrorQueue(c *net.UDPConn) {
	raw, err := c.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		// One of the two fits the socket's family; a socket of both kinds
		// takes both.
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_RECVERR, 1)
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_RECVERR, 1)
	})
}

// drainErrorQueue takes one error from the queue and returns where the
// datagram that caused it was sent, and as much of it as the error quotes. The
// address is invalid where there is none, or for errors other than a closed
// port, such as a path that needs smaller packets.
func drainErrorQueue(c *net.UDPConn, b []byte) (netip.AddrPort, []byte) {
	raw, err := c.SyscallConn()
	if err != nil {
		return netip.AddrPort{}, nil
	}
	var (
		oob      [oobSize]byte
		n, oobn  int
		from     unix.Sockaddr
		recvErr  error
		to       netip.AddrPort
		datagram []byte
	)
	if err := raw.Control(func(fd uintptr) {
		n, oobn, _, from, recvErr = unix.Recvmsg(int(fd), b, oob[:], unix.MSG_ERRQUEUE|unix.MSG_DONTWAIT)
	}); err != nil || recvErr != nil {
		return netip.AddrPort{}, nil
	}
	if !portClosed(oob[:oobn]) {
		return netip.AddrPort{}, nil
	}
	switch a := from.(type) {
	case *unix.SockaddrInet4:
		to = netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port))
	case *unix.SockaddrInet6:
		to = netip.AddrPortFrom(netip.AddrFrom16(a.Addr), uint16(a.Port))
	}
	datagram = append(datagram, b[:n]...)
	return to, datagram
}

// portClosed reads the control messages that come with a queued error: struct
// sock_extended_err begins with the error number as a native u32.
func portClosed(oob []byte) bool {
	msgs, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return false
	}
	for _, m := range msgs {
		v4 := m.Header.Level == unix.IPPROTO_IP && m.Header.Type == unix.IP_RECVERR
		v6 := m.Header.Level == unix.IPPROTO_IPV6 && m.Header.Type == unix.IPV6_RECVERR
		if (v4 || v6) && len(m.Data) >= 4 {
			return binary.NativeEndian.Uint32(m.Data) == uint32(unix.ECONNREFUSED)
		}
	}
	return false
}

// enableLocalAddress asks to be told to which address of this machine a datagram
// was sent (ip(7), IP_PKTINFO; ipv6(7), IPV6_RECVPKTINFO).
func enableLocalAddress(c *net.UDPConn) (ok bool) {
	raw, err := c.SyscallConn()
	if err != nil {
		return false
	}
	_ = raw.Control(func(fd uintptr) {
		v4 := unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_PKTINFO, 1)
		v6 := unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1)
		ok = v4 == nil || v6 == nil
	})
	return ok
}

// localAddress reads the address from the control messages of a datagram.
func localAddress(oob []byte) netip.Addr {
	for len(oob) >= unix.SizeofCmsghdr {
		h, data, rest, err := unix.ParseOneSocketControlMessage(oob)
		if err != nil {
			return netip.Addr{}
		}
		switch {
		case h.Level == unix.IPPROTO_IP && h.Type == unix.IP_PKTINFO && len(data) >= unix.SizeofInet4Pktinfo:
			const addrAt = 8 // struct in_pktinfo: index, local address, destination
			return netip.AddrFrom4([4]byte(data[addrAt : addrAt+4]))
		case h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_PKTINFO && len(data) >= unix.SizeofInet6Pktinfo:
			return netip.AddrFrom16([16]byte(data[:16])).Unmap() // struct in6_pktinfo: address, index
		}
		oob = rest
	}
	return netip.Addr{}
}

// sourceMessage is the control message that sends a datagram from an address.
func sourceMessage(from netip.Addr) []byte {
	if from.Is4() {
		return unix.PktInfo4(&unix.Inet4Pktinfo{Spec_dst: from.As4()})
	}
	return unix.PktInfo6(&unix.Inet6Pktinfo{Addr: from.As16()})
}
