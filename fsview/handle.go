//go:build linux

package fsview

import (
	"context"
	"errors"
	"sync/atomic"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"nomfs/codec"
)

// A valueHandle is one open file of a value.
type valueHandle struct {
	m    member
	form *form // nil is text
	file *valueFile
	// opener created this handle; pending is the file it created, or nil.
	opener  caller
	pending *pendingFile
	// superseded is set on a handle for reading once its opener has written the
	// file through another one.
	superseded atomic.Bool
	// flushed is set with the first close(2): until then the file counts as open,
	// even if open(2) has not returned.
	flushed atomic.Bool

	// gate is a lock that a waiting caller can leave. It guards the rest.
	gate  gate
	text  []byte      // what reads see
	write *writeState // nil on a handle for reading
	from  int         // the process that wrote what is not committed yet
	blank bool        // opened with O_TRUNC, or created, and not written to yet
	// replaced is what the tool that created the file had deleted before, nil
	// for nothing.
	replaced codec.Value
	writes   uint64 // of the mount, when the handle read what it appends to
}

var (
	_ fs.FileReader   = (*valueHandle)(nil)
	_ fs.FileWriter   = (*valueHandle)(nil)
	_ fs.FileFlusher  = (*valueHandle)(nil)
	_ fs.FileFsyncer  = (*valueHandle)(nil)
	_ fs.FileReleaser = (*valueHandle)(nil)
	_ fs.FileLseeker  = (*valueHandle)(nil)
)

// startFrom makes v what the handle reads, or what appending starts from.
func (h *valueHandle) startFrom(ctx context.Context, v codec.Value, appendTo bool) error {
	if v.Kind() == codec.KindRef && (h.form == nil || !h.form.refs) {
		h.m.dir.p.changed() // what the peer advertised of it is wrong
		return errBecameObject
	}
	var err error
	if h.text, err = h.render(ctx, v); err != nil {
		return err
	}
	if !appendTo {
		return nil
	}
	if v.Kind() != codec.KindText && v.Kind() != codec.KindBytes || h.form != nil {
		return &opError{syscall.EINVAL, "only text and bytes can be appended to, this is " + v.Kind().String()}
	}
	h.write = newWriteState(append([]byte(nil), h.text...), true)
	return nil
}

func (h *valueHandle) render(ctx context.Context, v codec.Value) ([]byte, error) {
	return setting{h.m, h.form}.render(ctx, v)
}

func (h *valueHandle) openedBy() caller { return h.opener }

func (h *valueHandle) size() (n int64, empties bool) {
	if h.write == nil {
		if h.superseded.Load() {
			return -1, false
		}
		return int64(len(h.text)), false // set before the handle was given out
	}
	if !h.gate.try() {
		return -1, false
	}
	defer h.gate.leave()
	switch {
	case h.blank:
		return 0, true
	case h.write.dirty:
		return int64(len(h.write.buf)), false
	}
	return -1, false
}

// supersede says that the other handles of the process, which read the file, do not
// show its value any more.
func (h *valueHandle) supersede() {
	for _, other := range h.file.open.all() {
		if other.write == nil && other.opener.sameProcess(h.opener) {
			other.superseded.Store(true)
		}
	}
}

// Read returns a part of the snapshot.
func (h *valueHandle) Read(ctx context.Context, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	return readAt(h.text, dest, off), 0
}

func readAt(text, dest []byte, off int64) fuse.ReadResult {
	if off >= int64(len(text)) {
		return fuse.ReadResultData(nil)
	}
	text = text[off:]
	return fuse.ReadResultData(text[:min(len(text), len(dest))])
}

// Lseek says that the file has no holes.
func (h *valueHandle) Lseek(ctx context.Context, off uint64, whence uint32) (uint64, syscall.Errno) {
	return seekData(uint64(len(h.text)), off, whence)
}

// Whence of lseek(2) for files with holes.
const (
	seekDataWhence = 3
	seekHoleWhence = 4
)

func seekData(size, off uint64, whence uint32) (uint64, syscall.Errno) {
	switch {
	case off >= size:
		return 0, syscall.ENXIO
	case whence == seekDataWhence:
		return off, 0
	case whence == seekHoleWhence:
		return size, 0
	}
	return 0, syscall.EINVAL
}

// Write takes text, and commits it where writeState says so: an error is seen
// by everyone here, and by few later.
func (h *valueHandle) Write(ctx context.Context, data []byte, off int64) (uint32, syscall.Errno) {
	if h.write == nil {
		return 0, syscall.EBADF
	}
	c, cancel := h.m.dir.p.opContext(ctx)
	defer cancel()
	if err := h.gate.enter(c); err != nil {
		return 0, h.fail(ctx, err)
	}
	defer h.gate.leave()
	h.blank = false
	commit, err := h.write.write(data, off)
	if err == nil && commit {
		err = h.commit(c, false)
	}
	if err != nil {
		h.putBack(ctx, c, err)
		return 0, h.fail(ctx, err)
	}
	if h.write.flush() {
		h.from = callerOf(ctx).process()
	}
	return uint32(len(data)), 0
}

// Flush commits what is left, for the process that wrote it: others close
// copies that they inherited. The flush of a handle that wrote nothing does
// nothing.
func (h *valueHandle) Flush(ctx context.Context) syscall.Errno {
	h.flushed.Store(true)
	return h.settle(ctx, func() bool { return callerOf(ctx).bystander(h.from) })
}

// Fsync commits, whichever process calls it.
func (h *valueHandle) Fsync(ctx context.Context, flags uint32) syscall.Errno {
	return h.settle(ctx, func() bool { return false })
}

// settle commits what is left unless skip, which is asked with the gate held.
func (h *valueHandle) settle(ctx context.Context, skip func() bool) syscall.Errno {
	if h.write == nil {
		return 0
	}
	c, cancel := h.m.dir.p.opContext(ctx)
	defer cancel()
	if err := h.gate.enter(c); err != nil {
		return h.fail(ctx, err)
	}
	defer h.gate.leave()
	if !h.write.flush() || skip() {
		return 0
	}
	if err := h.commit(c, true); err != nil {
		h.putBack(ctx, c, err)
		return h.fail(ctx, err)
	}
	return 0
}

// Release forgets the handle.
func (h *valueHandle) Release(ctx context.Context) syscall.Errno {
	h.file.open.remove(h)
	if h.pending != nil {
		h.pending.end()
	}
	return 0
}

func (h *valueHandle) truncate(ctx context.Context, size uint64) error {
	if err := h.gate.enter(ctx); err != nil {
		return errInterrupted
	}
	defer h.gate.leave()
	if size == 0 {
		h.blank = true
	}
	return h.write.truncate(size)
}

func (h *valueHandle) fail(ctx context.Context, err error) syscall.Errno {
	return h.m.dir.p.fail(ctx, "write", h.m.path(), opSetValue, err)
}

// commit assigns the text; last says that no more will come. The gate must be
// held.
func (h *valueHandle) commit(ctx context.Context, last bool) error {
	leave, err := h.enterAppending(ctx)
	if err != nil {
		h.write.failed()
		return err
	}
	defer leave()
	v, err := h.parse(ctx)
	var bad *textError
	if errors.As(err, &bad) && bad.incomplete {
		h.write.deferCommit()
		if last {
			return err // and a shell that only changes descriptors goes on writing
		}
		return nil
	}
	if err == nil {
		err = h.m.set(ctx, v)
	}
	if err != nil {
		h.write.failed()
		return err
	}
	if v.Kind() == codec.KindRef || h.form != nil && h.m.seenAsOther() {
		h.m.changedKind()
	}
	h.write.committed()
	h.writes = h.m.dir.p.writes.Load()
	h.m.born(h.pending, h.file.unborn.Load())
	h.supersede()
	return nil
}

// parse makes a value of the text, of the type that the attribute has now.
func (h *valueHandle) parse(ctx context.Context) (codec.Value, error) {
	return setting{h.m, h.form}.parse(ctx, h.write.text())
}

// gate is a mutex that a caller can stop waiting for.
type gate chan struct{}

func newGate() gate { return make(gate, 1) }

func (g gate) enter(ctx context.Context) error {
	select {
	case g <- struct{}{}:
		return nil
	case <-ctx.Done():
		return causeOf(ctx, ctx.Err())
	}
}

func (g gate) try() bool {
	select {
	case g <- struct{}{}:
		return true
	default:
		return false
	}
}

func (g gate) leave() { <-g }
