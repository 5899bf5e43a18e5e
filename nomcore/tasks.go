package nomcore

import (
	"sync"
	"time"
)

// tasks are the goroutines of a Service. None is started once the Service is
// closing, and Close waits for all, for a while.
type tasks struct {
	mu      sync.Mutex
	running int
	telling int  // of running: those that Close lets finish
	leaving bool // Close was called: nothing more is told
	closed  bool
	told    chan struct{} // closed when telling is 0; nil while nobody waits
	ended   chan struct{} // closed when running is 0; nil while nobody waits
}

// start runs f on a goroutine. It reports false, without running it, when the
// Service is closed.
func (t *tasks) start(f func()) bool { return t.run(f, false) }

// tell is start for what should reach a peer before the Service is closed.
func (t *tasks) tell(f func()) bool { return t.run(f, true) }

func (t *tasks) run(f func(), tells bool) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || tells && t.leaving {
		return false
	}
	t.running++
	if tells {
		t.telling++
	}
	go func() {
		defer t.end(tells)
		f()
	}()
	return true
}

func (t *tasks) end(tells bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.running--
	if tells {
		t.telling--
	}
	if t.told != nil && t.telling == 0 {
		close(t.told)
		t.told = nil
	}
	if t.ended != nil && t.running == 0 {
		close(t.ended)
		t.ended = nil
	}
}

// leave lets no more be told and waits until peers were told what they are being
// told, or do not seem to hear it. After that nothing is started any more.
func (t *tasks) leave(most time.Duration) {
	t.mu.Lock()
	t.leaving = true
	var told chan struct{}
	if t.telling > 0 {
		told = make(chan struct{})
		t.told = told
	}
	t.mu.Unlock()
	await(told, most)
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
}

// wait waits until all have ended, at most so long. leave must have been called.
func (t *tasks) wait(most time.Duration) {
	t.mu.Lock()
	var ended chan struct{}
	if t.running > 0 {
		ended = make(chan struct{})
		t.ended = ended
	}
	t.mu.Unlock()
	await(ended, most)
}

// await waits for c to be closed, at most so long. A nil channel is closed
// already.
func await(c <-chan struct{}, most time.Duration) {
	if c == nil {
		return
	}
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-c:
	case <-timer.C:
	}
}
