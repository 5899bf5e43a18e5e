package nomcore

import (
	"errors"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"nomfs/nomcore/transport"
	"nomfs/nomcore/wire"
)

// worker serves one request after the other. One worker at a time reads the
// socket, and runs what it reads itself: no hand-over to another goroutine makes
// a quick request slow. If a request takes longer than overdueAfter, or waits for
// a peer, another worker takes over reading, and this one ends with its request.
// Methods that were slow before get a worker of their own at once, see slowTable.
type worker struct {
	s     *Service
	reads bool // it reads the socket
	buf   []byte
	xid   []byte // of the job, encoded: the read buffer may be another's by then
	pkt   wire.Packet
	job   job
	began int64 // when the job did, see Service.now

	// timer runs while a request does, and calls overdue. Whoever stops it,
	// or runs when it fires, and nobody else, decides what becomes of reading.
	timer *time.Timer
	// handled holds a token once handOver is through, when it was not the end of
	// the request that stopped the timer.
	handled chan struct{}
	// spare is the read buffer while the request does not need it any more.
	spare atomic.Pointer[[]byte]
	// retired says that another worker reads the socket. It belongs to the
	// goroutine of the worker.
	retired bool
}

func newWorker(s *Service, buf []byte) *worker {
	w := &worker{s: s, buf: buf, handled: make(chan struct{}, 1)}
	w.timer = time.AfterFunc(time.Hour, w.overdue)
	w.timer.Stop()
	return w
}

// startReader has a new worker read the socket, into buf if it is not nil.
func (s *Service) startReader(buf []byte) {
	if buf == nil {
		buf = make([]byte, recvBuffer)
	}
	w := newWorker(s, buf)
	w.reads = true
	s.tasks.start(w.read)
}

// read is the receive loop. Nothing that arrives ends it, runtime.Goexit in the
// code of the application included; only closing the socket does.
func (w *worker) read() {
	s := w.s
	ended := false
	defer func() {
		if !ended && !w.retired { // by Goexit
			s.startReader(nil)
		}
	}()
	for !w.retired {
		n, from, at, err := s.conn.Read(w.buf)
		if err == nil {
			w.receive(w.buf[:n], from, at)
		} else if !s.readFailed(err) {
			break
		}
	}
	ended = true
}

// readFailed handles an error of reading. It reports whether reading goes on.
func (s *Service) readFailed(err error) bool {
	var closed *transport.ClosedError
	switch {
	case s.closed():
		return false
	case errors.As(err, &closed):
		s.portClosed(closed)
	case transport.Fatal(err):
		s.log.Error("socket failed", "err", err)
		for _, p := range s.peers.all() {
			p.failCalls(ErrClosed, nil)
		}
		return false
	}
	return true
}

// run runs the job of the worker and answers it.
func (w *worker) run() {
	w.began = w.s.now()
	w.timer.Reset(overdueAfter)
	w.serve()
	w.endTurn()
}

// endTurn ends what run began.
func (w *worker) endTurn() {
	w.job.ctx.end()
	if w.timer.Stop() {
		if buf := w.spare.Swap(nil); buf != nil {
			w.buf = *buf
		}
	} else {
		<-w.handled
		w.retired = true
		if w.s.now()-w.began >= int64(slowAfter) {
			w.s.slow.mark(w.job.method, slowFor)
		}
	}
	w.job.giveRoom()
	w.job = job{}
}

// overdue is called by the timer when a request takes long.
func (w *worker) overdue() {
	w.handOver()
	w.handled <- struct{}{}
}

// giveUp lets another worker read the socket, if this one does, because the
// request waits for a peer, whose answer somebody must read.
func (w *worker) giveUp() {
	if w.timer.Stop() {
		w.overdue()
	}
}

// handOver makes the request one that takes long: it is counted, its client is
// told that it runs, and its method is remembered as slow.
func (w *worker) handOver() {
	s, j := w.s, &w.job
	s.slow.mark(j.method, slowAtFirst)
	j.p.runs(j)
	j.takeRoom(s)
	if w.reads {
		var own []byte
		if buf := w.spare.Swap(nil); buf != nil {
			own = *buf
		}
		s.startReader(own)
	}
	if j.sess != nil && j.sess.detach(j.seq) {
		s.sendAck(j.p, j.xid, j.seq, wire.AckRunning)
	}
}

// offerBuffer says that the request does not need the read buffer any more.
func (w *worker) offerBuffer() {
	if w.reads {
		buf := w.buf
		w.spare.Store(&buf)
	}
}

// handOff gives the job that the worker has just read, with a copy of the
// datagram b, a goroutine of its own. It reports false where there is no room.
func (w *worker) handOff(b []byte, at netip.Addr) bool {
	s := w.s
	if !w.job.room(s) {
		return false
	}
	own := s.pools.worker()
	own.buf = append(own.buf[:0], b...)
	own.job = w.job
	own.xid = append(own.xid[:0], w.job.xid...)
	own.job.xid = own.xid
	w.job = job{}
	if own.pkt.Parse(own.buf) != nil { // it did before
		panic("nomcore: a copy of a packet does not parse")
	}
	own.job.attach(own)
	if !s.tasks.start(func() {
		own.run()
		s.pools.putWorker(own)
	}) {
		own.job.giveRoom()
		return false
	}
	return true
}

// slowTable remembers methods that took long. They run on goroutines of their
// own for their next calls.
type slowTable [slowSlots]atomic.Int32

// mark notes that a method took long, for its next calls.
func (t *slowTable) mark(method uint32, calls int32) {
	slot := &t[method%slowSlots]
	for {
		was := slot.Load()
		if was >= calls || slot.CompareAndSwap(was, calls) {
			return
		}
	}
}

// take reports whether a method is known to take long, and counts the call.
func (t *slowTable) take(method uint32) bool {
	slot := &t[method%slowSlots]
	if slot.Load() <= 0 {
		return false
	}
	return slot.Add(-1) >= 0
}

// methodOf names what a request does, for the slowTable: a hash of object,
// operation and attribute, or the command.
func methodOf(pkt *wire.Packet) uint32 {
	// FNV-1a, 32 bits.
	const offset, prime = 2166136261, 16777619
	h := uint32(offset) ^ uint32(pkt.Cmd)
	for _, f := range [...]wire.Field{wire.OID, wire.Op, wire.Attr} {
		for _, c := range pkt.Fields[f] {
			h = (h ^ uint32(c)) * prime
		}
	}
	return h
}

// pools keep what requests need for the next ones. They belong to the Service,
// so that tests in virtual time have their own.
type pools struct {
	s        *Service
	workers  sync.Pool // of *worker
	outboxes sync.Pool // of *outbox
	waits    sync.Pool // of *call
}

func (p *pools) init(s *Service) { p.s = s }

func (p *pools) worker() *worker {
	if w, ok := p.workers.Get().(*worker); ok {
		w.retired = false
		return w
	}
	return newWorker(p.s, nil)
}

// maxPooled is the largest buffer that is kept for later, in bytes: what most
// requests need.
const maxPooled = 8 << 10

func (p *pools) putWorker(w *worker) {
	if cap(w.buf) <= maxPooled {
		p.workers.Put(w)
	}
}
