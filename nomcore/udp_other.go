//go:build !linux

package nomcore

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
