//go:build linux

package fsview

import (
	"fmt"
	"sync"
	"time"
)

const (
	// maxErrorSessions and maxErrorPaths bound what is remembered of errors.
	maxErrorSessions = 256
	maxErrorPaths    = 1024
	// maxResults bounds the call results kept for sessions, which last
	// resultTime each.
	maxResults = 4096
	resultTime = time.Minute
)

// errorLog keeps the last error of each session and of each path, and all of
// them in the order in which they came.
type errorLog struct {
	all textLog

	mu       sync.Mutex
	sessions lastTexts
	paths    lastTexts
	callers  lastTexts // of one process on one path
}

// lastTexts is a bounded map: when it is full, the entry written longest ago
// goes.
type lastTexts struct {
	text  map[string]string
	order []string
}

func (l *lastTexts) put(key, text string, max int) {
	if l.text == nil {
		l.text = make(map[string]string)
	}
	if _, ok := l.text[key]; ok {
		for i, k := range l.order {
			if k == key {
				l.order = append(l.order[:i], l.order[i+1:]...)
				break
			}
		}
	} else if len(l.order) >= max {
		delete(l.text, l.order[0])
		l.order = l.order[1:]
	}
	l.text[key] = text
	l.order = append(l.order, key)
}

// add records an error: time, operation, path, type and text, in one line.
func (e *errorLog) add(session, verb, path, text string, now time.Time) {
	line := fmt.Sprintf("%s %s %s %s\n", now.Format(time.RFC3339), verb, path, text)
	e.all.add(line, now)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.sessions.put(session, line, maxErrorSessions)
	e.paths.put(path, text+"\n", maxErrorPaths)
}

// addPath records the error of a method, which is shown under its own name and
// not only under that of its call file.
func (e *errorLog) addPath(path, text string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.paths.put(path, text+"\n", maxErrorPaths)
}

// addCaller records the error of a call for the process that made it.
func (e *errorLog) addCaller(path string, process int, text string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.callers.put(callerKey(path, process), text+"\n", maxErrorPaths)
}

// ofCaller returns the last error of a process on a path, "" where there was
// none.
func (e *errorLog) ofCaller(path string, process int) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.callers.text[callerKey(path, process)]
}

func callerKey(path string, process int) string { return itoa(process) + " " + path }

// ofSession returns the last error of a session, "" where there was none.
func (e *errorLog) ofSession(session string) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.sessions.text[session]
}

// ofPath returns the last error on a path, "" where there was none.
func (e *errorLog) ofPath(path string) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.paths.text[path]
}

// resultKey says whose result of which call file.
type resultKey struct{ path, session string }

// resultTable keeps the last call of every session on every call file.
type resultTable struct {
	mu    sync.Mutex
	calls map[resultKey]*pendingCall
}

// put makes c the last call of its session, in place of an earlier one.
func (t *resultTable) put(key resultKey, c *pendingCall) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.calls == nil {
		t.calls = make(map[resultKey]*pendingCall)
	}
	if len(t.calls) >= maxResults {
		t.dropOldest()
	}
	t.calls[key] = c
}

// dropOldest must be called with mu held. It prefers calls that are over; one
// that runs loses only the place where its result would be read.
func (t *resultTable) dropOldest() {
	var oldest resultKey
	var at time.Time
	for k, c := range t.calls {
		if at.IsZero() || c.started.Before(at) {
			oldest, at = k, c.started
		}
	}
	delete(t.calls, oldest)
}

// get returns the last call of a session, nil where there is none or its
// result is too old.
func (t *resultTable) get(key resultKey) *pendingCall {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.calls[key]
	if c != nil && c.expired(time.Now()) {
		delete(t.calls, key)
		return nil
	}
	return c
}

// sweep drops results that are too old.
func (t *resultTable) sweep(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for k, c := range t.calls {
		if c.expired(now) {
			delete(t.calls, k)
		}
	}
}

// running counts the calls without an answer.
func (t *resultTable) running() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for _, c := range t.calls {
		if !c.finished() {
			n++
		}
	}
	return n
}
