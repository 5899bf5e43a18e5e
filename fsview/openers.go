//go:build linux

package fsview

import (
	"context"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
)

// justClosed is how long a process counts as having a directory open after it
// closed it: rm -r closes an empty directory before it removes it.
const justClosed = time.Second

// openers knows who lists a directory. Who lists a directory and deletes what
// is in it deletes recursively, and would empty the peer behind a forgotten
// mount. It notes threads, as the kernel names them: to which process one
// belongs is asked when something is deleted, which happens rarely.
type openers struct {
	mu    sync.Mutex
	count map[uint32]int
	left  map[uint32]time.Time
}

func (o *openers) opened(thread uint32) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.count == nil {
		o.count = make(map[uint32]int)
	}
	o.count[thread]++
}

func (o *openers) closed(thread uint32) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.count[thread]--; o.count[thread] > 0 {
		return
	}
	delete(o.count, thread)
	now := time.Now()
	for p, at := range o.left {
		if now.Sub(at) > justClosed {
			delete(o.left, p)
		}
	}
	if o.left == nil {
		o.left = make(map[uint32]time.Time)
	}
	o.left[thread] = now
}

// has tells whether the caller's process has the directory, an inode, open. What
// the process itself has closed is closed, though the kernel may not have said so
// yet.
func (o *openers) has(c caller, ino uint64) bool { return o.among(c, false) && c.holds(ino).may() }

// had tells whether it has the directory open, or had it just now.
func (o *openers) had(c caller) bool { return o.among(c, true) }

func (o *openers) among(c caller, left bool) bool {
	o.mu.Lock()
	var threads []uint32
	for thread := range o.count {
		threads = append(threads, thread)
	}
	for thread, at := range o.left {
		if left && time.Since(at) < justClosed {
			threads = append(threads, thread)
		}
	}
	o.mu.Unlock()
	if slices.Contains(threads, c.pid) {
		return true
	}
	return slices.ContainsFunc(threads, func(thread uint32) bool {
		process := caller{pid: thread}.process()
		return process != 0 && process == c.process()
	})
}

// errRecursive is the answer to who empties a directory.
var errRecursive = &opError{syscall.EPERM, "recursive deletion is refused: delete one name at a time"}

// refuseDelete refuses to delete path where nothing may be deleted, to a process
// that has the directory around it open, and to rm -r of several names, which a
// shell makes of *.
func (d *objectDir) refuseDelete(ctx context.Context, o *openers, in *fs.Inode, path string) syscall.Errno {
	switch {
	case d.p.opt.Delete == DeleteNone:
		return d.p.fail(ctx, "delete", path, opDelete, errNoDelete)
	case d.p.opt.Delete != DeleteRecursive && (o.has(callerOf(ctx), in.StableAttr().Ino) || callerOf(ctx).removesMany()):
		return d.p.fail(ctx, "delete", path, opDelete, errRecursive)
	}
	return 0
}

// emptying tells whether the caller deletes all that is in a directory, where
// that is allowed. The control entries that it finds there are no obstacle:
// they go with their object.
func (d *objectDir) emptying(ctx context.Context) bool {
	return d.p.opt.Delete == DeleteRecursive && d.openers.has(callerOf(ctx), d.StableAttr().Ino)
}

// refuseEmptied refuses to remove the directory name below parent to a process
// that has just listed it.
func (d *objectDir) refuseEmptied(ctx context.Context, parent *fs.Inode, name string) syscall.Errno {
	ch := parent.GetChild(name)
	if ch == nil || d.p.opt.Delete == DeleteRecursive {
		return 0
	}
	sub, ok := ch.Operations().(*objectDir)
	if !ok || !sub.openers.had(callerOf(ctx)) {
		return 0
	}
	return d.p.fail(ctx, "delete", sub.path, opDelete, errRecursive)
}
