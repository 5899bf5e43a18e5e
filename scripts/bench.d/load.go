package main

import (
	"errors"
	"math/rand/v2"
	"time"
)

// Load says what the callers of one measurement do.
type Load struct {
	Op      op
	Size    int // bytes
	Callers int
	For     time.Duration
}

// Loaded is what came of it.
type Loaded struct {
	Calls    uint64
	Seconds  float64
	P50, P99 time.Duration // of the calls whose callees did not sleep
	Used     Usage         // by the client's process
}

// loadGrace is how much longer than planned a load may take before it has
// failed: longer than any operation waits for its answer.
const loadGrace = 10 * time.Second

var errStuck = errors.New("some calls did not return")

// load makes all callers call at once.
func load(c client, l Load) (Loaded, error) {
	workers := make([]*worker, l.Callers)
	for i := range workers {
		call, err := c.caller(l.Op, l.Size)
		if err != nil {
			return Loaded{}, err
		}
		// The same sequence each time, another one for each caller.
		workers[i] = &worker{call: call, naps: l.Op == opNap, random: rand.New(rand.NewPCG(1, uint64(i)))}
	}
	done := make(chan error, len(workers))
	before := used()
	start := time.Now()
	for _, w := range workers {
		go func() { done <- w.run(start.Add(l.For)) }()
	}
	stuck := time.NewTimer(l.For + loadGrace)
	defer stuck.Stop()
	var failed error
	for range workers {
		select {
		case err := <-done:
			if failed == nil {
				failed = err // the others most likely say the same
			}
		case <-stuck.C:
			return Loaded{}, errors.Join(failed, errStuck)
		}
	}
	if failed != nil {
		return Loaded{}, failed
	}
	out := Loaded{Seconds: time.Since(start).Seconds(), Used: used().minus(before)}
	var all histogram
	for _, w := range workers {
		out.Calls += w.calls
		all.merge(&w.times)
	}
	out.P50, out.P99 = all.quantile(.5), all.quantile(.99)
	return out, nil
}

// worker is one caller.
type worker struct {
	call   func(sleep bool) error
	naps   bool // some callees sleep
	random *rand.Rand
	calls  uint64
	times  histogram
}

// run calls until the deadline.
func (w *worker) run(deadline time.Time) error {
	for start := time.Now(); start.Before(deadline); {
		sleep := w.naps && w.random.IntN(napOne) == 0
		if err := w.call(sleep); err != nil {
			return err
		}
		end := time.Now()
		w.calls++
		if !sleep {
			w.times.add(end.Sub(start))
		}
		start = end
	}
	return nil
}
