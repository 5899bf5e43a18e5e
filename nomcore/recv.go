package nomcore

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"runtime/debug"
	"time"

	"nomfs/auth"
	"nomfs/codec"
)

// errNotDelivered marks an operation of which we know that it never reached
// the peer.
var errNotDelivered = errors.New("not delivered")

// job is one request to be run.
type job struct {
	peer  *Peer
	pkt   packet
	token dedupToken
}

// serve is the receive loop. Nothing that arrives ends it; only closing the
// socket does.
func (s *Service) serve() {
	buf := make([]byte, recvBuffer)
	for {
		n, from, err := s.conn.read(buf)
		var closed *refusedError
		switch {
		case err == nil:
			s.receive(buf[:n], from)
		case errors.As(err, &closed):
			s.portClosed(closed)
		case s.ctx.Err() != nil:
			return
		case fatalRead(err):
			s.log.Error("socket failed", "err", err)
			s.failCalls(func(*call) error { return ErrClosed }, true)
			return
		}
	}
}

// receive takes one datagram. It never blocks and runs no code of the
// application.
func (s *Service) receive(b []byte, from netip.AddrPort) {
	s.stats.received.Add(1)
	if !plainAllowed(s.cfg.Plain, from.Addr()) {
		s.stats.refused.Add(1)
		return
	}
	pkt, err := parsePacket(b)
	if err != nil {
		s.badDatagram(b, from, err)
		return
	}
	if pkt.isReply() {
		s.receiveReply(pkt, from)
		return
	}
	if _, ok := pkt.get(attrXID); !ok && pkt.cmd != cmdDesync {
		s.logBad(from, errBadPacket) // it could not be answered: a reply needs the xid
		return
	}
	p := s.peer(from)
	p.heard()
	var token dedupToken
	switch pkt.cmd {
	case cmdDesync:
		p.desync()
		return
	case cmdSync:
		s.dedup.forget(from)
	default:
		verdict, answer, t := s.dedup.begin(from, b)
		switch verdict {
		case dedupDrop:
			s.stats.dupDropped.Add(1)
			return
		case dedupReplay:
			s.stats.dupReplayed.Add(1)
			_ = s.send(answer, from) // lost like any datagram: the client asks again
			return
		}
		token = t
	}
	if !s.work.submit(job{peer: p, pkt: pkt, token: token}) {
		s.stats.overload.Add(1)
		s.dedup.cancel(token)
	}
}

// receiveReply gives an answer to whoever waits for it.
func (s *Service) receiveReply(pkt packet, from netip.AddrPort) {
	xid, ok := pkt.xid()
	if !ok {
		s.logBad(from, errBadPacket)
		return
	}
	if !s.end(xid, from, callResult{pkt: pkt}) {
		s.stats.stray.Add(1)
	}
	s.heardFrom(from)
}

// heardFrom notes a sign of life of a peer that we know. An answer of an
// unknown one makes no entry.
func (s *Service) heardFrom(from netip.AddrPort) {
	s.peersMu.Lock()
	p := s.peers[from]
	s.peersMu.Unlock()
	if p != nil {
		p.heard()
	}
}

// badDatagram counts what cannot be parsed. Where its transaction can be made
// out, whoever waits is told: our own caller that the answer is no use, the
// peer that the request was not understood.
func (s *Service) badDatagram(b []byte, from netip.AddrPort, err error) {
	s.logBad(from, err)
	xid, reply, ok := salvage(b)
	if !ok {
		return
	}
	if reply {
		s.end(xid, from, callResult{err: errors.Join(ErrProtocol, err)})
		s.heardFrom(from)
		return
	}
	if cmd := command(b[0]); cmd == cmdDesync {
		return
	}
	req := packet{cmd: command(b[0]), attrs: []codec.Attr{{Name: attrXID, Value: codec.Int(xid)}}}
	s.answer(s.peer(from), &req, answer{err: exception("ValueError", err.Error())})
}

// portClosed handles the message that a datagram of ours found nobody
// listening. The operation that it quotes never ran; what else waits for that
// peer may have.
func (s *Service) portClosed(e *refusedError) {
	xid, reply, quoted := salvage(e.datagram)
	s.failCalls(func(c *call) error {
		if c.to != e.to {
			return nil
		}
		if quoted && !reply && s.calls[xid] == c && c.sent <= 1 {
			return errors.Join(ErrUnreachable, errNotDelivered)
		}
		return ErrUnreachable
	}, false)
}

// desync forgets that the peer was admitted.
func (p *Peer) desync() {
	p.admitMu.Lock()
	p.admitAsked = false
	p.admitMu.Unlock()
	p.s.dedup.forget(p.addr)
}

// callerKey is the key of the caller's identity in a handler's context.
type callerKey struct{}

// CallerFrom returns who asked for the operation that a method of an object
// performs.
func CallerFrom(ctx context.Context) (auth.Identity, bool) {
	who, ok := ctx.Value(callerKey{}).(auth.Identity)
	return who, ok
}

// identity is what is known about who the peer is.
func (p *Peer) identity() auth.Identity { return auth.Identity{Addr: p.addr} }

// admission asks the authenticator whether the peer may talk to us, once for
// each authenticator and again at each SYNC. nil means yes.
func (p *Peer) admission(ctx context.Context, again bool) error {
	a, epoch := p.s.authenticator()
	p.admitMu.Lock()
	defer p.admitMu.Unlock()
	if !p.admitAsked || p.admitEpoch != epoch || again {
		p.admitted = a.Admit(ctx, p.identity())
		p.admitAsked, p.admitEpoch = true, epoch
		if p.admitted != nil {
			p.s.log.Info("client refused", "client", p.addr, "err", p.admitted)
		}
	}
	return p.admitted
}

// handle runs one request and answers it, whatever the code that it runs does.
func (s *Service) handle(j job) {
	ctx := withLog(context.WithValue(s.ctx, callerKey{}, j.peer.identity()), s.log)
	j.peer.inbound.Add(1)
	done := false
	var a answer
	defer func() {
		if v := recover(); v != nil || !done {
			// A panic, or Goexit by the application's code.
			s.stats.handlerErrors.Add(1)
			s.log.Error("handler failed", "op", j.pkt.cmd, "panic", v, "stack", string(debug.Stack()))
			text := "the method ended its goroutine"
			if v != nil {
				text = fmt.Sprint(v)
			}
			a = answer{err: exception("RuntimeError", text)}
		}
		s.dedup.finish(j.token, s.answer(j.peer, &j.pkt, a))
		j.peer.inbound.Add(-1)
		j.peer.win.wake()
	}()
	start := time.Now()
	a = s.execute(ctx, j.peer, &j.pkt)
	done = true
	if a.err != nil {
		s.log.Debug("request failed", "client", j.peer.addr, "op", j.pkt.cmd, "err", a.err, "took", time.Since(start))
	}
}
