//go:build linux

package fsview

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"nomfs/codec"
)

// errNoEntry: there is no such name, and no need to ask the peer.
var errNoEntry = &opError{syscall.ENOENT, "no such name"}

// errNameTooLong: the kernel passes longer names than statfs promises.
var errNameTooLong = &opError{syscall.ENAMETOOLONG, "name is longer than 255 bytes"}

// An objectDir is the directory of one object at one path: its attributes, and
// the control entries that fit it.
type objectDir struct {
	node
	up    *objectDir // the object's directory above, nil below the root
	path  string     // from the mount point, without a leading slash
	depth int        // objects on the path, this one included
	// method is what the object above advertises of this one if it is a method of
	// its own: enough to list it without a request.
	method atomic.Pointer[codec.AttrInfo]

	deletions atomic.Uint64 // see member.deletions, when the reference was asked for
	openers   openers
	// lease retains the reference as long as the kernel knows the directory; nil
	// where it never will.
	lease *lease

	mu      sync.Mutex                // guards what follows; never held during a request
	src     source                    // where the reference comes from
	obj     *object                   // nil until it is needed
	pending map[string][]*pendingFile // by name
	burst   int                       // lookups since burstAt
	burstAt time.Time
}

var (
	_ fs.NodeLookuper       = (*objectDir)(nil)
	_ fs.NodeOnForgetter    = (*objectDir)(nil)
	_ fs.NodeOpendirHandler = (*objectDir)(nil)
	_ fs.NodeCreater        = (*objectDir)(nil)
	_ fs.NodeUnlinker       = (*objectDir)(nil)
	_ fs.NodeRmdirer        = (*objectDir)(nil)
	_ fs.NodeSymlinker      = (*objectDir)(nil)
	_ fs.NodeRenamer        = (*objectDir)(nil)
	_ fs.NodeGetattrer      = (*objectDir)(nil)
	_ fs.NodeGetxattrer     = (*objectDir)(nil)
	_ fs.NodeFsyncer        = (*objectDir)(nil)
)

// newObjectDir returns a directory for the tree.
func newObjectDir(p *peer, up *objectDir, path string, depth int) *objectDir {
	d := &objectDir{node: node{p: p}, up: up, path: path, depth: depth}
	d.lease = newLease(p, d)
	return d
}

// OnForget lets go of the reference. Should the directory be used once more, it
// asks for another one.
func (d *objectDir) OnForget() {
	d.node.OnForget()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.obj = nil
	d.lease.end()
}

// known returns the object if its reference is at hand.
func (d *objectDir) known() *object {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.obj != nil {
		d.obj = d.obj.live()
	}
	return d.obj
}

// adopt makes r the object of the directory.
func (d *objectDir) adopt(r codec.Ref) *object {
	o := d.p.object(r)
	d.mu.Lock()
	defer d.mu.Unlock()
	if (d.obj == nil || d.obj.ref != r) && d.lease != nil {
		d.lease.set(r)
	}
	d.obj = o
	return o
}

// from says where the directory's reference comes from.
func (d *objectDir) from(src source) {
	if m, ok := src.(member); ok {
		d.deletions.Store(m.deletions())
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.src = src
}

// object returns the object, asking for its reference where it is not known.
func (d *objectDir) object(ctx context.Context) (*object, error) {
	if o := d.known(); o != nil && !d.mayHaveMoved() {
		return o, nil
	}
	d.mu.Lock()
	src := d.src
	d.mu.Unlock()
	var deletions uint64
	m, isMember := src.(member)
	if isMember {
		deletions = m.deletions()
	}
	v, err := src.fetch(ctx)
	if err != nil {
		return nil, err
	}
	if isMember {
		d.deletions.Store(deletions)
	}
	r, ok := v.(codec.Ref)
	if !ok {
		return nil, &opError{syscall.ESTALE, "is a value now; look again"}
	}
	return d.adopt(r), nil
}

// mayHaveMoved tells whether the directory is an item whose name may mean another
// one since an item of the list was deleted.
func (d *objectDir) mayHaveMoved() bool {
	d.mu.Lock()
	m, ok := d.src.(member)
	d.mu.Unlock()
	return ok && m.deletions() != d.deletions.Load()
}

// do runs one operation on the object, one that may be repeated. Where the peer
// does not know the reference any more the path is resolved again and the
// operation gets a second try.
func (d *objectDir) do(ctx context.Context, op func(o *object) error) error {
	return d.try(ctx, op, isStale)
}

// doOnce is do for an operation that must not run twice: it is repeated only
// where it is certain that nothing has run, not where an exception looks like
// it.
func (d *objectDir) doOnce(ctx context.Context, op func(o *object) error) error {
	return d.try(ctx, op, func(err error, _ codec.Ref) bool { return errors.Is(err, syscall.ESTALE) })
}

func (d *objectDir) try(ctx context.Context, op func(o *object) error, stale func(error, codec.Ref) bool) error {
	if ctx.Err() != nil {
		return causeOf(ctx, ctx.Err())
	}
	o, err := d.object(ctx)
	if err != nil {
		return causeOf(ctx, err)
	}
	err = causeOf(ctx, d.retaining(o, op))
	if err == nil || !stale(err, o.ref) {
		return err
	}
	d.p.changed()
	d.p.rootsChanged()
	d.mu.Lock()
	if d.obj != nil && d.obj.ref == o.ref {
		d.obj = nil
	}
	d.mu.Unlock()
	again, rerr := d.object(ctx)
	if rerr != nil || again.ref == o.ref {
		return &opError{syscall.ESTALE, "stale reference: " + err.Error()}
	}
	return causeOf(ctx, d.retaining(again, op))
}

// retaining runs an operation that retains the reference.
func (d *objectDir) retaining(o *object, op func(o *object) error) error {
	d.p.refs.retain(o.ref)
	defer d.p.refs.drop(o.ref)
	return op(o)
}

func (d *objectDir) fill(a *fuse.Attr) { d.p.fillDir(a, dirMode) }

// Getattr answers from memory.
func (d *objectDir) Getattr(ctx context.Context, f fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	d.fill(&out.Attr)
	out.SetTimeout(cacheTime)
	return 0
}

// Create makes a file that nobody sees until something was written to it: then
// it becomes an attribute.
func (d *objectDir) Create(ctx context.Context, name string, flags, mode uint32, out *fuse.EntryOut) (*fs.Inode, fs.FileHandle, uint32, syscall.Errno) {
	if e := d.p.readOnly(); e != 0 {
		return nil, nil, 0, e
	}
	if d.isScratch(name) || callerOf(ctx).invented(name) {
		in, h, errno := createScratch(ctx, d, name, "", flags, mode, out)
		return in, h, fuse.FOPEN_DIRECT_IO, errno
	}
	attr, errno := d.newName(ctx, name)
	if errno != 0 {
		return nil, nil, 0, errno
	}
	m := member{dir: d, attr: attr}
	in, h := d.createPending(ctx, d.EmbeddedInode(), d.path, m, flags, out)
	return in, h, fuse.FOPEN_DIRECT_IO, 0
}

// newName returns the attribute that a new file is to become.
func (d *objectDir) newName(ctx context.Context, name string) (string, syscall.Errno) {
	if len(name) > maxName {
		return "", syscall.ENAMETOOLONG
	}
	path := joinPath(d.path, name)
	if isOurs(name) {
		return "", d.p.fail(ctx, "create", path, opSetValue, &opError{syscall.EPERM, "not a name for an attribute"})
	}
	attr, ok := decodeName(name, attrNames)
	if !ok {
		return "", d.p.fail(ctx, "create", path, opSetValue, &opError{syscall.EPERM, "not the spelling of a name: % is written %25"})
	}
	return attr, 0
}

func (d *objectDir) owner() *objectDir { return d }
func (d *objectDir) where() string     { return d.path }

// isScratch tells whether a name is a tool's own. An attribute that the object
// is known to have is no scratch, whatever it is called.
func (d *objectDir) isScratch(name string) bool {
	if !isScratch(name) {
		return false
	}
	attr, ok := decodeName(name, attrNames)
	return !ok || !d.advertised(attr)
}

func (d *objectDir) setting(ctx context.Context, name string) (setting, error) {
	var form *form
	v, attr, isView := objectView(name)
	ok := isView
	if isView {
		form = viewMakers[v].form
	} else {
		attr, ok = decodeName(name, attrNames)
	}
	if !ok || isView && form == nil {
		return setting{}, errNoRename
	}
	return setting{m: member{dir: d, attr: attr}, form: form}, nil
}

func (d *objectDir) findEntry(ctx context.Context, name string) (entry, error) {
	return d.find(ctx, name)
}

// Unlink deletes an attribute that holds a value, or a link.
func (d *objectDir) Unlink(ctx context.Context, name string) syscall.Errno {
	return d.remove(ctx, name)
}

// Rmdir deletes an attribute that is a reference, whatever is in it.
func (d *objectDir) Rmdir(ctx context.Context, name string) syscall.Errno {
	if e := d.refuseEmptied(ctx, d.EmbeddedInode(), name); e != 0 {
		return e
	}
	return d.remove(ctx, name)
}

func (d *objectDir) remove(ctx context.Context, name string) syscall.Errno {
	if e := d.p.readOnly(); e != 0 {
		return e
	}
	path := joinPath(d.path, name)
	if d.p.scratches.unlinked(path) {
		return 0
	}
	attr, ok := decodeName(name, attrNames)
	if isWord(name) && d.emptying(ctx) {
		return 0
	}
	if !ok {
		return d.p.fail(ctx, "delete", path, opDelete, &opError{syscall.EPERM, "a control entry cannot be deleted"})
	}
	if e := d.refuseDelete(ctx, &d.openers, d.EmbeddedInode(), path); e != 0 {
		return e
	}
	c, cancel := d.p.opContext(ctx)
	defer cancel()
	m := member{dir: d, attr: attr}
	err := m.unlinkFor(c, callerOf(ctx))
	if callerOf(ctx).replaces() && (errors.Is(err, errUndeletable) && m.writable() || err == nil && m.remains(c)) {
		d.p.scratches.awayUntil(path, time.Now().Add(awayTime))
		return 0
	}
	if err == nil {
		d.lookAgainAtViews(name)
	}
	return d.p.fail(ctx, "delete", path, opDelete, err)
}

// lookAgainAtViews makes the kernel let go of the views of an attribute that was
// deleted. It can when the deletion is answered.
func (d *objectDir) lookAgainAtViews(name string) {
	var names []string
	for suffix := range viewIndexes[ofAttr] {
		if view := name + "." + suffix; d.GetChild(view) != nil {
			names = append(names, view)
		}
	}
	d.p.lookAgain(d.EmbeddedInode(), names...)
}

// Symlink assigns the reference that the target, a path in this mount, leads
// to.
func (d *objectDir) Symlink(ctx context.Context, target, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	if e := d.p.readOnly(); e != 0 {
		return nil, e
	}
	if d.isScratch(name) || isLinkScratch(name) || callerOf(ctx).invented(name) {
		in, _, errno := createScratch(ctx, d, name, target, 0, 0, out)
		return in, errno
	}
	attr, errno := d.newName(ctx, name)
	if errno != 0 {
		return nil, errno
	}
	return d.assignLink(ctx, member{dir: d, attr: attr}, d.EmbeddedInode(), d.path, target, name, out)
}

// assignLink sets m to the reference at target and returns the link.
func (d *objectDir) assignLink(ctx context.Context, m member, parent *fs.Inode, dirPath, target, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	path := joinPath(dirPath, name)
	c, cancel := d.p.opContext(ctx)
	defer cancel()
	v, err := d.p.walk(c, dirPath, target)
	if err != nil {
		return nil, d.p.fail(ctx, "link", path, opLookup, err)
	}
	if err := m.set(c, v); err != nil {
		return nil, d.p.fail(ctx, "link", path, opSetValue, err)
	}
	e := d.valueEntry(c, m, name, v, nil)
	if e.mode&syscall.S_IFMT != syscall.S_IFLNK {
		e = linkEntry(d.p, name, &linkTarget{from: m, text: target})
	}
	in := attach(ctx, parent, dirPath, e, out)
	out.SetEntryTimeout(0) // what it is next is decided by where it points
	return in, 0
}

// Getxattr tells what is known of the object without asking.
func (d *objectDir) Getxattr(ctx context.Context, attr string, dest []byte) (uint32, syscall.Errno) {
	o := d.known()
	var text string
	switch attr {
	case xattrError:
		text = d.p.errors.ofPath(d.path)
	case xattrOID:
		if o != nil {
			text = string(o.ref.ID)
		}
	case xattrType:
		text = codec.KindRef.String()
		if o != nil && o.knownDesc() != nil {
			text = o.knownDesc().Class
		}
	case xattrDoc:
		if info := d.method.Load(); info != nil {
			text = info.Doc
		} else if o != nil && o.knownDesc() != nil {
			text = o.knownDesc().Doc
		}
	}
	return xattrValue(text, dest)
}
