//go:build linux

package fsview

import (
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// errorLog keeps the last error of each session, of each path and of each process on
// a path, and all of them in the order in which they came.
type errorLog struct {
	all textLog

	mu       sync.Mutex
	sessions *bounded[string, string]
	paths    *bounded[string, string]
	callers  *bounded[string, string] // of one process on one path
}

func newErrorLog() *errorLog {
	table := func(entries int) *bounded[string, string] {
		return newBounded[string, string](entries, entries*2*maxErrorText, nil)
	}
	return &errorLog{sessions: table(maxErrorSessions), paths: table(maxErrorPaths), callers: table(maxErrorPaths)}
}

// put remembers an error in one of the tables. The mutex must be held.
func (e *errorLog) put(in *bounded[string, string], key, text string) {
	in.put(key, text, len(key)+len(text))
}

// get returns an error from one of the tables, "" for none.
func (e *errorLog) get(from *bounded[string, string], key string) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	text, _ := from.peek(key)
	return text
}

// add records an error: time, operation, path, type and text, in one line.
func (e *errorLog) add(session, verb, path, text string, now time.Time) {
	line := fmt.Sprintf("%s %s %s %s\n", now.Format(time.RFC3339), verb, path, text)
	e.all.add(line, now)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.put(e.sessions, session, line)
	e.put(e.paths, path, text+"\n")
}

// addPath records the error of a method, which is shown under its own name and
// not only under that of its call file.
func (e *errorLog) addPath(path, text string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.put(e.paths, path, text+"\n")
}

// addCaller records the error of a call for the process that made it.
func (e *errorLog) addCaller(path string, process int, text string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.put(e.callers, callerKey(path, process), text+"\n")
}

// ofCaller returns the last error of a process on a path, "" where there was
// none.
func (e *errorLog) ofCaller(path string, process int) string {
	return e.get(e.callers, callerKey(path, process))
}

func callerKey(path string, process int) string { return itoa(process) + " " + path }

// ofSession returns the last error of a session, "" where there was none.
func (e *errorLog) ofSession(session string) string { return e.get(e.sessions, session) }

// ofPath returns the last error on a path, "" where there was none.
func (e *errorLog) ofPath(path string) string { return e.get(e.paths, path) }

// cutText cuts a text that is longer than limit, in bytes, and says so at its end.
func cutText(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	end := limit
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return fmt.Sprintf("%s… (%d bytes)", strings.TrimSpace(text[:end]), len(text))
}
