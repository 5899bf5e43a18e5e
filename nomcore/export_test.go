package nomcore

import (
	"math/rand/v2"
	"net"
	"net/netip"
	"testing"
)

// MemNet is the network in memory for the tests that see the package from
// outside.
type MemNet struct{ net *memNet }

// NewMemNet returns a network that loses nothing.
func NewMemNet() *MemNet { return &MemNet{newMemNet()} }

// Listen returns a socket at addr.
func (n *MemNet) Listen(t testing.TB, addr string) net.PacketConn { return n.net.listen(t, addr) }

// Deliver delivers a datagram in the name of from, which may be anybody.
func (n *MemNet) Deliver(from, to netip.AddrPort, b []byte) { n.net.deliver(from, to, b) }

// Filter has f deliver each datagram as often and whenever it likes.
func (n *MemNet) Filter(f func(from, to netip.AddrPort, b []byte, deliver func())) {
	n.net.setFilter(f)
}

// Mutate changes one of some packets as a hostile or broken sender might.
func Mutate(r *rand.Rand, packets [][]byte) []byte { return mutate(r, packets) }
