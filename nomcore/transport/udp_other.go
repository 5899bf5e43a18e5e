//go:build !linux

package transport

import (
	"net"
	"net/netip"
)

// enableErrorQueue does nothing: only Linux tells an unconnected socket which
// of its datagrams found a closed port. Elsewhere the caller waits for its
// timeout.
func enableErrorQueue(*net.UDPConn) {}

// drainErrorQueue finds nothing, see enableErrorQueue.
func drainErrorQueue(*net.UDPConn, []byte) (netip.AddrPort, []byte) {
	return netip.AddrPort{}, nil
}

// enableLocalAddress does nothing: answers leave from the address that the
// system chooses.
func enableLocalAddress(*net.UDPConn) bool { return false }

// localAddress finds nothing, see enableLocalAddress.
func localAddress([]byte) netip.Addr { return netip.Addr{} }

// sourceMessage is never called, see enableLocalAddress.
func sourceMessage(netip.Addr) []byte { return nil }
