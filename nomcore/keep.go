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
				p.keepOriginal(now)
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

// runs notes that a request outside a session takes long: nothing is heard of its
// client meanwhile.
func (p *Peer) runs(j *job) {
	if j.sess != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.overdue == nil {
		p.overdue = make(map[*requestContext]struct{})
	}
	p.overdue[j.ctx] = struct{}{}
}

// ran notes that such a request has ended.
func (p *Peer) ran(j *job) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.overdue, j.ctx)
}

// keepOriginal asks an original, or a guest, whether it is there, if it has
// references or waits for what takes long. What runs for one that has been silent
// for as long as a session is kept is cancelled.
func (p *Peer) keepOriginal(now int64) {
	if p.isOurs.Load() {
		return
	}
	p.mu.Lock()
	waits := len(p.overdue) > 0
	silence := now - p.heardAt.Load()
	if silence >= int64(sessionKept) {
		for ctx := range p.overdue {
			ctx.cancel(true)
			delete(p.overdue, ctx)
		}
	}
	p.mu.Unlock()
	if waits && silence >= int64(keepEvery) || !p.validated.Load() && p.s.reg.references(p.refs) > 0 {
		p.challenge()
	}
}
