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
	// method is what the object above tells of this one if it is a method of
	// its own: enough to list it without a request.
	method atomic.Pointer[codec.AttrInfo]

	openers openers

	mu      sync.Mutex     // guards what follows; never held during a request
	src     source         // where the reference comes from
	obj     *object        // nil until it is needed
	pending map[string]int // files created but not written yet, by name
	burst   int            // lookups since burstAt
	burstAt time.Time
}

var (
	_ fs.NodeLookuper       = (*objectDir)(nil)
	_ fs.NodeOpendirHandler = (*objectDir)(nil)
	_ fs.NodeCreater        = (*objectDir)(nil)
	_ fs.NodeUnlinker       = (*objectDir)(nil)
	_ fs.NodeRmdirer        = (*objectDir)(nil)
	_ fs.NodeSymlinker      = (*objectDir)(nil)
	_ fs.NodeGetattrer      = (*objectDir)(nil)
	_ fs.NodeGetxattrer     = (*objectDir)(nil)
	_ fs.NodeFsyncer        = (*objectDir)(nil)
)

// known returns the object if its reference is at hand.
func (d *objectDir) known() *object {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.obj
}

// adopt makes r the object of the directory.
func (d *objectDir) adopt(r codec.Ref) *object {
	o := d.p.object(r)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.obj == nil || d.obj.ref != r {
		d.obj = o
	}
	return d.obj
}

// from says where the directory's reference comes from.
func (d *objectDir) from(src source) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.src = src
}

// object returns the object, asking for its reference where it is not known.
func (d *objectDir) object(ctx context.Context) (*object, error) {
	if o := d.known(); o != nil {
		return o, nil
	}
	d.mu.Lock()
	src := d.src
	d.mu.Unlock()
	v, err := src.fetch(ctx)
	if err != nil {
		return nil, err
	}
	r, ok := v.(codec.Ref)
	if !ok {
		return nil, &opError{syscall.ESTALE, "is a value now; look again"}
	}
	return d.adopt(r), nil
}

// do runs one operation on the object. Where the peer does not know the
// reference any more, and so has done nothing, the path is resolved again and
// the operation gets a second try.
func (d *objectDir) do(ctx context.Context, op func(o *object) error) error {
	o, err := d.object(ctx)
	if err != nil {
		return causeOf(ctx, err)
	}
	err = causeOf(ctx, op(o))
	if err == nil || !isStale(err, o.ref) {
		return err
	}
	d.p.changed()
	d.mu.Lock()
	if d.obj == o {
		d.obj = nil
	}
	d.mu.Unlock()
	again, rerr := d.object(ctx)
	if rerr != nil || again.ref == o.ref {
		return &opError{syscall.ESTALE, "stale reference: " + err.Error()}
	}
	return causeOf(ctx, op(again))
}

func (d *objectDir) fill(a *fuse.Attr) { d.p.fillDir(a, dirMode) }

// Getattr answers from memory.
func (d *objectDir) Getattr(ctx context.Context, f fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	d.fill(&out.Attr)
	out.SetTimeout(cacheTime)
	return 0
}

// Lookup asks the peer for what is not known, and nothing for names that
// cannot be.
func (d *objectDir) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	c, cancel := d.p.opContext(ctx)
	defer cancel()
	e, err := d.find(c, name)
	if err != nil {
		return nil, errnoOf(err, opLookup)
	}
	return attach(ctx, d.EmbeddedInode(), d.path, e, out), 0
}

// find returns what lies under a file name.
func (d *objectDir) find(ctx context.Context, name string) (entry, error) {
	if len(name) > maxName {
		return entry{}, errNameTooLong
	}
	if name[0] == '.' {
		return d.dotEntry(name)
	}
	if reserved[name] {
		return d.control(ctx, name)
	}
	base, suffix := splitView(name)
	attr, ok := decodeName(base, attrNames)
	if !ok {
		return entry{}, errNoEntry
	}
	m := member{dir: d, attr: attr}
	if suffix != "" {
		return d.viewEntry(ctx, m, name, suffix)
	}
	if d.isPending(name) {
		return d.fileEntry(m, name, nil), nil
	}
	if !d.mayExist(ctx, attr, name) {
		return entry{}, errNoEntry
	}
	return d.memberEntry(ctx, m, name)
}

// mayExist tells whether it is worth asking the peer for an attribute. Any
// identifier is: objects may have attributes that they do not list. Other
// names only where the object mentions them, or mentions nothing at all.
func (d *objectDir) mayExist(ctx context.Context, attr, name string) bool {
	if isIdentifier(attr) {
		return true
	}
	o := d.known()
	if o != nil {
		o.mu.Lock()
		known := o.learntAttrs[attr] || o.names[attr]
		o.mu.Unlock()
		if known || attrInfo(o.knownDesc(), attr) != nil {
			return true
		}
	}
	if neverAttr(name) || d.method.Load() != nil {
		return false
	}
	desc, err := d.anyDesc(ctx)
	if err == nil {
		return attrInfo(desc, attr) != nil
	}
	if !unsupported(err) {
		return true
	}
	names, err := d.dirNames(ctx)
	return err != nil || names[attr]
}

// memberEntry finds out what an attribute is.
func (d *objectDir) memberEntry(ctx context.Context, m member, name string) (entry, error) {
	info := m.info()
	if v, ok := m.fresh(); ok {
		return d.valueEntry(ctx, m, name, v, info), nil
	}
	if info != nil && d.told(ctx) {
		if info = m.info(); info != nil && info.Call {
			return d.lazyEntry(m, name, info), nil
		}
		if info != nil && info.Kind != codec.KindRef && info.Kind != codec.KindInvalid {
			return d.fileEntry(m, name, info), nil // whoever opens it asks for the value
		}
	}
	v, err := m.fetch(ctx)
	switch {
	case err == nil:
		return d.valueEntry(ctx, m, name, v, info), nil
	case isException(err) && !isMissing(err) && errnoOf(err, opGet) != syscall.EACCES:
		// It is there, but reading it fails. Whoever opens it hears why.
		return d.fileEntry(m, name, info), nil
	}
	return entry{}, err
}

// fresh returns the value if it is known and not older than a second.
func (m member) fresh() (codec.Value, bool) {
	if o := m.dir.known(); o != nil {
		return o.fresh(m.id())
	}
	return nil, false
}

// told tells whether the description says what there is now. When many names
// are looked up in a short time, as ls -l does in a directory too large for the
// kernel's cache, it is asked for again: one request instead of one for each.
func (d *objectDir) told(ctx context.Context) bool {
	o := d.known()
	if o == nil {
		return false
	}
	o.mu.Lock()
	isFresh := o.desc != nil && o.peer.isFresh(o.descAt)
	o.mu.Unlock()
	if isFresh {
		return true
	}
	d.mu.Lock()
	if time.Since(d.burstAt) > fresh {
		d.burstAt, d.burst = time.Now(), 0
	}
	d.burst++
	many := d.burst > burstLookups
	d.mu.Unlock()
	if !many {
		return false
	}
	_, err := d.describe(ctx)
	return err == nil
}

// burstLookups is how many lookups in a second ask for their value alone.
const burstLookups = 8

// Create makes a file that nobody sees until something was written to it: then
// it becomes an attribute.
func (d *objectDir) Create(ctx context.Context, name string, flags, mode uint32, out *fuse.EntryOut) (*fs.Inode, fs.FileHandle, uint32, syscall.Errno) {
	if e := d.p.readOnly(); e != 0 {
		return nil, nil, 0, e
	}
	attr, errno := d.newName(ctx, name)
	if errno != 0 {
		return nil, nil, 0, errno
	}
	m := member{dir: d, attr: attr}
	h := d.startPending(m, name, flags)
	e := d.fileEntry(m, name, nil)
	in := attach(ctx, d.EmbeddedInode(), d.path, e, out)
	out.SetEntryTimeout(1) // a nanosecond: whether it exists is decided at the first write
	return in, h, fuse.FOPEN_DIRECT_IO, 0
}

// newName returns the attribute that a new file is to become.
func (d *objectDir) newName(ctx context.Context, name string) (string, syscall.Errno) {
	if len(name) > maxName {
		return "", syscall.ENAMETOOLONG
	}
	path := joinPath(d.path, name)
	if reserved[name] || isScratch(name) {
		return "", d.p.fail(ctx, "create", path, opSetValue, &opError{syscall.EPERM, "not a name for an attribute"})
	}
	attr, ok := decodeName(name, attrNames)
	if !ok {
		return "", d.p.fail(ctx, "create", path, opSetValue, &opError{syscall.EPERM, "not the spelling of a name: % is written %25"})
	}
	return attr, 0
}

func (d *objectDir) startPending(m member, name string, flags uint32) *valueHandle {
	d.mu.Lock()
	if d.pending == nil {
		d.pending = make(map[string]int)
	}
	d.pending[name]++
	d.mu.Unlock()
	h := &valueHandle{m: m, gate: newGate(), write: newWriteState(nil, flags&syscall.O_APPEND != 0), fresh: true}
	var once sync.Once
	h.settled = func() {
		once.Do(func() {
			d.mu.Lock()
			defer d.mu.Unlock()
			if d.pending[name]--; d.pending[name] <= 0 {
				delete(d.pending, name)
			}
		})
	}
	return h
}

func (d *objectDir) isPending(name string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.pending[name] > 0
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
	attr, ok := decodeName(name, attrNames)
	if !ok || name[0] == '.' || reserved[name] {
		return d.p.fail(ctx, "delete", path, opDelete, &opError{syscall.EPERM, "a control entry cannot be deleted"})
	}
	if e := d.refuseRecursive(ctx, &d.openers, path); e != 0 {
		return e
	}
	c, cancel := d.p.opContext(ctx)
	defer cancel()
	err := member{dir: d, attr: attr}.del(c)
	return d.p.fail(ctx, "delete", path, opDelete, err)
}

// Symlink assigns the reference that the target, a path in this mount, leads
// to.
func (d *objectDir) Symlink(ctx context.Context, target, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	if e := d.p.readOnly(); e != 0 {
		return nil, e
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
	e := linkEntry(d.p, name, target, nil)
	in := attach(ctx, parent, dirPath, e, out)
	out.SetEntryTimeout(1) // what it is next is decided by where it points
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

// control returns one of call, len, index, repr and str, where it can work.
func (d *objectDir) control(ctx context.Context, name string) (entry, error) {
	switch name {
	case "repr", "str":
		return d.textControl(name), nil
	}
	c, err := d.caps(ctx)
	if err != nil {
		return entry{}, err
	}
	for _, e := range d.controls(c) {
		if e.name == name {
			return e, nil
		}
	}
	return entry{}, errNoEntry
}

// caps says which control entries an object has.
type caps struct{ callable, sized, indexable bool }

// caps returns what the object can do: everything, where the peer cannot say.
func (d *objectDir) caps(ctx context.Context) (caps, error) {
	if d.method.Load() != nil {
		return caps{callable: true}, nil
	}
	desc, err := d.anyDesc(ctx)
	if err != nil {
		if errors.Is(err, errors.ErrUnsupported) {
			return caps{true, true, true}, nil
		}
		return caps{}, err
	}
	return capsOf(desc), nil
}

func capsOf(desc *codec.Description) caps {
	return caps{desc.Callable, desc.Sized, desc.Indexable}
}
