package nomcore

import (
	"context"
	"net/netip"
	"sync"
	"time"
)

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
