//go:build linux

package fsview

import (
	"context"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"nomfs/codec"
)

// watchPeriod is how often a watched attribute is asked for.
const watchPeriod = time.Second

// A watchFile shows an attribute as it changes: its value, and a line for each
// other value that it takes. Every reader has a watch of its own.
type watchFile struct {
	node
	at atomic.Pointer[member]
}

var (
	_ fs.NodeOpener    = (*watchFile)(nil)
	_ fs.NodeGetattrer = (*watchFile)(nil)
	_ fs.FileReader    = (*watchHandle)(nil)
	_ fs.FileReleaser  = (*watchHandle)(nil)
	_ fs.FileLseeker   = (*watchHandle)(nil)
)

// watchView is the file ATTR.watch.
func watchView(d *objectDir, m member, name string) entry {
	return entry{name, syscall.S_IFREG | readMode, func(old fs.InodeEmbedder) treeNode {
		f, ok := old.(*watchFile)
		if !ok {
			f = &watchFile{node: node{p: d.p}}
		}
		f.at.Store(&m)
		return f
	}}
}

func (f *watchFile) fill(a *fuse.Attr) {
	f.p.fillAttr(a, syscall.S_IFREG|readMode, unknownSize, f.p.started)
}

// Getattr answers from memory.
func (f *watchFile) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	f.fill(&out.Attr)
	return 0
}

// Open asks for the value and begins to watch it.
func (f *watchFile) Open(ctx context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	if flags&syscall.O_ACCMODE != syscall.O_RDONLY {
		if f.p.opt.ReadOnly {
			return nil, 0, syscall.EROFS
		}
		return nil, 0, syscall.EACCES
	}
	m := *f.at.Load()
	c, cancel := f.p.opContext(ctx)
	defer cancel()
	v, err := m.value(c)
	if err != nil {
		return nil, 0, f.p.fail(ctx, "watch", m.path(), m.getOp(), err)
	}
	h := &watchHandle{p: f.p, m: m, session: callerOf(ctx).session(), block: flags&syscall.O_NONBLOCK == 0, s: newStream()}
	h.s.add(h.line(c, v))
	watching, stop := context.WithCancel(f.p.base)
	h.stop = stop
	f.p.wg.Add(1)
	go h.watch(watching, v)
	return h, fuse.FOPEN_DIRECT_IO | fuse.FOPEN_NOFLUSH, 0
}

// A watchHandle is an open watch.
type watchHandle struct {
	p       *peer
	m       member
	session string // whose errors are recorded
	block   bool
	s       *stream
	stop    context.CancelFunc
}

// line is a value in one line.
func (h *watchHandle) line(ctx context.Context, v codec.Value) string {
	return lineItem(v, "\n", h.m.dir.placeOf(ctx)) + "\n"
}

// watch asks for the value until the file is closed, the mount ends or the
// attribute is gone. A peer that is away, or a value that cannot be had, is
// waited for. What changes while the reader has no room is told as soon as it
// has.
func (h *watchHandle) watch(ctx context.Context, last codec.Value) {
	defer h.p.wg.Done()
	tick := time.NewTicker(watchPeriod)
	defer tick.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			h.s.end(0)
			return
		case <-tick.C:
		}
		c, cancel := context.WithTimeout(ctx, h.p.timeout())
		v, err := h.m.fetch(c)
		cancel()
		switch {
		case err == nil:
			failing = false
			if !codec.Equal(v, last) && h.s.add(h.line(ctx, v)) {
				last = v
			}
		case ctx.Err() != nil:
		case isMissing(err):
			h.fail(err)
			h.s.end(syscall.ENOENT)
			return
		case !failing:
			failing = true
			h.fail(err)
		}
	}
}

func (h *watchHandle) fail(err error) {
	h.p.errors.add(h.session, "watch", h.m.path(), h.p.errorText(err, h.m.getOp()), time.Now())
}

// Read returns lines and waits for more.
func (h *watchHandle) Read(ctx context.Context, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	return h.p.readStream(ctx, h.s, dest, off, h.block)
}

// Lseek knows no holes.
func (h *watchHandle) Lseek(_ context.Context, off uint64, whence uint32) (uint64, syscall.Errno) {
	return seekData(uint64(h.s.size()), off, whence)
}

// Release ends the watch.
func (h *watchHandle) Release(context.Context) syscall.Errno {
	h.stop()
	return 0
}
