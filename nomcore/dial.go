package nomcore

import (
	"context"
	"fmt"
	"net/netip"

	"nomfs/nomcore/transport"
)

// Attach makes a Service to talk to some peers from, at the local address that
// reaches them, and asks nobody: Peer.Reconnect connects to one, and so does its
// first use. The addresses must be those of different peers, ErrSamePeer.
func Attach(ctx context.Context, addrs []string, cfg *Config) (*Service, []*Peer, error) {
	full, err := cfg.withDefaults()
	if err != nil {
		return nil, nil, err
	}
	tos, err := resolveAll(ctx, addrs, full.Plain)
	if err != nil {
		return nil, nil, err
	}
	at, err := localAddrForAll(tos)
	if err != nil {
		return nil, nil, err
	}
	c, err := transport.Listen(netip.AddrPortFrom(at, 0))
	if err != nil {
		return nil, nil, err
	}
	s, err := New(c, &full)
	if err != nil {
		return nil, nil, err
	}
	peers := make([]*Peer, len(tos))
	for i, to := range tos {
		peers[i] = s.peers.chosen(to)
		peers[i].named.Store(true)
	}
	return s, peers, nil
}

// Dial connects to the peer at addr, host[:port], from a socket of its own at
// the local address that reaches the peer. Peer.Close ends all of it. The
// Authenticator of cfg screens what peers do to the objects that are passed to
// them, such as callbacks.
func Dial(ctx context.Context, addr string, cfg *Config) (*Peer, error) {
	s, peers, err := Attach(ctx, []string{addr}, cfg)
	if err != nil {
		return nil, err
	}
	p := peers[0]
	if err := p.Reconnect(ctx); err != nil {
		s.Close()
		return nil, err
	}
	p.dialed = true
	return p, nil
}

// Close tells the peer that we are gone and need no reference of it any more,
// and waits for no answer. If Dial returned the peer, Close also closes its
// Service.
func (p *Peer) Close() error {
	err := p.Disconnect(context.Background())
	if p.dialed {
		return p.s.Close()
	}
	return err
}

// resolveAll finds the addresses of peers.
func resolveAll(ctx context.Context, addrs []string, plain []netip.Prefix) ([]netip.AddrPort, error) {
	tos := make([]netip.AddrPort, len(addrs))
	seen := make(map[netip.AddrPort]string)
	for i, addr := range addrs {
		to, err := transport.Resolve(ctx, addr, DefaultPort)
		switch {
		case err != nil:
			return nil, err
		case to.Addr().IsUnspecified():
			return nil, fmt.Errorf("address %s: want the address of a peer", to)
		case !plainAllowed(plain, to.Addr()):
			return nil, fmt.Errorf("%s: %w", to, ErrPlainRefused)
		}
		if other, twice := seen[to]; twice {
			return nil, fmt.Errorf("%w: %s and %s", ErrSamePeer, other, addr)
		}
		seen[to] = addr
		tos[i] = to
	}
	return tos, nil
}

// localAddrForAll returns the local address to ask some peers from: loopback
// where all are there, else a wildcard, since the addresses of a machine change
// while it runs. What comes from elsewhere is refused as it is on any socket.
func localAddrForAll(tos []netip.AddrPort) (netip.Addr, error) {
	var at netip.Addr
	for _, to := range tos {
		from, err := transport.LocalFor(to)
		switch {
		case err != nil:
			return netip.Addr{}, err
		case !from.IsLoopback() && from.Is4():
			from = netip.IPv4Unspecified()
		case !from.IsLoopback():
			from = netip.IPv6Unspecified()
		}
		switch {
		case !at.IsValid():
			at = from
		case at.Is4() != from.Is4():
			return netip.IPv6Unspecified(), nil
		case at != from && at.Is4():
			at = netip.IPv4Unspecified()
		case at != from:
			at = netip.IPv6Unspecified()
		}
	}
	return at, nil
}
