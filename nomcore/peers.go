package nomcore

import (
	"net/netip"
	"slices"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// peers are the addresses that a Service knows. Those that are validated, or
// that we chose to talk to, are apart from the guests, so that forged addresses
// cannot displace real clients.
type peers struct {
	s *Service

	mu     sync.Mutex
	table  *simplelru.LRU[netip.AddrPort, *Peer]
	guests *simplelru.LRU[netip.AddrPort, *Peer]
	gone   []*Peer // fell out of a table, and are to be discarded

	held      []heldDatagram // wait until their address is validated, oldest first
	heldBytes int
}

// heldDatagram is an answer for an address that is not validated, or a request
// of one.
type heldDatagram struct {
	addr    netip.AddrPort
	at      netip.Addr // of ours, to which the request was sent
	b       []byte
	request bool
	since   int64 // see Service.now
}

func (t *peers) init(s *Service) {
	t.s = s
	out := func(_ netip.AddrPort, p *Peer) { t.gone = append(t.gone, p) }
	t.table, _ = simplelru.NewLRU(maxPeers, out) // the size is positive: no error
	t.guests, _ = simplelru.NewLRU(maxGuests, out)
}

// known returns the peer with that address, nil where there is none, and marks
// it as recently heard of.
func (t *peers) known(addr netip.AddrPort) *Peer {
	t.mu.Lock()
	defer t.mu.Unlock()
	p, _ := t.table.Get(addr)
	return p
}

// knownGuest returns the guest with that address, nil where there is none.
func (t *peers) knownGuest(addr netip.AddrPort) *Peer {
	t.mu.Lock()
	defer t.mu.Unlock()
	p, _ := t.guests.Get(addr)
	return p
}

// chosen returns the peer with an address that we want to talk to.
func (t *peers) chosen(addr netip.AddrPort) *Peer { return t.enter(addr, false) }

// validate returns the peer with an address that has shown that it receives what
// is sent there, and lets go what waited for that.
func (t *peers) validate(addr netip.AddrPort) *Peer { return t.enter(addr, true) }

func (t *peers) enter(addr netip.AddrPort, validated bool) *Peer {
	t.mu.Lock()
	p, ok := t.table.Get(addr)
	if !ok {
		if p, ok = t.guests.Peek(addr); ok {
			t.guests.Remove(addr)
			t.gone = t.gone[:len(t.gone)-1] // it moves
		} else {
			p = newPeer(t.s, addr)
		}
		t.table.Add(addr, p)
	}
	var held []heldDatagram
	if validated && !p.validated.Swap(true) {
		held = t.takeHeld(addr)
	}
	gone := t.gone
	t.gone = nil
	t.mu.Unlock()
	t.discard(gone)
	if len(held) > 0 {
		t.letGo(p, held)
	}
	return p
}

// guest returns the guest, or the peer that we chose, with an address.
func (t *peers) guest(addr netip.AddrPort) *Peer {
	t.mu.Lock()
	p, ok := t.table.Get(addr)
	if !ok {
		if p, ok = t.guests.Get(addr); !ok {
			p = newPeer(t.s, addr)
			t.guests.Add(addr, p)
		}
	}
	gone := t.gone
	t.gone = nil
	t.mu.Unlock()
	t.discard(gone)
	return p
}

// discard frees what peers that fell out of a table take elsewhere.
func (t *peers) discard(gone []*Peer) {
	for _, p := range gone {
		p.displaced.Store(true)
		p.endSessions()
		t.s.reg.discard(p.refs)
		p.received.discard()
	}
}

// restore makes a peer known again that fell out of the table and is used all
// the same. Where another has its address by now, it asks as that one.
func (t *peers) restore(p *Peer) {
	t.mu.Lock()
	other, ok := t.table.Get(p.addr)
	if !ok {
		t.table.Add(p.addr, p)
	}
	gone := t.gone
	t.gone = nil
	t.mu.Unlock()
	t.discard(gone)
	if ok && other != p {
		p.asking.Store(other.ask())
		return
	}
	t.s.reg.revive(p.refs)
	p.received.revive()
	p.displaced.Store(false)
}

// all returns the peers in the tables.
func (t *peers) all() []*Peer {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append(t.table.Values(), t.guests.Values()...)
}

// hold keeps a datagram until its address is validated; the oldest of all make
// room. A request is kept of addresses that are guests only.
func (t *peers) hold(addr netip.AddrPort, b []byte, at netip.Addr, request bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if request && !t.guests.Contains(addr) {
		t.s.stats.overload.Add(1)
		return
	}
	t.held = append(t.held, heldDatagram{addr, at, slices.Clone(b), request, t.s.now()})
	t.heldBytes += len(b)
	t.s.stats.held.Add(1)
	for len(t.held) > maxHeld || t.heldBytes > maxHeldBytes {
		t.heldBytes -= len(t.held[0].b)
		t.held = slices.Delete(t.held, 0, 1)
		t.s.stats.overload.Add(1)
	}
}

// dropHeld drops what has waited for too long.
func (t *peers) dropHeld(now int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(t.held) > 0 && now-t.held[0].since >= int64(heldKept) {
		t.heldBytes -= len(t.held[0].b)
		t.held = slices.Delete(t.held, 0, 1)
		t.s.stats.overload.Add(1)
	}
}

// takeHeld returns what waits for an address. mu must be held.
func (t *peers) takeHeld(addr netip.AddrPort) (held []heldDatagram) {
	t.held = slices.DeleteFunc(t.held, func(h heldDatagram) bool {
		if h.addr != addr {
			return false
		}
		held = append(held, h)
		t.heldBytes -= len(h.b)
		return true
	})
	return held
}

// letGo sends the answers and runs the requests that waited.
func (t *peers) letGo(p *Peer, held []heldDatagram) {
	for _, h := range held {
		t.s.tasks.start(func() {
			if h.request {
				newWorker(t.s, h.b).receive(h.b, p.addr, h.at)
			} else {
				_ = t.s.send(h.b, p, true) // lost like any datagram
			}
		})
	}
}

// releaseHeld lets go what waits for a peer that has been validated meanwhile.
func (t *peers) releaseHeld(p *Peer) {
	t.mu.Lock()
	held := t.takeHeld(p.addr)
	t.mu.Unlock()
	if len(held) > 0 {
		t.letGo(p, held)
	}
}
