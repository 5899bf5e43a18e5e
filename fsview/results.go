//go:build linux

package fsview

import (
	"sync"
	"syscall"
	"time"
)

// resultKey says whose result of which call file.
type resultKey struct{ path, session string }

// resultTable keeps the last call of every session on every call file, and counts
// those that run.
type resultTable struct {
	mu     sync.Mutex
	calls  *bounded[resultKey, *pendingCall]
	active int // calls that run, kept or not
}

func newResultTable() *resultTable {
	return &resultTable{calls: newBounded[resultKey, *pendingCall](maxResults, maxResultBytes, nil)}
}

// errManyCalls is the answer to one call too many.
var errManyCalls = &opError{syscall.EAGAIN, "too many calls run already: wait for one of them"}

// resultSize is how much memory a call takes besides its result, in bytes.
const resultSize = 1 << 9

// begin makes c the last call of its session, in place of an earlier one. It returns
// false where too many calls run; then c must not run.
func (t *resultTable) begin(key resultKey, c *pendingCall) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.calls.put(key, c, resultSize)
	if t.active >= maxCalls {
		return false
	}
	t.active++
	return true
}

// end says that a call that began is over, and how large its result is, in bytes.
func (t *resultTable) end(key resultKey, c *pendingCall, size int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.active--
	if last, _ := t.calls.peek(key); last == c {
		t.calls.resize(key, resultSize+size)
	}
}

// get returns the last call of a session, nil where there is none or its
// result is too old.
func (t *resultTable) get(key resultKey) *pendingCall {
	t.mu.Lock()
	defer t.mu.Unlock()
	c, _ := t.calls.get(key)
	if c != nil && c.expired(time.Now()) {
		t.calls.remove(key)
		return nil
	}
	return c
}

// sweep drops results that are too old.
func (t *resultTable) sweep(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range t.calls.all() {
		if last, _ := t.calls.peek(c.key); last == c && c.expired(now) {
			t.calls.remove(c.key)
		}
	}
}

// running counts the calls without an answer.
func (t *resultTable) running() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.active
}
