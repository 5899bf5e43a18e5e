//go:build linux

package fsview

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"nomfs/codec"
)

// object is what is remembered of one remote object, whatever paths lead to
// it.
type object struct {
	peer *peer
	ref  codec.Ref
	used atomic.Int64 // unix time in nanoseconds

	mu     sync.Mutex // guards what follows; never held during a request
	vals   map[string]*cachedValue
	desc   *codec.Description
	descAt stamp
	names  map[string]bool // what Dir told, nil where it was not asked
	dirAt  stamp
	keys   map[string]toldItem // by file name, as the peer told
	keysAt stamp
	// learnt are attributes and items that this mount found by looking them
	// up on a peer that does not tell what there is.
	learntAttrs map[string]bool
	learntKeys  map[string]codec.Value

	attrBurst, itemBurst burst
	flights              singleflight.Group // has a lock of its own

	// taken counts the items that this mount deleted: in a list, what comes
	// after them has another place since.
	taken atomic.Uint64

	appending gate // who appends takes what is there, and puts more, alone
}

// A toldItem is an item as the peer told of it.
type toldItem struct {
	key  codec.Value
	kind codec.Kind // KindInvalid where it could not tell
}

// A stamp says when something was fetched, and after how many writes.
type stamp struct {
	at     time.Time
	writes uint64
}

func (p *peer) stamp() stamp { return stamp{time.Now(), p.writes.Load()} }

// isFresh tells whether what was fetched then may be used now. Nothing is of a
// peer that was taken out of the mount.
func (p *peer) isFresh(s stamp) bool {
	return !p.dropped.Load() && !s.at.IsZero() && s.writes == p.writes.Load() && time.Since(s.at) < fresh
}

// cachedValue is the last known value of one attribute or item.
type cachedValue struct {
	v       codec.Value // nil where it is too old
	last    codec.Value // what was read or written last, for its type; nil where it is too old
	at      stamp
	size    int64     // of its text in bytes, -1 where it was never read
	hash    uint64    // of its text, to see changes
	mtime   time.Time // when this mount last saw it change
	deleted time.Time // when this mount deleted it
	set     uint64    // writes of the mount when it set or deleted this last
	// replacing is the process that deleted it to write it anew, 0 for none:
	// then last is what it held.
	replacing int
}

// deletedMemory is how long an attribute that was deleted through this mount
// keeps its type: mv, install and tar delete first and then write anew.
const deletedMemory = 10 * time.Second

func (o *object) cached(id string) *cachedValue {
	c := o.vals[id]
	if c == nil {
		const maxVals = 1 << 16 // entries of one object; all are made again at need
		if len(o.vals) >= maxVals {
			clear(o.vals)
		}
		c = &cachedValue{size: -1, mtime: o.peer.started}
		o.vals[id] = c
	}
	return c
}

// overtaken tells whether the attribute was set or deleted after a request for it
// began: then the answer may be what it held before. The mutex must be held.
func (c *cachedValue) overtaken(at stamp) bool { return c.set > 0 && at.writes <= c.set }

// store keeps a value that was fetched at, unless it was overtaken.
func (o *object) store(id string, v codec.Value, at stamp) {
	text := render(v)
	h := hashOf(text)
	o.mu.Lock()
	defer o.mu.Unlock()
	c := o.cached(id)
	if c.overtaken(at) {
		return
	}
	if c.size >= 0 && c.hash != h {
		c.mtime = at.at
	}
	c.v, c.last, c.at, c.size, c.hash, c.deleted = v, v, at, int64(len(text)), h, time.Time{}
}

// fresh returns the value if it is known and may still be used.
func (o *object) fresh(id string) (codec.Value, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	c := o.vals[id]
	if c == nil || c.v == nil || !o.peer.isFresh(c.at) {
		return nil, false
	}
	return c.v, true
}

// sizeOf returns the size and the time of last change of a value's text: exact
// while the value is known, else as it was last; -1 for a size never known.
func (o *object) sizeOf(id string) (size int64, mtime time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	c := o.vals[id]
	if c == nil {
		return -1, o.peer.started
	}
	return c.size, c.mtime
}

// wrote remembers the length of what was assigned: the best guess until it is
// read back.
func (o *object) wrote(id string, v codec.Value) {
	text := render(v)
	o.mu.Lock()
	defer o.mu.Unlock()
	c := o.cached(id)
	c.v, c.last, c.size, c.hash, c.mtime, c.deleted = nil, v, int64(len(text)), hashOf(text), time.Now(), time.Time{}
	c.set = o.peer.writes.Load()
}

// deletedNow remembers the type of what was deleted.
func (o *object) deletedNow(id string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	c := o.cached(id)
	c.deleted, c.replacing, c.set = time.Now(), 0, o.peer.writes.Load()
}

// wasDeleted tells whether this mount deleted an attribute, and neither set nor
// found it since.
func (o *object) wasDeleted(id string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	c := o.vals[id]
	return c != nil && !c.deleted.IsZero()
}

// isOutdated tells whether the description is from before this mount deleted an
// attribute.
func (o *object) isOutdated(id string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	c := o.vals[id]
	return c != nil && !c.deleted.IsZero() && c.overtaken(o.descAt)
}

// deletedType returns the value that an attribute had when it was deleted just
// now, for its type. Text fits no reference, so that is no type to keep.
func (o *object) deletedType(id string) codec.Value {
	o.mu.Lock()
	defer o.mu.Unlock()
	if c := o.vals[id]; c != nil && !c.deleted.IsZero() && time.Since(c.deleted) < deletedMemory {
		if _, isRef := c.last.(codec.Ref); !isRef {
			return c.last
		}
	}
	return nil
}

// knowsType tells whether deletedNow would remember a type.
func (o *object) knowsType(id string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	c := o.vals[id]
	return c != nil && c.last != nil
}

// sweep drops values that are too old to be used.
func (o *object) sweep(now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, c := range o.vals {
		if now.Sub(c.at.at) > deletedMemory {
			c.v = nil
			if now.Sub(c.deleted) > deletedMemory && now.Sub(c.mtime) > deletedMemory {
				c.last = nil
			}
		}
	}
}

// isOvertaken tells whether a request for an attribute or item that began then is
// overtaken.
func (o *object) isOvertaken(id string, at stamp) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	c := o.vals[id]
	return c != nil && c.overtaken(at)
}

// learnAttr remembers that an attribute exists, or does not.
func (o *object) learnAttr(name string, exists bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !exists {
		delete(o.learntAttrs, name)
		return
	}
	if o.learntAttrs == nil {
		o.learntAttrs = make(map[string]bool)
	}
	if len(o.learntAttrs) < maxLearnt {
		o.learntAttrs[name] = true
	}
}

// learnKey remembers that an item exists, or does not.
func (o *object) learnKey(key codec.Value, exists bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !exists {
		delete(o.learntKeys, key.String())
		return
	}
	if o.learntKeys == nil {
		o.learntKeys = make(map[string]codec.Value)
	}
	if len(o.learntKeys) < maxLearnt {
		o.learntKeys[key.String()] = key
	}
}

// forget forgets what the peer told. What was found by looking is still there.
func (o *object) forget() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.desc, o.names, o.keys = nil, nil, nil
}

// maxLearnt bounds the names learnt of one object.
const maxLearnt = 10_000

// knownDesc returns the description as it was last told, at whatever age, nil
// where it never was.
func (o *object) knownDesc() *codec.Description {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.desc
}

// describe returns what the object tells of itself, not older than a second.
// The error is errors.ErrUnsupported where the peer cannot tell.
func (d *objectDir) describe(ctx context.Context) (*codec.Description, error) {
	var desc *codec.Description
	err := d.do(ctx, func(o *object) error {
		o.mu.Lock()
		known, at := o.desc, o.descAt
		o.mu.Unlock()
		if known != nil && o.peer.isFresh(at) {
			desc = known
			return nil
		}
		at = o.peer.stamp()
		got, err := o.peer.remote.Describe(ctx, o.ref)
		if err != nil {
			return err
		}
		o.mu.Lock()
		if o.desc == nil || at.writes >= o.descAt.writes {
			o.desc, o.descAt = &got, at
		}
		o.mu.Unlock()
		desc = &got
		return nil
	})
	return desc, err
}

// anyDesc returns the description at whatever age, asking where there is none.
func (d *objectDir) anyDesc(ctx context.Context) (*codec.Description, error) {
	if o := d.known(); o != nil {
		if desc := o.knownDesc(); desc != nil {
			return desc, nil
		}
	}
	return d.describe(ctx)
}

// attrInfo returns what a description says of an attribute, nil for nothing.
func attrInfo(desc *codec.Description, name string) *codec.AttrInfo {
	if desc == nil {
		return nil
	}
	for i := range desc.Attrs {
		if desc.Attrs[i].Name == name {
			return &desc.Attrs[i]
		}
	}
	return nil
}

// unsupported tells whether an operation is not offered: by the peer, or there
// by an object that others of it may differ from, such as one that is passed on
// from a peer that cannot tell.
func unsupported(err error) bool { return errors.Is(err, errors.ErrUnsupported) }

func isException(err error) bool {
	var exc codec.Exception
	return errors.As(err, &exc)
}
