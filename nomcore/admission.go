package nomcore

import (
	"context"
	"sync"
	"sync/atomic"

	"nomfs/auth"
)

// admission is what the authenticator said to a client's coming.
type admission struct {
	stale   atomic.Bool   // the client said that it is gone: ask again
	welcome atomic.Uint64 // number of the authenticator that admits it, plus one; 0 for none

	mu      sync.Mutex // held while the authenticator is asked
	refused error      // nil: admitted
	epoch   uint64     // number of the authenticator that was asked
	asked   bool
}

// admitted asks the authenticator whether the client may talk to us, once for
// each authenticator and again at each SYNC. nil means yes.
func (p *Peer) admitted(ctx context.Context, again bool) error {
	auth, epoch := p.s.authenticator()
	a := &p.admission
	if !again && a.welcome.Load() == epoch+1 && !a.stale.Load() {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.stale.Swap(false) || !a.asked || a.epoch != epoch || again {
		a.refused = auth.Admit(ctx, p.identity())
		a.asked, a.epoch = true, epoch
		a.welcome.Store(0)
		if a.refused == nil {
			a.welcome.Store(epoch + 1)
		} else {
			p.s.log.Info("client refused", "client", p.addr, "err", a.refused)
		}
	}
	return a.refused
}

// allow asks the authenticator. Its reasons go to the log, not to the client.
func (s *Service) allow(ctx context.Context, p *Peer, req auth.Request) error {
	if req.Right == auth.RightNone {
		return errDenied
	}
	a, _ := s.authenticator()
	if err := a.Allow(ctx, p.identity(), req); err != nil {
		s.log.Debug("access denied", "client", p.addr, "op", req.Op, "attr", req.Attr, "err", err)
		return errDenied
	}
	return nil
}
