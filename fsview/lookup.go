//go:build linux

package fsview

import (
	"context"
	"slices"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"nomfs/codec"
)

// Lookup asks the peer for what is not known, and nothing for names that
// cannot be.
func (d *objectDir) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	c, cancel := d.p.opContext(ctx)
	defer cancel()
	if s := d.p.scratches.get(joinPath(d.path, name)); s != nil {
		return scratchEntry(ctx, d.p, d.EmbeddedInode(), name, s, out), 0
	}
	if d.p.nodes.refuses(d.EmbeddedInode(), name) {
		return nil, d.p.fail(ctx, "look up", joinPath(d.path, name), opLookup, errManyNodes)
	}
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
	if v, attr, ok := objectView(name); ok {
		return d.viewEntry(ctx, v, attr, name)
	}
	attr, ok := decodeName(name, attrNames)
	if !ok {
		return entry{}, errNoEntry
	}
	m := member{dir: d, attr: attr}
	if u := d.isPending(callerOf(ctx), name); u != nil {
		return d.pendingEntry(m, u), nil
	}
	if d.p.scratches.isAway(m.path()) {
		return entry{}, errNoEntry
	}
	if !d.mayExist(ctx, attr, name) {
		return entry{}, errNoEntry
	}
	return d.memberEntry(ctx, m, name)
}

// mayExist tells whether it is worth asking the peer for an attribute. Any
// identifier is: objects may have attributes that they do not list. Other
// names only where the object advertises them, or nothing at all; a description that
// is too old is asked for again.
func (d *objectDir) mayExist(ctx context.Context, attr, name string) bool {
	link := isLinkScratch(name)
	scratch := isScratch(name) || link
	if isIdentifier(attr) && !scratch || d.advertised(attr) {
		return true
	}
	if neverAttr(name) || d.method.Load() != nil {
		return false
	}
	desc, err := d.anyDesc(ctx)
	if err == nil && denies(desc, attr) && !scratch && d.descOlder(absentAge) {
		desc, err = d.describe(ctx)
	}
	if err == nil {
		return attrInfo(desc, attr) != nil || !scratch && !denies(desc, attr)
	}
	if !unsupported(err) {
		return !scratch
	}
	if scratch {
		return link // a peer that cannot tell is never asked for a tool's file
	}
	names, err := d.dirNames(ctx)
	return err != nil || names.set[attr] || names.cut != nil
}

// advertised tells whether the object is known to have an attribute, without
// asking.
func (d *objectDir) advertised(attr string) bool {
	if slices.Contains(d.p.opt.Attrs[d.path], attr) {
		return true
	}
	o := d.known()
	if o == nil {
		return false
	}
	o.mu.Lock()
	known := o.learntAttrs[attr] || o.names.v != nil && o.names.v.set[attr]
	o.mu.Unlock()
	return known || attrInfo(o.knownDesc(), attr) != nil
}

// memberEntry finds out what an attribute is.
func (d *objectDir) memberEntry(ctx context.Context, m member, name string) (entry, error) {
	if v, ok := m.fresh(); ok {
		return d.valueEntry(ctx, m, name, v, m.info()), nil
	}
	if !d.descIsFresh() && d.snapshot(ctx) {
		if v, ok := m.fresh(); ok {
			return d.valueEntry(ctx, m, name, v, m.info()), nil
		}
	}
	if d.freshDesc(ctx) {
		if e, ok := d.advertisedEntry(m, name); ok {
			return e, nil
		}
	}
	v, info, err := m.look(ctx)
	switch {
	case err == nil && v == nil:
		return d.lazyEntry(m, name, info), nil
	case err == nil:
		return d.valueEntry(ctx, m, name, v, m.info()), nil
	case isException(err) && !isMissing(err) && errnoOf(err, opGet) != syscall.EACCES:
		// It is there, but reading it fails. Whoever opens it hears why.
		return d.fileEntry(m, name, m.info()), nil
	}
	return entry{}, err
}

// advertisedEntry returns the entry of an attribute of which the description says
// enough: a method, or a value.
func (d *objectDir) advertisedEntry(m member, name string) (entry, bool) {
	info := m.info()
	switch {
	case info == nil:
		return entry{}, false
	case info.Call:
		return d.lazyEntry(m, name, info), true
	case info.Kind == codec.KindRef || info.Kind == codec.KindInvalid:
		return entry{}, false
	}
	return d.fileEntry(m, name, info), true // whoever opens it asks for the value
}

// fresh returns the value if it is known and not older than a second.
func (m member) fresh() (codec.Value, bool) {
	if o := m.dir.known(); o != nil {
		return o.fresh(m.id())
	}
	return nil, false
}

// descIsFresh tells whether the description says what there is now.
func (d *objectDir) descIsFresh() bool {
	o := d.known()
	if o == nil {
		return false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.desc.known && o.peer.isFresh(o.desc.at)
}

// freshDesc tells whether the description says what there is now. When many names
// are looked up in a short time, as ls -l does in a directory too large for the
// kernel's cache, it is asked for again: one request instead of one for each.
func (d *objectDir) freshDesc(ctx context.Context) bool {
	if d.descIsFresh() {
		return true
	}
	if d.known() == nil {
		return false
	}
	d.mu.Lock()
	if time.Since(d.burstAt) > maxAge {
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

// canAll is what an object can do where the peer cannot say: perhaps everything.
const canAll = needCall | needLen | needItems

// can returns what the object can do.
func (d *objectDir) can(ctx context.Context) (need, error) {
	if d.method.Load() != nil {
		return needCall, nil
	}
	desc, err := d.anyDesc(ctx)
	switch {
	case err == nil:
		return canOf(desc), nil
	case unsupported(err):
		return canAll, nil
	}
	return 0, err
}

func canOf(desc *description) need {
	var can need
	for n, has := range map[need]bool{needCall: desc.Callable, needLen: desc.Sized, needItems: desc.Indexable} {
		if has {
			can |= n
		}
	}
	return can
}
