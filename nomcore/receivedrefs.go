package nomcore

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"

	"nomfs/codec"
	"nomfs/nomcore/wire"
)

// receivedRefs counts the references that a peer gave us, so that they can be
// given back: what the peer counts as given and what is counted here agree,
// because an answer that is sent again is counted once on both sides.
//
// A reference for which there is no room is not counted. It can be used all the
// same, and ends at the peer with the lease.
type receivedRefs struct {
	total *budget // of all peers, in bytes

	mu      sync.Mutex
	counts  map[codec.Ref]int
	pending map[codec.Ref]int // to be given back with the next Release
	bytes   int               // that both take, see receivedCost
	home    codec.Home        // of the last reference: most have the same
	gone    bool              // the peer is forgotten: nothing is counted any more
}

// receivedCost is about what a reference takes in a map, in bytes, in addition
// to the text of its id and its home.
const receivedCost = 96

func receivedBytes(r codec.Ref) int { return receivedCost + len(r.ID) + len(r.Home) }

// fits reports whether there is room for one more reference, by the rule of
// budget. mu must be held.
func (m *receivedRefs) fits(r codec.Ref) bool {
	n := receivedBytes(r)
	left := int(m.total.most - m.total.used.Load())
	return !m.gone && len(m.counts)+len(m.pending) < maxPeerRefs && m.bytes+n <= left-n
}

// weigh takes note that the maps have n bytes more. mu must be held.
func (m *receivedRefs) weigh(n int) {
	m.bytes += n
	m.total.used.Add(int64(n))
}

// add counts n references in one of the maps. mu must be held.
func (m *receivedRefs) add(to *map[codec.Ref]int, r codec.Ref, n int) {
	if have := (*to)[r]; have > 0 {
		(*to)[r] = have + n
		return
	}
	m.weigh(receivedBytes(r))
	if *to == nil {
		*to = make(map[codec.Ref]int)
	}
	// The text may be a part of a longer one, which must not be kept.
	r.ID = codec.ID(strings.Clone(string(r.ID)))
	if r.Home != m.home {
		m.home = r.Home
	}
	r.Home = m.home
	(*to)[r] = n
}

// remove removes a reference from one of the maps. mu must be held.
func (m *receivedRefs) remove(from map[codec.Ref]int, r codec.Ref) {
	if _, ok := from[r]; ok {
		delete(from, r)
		m.weigh(-receivedBytes(r))
	}
}

// count counts a reference that was received.
func (m *receivedRefs) count(r codec.Ref) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.counts[r] > 0 || m.fits(r) {
		m.add(&m.counts, r, 1)
	}
}

// giveBack moves n of the counted references to the pending ones; all for n < 0.
func (m *receivedRefs) giveBack(r codec.Ref, n int) {
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
		m.counts[r] = have - n
	}
	m.add(&m.pending, r, n)
}

// giveBackUsed gives back all of a reference that was used at the peer, whether
// or not it was received from the peer.
func (m *receivedRefs) giveBackUsed(r codec.Ref) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := max(m.counts[r], 1)
	m.remove(m.counts, r)
	if m.pending[r] > 0 || m.fits(r) {
		m.add(&m.pending, r, n)
	}
}

// batch takes some of what is pending, to be given back in one request.
func (m *receivedRefs) batch() map[codec.Ref]int {
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
func (m *receivedRefs) putBack(batch map[codec.Ref]int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.gone {
		return
	}
	for r, n := range batch {
		m.add(&m.pending, r, n)
	}
}

// size returns how many references are counted, and how many are pending.
func (m *receivedRefs) size() (counted, pending int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.counts), len(m.pending)
}

// clear forgets everything: the peer has forgotten us.
func (m *receivedRefs) clear() { m.empty(false) }

// discard forgets everything, now and later: the peer is forgotten.
func (m *receivedRefs) discard() { m.empty(true) }

// revive lets a peer that was forgotten be counted again.
func (m *receivedRefs) revive() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.gone = false
}

func (m *receivedRefs) empty(gone bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.weigh(-m.bytes)
	m.counts, m.pending, m.home, m.gone = nil, nil, "", m.gone || gone
}

// newProxy makes the proxy for a reference that a request of the peer brought.
// When the application drops the proxy the reference is given back.
func (p *Peer) newProxy(r codec.Ref) *Proxy {
	if p.isOurs.Load() {
		p.received.count(r)
	}
	return p.adopt(r)
}

// adopt makes the proxy for a reference that is counted already.
func (p *Peer) adopt(r codec.Ref) *Proxy {
	x := &Proxy{Peer: p, Ref: r}
	if p.isOurs.Load() {
		x.counted.Store(true)
		x.dropped = runtime.AddCleanup(x, func(r codec.Ref) { p.received.giveBack(r, 1) }, r)
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
		p.received.giveBack(r, -1)
		// Its home, if that is another peer, counts a reference of ours since
		// we used it there.
		if to, err := p.routeAddr(r.Home); err == nil && to != p.addr {
			if home := p.s.peers.known(to); home != nil && home.isOurs.Load() {
				home.received.giveBackUsed(r)
			}
		}
	}
}

// flushReleases sends what is pending.
func (p *Peer) flushReleases(ctx context.Context) {
	for {
		batch := p.received.batch()
		if len(batch) == 0 || p.ext.Load()&wire.ExtRelease == 0 {
			return
		}
		list := make(codec.List, 0, len(batch))
		for r, n := range batch {
			list = append(list, codec.Tuple{codec.Long(r.ID), codec.Int(n)})
		}
		if _, err := p.do(ctx, &request{cmd: wire.Pull, op: ops[opRelease], given: list}); err != nil {
			// The lease ends them if the peer is gone.
			p.s.log.Debug("references not given back", "peer", p.addr, "err", err)
			if !errors.Is(err, ErrOutcomeUnknown) { // given back twice is worse than late
				p.received.putBack(batch)
			}
			return
		}
	}
}
