package nomcore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"nomfs/codec"
	"nomfs/nomcore/wire"
)

// maxSessionsLost bounds how often one operation opens a session anew.
const maxSessionsLost = 3

// roundTrip sends a request and waits for its answer, which may be an
// exception. The wait ends with the context, with the default timeout if the
// context has no deadline, or when the peer is found to be down. The call must
// be released.
//
// Within a session every request is sent again until it is answered, since it
// runs once all the same. Towards an original peer that is done only with what
// is harmless to repeat.
func (p *Peer) roundTrip(ctx context.Context, rq *request) (*call, error) {
	start := time.Now()
	if p.displaced.Load() {
		p.s.peers.restore(p)
	}
	if !rq.probe && p.isDown() {
		return nil, &waitError{what: rq.what(), addr: p.addr.String(), err: ErrDown}
	}
	deadline, bounded := ctx.Deadline()
	if !bounded {
		deadline = start.Add(p.s.cfg.Timeout)
	}
	for tries := 1; ; tries++ {
		var sess *clientSession
		if !rq.bare {
			var err error
			if sess = p.ask().sess.Load(); sess == nil {
				bound, cancel := context.WithDeadline(ctx, deadline)
				sess, err = p.askingSession(bound)
				cancel()
			}
			if err != nil {
				return nil, p.noSession(rq.what(), err)
			}
		}
		c, err := p.exchange(ctx, deadline, rq, sess)
		lost := asLost(err)
		if lost == nil {
			return c, err
		}
		p.ask().sess.CompareAndSwap(sess, nil)
		again := rq.resend || lost.neverRan()
		if !again || tries == maxSessionsLost {
			return nil, &waitError{what: rq.what(), addr: p.addr.String(), err: ErrRestarted, unknown: !again}
		}
	}
}

// asLost returns the lostSession in an error, nil for none.
func asLost(err error) *lostSession {
	if err == nil {
		return nil
	}
	var lost *lostSession
	errors.As(err, &lost)
	return lost
}

// lostSession is the answer that the session is unknown there.
type lostSession struct {
	ack   wire.Ack
	first time.Time // when the request was first sent
}

func (e *lostSession) Error() string { return "the peer does not know the session" }

// neverRan reports whether it is certain that the request did not run. The
// server knows every session that it heard of since before the request was first
// sent; had it got the request, it would know this one.
func (e *lostSession) neverRan() bool {
	sent := time.Since(e.first)
	margin := 10*time.Millisecond + sent/100 // for clocks that differ in rate
	return e.ack.Memory > sent+margin && sent < sessionKept/2
}

// exchange sends one packet and waits for its answer.
func (p *Peer) exchange(ctx context.Context, deadline time.Time, rq *request, sess *clientSession) (*call, error) {
	ask, start := p.ask(), time.Now()
	place := placeOuter
	if caller, ok := ctx.Value(requestKey{}).(*requestContext); ok {
		caller.waits()
		if caller.p == p {
			place = placeNested
		}
	}
	if !rq.probe {
		if err := ask.win.acquire(ctx, deadline, place); err != nil {
			return nil, p.notSent(ctx, rq.what(), start)
		}
	}
	c, err := ask.newCall(rq, start)
	if err != nil {
		if !rq.probe {
			ask.win.release(place)
		}
		return nil, err
	}
	c.place, c.inWindow, c.sess = place, !rq.probe, sess
	if sess != nil {
		if c.tag, err = sess.begin(ctx, deadline, c.acks[:]); err != nil {
			c.leaveWindow()
			ask.release(c)
			return nil, p.notSent(ctx, rq.what(), start)
		}
	}
	if err = c.encode(); err == nil {
		err = c.wait(ctx, deadline)
	}
	c.leaveWindow()
	if err != nil {
		ask.release(c)
		return nil, err
	}
	return c, nil
}

// encode writes the request, and counts the references in it as given.
func (c *call) encode() error {
	p := c.ask.p
	c.out = p.s.outbox(p, p.refs, source{})
	var tag *wire.Tag
	if c.sess != nil {
		tag = &c.tag
	}
	if _, err := c.rq.encode(c.out, tag, c.xid); err != nil {
		c.out.abandon()
		c.finish()
		return fmt.Errorf("%s: %w", c.rq.what(), err)
	}
	return nil
}

// leaveWindow lets the next request to this peer go.
func (c *call) leaveWindow() {
	if c.inWindow {
		c.inWindow = false
		c.ask.win.release(c.place)
	}
}

// finish says that nobody waits for the answer any more.
func (c *call) finish() {
	if c.sess == nil {
		return
	}
	sess, seq := c.sess, c.tag.Seq
	if !c.parked {
		sess.leave(seq)
	}
	if c.parked || c.sent > 1 { // the server may have said that it runs
		sess.acknowledge(seq)
	}
}

// send sends the request once more.
func (c *call) send() error {
	p := c.ask.p
	c.ask.mu.Lock()
	c.sent++
	again := c.sent > 1
	c.ask.mu.Unlock()
	if again {
		p.s.stats.resent.Add(1)
	}
	p.sentAt.Store(p.s.now())
	return p.s.send(c.out.out.B, p, p.validated.Load() && !p.named.Load())
}

// wait sends the request, again where allowed, until it is answered.
func (c *call) wait(ctx context.Context, deadline time.Time) error {
	if ctx.Err() != nil {
		// Nobody wants the answer: sent now, it would run all the same.
		defer c.finish()
		return c.ended(ctx, deadline, false)
	}
	if err := c.send(); err != nil {
		c.finish()
		return fmt.Errorf("%s: %w", c.rq.what(), err)
	}
	c.rto = c.ask.rtt.timeout()
	resendAt, probeAt := c.start.Add(jitter(c.rto)), c.start.Add(probeAfter)
	c.timer.Reset(c.next(c.start, deadline, resendAt, probeAt))
	for {
		select {
		case <-c.wake:
			if over, err := c.woken(); over {
				return err
			}
		case <-ctx.Done():
			return c.gaveUp(ctx, deadline)
		case <-c.timer.C:
		}
		now := time.Now()
		if !now.Before(deadline) {
			return c.gaveUp(ctx, deadline)
		}
		switch p := c.ask.p; {
		case !c.mayProbe() || now.Before(probeAt):
		case c.patient() && p.heardSince(p.s.sinceBorn(now)-int64(probeAfter)):
			probeAt = now.Add(probeAfter)
		default:
			c.probing = true
			c.leaveWindow() // what takes long must not hold up the others
			c.ask.slow.Add(1)
			defer c.ask.slow.Add(-1)
			p.startProbe()
		}
		if c.mayResend() && !now.Before(resendAt) {
			c.ask.win.shrink()
			// A copy that cannot be sent is as good as lost: an earlier one may
			// have arrived.
			_ = c.send()
			c.rto = min(2*c.rto, c.rtoMost())
			resendAt = now.Add(jitter(c.rto))
		}
		c.timer.Reset(c.next(now, deadline, resendAt, probeAt))
	}
}

// woken looks at what has changed. over says that the wait is over.
func (c *call) woken() (over bool, err error) {
	c.ask.mu.Lock()
	done, running, failed := c.done, c.running, c.err
	c.ask.mu.Unlock()
	switch {
	case done:
		return true, c.answered(failed)
	case running && !c.parked:
		c.parked = true
		c.leaveWindow()
		c.sess.leave(c.tag.Seq)
		c.ask.p.startPoll()
	}
	return false, nil
}

// gaveUp ends a wait at its deadline, or when the context ends. An answer that
// came at the same moment counts.
func (c *call) gaveUp(ctx context.Context, deadline time.Time) error {
	c.ask.mu.Lock()
	done, failed := c.done, c.err
	if !done {
		delete(c.ask.calls, c.xid)
	}
	c.ask.mu.Unlock()
	if done {
		return c.answered(failed)
	}
	return c.ended(ctx, deadline, true)
}

// mayProbe reports whether the peer is to be asked for a sign of life: an original
// whenever a request takes long, a peer of ours when it is silent. What is parked
// is asked for otherwise, see poll.
func (c *call) mayProbe() bool { return !c.probing && !c.rq.probe && !c.parked }

// mayResend reports whether another copy may be sent.
func (c *call) mayResend() bool {
	if c.parked {
		return false
	}
	most := maxResends
	if !c.ask.p.trusted() {
		most = maxResendsUnknown
	}
	return c.patient() || c.rq.resend && !c.rq.probe && c.sent <= most
}

// patient reports whether the peer runs no copy, so that it can be asked until
// it answers: in a session, and for one with a peer that is known to be ours.
func (c *call) patient() bool {
	return c.sess != nil || c.rq.cmd == wire.Sync && c.ask.p.isOurs.Load()
}

// rtoMost is the cap of the doubling.
func (c *call) rtoMost() time.Duration {
	if c.patient() {
		return rtoMaxSession
	}
	return rtoMax
}

// next returns how long to sleep until there is something to do.
func (c *call) next(now, deadline, resendAt, probeAt time.Time) time.Duration {
	d := deadline.Sub(now)
	if c.mayResend() {
		d = min(d, resendAt.Sub(now))
	}
	if c.mayProbe() {
		d = min(d, probeAt.Sub(now))
	}
	return max(d, 0)
}

// answered turns what was delivered into the outcome.
func (c *call) answered(failed error) error {
	defer c.finish()
	p := c.ask.p
	if failed == nil {
		if c.sent == 1 && !c.running { // of several copies nobody knows which was answered (Karn)
			c.ask.rtt.sample(time.Since(c.start))
		}
		c.ask.win.grow()
		return c.verdict()
	}
	if asLost(failed) != nil {
		return failed
	}
	unknown := !c.rq.resend && !errors.Is(failed, errNotDelivered)
	if errors.Is(failed, ErrProtocol) {
		unknown = false // it ran; only its answer is lost
	}
	return &waitError{what: c.rq.what(), addr: p.addr.String(), err: failed, unknown: unknown}
}

// verdict reads what the answer says about the session.
func (c *call) verdict() error {
	switch {
	case c.sess == nil:
	case c.gone:
		c.ask.p.answersAsOriginal(c.sess)
	case c.ack.Flags&wire.AckUnknown != 0:
		return &lostSession{ack: c.ack, first: c.start}
	case c.ack.Flags&wire.AckLost != 0:
		return &waitError{what: c.rq.what(), addr: c.ask.p.addr.String(), err: ErrResultLost}
	default:
		c.sess.acknowledged(&c.tag)
	}
	return nil
}

// cancel tells the peer that nobody waits for the answer any more; the number
// is done after that. A read may run a program over there, just as a call; what
// is bare runs nothing.
func (c *call) cancel() bool {
	if c.sess == nil || c.rq.op == nil || c.rq.op.bare {
		return false
	}
	p, done := c.ask.p, *c // c itself is used again before that
	return p.s.tasks.tell(func() {
		defer done.finish()
		ctx, stop := context.WithTimeout(p.s.ctx, cancelWait)
		defer stop()
		// If it is lost the call merely runs on.
		_, _ = p.do(ctx, &request{cmd: wire.Pull, op: ops[opCancel], seq: codec.Int(int64(done.tag.Seq)), resend: true})
	})
}

// ended tells how the wait ended without an answer. sent says that the request
// went out.
func (c *call) ended(ctx context.Context, deadline time.Time, sent bool) error {
	p := c.ask.p
	if !sent {
		return p.notSent(ctx, c.rq.what(), c.start)
	}
	err := ctx.Err()
	if err == nil || errors.Is(err, context.DeadlineExceeded) {
		err = ErrTimeout
		if c.busy > 0 && c.busy == c.sent {
			err = ErrBusy
		}
		if !c.rq.probe {
			p.s.stats.timeouts.Add(1)
			c.ask.win.shrink()
			p.silentSince(p.s.sinceBorn(c.start))
		}
	}
	if p.s.closed() {
		err = ErrClosed
	}
	if p.s.closed() || !c.cancel() {
		c.finish()
	}
	return &waitError{
		what: c.rq.what(), addr: p.addr.String(), err: err,
		after: time.Since(c.start).Truncate(waitGrain), unknown: !c.rq.resend && c.busy < c.sent,
	}
}

// notSent tells that a request waited for its turn in vain. Nothing was sent.
func (p *Peer) notSent(ctx context.Context, what string, start time.Time) error {
	err := ctx.Err()
	if err == nil || errors.Is(err, context.DeadlineExceeded) {
		err = ErrTimeout
	}
	if p.s.closed() {
		err = ErrClosed
	}
	return &waitError{
		what: what, addr: p.addr.String(), err: err, after: time.Since(start).Truncate(waitGrain),
		queued: p.pending(), notSent: true,
	}
}

// noSession tells that a request was not sent, since opening a session failed.
func (p *Peer) noSession(what string, err error) error {
	var wait *waitError
	if !errors.As(err, &wait) {
		return fmt.Errorf("%s: %s was not sent: %w", p.addr, what, err)
	}
	told := *wait
	told.what, told.noSession = what, !wait.notSent
	return &told
}

// waitGrain is how exactly a message tells how long was waited.
const waitGrain = 10 * time.Millisecond
