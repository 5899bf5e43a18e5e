package nomcore

import (
	"context"
	"sync"
	"time"
)

// pool runs jobs on goroutines that it keeps for a while, so many at once. Further jobs wait in a queue of workQueue.
type pool struct {
	ctx  context.Context
	most int
	run  func(job)
	jobs chan job

	mu      sync.Mutex
	workers int
	idle    int
	ended   chan struct{} // closed when closing and the last worker is gone
	closing bool
}

func newPool(ctx context.Context, most int, run func(job)) *pool {
	return &pool{ctx: ctx, most: most, run: run, jobs: make(chan job, workQueue), ended: make(chan struct{})}
}

// submit hands a job to a worker. It never blocks: false means that too many
// are waiting already.
func (p *pool) submit(j job) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closing {
		return false
	}
	select {
	case p.jobs <- j:
	default:
		return false
	}
	// Workers that are idle may already have been woken for earlier jobs, so
	// what counts is whether there are as many as jobs in the queue.
	if p.idle < len(p.jobs) && p.workers < p.most {
		p.workers++
		go p.worker()
	}
	return true
}

func (p *pool) worker() {
	defer p.exit()
	timer := time.NewTimer(workerIdle)
	defer timer.Stop()
	for {
		p.mu.Lock()
		p.idle++
		p.mu.Unlock()
		timer.Reset(workerIdle)
		var (
			j  job
			ok bool
		)
		select {
		case j = <-p.jobs:
			ok = true
		case <-timer.C:
		case <-p.ctx.Done():
		}
		p.mu.Lock()
		p.idle--
		if !ok && len(p.jobs) > 0 && p.ctx.Err() == nil {
			p.mu.Unlock()
			continue // a job came as the timer fired
		}
		if !ok {
			p.mu.Unlock()
			return
		}
		// This worker still counted as idle when jobs that came after its own
		// were submitted: see to it that they find one.
		if p.idle < len(p.jobs) && p.workers < p.most {
			p.workers++
			go p.worker()
		}
		p.mu.Unlock()
		p.run(j)
	}
}

// exit counts a worker out, also one that a handler ended with Goexit.
func (p *pool) exit() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.workers--
	if p.closing && p.workers == 0 {
		close(p.ended)
	}
}

// close waits until all workers have ended, at most so long. The context must
// have been cancelled.
func (p *pool) close(wait time.Duration) {
	p.mu.Lock()
	p.closing = true
	none := p.workers == 0
	p.mu.Unlock()
	if none {
		return
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-p.ended:
	case <-timer.C:
	}
}
