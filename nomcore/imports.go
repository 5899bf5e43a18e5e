package nomcore

import (
	"context"
	"errors"
	"runtime"
	"sync"

	"nomfs/codec"
	"nomfs/nomcore/wire"
)

// imports counts the references that a peer gave us, so that they can be given
// back: what it counted as given and what we count as got agree, because an
// answer that is sent again is counted once on both sides.
type imports struct {
	mu      sync.Mutex
	counts  map[codec.Ref]int
	pending map[codec.Ref]int // to be given back with the next Release
}

// got counts a reference.
func (m *imports) got(r codec.Ref) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.counts == nil {
		m.counts = make(map[codec.Ref]int)
	}
	m.counts[r]++
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
	if m.counts[r] -= n; m.counts[r] == 0 {
		delete(m.counts, r)
	}
	if m.pending == nil {
		m.pending = make(map[codec.Ref]int)
	}
	m.pending[r] += n
}

// giveBackUsed gives back all of a reference that was used there, whether or
// not it was got there.
func (m *imports) giveBackUsed(r codec.Ref) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.pending == nil {
		m.pending = make(map[codec.Ref]int)
	}
	m.pending[r] += max(m.counts[r], 1)
	delete(m.counts, r)
}

// take returns up to a batch of what is pending.
func (m *imports) take() map[codec.Ref]int {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.pending) <= releaseBatch {
		out := m.pending
		m.pending = nil
		return out
	}
	out := make(map[codec.Ref]int, releaseBatch)
	for r, n := range m.pending {
		if len(out) == releaseBatch {
			break
		}
		out[r] = n
		delete(m.pending, r)
	}
	return out
}

// putBack makes a batch pending again that could not be given back.
func (m *imports) putBack(batch map[codec.Ref]int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.pending == nil {
		m.pending = make(map[codec.Ref]int, len(batch))
	}
	for r, n := range batch {
		m.pending[r] += n
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
		x.counted.Store(true)
		x.dropped = runtime.AddCleanup(x, func(r codec.Ref) { p.imports.giveBack(r, 1) }, r)
	}
	return x
}

// Adopt makes proxies of the references in an answer of the peer, each once.
func (p *Peer) Adopt(v codec.Value) codec.Value {
	v, _ = mapRefs(v, func(r codec.Ref) (codec.Value, error) { return p.adopt(r), nil })
	return v
}

// Release gives references back to the peer that gave them: the application
// will not use them any more. It is not sent at once, and is a no-op towards an
// original peer, which has no use for it. A *Proxy is given back by itself, see
// Proxy.
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
