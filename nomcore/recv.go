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

// job is one request to be run.
type job struct {
	peer  *Peer
	pkt   packet
	token dedupToken  // of a request outside a session
	tag   *sessionTag // nil outside a session
	entry *seqEntry   // nil where the session is unknown

	urgent bool // it is run by the workers for what is urgent
}

// serve is the receive loop. Nothing that arrives ends it; only closing the
// socket does.
func (s *Service) serve() {
	buf := make([]byte, recvBuffer)
	for {
		n, from, at, err := s.conn.read(buf)
		var closed *refusedError
		switch {
		case err == nil:
			s.receive(buf[:n], from, at)
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
func (s *Service) receive(b []byte, from netip.AddrPort, at netip.Addr) {
	s.stats.received.Add(1)
	if !plainAllowed(s.cfg.Plain, from.Addr()) {
		s.stats.refused.Add(1)
		return
	}
	p := s.known(from)
	if (p == nil || !p.proven.Load()) && !s.strangersAllowed() {
		s.stats.overload.Add(1)
		return
	}
	s.trace.packet(b, from, false)
	s.process(b, from, at)
}

// process takes one datagram that is worth reading.
func (s *Service) process(b []byte, from netip.AddrPort, at netip.Addr) {
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
	j := job{peer: s.peer(from, false), pkt: pkt}
	j.peer.reachedAt(at)
	if v, ok := pkt.get(attrNomq); ok && !s.cfg.NoExtensions {
		tag, err := parseSessionTag(v)
		if err != nil {
			s.logBad(from, err)
			return
		}
		j.tag = &tag
		if tag.boot == s.boot && tag.cookie == j.peer.cookie { // only our answer can have told it
			j.peer.prove()
			j.peer.provenSync()
		}
	}
	if !j.peer.proven.Load() && !j.peer.strangerRequest(b) {
		return
	}
	j.peer.heard()
	switch {
	case pkt.cmd == cmdDesync:
		j.peer.desync(j.tag)
	case pkt.cmd == cmdSync:
		if !s.dedup.copyOfSync(from, b) {
			s.dedup.forget(from)
		}
		s.submit(j)
	case j.tag != nil:
		s.receiveTagged(j)
	default:
		s.receiveUntagged(j, b)
	}
}

// isUrgent reports whether a request is answered by workers of its own: it is
// quick, and others depend on it while the application is busy. Asking whether
// the client is admitted is not quick.
func (j *job) isUrgent() bool {
	if _, epoch := j.peer.s.authenticator(); j.peer.welcome.Load() != epoch+1 {
		return false
	}
	switch j.pkt.cmd {
	case cmdList:
		return true
	case cmdPull:
		op, _ := j.pkt.text(attrOp)
		return ops[op].bare
	}
	return false
}

// submit has a request run, now or when its peer has fewer running.
func (s *Service) submit(j job) {
	ok := false
	if j.urgent = j.isUrgent(); j.urgent {
		ok = s.urgent.submit(j)
	} else {
		ok = j.peer.admitJob(j)
	}
	if ok {
		return
	}
	s.stats.overload.Add(1)
	s.dedup.cancel(j.token)
	if j.entry != nil {
		s.sessions.abandon(j.entry)
	}
}

// admitJob hands a job to the workers unless the peer keeps too many of them
// busy; then it waits.
func (p *Peer) admitJob(j job) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running < maxPeerWorkers {
		if !p.s.work.submit(j) {
			return false
		}
		p.running++
		return true
	}
	if len(p.backlog) >= maxPeerBacklog {
		return false
	}
	p.backlog = append(p.backlog, j)
	return true
}

// jobDone lets the next job of the peer go.
func (p *Peer) jobDone() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running--
	for len(p.backlog) > 0 && p.running < maxPeerWorkers && p.s.work.submit(p.backlog[0]) {
		p.running++
		p.backlog = p.backlog[1:]
	}
}

// receiveUntagged runs a request outside any session, unless it is a copy.
func (s *Service) receiveUntagged(j job, b []byte) {
	verdict, answer, token := s.dedup.begin(j.peer.addr, b)
	switch verdict {
	case dedupDrop:
		s.stats.dupDropped.Add(1)
	case dedupReplay:
		s.stats.dupReplayed.Add(1)
		_ = j.peer.sendAnswer(answer) // lost like any datagram: the client asks again
	default:
		j.token = token
		s.submit(j)
	}
}

// receiveTagged runs a request of a session, unless it has run. In a session
// that is not known, only what is harmless to repeat is run.
func (s *Service) receiveTagged(j job) {
	verdict, entry := seqUnknown, (*seqEntry)(nil)
	if j.tag.boot == s.boot {
		verdict, entry = s.sessions.begin(j.tag, j.pkt.harmless())
	}
	switch verdict {
	case seqRun:
		j.entry = entry
		s.submit(j)
	case seqDrop:
		s.stats.dupDropped.Add(1)
	case seqFull:
		s.stats.overload.Add(1)
	case seqReplay:
		s.stats.dupReplayed.Add(1)
		_ = j.peer.sendAnswer(entry.answer)
	case seqLost:
		s.answer(&j, answer{err: exception("RuntimeError", ErrResultLost.Error()), flags: ackLost})
	case seqUnknown:
		if j.pkt.harmless() {
			s.submit(j)
			return
		}
		s.answer(&j, answer{err: exception("RuntimeError", "the session is not known"), flags: ackUnknown})
	}
}

// harmless reports whether running a request twice does nothing else than
// running it once.
func (p *packet) harmless() bool {
	if p.cmd != cmdPull {
		return true
	}
	op, _ := p.text(attrOp)
	return ops[op].safe
}

// receiveReply gives an answer to whoever waits for it.
func (s *Service) receiveReply(pkt packet, from netip.AddrPort) {
	xid, ok := pkt.xid()
	if !ok {
		s.logBad(from, errBadPacket)
		return
	}
	asked := s.end(xid, from, callResult{pkt: pkt})
	if asked != nil { // which may have left the table since
		asked.heard()
		asked.prove()
	}
	p := s.known(from)
	if p != nil && p != asked {
		p.heard()
		if asked != nil || p.answersChallenge(xid) {
			p.prove()
			return
		}
	}
	if asked == nil {
		s.stats.stray.Add(1)
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
		s.end(xid, from, callResult{err: fmt.Errorf("%w: %w", ErrProtocol, err)})
		return
	}
	if cmd := command(b[0]); cmd == cmdDesync {
		return
	}
	j := job{
		peer: s.peer(from, false),
		pkt:  packet{cmd: command(b[0]), attrs: []codec.Attr{{Name: attrXID, Value: codec.Int(xid)}}},
	}
	if j.peer.proven.Load() || j.peer.strangerRequest(b) {
		s.answer(&j, answer{err: exception("ValueError", err.Error())})
	}
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
			return errNobodyThere
		}
		return ErrUnreachable
	}, false)
}

// desync forgets that the peer was admitted: it says that it is gone. If the
// tag proves that it is the peer who says so, what it held is given back, and
// what it gave is of no use any more.
func (p *Peer) desync(tag *sessionTag) {
	p.admitStale.Store(true)
	p.s.dedup.forget(p.addr)
	if tag != nil && tag.boot == p.s.boot && tag.cookie == p.cookie && p.s.sessions.knows(tag.session) {
		p.s.reg.drop(p.refs)
		p.received.clear()
	}
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
	if p.admitStale.Swap(false) || !p.admitAsked || p.admitEpoch != epoch || again {
		p.admitted = a.Admit(ctx, p.identity())
		p.admitAsked, p.admitEpoch = true, epoch
		p.welcome.Store(0)
		if p.admitted == nil {
			p.welcome.Store(epoch + 1)
		}
		if p.admitted != nil {
			p.s.log.Info("client refused", "client", p.addr, "err", p.admitted)
		}
	}
	return p.admitted
}

// answerSafely is answer, also where telling of the outcome runs code of the
// application that panics, such as the Error method of a nil pointer.
func (s *Service) answerSafely(j *job, a answer) (b []byte) {
	defer func() {
		if v := recover(); v != nil {
			s.stats.handlerErrors.Add(1)
			s.log.Error("answer failed", "op", j.pkt.cmd, "panic", v, "stack", string(debug.Stack()))
			b = s.answer(j, answer{err: exception("RuntimeError", "the answer cannot be told"), flags: a.flags})
		}
	}()
	return s.answer(j, a)
}

// handle runs one request and answers it, whatever the code that it runs does.
func (s *Service) handle(j job) {
	ctx := withLog(context.WithValue(s.ctx, callerKey{}, j.peer.identity()), s.log)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if j.entry != nil {
		s.sessions.running(j.entry, cancel)
	}
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
		if j.tag != nil && j.entry == nil {
			a.flags = ackUnknown | ackRan
		}
		b := s.answerSafely(&j, a)
		if j.entry != nil {
			s.sessions.finish(j.entry, b)
		} else {
			s.dedup.finish(j.token, b)
		}
		j.peer.inbound.Add(-1)
		j.peer.win.wake()
		if !j.urgent {
			j.peer.jobDone()
		}
	}()
	start := time.Now()
	a = s.execute(ctx, &j)
	done = true
	if a.err != nil {
		s.log.Debug("request failed", "client", j.peer.addr, "op", j.pkt.cmd, "err", a.err, "took", time.Since(start))
	}
}
