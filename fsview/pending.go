//go:build linux

package fsview

import (
	"context"
	"slices"
	"sync/atomic"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// A pendingFile is a file that was created. It is an attribute once something
// was written to it, and was never there if nothing was.
type pendingFile struct {
	dir     *objectDir
	name    string        // in the directory, see member.pendingName
	handle  *valueHandle  // that created it
	process int           // that created it, 0 where it cannot be told
	ino     atomic.Uint64 // 0 until it has one
	written atomic.Bool   // what was created is an attribute now
	closed  atomic.Bool   // for good, the kernel said so
	// denied is set once a process has heard that there is no such file.
	denied atomic.Bool
}

// isOpen tells whether who created the file, or who asks, has it open.
func (u *pendingFile) isOpen(c caller) bool {
	switch {
	case u.written.Load() || u.closed.Load():
		return false
	case !u.handle.flushed.Load() || u.heldBy(caller{pid: uint32(u.process)}) || u.heldBy(c):
		return true
	}
	u.denied.Store(true)
	return false
}

// heldBy tells whether a process has the file open.
func (u *pendingFile) heldBy(c caller) bool {
	ino := u.ino.Load()
	return ino == 0 || c.holds(ino).may()
}

// born says that the member is there, and so what was created under its name.
func (m member) born(also ...*pendingFile) {
	d := m.dir
	d.mu.Lock()
	list := append(also, d.pending[m.pendingName()]...)
	delete(d.pending, m.pendingName())
	d.mu.Unlock()
	denied := false
	for _, u := range list {
		if u != nil {
			u.written.Store(true)
			denied = denied || u.denied.Load()
		}
	}
	if denied {
		m.changedKind()
	}
}

// end takes the file out of what is pending.
func (u *pendingFile) end() {
	u.closed.Store(true)
	d := u.dir
	d.mu.Lock()
	defer d.mu.Unlock()
	if i := slices.Index(d.pending[u.name], u); i >= 0 {
		d.pending[u.name] = slices.Delete(d.pending[u.name], i, i+1)
	}
	if len(d.pending[u.name]) == 0 {
		delete(d.pending, u.name)
	}
}

// createPending makes the file of a member that is to be, below parent, and opens
// it.
func (d *objectDir) createPending(ctx context.Context, parent *fs.Inode, path string, m member, flags uint32, out *fuse.EntryOut) (*fs.Inode, *valueHandle) {
	by := callerOf(ctx)
	h := &valueHandle{
		m: m, opener: by, gate: newGate(),
		write: newWriteState(nil, flags&syscall.O_APPEND != 0), blank: true, writes: d.p.writes.Load(),
	}
	u := &pendingFile{dir: d, name: m.pendingName(), handle: h, process: by.process()}
	in := attach(ctx, parent, path, d.pendingEntry(m, u), out)
	out.SetEntryTimeout(0) // whether it exists is decided at the first write
	u.ino.Store(in.StableAttr().Ino)
	h.file, h.pending = in.Operations().(*valueFile), u
	h.write.joins = h.write.joins && flags&syscall.O_TRUNC == 0
	if o := d.known(); o != nil {
		h.replaced = o.takeReplaced(m.id(), by)
	}
	h.file.open.add(h)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.pending == nil {
		d.pending = make(map[string][]*pendingFile)
	}
	d.pending[u.name] = append(d.pending[u.name], u)
	return in, h
}

// pendingEntry returns the entry of a file that was created and is not written
// yet.
func (d *objectDir) pendingEntry(m member, u *pendingFile) entry {
	e := d.fileEntry(m, m.fileName(), nil)
	file := e.node
	e.node = func(old fs.InodeEmbedder) treeNode {
		f := file(old).(*valueFile)
		f.unborn.Store(u)
		return f
	}
	return e
}

// isPending returns what was created under a name, is not written yet and still
// open, as far as a caller knows; nil for nothing.
func (d *objectDir) isPending(c caller, name string) *pendingFile {
	d.mu.Lock()
	list := slices.Clone(d.pending[name])
	d.mu.Unlock()
	for _, u := range list {
		if u.isOpen(c) {
			return u
		}
	}
	return nil
}
