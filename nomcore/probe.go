package nomcore

import (
	"context"
	"time"
)

// A peer is up until an operation has timed out while nothing at all was heard
// of it. Then it is down: operations fail at once, while a LIST each second
// finds out when it is back.

// heard takes note of a sign of life.
func (p *Peer) heard() {
	p.heardAt.Store(time.Now().UnixNano())
	p.mu.Lock()
	p.down, p.silentAt = false, time.Time{}
	p.mu.Unlock()
}

// heardSince reports whether the peer gave a sign of life after t.
func (p *Peer) heardSince(t time.Time) bool { return p.heardAt.Load() > t.UnixNano() }

// isDown reports whether operations should fail at once, and that somebody
// asked.
func (p *Peer) isDown() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wanted = time.Now()
	return p.down
}

// trusted reports whether the peer may be asked again and again while it does
// not answer: somebody here named its address, or it has answered before.
func (p *Peer) trusted() bool { return p.named.Load() || p.proven.Load() }

// reset forgets that the peer was down: somebody wants it tried.
func (p *Peer) reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = false
}

// silentSince is the verdict of an operation that began at start and got no
// answer in time.
func (p *Peer) silentSince(start time.Time) {
	if p.heardSince(start) || time.Since(start) < probeAfter+probeAfter/probeCopies || !p.trusted() {
		return // it lives, or was given no chance to show it
	}
	p.markDown()
}

// markDown ends every operation that waits for the peer, and keeps probing.
func (p *Peer) markDown() {
	p.mu.Lock()
	was := p.down
	p.down = true
	p.mu.Unlock()
	if was {
		return
	}
	p.s.log.Info("peer is down", "peer", p.addr)
	p.s.failCalls(func(c *call) error {
		if c.to == p.addr && !c.probe {
			return ErrDown
		}
		return nil
	}, false)
	p.startProbe()
}

// startProbe sees to it that the peer is being probed.
func (p *Peer) startProbe() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.probing && p.trusted() {
		p.probing = p.s.spawn(p.probe)
	}
}

// downAfter is how many times the timeout of an operation a peer must have been
// silent, though probed, before calls that have no deadline are given up. It is
// more than one: at 30 % loss each way a second passes unanswered quite often.
const downAfter = 2

// probe asks the peer for a sign of life once a second, and twice while there
// is none, as long as anybody waits for it or it is down.
func (p *Peer) probe() {
	since := time.Now()
	pause := time.NewTimer(probeAfter)
	defer pause.Stop()
	for {
		pause.Reset(probeAfter)
		asked := time.Now()
		for range probeCopies {
			ctx, cancel := context.WithTimeout(p.s.ctx, probeAfter/probeCopies)
			// The answer, or any other datagram of the peer, shows in heardAt.
			_, _ = p.s.roundTrip(ctx, p, request{cmd: cmdList, probe: true, bare: true})
			cancel()
			if p.heardSince(asked) {
				break
			}
		}
		if p.heardSince(since) {
			since = time.Unix(0, p.heardAt.Load())
		}
		p.suspect(since)
		if time.Since(since) >= downAfter*p.s.cfg.Timeout {
			p.markDown()
		}
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
func (p *Peer) suspect(since time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.silentAt.IsZero() && time.Since(since) >= probeAfter {
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
	if p.down && time.Since(p.wanted) > idle {
		p.down = false // whoever comes next finds out anew
	}
	if p.down || p.waiting.Load() > 0 {
		return false
	}
	p.probing = false
	return true
}
