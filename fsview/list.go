//go:build linux

package fsview

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strings"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"nomfs/codec"
)

// OpendirHandle opens the object for listing.
func (d *objectDir) OpendirHandle(ctx context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	return newDirHandle(d.node.p, d.EmbeddedInode(), d.path, d.list, &d.openers), 0, 0
}

// list lists the object: from what it tells of itself, in one request, with no
// getter run; on a peer that cannot tell, from the names that can be known, all
// asked for at once.
func (d *objectDir) list(ctx context.Context) ([]entry, error) {
	if d.method.Load() != nil {
		return d.controls(ctx, needCall), nil
	}
	desc, err := d.describe(ctx)
	switch {
	case err == nil:
		return append(d.controls(ctx, canOf(desc)), d.listDescribed(ctx, desc)...), desc.cut
	case !unsupported(err):
		return nil, err
	}
	names, err := d.guessNames(ctx)
	cut := truncation(err)
	if err != nil && cut == nil {
		return nil, err
	}
	members := make([]member, 0, len(names))
	for _, name := range names {
		if listed(name) {
			members = append(members, member{dir: d, attr: name})
		}
	}
	return append(d.controls(ctx, canAll), d.fetchEntries(ctx, members)...), cut
}

// listed tells whether an attribute appears in listings. Names that begin with
// an underscore are for those who know them.
func listed(name string) bool {
	return !strings.HasPrefix(name, "_") && len(encodeName(name, attrNames)) <= maxName
}

// listDescribed makes the entries of an object that describes itself. Only
// references are asked for, since where they point decides what they are.
func (d *objectDir) listDescribed(ctx context.Context, desc *description) []entry {
	var entries []entry
	var ask []member
	for i := range desc.Attrs {
		info := &desc.Attrs[i]
		if !listed(info.Name) {
			continue
		}
		m := member{dir: d, attr: info.Name}
		name := encodeName(info.Name, attrNames)
		switch {
		case info.Call && (info.Kind == codec.KindRef || info.Kind == codec.KindInvalid):
			entries = append(entries, d.lazyEntry(m, name, info))
		case info.Kind == codec.KindRef || info.Kind == codec.KindInvalid:
			ask = append(ask, m)
		default:
			entries = append(entries, d.fileEntry(m, name, info))
		}
	}
	return append(entries, d.fetchEntries(ctx, ask)...)
}

// fetchEntries asks for all members at once and makes their entries. One that
// does not exist is left out; one that cannot be read is listed all the same.
func (d *objectDir) fetchEntries(ctx context.Context, members []member) []entry {
	found := make([]entry, len(members))
	var ask []int
	for i, m := range members {
		if v, ok := m.fresh(); ok {
			found[i] = d.valueEntry(ctx, m, m.fileName(), v, m.info())
		} else {
			ask = append(ask, i)
		}
	}
	parallel(len(ask), func(n int) {
		i := ask[n]
		m := members[i]
		name := m.fileName()
		v, err := m.value(ctx)
		switch {
		case err == nil:
			found[i] = d.valueEntry(ctx, m, name, v, m.info())
		case isMissing(err):
		case isException(err) && m.key == nil && (m.info() == nil || m.info().Kind != codec.KindRef):
			found[i] = d.fileEntry(m, name, m.info())
		default:
			found[i] = entry{name: name} // its kind is asked for again
		}
	})
	entries := found[:0]
	for _, e := range found {
		if e.name != "" {
			entries = append(entries, e)
		}
	}
	return entries
}

// fileName is the member's name in its directory.
func (m member) fileName() string {
	if m.key != nil {
		return m.name
	}
	return encodeName(m.attr, attrNames)
}

// guessNames returns the attributes of an object on a peer without
// descriptions: what it lists or has in __dict__, what Options.Attrs names,
// and what was looked up with success. The error is codec.ErrPartial where
// there are more.
func (d *objectDir) guessNames(ctx context.Context) ([]string, error) {
	set := make(map[string]bool)
	var cut error
	advertised, err := d.dirNames(ctx)
	switch {
	case err == nil:
		cut = advertised.cut
		for name := range advertised.set {
			set[name] = true
		}
	case unsupported(err):
		if err := d.dictNames(ctx, set); err != nil {
			return nil, err
		}
	default:
		return nil, err
	}
	for _, name := range d.p.opt.Attrs[d.path] {
		set[name] = true
	}
	if o := d.known(); o != nil {
		o.mu.Lock()
		for name := range o.learntAttrs {
			set[name] = true
		}
		o.mu.Unlock()
	}
	names := make([]string, 0, len(set))
	for name := range set {
		names = append(names, name)
	}
	sort.Strings(names)
	return names, cut
}

// dictNames adds the names in the object's __dict__, where the peer shows it,
// and keeps the values that came with them. A refusal is no error: most peers
// refuse.
func (d *objectDir) dictNames(ctx context.Context, set map[string]bool) error {
	return d.do(ctx, func(o *object) error {
		at := o.peer.stamp()
		v, err := o.peer.remote.GetAttr(ctx, o.ref, "__dict__")
		if err != nil {
			if isException(err) && !isStale(err, o.ref) {
				return nil
			}
			return err
		}
		dict, ok := v.(*codec.Map)
		if !ok {
			return nil
		}
		for _, pair := range dict.Pairs() {
			if name, ok := codec.StringOf(pair.Key); ok && listed(name) {
				set[name] = true
				o.store(member{dir: d, attr: name}.id(), pair.Value, at)
			}
		}
		return nil
	})
}

// controls returns the views of the object that are listed, of an object that can
// do so much.
func (d *objectDir) controls(ctx context.Context, can need) []entry {
	var entries []entry
	for v := range numViews {
		row := &viewTable[v]
		if row.in != inObject || !row.listed || row.needs&^can != 0 {
			continue
		}
		if e, err := viewMakers[v].object(ctx, d); err == nil {
			entries = append(entries, e)
		}
	}
	return entries
}

// A dirHandle is an open directory: one listing, taken at the first read,
// which also answers the lookups of READDIRPLUS. Opening alone asks nothing: df
// and cd open directories too.
type dirHandle struct {
	p       *peer
	dir     *fs.Inode
	path    string
	list    func(ctx context.Context) ([]entry, error)
	openers *openers
	thread  uint32

	// The library calls one at a time.
	loaded  bool
	at      stamp   // when the listing was, and after how many writes
	entries []entry // sorted
	pos     int
}

var (
	_ fs.FileReaddirenter = (*dirHandle)(nil)
	_ fs.FileSeekdirer    = (*dirHandle)(nil)
	_ fs.FileLookuper     = (*dirHandle)(nil)
	_ fs.FileReleasedirer = (*dirHandle)(nil)
	_ fs.FileFsyncdirer   = (*dirHandle)(nil)
)

// dots are the entries . and .., which the kernel expects from us.
const dots = 2

// newDirHandle returns a handle.
func newDirHandle(p *peer, dir *fs.Inode, path string, list func(context.Context) ([]entry, error), o *openers) *dirHandle {
	h := &dirHandle{p: p, dir: dir, path: path, list: list, openers: o}
	return h
}

// load takes the listing and notes who asked for it. Opening alone does not
// count: tar -C holds a directory open too.
func (h *dirHandle) load(ctx context.Context) syscall.Errno {
	if h.openers != nil && h.thread == 0 {
		if h.thread = callerOf(ctx).pid; h.thread != 0 {
			h.openers.opened(h.thread)
		}
	}
	if h.p.listing.Load() >= maxOpenListed {
		return h.p.fail(ctx, "list", h.path, opList, errManyListings)
	}
	c, cancel := h.p.opContext(ctx)
	defer cancel()
	writes := h.p.writes.Load()
	entries, err := h.list(c)
	if err != nil {
		errno := h.p.fail(ctx, "list", h.path, opList, err)
		if truncation(err) == nil {
			return errno
		}
	}
	h.at = stamp{time.Now(), writes}
	entries = slices.DeleteFunc(entries, func(e entry) bool { return h.p.scratches.isAway(joinPath(h.path, e.name)) })
	sort.Slice(entries, func(i, j int) bool { return entries[i].name < entries[j].name })
	h.p.listing.Add(int64(len(entries)))
	h.entries, h.loaded = entries, true
	return 0
}

// errManyListings is the answer to one open directory too many.
var errManyListings = &opError{syscall.ENFILE, fmt.Sprintf("open directories have more than %d entries", maxOpenListed)}

// unload forgets the listing.
func (h *dirHandle) unload() {
	h.p.listing.Add(-int64(len(h.entries)))
	h.loaded, h.entries, h.pos = false, nil, 0
}

// Readdirent returns the next entry.
func (h *dirHandle) Readdirent(ctx context.Context) (*fuse.DirEntry, syscall.Errno) {
	if !h.loaded {
		if errno := h.load(ctx); errno != 0 {
			return nil, errno
		}
	}
	i := h.pos
	if i >= len(h.entries)+dots {
		return nil, 0
	}
	h.pos++
	e := fuse.DirEntry{Off: uint64(h.pos), Mode: syscall.S_IFDIR}
	switch i {
	case 0:
		e.Name, e.Ino = ".", h.dir.StableAttr().Ino
	case 1:
		e.Name = ".."
	default:
		e.Name, e.Mode = h.entries[i-dots].name, h.entries[i-dots].mode
		e.Ino = h.p.scratches.inoAt(joinPath(h.path, e.Name))
	}
	return &e, 0
}

// Seekdir goes to an offset that Readdirent gave. Who goes back to the start
// gets a new listing.
func (h *dirHandle) Seekdir(ctx context.Context, off uint64) syscall.Errno {
	if off == 0 {
		h.unload()
		return 0
	}
	if off > uint64(len(h.entries)+dots) {
		return syscall.EINVAL
	}
	h.pos = int(off)
	return 0
}

// Lookup returns an entry from the listing itself. Links are left to be looked
// up by those who follow them: in a graph of objects that all know each other
// nearly everything is a link, and most who list want the name and the kind. So is
// all of a listing that a write superseded, or that is stale: the kernel would
// keep for another second what is not there any more.
func (h *dirHandle) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	i := sort.Search(len(h.entries), func(i int) bool { return h.entries[i].name >= name })
	if i >= len(h.entries) || h.entries[i].name != name {
		return nil, syscall.ENOENT
	}
	if kind := h.entries[i].mode & syscall.S_IFMT; kind == 0 || kind == syscall.S_IFLNK || !h.p.isFresh(h.at) {
		return nil, syscall.ENOENT // in this listing only: the name is listed, without a node
	}
	if h.p.nodes.isFull() && h.dir.GetChild(name) == nil {
		return nil, syscall.ENOENT // likewise
	}
	return attach(ctx, h.dir, h.path, h.entries[i], out), 0
}

// Releasedir forgets the handle.
func (h *dirHandle) Releasedir(ctx context.Context, flags uint32) {
	h.unload()
	if h.thread != 0 {
		h.openers.closed(h.thread)
	}
}

// Fsyncdir has nothing to do.
func (h *dirHandle) Fsyncdir(ctx context.Context, flags uint32) syscall.Errno { return 0 }
