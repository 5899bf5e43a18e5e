//go:build linux

package fsview

import (
	"context"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// The extended attributes that getxattr knows. They are answered from memory.
const (
	xattrType  = "user.nom.type"
	xattrOID   = "user.nom.oid"
	xattrError = "user.nom.error"
	xattrDoc   = "user.nom.doc"
)

// node is what every node of the tree is built on: it refuses what the tree
// does not do. The library's own defaults would succeed in silence, or fail
// with numbers that make the kernel give up on an operation for good.
type node struct {
	fs.Inode
	p         *peer
	isCounted atomic.Bool // among the nodes of the mount
}

var (
	_ fs.NodeOnForgetter    = (*node)(nil)
	_ fs.NodeStatfser       = (*node)(nil)
	_ fs.NodeMkdirer        = (*node)(nil)
	_ fs.NodeMknoder        = (*node)(nil)
	_ fs.NodeLinker         = (*node)(nil)
	_ fs.NodeSymlinker      = (*node)(nil)
	_ fs.NodeCreater        = (*node)(nil)
	_ fs.NodeUnlinker       = (*node)(nil)
	_ fs.NodeRmdirer        = (*node)(nil)
	_ fs.NodeRenamer        = (*node)(nil)
	_ fs.NodeSetattrer      = (*node)(nil)
	_ fs.NodeGetxattrer     = (*node)(nil)
	_ fs.NodeSetxattrer     = (*node)(nil)
	_ fs.NodeRemovexattrer  = (*node)(nil)
	_ fs.NodeListxattrer    = (*node)(nil)
	_ fs.NodeTmpfiler       = (*node)(nil)
	_ fs.NodeFsyncer        = (*node)(nil)
	_ fs.NodeAllocater      = (*node)(nil)
	_ fs.NodeCopyFileRanger = (*node)(nil)
)

func (n *node) mount() *fsys { return n.p.fsys }

// sibling is what a node of the same peer is built on.
func (n *node) sibling() node { return node{p: n.p} }

// Statfs answers without the peer: df must not hang.
func (n *node) Statfs(ctx context.Context, out *fuse.StatfsOut) syscall.Errno {
	out.NameLen = maxName
	out.Bsize = unknownSize
	out.Frsize = unknownSize
	return 0
}

// What the tree does not do, and what to do instead.
var (
	errNoMkdir   = &opError{syscall.EPERM, "a directory is an object: a call makes one, and ln -s lets a name refer to one"}
	errNoMknod   = &opError{syscall.EPERM, "there are no special files here"}
	errNoLink    = &opError{syscall.EPERM, "there are no hard links here: cp copies a value, and ln -s lets a name refer to an object"}
	errNotHere   = &opError{syscall.EPERM, "names are made in the directories of objects alone"}
	errNoDelHere = &opError{syscall.EPERM, "only attributes and items can be deleted"}
)

// refuse is the answer to what the tree does not do: EPERM with the words of
// why, or EROFS where nothing at all may be written. Of files of the tools' own,
// which they do without, no words are kept.
func (n *node) refuse(ctx context.Context, verb, name string, why error) syscall.Errno {
	switch {
	case n.p.opt.ReadOnly:
		return syscall.EROFS
	case isScratchItem(name):
		return syscall.EPERM
	}
	return n.p.fail(ctx, verb, joinPath(n.Path(nil), name), opSetValue, why)
}

// Mkdir refuses: an object is made by a call.
func (n *node) Mkdir(ctx context.Context, name string, mode uint32, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	return nil, n.refuse(ctx, "mkdir", name, errNoMkdir)
}

// Mknod refuses.
func (n *node) Mknod(ctx context.Context, name string, mode, dev uint32, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	return nil, n.refuse(ctx, "mknod", name, errNoMknod)
}

// Link refuses: a second name of a value would be a copy that does not know
// the first.
func (n *node) Link(ctx context.Context, target fs.InodeEmbedder, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	return nil, n.refuse(ctx, "link", name, errNoLink)
}

// Symlink refuses where the directory is not an object's.
func (n *node) Symlink(ctx context.Context, target, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	return nil, n.refuse(ctx, "link", name, errNotHere)
}

// Create refuses where the directory is not an object's.
func (n *node) Create(ctx context.Context, name string, flags, mode uint32, out *fuse.EntryOut) (*fs.Inode, fs.FileHandle, uint32, syscall.Errno) {
	return nil, nil, 0, n.refuse(ctx, "create", name, errNotHere)
}

// Tmpfile refuses.
func (n *node) Tmpfile(ctx context.Context, flags, mode uint32, out *fuse.EntryOut) (*fs.Inode, fs.FileHandle, uint32, syscall.Errno) {
	if n.p.opt.ReadOnly {
		return nil, nil, 0, syscall.EROFS
	}
	return nil, nil, 0, syscall.EOPNOTSUPP
}

// Unlink refuses where the directory is not an object's.
func (n *node) Unlink(ctx context.Context, name string) syscall.Errno {
	return n.refuse(ctx, "delete", name, errNoDelHere)
}

// Rmdir refuses where the directory is not an object's.
func (n *node) Rmdir(ctx context.Context, name string) syscall.Errno {
	return n.refuse(ctx, "delete", name, errNoDelHere)
}

// Rename refuses where the directory is not an object's.
func (n *node) Rename(ctx context.Context, name string, to fs.InodeEmbedder, newName string, flags uint32) syscall.Errno {
	if flags&fs.RENAME_EXCHANGE != 0 {
		return syscall.EINVAL
	}
	return n.refuse(ctx, "rename", name, errNoRename)
}

// Setattr accepts modes, owners and times, which mean nothing here, and every
// truncation to nothing, which means nothing until something is written.
func (n *node) Setattr(ctx context.Context, f fs.FileHandle, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	if e := n.p.readOnly(); e != 0 {
		return e
	}
	if size, ok := in.GetSize(); ok && size != 0 {
		return syscall.EINVAL
	}
	return fillFrom(n.EmbeddedInode(), out)
}

// fillFrom fills out with what a node says of itself.
func fillFrom(in *fs.Inode, out *fuse.AttrOut) syscall.Errno {
	if t, ok := in.Operations().(treeNode); ok {
		t.fill(&out.Attr)
		out.Attr.Ino = in.StableAttr().Ino
	}
	return 0
}

// Getxattr knows nothing, and says so without asking anyone.
func (n *node) Getxattr(ctx context.Context, attr string, dest []byte) (uint32, syscall.Errno) {
	return 0, syscall.ENODATA
}

// Setxattr is not supported. (ENODATA would make sed complain.)
func (n *node) Setxattr(ctx context.Context, attr string, data []byte, flags uint32) syscall.Errno {
	return syscall.ENOTSUP
}

// Removexattr is not supported.
func (n *node) Removexattr(ctx context.Context, attr string) syscall.Errno { return syscall.ENOTSUP }

// Listxattr lists nothing, so that cp -a has nothing to copy.
func (n *node) Listxattr(ctx context.Context, dest []byte) (uint32, syscall.Errno) { return 0, 0 }

// Fsync has nothing to do where nothing is written.
func (n *node) Fsync(ctx context.Context, f fs.FileHandle, flags uint32) syscall.Errno {
	if s, ok := f.(fs.FileFsyncer); ok {
		return s.Fsync(ctx, flags)
	}
	return 0
}

// Allocate is not supported: values have no room to reserve.
func (n *node) Allocate(ctx context.Context, f fs.FileHandle, off, size uint64, mode uint32) syscall.Errno {
	return syscall.EOPNOTSUPP
}

// CopyFileRange is not supported: tools fall back to reading and writing.
func (n *node) CopyFileRange(ctx context.Context, in fs.FileHandle, offIn uint64, out *fs.Inode, fhOut fs.FileHandle, offOut, size, flags uint64) (uint32, syscall.Errno) {
	return 0, syscall.EOPNOTSUPP
}

// xattrValue answers getxattr with text, ENODATA where there is none.
func xattrValue(text string, dest []byte) (uint32, syscall.Errno) {
	if text == "" {
		return 0, syscall.ENODATA
	}
	if len(dest) < len(text) {
		return uint32(len(text)), syscall.ERANGE
	}
	return uint32(copy(dest, text)), 0
}

// fillAttr fills the attributes of a file.
func (f *fsys) fillAttr(a *fuse.Attr, mode uint32, size int64, mtime time.Time) {
	a.Mode = mode
	a.Size = uint64(size)
	a.Nlink = 1
	a.Uid, a.Gid = f.uid, f.gid
	a.Blksize = blockSize
	a.SetTimes(&mtime, &mtime, &mtime)
	const sector = 512
	a.Blocks = (a.Size + sector - 1) / sector
}

// fillDir fills the attributes of a directory.
func (f *fsys) fillDir(a *fuse.Attr, mode uint32) {
	f.fillAttr(a, syscall.S_IFDIR|mode, 0, f.started)
}
