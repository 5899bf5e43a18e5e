//go:build linux

package fsview

import (
	"context"
	"sync"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// A scratchFile is the node of a scratch, file or link.
type scratchFile struct {
	node
	s *scratch

	mu   sync.Mutex
	file *valueFile // of what it became, nil until somebody asks
}

var (
	_ fs.NodeOpener     = (*scratchFile)(nil)
	_ fs.NodeGetattrer  = (*scratchFile)(nil)
	_ fs.NodeSetattrer  = (*scratchFile)(nil)
	_ fs.NodeReadlinker = (*scratchFile)(nil)
)

// holdsScratch is implemented by the nodes that can be a scratch.
type holdsScratch interface{ scratch() *scratch }

func (f *scratchFile) scratch() *scratch { return f.s }

// became returns the file of the attribute that the scratch was renamed to, nil
// while it is a scratch. Who has it open asks for it still.
func (f *scratchFile) became() *valueFile {
	f.s.table.mu.Lock()
	to := f.s.became
	f.s.table.mu.Unlock()
	if to == nil || f.s.link != "" {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.file == nil {
		f.file = &valueFile{node: node{p: f.p}, form: to.form}
		f.file.at.Store(&to.m)
	}
	return f.file
}

// isDirty tells whether a process has written more through the file since it
// became something else.
func (f *scratchFile) isDirty(c caller) bool {
	f.s.table.mu.Lock()
	dirty := f.s.dirty
	f.s.table.mu.Unlock()
	return dirty && c.holds(f.StableAttr().Ino).may()
}

func (f *scratchFile) fill(a *fuse.Attr) {
	if v := f.became(); v != nil {
		v.fill(a)
		return
	}
	f.p.fillScratch(a, f.s)
}

func (f *fsys) fillScratch(a *fuse.Attr, s *scratch) {
	s.table.mu.Lock()
	mode, size, mtime := s.mode, int64(len(s.data)), s.mtime
	s.table.mu.Unlock()
	if s.link != "" {
		f.fillAttr(a, syscall.S_IFLNK|linkMode, int64(len(s.link)), mtime)
		return
	}
	f.fillAttr(a, syscall.S_IFREG|mode, size, mtime)
}

// Getattr answers from memory.
func (f *scratchFile) Getattr(ctx context.Context, fh fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	if v := f.became(); v != nil && !f.isDirty(callerOf(ctx)) {
		return v.getattr(ctx, f.StableAttr().Ino, out)
	}
	f.p.fillScratch(&out.Attr, f.s)
	return 0
}

// Setattr truncates and sets the permissions; the rest is ignored.
func (f *scratchFile) Setattr(ctx context.Context, fh fs.FileHandle, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	if _, open := fh.(*scratchHandle); !open {
		if v := f.became(); v != nil {
			errno := v.Setattr(ctx, fh, in, out)
			out.Attr.Ino = f.StableAttr().Ino
			return errno
		}
	}
	return f.p.setScratch(f.EmbeddedInode(), f.s, in, out)
}

func (f *fsys) setScratch(inode *fs.Inode, s *scratch, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	if e := f.readOnly(); e != 0 {
		return e
	}
	if size, ok := in.GetSize(); ok {
		if err := s.truncate(size); err != nil {
			return errnoOf(err, opSetValue)
		}
	}
	if mode, ok := in.GetMode(); ok {
		s.table.mu.Lock()
		s.mode = mode & 0o777
		s.table.mu.Unlock()
	}
	f.fillScratch(&out.Attr, s)
	out.Attr.Ino = inode.StableAttr().Ino
	return 0
}

// Readlink returns the target as it was given.
func (f *scratchFile) Readlink(ctx context.Context) ([]byte, syscall.Errno) {
	if f.s.link == "" {
		return nil, syscall.EINVAL
	}
	return []byte(f.s.link), 0
}

// Open opens the file in memory.
func (f *scratchFile) Open(ctx context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	if v := f.became(); v != nil {
		return v.Open(ctx, flags)
	}
	return f.p.openScratch(f.s, flags)
}

func (f *fsys) openScratch(s *scratch, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	writes := flags&syscall.O_ACCMODE != syscall.O_RDONLY
	if writes {
		if e := f.readOnly(); e != 0 {
			return nil, 0, e
		}
		if flags&syscall.O_TRUNC != 0 {
			if err := s.truncate(0); err != nil {
				return nil, 0, errnoOf(err, opSetValue)
			}
		}
	}
	return newScratchHandle(f, s, flags), fuse.FOPEN_DIRECT_IO, 0
}

// A scratchHandle is an open scratch.
type scratchHandle struct {
	f        *fsys
	s        *scratch
	appendTo bool
}

var (
	_ fs.FileReader   = (*scratchHandle)(nil)
	_ fs.FileWriter   = (*scratchHandle)(nil)
	_ fs.FileFlusher  = (*scratchHandle)(nil)
	_ fs.FileFsyncer  = (*scratchHandle)(nil)
	_ fs.FileReleaser = (*scratchHandle)(nil)
	_ fs.FileLseeker  = (*scratchHandle)(nil)
)

func newScratchHandle(f *fsys, s *scratch, flags uint32) *scratchHandle {
	s.table.mu.Lock()
	defer s.table.mu.Unlock()
	s.uses++
	return &scratchHandle{f: f, s: s, appendTo: flags&syscall.O_APPEND != 0}
}

// Read returns a part of the content as it is now.
func (h *scratchHandle) Read(ctx context.Context, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	return fuse.ReadResultData(h.s.read(dest, off)), 0
}

// Write writes at any offset.
func (h *scratchHandle) Write(ctx context.Context, data []byte, off int64) (uint32, syscall.Errno) {
	if h.appendTo {
		off = -1
	}
	if err := h.s.write(data, off); err != nil {
		return 0, errnoOf(err, opSetValue)
	}
	return uint32(len(data)), 0
}

// Flush assigns what was written after the file had been renamed to an
// attribute: the program still believes that it is the same file.
func (h *scratchHandle) Flush(ctx context.Context) syscall.Errno {
	s := h.s
	s.table.mu.Lock()
	to, dirty := s.became, s.dirty
	s.dirty = false
	s.table.mu.Unlock()
	if to == nil || !dirty {
		return 0
	}
	c, cancel := to.m.dir.p.opContext(ctx)
	defer cancel()
	return h.f.fail(ctx, "write", to.m.path(), opSetValue, to.assign(c, s.text()))
}

// Fsync is Flush: memory is all there is.
func (h *scratchHandle) Fsync(ctx context.Context, flags uint32) syscall.Errno { return h.Flush(ctx) }

// Release forgets the handle.
func (h *scratchHandle) Release(ctx context.Context) syscall.Errno {
	h.s.table.mu.Lock()
	defer h.s.table.mu.Unlock()
	h.s.table.unuse(h.s)
	return 0
}

// Lseek says that the file has no holes.
func (h *scratchHandle) Lseek(ctx context.Context, off uint64, whence uint32) (uint64, syscall.Errno) {
	return seekData(uint64(len(h.s.text())), off, whence)
}

// scratchEntry makes a scratch the child of a directory. The kernel asks for it
// each time, since it may be an attribute the next moment.
func scratchEntry(ctx context.Context, p *peer, parent *fs.Inode, name string, s *scratch, out *fuse.EntryOut) *fs.Inode {
	p.fillScratch(&out.Attr, s)
	if ch := parent.GetChild(name); ch != nil {
		if old, ok := ch.Operations().(holdsScratch); ok && old.scratch() == s {
			return ch
		}
	}
	kind := uint32(syscall.S_IFREG)
	if s.link != "" {
		kind = syscall.S_IFLNK
	}
	f := &scratchFile{node: node{p: p}, s: s}
	f.counted()
	return parent.NewInode(ctx, f, fs.StableAttr{Mode: kind, Ino: s.ino})
}

// createScratch makes a scratch file for Create, or a link for Symlink.
func createScratch(ctx context.Context, dir memberDir, name, link string, flags, mode uint32, out *fuse.EntryOut) (*fs.Inode, *scratchHandle, syscall.Errno) {
	p := dir.owner().p
	path := joinPath(dir.where(), name)
	s, err := p.scratches.add(path, mode, nil, link)
	if err != nil {
		return nil, nil, p.fail(ctx, "create", path, opSetValue, err)
	}
	var h *scratchHandle
	if link == "" {
		h = newScratchHandle(p.fsys, s, flags)
	}
	return scratchEntry(ctx, p, dir.EmbeddedInode(), name, s, out), h, 0
}
