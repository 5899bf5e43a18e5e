package nomcore

import (
	"fmt"
	"net/netip"

	"nomfs/codec"
)

// incoming makes the values of a request usable: a reference to an object of
// ours becomes the object, any other a proxy. A reference to us that we do not
// know is a KeyError with its id.
func (s *Service) incoming(v codec.Value, from *Peer) (codec.Value, error) {
	if !codec.HasRef(v) {
		return v, nil
	}
	return mapRefs(v, func(r codec.Ref) (codec.Value, error) {
		home := s.isHome(r.Home)
		if home || from.routesToUs(r.Home) {
			if o := s.local(r.ID); o != nil {
				return o, nil
			}
		}
		// Behind a port forward of this machine an original may call itself by
		// what leads to us, such as 0.0.0.0 and our port.
		if !home {
			if from.learnHome(r.Home); !from.routesToUs(r.Home) {
				return from.newProxy(r), nil
			}
		}
		return nil, unknownID(r.ID)
	})
}

// homecoming makes the values of an answer usable: references to our own
// objects become them; others stay references, and are counted as got.
func (s *Service) homecoming(v codec.Value, from *Peer) codec.Value {
	v, _ = mapRefs(v, func(r codec.Ref) (codec.Value, error) {
		if s.isHome(r.Home) {
			if o := s.local(r.ID); o != nil {
				return o, nil
			}
		}
		from.learnHome(r.Home)
		if from.isOurs.Load() {
			from.received.count(r)
		}
		return r, nil
	})
	return v
}

// local returns our object with an id, nil where there is none.
func (s *Service) local(text codec.ID) *Object {
	id, ok := parseObjectID(text)
	if !ok {
		return nil
	}
	return s.reg.object(id)
}

// use returns our object with an id for whoever has its references in a table, and
// as what it is exported.
func (s *Service) use(refs *refTable, text codec.ID) (*Object, *exported) {
	id, ok := parseObjectID(text)
	if !ok {
		return nil, nil
	}
	return s.reg.use(refs, id)
}

// mapRefs is codec.MapRefs for references that came from a peer.
func mapRefs(v codec.Value, f func(codec.Ref) (codec.Value, error)) (codec.Value, error) {
	return codec.MapRefs(v, func(v codec.Value) (codec.Value, error) {
		if r, ok := v.(codec.Ref); ok {
			return f(r)
		}
		return v, nil
	})
}

// unknownID is how the original says that it does not know an object.
func unknownID(id codec.ID) codec.Exception {
	return codec.Exception{Class: "KeyError", Args: codec.Tuple{codec.Long(id)}}
}

// routesToUs reports whether a home, got from the peer, is this very socket
// under a name that we do not use, such as localhost.
func (p *Peer) routesToUs(h codec.Home) bool {
	to, err := p.routeAddr(h)
	if err != nil {
		return false
	}
	us := p.s.conn.Local()
	if to.Port() != us.Port() {
		return false
	}
	return to.Addr() == us.Addr() || to.Addr().IsLoopback() && us.Addr().IsUnspecified()
}

// route returns the peer to ask about objects whose home calls itself h, when
// the reference was got from p. A home that names a wildcard or loopback
// address means the machine of p, a link-local one is on the link of p; an
// address of ours may not be asked that way, and any other only where plain NOM
// may go.
func (p *Peer) route(h codec.Home) (*Peer, error) {
	to, err := p.routeAddr(h)
	if err != nil {
		return nil, err
	}
	if to == p.addr {
		return p, nil
	}
	return p.s.peers.chosen(to), nil
}

// learnHome notes the home of a reference that an original gave: whatever it
// gives, it calls its own. A peer of ours says in SYNC how it calls itself.
func (p *Peer) learnHome(h codec.Home) {
	if p.synced.Load() && !p.isOurs.Load() && !p.isItself(h) {
		p.callsItself(h)
	}
}

// routeAddr is the address of route. By whatever address a peer calls itself, it
// is where its datagrams come from: there may be a port forward, a relay or a
// translation of addresses between.
func (p *Peer) routeAddr(h codec.Home) (netip.AddrPort, error) {
	if p.isItself(h) {
		return p.addr, nil
	}
	host, port, ok := h.Addr()
	if !ok || port <= 0 || port > 1<<16-1 {
		return netip.AddrPort{}, fmt.Errorf("%w: home is not a host and a port", ErrPlainRefused)
	}
	var ip netip.Addr
	if host == "localhost" {
		ip = netip.IPv4Unspecified()
	} else {
		var err error
		// A name would make us ask a name server whatever a peer wants asked.
		if ip, err = netip.ParseAddr(host); err != nil {
			return netip.AddrPort{}, fmt.Errorf("%w: home %q is not an IP address", ErrPlainRefused, host)
		}
	}
	ip = ip.Unmap().WithZone("")
	if ip.IsUnspecified() || ip.IsLoopback() && !p.addr.Addr().IsLoopback() {
		ip = p.addr.Addr()
	}
	if ip.Is6() && ip.IsLinkLocalUnicast() {
		ip = ip.WithZone(p.addr.Addr().Zone()) // of the link that the peer is on
	}
	to := netip.AddrPortFrom(ip, uint16(port))
	if to != p.addr && !plainAllowed(p.s.cfg.Plain, ip) {
		return to, fmt.Errorf("home %s: %w", to, ErrPlainRefused)
	}
	return to, nil
}
