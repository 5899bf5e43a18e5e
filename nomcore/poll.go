package nomcore

import (
	"context"
	"fmt"
	"time"

	"nomfs/codec"
	"nomfs/nomcore/wire"
)

// Requests that a peer said to be running are not sent again. Once in a while
// the peer is asked which of them still run: it sends the answers of those that
// are done again, and its silence shows that it is gone.

// startPoll sees to it that the peer is asked about its parked calls.
func (p *Peer) startPoll() {
	a := p.ask()
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.polling {
		a.polling = p.s.tasks.start(p.poll)
	}
}

// poll asks about the parked calls until there is none.
func (p *Peer) poll() {
	a := p.ask()
	since := p.s.now()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-p.s.ctx.Done():
			return
		}
		parked := a.parkedCalls()
		if parked == nil {
			return
		}
		for sess, seqs := range parked {
			for len(seqs) > 0 {
				n := min(len(seqs), pollBatch)
				p.askRunning(sess, seqs[:n])
				seqs = seqs[n:]
			}
		}
		p.mayBeDown(since)
	}
}

// parkedCalls returns the numbers of the calls that are parked, by session; nil
// where there is none: then nobody polls any more.
func (a *asking) parkedCalls() map[*clientSession][]uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	var parked map[*clientSession][]uint64
	for _, c := range a.calls {
		if c.running && c.sess != nil {
			if parked == nil {
				parked = make(map[*clientSession][]uint64)
			}
			parked[c.sess] = append(parked[c.sess], c.tag.Seq)
		}
	}
	a.polling = parked != nil
	return parked
}

// askRunning asks which requests of a session still run. Those that the peer
// does not know have run, or will never.
func (p *Peer) askRunning(sess *clientSession, seqs []uint64) {
	var list []byte
	for _, seq := range seqs {
		list = wire.AppendSeq(list, seq)
	}
	ctx, cancel := context.WithTimeout(p.s.ctx, pollEvery/2)
	defer cancel()
	deadline, _ := ctx.Deadline()
	c, err := p.exchange(ctx, deadline, &request{
		cmd: wire.Pull, op: ops[opRunning], seq: codec.Bytes(list), resend: true, probe: true,
	}, sess)
	gone := make(map[uint64]bool)
	switch {
	case asLost(err) != nil:
		for _, seq := range seqs {
			gone[seq] = true
		}
	case err != nil:
		return // the next question may be answered
	default:
		states, ok := c.pkt.Text(wire.Result)
		if ok && len(states) == len(seqs) {
			for i, state := range states {
				if state == wire.StateUnknown {
					gone[seqs[i]] = true
				}
			}
		}
		p.ask().release(c)
	}
	p.failParked(sess, gone)
}

// failParked ends the wait of parked calls that the peer does not know.
func (p *Peer) failParked(sess *clientSession, gone map[uint64]bool) {
	if len(gone) == 0 {
		return
	}
	a := p.ask()
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range a.calls {
		if c.sess == sess && c.running && gone[c.tag.Seq] {
			c.fail(fmt.Errorf("while it ran: %w", ErrRestarted))
		}
	}
}
