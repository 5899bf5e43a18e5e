//go:build linux

package fsview

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// replayed is how much of what was read already is kept, in bytes: shells
// read a block and seek back to the end of the line.
const replayed = 128 << 10

// A stream is a text that grows by lines and that one open file reads: below its
// end it can be read again, at its end reading waits. So while read, head -n1 and
// cat work, each in its way.
type stream struct {
	mu    sync.Mutex
	text  []byte        // what is kept
	start int64         // offset of text[0]
	read  int64         // end of what was read
	ended bool          // no more lines will come
	errno syscall.Errno // what reading at the end says then; 0 is end of file
	more  chan struct{} // closed, and made anew, when something changes
}

func newStream() *stream { return &stream{more: make(chan struct{})} }

// add appends a line and tells whether there was room for it.
func (s *stream) add(line string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	unread := s.start + int64(len(s.text)) - s.read
	if s.ended || unread > 0 && unread+int64(len(line)) > maxUnread {
		return false
	}
	if old := int(s.read - s.start - replayed); old > replayed {
		s.text = slices.Delete(s.text, 0, old)
		s.start += int64(old)
	}
	s.text = append(s.text, line...)
	s.wake()
	return true
}

// end says that no more lines will come.
func (s *stream) end(errno syscall.Errno) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ended {
		s.ended, s.errno = true, errno
		s.wake()
	}
}

// wake wakes who waits. The mutex must be held.
func (s *stream) wake() {
	close(s.more)
	s.more = make(chan struct{})
}

// at returns what there is at an offset; more is what to wait for if that is
// nothing.
func (s *stream) at(dest []byte, off int64) (n int, ended bool, errno syscall.Errno, more chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	off = max(off, s.start)
	if end := s.start + int64(len(s.text)); off < end {
		n = copy(dest, s.text[off-s.start:])
		s.read = max(s.read, off+int64(n))
	}
	return n, s.ended, s.errno, s.more
}

// size returns how long the text is so far.
func (s *stream) size() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.start + int64(len(s.text))
}

// readStream reads at an offset. At the end it waits: until there is more, until
// a signal wants the caller back (EINTR), and until the mount ends or the caller
// does (end of file). block false is O_NONBLOCK, where the end is an end: tools
// that walk through trees open all they find that way.
func (p *peer) readStream(ctx context.Context, s *stream, dest []byte, off int64, block bool) (fuse.ReadResult, syscall.Errno) {
	n, ended, errno, more := s.at(dest, off)
	switch {
	case n > 0:
		return fuse.ReadResultData(dest[:n]), 0
	case ended:
		return fuse.ReadResultData(nil), errno
	case !block:
		return fuse.ReadResultData(nil), 0
	}
	signal := make(chan struct{}, 1)
	stop := watchSignals(ctx, func(pending) { signal <- struct{}{} })
	defer stop()
	var over <-chan time.Time
	if p.maxWait > 0 {
		t := time.NewTimer(p.maxWait)
		defer t.Stop()
		over = t.C
	}
	tick := time.NewTicker(exitPoll)
	defer tick.Stop()
	who := callerOf(ctx)
	for {
		select {
		case <-more:
			if n, ended, errno, more = s.at(dest, off); n > 0 || ended {
				if n > 0 {
					errno = 0
				}
				return fuse.ReadResultData(dest[:n]), errno
			}
		case <-signal:
			return nil, syscall.EINTR
		case <-over:
			return nil, syscall.EINTR // readers try again
		case <-p.base.Done():
			return fuse.ReadResultData(nil), 0
		case <-tick.C:
			if who.exiting() {
				return fuse.ReadResultData(nil), 0
			}
		}
	}
}

// openStream makes a handle of a file that is a stream.
type openStream func(ctx context.Context, flags uint32) (fs.FileHandle, syscall.Errno)

// A streamFile is a file that waits at its end. It is never listed: grep -r and
// cp -r would wait, too.
type streamFile struct {
	node
	mode uint32 // permissions
	open atomic.Pointer[openStream]
}

var (
	_ fs.NodeOpener    = (*streamFile)(nil)
	_ fs.NodeGetattrer = (*streamFile)(nil)
	_ fs.FileReader    = (*streamHandle)(nil)
	_ fs.FileReleaser  = (*streamHandle)(nil)
	_ fs.FileLseeker   = (*streamHandle)(nil)
)

func streamEntry(p *peer, name string, mode uint32, open openStream) entry {
	return entry{name, syscall.S_IFREG | mode, func(old fs.InodeEmbedder) treeNode {
		f, ok := old.(*streamFile)
		if !ok {
			f = &streamFile{node: node{p: p}, mode: mode}
		}
		f.open.Store(&open)
		return f
	}}
}

func (f *streamFile) fill(a *fuse.Attr) {
	f.p.fillAttr(a, syscall.S_IFREG|f.mode, unknownSize, f.p.started)
}

// Getattr answers from memory.
func (f *streamFile) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	f.fill(&out.Attr)
	return 0
}

// Open refuses to write what can only be read.
func (f *streamFile) Open(ctx context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	if flags&syscall.O_ACCMODE != syscall.O_RDONLY {
		if e := f.p.readOnly(); e != 0 {
			return nil, 0, e
		}
		if f.mode == readMode {
			return nil, 0, syscall.EACCES
		}
	}
	h, errno := (*f.open.Load())(ctx, flags)
	if l, ok := h.(*listener); ok && errno == 0 {
		l.ino = f.StableAttr().Ino
	}
	return h, fuse.FOPEN_DIRECT_IO, errno
}

// A streamHandle is an open stream that can only be read.
type streamHandle struct {
	p     *peer
	s     *stream
	block bool // not opened with O_NONBLOCK
	stop  context.CancelFunc
}

// newStreamHandle returns a handle, and the context in which its stream is
// filled.
func newStreamHandle(p *peer, flags uint32) (streamHandle, context.Context) {
	ctx, stop := context.WithCancel(p.base)
	return streamHandle{p: p, s: newStream(), block: flags&syscall.O_NONBLOCK == 0, stop: stop}, ctx
}

// Read returns lines and waits for more.
func (h *streamHandle) Read(ctx context.Context, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	return h.p.readStream(ctx, h.s, dest, off, h.block)
}

// Lseek knows no holes.
func (h *streamHandle) Lseek(_ context.Context, off uint64, whence uint32) (uint64, syscall.Errno) {
	return seekData(uint64(h.s.size()), off, whence)
}

// Release ends what fills the stream.
func (h *streamHandle) Release(context.Context) syscall.Errno {
	h.stop()
	return 0
}
