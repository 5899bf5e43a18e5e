package nomcore

import (
	"context"
	"time"

	"nomfs/nomcore/wire"
)

// A peer is up until an operation has timed out while nothing at all was heard
// of it. Then it is down: operations fail at once, while a LIST each second
// finds out when it is back.

// isDown reports whether operations should fail at once, and that somebody
// asked.
func (p *Peer) isDown() bool {
	if !p.down.Load() {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wanted = p.s.now()
	return true
}

// heardSince reports whether the peer gave a sign of life after t, see
// Service.now.
func (p *Peer) heardSince(t int64) bool { return p.heardAt.Load() > t }

// trusted reports whether the peer may be asked again and again while it does
// not answer: somebody here named its address, or it has answered before.
func (p *Peer) trusted() bool { return p.named.Load() || p.validated.Load() }

// silentSince is the verdict of an operation that began at start and got no
// answer in time.
func (p *Peer) silentSince(start int64) {
	if p.heardSince(start) || p.s.now()-start < int64(probeAfter+probeAfter/probeCopies) || !p.trusted() {
		return // it lives, or was given no chance to show it
	}
	p.markDown()
}

// mayBeDown finds the peer to be down if it has been silent for long, though
// asked since then.
func (p *Peer) mayBeDown(since int64) {
	silence := p.s.now() - max(since, p.heardAt.Load())
	if silence >= int64(downAfter*p.s.cfg.Timeout) && p.trusted() {
		p.markDown()
	}
}

// markDown ends every operation that waits for the peer, and keeps probing.
func (p *Peer) markDown() {
	if p.down.Swap(true) {
		return
	}
	p.s.log.Info("peer is down", "peer", p.addr)
	p.failCalls(ErrDown, func(c *call) error {
		if c.rq.probe {
			return nil
		}
		return ErrDown
	})
	p.mu.Lock()
	p.wanted = p.s.now()
	p.mu.Unlock()
	p.startProbe()
}

// startProbe sees to it that the peer is being probed.
func (p *Peer) startProbe() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.probing && p.trusted() {
		p.probing = p.s.tasks.start(p.probe)
	}
}

// probe asks the peer for a sign of life once a second, and twice while there
// is none, as long as an operation waits for it that is not sent again, or it is
// down.
func (p *Peer) probe() {
	since := p.s.now()
	pause := time.NewTimer(probeAfter)
	defer pause.Stop()
	for {
		pause.Reset(probeAfter)
		asked := p.s.now()
		for range probeCopies {
			ctx, cancel := context.WithTimeout(p.s.ctx, probeAfter/probeCopies)
			// The answer, or any other datagram of the peer, shows in heardAt.
			if c, err := p.roundTrip(ctx, &request{cmd: wire.List, paged: p.isOurs.Load(), from: maxXID, probe: true, bare: true}); err == nil {
				p.ask().release(c)
			}
			cancel()
			if p.heardSince(asked) {
				break
			}
		}
		p.suspect(max(since, p.heardAt.Load()))
		p.mayBeDown(since)
		select {
		case <-pause.C:
		case <-p.s.ctx.Done():
			return
		}
		if p.probeDone() {
			return
		}
	}
}

// suspect notes since when the peer has been silent, if it has.
func (p *Peer) suspect(since int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.s.now()-since < int64(probeAfter) {
		p.silentAt = 0
	} else if p.silentAt == 0 {
		p.silentAt = since
	}
}

// probeDone reports whether probing may end, and ends it.
func (p *Peer) probeDone() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	idle := probeIdle
	if !p.named.Load() {
		idle = leaseTime // a client: when it is back it will tell
	}
	if p.down.Load() && p.s.now()-p.wanted > int64(idle) {
		p.down.Store(false) // whoever comes next finds out anew
	}
	if p.down.Load() || p.ask().slow.Load() > 0 {
		return false
	}
	p.probing, p.silentAt = false, 0
	return true
}
