package nomcore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"nomfs/codec"
)

// Connect synchronizes with the peer at addr, host[:port]. A peer that refuses
// us is ErrRefused. Connecting again is harmless.
func (s *Service) Connect(ctx context.Context, addr string) (*Peer, error) {
	to, err := resolve(ctx, addr, DefaultPort)
	if err != nil {
		return nil, err
	}
	if to.Addr().IsUnspecified() || to.Port() == 0 {
		return nil, fmt.Errorf("address %s: want the address of a peer", to)
	}
	p := s.peer(to, true)
	p.named.Store(true)
	if err := p.Reconnect(ctx); err != nil {
		return nil, err
	}
	return p, nil
}

// sync sends SYNC, learns what the peer offers, and opens a session with a peer
// of ours, or goes on in the one that is open.
func (p *Peer) sync(ctx context.Context) error {
	sess := p.sess.Load()
	if sess == nil {
		sess = newClientSession()
	}
	rq := request{cmd: cmdSync, resend: true, bare: true}
	if !p.s.cfg.NoExtensions {
		x := p.s.nomx()
		x.nonce = sess.id
		rq.attrs = []codec.Attr{{Name: attrNomx, Value: x.value()}}
	}
	pkt, err := p.s.roundTrip(ctx, p, rq)
	if err != nil {
		return err
	}
	v, err := p.result(pkt, "")
	if err != nil {
		return err
	}
	if accepted, ok := v.(codec.Bool); !ok || !bool(accepted) {
		return fmt.Errorf("%s: %w", p.addr, ErrRefused)
	}
	x, ours := p.offered(&pkt)
	p.learn(x, ours)
	switch {
	case x.flags&extSession == 0:
		p.sess.Store(nil)
	case sess.boot == bootID{}: // a new one
		sess.boot = x.boot
		copy(sess.cookie[:], x.nonce[:])
		p.sess.Store(sess)
	case sess.boot != x.boot:
		// It was restarted, and the numbers of the old session mean nothing
		// to it.
		p.sess.CompareAndSwap(sess, nil)
		return p.sync(ctx)
	}
	return nil
}

// session returns the session to ask in, and opens one where there is none.
// Towards an original peer it is nil.
func (p *Peer) session(ctx context.Context) (*clientSession, error) {
	for {
		if sess := p.sess.Load(); sess != nil {
			return sess, nil
		}
		if p.s.cfg.NoExtensions || p.synced.Load() && p.ext.Load()&extSession == 0 {
			return nil, nil
		}
		select {
		case p.syncing <- struct{}{}:
		case <-ctx.Done():
			w := waiter{s: p.s, p: p, rq: &request{cmd: cmdSync}, start: time.Now()}
			return nil, w.ended(ctx, false)
		}
		var err error
		if p.sess.Load() == nil {
			err = p.sync(ctx)
		}
		<-p.syncing
		if errors.Is(err, ErrRefused) {
			return nil, nil // it will say so to the request itself
		}
		if err != nil {
			return nil, err
		}
	}
}

// offered reads the nomx of a SYNC or its reply; ours says whether there is one.
func (p *Peer) offered(pkt *packet) (x nomx, ours bool) {
	v, ok := pkt.get(attrNomx)
	if !ok || p.s.cfg.NoExtensions {
		return nomx{}, false
	}
	x, err := parseNomx(v)
	if err != nil {
		return nomx{}, false
	}
	return x, true
}

// learn takes note of what the peer is. One of ours that was restarted has
// forgotten what it held and gave.
func (p *Peer) learn(x nomx, ours bool) {
	p.isOurs.Store(ours)
	p.ext.Store(x.flags & extOffered)
	p.synced.Store(true)
	p.mu.Lock()
	restarted := p.boot != bootID{} && p.boot != x.boot
	p.boot, p.offer = x.boot, nil
	p.mu.Unlock()
	if !ours {
		p.sess.Store(nil)
	}
	p.s.reg.setOurs(p.refs, ours)
	if restarted {
		p.s.reg.drop(p.refs)
		p.received.clear()
	}
}

// heardSync takes note of a SYNC of the peer. Anybody can send one in its name,
// so what contradicts what is known is only believed once it is proven: by a
// request of the new session, or by an answer to our own SYNC, which is sent now.
func (p *Peer) heardSync(x nomx, ours bool) {
	p.mu.Lock()
	known := p.synced.Load()
	same := ours == p.isOurs.Load() && x.boot == p.boot
	ask := false
	if known && !same {
		p.offer = nil
		if ours {
			p.offer = &x
		}
		ask = time.Since(p.checked) >= probeAfter && p.proven.Load()
		if ask {
			p.checked = time.Now()
		}
	}
	p.mu.Unlock()
	switch {
	case !known:
		p.learn(x, ours)
	case ask:
		p.s.spawn(func() {
			ctx, cancel := context.WithTimeout(p.s.ctx, p.s.cfg.Timeout)
			defer cancel()
			// Without an answer what was known stays.
			_ = p.sync(ctx)
		})
	}
}

// provenSync believes the SYNC whose session a request has come in.
func (p *Peer) provenSync() {
	p.mu.Lock()
	offer := p.offer
	p.mu.Unlock()
	if offer != nil {
		p.learn(*offer, true)
	}
}

// becomeOriginal takes note that the peer answers as an original does.
func (p *Peer) becomeOriginal(sess *clientSession) {
	p.sess.CompareAndSwap(sess, nil)
	p.learn(nomx{}, false)
}

// Disconnect tells the peer that we are gone and need no reference of it any
// more. It is not answered.
func (p *Peer) Disconnect(context.Context) error {
	out := p.s.outbox(p, p.refs, source{})
	defer out.release()
	pkt := packet{cmd: cmdDesync}
	if sess := p.sess.Load(); sess != nil {
		// In its name anybody could end what we hold; the session proves us.
		tag := sessionTag{session: sess.id, boot: sess.boot, seq: 1, cookie: sess.cookie}
		pkt.attrs = append(pkt.attrs, codec.Attr{Name: attrNomq, Value: tag.value()})
	}
	pkt.attrs = append(pkt.attrs, codec.Attr{Name: attrXID, Value: codec.Int(randomXID())})
	if err := out.encode(pkt); err != nil {
		return err
	}
	p.received.clear()
	return p.s.send(out.buf, p)
}
