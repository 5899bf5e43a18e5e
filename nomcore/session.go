package nomcore

import (
	"slices"
	"sync"
	"sync/atomic"

	"nomfs/nomcore/wire"
)

// session is the server's side of a session, see package wire. It belongs to a
// Peer: who shows its id from another address has no session there.
type session struct {
	p     *Peer
	id    wire.SessionID
	heard atomic.Int64 // when the last request came, see Service.now

	mu     sync.Mutex
	gone   bool
	below  uint64  // all numbers below are acknowledged
	ring   []entry // by number, modulo its length, which is a power of two
	parked map[uint64]*entry
	bytes  int64 // taken of Service.kept
	active int   // requests that run
}

// entry is one numbered request.
type entry struct {
	seq    uint64
	state  entryState
	ctx    *requestContext // while it runs
	answer []byte          // once it is done
}

type entryState uint8

const (
	entryFree    entryState = iota
	entryRunning            // the request runs
	entryDone               // its answer is kept
	entryLost               // it has run, and its answer was too much to keep
	entryOver               // acknowledged by its own number before all below it, or cancelled before it came
)

// seqVerdict says what to do with a numbered request.
type seqVerdict uint8

const (
	seqRun     seqVerdict = iota // new: run it
	seqOver                      // acknowledged
	seqRunning                   // it runs: say so
	seqReplay                    // it has run: send the answer
	seqLost                      // it has run, but its answer is not kept
	seqBusy                      // no room: the client sends it again
)

// session returns the session of the peer with that id, nil where there is none.
func (p *Peer) session(id wire.SessionID) *session {
	if s := p.lastSession.Load(); s != nil && s.id == id {
		return s
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.sessions {
		if s.id == id {
			p.lastSession.Store(s)
			return s
		}
	}
	return nil
}

// openSession enters a session. It reports false where there is no room for it.
func (p *Peer) openSession(id wire.SessionID) bool {
	if p.session(id) != nil {
		return true
	}
	p.mu.Lock()
	var ended *session
	if len(p.sessions) >= maxSessions {
		if ended = p.idlestSession(); ended == nil {
			p.mu.Unlock()
			return false
		}
		p.sessions = slices.DeleteFunc(p.sessions, func(s *session) bool { return s == ended })
		p.lastSession.Store(nil)
	}
	s := &session{p: p, id: id}
	s.heard.Store(p.s.now())
	p.sessions = append(p.sessions, s)
	p.mu.Unlock()
	if ended != nil {
		p.s.forgetEarly(ended)
		ended.end()
	}
	return true
}

// idlestSession returns the session in which nothing runs and that is silent
// longest, nil where there is none. mu must be held.
func (p *Peer) idlestSession() (idlest *session) {
	for _, s := range p.sessions {
		if s.idle() && (idlest == nil || s.heard.Load() < idlest.heard.Load()) {
			idlest = s
		}
	}
	return idlest
}

// idle reports whether nothing runs in the session.
func (s *session) idle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.active == 0
}

// forgetEarly notes that a session is forgotten although copies of its requests
// may still come: from then on the Service does not remember further back.
func (s *Service) forgetEarly(ss *session) {
	s.cookies.forget(ss.p.addr, s.now())
	heard := ss.heard.Load()
	for {
		was := s.forgot.Load()
		if was >= heard || s.forgot.CompareAndSwap(was, heard) {
			return
		}
	}
}

// endSessions ends all sessions of a peer that is forgotten.
func (p *Peer) endSessions() {
	p.mu.Lock()
	ended := p.sessions
	p.sessions = nil
	p.lastSession.Store(nil)
	p.mu.Unlock()
	for _, s := range ended {
		p.s.forgetEarly(s)
		s.end()
	}
}

// expireSessions ends the sessions that have been silent for so long that no
// copy of a request of theirs can arrive any more.
func (p *Peer) expireSessions(now int64) {
	p.mu.Lock()
	var ended []*session
	p.sessions = slices.DeleteFunc(p.sessions, func(s *session) bool {
		silent := now-s.heard.Load() >= int64(sessionKept)
		if silent {
			ended = append(ended, s)
		}
		return silent
	})
	if len(ended) > 0 {
		p.lastSession.Store(nil)
	}
	p.mu.Unlock()
	for _, s := range ended {
		s.end()
	}
}

// end cancels what runs in the session and gives back what it took.
func (s *session) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone = true
	for i := range s.ring {
		s.ring[i].cancel(true)
	}
	for _, e := range s.parked {
		e.cancel(true)
	}
	s.p.s.kept.give(&s.p.kept, s.bytes)
	s.ring, s.parked, s.bytes = nil, nil, 0
}

// cancel tells the request, if it runs, that nobody waits for it.
func (e *entry) cancel(orphan bool) {
	if e.ctx != nil {
		e.ctx.cancel(orphan)
		e.ctx = nil
	}
}

// begin looks a request up and, if it is new, enters it. replay is a copy of the
// answer that it got before. One that is harmless is run again if its answer is
// not kept.
func (s *session) begin(tag *wire.Tag, harmless bool, now int64) (v seqVerdict, replay []byte) {
	s.heard.Store(now)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone {
		return seqOver, nil
	}
	s.acknowledge(tag)
	e := s.find(tag.Seq)
	if e == nil {
		if tag.Seq < s.below {
			return seqOver, nil
		}
		if e = s.enter(tag.Seq); e == nil {
			return seqBusy, nil
		}
		s.active++
		return seqRun, nil
	}
	switch e.state {
	case entryRunning:
		s.park(e)
		return seqRunning, nil
	case entryDone:
		return seqReplay, slices.Clone(e.answer)
	case entryOver:
		return seqOver, nil
	}
	if harmless {
		e.state = entryRunning
		s.active++
		return seqRun, nil
	}
	return seqLost, nil
}

// find returns the entry of a number, nil where there is none. mu must be held.
func (s *session) find(seq uint64) *entry {
	if len(s.ring) > 0 {
		if e := &s.ring[seq&uint64(len(s.ring)-1)]; e.seq == seq && e.state != entryFree {
			return e
		}
	}
	return s.parked[seq]
}

// enter makes an entry for a new number, nil where there is no room. mu must be
// held.
func (s *session) enter(seq uint64) *entry {
	if seq-s.below >= sessionSpan || s.p.s.kept.overdrawn(&s.p.kept) {
		return nil
	}
	if need := seq - s.below + 1; need > uint64(len(s.ring)) && !s.grow(need) {
		return nil
	}
	e := &s.ring[seq&uint64(len(s.ring)-1)]
	e.seq, e.state, e.answer = seq, entryRunning, e.answer[:0]
	return e
}

// grow makes the ring hold so many numbers. It reports false where there is no
// room. mu must be held.
func (s *session) grow(need uint64) bool {
	size := max(len(s.ring), sessionRing)
	for uint64(size) < need {
		size *= 2
	}
	if !s.take(int64(size-len(s.ring)) * slotCost) {
		return false
	}
	old := s.ring
	s.ring = make([]entry, size)
	for _, e := range old {
		if e.state != entryFree {
			s.ring[e.seq&uint64(size-1)] = e
		}
	}
	return true
}

// take takes bytes of what may be kept. mu must be held.
func (s *session) take(n int64) bool {
	if !s.p.s.kept.take(&s.p.kept, n) {
		return false
	}
	s.bytes += n
	return true
}

// give gives bytes back. mu must be held.
func (s *session) give(n int64) {
	s.p.s.kept.give(&s.p.kept, n)
	s.bytes -= n
}

// park moves the entry of a request of which the client hears that it runs out
// of the ring: from then on it is acknowledged by its own number. mu must be
// held.
func (s *session) park(e *entry) {
	if s.parked[e.seq] != nil {
		return
	}
	if s.parked == nil {
		s.parked = make(map[uint64]*entry)
	}
	s.p.s.kept.force(&s.p.kept, slotCost) // it runs already, room or not
	s.bytes += slotCost
	own := *e
	own.answer = nil
	s.parked[e.seq] = &own
	*e = entry{answer: e.answer[:0]}
}

// acknowledge frees what the client does not wait for any more. mu must be held.
func (s *session) acknowledge(tag *wire.Tag) {
	if tag.Below > s.below {
		s.passTo(tag.Below)
	}
	for seq, rest, ok := wire.NextSeq(tag.Acks); ok; seq, rest, ok = wire.NextSeq(rest) {
		s.acknowledgeOne(seq)
	}
}

// passTo frees the entries of all numbers below, but for those that are parked.
// mu must be held.
func (s *session) passTo(below uint64) {
	if below-s.below < uint64(len(s.ring)) {
		for seq := s.below; seq < below; seq++ {
			if e := &s.ring[seq&uint64(len(s.ring)-1)]; e.seq == seq {
				s.free(e)
			}
			if e := s.parked[seq]; e != nil && e.state == entryOver {
				s.unpark(seq)
			}
		}
		s.below = below
		return
	}
	for i := range s.ring {
		if e := &s.ring[i]; e.seq < below {
			s.free(e)
		}
	}
	for seq, e := range s.parked {
		if seq < below && e.state == entryOver {
			s.unpark(seq)
		}
	}
	s.below = below
}

// acknowledgeOne frees the entry of a number that is acknowledged by itself. mu
// must be held.
func (s *session) acknowledgeOne(seq uint64) {
	e := s.parked[seq]
	if e == nil {
		return // below will pass it
	}
	s.free(e)
	if e.state = entryOver; seq < s.below {
		s.unpark(seq)
	}
}

// unpark removes the entry of a number that is parked. mu must be held.
func (s *session) unpark(seq uint64) {
	delete(s.parked, seq)
	s.give(slotCost)
}

// free empties an entry. If the request still runs, nobody waits for it, which
// its context tells it. mu must be held.
func (s *session) free(e *entry) {
	if e.state == entryFree {
		return
	}
	e.cancel(false)
	if cap(e.answer) > answerReused {
		s.give(int64(cap(e.answer)))
		e.answer = nil
	}
	e.state = entryFree
}

// started notes the context of a request that is about to run.
func (s *session) started(seq uint64, ctx *requestContext) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.find(seq); e != nil && e.state == entryRunning {
		e.ctx = ctx
	} else if s.gone {
		ctx.cancel(true)
	}
}

// detach parks the entry of a request that takes long, of which the client is
// about to hear that it runs. It reports whether it runs.
func (s *session) detach(seq uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.find(seq)
	if e == nil || e.state != entryRunning {
		return false
	}
	s.park(e)
	return true
}

// finish keeps the answer of a request that has run; where there is no room,
// only that it has run.
func (s *session) finish(seq uint64, answer []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.active--
	e := s.find(seq)
	if e == nil || e.state != entryRunning {
		return // acknowledged meanwhile, or the session is gone
	}
	e.ctx = nil
	if len(answer) > answerReused || s.parked[seq] == e {
		e.answer = slices.Clone(answer)
		if cap(e.answer) > answerReused && !s.take(int64(cap(e.answer))) {
			e.state, e.answer = entryLost, nil
			return
		}
	} else {
		if cap(e.answer) < len(answer) {
			const grain = 64 // bytes; answers differ a little in length
			e.answer = make([]byte, 0, (len(answer)+grain-1)/grain*grain)
		}
		e.answer = append(e.answer[:0], answer...)
	}
	e.state = entryDone
}

// abandon forgets a request that was not run after all.
func (s *session) abandon(seq uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.active--
	if e := s.find(seq); e != nil && e.state == entryRunning {
		e.ctx = nil
		s.free(e)
	}
}

// cancel ends the context of a request that runs. One that has not come yet is
// dropped when it comes.
func (s *session) cancel(seq uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.find(seq)
	switch {
	case s.gone:
	case e == nil && seq >= s.below:
		if e = s.enter(seq); e != nil {
			e.state = entryOver
		}
	case e != nil && e.ctx != nil:
		e.ctx.cancel(false)
	}
}

// state returns what Running answers for a number, and a copy of the answer of
// a request that is done.
func (s *session) state(seq uint64) (state byte, answer []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.find(seq)
	switch {
	case e == nil:
		return wire.StateUnknown, nil
	case e.state == entryRunning:
		return wire.StateRunning, nil
	}
	return wire.StateDone, slices.Clone(e.answer)
}
