//go:build linux

package fsview

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// A callHandle is one open call file.
type callHandle struct {
	f   *callFile
	who caller    // who opened it
	key resultKey // whose result it reads, as long as it calls nothing itself

	mu    sync.Mutex   // guards what follows; never held during a wait
	part  []byte       // a line without its end
	from  int          // the process that wrote last
	own   *pendingCall // the last call made through this handle
	base  int64        // where the last request ended: its reply begins here
	retry *interrupted // a write that a signal ended
	shown *pendingCall // what this handle reads if it calls nothing itself
	read  bool         // shown was looked up
}

// interrupted is a write that ended with EINTR after its call was sent. If the
// program writes the same again, as Go programs do, the call is not made a
// second time.
type interrupted struct {
	call *pendingCall
	data []byte
	off  int64
	rest []byte
}

var (
	_ fs.FileReader   = (*callHandle)(nil)
	_ fs.FileWriter   = (*callHandle)(nil)
	_ fs.FileFlusher  = (*callHandle)(nil)
	_ fs.FileFsyncer  = (*callHandle)(nil)
	_ fs.FileReleaser = (*callHandle)(nil)
	_ fs.FileLseeker  = (*callHandle)(nil)
)

// Write calls once for each line, and waits a moment for the result.
func (h *callHandle) Write(ctx context.Context, data []byte, off int64) (uint32, syscall.Errno) {
	from := callerOf(ctx).process()
	h.mu.Lock()
	h.from = from
	c, rest, err := h.begin(data, off)
	h.mu.Unlock()
	if err != nil {
		return 0, h.fail(ctx, err)
	}
	n := uint32(len(data))
	if c == nil {
		h.accept(rest, nil, off+int64(n))
		return n, 0
	}
	switch why, sig := h.wait(ctx, c, writeWait); why {
	case waitSignal:
		if sig.kill {
			c.cancel(errInterrupted)
		} else {
			h.mu.Lock()
			h.retry = &interrupted{c, bytes.Clone(data), off, rest}
			h.mu.Unlock()
		}
		return 0, syscall.EINTR
	case waitEnded:
		return 0, syscall.ENODEV
	case waitDone:
		if err := c.report(); err != nil {
			h.accept(nil, nil, off)
			return 0, errnoOf(err, opCall)
		}
	}
	h.accept(rest, c, off+int64(n))
	return n, 0
}

// begin starts the calls that data completes, or finds the one that it
// repeats. The mutex must be held.
func (h *callHandle) begin(data []byte, off int64) (c *pendingCall, rest []byte, err error) {
	if r := h.retry; r != nil {
		h.retry = nil
		if r.off == off && bytes.Equal(r.data, data) {
			return r.call, r.rest, nil
		}
		r.call.cancel(errInterrupted)
	}
	text := append(bytes.Clone(h.part), data...)
	end := bytes.LastIndexByte(text, '\n') + 1
	if len(text)-end > maxDatagram {
		return nil, nil, &opError{syscall.EMSGSIZE, "line is longer than 65507 bytes, the limit of one datagram"}
	}
	if end == 0 {
		return nil, text, nil
	}
	c, err = h.startText(string(text[:end]))
	return c, text[end:], err
}

// startText runs complete lines. All are read before the first is called: a
// mistake in one calls none.
func (h *callHandle) startText(text string) (*pendingCall, error) {
	var lines []callLine
	for s := range strings.Lines(text) {
		l, err := h.f.parseCall(strings.TrimSuffix(s, "\n"))
		if err != nil {
			return nil, err
		}
		lines = append(lines, l)
	}
	return h.f.start(lines, h.own, h.key, h.who), nil
}

// accept notes that a write was taken up to the offset end.
func (h *callHandle) accept(rest []byte, c *pendingCall, end int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.part, h.base = rest, end
	if c != nil {
		h.own = c
	}
}

// Flush is Fsync for the process that wrote. Every program that a shell starts
// inherits the descriptor and flushes it in the end: it must neither end the
// line of another nor hear the error that another waits for.
func (h *callHandle) Flush(ctx context.Context) syscall.Errno {
	h.mu.Lock()
	from := h.from
	h.mu.Unlock()
	if callerOf(ctx).bystander(from) {
		return 0
	}
	return h.Fsync(ctx, 0)
}

// Fsync runs a line without an end, and waits for what is still running,
// unless the caller is exiting: nothing could end that wait.
func (h *callHandle) Fsync(ctx context.Context, flags uint32) syscall.Errno {
	h.mu.Lock()
	if r := h.retry; r != nil { // the program gave up
		h.retry = nil
		h.mu.Unlock()
		r.call.cancel(errInterrupted)
		return 0
	}
	var err error
	if len(h.part) > 0 {
		var c *pendingCall
		text := string(h.part)
		h.part = nil
		if c, err = h.startText(text); err == nil {
			h.own = c
		}
	}
	c := h.own
	h.mu.Unlock()
	if err != nil {
		return h.fail(ctx, err)
	}
	if c == nil {
		return 0
	}
	switch why, sig := h.wait(ctx, c, h.f.p.maxWait); why {
	case waitSignal:
		if sig.stop {
			c.cancel(errInterrupted)
		}
		return syscall.EINTR
	case waitEnded:
		return syscall.ENODEV
	case waitDone:
		if callerOf(ctx).exiting() {
			return 0 // it could not say what went wrong; somebody else may ask
		}
		if err := c.report(); err != nil {
			return errnoOf(err, opCall)
		}
	}
	return 0
}

// Release forgets the handle. A call under way goes on; one whose caller was
// interrupted does not.
func (h *callHandle) Release(ctx context.Context) syscall.Errno {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.retry != nil {
		h.retry.call.cancel(errInterrupted)
	}
	return 0
}

// Lseek knows no holes.
func (h *callHandle) Lseek(ctx context.Context, off uint64, whence uint32) (uint64, syscall.Errno) {
	return 0, syscall.ENXIO
}

// Read returns the result: of the call made through this handle, else of the
// last one of the caller's session. It waits for one that is still running.
func (h *callHandle) Read(ctx context.Context, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	h.mu.Lock()
	c, own := h.own, true
	if c == nil {
		if !h.read {
			h.shown, h.read = h.f.p.results.get(h.key), true
		}
		c, own = h.shown, false
	}
	if off < h.base {
		h.base = 0 // the program went back to the start of the file
	}
	base := h.base
	h.mu.Unlock()
	if c == nil {
		return fuse.ReadResultData(nil), 0
	}
	switch why, sig := h.wait(ctx, c, h.f.p.maxWait); why {
	case waitSignal:
		if own && sig.kill {
			c.cancel(errInterrupted)
		}
		return nil, syscall.EINTR
	case waitOver:
		return nil, syscall.ETIMEDOUT
	case waitGone:
		return fuse.ReadResultData(nil), 0
	case waitEnded:
		return nil, syscall.ENODEV // an empty text would be the result None
	}
	if err := c.report(); err != nil {
		return nil, errnoOf(err, opCall)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if own {
		return readAt(c.all, dest, off-base), 0
	}
	return readAt(c.last, dest, off), 0
}

// Why a wait ended.
type waitEnd int

const (
	waitDone   waitEnd = iota // the call is over
	waitOver                  // the time is
	waitSignal                // a signal wants the caller
	waitGone                  // the caller is exiting
	waitEnded                 // the mount ends, or has no such peer any more
)

// wait waits until c is over, but at most limit (0: for ever).
func (h *callHandle) wait(ctx context.Context, c *pendingCall, limit time.Duration) (waitEnd, pending) {
	if c.finished() {
		return waitDone, pending{}
	}
	sigs := make(chan pending, 1)
	stop := watchSignals(ctx, func(p pending) { sigs <- p })
	defer stop()
	var over <-chan time.Time
	if limit > 0 {
		t := time.NewTimer(limit)
		defer t.Stop()
		over = t.C
	}
	tick := time.NewTicker(exitPoll)
	defer tick.Stop()
	who := callerOf(ctx)
	for {
		if who.exiting() {
			return waitGone, pending{}
		}
		select {
		case <-c.done:
			return waitDone, pending{}
		case <-h.f.p.base.Done():
			return waitEnded, pending{}
		case p := <-sigs:
			return waitSignal, p
		case <-over:
			return waitOver, pending{}
		case <-tick.C:
		}
	}
}

// fail records an error that was found before anything was called.
func (h *callHandle) fail(ctx context.Context, err error) syscall.Errno {
	errno := h.f.p.fail(ctx, "call", h.f.path(), opCall, err)
	text := h.f.p.errorText(err, opCall)
	h.f.p.errors.addPath(h.f.d.path, text)
	h.f.noteCaller(h.who, text)
	return errno
}
