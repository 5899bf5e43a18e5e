package nomcore

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"nomfs/nomcore/wire"
)

// asking is what a Service keeps of a peer that it asks.
type asking struct {
	p   *Peer
	rtt rttEstimator
	win *window

	syncing chan struct{} // one place: held while a session is opened
	sess    atomic.Pointer[clientSession]
	unsure  atomic.Bool  // it has answered as an original does: SYNC tells what it is
	slow    atomic.Int32 // operations that have waited for long, see probe

	mu      sync.Mutex
	calls   map[uint32]*call // that wait for their answer, by xid
	closed  bool             // no further one is accepted
	polling bool             // somebody asks which of the parked ones still run
}

// ask returns what is kept of a peer that we ask.
func (p *Peer) ask() *asking {
	if a := p.asking.Load(); a != nil {
		return a
	}
	a := &asking{p: p, win: newWindow(p.windowBounds), syncing: make(chan struct{}, 1), calls: make(map[uint32]*call)}
	if p.asking.CompareAndSwap(nil, a) {
		return a
	}
	return p.asking.Load()
}

// windowBounds bounds the requests in flight. An original process that waits for
// us must not be given more at once than it has requests running here: it
// breaks when two of its threads wait at the same time.
func (p *Peer) windowBounds() (most int, exact bool, nested int) {
	inbound := int(p.inbound.Load())
	switch {
	case p.isOurs.Load():
		return windowExtended, true, max(windowExtended, inbound)
	case inbound > 0:
		return 1, true, inbound
	}
	return windowMax, false, 1
}

// wakeWindow lets requests to the peer go after one of its own has ended.
func (p *Peer) wakeWindow() {
	if a := p.asking.Load(); a != nil && !p.isOurs.Load() {
		a.win.wake()
	}
}

// call is a request that waits for its answer.
type call struct {
	ask   *asking
	rq    *request
	start time.Time
	wake  chan struct{} // one place: something below has changed
	timer *time.Timer
	out   *outbox // with the request

	sess *clientSession // nil outside a session
	tag  wire.Tag
	acks [wire.MaxAcks * 8]byte // room for tag.Acks

	place    int // its kind, see window
	inWindow bool
	parked   bool // the peer said that it runs: it is not sent again
	probing  bool // the peer is probed while it waits
	rto      time.Duration

	// Guarded by asking.mu.
	xid     uint32
	sent    int         // how often it was sent
	busy    int         // how often the peer had no room for it
	running bool        // the peer says that it runs
	done    bool        // it is over, by answer or by err
	answer  []byte      // as it was received
	pkt     wire.Packet // parts of answer
	ack     wire.Ack    // in a session
	gone    bool        // the peer is an original now
	err     error
}

// randomXID returns a first transaction number. It is random so that answers
// to an earlier process at this address match nothing.
func randomXID() uint32 { return rand.Uint32() & maxXID }

// maxXID is the largest transaction number, 2³¹−1: the original cannot echo
// more.
const maxXID = 1<<31 - 1

// newCall returns a call for a request, which waits from now on.
func (a *asking) newCall(rq *request, start time.Time) (*call, error) {
	c, ok := a.p.s.pools.waits.Get().(*call)
	if !ok {
		c = &call{wake: make(chan struct{}, 1), timer: time.NewTimer(time.Hour)}
		c.timer.Stop()
	}
	c.ask, c.rq, c.start = a, rq, start
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return nil, ErrClosed
	}
	for {
		c.xid = (a.p.s.nextXID.Add(1) - 1) & maxXID
		if _, busy := a.calls[c.xid]; !busy {
			a.calls[c.xid] = c
			return c, nil
		}
	}
}

// release gives a call back, whose answer must not be used afterwards.
func (a *asking) release(c *call) {
	a.mu.Lock()
	if a.calls[c.xid] == c {
		delete(a.calls, c.xid)
	}
	a.mu.Unlock()
	c.timer.Stop()
	select {
	case <-c.wake:
	default:
	}
	if c.out != nil {
		c.out.release()
	}
	answer := c.answer[:0]
	if cap(answer) > maxPooled {
		answer = nil
	}
	*c = call{wake: c.wake, timer: c.timer, answer: answer}
	a.p.s.pools.waits.Put(c)
}

// poke wakes whoever waits. asking.mu must be held.
func (c *call) poke() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// fail ends the wait of a call. asking.mu must be held.
func (c *call) fail(err error) {
	if !c.done {
		c.done, c.err = true, err
		delete(c.ask.calls, c.xid)
		c.poke()
	}
}

// deliver gives a reply to the call that waits for it. It reports whether there
// is one.
func (p *Peer) deliver(xid uint32, b []byte, pkt *wire.Packet, now int64) bool {
	a := p.asking.Load()
	if a == nil {
		return false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	c := a.calls[xid]
	if c == nil {
		return false
	}
	if c.sess != nil {
		if !c.acknowledged(pkt) {
			return false // the answer to another request that had that xid
		}
		if !c.gone && c.ack.Flags&(wire.AckRunning|wire.AckBusy) != 0 {
			return true
		}
	}
	delete(a.calls, xid)
	c.done = true
	c.answer = append(c.answer[:0], b...)
	if err := c.pkt.Parse(c.answer); err != nil { // it did before
		c.err = err
	}
	c.poke()
	return true
}

// acknowledged reads what a reply says about the session, and reports whether it
// answers this call. asking.mu must be held.
func (c *call) acknowledged(pkt *wire.Packet) bool {
	b, ok := pkt.Text(wire.Nomq)
	var room [256]byte
	if !ok || string(b) == string(c.tag.Append(room[:0])) {
		// No acknowledgement, or ours echoed: an original has taken the place
		// of the peer, and has run the request.
		c.gone = true
		return true
	}
	ack, err := wire.ParseAck(b)
	if err != nil || ack.Seq != c.tag.Seq {
		return false
	}
	c.ack = ack
	switch {
	case ack.Flags&wire.AckRunning != 0:
		if !c.running {
			c.running = true
			c.poke()
		}
	case ack.Flags&wire.AckBusy != 0:
		c.busy++
	}
	return true
}

// failCall ends the wait of one call.
func (p *Peer) failCall(xid uint32, err error) {
	a := p.asking.Load()
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if c := a.calls[xid]; c != nil {
		c.fail(err)
	}
}

// failCalls ends the wait of all calls: with the error that why returns, where
// it is not nil, or with err. ErrClosed lets no further call be made.
func (p *Peer) failCalls(err error, why func(*call) error) {
	a := p.ask()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = a.closed || err == ErrClosed
	for _, c := range a.calls {
		if why == nil {
			c.fail(err)
		} else if err := why(c); err != nil {
			c.fail(err)
		}
	}
}

// pending counts the operations that wait for the peer.
func (p *Peer) pending() int {
	a := p.asking.Load()
	if a == nil {
		return 0
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	n := 0
	for _, c := range a.calls {
		if !c.rq.probe {
			n++
		}
	}
	return n
}
