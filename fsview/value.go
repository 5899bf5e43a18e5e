//go:build linux

package fsview

import (
	"context"
	"sync/atomic"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// A valueFile is an attribute or item that holds a value.
type valueFile struct {
	node
	at   atomic.Pointer[member]
	form *form // of a view that shows the value otherwise; nil is its text
	// moved is set once the file was renamed to a scratch name: it is a copy
	// then, as long as the kernel keeps this inode.
	moved atomic.Pointer[scratch]
	open  openFiles[*valueHandle]
	// unborn is the creation that this file comes from, nil once the attribute
	// was seen.
	unborn    atomic.Pointer[pendingFile]
	deletions atomic.Uint64 // see member.deletions, when its name was looked up
}

var (
	_ fs.NodeOpener     = (*valueFile)(nil)
	_ fs.NodeGetattrer  = (*valueFile)(nil)
	_ fs.NodeSetattrer  = (*valueFile)(nil)
	_ fs.NodeGetxattrer = (*valueFile)(nil)
)

func (f *valueFile) scratch() *scratch { return f.moved.Load() }

func (f *valueFile) fill(a *fuse.Attr) { f.fillKnown(a) }

// fillKnown is fill, and tells whether the size is known.
func (f *valueFile) fillKnown(a *fuse.Attr) bool {
	if s := f.moved.Load(); s != nil {
		f.p.fillScratch(a, s)
		return true
	}
	m := *f.at.Load()
	mode := uint32(fileMode)
	if info := m.info(); info != nil && !info.Write {
		mode = readMode
	}
	size, mtime := int64(-1), f.p.started
	if o := m.dir.known(); o != nil {
		size, mtime = o.sizeOf(m.id())
	}
	if u := f.unborn.Load(); u != nil && !u.written.Load() {
		size = 0
	}
	known := size >= 0 && f.form == nil
	if !known {
		size = unknownSize
	}
	f.p.fillAttr(a, syscall.S_IFREG|mode, size, mtime)
	return known
}

// Getattr answers from memory, see openFiles.sizeFor. A file that was created and
// never written is none as soon as nobody has it open, and an item may have moved, or
// the attribute of a view be gone: the kernel looks the name up again then.
func (f *valueFile) Getattr(ctx context.Context, fh fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	return f.getattr(ctx, f.StableAttr().Ino, out)
}

// getattr is Getattr of the inode that stands for the file.
func (f *valueFile) getattr(ctx context.Context, ino uint64, out *fuse.AttrOut) syscall.Errno {
	known := int64(-1)
	if f.fillKnown(&out.Attr) {
		known = int64(out.Size)
	}
	if f.moved.Load() != nil {
		return 0
	}
	if f.neverWas(ctx) || f.mayHaveMoved(callerOf(ctx), ino) {
		return syscall.ESTALE
	}
	n := int64(0)
	if c := callerOf(ctx); !f.emptiedBy(c) {
		n = f.open.sizeFor(c, ino, known)
	}
	if n >= 0 {
		f.p.setSize(&out.Attr, n)
	}
	return 0
}

// emptiedBy tells whether a process has just opened the file to write it anew,
// where that needs no look at the process: most writers ask for the size then.
func (f *valueFile) emptiedBy(c caller) bool {
	h := f.open.newest()
	if h == nil || h.flushed.Load() || !h.opener.sameProcess(c) {
		return false
	}
	_, empties := h.size()
	return empties
}

// neverWas tells whether the file was created, and closed without a write.
func (f *valueFile) neverWas(ctx context.Context) bool {
	u := f.unborn.Load()
	return u != nil && !u.written.Load() && !u.isOpen(callerOf(ctx))
}

// mayHaveMoved tells whether the file is an item whose name may mean another one,
// or none, since an item of the list was deleted, or the view of an attribute that
// was. Who has it open stays with what it has.
func (f *valueFile) mayHaveMoved(c caller, ino uint64) bool {
	m := f.at.Load()
	moved := m.deletions() != f.deletions.Load()
	if o := m.dir.known(); o != nil && f.form != nil {
		moved = moved || o.wasDeleted(m.id())
	}
	return moved && !c.holds(ino).may()
}

func (f *fsys) setSize(a *fuse.Attr, n int64) {
	a.Size = uint64(n)
	const sector = 512
	a.Blocks = (a.Size + sector - 1) / sector
}

// Open takes the value that reads will see, all of them the same. A handle for
// writing starts empty, and asks nothing.
func (f *valueFile) Open(ctx context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	if s := f.moved.Load(); s != nil {
		return f.p.openScratch(s, flags)
	}
	if f.neverWas(ctx) {
		return nil, 0, syscall.ESTALE
	}
	m := *f.at.Load()
	writes := flags&syscall.O_ACCMODE != syscall.O_RDONLY
	if writes {
		if e := f.p.readOnly(); e != 0 {
			return nil, 0, e
		}
	}
	h := &valueHandle{m: m, form: f.form, file: f, opener: callerOf(ctx), gate: newGate(), writes: f.p.writes.Load()}
	appendTo := flags&syscall.O_APPEND != 0
	if writes {
		h.write = newWriteState(nil, appendTo)
		h.blank = flags&syscall.O_TRUNC != 0
		h.write.joins = appendTo && !h.blank
	}
	needs := !writes || flags&syscall.O_ACCMODE == syscall.O_RDWR || appendTo
	if !needs || h.blank || writes && m.dir.isPending(h.opener, m.pendingName()) != nil {
		f.open.add(h)
		return h, fuse.FOPEN_DIRECT_IO, 0
	}
	c, cancel := f.p.opContext(ctx)
	defer cancel()
	v, err := m.opened(c)
	if err == nil {
		err = h.startFrom(c, v, writes && appendTo)
	}
	if err != nil {
		return nil, 0, f.p.fail(ctx, "read", m.path(), m.getOp(), err)
	}
	f.open.add(h)
	if !writes {
		return h, fuse.FOPEN_DIRECT_IO | fuse.FOPEN_NOFLUSH, 0
	}
	return h, fuse.FOPEN_DIRECT_IO, 0
}

// pendingName is the name under which the directory knows a file that was
// created and not written yet.
func (m member) pendingName() string {
	if m.key != nil {
		return "index/" + m.name
	}
	return encodeName(m.attr, attrNames)
}

// Setattr truncates through a handle, see writeState; the rest is ignored.
func (f *valueFile) Setattr(ctx context.Context, fh fs.FileHandle, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	if e := f.p.readOnly(); e != 0 {
		return e
	}
	if s := f.moved.Load(); s != nil {
		return f.p.setScratch(f.EmbeddedInode(), s, in, out)
	}
	size, resize := in.GetSize()
	h, _ := fh.(*valueHandle)
	switch {
	case resize && h != nil && h.write != nil:
		if err := h.truncate(ctx, size); err != nil {
			return f.p.fail(ctx, "truncate", f.at.Load().path(), opSetValue, err)
		}
	case resize && size != 0:
		return f.p.fail(ctx, "truncate", f.at.Load().path(), opSetValue, &opError{syscall.EINVAL, "only to nothing"})
	}
	errno := f.Getattr(ctx, fh, out)
	out.Attr.Ino = f.StableAttr().Ino
	if resize && size == 0 {
		f.p.setSize(&out.Attr, 0)
	}
	return errno
}

// Getxattr tells what is known of the value without asking.
func (f *valueFile) Getxattr(ctx context.Context, attr string, dest []byte) (uint32, syscall.Errno) {
	m := *f.at.Load()
	var text string
	switch attr {
	case xattrError:
		text = f.p.errors.ofPath(m.path())
	case xattrType:
		if v, ok := m.fresh(); ok {
			text = describeKind(v)
		} else if info := m.info(); info != nil {
			text = info.Kind.String()
		}
	case xattrDoc:
		if info := m.info(); info != nil {
			text = info.Doc
		}
	}
	return xattrValue(text, dest)
}
