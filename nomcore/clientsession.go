package nomcore

import (
	"context"
	"sync"
	"time"

	"nomfs/nomcore/wire"
)

// clientSession is the client's side of a session, see package wire.
type clientSession struct {
	id   wire.SessionID
	boot wire.BootID // of the server

	mu       sync.Mutex
	next     uint64
	below    uint64        // all numbers below are done, or running
	done     []uint64      // a bit for each number from below on, by number modulo sessionSpan; nil while all ended in order
	acks     []uint64      // numbers to be acknowledged one by one
	advanced chan struct{} // closed when below advances; nil if nobody waits
}

func newClientSession(id wire.SessionID, boot wire.BootID) *clientSession {
	return &clientSession{id: id, boot: boot, next: 1, below: 1}
}

// begin numbers a request. The numbers in use never span more than the server
// keeps, or the oldest could find no room there any more; who would exceed that
// waits. acks is room for the numbers that the tag acknowledges.
func (s *clientSession) begin(ctx context.Context, deadline time.Time, acks []byte) (wire.Tag, error) {
	s.mu.Lock()
	for s.next-s.below >= sessionSpan {
		if s.advanced == nil {
			s.advanced = make(chan struct{})
		}
		advanced := s.advanced
		s.mu.Unlock()
		timer := time.NewTimer(time.Until(deadline))
		select {
		case <-advanced:
			timer.Stop()
		case <-timer.C:
			return wire.Tag{}, context.DeadlineExceeded
		case <-ctx.Done():
			timer.Stop()
			return wire.Tag{}, ctx.Err()
		}
		s.mu.Lock()
	}
	defer s.mu.Unlock()
	t := wire.Tag{Session: s.id, Boot: s.boot, Seq: s.next, Below: s.below}
	s.next++
	acks = acks[:0]
	for _, seq := range s.acks[:min(len(s.acks), wire.MaxAcks)] {
		acks = wire.AppendSeq(acks, seq)
	}
	t.Acks = acks
	return t, nil
}

// leave takes a number out of the span: nobody waits for its answer any more, or
// the server says that it runs.
func (s *clientSession) leave(seq uint64) {
	const word = 64 // bits
	s.mu.Lock()
	defer s.mu.Unlock()
	if seq < s.below {
		return
	}
	if seq > s.below && s.done == nil {
		s.done = make([]uint64, sessionSpan/word)
	}
	bit := func(seq uint64) (*uint64, uint64) {
		return &s.done[seq%sessionSpan/word], 1 << (seq % word)
	}
	if seq > s.below {
		w, b := bit(seq)
		*w |= b
		return
	}
	s.below++
	for s.done != nil && s.below < s.next {
		w, b := bit(s.below)
		if *w&b == 0 {
			break
		}
		*w &^= b
		s.below++
	}
	if s.advanced != nil {
		close(s.advanced)
		s.advanced = nil
	}
}

// acknowledge adds a number to those that are acknowledged one by one.
func (s *clientSession) acknowledge(seq uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.acks = append(s.acks, seq)
}

// acknowledged takes the numbers that a tag acknowledged off the list: the
// server has got them.
func (s *clientSession) acknowledged(t *wire.Tag) {
	if len(t.Acks) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for seq, rest, ok := wire.NextSeq(t.Acks); ok; seq, rest, ok = wire.NextSeq(rest) {
		for i, x := range s.acks[:min(len(s.acks), 4*wire.MaxAcks)] {
			if x == seq {
				s.acks = append(s.acks[:i], s.acks[i+1:]...)
				break
			}
		}
	}
}
