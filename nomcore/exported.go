package nomcore

import (
	"reflect"
	"sync/atomic"
)

// exported is a local object that peers have references to. It gets an id when
// a reference to it is first sent, and keeps it while any peer has one or while
// it is registered: the same object is the same id for every peer. All fields
// but id and obj are guarded by registry.mu.
type exported struct {
	id  objectID
	obj atomic.Pointer[Object] // nil once it is revoked

	set        *originSet // under which it was reached, nil for no name
	next, prev *exported  // with the same set

	tables  int32 // in how many tables it is
	peers   int32 // how many of them are those of peers
	cost    int32 // bytes that it keeps in memory, about
	named   bool  // it is registered
	scoped  bool  // it is a scope, see registry.scopes
	revoked bool
}

const (
	// exportedCost is about what an exported object keeps in memory, in bytes:
	// its entries in the registry and an Object, with a method bound to its
	// receiver. What else it leads to is not known here.
	exportedCost = 320
	// maxKeyDepth bounds how deep a key is searched for text.
	maxKeyDepth = 4
)

// identityOf is what makes o one object: its key, or itself.
func identityOf(o *Object) any {
	if o.Key != nil && reflect.ValueOf(o.Key).Comparable() {
		return o.Key
	}
	return o
}

// costOf estimates the bytes that o keeps in memory. A key may hold text that a
// client chose.
func costOf(o *Object) int32 {
	return int32(exportedCost + textIn(reflect.ValueOf(o.Key), maxKeyDepth))
}

// textIn returns the bytes of the text in a key.
func textIn(v reflect.Value, depth int) (n int) {
	switch {
	case depth == 0:
	case v.Kind() == reflect.String:
		return v.Len()
	case v.Kind() == reflect.Interface:
		return textIn(v.Elem(), depth-1)
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			n += textIn(v.Field(i), depth-1)
		}
	}
	return n
}

// source is what a reference comes from: a name that a client resolved, or an
// object whose operation gave it out. The zero source is neither: a callback
// that this process passes on.
type source struct {
	name *registration
	via  *exported
}

// give returns the exported object for o and counts a reference to it in t. The
// error is errRevoked or errTooManyReferences; no reference is counted then. A
// reference that was not sent after all must be abandoned.
func (r *registry) give(t *refTable, o *Object, from source) (*exported, error) {
	key := identityOf(o)
	r.mu.Lock()
	defer r.mu.Unlock()
	set, ok := r.reached(from)
	if !ok {
		return nil, errRevoked
	}
	defer r.freeSet(set) // if no object has taken it
	e := r.byIdentity[key]
	if e != nil && !e.set.live() {
		r.forget(e)
		e = nil
	}
	if e == nil {
		e = r.export(key, o, set)
	} else if e.set != set && r.mayJoin(e.set, set) {
		r.moveTo(e, r.union(e.set, set))
	}
	if o.Scope && !e.scoped {
		e.scoped = true
		r.scopeOf(key).e = e
	}
	if err := r.count(t, e, 1); err != nil {
		r.collect(e)
		return nil, err
	}
	return e, nil
}

// export makes an object known that was reached under some origins. mu must be
// held.
func (r *registry) export(key any, o *Object, set *originSet) *exported {
	e := &exported{id: r.newID()}
	for r.byID[e.id.lo] != nil {
		e.id = r.newID()
	}
	e.obj.Store(o)
	if root := r.roots[key]; root != nil {
		e.named = true
		set = r.union(r.setOf([]*origin{root}), set)
	} else { // what is registered is in memory in any case
		e.cost = costOf(o)
	}
	r.byID[e.id.lo] = e
	r.byIdentity[key] = e
	r.moveTo(e, set)
	return e
}

// reached returns the set of what comes from a source; ok is false if that was
// revoked. mu must be held.
func (r *registry) reached(from source) (s *originSet, ok bool) {
	via := from.via
	switch {
	case from.name != nil && from.name.root.ended:
		return nil, false
	case from.name != nil:
		return r.setOf([]*origin{from.name.root}), true
	case via == nil:
		return nil, true
	case via.revoked:
		return nil, false
	}
	// The object may have been given back meanwhile.
	live := via.set.origins()
	if via.set != nil && len(live) == 0 {
		return nil, false
	}
	if !via.scoped {
		return r.inUse(via.set), true
	}
	o := via.obj.Load()
	if o == nil {
		return nil, false // nobody could revoke what it gives out
	}
	return r.setOf(r.through(r.scopeOf(identityOf(o)), live)), true
}

// moveTo gives an object another set of origins. mu must be held.
func (r *registry) moveTo(e *exported, s *originSet) {
	before := e.set
	if before == s {
		return
	}
	if before != nil {
		before.leave(e)
	}
	if e.set = s; s != nil {
		s.enter(e)
	}
	r.freeSet(before)
}

// collect forgets an object that nobody has a reference to and that has no
// name. mu must be held.
func (r *registry) collect(e *exported) {
	switch {
	case e.tables > 0 || r.byID[e.id.lo] != e:
	case e.revoked:
		delete(r.byID, e.id.lo)
	case !e.named:
		r.forget(e)
	}
}

// forget removes an object. Tables that have a reference to it keep an entry
// that leads nowhere until the peer gives it back. Operations on it that run
// can give nothing out any more. mu must be held.
func (r *registry) forget(e *exported) {
	if e.revoked {
		return
	}
	key := identityOf(e.obj.Load())
	e.revoked = e.tables > 0 || !e.set.live()
	e.obj.Store(nil)
	if r.byIdentity[key] == e {
		delete(r.byIdentity, key)
	}
	if e.tables == 0 {
		delete(r.byID, e.id.lo)
	}
	if e.set != nil {
		e.set.leave(e)
		r.freeSet(e.set)
	}
	if e.scoped {
		sc := r.scopeOf(key)
		sc.e = nil
		r.dropScope(sc)
	}
}
