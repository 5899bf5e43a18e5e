//go:build linux

package fsview

import (
	"context"
	"strconv"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"nomfs/codec"
)

const (
	// maxAsked is how many items one listing asks for at once. In a longer
	// list the kinds stay open until somebody looks.
	maxAsked = 1000
)

// An indexDir is the directory of the items of an object.
type indexDir struct {
	node
	of      *objectDir
	openers openers
}

var (
	_ fs.NodeLookuper       = (*indexDir)(nil)
	_ fs.NodeOpendirHandler = (*indexDir)(nil)
	_ fs.NodeCreater        = (*indexDir)(nil)
	_ fs.NodeUnlinker       = (*indexDir)(nil)
	_ fs.NodeRmdirer        = (*indexDir)(nil)
	_ fs.NodeSymlinker      = (*indexDir)(nil)
	_ fs.NodeRenamer        = (*indexDir)(nil)
	_ fs.NodeGetattrer      = (*indexDir)(nil)
)

func (d *objectDir) indexEntry() entry {
	return entry{viewIndex.name(), syscall.S_IFDIR | dirMode, func(old fs.InodeEmbedder) treeNode {
		if x, ok := old.(*indexDir); ok {
			return x
		}
		return &indexDir{node: node{p: d.p}, of: d}
	}}
}

func (x *indexDir) path() string { return joinPath(x.of.path, viewIndex.name()) }

func (x *indexDir) fill(a *fuse.Attr) { x.p.fillDir(a, dirMode) }

// Getattr answers from memory.
func (x *indexDir) Getattr(ctx context.Context, f fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	x.fill(&out.Attr)
	out.SetTimeout(cacheTime)
	return 0
}

// Lookup asks for the item.
func (x *indexDir) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	c, cancel := x.p.opContext(ctx)
	defer cancel()
	if s := x.p.scratches.get(joinPath(x.path(), name)); s != nil {
		return scratchEntry(ctx, x.p, x.EmbeddedInode(), name, s, out), 0
	}
	if x.p.nodes.refuses(x.EmbeddedInode(), name) {
		return nil, x.p.fail(ctx, "look up", joinPath(x.path(), name), opLookup, errManyNodes)
	}
	e, err := x.find(c, name)
	if err != nil {
		errno := errnoOf(err, opLookup)
		if isException(err) && (errno == syscall.EINVAL || errno == syscall.ENOTSUP) {
			errno = syscall.ENOENT // no such key: a list has no key 'foo'
		}
		return nil, errno
	}
	return attach(ctx, x.EmbeddedInode(), x.path(), e, out), 0
}

func (x *indexDir) find(ctx context.Context, name string) (entry, error) {
	if len(name) > maxName {
		return entry{}, errNameTooLong
	}
	if x.isScratch(name) {
		return entry{}, errNoEntry // an editor's file, never asked for
	}
	if u := x.of.isPending(callerOf(ctx), "index/"+name); u != nil {
		key, err := x.of.keyFor(ctx, name)
		return x.of.pendingEntry(member{dir: x.of, key: key, name: name}, u), err
	}
	if x.p.scratches.isAway(joinPath(x.path(), name)) {
		return entry{}, errNoEntry
	}
	if key, advertised := x.of.advertisedKey(name); advertised {
		return x.itemEntry(ctx, key, name)
	}
	key, ok := spelledKey(name)
	if !ok {
		return entry{}, errNoEntry
	}
	e, err := x.itemEntry(ctx, key, name)
	if err == nil || !isException(err) {
		return e, err
	}
	// The name may be the text of a key of another kind: a dict with the key
	// '5', which reads like a number.
	keys, kerr := x.of.keys(ctx)
	if kerr != nil {
		return entry{}, err
	}
	if advertised, ok := keys.key(name); ok && !codec.Equal(advertised, key) {
		return x.itemEntry(ctx, advertised, name)
	}
	return entry{}, err
}

func (x *indexDir) itemEntry(ctx context.Context, key codec.Value, name string) (entry, error) {
	m := member{dir: x.of, key: key, name: name}
	if _, ok := m.fresh(); !ok {
		switch x.of.advertisedKind(name) {
		case codec.KindInvalid:
		case codec.KindRef:
			x.of.snapshotItems(ctx)
		default:
			return x.of.fileEntry(m, name, nil), nil // whoever opens it asks for the value
		}
	}
	v, err := m.counted(ctx, itemBurst)
	if err != nil {
		return entry{}, err
	}
	return x.of.valueEntry(ctx, m, name, v, nil), nil
}

// OpendirHandle lists the keys.
func (x *indexDir) OpendirHandle(ctx context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	return newDirHandle(x.p, x.EmbeddedInode(), x.path(), x.list, &x.openers), 0, 0
}

// list lists the items. What the peer tells the kinds of is not asked for: a
// value is a file, and of a reference it is left open whether it is a directory
// or a link until somebody looks.
func (x *indexDir) list(ctx context.Context) ([]entry, error) {
	d := x.of
	var entries []entry
	var ask []member
	var cut error
	advertised, err := d.keys(ctx)
	switch {
	case err == nil:
		cut = advertised.cut
		for name, it := range advertised.items {
			m := member{dir: d, key: it.key, name: name}
			switch it.kind {
			case codec.KindInvalid:
				ask = append(ask, m)
			case codec.KindRef:
				entries = append(entries, d.knownEntry(ctx, m))
			default:
				entries = append(entries, d.fileEntry(m, name, nil))
			}
		}
	case unsupported(err):
		keys, err := d.guessKeys(ctx)
		if cut = truncation(err); err != nil && cut == nil {
			return nil, err
		}
		for _, key := range keys {
			ask = append(ask, member{dir: d, key: key, name: guessedName(key)})
		}
	default:
		return nil, err
	}
	if len(ask) > maxAsked {
		for _, m := range ask {
			entries = append(entries, entry{name: m.name})
		}
		return entries, cut
	}
	return append(entries, d.fetchEntries(ctx, ask)...), cut
}

// knownEntry returns the entry of an item without asking for it.
func (d *objectDir) knownEntry(ctx context.Context, m member) entry {
	if v, ok := m.fresh(); ok {
		return d.valueEntry(ctx, m, m.name, v, nil)
	}
	return entry{name: m.name}
}

// Create makes an item, as Create of an object makes an attribute.
func (x *indexDir) Create(ctx context.Context, name string, flags, mode uint32, out *fuse.EntryOut) (*fs.Inode, fs.FileHandle, uint32, syscall.Errno) {
	if e := x.p.readOnly(); e != 0 {
		return nil, nil, 0, e
	}
	if x.isScratch(name) || callerOf(ctx).invented(name) {
		in, h, errno := createScratch(ctx, x, name, "", flags, mode, out)
		return in, h, fuse.FOPEN_DIRECT_IO, errno
	}
	key, errno := x.newKey(ctx, name)
	if errno != 0 {
		return nil, nil, 0, errno
	}
	m := member{dir: x.of, key: key, name: name}
	in, h := x.of.createPending(ctx, x.EmbeddedInode(), x.path(), m, flags, out)
	return in, h, fuse.FOPEN_DIRECT_IO, 0
}

// newKey returns the key that a new file is to become.
func (x *indexDir) newKey(ctx context.Context, name string) (codec.Value, syscall.Errno) {
	if len(name) > maxName {
		return nil, syscall.ENAMETOOLONG
	}
	key, err := x.of.keyFor(ctx, name)
	if err != nil {
		return nil, x.p.fail(ctx, "create", joinPath(x.path(), name), opSetValue, &opError{syscall.EPERM, "not a name for an item"})
	}
	return key, 0
}

func (x *indexDir) owner() *objectDir { return x.of }
func (x *indexDir) where() string     { return x.path() }

func (x *indexDir) isScratch(name string) bool {
	_, advertised := x.of.advertisedKey(name)
	return !advertised && isScratchItem(name)
}

func (x *indexDir) setting(ctx context.Context, name string) (setting, error) {
	key, err := x.of.keyFor(ctx, name)
	return setting{m: member{dir: x.of, key: key, name: name}}, err
}

func (x *indexDir) findEntry(ctx context.Context, name string) (entry, error) {
	return x.find(ctx, name)
}

// Unlink deletes an item.
func (x *indexDir) Unlink(ctx context.Context, name string) syscall.Errno {
	if e := x.p.readOnly(); e != 0 {
		return e
	}
	path := joinPath(x.path(), name)
	if x.p.scratches.unlinked(path) {
		return 0
	}
	key, err := x.of.keyFor(ctx, name)
	if err != nil {
		return syscall.ENOENT
	}
	if e := x.of.refuseDelete(ctx, &x.openers, x.EmbeddedInode(), path); e != 0 {
		return e
	}
	c, cancel := x.p.opContext(ctx)
	defer cancel()
	m := member{dir: x.of, key: key, name: name}
	if err := m.unlinkFor(c, callerOf(ctx)); err != nil {
		return x.p.fail(ctx, "delete", path, opDelete, err)
	}
	if at, ok := codec.Int64Of(key); ok {
		x.lookAgainFrom(at)
	}
	return 0
}

// lookAgainFrom makes the kernel let go of the names of positions: in a list, what
// comes after a deleted item moves. It can when the deletion is answered.
func (x *indexDir) lookAgainFrom(at int64) {
	var names []string
	for name := range x.Children() {
		if n, err := strconv.ParseInt(name, 10, 64); err == nil && (n >= at || n < 0) {
			names = append(names, name)
		}
	}
	x.p.lookAgain(x.EmbeddedInode(), names...)
}

// Rmdir deletes an item that is a reference.
func (x *indexDir) Rmdir(ctx context.Context, name string) syscall.Errno {
	if e := x.of.refuseEmptied(ctx, x.EmbeddedInode(), name); e != 0 {
		return e
	}
	return x.Unlink(ctx, name)
}

// Symlink sets an item to the reference at target.
func (x *indexDir) Symlink(ctx context.Context, target, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	if e := x.p.readOnly(); e != 0 {
		return nil, e
	}
	if x.isScratch(name) || isLinkScratch(name) || callerOf(ctx).invented(name) {
		in, _, errno := createScratch(ctx, x, name, target, 0, 0, out)
		return in, errno
	}
	key, errno := x.newKey(ctx, name)
	if errno != 0 {
		return nil, errno
	}
	return x.of.assignLink(ctx, member{dir: x.of, key: key, name: name}, x.EmbeddedInode(), x.path(), target, name, out)
}
