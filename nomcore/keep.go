package nomcore

import (
	"context"
	"time"

	"nomfs/nomcore/wire"
)

// housekeep ends leases and sessions and gives references back, from time to
// time.
func (s *Service) housekeep() {
	tick := time.NewTicker(housekeepEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			now := s.now()
			s.dups.sweep(now)
			s.peers.dropHeld(now)
			for _, p := range s.peers.all() {
				p.expireSessions(now)
				p.keep(now)
				if !p.validated.Load() && s.reg.references(p.refs) > 0 {
					p.challenge() // one that is there keeps them
				}
			}
		case <-s.ctx.Done():
			return
		}
	}
}

// keep does what is due for one peer. What needs packets is done elsewhere, so
// that a peer that does not answer holds up no other.
func (p *Peer) keep(now int64) {
	if !p.isOurs.Load() {
		return // an original gives no sign of life and takes no reference back
	}
	if now-p.heardAt.Load() > int64(leaseTime) {
		p.s.reg.drop(p.refs)
		p.received.clear() // it is gone, or has given us up long since
	}
	held, pending := p.received.size()
	show := held > 0 && now-p.sentAt.Load() > int64(keepEvery)
	if pending == 0 && !show || p.down.Load() {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.keeping {
		return
	}
	p.keeping = p.s.tasks.start(func() {
		ctx, cancel := context.WithTimeout(p.s.ctx, leaseTime/2)
		defer cancel()
		p.flushReleases(ctx)
		if show {
			// Any request of the session shows that we are there. Lost, the lease
			// may end; the references are stale then.
			if c, err := p.roundTrip(ctx, &request{cmd: wire.Pull, op: ops[opRunning], seq: noSeqs, resend: true}); err == nil {
				p.ask().release(c)
			}
		}
		p.mu.Lock()
		p.keeping = false
		p.mu.Unlock()
	})
}
