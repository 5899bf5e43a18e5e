//go:build linux

package fsview

import (
	"context"
	"errors"
	"io"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"nomfs/codec"
)

// callsName is the file in which an object of this process tells its calls.
const callsName = ".calls"

// A followFile shows what happens to an object of this process: what is kept of
// the past, and each event as it comes.
type followFile struct {
	node
	d *objectDir
}

var (
	_ fs.NodeOpener    = (*followFile)(nil)
	_ fs.NodeGetattrer = (*followFile)(nil)
	_ fs.FileReader    = (*followHandle)(nil)
	_ fs.FileReleaser  = (*followHandle)(nil)
	_ fs.FileLseeker   = (*followHandle)(nil)
)

// callsEntry is there where the object can be followed.
func (d *objectDir) callsEntry(ctx context.Context) (entry, error) {
	if d.p.opt.Local == nil {
		return entry{}, errNoEntry
	}
	o, err := d.object(ctx)
	if err != nil {
		return entry{}, err
	}
	if _, own, err := d.p.opt.Local.Object(o.ref); !own || err != nil || !d.p.opt.Local.Follows(o.ref) {
		return entry{}, errNoEntry
	}
	return entry{callsName, syscall.S_IFREG | readMode, func(old fs.InodeEmbedder) treeNode {
		if f, ok := old.(*followFile); ok {
			return f
		}
		return &followFile{node: node{p: d.p}, d: d}
	}}, nil
}

func (f *followFile) fill(a *fuse.Attr) {
	f.p.fillAttr(a, syscall.S_IFREG|readMode, unknownSize, f.p.started)
}

// Getattr answers from memory.
func (f *followFile) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	f.fill(&out.Attr)
	return 0
}

// Open begins to follow.
func (f *followFile) Open(ctx context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	if flags&syscall.O_ACCMODE != syscall.O_RDONLY {
		if f.p.opt.ReadOnly {
			return nil, 0, syscall.EROFS
		}
		return nil, 0, syscall.EACCES
	}
	c, cancel := f.p.opContext(ctx)
	defer cancel()
	o, err := f.d.object(c)
	if err != nil {
		return nil, 0, f.p.fail(ctx, "read", joinPath(f.d.path, callsName), opGet, err)
	}
	following, stop := context.WithCancel(f.p.base)
	h := &followHandle{p: f.p, s: newStream(), stop: stop, block: flags&syscall.O_NONBLOCK == 0}
	after := h.past(c, o.ref)
	f.p.wg.Add(1)
	go h.follow(following, o.ref, after)
	return h, fuse.FOPEN_DIRECT_IO | fuse.FOPEN_NOFLUSH, 0
}

// A followHandle is an open followFile.
type followHandle struct {
	p     *peer
	s     *stream
	stop  context.CancelFunc
	block bool
}

// past takes what there is already, so that it can be read without waiting.
func (h *followHandle) past(ctx context.Context, r codec.Ref) (after uint64) {
	ctx, cancel := context.WithCancel(ctx)
	cancel() // what would wait does not
	if lines, next, err := h.p.opt.Local.Follow(ctx, r, 0); err == nil {
		h.tell(lines)
		return next
	}
	return 0
}

// roomWait is how long a follower waits before it looks again whether its reader
// has made room. What happens meanwhile is kept by the object.
const roomWait = 100 * time.Millisecond

// tell adds lines, and returns those for which there is no room yet.
func (h *followHandle) tell(lines []string) []string {
	for i, l := range lines {
		if !h.s.add(l + "\n") {
			return lines[i:]
		}
	}
	return nil
}

// follow adds lines as they come, until the file is closed, the mount ends or
// the object does.
func (h *followHandle) follow(ctx context.Context, r codec.Ref, after uint64) {
	defer h.p.wg.Done()
	for {
		lines, next, err := h.p.opt.Local.Follow(ctx, r, after)
		switch {
		case err == nil:
		case ctx.Err() != nil, errors.Is(err, io.EOF):
			h.s.end(0)
			return
		default:
			h.s.end(syscall.ESTALE)
			return
		}
		after = next
		for lines = h.tell(lines); len(lines) > 0; lines = h.tell(lines) {
			select {
			case <-ctx.Done():
				h.s.end(0)
				return
			case <-time.After(roomWait):
			}
		}
	}
}

// Read returns lines and waits for more.
func (h *followHandle) Read(ctx context.Context, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	return h.p.readStream(ctx, h.s, dest, off, h.block)
}

// Lseek knows no holes.
func (h *followHandle) Lseek(_ context.Context, off uint64, whence uint32) (uint64, syscall.Errno) {
	return seekData(uint64(h.s.size()), off, whence)
}

// Release stops following.
func (h *followHandle) Release(context.Context) syscall.Errno {
	h.stop()
	return 0
}
