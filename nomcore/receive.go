package nomcore

import (
	"bytes"
	"fmt"
	"net/netip"

	"nomfs/codec"
	"nomfs/nomcore/transport"
	"nomfs/nomcore/wire"
)

// receive takes one datagram: it gives an answer to the operation that waits for
// it, and runs a request, or has it run.
func (w *worker) receive(b []byte, from netip.AddrPort, at netip.Addr) {
	s := w.s
	s.stats.received.Add(1)
	if !plainAllowed(s.cfg.Plain, from.Addr()) {
		s.stats.refused.Add(1)
		return
	}
	now := s.now()
	p := s.peers.known(from)
	validated := p != nil && p.validated.Load()
	verdict := sourceServe
	switch hello := isHello(b); {
	case validated:
	case hello && !s.sources.takeHello(now):
		s.stats.overload.Add(1)
		return
	case !hello:
		if verdict = s.sources.take(from, len(b), now); verdict == sourceDrop {
			s.peers.hold(from, b, at, true)
			return
		}
	}
	s.trace.packet(b, from, false)
	if err := w.pkt.Parse(b); err != nil {
		w.badDatagram(b, from, validated, err)
		return
	}
	pkt := &w.pkt
	switch {
	case pkt.IsReply():
		s.receiveReply(b, pkt, p, from, now)
	case !pkt.Has(wire.XID) && pkt.Cmd != wire.Desync:
		s.logBad(from, fmt.Errorf("%w: no xid", wire.ErrPacket)) // it could not be answered
	case validated:
		p.heard(now)
		p.reachedAt(at)
		w.receiveRequest(p, b, at)
	default:
		w.receiveUnvalidated(p, b, from, at, verdict)
	}
}

// isHello reports whether a datagram may be the SYNC of a peer of ours. It is read
// however many of them come: to answer one costs little and leaves nothing
// behind, and nobody gets in without.
func isHello(b []byte) bool {
	return len(b) > wire.NomxSize && len(b) <= helloMost && wire.Command(b[0]) == wire.Sync
}

// receiveRequest takes a request of a validated address.
func (w *worker) receiveRequest(p *Peer, b []byte, at netip.Addr) {
	pkt := &w.pkt
	switch {
	case pkt.Cmd == wire.Desync:
		p.desync(pkt)
	case pkt.Cmd == wire.Sync:
		w.receiveSync(p, b)
	case pkt.Has(wire.Nomq) && !w.s.cfg.NoExtensions:
		w.receiveTagged(p, b, at)
	default:
		w.receiveUntagged(p, b, at)
	}
}

// receiveUnvalidated takes a request of an address that may be forged. Nothing is
// kept of a peer of ours before it has repeated its cookie; others are served as
// guests.
func (w *worker) receiveUnvalidated(p *Peer, b []byte, from netip.AddrPort, at netip.Addr, verdict sourceVerdict) {
	s, pkt := w.s, &w.pkt
	hello, ours := s.helloIn(pkt)
	switch {
	case pkt.Cmd == wire.Desync:
		return // there is nothing to forget
	case pkt.Cmd == wire.Sync && ours:
		if !s.cookies.valid(hello.Nonce, from, s.now()) {
			s.answerStateless(pkt, from, at, answer{result: codec.Bool(true), hello: s.helloTo(hello.Nonce, from)})
			return
		}
		p = s.peers.validate(from)
		p.reachedAt(at)
		w.receiveSync(p, b)
		return
	case pkt.Has(wire.Nomq) && !s.cfg.NoExtensions:
		tag, err := tagIn(pkt)
		if err != nil {
			s.logBad(from, err)
			return
		}
		s.answerStateless(pkt, from, at, s.unknownSession(tag.Seq))
		return
	}
	if isHello(b) && s.sources.take(from, len(b), s.now()) == sourceDrop {
		return // no peer of ours after all
	}
	if p == nil {
		p = s.peers.guest(from)
	}
	p.reachedAt(at)
	p.heard(s.now())
	p.addCredit(len(b))
	if verdict == sourceChallenge {
		p.challenge()
	}
	if pkt.Cmd == wire.Sync {
		w.receiveSync(p, b)
	} else {
		w.receiveUntagged(p, b, at)
	}
}

// tagIn reads nomq of a request.
func tagIn(pkt *wire.Packet) (wire.Tag, error) {
	b, ok := pkt.Text(wire.Nomq)
	if !ok {
		return wire.Tag{}, fmt.Errorf("%w: nomq is no string", wire.ErrPacket)
	}
	return wire.ParseTag(b)
}

// receiveUntagged runs a request outside any session, unless it is a copy.
func (w *worker) receiveUntagged(p *Peer, b []byte, at netip.Addr) {
	s := w.s
	xid, _ := w.pkt.Int(wire.XID)
	verdict, kept, replay := s.dups.begin(p.addr, xid, b, s.now())
	j := w.newJob(p, b)
	j.dup = kept
	j.raw = bytes.Clone(b)
	switch verdict {
	case dupRunning:
		s.stats.dupRunning.Add(1)
		return
	case dupReplay:
		s.stats.dupReplayed.Add(1)
		j.replay = replay
	}
	w.job = j
	if !w.start(b, at) {
		s.dups.cancel(kept)
		s.answer(&j, answer{err: errBusy})
	}
}

// receiveTagged runs a request of a session, unless it has run.
func (w *worker) receiveTagged(p *Peer, b []byte, at netip.Addr) {
	s := w.s
	tag, err := tagIn(&w.pkt)
	if err != nil {
		s.logBad(p.addr, err)
		return
	}
	j := w.newJob(p, b)
	j.seq = tag.Seq
	if tag.Boot == s.boot {
		j.sess = p.session(tag.Session)
	}
	if j.sess == nil {
		s.answerUntold(&j, s.unknownSession(tag.Seq))
		return
	}
	verdict, replay := j.sess.begin(&tag, w.harmless(), s.now())
	switch verdict {
	case seqRun:
	case seqReplay:
		s.stats.dupReplayed.Add(1)
		j.replay = replay
	case seqRunning:
		s.stats.dupRunning.Add(1)
		s.sendAck(p, j.xid, tag.Seq, wire.AckRunning)
		return
	case seqLost:
		s.answerUntold(&j, answer{err: exception("RuntimeError", ErrResultLost.Error()), flags: wire.AckLost})
		return
	case seqBusy:
		s.stats.overload.Add(1)
		s.sendAck(p, j.xid, tag.Seq, wire.AckBusy)
		return
	default: // acknowledged already
		s.stats.dupRunning.Add(1)
		return
	}
	w.job = j
	if !w.start(b, at) {
		s.stats.overload.Add(1)
		j.sess.abandon(tag.Seq)
		s.sendAck(p, j.xid, tag.Seq, wire.AckBusy)
	}
}

// start runs the job of the worker: here, or on a goroutine of its own where its
// method is known to take long. It reports false where there is no room for
// that, or where the client has more calls than it may have: the next one could
// take long as well.
func (w *worker) start(b []byte, at netip.Addr) bool {
	if s, p := w.s, w.job.p; !w.aboutConnection() {
		if s.calls.overdrawn(&p.calls) || s.callBytes.overdrawn(&p.callBytes) {
			return false
		}
		if s.slow.take(w.job.method) {
			return w.handOff(b, at)
		}
	}
	w.job.attach(w)
	w.run()
	return true
}

// harmless reports whether running the request twice does nothing else than
// running it once.
func (w *worker) harmless() bool {
	if w.pkt.Cmd != wire.Pull {
		return true
	}
	op := w.operation()
	return op != nil && op.safe
}

// aboutConnection reports whether the request is about the connection, such as
// one that makes room: these are never refused for want of it.
func (w *worker) aboutConnection() bool {
	op := w.operation()
	return op != nil && op.bare
}

// operation returns the operation of a PULL, nil for none.
func (w *worker) operation() *operation {
	name, _ := w.pkt.Text(wire.Op)
	return ops[string(name)]
}

// receiveReply gives an answer to the operation that waits for it.
func (s *Service) receiveReply(b []byte, pkt *wire.Packet, p *Peer, from netip.AddrPort, now int64) {
	xid, ok := pkt.Transaction()
	if !ok {
		s.logBad(from, fmt.Errorf("%w: a reply without an xid", wire.ErrPacket))
		return
	}
	if p == nil {
		if p = s.peers.knownGuest(from); p == nil {
			s.stats.stray.Add(1)
			return
		}
	}
	switch {
	case p.deliver(xid, b, pkt, now):
	case p.answersChallenge(xid):
	default:
		s.stats.stray.Add(1)
		if p.validated.Load() {
			p.heard(now)
		}
		return
	}
	p.heard(now)
	if !p.validated.Load() {
		s.peers.validate(from)
	}
}

// badDatagram counts what cannot be parsed. Where its transaction can be made
// out, whoever waits is told: our own operation that the answer is of no use,
// the peer that the request was not understood.
func (w *worker) badDatagram(b []byte, from netip.AddrPort, validated bool, err error) {
	s := w.s
	s.logBad(from, err)
	xid, reply, ok := wire.Salvage(b)
	if !ok {
		return
	}
	p := s.peers.known(from)
	if reply {
		if p != nil {
			p.failCall(xid, fmt.Errorf("%w: %w", ErrProtocol, err))
		}
		return
	}
	if wire.Command(b[0]) == wire.Desync {
		return
	}
	if p == nil || !validated {
		p = s.peers.guest(from)
		p.addCredit(len(b))
	}
	w.pkt = wire.Packet{Cmd: wire.Command(b[0])}
	s.answer(&job{s: s, p: p, w: w, xid: codec.AppendInt(nil, int64(xid))}, answer{err: exception("ValueError", err.Error())})
}

// portClosed handles the message that a datagram of ours found nobody
// listening. The operation that it quotes never ran; what else waits for that
// peer may have.
func (s *Service) portClosed(e *transport.ClosedError) {
	p := s.peers.known(e.To)
	if p == nil {
		return
	}
	xid, reply, quoted := wire.Salvage(e.Datagram)
	p.failCalls(ErrUnreachable, func(c *call) error {
		if quoted && !reply && c.xid == xid && c.sent <= 1 {
			return errNobodyThere
		}
		return ErrUnreachable
	})
}

// desync is told by a peer that is gone. If the tag proves that the peer itself
// says so, what it holds is given back, and what it gave is of no use any more.
func (p *Peer) desync(pkt *wire.Packet) {
	if !pkt.Has(wire.Nomq) {
		return // anybody can send that in its name
	}
	tag, err := tagIn(pkt)
	if err != nil || tag.Boot != p.s.boot || p.session(tag.Session) == nil {
		return
	}
	p.admission.stale.Store(true)
	p.s.reg.drop(p.refs)
	p.received.clear()
}
