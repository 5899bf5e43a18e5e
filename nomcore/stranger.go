package nomcore

import (
	"net/netip"
	"sync"
	"time"

	"nomfs/codec"
)

// stranger is what is known of an address that has not proven yet that it
// receives what is sent to it, and so may be forged. Until then it is sent at
// most three bytes for each that it sent, and served a limited rate; what
// exceeds either waits, within bounds, and a LIST is sent, which any peer
// answers. Proof is an answer to that or to any other request of ours, or a
// session: its tag repeats the cookie that we answered its SYNC with.
type stranger struct {
	mu        sync.Mutex
	credit    int // bytes that may be sent
	rate      bucket
	challenge uint32 // xid of the LIST; valid if asked is not zero
	asked     time.Time
	gone      bool        // the peer is forgotten: nothing is held for it any more
	answers   [][]byte    // held back, oldest first
	waiting   [][]byte    // requests, likewise
	given     []*exported // references, see Service.unvalidated
}

// bucket is a token bucket: so many at once, so many per second.
type bucket struct {
	tokens float64
	at     time.Time // when tokens was right; zero for a full bucket
}

// take takes a token, if there is one.
func (b *bucket) take(now time.Time, rate, burst float64) bool {
	if b.at.IsZero() {
		b.tokens = burst
	}
	b.tokens = min(burst, b.tokens+now.Sub(b.at).Seconds()*rate)
	b.at = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// strangersAllowed reports whether one more datagram of an unproven address may
// be looked at. It is called by the receive loop alone.
func (s *Service) strangersAllowed() bool {
	return s.strangersRate.take(time.Now(), strangersRate, maxStrangers)
}

// strangerRequest takes note of a datagram and reports whether it may be served
// now. If not it is kept for later, or lost where there is no room.
func (p *Peer) strangerRequest(b []byte) bool {
	s, st := p.s, &p.stranger
	st.mu.Lock()
	defer st.mu.Unlock()
	now := time.Now()
	st.credit += amplification * len(b)
	served := st.rate.take(now, strangerRate, strangerBurst)
	if st.rate.tokens < challengeBelow {
		st.ask(p, now)
	}
	if !served && st.hold(s, b) {
		st.waiting = append(st.waiting, append([]byte(nil), b...))
	}
	return served
}

// hold makes room for something that waits. mu must be held.
func (st *stranger) hold(s *Service, b []byte) bool {
	if st.gone || len(st.waiting)+len(st.answers) >= maxHeld || s.heldBytes.Load()+int64(len(b)) > maxHeldBytes {
		s.stats.overload.Add(1)
		return false
	}
	s.heldBytes.Add(int64(len(b)))
	s.stats.held.Add(1)
	return true
}

// ask sends the LIST, unless one was sent a moment ago. mu must be held.
func (st *stranger) ask(p *Peer, now time.Time) {
	if !st.asked.IsZero() && now.Sub(st.asked) < rtoMin {
		return
	}
	xid := randomXID()
	pkt := packet{cmd: cmdList, attrs: []codec.Attr{{Name: attrXID, Value: codec.Int(xid)}}}
	b, err := pkt.append(nil, &codec.Encoder{})
	if err != nil || st.credit < len(b) {
		return
	}
	st.credit -= len(b)
	st.challenge, st.asked = xid, now
	_ = p.s.send(b, p) // lost like any datagram: the next request asks again
}

// sendAnswer sends an answer, now or when the address has proven itself.
func (p *Peer) sendAnswer(b []byte) error {
	if p.proven.Load() {
		return p.s.send(b, p)
	}
	st := &p.stranger
	st.mu.Lock()
	defer st.mu.Unlock()
	switch {
	case p.proven.Load(): // a moment ago
	case st.credit >= len(b):
		st.credit -= len(b)
	default:
		if st.hold(p.s, b) {
			st.answers = append(st.answers, append([]byte(nil), b...))
		}
		st.ask(p, time.Now())
		return nil
	}
	return p.s.send(b, p)
}

// answersChallenge reports whether an answer is the one to our LIST.
func (p *Peer) answersChallenge(xid uint32) bool {
	st := &p.stranger
	st.mu.Lock()
	defer st.mu.Unlock()
	return !st.asked.IsZero() && st.challenge == xid
}

// gave takes note of references that were given to the address.
func (p *Peer) gave(given []*exported) {
	st := &p.stranger
	st.mu.Lock()
	defer st.mu.Unlock()
	switch {
	case p.proven.Load(): // a moment ago
		p.s.reg.move(p.s.unvalidated, p.refs, given)
	case st.gone:
		p.s.reg.abandon(p.s.unvalidated, given)
	case len(st.given) < maxHeld: // the others stay until those of other addresses displace them
		st.given = append(st.given, given...)
	}
}

// prove takes note that the address receives what we send, and lets go what
// waited for that.
func (p *Peer) prove() {
	if p.proven.Swap(true) {
		return
	}
	s := p.s
	s.peersMu.Lock()
	if s.peers[p.addr] == p && p.among == s.strangers {
		s.move(p, s.recent)
	}
	gone := s.evict()
	s.peersMu.Unlock()
	for _, p := range gone {
		p.discard()
	}
	answers, requests, given := p.stranger.drop(s, false)
	s.reg.move(s.unvalidated, p.refs, given)
	for _, b := range answers {
		_ = s.send(b, p)
	}
	for _, b := range requests {
		s.process(b, p.addr, p.localAddr())
	}
}

// drop empties what waits and returns it. gone says that nothing may be held
// later either.
func (st *stranger) drop(s *Service, gone bool) (answers, requests [][]byte, given []*exported) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.gone = st.gone || gone
	answers, requests, given = st.answers, st.waiting, st.given
	st.answers, st.waiting, st.given = nil, nil, nil
	for _, l := range [][][]byte{answers, requests} {
		for _, b := range l {
			s.heldBytes.Add(-int64(len(b)))
		}
	}
	return answers, requests, given
}

// known returns the peer with that address, nil where there is none.
func (s *Service) known(addr netip.AddrPort) *Peer {
	s.peersMu.Lock()
	defer s.peersMu.Unlock()
	return s.peers[addr]
}
