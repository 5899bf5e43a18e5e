package script

import (
	"context"
	"fmt"
	"runtime/debug"

	"go.starlark.net/starlark"

	"nomfs/codec"
)

// The limits of one call, where Env says nothing.
const (
	// defaultSteps is in steps of the interpreter: some seconds of work,
	// which is far more than an answer to a person takes.
	defaultSteps = 50_000_000
	// maxDepth is how many calls may wait for each other, from script to
	// script within this process: each has its own goroutines.
	maxDepth = 32
)

// runKey is the key under which a thread knows its run, depthKey the one under
// which a context knows how many runs wait for it.
const runKey = "run"

type depthKey struct{}

// run is one call that runs in a script. It belongs to one goroutine.
type run struct {
	s          *Script
	what       string // for errors: f()
	ctx        context.Context
	thread     *starlark.Thread
	holds      bool  // the lock of the state
	used       int64 // bytes of memory counted so far
	outOfSteps bool
	starved    bool // it waited for the state in vain
}

// runOf returns the run of a thread.
func runOf(t *starlark.Thread) *run { return t.Local(runKey).(*run) }

// run runs f within the limits of a call. what says what f is. A call that is
// cancelled, takes too long or too many steps ends with an error that says so.
func (s *Script) run(ctx context.Context, what string, f func(r *run) error) (err error) {
	depth, _ := ctx.Value(depthKey{}).(int)
	if depth >= maxDepth {
		return exception(classRuntime, "%s: more than %d calls of scripts wait for each other", what, maxDepth)
	}
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.running.Done()
	ctx = context.WithValue(context.WithValue(ctx, depthKey{}, depth+1), loadingKey{}, nil)
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	defer context.AfterFunc(s.ctx, cancel)()

	r := &run{s: s, what: what, ctx: ctx, thread: &starlark.Thread{Name: what, Print: s.print}}
	r.thread.SetLocal(runKey, r)
	r.thread.SetMaxExecutionSteps(s.steps)
	r.thread.OnMaxSteps = func(t *starlark.Thread) {
		r.outOfSteps = true
		t.Cancel("too many steps")
	}
	defer context.AfterFunc(ctx, func() { r.thread.Cancel(ctx.Err().Error()) })()
	defer r.unlock()
	defer func() {
		if p := recover(); p != nil {
			s.log.Error("panic in a script", "script", s.path, "in", what, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = exception(classRuntime, "%s: %v", what, p)
		}
	}()
	return r.failure(f(r))
}

// loadingKey is the key under which the context of the top level tells itself
// from others.
type loadingKey struct{}

// enter counts a call, unless the script is closed, or still makes what it will
// share: the top level may have given a function to somebody already.
func (s *Script) enter(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		return errClosed
	}
	if !s.loaded && ctx.Value(loadingKey{}) != s {
		return exception(classRuntime, "%s is not loaded yet", s.class)
	}
	s.running.Add(1)
	return nil
}

// lock takes the lock of the state, for the rest of the call.
func (r *run) lock() error {
	if r.holds {
		return nil
	}
	select {
	case r.s.stateLock <- struct{}{}:
		r.holds = true
		return nil
	default:
	}
	select {
	case r.s.stateLock <- struct{}{}:
		r.holds = true
		return nil
	case <-r.ctx.Done():
		r.starved = true
		return r.ctx.Err()
	}
}

func (r *run) unlock() {
	if r.holds {
		<-r.s.stateLock
		r.holds = false
	}
}

// outside runs f, which waits for something outside of the script, without the
// lock of the state: others may call meanwhile, even on behalf of what f waits
// for. The lock is taken again whatever happened: those who hold it are never
// waiting, so this is soon.
func (r *run) outside(f func(ctx context.Context) error) error {
	held := r.holds
	r.unlock()
	err := f(r.ctx)
	if held {
		r.s.stateLock <- struct{}{}
		r.holds = true
	}
	if err != nil {
		return &passed{err}
	}
	return nil
}

// detached is outside for an object of this process, which may not heed the
// context: it is left behind when the call ends, and what it answers then is
// lost.
func (r *run) detached(answer *codec.Value, f func(ctx context.Context) (codec.Value, error)) error {
	type result struct {
		v   codec.Value
		err error
	}
	return r.outside(func(ctx context.Context) error {
		done := make(chan result, 1)
		go func() {
			res := result{err: exception(classRuntime, "the object ended its goroutine")}
			defer func() {
				if p := recover(); p != nil {
					r.s.log.Error("panic in an object", "script", r.s.path, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
					res = result{err: exception(classRuntime, "%v", p)}
				}
				done <- res
			}()
			res.v, res.err = f(ctx)
		}()
		select {
		case res := <-done:
			*answer = res.v
			return res.err
		case <-ctx.Done():
			return ctx.Err()
		}
	})
}

// print is the print of scripts: a line of the log, with its place.
func (s *Script) print(t *starlark.Thread, msg string) {
	at := ""
	for i := range t.CallStackDepth() {
		if pos := t.CallFrame(i).Pos; pos.Line > 0 {
			at = fmt.Sprintf("%s:%d", pos.Filename(), pos.Line)
			break
		}
	}
	s.log.Info(clip(msg), "script", at)
}
