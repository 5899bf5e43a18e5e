package nomcore

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"nomfs/codec"
)

// Sessions make requests between peers of ours run at most once, however often
// they are sent. The asker opens one with SYNC, whose nonce is its id, numbers
// its requests from 1 and says with each which numbers are over and done with.
// The answerer keeps the answer of each number until then. The attribute nomq
// carries this, in a request (48 bytes):
//
//	0         16     24       32       40       48
//	+---------+------+--------+--------+--------+
//	| session | boot | number | low    | cookie |   all numbers below low are done
//	+---------+------+--------+--------+--------+
//
// and in its answer (25 bytes):
//
//	0      8        16  17       25
//	+------+--------+---+--------+
//	| boot | number | f | uptime |         uptime in nanoseconds
//	+------+--------+---+--------+
//
//	f 01  the session is unknown: not run …
//	f 02  … but run after all, because that is harmless
//	f 04  it has run; its answer was too large to be kept for a copy
//
// boot is the boot id of the answerer: in a request the one that the asker
// knows, so that a restarted process never takes a request for a new one. cookie
// repeats the first 8 bytes of the nonce with which the answerer answered SYNC,
// which it chose for this address alone: only who receives what is sent there
// can know it.
const (
	attrNomq = "nomq"

	tagSize     = 48
	tagBootAt   = 16
	tagSeqAt    = 24
	tagLowAt    = 32
	tagCookieAt = 40
	ackSize     = 25
	ackSeqAt    = 8
	ackFlagsAt  = 16
	ackUpAt     = 17
)

// The flags of an answer.
const (
	ackUnknown byte = 1 << iota
	ackRan
	ackLost
)

type (
	sessionID [16]byte
	bootID    [8]byte
	cookie    [8]byte
)

// sessionTag is nomq in a request.
type sessionTag struct {
	session  sessionID
	boot     bootID
	seq, low uint64
	cookie   cookie
}

func (t *sessionTag) value() codec.Bytes {
	b := make([]byte, tagSize)
	copy(b, t.session[:])
	copy(b[tagBootAt:], t.boot[:])
	binary.BigEndian.PutUint64(b[tagSeqAt:], t.seq)
	binary.BigEndian.PutUint64(b[tagLowAt:], t.low)
	copy(b[tagCookieAt:], t.cookie[:])
	return codec.Bytes(b)
}

func parseSessionTag(v codec.Value) (sessionTag, error) {
	s, ok := v.(codec.Bytes)
	if !ok || len(s) < tagSize {
		return sessionTag{}, fmt.Errorf("%w: malformed %s", errBadPacket, attrNomq)
	}
	b := []byte(s[:tagSize])
	t := sessionTag{seq: binary.BigEndian.Uint64(b[tagSeqAt:]), low: binary.BigEndian.Uint64(b[tagLowAt:])}
	copy(t.session[:], b)
	copy(t.boot[:], b[tagBootAt:])
	copy(t.cookie[:], b[tagCookieAt:])
	if t.seq == 0 || t.low > t.seq {
		return t, fmt.Errorf("%w: %s numbered %d with low %d", errBadPacket, attrNomq, t.seq, t.low)
	}
	return t, nil
}

// sessionAck is nomq in an answer.
type sessionAck struct {
	boot   bootID
	seq    uint64
	flags  byte
	uptime time.Duration
}

func (a *sessionAck) value() codec.Bytes {
	b := make([]byte, ackSize)
	copy(b, a.boot[:])
	binary.BigEndian.PutUint64(b[ackSeqAt:], a.seq)
	b[ackFlagsAt] = a.flags
	binary.BigEndian.PutUint64(b[ackUpAt:], uint64(a.uptime))
	return codec.Bytes(b)
}

func parseAck(v codec.Value) (sessionAck, error) {
	s, ok := v.(codec.Bytes)
	if !ok || len(s) < ackSize {
		return sessionAck{}, fmt.Errorf("%w: malformed %s", errBadPacket, attrNomq)
	}
	b := []byte(s[:ackSize])
	a := sessionAck{
		seq:    binary.BigEndian.Uint64(b[ackSeqAt:]),
		flags:  b[ackFlagsAt],
		uptime: time.Duration(binary.BigEndian.Uint64(b[ackUpAt:])),
	}
	copy(a.boot[:], b)
	return a, nil
}

// clientSession is the asker's side.
type clientSession struct {
	id     sessionID
	boot   bootID // of the answerer
	cookie cookie // that it gave us

	mu       sync.Mutex
	next     uint64
	low      uint64              // all below are done
	done     map[uint64]struct{} // done, but not below low
	advanced chan struct{}       // closed when low advances; nil if nobody waits
}

func newClientSession() *clientSession {
	c := &clientSession{next: 1, low: 1, done: make(map[uint64]struct{})}
	rand.Read(c.id[:])
	return c
}

// begin numbers a request. The numbers in use never span more than the answerer
// keeps, or the oldest could find no room there any more; who would exceed that
// waits.
func (c *clientSession) begin(ctx context.Context) (sessionTag, error) {
	c.mu.Lock()
	for c.next-c.low >= maxSessionCalls {
		if c.advanced == nil {
			c.advanced = make(chan struct{})
		}
		advanced := c.advanced
		c.mu.Unlock()
		select {
		case <-advanced:
		case <-ctx.Done():
			return sessionTag{}, ctx.Err()
		}
		c.mu.Lock()
	}
	defer c.mu.Unlock()
	t := sessionTag{session: c.id, boot: c.boot, seq: c.next, low: c.low, cookie: c.cookie}
	c.next++
	return t, nil
}

// finish says that nobody waits for the answer to a number any more.
func (c *clientSession) finish(seq uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done[seq] = struct{}{}
	low := c.low
	for {
		if _, ok := c.done[c.low]; !ok {
			break
		}
		delete(c.done, c.low)
		c.low++
	}
	if c.low > low && c.advanced != nil {
		close(c.advanced)
		c.advanced = nil
	}
}

// lostSession is the answer that the session is unknown there.
type lostSession struct {
	ack   sessionAck
	first time.Time // when the request was first sent
}

func (e *lostSession) Error() string { return "the peer does not know the session" }

// neverRan reports whether it is certain that the request did not run. Whoever
// answered was started before the request was first sent, so no predecessor at
// that address got it; and it has not got it either: then it would know the
// session, which nothing but 120 s of silence makes it forget.
func (e *lostSession) neverRan() bool {
	sent := time.Since(e.first)
	margin := 10*time.Millisecond + sent/100 // for clocks that differ in rate
	return e.ack.uptime > sent+margin && sent < sessionKept/2
}

// serverSessions are the answerer's sessions. They belong to no address: a
// client whose address changes goes on in its session, and nothing that an
// address does, DESYNC included, makes a session forget what has run.
type serverSessions struct {
	mu     sync.Mutex
	byID   map[sessionID]*serverSession
	opened map[netip.AddrPort]int // how many of them by address
	bytes  int                    // kept for all
}

// serverSession is the answerer's side.
type serverSession struct {
	opener  netip.AddrPort
	heard   time.Time
	low     uint64
	entries map[uint64]*seqEntry
	bytes   int
}

// seqEntry is one numbered request.
type seqEntry struct {
	session *serverSession
	seq     uint64
	done    bool
	lost    bool   // its answer was too much to keep
	answer  []byte // nil while it runs
	cancel  context.CancelFunc
}

// open enters a session of a client. It reports whether there is room for it.
func (t *serverSessions) open(id sessionID, opener netip.AddrPort) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	if s := t.byID[id]; s != nil {
		s.heard = now
		return true
	}
	if t.opened[opener] >= maxSessions || len(t.byID) >= maxAllSessions {
		t.expire(now)
	}
	if t.opened[opener] >= maxSessions || len(t.byID) >= maxAllSessions {
		return false
	}
	if t.byID == nil {
		t.byID = make(map[sessionID]*serverSession)
		t.opened = make(map[netip.AddrPort]int)
	}
	t.byID[id] = &serverSession{opener: opener, heard: now, entries: make(map[uint64]*seqEntry)}
	t.opened[opener]++
	return true
}

// expire forgets sessions that have been silent for so long that no copy of a
// request of theirs can arrive any more. mu must be held.
func (t *serverSessions) expire(now time.Time) {
	for id, s := range t.byID {
		if now.Sub(s.heard) >= sessionKept {
			t.bytes -= s.bytes
			delete(t.byID, id)
			if t.opened[s.opener]--; t.opened[s.opener] == 0 {
				delete(t.opened, s.opener)
			}
		}
	}
}

// seqVerdict says what to do with a numbered request.
type seqVerdict uint8

const (
	seqRun     seqVerdict = iota // new: run it
	seqDrop                      // running, or done with
	seqReplay                    // it has run: send the answer
	seqLost                      // it has run, but its answer is not kept
	seqUnknown                   // no such session
	seqFull                      // too many at once: the asker sends it again
)

// begin looks a request up and, if it is new, enters it. A harmless one is run
// again if its answer was not kept.
func (t *serverSessions) begin(tag *sessionTag, harmless bool) (seqVerdict, *seqEntry) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.byID[tag.session]
	if s == nil {
		return seqUnknown, nil
	}
	s.heard = time.Now()
	t.advance(s, tag.low)
	if tag.seq < s.low {
		return seqDrop, nil
	}
	if e := s.entries[tag.seq]; e != nil {
		switch {
		case !e.done:
			return seqDrop, nil
		case e.lost && harmless:
			e.done, e.lost = false, false
			return seqRun, e
		case e.lost:
			return seqLost, nil
		}
		return seqReplay, e
	}
	if len(s.entries) >= maxSessionCalls || t.bytes+entryCost > maxSessionsBytes {
		return seqFull, nil
	}
	e := &seqEntry{session: s, seq: tag.seq}
	s.entries[tag.seq] = e
	s.bytes += entryCost
	t.bytes += entryCost
	return seqRun, e
}

// advance frees what the asker is done with. mu must be held.
func (t *serverSessions) advance(s *serverSession, low uint64) {
	if low <= s.low {
		return
	}
	if low-s.low > uint64(len(s.entries)) {
		for seq, e := range s.entries {
			if seq < low {
				t.free(s, e)
			}
		}
	} else {
		for seq := s.low; seq < low; seq++ {
			if e := s.entries[seq]; e != nil {
				t.free(s, e)
			}
		}
	}
	s.low = low
}

// free removes an entry. If the request still runs, nobody waits for it any
// more, which its context tells it. mu must be held.
func (t *serverSessions) free(s *serverSession, e *seqEntry) {
	if e.cancel != nil {
		e.cancel()
	}
	delete(s.entries, e.seq)
	s.bytes -= entryCost + len(e.answer)
	t.bytes -= entryCost + len(e.answer)
}

// finish keeps the answer of a request that has run; where there is no room,
// only that it has run.
func (t *serverSessions) finish(e *seqEntry, answer []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e.done, e.cancel = true, nil
	s := e.session
	if s.entries[e.seq] != e {
		return
	}
	if s.bytes+len(answer) > maxSessionBytes || t.bytes+len(answer) > maxSessionsBytes {
		e.lost = true
		return
	}
	e.answer = answer
	s.bytes += len(answer)
	t.bytes += len(answer)
}

// abandon forgets a request that was not run after all.
func (t *serverSessions) abandon(e *seqEntry) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e.session.entries[e.seq] == e {
		t.free(e.session, e)
	}
}

// running notes how to cancel a request.
func (t *serverSessions) running(e *seqEntry, cancel context.CancelFunc) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e.cancel = cancel
}

// cancel ends the context of a running request.
func (t *serverSessions) cancel(id sessionID, seq uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s := t.byID[id]; s != nil {
		if e := s.entries[seq]; e != nil && e.cancel != nil {
			e.cancel()
		}
	}
}

// knows reports whether there is such a session.
func (t *serverSessions) knows(id sessionID) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.byID[id] != nil
}

// sweep expires sessions.
func (t *serverSessions) sweep(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.expire(now)
}

// openedBy returns how many sessions an address has opened.
func (t *serverSessions) openedBy(addr netip.AddrPort) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.opened[addr]
}
