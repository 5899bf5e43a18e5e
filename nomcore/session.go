package nomcore

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
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
