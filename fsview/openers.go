//go:build linux

package fsview

import (
	"context"
	"sync"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
)

// justClosed is how long a process counts as having a directory open after it
// closed it: rm -r closes an empty directory before it removes it.
const justClosed = time.Second

// openers knows which processes have a directory open. Who lists a directory
// and deletes what is in it deletes recursively, and would empty the peer
// behind a forgotten mount.
type openers struct {
	mu    sync.Mutex
	count map[int]int
	left  map[int]time.Time
}

func (o *openers) opened(process int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.count == nil {
		o.count = make(map[int]int)
	}
	o.count[process]++
}

func (o *openers) closed(process int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.count[process]--; o.count[process] > 0 {
		return
	}
	delete(o.count, process)
	now := time.Now()
	for p, at := range o.left {
		if now.Sub(at) > justClosed {
			delete(o.left, p)
		}
	}
	if o.left == nil {
		o.left = make(map[int]time.Time)
	}
	o.left[process] = now
}

// has tells whether the process has the directory open.
func (o *openers) has(process int) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.count[process] > 0
}

// had tells whether the process has the directory open, or had it just now.
func (o *openers) had(process int) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	at, ok := o.left[process]
	return o.count[process] > 0 || ok && time.Since(at) < justClosed
}

// refuseRecursive refuses to delete path to a process that has the directory
// around it open.
func (d *objectDir) refuseRecursive(ctx context.Context, o *openers, path string) syscall.Errno {
	if !o.has(callerOf(ctx).process()) {
		return 0
	}
	return d.p.fail(ctx, "delete", path, opDelete, &opError{syscall.EPERM, "recursive deletion is refused: delete one name at a time"})
}

// refuseEmptied refuses to remove the directory name below parent to a process
// that has just listed it.
func (d *objectDir) refuseEmptied(ctx context.Context, parent *fs.Inode, name string) syscall.Errno {
	ch := parent.GetChild(name)
	if ch == nil {
		return 0
	}
	sub, ok := ch.Operations().(*objectDir)
	if !ok || !sub.openers.had(callerOf(ctx).process()) {
		return 0
	}
	return d.p.fail(ctx, "delete", sub.path, opDelete, &opError{syscall.EPERM, "recursive deletion is refused: delete one name at a time"})
}
