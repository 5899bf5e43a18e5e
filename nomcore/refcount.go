package nomcore

import (
	"container/heap"
	"math"
)

// refCost is about what a reference takes in the table of a peer, in bytes, for
// an original with its place in the order of use.
const refCost = 96

// drainBatch is how many objects are forgotten, or references given up, while
// the registry is locked: some 0.1 ms, so that requests need not wait.
const drainBatch = 256

// errTooManyReferences: the peer has all the references that it may have.
var errTooManyReferences = exception("MemoryError", "too many references are in use: give some back")

// errRevoked: the object was revoked while an operation on it ran.
var errRevoked = exception("ReferenceError", "the object was withdrawn meanwhile")

// refLimits bound what peers keep here.
type refLimits struct {
	original int // references of a peer that is not known to be one of ours
	ours     int // of a peer of ours
	bytes    int // that the references of one peer may keep in memory
	all      int // references of all peers
	allBytes int // that those may keep in memory
	origins  int // under which one object is known
	setBytes int // that the sets of origins may take
}

// use returns the object with an id, nil where there is none, for a peer that
// presents the id, and has a reference from now on. e is what it is exported
// as. Without a table nothing is counted.
func (r *registry) use(t *refTable, id objectID) (o *Object, e *exported) {
	r.mu.RLock()
	if o, e = r.find(id); o == nil {
		r.mu.RUnlock()
		return nil, nil
	}
	counted := t == nil
	if !counted && t.kind != refsOriginal { // the table of an original has an order
		_, counted = t.get(e)
	}
	r.mu.RUnlock()
	if counted {
		return o, e
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if o, e = r.find(id); o == nil {
		return nil, nil
	}
	// A peer that has too many may use what another one gave it all the same,
	// as long as that one keeps it.
	_ = r.count(t, e, 0)
	return o, e
}

// object returns the object with an id, nil where there is none.
func (r *registry) object(id objectID) *Object {
	r.mu.RLock()
	defer r.mu.RUnlock()
	o, _ := r.find(id)
	return o
}

// find returns what is exported under an id, unless it was revoked. mu must be
// held.
func (r *registry) find(id objectID) (*Object, *exported) {
	e := r.withID(id)
	if e == nil || !e.set.live() {
		return nil, nil
	}
	return e.obj.Load(), e
}

// withID returns what has an id, also if it was revoked. mu must be held.
func (r *registry) withID(id objectID) *exported {
	if e := r.byID[id.lo]; e != nil && e.id == id {
		return e
	}
	return nil
}

// count counts n more references to e in a table. mu must be held.
func (r *registry) count(t *refTable, e *exported, n uint32) error {
	if t == nil || t.gone {
		r.collect(e)
		return nil
	}
	if had, ok := t.get(e); ok {
		if n > 0 {
			t.put(e, had+n)
		}
		return nil
	}
	r.attach(t, e) // so that e stays when other references make room
	if err := r.makeRoom(t, e); err != nil {
		r.detach(t, e)
		return err
	}
	t.put(e, n)
	r.weigh(t, 1, refCost+int(e.cost))
	return nil
}

// attach takes note that e is in one table more. mu must be held.
func (r *registry) attach(t *refTable, e *exported) {
	e.tables++
	if t.kind == refsInside {
		return
	}
	if e.peers++; e.peers == 1 {
		r.bytes += int(e.cost)
	}
}

// detach takes note that e is in one table less, and forgets it if that was the
// last one. mu must be held.
func (r *registry) detach(t *refTable, e *exported) {
	e.tables--
	if t.kind != refsInside {
		if e.peers--; e.peers == 0 {
			r.bytes -= int(e.cost)
		}
	}
	r.collect(e)
}

// makeRoom gives up references until there is room for one to e in a table. If
// all tables together are full, the peer pays whose references keep most bytes
// in memory. An original loses those that it used least recently; a peer of
// ours is refused its own next one, and loses any for the sake of others. mu
// must be held.
func (r *registry) makeRoom(t *refTable, e *exported) error {
	bytes := refCost + int(e.cost)
	most := r.limits.original
	if t.kind == refsOurs {
		most = r.limits.ours
	}
	for t.kind != refsInside {
		payer := t
		if t.len() < most && t.bytes+bytes <= r.limits.bytes {
			if r.refs < r.limits.all && r.bytes+refCost <= r.limits.allBytes {
				break
			}
			if len(r.tables) > 0 && r.tables[0].bytes >= t.bytes+bytes {
				payer = r.tables[0]
			}
		}
		if payer.len() == 0 || payer == t && t.kind == refsOurs {
			return errTooManyReferences
		}
		r.letGo(payer, payer.first())
	}
	return nil
}

// weigh takes note that a table has n references more, which keep so many bytes
// in memory. mu must be held.
func (r *registry) weigh(t *refTable, n, bytes int) {
	if t.kind == refsInside {
		return
	}
	t.bytes += bytes
	r.refs += n
	r.bytes += n * refCost
	switch {
	case t.bytes == 0:
		heap.Remove(&r.tables, t.at)
	case t.at < 0:
		heap.Push(&r.tables, t)
	default:
		heap.Fix(&r.tables, t.at)
	}
}

// letGo gives up a reference in a table. mu must be held.
func (r *registry) letGo(t *refTable, e *exported) {
	t.remove(e)
	r.weigh(t, -1, -refCost-int(e.cost))
	r.detach(t, e)
}

// release counts references as given back. Those that were given in the
// meantime remain.
func (r *registry) release(t *refTable, id objectID, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e := r.withID(id); e != nil && n >= 0 {
		r.releaseOf(t, e, n)
	}
}

// releaseOf is release for an exported object. mu must be held.
func (r *registry) releaseOf(t *refTable, e *exported, n int) {
	had, ok := t.get(e)
	switch {
	case !ok:
	case int64(n) >= int64(had):
		r.letGo(t, e)
	default:
		t.put(e, had-uint32(n))
	}
}

// releaseAll gives up the reference to an object, however often it was given.
func (r *registry) releaseAll(t *refTable, id objectID) {
	r.release(t, id, math.MaxInt)
}

// abandon takes back references that were given and not sent after all.
func (r *registry) abandon(t *refTable, given []*exported) {
	if len(given) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range given {
		r.releaseOf(t, e, 1)
	}
}

// drop gives up all references of a peer.
func (r *registry) drop(t *refTable) { r.empty(t, false) }

// discard gives up all references of a peer, now and later.
func (r *registry) discard(t *refTable) { r.empty(t, true) }

// revive lets a table that was discarded count again.
func (r *registry) revive(t *refTable) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t.gone = false
}

func (r *registry) empty(t *refTable, gone bool) {
	r.mu.Lock()
	t.gone = t.gone || gone
	old := r.take(t)
	r.mu.Unlock()
	r.giveUp(old)
}

// take empties a table and returns what was in it as another one. mu must be
// held.
func (r *registry) take(t *refTable) (old *refTable) {
	old = &refTable{kind: t.kind, counts: t.counts, recent: t.recent, bytes: t.bytes}
	t.counts, t.recent = nil, nil
	if n := old.len(); n > 0 {
		r.weigh(t, -n, -t.bytes)
	}
	return old
}

// giveUp lets go of the objects of a table that is in nobody's hands any more.
func (r *registry) giveUp(old *refTable) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for e := range old.all() {
		r.detach(old, e)
		r.pause(&n)
	}
}

// pause lets others use the registry now and then. mu must be held, and is not
// meanwhile.
func (r *registry) pause(n *int) {
	if *n++; *n%drainBatch == 0 {
		r.mu.Unlock()
		r.mu.Lock()
	}
}

// setOurs takes note whether a peer is one of ours. One that is no more has
// lost its references: they were those of another process.
func (r *registry) setOurs(t *refTable, ours bool) {
	r.mu.Lock()
	switch {
	case ours == (t.kind == refsOurs):
		r.mu.Unlock()
	case ours:
		counts := make(map[*exported]uint32, t.len())
		for e, n := range t.all() {
			counts[e] = n
		}
		t.kind, t.counts, t.recent = refsOurs, counts, nil
		r.mu.Unlock()
	default:
		old := r.take(t)
		t.kind = refsOriginal
		r.mu.Unlock()
		r.giveUp(old)
	}
}

// references returns the number of references in a table.
func (r *registry) references(t *refTable) int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return t.len()
}
