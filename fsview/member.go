//go:build linux

package fsview

import (
	"context"
	"fmt"
	"hash/fnv"
	"strconv"
	"syscall"
	"time"

	"nomfs/codec"
)

// A source is where a directory's object comes from: asked again when its
// reference has become stale, so that a path outlives a restart of the peer.
type source interface {
	fetch(ctx context.Context) (codec.Value, error)
}

// rootSource is a registered name.
type rootSource struct {
	peer *peer
	name string
}

func (s rootSource) fetch(ctx context.Context) (codec.Value, error) {
	return s.peer.resolve(ctx, s.name)
}

// fixedSource is a reference that has no other name.
type fixedSource struct{ ref codec.Ref }

func (s fixedSource) fetch(context.Context) (codec.Value, error) { return s.ref, nil }

// A member is one attribute or one item of the object of a directory.
type member struct {
	dir  *objectDir
	attr string
	key  codec.Value // of an item; nil for an attribute
	name string      // of an item: the file name under which it was found
}

var _ source = member{}

// id tells members of one object apart.
func (m member) id() string {
	if m.key != nil {
		return "[" + m.key.String()
	}
	return "." + m.attr
}

// deletions is how many items were deleted so far of a list that m may be an item of,
// 0 for others.
func (m member) deletions() uint64 {
	if _, position := codec.Int64Of(m.key); !position {
		return 0
	}
	if o := m.dir.known(); o != nil {
		return o.deletions.Load()
	}
	return 0
}

// path is where the member lies in the tree.
func (m member) path() string {
	if m.key != nil {
		return joinPath(joinPath(m.dir.path, "index"), m.name)
	}
	return joinPath(m.dir.path, encodeName(m.attr, attrNames))
}

// getOp is the operation that errors of reading m come from.
func (m member) getOp() opSet {
	if m.key != nil {
		return opItem
	}
	return opGet
}

// fetch asks the peer for the value.
func (m member) fetch(ctx context.Context) (codec.Value, error) {
	var v codec.Value
	err := m.dir.do(ctx, func(o *object) error {
		var err error
		at := o.peer.stamp()
		if m.key != nil {
			v, err = o.peer.remote.GetItem(ctx, o.ref, m.key)
		} else {
			v, err = o.peer.remote.GetAttr(ctx, o.ref, m.attr)
		}
		if err != nil {
			if isMissing(err) {
				m.found(o, false, at)
			}
			return err
		}
		o.store(m.id(), v, at)
		m.found(o, true, at)
		return nil
	})
	return v, err
}

// look asks the peer what an attribute is: its value, or of a method what the
// object tells of it, and no value.
func (m member) look(ctx context.Context) (codec.Value, *codec.AttrInfo, error) {
	var v codec.Value
	var info *codec.AttrInfo
	err := m.dir.do(ctx, func(o *object) error {
		var err error
		at := o.peer.stamp()
		defer o.takes(&o.attrBurst, at.at)
		v, info, err = o.peer.remote.Look(ctx, o.ref, m.attr)
		if err != nil {
			if isMissing(err) {
				m.found(o, false, at)
			}
			return err
		}
		if v != nil {
			o.store(m.id(), v, at)
		}
		m.found(o, true, at)
		return nil
	})
	return v, info, err
}

// value returns the value, asking the peer unless it is known to be what it
// was less than a second ago.
func (m member) value(ctx context.Context) (codec.Value, error) {
	if o := m.dir.known(); o != nil {
		if v, ok := o.fresh(m.id()); ok {
			return v, nil
		}
	}
	return m.fetch(ctx)
}

// counted returns the value like value, as one of many perhaps.
func (m member) counted(ctx context.Context, of func(*object) *burst) (codec.Value, error) {
	start := time.Now()
	v, err := m.value(ctx)
	if o := m.dir.known(); o != nil {
		o.takes(of(o), start)
	}
	return v, err
}

func attrBurst(o *object) *burst { return &o.attrBurst }
func itemBurst(o *object) *burst { return &o.itemBurst }

// opened returns the value for a reader. Many readers of one object share one
// request for all its values.
func (m member) opened(ctx context.Context) (codec.Value, error) {
	if v, ok := m.fresh(); ok {
		return v, nil
	}
	if m.key != nil || !m.dir.snapshot(ctx) {
		return m.counted(ctx, attrBurst)
	}
	return m.value(ctx)
}

// found remembers what a request that began then has found out.
func (m member) found(o *object, exists bool, at stamp) {
	if !o.isSuperseded(m.id(), at) {
		m.learn(o, exists)
	}
}

func (m member) learn(o *object, exists bool) {
	if m.key != nil {
		o.learnKey(m.key, exists)
	} else {
		o.learnAttr(m.attr, exists)
	}
}

// set assigns v.
func (m member) set(ctx context.Context, v codec.Value) error {
	return m.dir.doOnce(ctx, func(o *object) error {
		o.peer.changed()
		defer o.peer.changed()
		var err error
		if m.key != nil {
			err = o.peer.remote.SetItem(ctx, o.ref, m.key, v)
		} else {
			err = o.peer.remote.SetAttr(ctx, o.ref, m.attr, v)
		}
		if err == nil {
			o.wrote(m.id(), v)
			o.peer.scratches.awayUntil(m.path(), time.Time{})
			m.learn(o, true)
		}
		return err
	})
}

// unlink deletes the attribute or item as rm does. Many tools delete first and
// write anew, so its type is remembered.
func (m member) unlink(ctx context.Context) error {
	if o := m.dir.known(); o == nil || !o.knowsType(m.id()) {
		if _, err := m.fetch(ctx); err != nil && !isException(err) {
			return err // the peer does not answer
		}
	}
	err := m.del(ctx)
	if !isMissing(err) {
		return err
	}
	// The same exception says that there is no such attribute, and that it
	// cannot be deleted.
	if _, gone := m.fetch(ctx); gone == nil {
		return fmt.Errorf("%w: %v", errUndeletable, err)
	}
	return err
}

// errUndeletable: the attribute is there, and the peer does not delete it.
var errUndeletable = &opError{syscall.EPERM, "cannot be deleted"}

// writable tells whether the attribute can be set, as far as is known.
func (m member) writable() bool {
	info := m.info()
	return info == nil || info.Write
}

// del deletes the attribute or item.
func (m member) del(ctx context.Context) error {
	return m.dir.doOnce(ctx, func(o *object) error {
		o.peer.changed()
		defer o.peer.changed()
		var err error
		if m.key != nil {
			err = o.peer.remote.DelItem(ctx, o.ref, m.key)
		} else {
			err = o.peer.remote.DelAttr(ctx, o.ref, m.attr)
		}
		if err == nil {
			o.deletedNow(m.id())
			m.learn(o, false)
			if m.key != nil {
				o.deletions.Add(1)
			}
		}
		return err
	})
}

// current returns a value of the type that writing must keep, nil where there
// is none: the attribute is new, or cannot be read.
func (m member) current(ctx context.Context) (codec.Value, error) {
	if o := m.dir.known(); o != nil {
		if v := o.deletedType(m.id()); v != nil {
			return v, nil
		}
	}
	v, err := m.value(ctx)
	switch {
	case err == nil:
		return v, nil
	case isException(err) && !isStale(err, codec.Ref{}):
		return nil, nil
	}
	return nil, err
}

// info returns what the object advertised of the attribute, nil for nothing, and for
// one that this mount deleted since.
func (m member) info() *codec.AttrInfo {
	o := m.dir.known()
	if o == nil || m.key != nil || o.descSuperseded(m.id()) {
		return nil
	}
	return attrInfo(o.knownDesc(), m.attr)
}

// errBecameObject: a file whose attribute now is a reference.
var errBecameObject = &opError{syscall.ESTALE, "is a reference now; look again"}

func hashOf(b []byte) uint64 {
	h := fnv.New64a()
	h.Write(b)
	return h.Sum64()
}

func itoa(n int) string { return strconv.Itoa(n) }
