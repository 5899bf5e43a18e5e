//go:build linux

package fsview

import (
	"errors"
	"slices"
	"strings"
	"time"

	"nomfs/codec"
)

// A stamp says when something was fetched, and after how many writes.
type stamp struct {
	at     time.Time
	writes uint64
}

func (p *peer) stamp() stamp { return stamp{time.Now(), p.writes.Load()} }

// isFresh tells whether what was fetched then may be used now. Nothing is of a
// peer that was taken out of the mount.
func (p *peer) isFresh(s stamp) bool {
	return !p.dropped.Load() && !s.at.IsZero() && s.writes == p.writes.Load() && time.Since(s.at) < maxAge
}

// cachedValue is the last known value of one attribute or item.
type cachedValue struct {
	v       codec.Value // nil where it is too old
	last    codec.Value // what was read or written last, for its type; nil where it is too old
	at      stamp
	memSize int       // of both in memory, in bytes: where both are there they are the same
	size    int64     // of its text in bytes, -1 where it was never read
	hash    uint64    // of its text, to see changes
	mtime   time.Time // when this mount last saw it change
	deleted time.Time // when this mount deleted it
	set     uint64    // writes of the mount when it set or deleted this last
	// replacing is the process that deleted it to write it anew, 0 for none:
	// then last is its value.
	replacing int
}

// deletedMemory is how long an attribute that was deleted through this mount
// keeps its type: mv, install and tar delete first and then write anew.
const deletedMemory = 10 * time.Second

// cached returns what is known of an attribute or item. The mutex must be held.
func (o *object) cached(id string) *cachedValue {
	c := o.vals[id]
	if c == nil {
		c = &cachedValue{size: -1, mtime: o.peer.started}
		o.vals[id] = c
		o.size.vals += valueInfoSize + len(id)
	}
	return c
}

// valueInfoSize is how much memory is taken by what is known of a value besides the
// value, in bytes.
const valueInfoSize = infoSize + stringSize + mapEntry

// keep remembers a value, nil for none, and what is known to have the same type. The
// mutex must be held.
func (o *object) keep(c *cachedValue, v, last codec.Value) {
	o.size.vals -= c.memSize
	c.v, c.last, c.memSize = v, last, 0
	for _, v := range []codec.Value{v, last} {
		if v != nil {
			c.memSize = memSize(v) // both are the same value, or one is nil
		}
	}
	o.size.vals += c.memSize
	if o.size.vals > maxKeptValues || o.memSize() > maxKept {
		o.dropValues(c)
	}
}

// dropValues forgets all values but one, and those that this mount set or deleted
// just now. The mutex must be held.
func (o *object) dropValues(but *cachedValue) {
	o.size.vals = 0
	for id, c := range o.vals {
		ours := c.set > 0 && time.Since(c.mtime) < deletedMemory || time.Since(c.deleted) < deletedMemory
		if c != but && !ours {
			delete(o.vals, id)
			continue
		}
		o.size.vals += valueInfoSize + len(id) + c.memSize
	}
}

// superseded tells whether this mount set or deleted the attribute after a request for
// it began: then the answer may be the value from before. The mutex must be held.
func (c *cachedValue) superseded(at stamp) bool { return c.set > 0 && at.writes <= c.set }

// store keeps a value that was fetched at, unless a write superseded it.
func (o *object) store(id string, v codec.Value, at stamp) {
	text := render(v)
	h := hashOf(text)
	o.update(func(o *object) {
		c := o.cached(id)
		if c.superseded(at) {
			return
		}
		if c.size >= 0 && c.hash != h {
			c.mtime = at.at
		}
		c.at, c.size, c.hash, c.deleted = at, int64(len(text)), h, time.Time{}
		o.keep(c, v, v)
	})
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
	o.update(func(o *object) {
		c := o.cached(id)
		c.size, c.hash, c.mtime, c.deleted = int64(len(text)), hashOf(text), time.Now(), time.Time{}
		c.set = o.peer.writes.Load()
		o.keep(c, nil, v)
	})
}

// deletedNow remembers the type of what was deleted.
func (o *object) deletedNow(id string) {
	o.update(func(o *object) {
		c := o.cached(id)
		c.deleted, c.replacing, c.set = time.Now(), 0, o.peer.writes.Load()
	})
}

// wasDeleted tells whether this mount deleted an attribute, and neither set nor
// found it since.
func (o *object) wasDeleted(id string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	c := o.vals[id]
	return c != nil && !c.deleted.IsZero()
}

// descSuperseded tells whether the description is from before this mount deleted an
// attribute.
func (o *object) descSuperseded(id string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	c := o.vals[id]
	return c != nil && !c.deleted.IsZero() && c.superseded(o.desc.at)
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
		if now.Sub(c.at.at) <= deletedMemory {
			continue
		}
		last := c.last
		if now.Sub(c.deleted) > deletedMemory && now.Sub(c.mtime) > deletedMemory {
			last = nil
		}
		o.keep(c, nil, last)
	}
}

// isSuperseded tells whether a write superseded the answer to a request for an
// attribute or item that began then.
func (o *object) isSuperseded(id string, at stamp) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	c := o.vals[id]
	return c != nil && c.superseded(at)
}

// attrInfo returns what a description says of an attribute, nil for nothing.
func attrInfo(desc *description, name string) *codec.AttrInfo {
	if desc == nil {
		return nil
	}
	i, ok := slices.BinarySearchFunc(desc.Attrs, name, func(a codec.AttrInfo, name string) int { return strings.Compare(a.Name, name) })
	if !ok {
		return nil
	}
	return &desc.Attrs[i]
}

// denies tells whether a description says that there is no such attribute.
func denies(desc *description, name string) bool {
	return attrInfo(desc, name) == nil && desc.cut == nil
}

// unsupported tells whether an operation is not offered: by the peer, or there
// by an object that others of it may differ from, such as one that is passed on
// from a peer that cannot tell.
func unsupported(err error) bool { return errors.Is(err, errors.ErrUnsupported) }

func isException(err error) bool {
	var exc codec.Exception
	return errors.As(err, &exc)
}
