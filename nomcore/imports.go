package nomcore

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"

	"nomfs/codec"
	"nomfs/nomcore/wire"
)

// imports counts the references that a peer gave us, so that they can be given
// back: what it counted as given and what we count as got agree, because an
// answer that is sent again is counted once on both sides.
type imports struct {
	all *budget // of the Service: entries of both maps
	own atomic.Int64

	mu      sync.Mutex
	counts  map[codec.Ref]int
	pending map[codec.Ref]int // to be given back with the next Release
}

// add adds n to the count of a reference in one of the maps. One for which there
// is no room is not counted. mu must be held.
func (m *imports) add(to *map[codec.Ref]int, r codec.Ref, n int) {
	if _, ok := (*to)[r]; !ok && !m.all.take(&m.own, 1) {
		return
	}
	if *to == nil {
		*to = make(map[codec.Ref]int)
	}
	(*to)[r] += n
}

// remove removes a reference from one of the maps. mu must be held.
func (m *imports) remove(from map[codec.Ref]int, r codec.Ref) {
	if _, ok := from[r]; ok {
		delete(from, r)
		m.all.give(&m.own, 1)
	}
}

// got counts a reference.
func (m *imports) got(r codec.Ref) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.add(&m.counts, r, 1)
}

// giveBack moves n of the references got to the pending ones; all for n < 0.
func (m *imports) giveBack(r codec.Ref, n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	have := m.counts[r]
	if n < 0 || n > have {
		n = have
	}
	if n == 0 {
		return
	}
	if n == have {
		m.remove(m.counts, r)
	} else {
		m.counts[r] -= n
	}
	m.add(&m.pending, r, n)
}

// giveBackUsed gives back all of a reference that was used there, whether or
// not it was got there.
func (m *imports) giveBackUsed(r codec.Ref) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := max(m.counts[r], 1)
	m.remove(m.counts, r)
	m.add(&m.pending, r, n)
}

// take returns up to a batch of what is pending.
func (m *imports) take() map[codec.Ref]int {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make(map[codec.Ref]int, min(len(m.pending), releaseBatch))
	for r, n := range m.pending {
		if len(out) == releaseBatch {
			break
		}
		out[r] = n
		m.remove(m.pending, r)
	}
	return out
}

// putBack makes a batch pending again that could not be given back.
func (m *imports) putBack(batch map[codec.Ref]int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for r, n := range batch {
		m.add(&m.pending, r, n)
	}
}

// size returns how many references are held, and how many wait to be given
// back.
func (m *imports) size() (held, pending int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.counts), len(m.pending)
}

// clear forgets everything: the peer has forgotten us.
func (m *imports) clear() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.all.give(&m.own, int64(len(m.counts)+len(m.pending)))
	m.counts, m.pending = nil, nil
}

// newProxy makes the proxy for a reference that a request of the peer brought.
// When the application drops the proxy the reference is given back.
func (p *Peer) newProxy(r codec.Ref) *Proxy {
	if p.isOurs.Load() {
		p.imports.got(r)
	}
	return p.adopt(r)
}

// adopt makes the proxy for a reference that is counted already.
func (p *Peer) adopt(r codec.Ref) *Proxy {
	x := &Proxy{Peer: p, Ref: r}
	if p.isOurs.Load() {
		runtime.AddCleanup(x, func(r codec.Ref) { p.imports.giveBack(r, 1) }, r)
	}
	return x
}

// Release gives references back to the peer that gave them: the application
// will not use them any more. It is not sent at once, and is a no-op towards an
// original peer, which has no use for it. A *Proxy is released by itself when
// it is no longer in use.
func (p *Peer) Release(refs ...codec.Ref) {
	for _, r := range refs {
		p.imports.giveBack(r, -1)
		// Its home, if that is another peer, counts us as a holder since we
		// used it there.
		if to, err := p.routeAddr(r.Home); err == nil && to != p.addr {
			if home := p.s.peers.known(to); home != nil && home.isOurs.Load() {
				home.imports.giveBackUsed(r)
			}
		}
	}
}

// flushReleases sends what is pending.
func (p *Peer) flushReleases(ctx context.Context) {
	for {
		batch := p.imports.take()
		if len(batch) == 0 || p.ext.Load()&wire.ExtRelease == 0 {
			return
		}
		list := make(codec.List, 0, len(batch))
		for r, n := range batch {
			list = append(list, codec.Tuple{codec.Long(r.ID), codec.Int(n)})
		}
		if _, err := p.command(ctx, &request{cmd: wire.Pull, op: ops[opRelease], given: list}); err != nil {
			// The lease ends them if the peer is gone.
			p.s.log.Debug("references not given back", "peer", p.addr, "err", err)
			if !errors.Is(err, ErrOutcomeUnknown) { // given back twice is worse than late
				p.imports.putBack(batch)
			}
			return
		}
	}
}

// Adopt makes the proxy for a reference that an answer of this peer brought.
// When the application drops the proxy the reference is given back.
func (p *Peer) Adopt(r codec.Ref) *Proxy { return p.adopt(r) }
