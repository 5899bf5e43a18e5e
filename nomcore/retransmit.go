package nomcore

import (
	"context"
	"sync"
	"time"
)

// rttEstimator measures the round trip and derives the retransmission timeout
// from it (RFC 6298, section 2). The zero value has no sample.
type rttEstimator struct {
	mu     sync.Mutex
	srtt   time.Duration
	rttvar time.Duration
}

// sample enters one measured round trip.
func (e *rttEstimator) sample(rtt time.Duration) {
	// The weights are those of RFC 6298: alpha 1/8, beta 1/4.
	e.mu.Lock()
	defer e.mu.Unlock()
	rtt = max(rtt, 1)
	if e.srtt == 0 {
		e.srtt, e.rttvar = rtt, rtt/2
		return
	}
	e.rttvar += ((e.srtt - rtt).Abs() - e.rttvar) / 4
	e.srtt += (rtt - e.srtt) / 8
}

// timeout returns how long to wait before sending again.
func (e *rttEstimator) timeout() time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.srtt == 0 {
		return rtoInitial
	}
	return min(max(e.srtt+4*e.rttvar, rtoMin), rtoMax)
}

// smoothed returns the smoothed round trip, 0 while there is no sample.
func (e *rttEstimator) smoothed() time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.srtt
}

// window bounds the requests in flight towards one peer. It grows by one for
// each full window of answers and is halved on a timeout; the timeouts of one
// lost burst, which come together, count once.
type window struct {
	// most is a bound from outside; exact says that the size does not matter.
	most func() (n int, exact bool)

	mu      sync.Mutex
	size    int
	inUse   int
	answers int       // since the last change of size
	shrunk  time.Time // when the size was last halved
	waiting []chan struct{}
}

func newWindow(most func() (n int, exact bool)) *window {
	return &window{most: most, size: windowInitial}
}

// limit returns how many may be in flight now. mu must be held.
func (w *window) limit() int {
	most, exact := w.most()
	if exact {
		return most
	}
	return max(1, min(w.size, most))
}

// acquire waits for a place.
func (w *window) acquire(ctx context.Context) error {
	w.mu.Lock()
	if w.inUse < w.limit() {
		w.inUse++
		w.mu.Unlock()
		return nil
	}
	ready := make(chan struct{})
	w.waiting = append(w.waiting, ready)
	w.mu.Unlock()
	select {
	case <-ready:
		return nil
	case <-ctx.Done():
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, ch := range w.waiting {
		if ch == ready {
			w.waiting = append(w.waiting[:i], w.waiting[i+1:]...)
			return ctx.Err()
		}
	}
	// The place was granted at the same moment: pass it on.
	w.inUse--
	w.wakeLocked()
	return ctx.Err()
}

// release frees a place.
func (w *window) release() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.inUse--
	w.wakeLocked()
}

// wake lets waiters go after the bound from outside has changed.
func (w *window) wake() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wakeLocked()
}

// wakeLocked grants free places. mu must be held.
func (w *window) wakeLocked() {
	for len(w.waiting) > 0 && w.inUse < w.limit() {
		w.inUse++
		close(w.waiting[0])
		w.waiting = w.waiting[1:]
	}
}

// grow counts an answer.
func (w *window) grow() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.answers++; w.answers >= w.size && w.size < windowMax {
		w.size++
		w.answers = 0
		w.wakeLocked()
	}
}

// shrink counts a timeout.
func (w *window) shrink() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if now := time.Now(); now.Sub(w.shrunk) >= rtoMin {
		w.shrunk = now
		w.size = max(1, w.size/2)
		w.answers = 0
	}
}
