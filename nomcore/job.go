package nomcore

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"nomfs/auth"
	"nomfs/codec"
	"nomfs/nomcore/object"
	"nomfs/nomcore/wire"
)

// job is one request that a worker serves.
type job struct {
	s      *Service
	p      *Peer
	w      *worker
	method uint32 // see slowTable
	ctx    *requestContext
	xid    []byte   // encoded
	raw    []byte   // the datagram, where the answer repeats it; nil elsewhere
	sess   *session // nil outside a session
	seq    uint64
	dup    *duplicate // of a request outside a session; nil where it is not kept
	hello  []byte     // nomx of the answer to a SYNC
	replay []byte     // the answer that it was given before: it is only screened
	cost   int64      // bytes that it counts with
	counts bool       // it has taken room
}

// attach makes a job that of a worker.
func (j *job) attach(w *worker) {
	j.w = w
	j.ctx = &requestContext{s: j.s, p: j.p, w: w}
	if j.sess != nil {
		j.sess.started(j.seq, j.ctx)
	}
}

// room takes room for the job, if its client may have it.
func (j *job) room(s *Service) bool {
	if !s.calls.take(&j.p.calls, 1) {
		return false
	}
	if !s.callBytes.take(&j.p.callBytes, j.cost) {
		s.calls.give(&j.p.calls, 1)
		return false
	}
	j.counts = true
	return true
}

// takeRoom counts a job that has turned out to take long.
func (j *job) takeRoom(s *Service) {
	if !j.counts {
		s.calls.force(&j.p.calls, 1)
		s.callBytes.force(&j.p.callBytes, j.cost)
		j.counts = true
	}
}

// giveRoom gives back what the job has taken.
func (j *job) giveRoom() {
	if j.counts {
		j.s.calls.give(&j.p.calls, 1)
		j.s.callBytes.give(&j.p.callBytes, j.cost)
		j.counts = false
	}
}

// serve runs the job of the worker and answers it, whatever the code that it
// runs does.
func (w *worker) serve() {
	s, j := w.s, &w.job
	j.p.inbound.Add(1)
	var a answer
	returned := false
	defer func() {
		v := recover()
		if v != nil || !returned {
			// A panic, or Goexit by the application's code.
			s.stats.handlerErrors.Add(1)
			s.log.Error("handler failed", "op", w.pkt.Cmd, "panic", v, "stack", string(debug.Stack()))
			text := "the method ended its goroutine"
			if v != nil {
				text = fmt.Sprint(v)
			}
			a = answer{err: exception("RuntimeError", text)}
		}
		s.finish(j, a)
		if v == nil && !returned { // the goroutine ends now, and run with it
			w.endTurn()
		}
	}()
	if j.ctx.Err() == nil { // it may have been cancelled before it began
		a = s.execute(j)
	} else {
		a = answer{err: exception("RuntimeError", "the request was cancelled before it ran")}
	}
	returned = true
}

// finish answers a job and keeps the answer for copies of the request.
func (s *Service) finish(j *job, a answer) {
	b := s.answerSafely(j, a)
	if j.sess == nil {
		s.dups.finish(j.dup, b, s.now())
		j.p.ran(j)
	}
	if j.ctx.orphaned() {
		s.orphans.Add(-1)
	}
	j.p.inbound.Add(-1)
	j.p.wakeWindow()
	if a.err != nil && s.log.Enabled(s.ctx, slog.LevelDebug) {
		s.log.Debug("request failed", "client", j.p.addr, "op", j.w.pkt.Cmd, "err", a.err)
	}
}

// answerSafely is answer, also where telling of the outcome runs code of the
// application that panics, such as the Error method of a nil pointer.
func (s *Service) answerSafely(j *job, a answer) (b []byte) {
	defer func() {
		if v := recover(); v != nil {
			s.stats.handlerErrors.Add(1)
			s.log.Error("answer failed", "panic", v, "stack", string(debug.Stack()))
			b = s.answer(j, answer{err: exception("RuntimeError", "the answer cannot be told")})
		}
	}()
	return s.answer(j, a)
}

// requestContext is the context of a request. It costs little where the callee
// does not look at it: it becomes a context that can end when somebody asks.
type requestContext struct {
	s *Service
	p *Peer

	turnMu sync.Mutex // held while reading is handed over
	w      *worker    // guarded by turnMu; nil once the request has ended

	mu     sync.Mutex
	inner  context.Context // nil while nobody has asked
	stop   context.CancelFunc
	over   bool // cancelled, or the request has ended
	orphan bool // cancelled because its client is gone
}

var _ context.Context = (*requestContext)(nil)

// Deadline returns none: the client decides how long it waits.
func (c *requestContext) Deadline() (time.Time, bool) { return time.Time{}, false }

// Done returns a channel that is closed when nobody waits for the answer any
// more.
func (c *requestContext) Done() <-chan struct{} { return c.real().Done() }

// Err returns nil until then.
func (c *requestContext) Err() error {
	c.mu.Lock()
	inner, over := c.inner, c.over
	c.mu.Unlock()
	switch {
	case inner != nil:
		return inner.Err()
	case over:
		return context.Canceled
	}
	return c.s.ctx.Err()
}

// Value returns the identity of the client, and what the Service's context
// carries.
func (c *requestContext) Value(key any) any {
	switch key.(type) {
	case callerKey:
		return c.p.identity()
	case requestKey:
		return c
	}
	c.mu.Lock()
	inner := c.inner
	c.mu.Unlock()
	if inner != nil {
		return inner.Value(key)
	}
	return c.s.ctx.Value(key)
}

// real returns a context that ends with the request.
func (c *requestContext) real() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inner == nil {
		c.inner, c.stop = context.WithCancel(c.s.ctx)
		if c.over {
			c.stop()
		}
	}
	return c.inner
}

// end ends the context with the request.
func (c *requestContext) end() {
	c.turnMu.Lock()
	c.w = nil
	c.turnMu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
	if c.stop != nil {
		c.stop()
	}
}

// cancel tells the request that nobody waits for its answer any more. orphan
// says that its client is gone. It must not be called when the request has
// ended.
func (c *requestContext) cancel(orphan bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if orphan && !c.orphan {
		c.orphan = true
		c.s.orphans.Add(1)
	}
	c.over = true
	if c.stop != nil {
		c.stop()
	}
}

// orphaned reports whether the request was cancelled because its client is gone.
func (c *requestContext) orphaned() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.orphan
}

// waits says that the request waits for a peer: another worker must read.
func (c *requestContext) waits() {
	c.turnMu.Lock()
	defer c.turnMu.Unlock()
	if c.w != nil {
		c.w.giveUp()
	}
}

type (
	// callerKey is the key of the caller's identity in a handler's context.
	callerKey struct{}
	// requestKey is the key of the requestContext itself.
	requestKey struct{}
)

// CallerFrom returns who asked for the operation that a method of an object
// performs.
func CallerFrom(ctx context.Context) (auth.Identity, bool) {
	who, ok := ctx.Value(callerKey{}).(auth.Identity)
	return who, ok
}

// newJob returns the job of the packet that the worker has read as datagram b.
func (w *worker) newJob(p *Peer, b []byte) job {
	w.xid = append(w.xid[:0], w.pkt.Fields[wire.XID]...)
	return job{
		s: w.s, p: p, w: w, method: methodOf(&w.pkt), xid: w.xid,
		cost: callCost + decodedFactor*int64(len(b)),
	}
}

// exception makes an exception with one text argument; see object.Errorf.
func exception(class, text string) codec.Exception { return object.Errorf(class, "%s", text) }
