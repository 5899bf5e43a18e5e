//go:build linux

package fsview

import (
	"context"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"

	"nomfs/codec"
)

// watchPeriod is how often a watched attribute is asked for.
const watchPeriod = time.Second

// watchView is the file ATTR.watch: the value, and a line for each other value
// that the attribute takes. Every reader has a watch of its own.
func watchView(d *objectDir, m member, name string) entry {
	return streamEntry(d.p, name, viewAttrWatch.perm(), func(ctx context.Context, flags uint32) (fs.FileHandle, syscall.Errno) {
		c, cancel := d.p.opContext(ctx)
		defer cancel()
		v, err := m.value(c)
		if err != nil {
			return nil, d.p.fail(ctx, "watch", m.path(), m.getOp(), err)
		}
		h := &watchHandle{m: m, session: callerOf(ctx).session()}
		var watching context.Context
		h.streamHandle, watching = newStreamHandle(d.p, flags)
		h.s.add(h.line(c, v))
		if !d.p.tasks.spawn(func() { h.watch(watching, v) }) {
			h.s.end(0)
		}
		return h, 0
	})
}

// A watchHandle is an open watch.
type watchHandle struct {
	streamHandle
	m       member
	session string // whose errors are recorded
}

// line is a value in one line.
func (h *watchHandle) line(ctx context.Context, v codec.Value) string {
	return lineItem(v, "\n", h.m.dir.pathPrinter(ctx)) + "\n"
}

// watch asks for the value until the file is closed, the mount ends or the
// attribute is gone. A peer that is away, or a value that cannot be had, is
// waited for. What changes while the reader has no room is told as soon as it
// has.
func (h *watchHandle) watch(ctx context.Context, last codec.Value) {
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
