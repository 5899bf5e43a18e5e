//go:build linux

package fsview

import (
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
	used atomic.Int64 // unix time in nanoseconds, about: when the table heard of a use
	gone atomic.Bool  // the table has forgotten it: it remembers nothing any more

	mu    sync.Mutex // guards what follows; never held during a request
	vals  map[string]*cachedValue
	desc  listing[*description]
	names listing[*dirNames]
	keys  listing[*advertisedKeys]
	// learnt are attributes and items that this mount found by looking them
	// up on a peer that does not advertise what there is.
	learntAttrs map[string]bool
	learntKeys  map[string]codec.Value
	// size is about how much memory all that takes, in bytes.
	size struct{ vals, learnt int }

	attrBurst, itemBurst burst
	flights              singleflight.Group // has a lock of its own

	// deletions counts the items that this mount deleted: in a list, what comes
	// after them has another position since.
	deletions atomic.Uint64
}

// An objectTable remembers the objects of one peer. When it is full it forgets those
// that were used longest ago; a directory that has one of them takes up a new one, see
// live.
type objectTable struct {
	mu        sync.Mutex // is locked before the mutex of an object, never after it
	objects   *bounded[codec.Ref, *object]
	forgotten uint64 // how many objects were, so far
}

func newObjectTable() *objectTable {
	t := new(objectTable)
	t.objects = newBounded(maxObjects, maxKept, func(_ codec.Ref, o *object) {
		o.clear()
		t.forgotten++
	})
	return t
}

// object returns what is remembered of r.
func (p *peer) object(r codec.Ref) *object {
	t := p.objects
	t.mu.Lock()
	defer t.mu.Unlock()
	o, ok := t.objects.get(r)
	if !ok {
		o = &object{peer: p, ref: r, vals: make(map[string]*cachedValue)}
		o.deletions.Store(t.forgotten << forgottenShift)
		t.objects.put(r, o, objectSize+refSize(r))
	}
	o.used.Store(time.Now().UnixNano())
	return o
}

// forgottenShift keeps what an object counted before it was forgotten from looking
// like what it counts since.
const forgottenShift = 32

// objectSize is how much memory an object takes of which nothing is remembered, in
// bytes.
const objectSize = 1 << 9

// usedPeriod is how often the table hears that an object is used.
const usedPeriod = time.Second

// live returns the object itself, or where the table has forgotten it meanwhile what
// is remembered of the same one since.
func (o *object) live() *object {
	if !o.gone.Load() && time.Now().UnixNano()-o.used.Load() < int64(usedPeriod) {
		return o
	}
	return o.peer.object(o.ref)
}

// update changes what is remembered, with the mutex held, and makes room for it.
func (o *object) update(change func(o *object)) {
	o = o.live()
	o.mu.Lock()
	for o.gone.Load() {
		o.mu.Unlock()
		o = o.live()
		o.mu.Lock()
	}
	change(o)
	size := o.memSize()
	o.mu.Unlock()
	t := o.peer.objects
	t.mu.Lock()
	defer t.mu.Unlock()
	t.objects.resize(o.ref, size)
}

// memSize is about how much memory the object takes, in bytes. The mutex must be
// held.
func (o *object) memSize() int {
	return objectSize + refSize(o.ref) + o.size.vals + o.size.learnt + o.desc.memory() + o.names.memory() + o.keys.memory()
}

// clear forgets everything, for good.
func (o *object) clear() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.gone.Store(true)
	o.forgetListings()
	o.vals, o.learntAttrs, o.learntKeys = nil, nil, nil
}

// all returns the objects that are remembered, those used longest ago first.
func (t *objectTable) all() []*object {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.objects.all()
}

// sweep drops values that are too old to be used.
func (t *objectTable) sweep(now time.Time) {
	for _, o := range t.all() {
		o.sweep(now)
		o.mu.Lock()
		size := o.memSize()
		o.mu.Unlock()
		t.mu.Lock()
		t.objects.resize(o.ref, size) // in their order, which so stays
		t.mu.Unlock()
	}
}

// usage tells how many objects are remembered, and how many bytes about.
func (t *objectTable) usage() (objects, bytes int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.objects.len(), t.objects.bytes
}

// learnAttr remembers that an attribute exists, or does not.
func (o *object) learnAttr(name string, exists bool) {
	o.mu.Lock()
	known := o.learntAttrs[name]
	o.mu.Unlock()
	if known == exists {
		return
	}
	o.update(func(o *object) {
		o.learntAttrs = learn(o, o.learntAttrs, name, true, exists)
	})
}

// learnKey remembers that an item exists, or does not.
func (o *object) learnKey(key codec.Value, exists bool) {
	text := key.String()
	o.mu.Lock()
	_, known := o.learntKeys[text]
	o.mu.Unlock()
	if known == exists {
		return
	}
	o.update(func(o *object) {
		o.learntKeys = learn(o, o.learntKeys, text, key, exists)
	})
}

// learn adds what exists to the names that an object was found to have, and removes
// what does not.
func learn[V any](o *object, names map[string]V, name string, v V, exists bool) map[string]V {
	size := 2*(stringSize+len(name)) + mapEntry
	_, known := names[name]
	switch {
	case known && !exists:
		delete(names, name)
		o.size.learnt -= size
	case !known && exists && len(names) < maxLearnt:
		if names == nil {
			names = make(map[string]V)
		}
		names[name] = v
		o.size.learnt += size
	}
	return names
}

// forget forgets what the peer advertised. What was found by looking stays.
func (o *object) forget() {
	o.update((*object).forgetListings)
}
