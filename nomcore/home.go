package nomcore

import (
	"nomfs/codec"
	"nomfs/nomcore/transport"
)

// homeFor returns how we call ourselves towards a peer: the address at which it
// reached us, or else that of the interface that reaches it, never a wildcard.
func (s *Service) homeFor(p *Peer) (codec.Home, error) {
	local := s.conn.Local()
	ip := local.Addr()
	if ip.IsUnspecified() {
		ip = p.localAddr()
	}
	if !ip.IsValid() {
		var err error
		if ip, err = transport.LocalFor(p.addr); err != nil {
			return "", err
		}
	}
	s.homesMu.RLock()
	home, ok := s.homeOf[ip]
	s.homesMu.RUnlock()
	if ok {
		return home, nil
	}
	home = codec.NewHome(ip.WithZone("").String(), int(local.Port())) // our zone means nothing elsewhere
	s.homesMu.Lock()
	defer s.homesMu.Unlock()
	if len(s.homes) < maxHomes {
		s.homeOf[ip] = home
		s.homes[home] = struct{}{}
	}
	return home, nil
}

// isHome reports whether we have called ourselves that.
func (s *Service) isHome(h codec.Home) bool {
	s.homesMu.RLock()
	defer s.homesMu.RUnlock()
	_, ok := s.homes[h]
	return ok
}
