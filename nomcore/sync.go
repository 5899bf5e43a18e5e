package nomcore

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"nomfs/codec"
	"nomfs/nomcore/transport"
	"nomfs/nomcore/wire"
)

// Connect synchronizes with the peer at addr, host[:port]. A peer that refuses
// us is ErrRefused. Connecting again is harmless.
func (s *Service) Connect(ctx context.Context, addr string) (*Peer, error) {
	to, err := transport.Resolve(ctx, addr, DefaultPort)
	if err != nil {
		return nil, err
	}
	if to.Addr().IsUnspecified() || to.Port() == 0 {
		return nil, fmt.Errorf("address %s: want the address of a peer", to)
	}
	p := s.peers.chosen(to)
	p.named.Store(true)
	if err := p.Reconnect(ctx); err != nil {
		return nil, err
	}
	return p, nil
}

// Reconnect synchronizes with the peer anew, as Service.Connect does.
func (p *Peer) Reconnect(ctx context.Context) error {
	p.down.Store(false) // somebody wants it tried
	ask, start := p.ask(), time.Now()
	select {
	case ask.syncing <- struct{}{}:
	case <-ctx.Done():
		return p.notSent(ctx, wire.Sync.String(), start)
	}
	defer func() { <-ask.syncing }()
	return p.sync(ctx)
}

// maxHellos bounds the SYNCs of one synchronization: one that brings a cookie,
// one that repeats it, and one more of each where it was too old.
const maxHellos = 4

// sync sends SYNC, learns what the peer offers, and opens a session with a peer
// of ours, or goes on in the one that is open. ask.syncing must be held.
func (p *Peer) sync(ctx context.Context) error {
	ask := p.ask()
	var nonce wire.SessionID
	if sess := ask.sess.Load(); sess != nil {
		nonce = sess.id
	} else {
		randomBytes(nonce[:])
	}
	for range maxHellos {
		a, err := p.hello(ctx, nonce)
		if err != nil {
			return err
		}
		x, ours := p.s.helloIn(&a.pkt)
		home, _ := p.s.homeIn(&a.pkt)
		p.learn(x, ours, home)
		ask.unsure.Store(false)
		ask.release(a)
		switch {
		case x.Flags&wire.ExtSession == 0:
			ask.sess.Store(nil)
			return nil
		case x.Nonce == nonce:
			if sess := ask.sess.Load(); sess == nil || sess.id != nonce {
				ask.sess.Store(newClientSession(nonce, x.Boot))
			}
			return nil
		}
		nonce = x.Nonce
		ask.sess.Store(nil) // the peer does not know it
	}
	return fmt.Errorf("%s: %w: it opens no session", p.addr, ErrProtocol)
}

// hello sends one SYNC and returns its answer.
func (p *Peer) hello(ctx context.Context, nonce wire.SessionID) (*call, error) {
	rq := request{cmd: wire.Sync, resend: true, bare: true}
	if !p.s.cfg.NoExtensions {
		rq.hello = p.s.ownHello(nonce)
		rq.home, _ = p.s.homeFor(p) // without it the peer goes by our address
	}
	a, err := p.roundTrip(ctx, &rq)
	if err != nil {
		return nil, err
	}
	v, err := a.pkt.Value(wire.Result)
	if accepted, ok := v.(codec.Bool); err != nil || !ok || !bool(accepted) {
		p.ask().release(a)
		return nil, fmt.Errorf("%s: %w", p.addr, ErrRefused)
	}
	return a, nil
}

// session returns the session to ask in, and opens one where there is none.
// Towards an original peer it is nil.
func (p *Peer) askingSession(ctx context.Context) (*clientSession, error) {
	ask := p.ask()
	for {
		if sess := ask.sess.Load(); sess != nil {
			return sess, nil
		}
		if p.s.cfg.NoExtensions || p.synced.Load() && !ask.unsure.Load() && p.ext.Load()&wire.ExtSession == 0 {
			return nil, nil
		}
		start := time.Now()
		select {
		case ask.syncing <- struct{}{}:
		case <-ctx.Done():
			return nil, p.notSent(ctx, wire.Sync.String(), start)
		}
		var err error
		if ask.sess.Load() == nil {
			err = p.sync(ctx)
		}
		<-ask.syncing
		if errors.Is(err, ErrRefused) {
			return nil, nil // it will say so to the request itself
		}
		if err != nil {
			return nil, err
		}
	}
}

// ownHello returns the nomx that we send.
func (s *Service) ownHello(nonce wire.SessionID) []byte {
	x := wire.Hello{Version: wire.NomxVersion, Flags: wire.ExtAll, Boot: s.boot, Nonce: nonce}
	return x.Append(nil)
}

// helloTo returns the nomx that answers a SYNC with that nonce, with a cookie
// for its address.
func (s *Service) helloTo(nonce wire.SessionID, addr netip.AddrPort) []byte {
	return s.ownHello(s.cookies.make(nonce, addr, s.now()))
}

// helloIn reads the nomx of a SYNC or its answer; ours says whether there is one.
func (s *Service) helloIn(pkt *wire.Packet) (x wire.Hello, ours bool) {
	if !pkt.Has(wire.Nomx) || s.cfg.NoExtensions {
		return wire.Hello{}, false
	}
	b, _ := pkt.Text(wire.Nomx)
	x, err := wire.ParseHello(b)
	return x, err == nil
}

// homeIn reads the home of a SYNC or its answer.
func (s *Service) homeIn(pkt *wire.Packet) (codec.Home, bool) {
	b, ok := pkt.Text(wire.Home)
	if !ok {
		return "", false
	}
	h := codec.Home(b)
	_, _, ok = h.Addr()
	return h, ok
}

// receiveSync answers a SYNC of a validated address, or of a guest. Anybody can
// send one in the peer's name: what contradicts what is known counts only with a
// cookie, or with the answer to a SYNC of our own, which is sent then.
func (w *worker) receiveSync(p *Peer, b []byte) {
	s, pkt := w.s, &w.pkt
	x, ours := s.helloIn(pkt)
	j := w.newJob(p, b)
	switch {
	case !ours:
		if xid, ok := pkt.Int(wire.XID); ok {
			s.dups.sync(p.addr, xid)
		}
		if !p.synced.Load() {
			p.learn(x, false, "")
		} else if p.isOurs.Load() {
			p.check()
		}
	case p.session(x.Nonce) != nil:
		j.hello = s.ownHello(x.Nonce)
	case s.cookies.valid(x.Nonce, p.addr, s.now()):
		home, _ := s.homeIn(pkt)
		p.learn(x, true, home)
		if p.openSession(x.Nonce) {
			j.hello = s.ownHello(x.Nonce)
		} else { // no room: it is served as an original is
			none := wire.Hello{Version: wire.NomxVersion, Flags: wire.ExtAll &^ wire.ExtSession, Boot: s.boot}
			j.hello = none.Append(nil)
		}
	default:
		j.hello = s.helloTo(x.Nonce, p.addr)
	}
	w.job = j
	w.job.attach(w)
	w.run()
}

// check asks a peer what it is, since something in its name says that it is
// another now. Without an answer what was known stays.
func (p *Peer) check() {
	now := p.s.now()
	p.mu.Lock()
	due := p.checked == 0 || now-p.checked >= int64(probeAfter)
	if due {
		p.checked = now
	}
	p.mu.Unlock()
	if due {
		p.s.tasks.start(func() {
			ctx, cancel := context.WithTimeout(p.s.ctx, p.s.cfg.Timeout)
			defer cancel()
			_ = p.Reconnect(ctx)
		})
	}
}

// answersAsOriginal takes note that the peer has answered as an original does. An
// original may have taken its place: the next request is preceded by a SYNC, which
// tells for certain.
func (p *Peer) answersAsOriginal(sess *clientSession) {
	ask := p.ask()
	ask.unsure.Store(true)
	ask.sess.CompareAndSwap(sess, nil)
}

// Disconnect tells the peer that we are gone and need no reference of it any
// more. It is not answered.
func (p *Peer) Disconnect(context.Context) error {
	var out wire.Writer
	out.Begin(wire.Desync)
	if sess := p.ask().sess.Load(); sess != nil {
		// In our name anybody could end what we hold; the session shows that we
		// send it.
		tag := wire.Tag{Session: sess.id, Boot: sess.boot, Seq: 1}
		out.Bytes(wire.Nomq, tag.Append(nil))
	}
	out.Int(wire.XID, int64(randomXID()))
	p.imports.clear()
	return p.s.send(out.End(), p, false)
}
