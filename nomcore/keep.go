package nomcore

import (
	"context"
	"time"
)

// housekeep ends leases and gives references back, from time to time.
func (s *Service) housekeep() {
	tick := time.NewTicker(housekeepEvery)
	defer tick.Stop()
	for {
		select {
		case now := <-tick.C:
			s.dedup.sweep(now)
			s.sessions.sweep(now)
			for _, p := range s.allPeers() {
				p.keep(now)
			}
		case <-s.ctx.Done():
			return
		}
	}
}

// keep does what is due for one peer. What needs packets is done elsewhere, so
// that a peer that does not answer holds up no other.
func (p *Peer) keep(now time.Time) {
	if !p.isOurs.Load() {
		return // an original gives no sign of life and takes no reference back
	}
	if now.UnixNano()-p.heardAt.Load() > int64(leaseTime) {
		p.s.reg.drop(p.refs)
		p.received.clear() // it is gone, or has given us up long since
	}
	held, pending := p.received.size()
	renew := held > 0 && now.UnixNano()-p.sentAt.Load() > int64(renewEvery)
	if pending == 0 && !renew {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.keeping || p.down {
		return
	}
	p.keeping = p.s.spawn(func() {
		ctx, cancel := context.WithTimeout(p.s.ctx, leaseTime/2)
		defer cancel()
		p.flushReleases(ctx)
		if renew {
			// Lost, the lease may end; the references are stale then.
			_, _ = p.command(ctx, opRenew)
		}
		p.mu.Lock()
		p.keeping = false
		p.mu.Unlock()
	})
}
