//go:build linux

package fsview

import (
	"context"
	"errors"
	"io"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"

	"nomfs/codec"
)

// callsEntry is the file in which an object of this process tells its calls. It is
// there where the object can be followed.
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
	return streamEntry(d.p, viewCalls.name(), viewCalls.perm(), d.follow), nil
}

// follow opens the file: what is kept of the past, and each event as it comes.
func (d *objectDir) follow(ctx context.Context, flags uint32) (fs.FileHandle, syscall.Errno) {
	c, cancel := d.p.opContext(ctx)
	defer cancel()
	o, err := d.object(c)
	if err != nil {
		return nil, d.p.fail(ctx, "read", joinPath(d.path, viewCalls.name()), opGet, err)
	}
	h := new(followHandle)
	var following context.Context
	h.streamHandle, following = newStreamHandle(d.p, flags)
	after := h.past(c, o.ref)
	if !d.p.tasks.spawn(func() { h.follow(following, o.ref, after) }) {
		h.s.end(0)
	}
	return h, 0
}

// A followHandle is an open follower.
type followHandle struct{ streamHandle }

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
