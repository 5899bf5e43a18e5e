package nomcore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"

	"nomfs/codec"
)

// request is one packet to be sent, and what may be done with it.
type request struct {
	cmd    command
	op     string       // operation of a PULL, for messages
	attrs  []codec.Attr // sorted, without the xid
	id     codec.ID     // object asked, "" for none
	resend bool         // running it twice is harmless
	probe  bool         // asks whether the peer lives: no window, no verdict of its own
	bare   bool         // outside any session, which it opens or does without
}

// what names the request in messages.
func (r *request) what() string {
	if r.cmd == cmdPull {
		return r.op
	}
	return r.cmd.String()
}

// call is a request that waits for its answer.
type call struct {
	peer  *Peer
	to    netip.AddrPort
	probe bool
	sent  int             // how often it was sent; guarded by Service.callsMu
	ch    chan callResult // one place: the first answer counts
}

// callResult is how a call ended.
type callResult struct {
	pkt packet
	err error
}

// randomXID returns a first transaction number. It is random so that answers
// to an earlier process at this address match nothing.
func randomXID() uint32 { return rand.Uint32() & maxXID }

// maxXID is the largest transaction number, 2³¹−1: the original cannot echo
// more.
const maxXID = 1<<31 - 1

// enter gives a call its transaction number and lets it wait.
func (s *Service) enter(c *call) (uint32, error) {
	s.callsMu.Lock()
	defer s.callsMu.Unlock()
	if s.closed {
		return 0, ErrClosed
	}
	for {
		xid := s.nextXID
		s.nextXID = (s.nextXID + 1) & maxXID
		if _, busy := s.calls[xid]; !busy {
			s.calls[xid] = c
			return xid, nil
		}
	}
}

// leave ends the wait of a call.
func (s *Service) leave(xid uint32) {
	s.callsMu.Lock()
	delete(s.calls, xid)
	s.callsMu.Unlock()
}

// end gives a call its result, if it comes from the address that was asked. It
// returns the peer that was asked, nil if nobody was waiting.
func (s *Service) end(xid uint32, from netip.AddrPort, r callResult) *Peer {
	s.callsMu.Lock()
	c := s.calls[xid]
	if c == nil || c.to != from {
		s.callsMu.Unlock()
		return nil
	}
	delete(s.calls, xid)
	s.callsMu.Unlock()
	c.ch <- r
	return c.peer
}

// failCalls ends every waiting call for which why returns an error. With
// closing no further call is accepted.
func (s *Service) failCalls(why func(*call) error, closing bool) {
	s.callsMu.Lock()
	defer s.callsMu.Unlock()
	s.closed = s.closed || closing
	for xid, c := range s.calls {
		if err := why(c); err != nil {
			delete(s.calls, xid)
			c.ch <- callResult{err: err}
		}
	}
}

// maxSessionsLost bounds how often one operation opens a session anew.
const maxSessionsLost = 3

// roundTrip sends a request and waits for its answer, which may be an
// exception. The wait ends with the context, with the default timeout if the
// context has no deadline, or when the peer is found to be down.
//
// Within a session every request is sent again until it is answered, since it
// runs once all the same. Towards an original peer that is done only with what
// is harmless to repeat.
func (s *Service) roundTrip(ctx context.Context, p *Peer, rq request) (packet, error) {
	if !rq.probe && p.isDown() {
		return packet{}, &waitError{what: rq.what(), addr: p.addr.String(), err: ErrDown}
	}
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.cfg.Timeout)
		defer cancel()
	}
	for tries := 1; ; tries++ {
		var sess *clientSession
		if !rq.bare {
			var err error
			if sess, err = p.session(ctx); err != nil {
				return packet{}, err
			}
		}
		pkt, err := s.exchange(ctx, p, &rq, sess)
		var lost *lostSession
		if !errors.As(err, &lost) {
			return pkt, err
		}
		p.sess.CompareAndSwap(sess, nil)
		again := rq.resend || lost.neverRan()
		if !again || tries == maxSessionsLost {
			return packet{}, &waitError{what: rq.what(), addr: p.addr.String(), err: ErrRestarted, unknown: !again}
		}
	}
}

// exchange sends one packet and waits for its answer.
func (s *Service) exchange(ctx context.Context, p *Peer, rq *request, sess *clientSession) (packet, error) {
	w := waiter{s: s, p: p, rq: rq, sess: sess, start: time.Now()}
	if !rq.probe {
		if who, ok := CallerFrom(ctx); ok && who.Addr == p.addr {
			w.place = placeNested
		}
		if err := p.win.acquire(ctx, w.place); err != nil {
			return packet{}, w.ended(ctx, false)
		}
		w.inWindow = true
		defer w.leaveWindow()
	}
	c := &call{peer: p, to: p.addr, probe: rq.probe, ch: make(chan callResult, 1)}
	xid, err := s.enter(c)
	if err != nil {
		return packet{}, err
	}
	defer s.leave(xid)

	if sess != nil {
		if w.tag, err = sess.begin(ctx); err != nil {
			return packet{}, w.ended(ctx, false)
		}
		defer func() {
			if !w.cancelling {
				sess.finish(w.tag.seq)
			}
		}()
	}
	if ctx.Err() != nil {
		// Nobody wants the answer: sent now, it would run all the same, and
		// might even be answered before the end of the wait is seen.
		return packet{}, w.ended(ctx, false)
	}
	attrs := rq.attrs
	if sess != nil {
		attrs = append(makeAttrs(attrs...), codec.Attr{Name: attrNomq, Value: w.tag.value()})
		sortAttrs(attrs)
	}
	attrs = append(attrs, codec.Attr{Name: attrXID, Value: codec.Int(xid)})
	out := s.outbox(p, p.refs, source{})
	defer out.release()
	if err := out.encode(packet{cmd: rq.cmd, attrs: attrs}); err != nil {
		return packet{}, fmt.Errorf("%s: %w", rq.what(), err)
	}
	w.call, w.datagram = c, out.buf
	return w.wait(ctx)
}

// waiter is the wait for one answer.
type waiter struct {
	s        *Service
	p        *Peer
	rq       *request
	sess     *clientSession // nil outside a session
	tag      sessionTag
	call     *call
	datagram []byte
	start    time.Time
	inWindow bool
	place    int // its kind, see window
	sent     int
	rto      time.Duration

	cancelling bool // the peer is being told; the number is done after that
}

// leaveWindow lets the next request to this peer go.
func (w *waiter) leaveWindow() {
	if w.inWindow {
		w.inWindow = false
		w.p.win.release(w.place)
	}
}

// send sends the datagram once more.
func (w *waiter) send() error {
	w.s.callsMu.Lock()
	w.call.sent++
	w.s.callsMu.Unlock()
	w.sent++
	if w.sent > 1 {
		w.s.stats.resent.Add(1)
	}
	w.p.sentAt.Store(time.Now().UnixNano())
	return w.s.send(w.datagram, w.p)
}

// wait sends the request, again where allowed, until it is answered.
func (w *waiter) wait(ctx context.Context) (packet, error) {
	if err := w.send(); err != nil {
		return packet{}, fmt.Errorf("%s: %w", w.rq.what(), err)
	}
	w.rto = w.p.rtt.timeout()
	resendAt := w.start.Add(jitter(w.rto))
	probeAt := w.start.Add(probeAfter)
	probed := w.rq.probe // a probe needs no probe
	timer := time.NewTimer(w.next(resendAt, probeAt, probed))
	defer timer.Stop()
	for {
		select {
		case r := <-w.call.ch:
			return w.answered(r)
		case <-ctx.Done():
			return packet{}, w.ended(ctx, true)
		case <-timer.C:
		}
		now := time.Now()
		if !probed && !now.Before(probeAt) {
			probed = true
			w.leaveWindow() // what takes long must not hold up the others
			w.p.waiting.Add(1)
			defer w.p.waiting.Add(-1)
			w.p.startProbe()
		}
		if w.mayResend() && !now.Before(resendAt) {
			w.p.win.shrink()
			// A copy that cannot be sent is as good as lost: an earlier one may
			// have arrived.
			_ = w.send()
			w.rto = min(2*w.rto, w.rtoMost())
			resendAt = now.Add(jitter(w.rto))
		}
		timer.Reset(w.next(resendAt, probeAt, probed))
	}
}

// mayResend reports whether another copy may be sent.
func (w *waiter) mayResend() bool {
	most := maxResends
	if !w.p.trusted() {
		most = maxResendsUnknown
	}
	return w.patient() || w.rq.resend && !w.rq.probe && w.sent <= most
}

// patient reports whether the peer drops copies, so that it can be asked until
// it answers: in a session, and for one with a peer that is known to be ours.
func (w *waiter) patient() bool {
	return w.sess != nil || w.rq.cmd == cmdSync && w.p.isOurs.Load()
}

// rtoMost is the cap of the doubling.
func (w *waiter) rtoMost() time.Duration {
	if w.patient() {
		return rtoMaxSession
	}
	return rtoMax
}

// never is a wait without an event: longer than any deadline that matters.
const never = time.Hour

// next returns how long to sleep until there is something to do.
func (w *waiter) next(resendAt, probeAt time.Time, probed bool) time.Duration {
	d := never
	if w.mayResend() {
		d = min(d, time.Until(resendAt))
	}
	if !probed {
		d = min(d, time.Until(probeAt))
	}
	return max(d, 0)
}

// answered turns what was delivered into the result.
func (w *waiter) answered(r callResult) (packet, error) {
	if r.err == nil {
		if w.sent == 1 { // of several copies nobody knows which was answered (Karn)
			w.p.rtt.sample(time.Since(w.start))
		}
		w.p.win.grow()
		return r.pkt, w.acknowledged(&r.pkt)
	}
	unknown := !w.rq.resend && !errors.Is(r.err, errNotDelivered)
	if errors.Is(r.err, ErrProtocol) {
		unknown = false // it ran; only its answer is lost
	}
	return packet{}, &waitError{what: w.rq.what(), addr: w.p.addr.String(), err: r.err, unknown: unknown}
}

// acknowledged reads what an answer says about the session.
func (w *waiter) acknowledged(pkt *packet) error {
	if w.sess == nil {
		return nil
	}
	v, ok := pkt.get(attrNomq)
	if !ok || codec.Equal(v, w.tag.value()) {
		// No acknowledgement, or ours echoed: an original has taken the place
		// of the peer, and has run the request.
		w.p.becomeOriginal(w.sess)
		return nil
	}
	ack, err := parseAck(v)
	if err != nil || ack.seq != w.tag.seq {
		return fmt.Errorf("%s: %w: it acknowledges another request", w.p.addr, ErrProtocol)
	}
	switch {
	case ack.flags&ackUnknown != 0 && ack.flags&ackRan != 0:
		w.p.sess.CompareAndSwap(w.sess, nil) // the next one opens a new session
	case ack.flags&ackUnknown != 0:
		return &lostSession{ack: ack, first: w.start}
	case ack.flags&ackLost != 0:
		return &waitError{what: w.rq.what(), addr: w.p.addr.String(), err: ErrResultLost}
	}
	return nil
}

// cancel tells the peer that nobody waits for the answer any more. A read may
// run a program over there, just as a call; what is bare runs nothing.
func (w *waiter) cancel() {
	if w.sess == nil || w.rq.cmd != cmdPull || ops[w.rq.op].bare || w.p.ext.Load()&extSession == 0 {
		return
	}
	sess, seq, p := w.sess, w.tag.seq, w.p
	w.cancelling = p.s.tell(func() {
		defer sess.finish(seq)
		ctx, stop := context.WithTimeout(p.s.ctx, cancelWait)
		defer stop()
		// If it is lost the call merely runs on.
		_, _ = p.command(ctx, opCancel, codec.Attr{Name: attrSeq, Value: codec.Int(int64(seq))})
	})
}

// ended tells how the context ended the wait. sent says that the request went
// out.
func (w *waiter) ended(ctx context.Context, sent bool) error {
	err := ctx.Err()
	if errors.Is(err, context.DeadlineExceeded) {
		err = ErrTimeout
		if sent && !w.rq.probe {
			w.s.stats.timeouts.Add(1)
			w.p.win.shrink()
			w.p.silentSince(w.start)
		}
	}
	if w.s.ctx.Err() != nil {
		err = ErrClosed
	} else if sent {
		w.cancel()
	}
	return &waitError{
		what: w.rq.what(), addr: w.p.addr.String(), err: err,
		after: time.Since(w.start).Truncate(waitGrain), unknown: sent && !w.rq.resend,
	}
}

// waitGrain is how exactly a message tells how long was waited.
const waitGrain = 10 * time.Millisecond

// jitter spreads a timeout by its random part.
func jitter(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (1 + rtoJitter*(2*rand.Float64()-1)))
}
