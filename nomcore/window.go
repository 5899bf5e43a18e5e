package nomcore

import (
	"context"
	"slices"
	"sync"
	"time"
)

// window bounds the requests in flight towards one peer. It grows by one for
// each full window of answers and is halved on a timeout; the timeouts of one
// lost burst, which come together, count once.
//
// Requests that are made while a request of the same peer is being answered,
// and for that, are nested. They have places of their own, or a callback would
// wait for the call that waits for it.
type window struct {
	// bounds are from outside: of the requests that are not nested, where the
	// size is one more bound unless exact is set, and of those that are.
	bounds func() (most int, exact bool, nested int)

	mu      sync.Mutex
	size    int
	inUse   [2]int    // not nested, nested
	answers int       // since the last change of size
	shrunk  time.Time // when the size was last halved
	waiting []placeWait
}

// placeWait is somebody who waits for a place.
type placeWait struct {
	kind  int // index of inUse
	ready chan struct{}
}

// The indices of window.inUse.
const (
	placeOuter = iota
	placeNested
)

func newWindow(bounds func() (most int, exact bool, nested int)) *window {
	return &window{bounds: bounds, size: windowInitial}
}

// free reports whether a place may be taken now. mu must be held.
func (w *window) free(kind int) bool {
	most, exact, nested := w.bounds()
	if kind == placeNested {
		return w.inUse[kind] < max(1, nested)
	}
	if !exact {
		most = min(most, w.size)
	}
	return w.inUse[kind] < max(1, most)
}

// acquire waits for a place, until the context or its time ends.
func (w *window) acquire(ctx context.Context, deadline time.Time, kind int) error {
	w.mu.Lock()
	if w.free(kind) {
		w.inUse[kind]++
		w.mu.Unlock()
		return nil
	}
	ready := make(chan struct{})
	w.waiting = append(w.waiting, placeWait{kind, ready})
	w.mu.Unlock()
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	err := context.DeadlineExceeded
	select {
	case <-ready:
		return nil
	case <-ctx.Done():
		err = ctx.Err()
	case <-timer.C:
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.waiting {
		if w.waiting[i].ready == ready {
			w.waiting = slices.Delete(w.waiting, i, i+1)
			return err
		}
	}
	// The place was granted at the same moment: pass it on.
	w.inUse[kind]--
	w.wakeLocked()
	return err
}

// release frees a place.
func (w *window) release(kind int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.inUse[kind]--
	w.wakeLocked()
}

// wake lets waiters go after the bounds from outside have changed.
func (w *window) wake() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wakeLocked()
}

// wakeLocked grants free places, to each kind in the order of arrival. mu must
// be held.
func (w *window) wakeLocked() {
	full := [2]bool{}
	kept := w.waiting[:0]
	for _, x := range w.waiting {
		if full[x.kind] || !w.free(x.kind) {
			full[x.kind] = true
			kept = append(kept, x)
			continue
		}
		w.inUse[x.kind]++
		close(x.ready)
	}
	clear(w.waiting[len(kept):])
	w.waiting = kept
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
