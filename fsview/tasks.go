//go:build linux

package fsview

import (
	"context"
	"sync"
	"time"
)

// tasks owns the goroutines of a mount: spawn starts each of them, close ends the
// context that they work in, and wait waits for them. No goroutine starts once
// close was called, so that wait misses none.
type tasks struct {
	base   context.Context // ends with close
	cancel context.CancelCauseFunc

	mu      sync.Mutex
	running int
	closed  bool
	idle    chan struct{} // closed when the last goroutine ends after close
}

func newTasks() *tasks {
	t := &tasks{idle: make(chan struct{})}
	t.base, t.cancel = context.WithCancelCause(context.Background())
	return t
}

// enter counts one goroutine more. It returns false once close was called: then
// the goroutine must not do anything.
func (t *tasks) enter() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return false
	}
	t.running++
	return true
}

// leave ends what enter began.
func (t *tasks) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.running--
	if t.closed && t.running == 0 {
		close(t.idle)
	}
}

// spawn runs f in a goroutine. It returns false, and runs nothing, once close was
// called.
func (t *tasks) spawn(f func()) bool {
	if !t.enter() {
		return false
	}
	go func() {
		defer t.leave()
		f()
	}()
	return true
}

// close refuses new goroutines and ends the context of those that run, for the
// reason why. It may be called more than once; the first reason stays.
func (t *tasks) close(why error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return
	}
	t.closed = true
	t.cancel(why)
	if t.running == 0 {
		close(t.idle)
	}
}

// wait waits at most limit until the last goroutine has ended after close, and
// tells whether it has.
func (t *tasks) wait(limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-t.idle:
		return true
	case <-timer.C:
		return false
	}
}
