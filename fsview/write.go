package fsview

import (
	"fmt"
	"syscall"
)

// pageSize is what tools that copy in blocks use a multiple of. A write of any
// other length is the end of what a tool has to say.
const pageSize = 4096

// maxDatagram is the largest text one datagram can carry, in bytes. A file
// that grows past it can never be sent.
const maxDatagram = 65507

// writeState decides when what is written through one handle becomes one
// assignment. It does no I/O: write and flush tell the caller to commit, and
// the caller answers with committed or failed.
//
// An error is seen by everyone in write(2) and by few in close(2), so the first
// write that does not fill whole pages commits at once; whatever follows
// commits when the handle is flushed.
type writeState struct {
	buf      []byte // the text, as if it were a file
	appendTo bool   // O_APPEND: offsets mean nothing
	joins    bool   // what is appended follows what the file holds when it is committed
	base     int    // bytes of buf that the file held already, of one that joins
	dirty    bool   // buf holds text that was not committed
	early    bool   // the commit inside write(2) has happened
	open     bool   // buf is a literal that is not complete yet
	limit    int    // of buf, in bytes
	prev     int    // len(buf) before the write that is being committed
}

// newWriteState returns the state of a handle that starts from text: nothing,
// or what the file holds when it was opened for appending.
func newWriteState(start []byte, appendTo bool) *writeState {
	return &writeState{buf: start, appendTo: appendTo, joins: appendTo, base: len(start), limit: maxDatagram}
}

// write takes p written at off and reports whether the text must be committed
// before the write is answered.
func (w *writeState) write(p []byte, off int64) (commit bool, err error) {
	if !w.appendTo && off != int64(len(w.buf)) {
		// A program that keeps a file open and writes a new value from the
		// start each time means the new value alone.
		if off != 0 || w.dirty && !w.open {
			return false, &opError{syscall.EINVAL, fmt.Sprintf("write at offset %d: a value is written from its start to its end", off)}
		}
		w.buf, w.early, w.dirty, w.open = nil, false, false, false
	}
	if len(w.buf)+len(p) > w.limit {
		w.dirty = false
		return false, errTooLarge(w.limit)
	}
	w.prev = len(w.buf)
	w.buf = append(w.buf, p...)
	w.dirty = len(w.buf) > 0
	return !w.early && len(p)%pageSize != 0, nil
}

// errTooLarge says that a text of more than limit bytes can never be sent.
func errTooLarge(limit int) error {
	return &opError{syscall.EMSGSIZE, fmt.Sprintf("value is larger than %d bytes, the limit of one datagram", limit)}
}

// startAt makes what was not committed yet follow another start.
func (w *writeState) startAt(start []byte) error {
	added := w.buf[w.base:]
	if len(start)+len(added) > w.limit {
		return errTooLarge(w.limit)
	}
	w.prev += len(start) - w.base
	w.buf, w.base = append(append([]byte(nil), start...), added...), len(start)
	return nil
}

// flush reports whether there is text to commit.
func (w *writeState) flush() bool {
	w.prev = w.base
	return w.dirty
}

// text is what a commit sends.
func (w *writeState) text() []byte { return w.buf }

// deferCommit is called instead of committed when the text is not complete
// yet: the next write tries again. It may also start anew.
func (w *writeState) deferCommit() { w.open = true }

// committed is called when the text was assigned.
func (w *writeState) committed() {
	w.dirty, w.early, w.open = false, true, false
	if w.appendTo {
		w.joins, w.base = true, len(w.buf)
	}
}

// failed is called when the text was refused. The write that brought it did
// not happen, and nothing is left for a flush to repeat.
func (w *writeState) failed() {
	w.buf = w.buf[:w.prev]
	w.dirty, w.open = false, false
}

// truncate is ftruncate(2) on the handle. Truncation never reaches the peer: it
// forgets what an appending handle started from.
func (w *writeState) truncate(size uint64) error {
	switch {
	case size == uint64(len(w.buf)):
	case size != 0:
		return &opError{syscall.EINVAL, fmt.Sprintf("truncation to %d bytes: only to nothing", size)}
	case !w.dirty || w.open:
		w.buf, w.early, w.dirty, w.open = nil, false, false, false
		w.joins, w.base = false, 0
	default:
		return &opError{syscall.EINVAL, "truncation of a value half written"}
	}
	return nil
}
