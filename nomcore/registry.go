package nomcore

import (
	"container/list"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"sync"

	"nomfs/codec"
)

// ErrName: a name cannot be registered.
var ErrName = errors.New("bad name")

// registry holds the names that a Service serves and the local objects that
// peers hold references to.
//
// An object gets an id when a reference to it is first sent, and keeps it while
// anybody holds it: the same object is the same id for every peer. Ids are
// random, so presenting one proves having got it from somebody who had it.
// Registered objects are kept while they are registered, others while a holder
// has them.
type registry struct {
	newID func() codec.ID

	mu      sync.RWMutex
	names   map[string]codec.Value
	order   []string    // of registration
	named   map[any]int // identity of an object -> under how many names
	objects map[codec.ID]*exported
	ids     map[any]codec.ID // identity of an object -> its id
}

// exported is a local object that was given to a peer.
type exported struct {
	id      codec.ID
	obj     *Object
	via     codec.ID // object whose operation first gave it out; "" for registered ones
	holders int
}

// holder is what one peer holds of our objects. Its fields are guarded by
// registry.mu.
type holder struct {
	limit int  // of references; the least recently used is forgotten
	gone  bool // the peer is forgotten: it holds nothing any more
	refs  map[codec.ID]*held
	order *list.List // of *held, least recently used first
}

// held is one object held by one peer.
type held struct {
	e     *exported
	count int // how often it was given; 0 for one that it got elsewhere
	place *list.Element
}

// given is a reference that is about to be sent.
type given struct {
	id  codec.ID
	obj *Object
}

func (r *registry) newTable(limit int) *refTable { return newHolder(limit) }

// refTable is the table of one client.
type refTable = holder

func newHolder(limit int) *holder {
	return &holder{limit: limit, refs: make(map[codec.ID]*held), order: list.New()}
}

func newRegistry() *registry {
	return &registry{
		newID:   randomID,
		names:   make(map[string]codec.Value),
		named:   make(map[any]int),
		objects: make(map[codec.ID]*exported),
		ids:     make(map[any]codec.ID),
	}
}

// idBytes is the size of an object id: 128 bits cannot be guessed.
const idBytes = 16

// randomID returns a new object id.
func randomID() codec.ID {
	var b [idBytes]byte
	rand.Read(b[:]) // never fails, see crypto/rand
	return codec.ID(new(big.Int).SetBytes(b[:]).String())
}

// register binds name to v.
func (r *registry) register(name string, v codec.Value) error {
	if name == "" {
		return fmt.Errorf("%w: it is empty", ErrName)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, taken := r.names[name]; taken {
		return fmt.Errorf("%w: %q is registered already", ErrName, name)
	}
	r.names[name] = v
	r.order = append(r.order, name)
	if o, ok := v.(*Object); ok {
		r.named[o.Identity()]++
	}
	return nil
}

// unregister removes name. Unless the object is registered under another name
// too, every reference that was given out for it, or by it, is revoked.
func (r *registry) unregister(name string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	v, ok := r.names[name]
	if !ok {
		return fmt.Errorf("%w: %q is not registered", ErrName, name)
	}
	delete(r.names, name)
	r.order = slices.DeleteFunc(r.order, func(n string) bool { return n == name })
	o, ok := v.(*Object)
	if !ok {
		return nil
	}
	key := o.Identity()
	if r.named[key]--; r.named[key] > 0 {
		return nil
	}
	delete(r.named, key)
	if id, ok := r.ids[key]; ok {
		r.revoke(id)
	}
	return nil
}

// revokeObject forgets an object without a name, whoever holds it, and if whole
// all that were given out by it.
func (r *registry) revokeObject(o *Object, whole bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := o.Identity()
	id, ok := r.ids[key]
	switch {
	case !ok:
	case whole:
		r.revoke(id)
	case r.named[key] == 0:
		r.forget(r.objects[id])
	}
}

// revoke forgets an object and all that were given out by it, whoever holds
// them, except what has a name of its own. mu must be held.
func (r *registry) revoke(id codec.ID) {
	children := make(map[codec.ID][]codec.ID, len(r.objects))
	for child, e := range r.objects {
		if e.via != "" {
			children[e.via] = append(children[e.via], child)
		}
	}
	doomed := []codec.ID{id}
	for len(doomed) > 0 {
		id := doomed[len(doomed)-1]
		doomed = doomed[:len(doomed)-1]
		if e, ok := r.objects[id]; ok && r.named[e.obj.Identity()] == 0 {
			r.forget(e)
			doomed = append(doomed, children[id]...)
		}
	}
}

// forget removes an object. Holders keep an entry that leads nowhere. mu must
// be held.
func (r *registry) forget(e *exported) {
	delete(r.objects, e.id)
	if key := e.obj.Identity(); r.ids[key] == e.id {
		delete(r.ids, key)
	}
}

// lookup returns the value registered under name.
func (r *registry) lookup(name string) (codec.Value, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	v, ok := r.names[name]
	return v, ok
}

// list returns the registered names in the order of registration.
func (r *registry) list() []string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return slices.Clone(r.order)
}

// export returns the id of an object, a new one when it has none yet. via is
// the object whose operation gives it out, "" for a registered one. Until it
// is held nothing keeps it: hold or abandon must follow.
func (r *registry) export(o *Object, via codec.ID) codec.ID {
	key := o.Identity()
	r.mu.RLock()
	id, ok := r.ids[key]
	r.mu.RUnlock()
	if ok {
		return id
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if id, ok := r.ids[key]; ok {
		return id
	}
	id = r.newID()
	r.enter(id, o, via)
	return id
}

// enter makes an object known under an id. mu must be held.
func (r *registry) enter(id codec.ID, o *Object, via codec.ID) *exported {
	e := &exported{id: id, obj: o, via: via}
	r.ids[o.Identity()] = id
	r.objects[id] = e
	return e
}

// hold counts references as given to a peer, once for each.
func (r *registry) hold(h *holder, gs []given, via codec.ID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, g := range gs {
		e := r.objects[g.id]
		if e == nil { // its last holder let go of it a moment ago
			e = r.enter(g.id, g.obj, via)
		}
		if h.gone {
			r.collect(e)
			continue
		}
		r.held(h, e).count++
	}
}

// held returns the entry of an object with a holder, as the most recently used.
// mu must be held.
func (r *registry) held(h *holder, e *exported) *held {
	if x := h.refs[e.id]; x != nil {
		h.order.MoveToBack(x.place)
		if x.e != e { // the id was given again after it had been revoked
			x.e, x.count = e, 0
			e.holders++
		}
		return x
	}
	for len(h.refs) >= h.limit {
		r.letGo(h, h.order.Front().Value.(*held))
	}
	x := &held{e: e}
	x.place = h.order.PushBack(x)
	h.refs[e.id] = x
	e.holders++
	return x
}

// letGo takes an object from a holder. mu must be held.
func (r *registry) letGo(h *holder, x *held) {
	h.order.Remove(x.place)
	delete(h.refs, x.e.id)
	x.e.holders--
	r.collect(x.e)
}

// collect forgets an object that nobody holds and that has no name. mu must be
// held.
func (r *registry) collect(e *exported) {
	if e.holders <= 0 && r.named[e.obj.Identity()] == 0 && r.objects[e.id] == e {
		r.forget(e)
	}
}

// abandon takes back references that were not sent after all.
func (r *registry) abandon(gs []given) {
	if len(gs) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, g := range gs {
		if e := r.objects[g.id]; e != nil {
			r.collect(e)
		}
	}
}

// use returns the object with that id, nil where there is none, for a peer that
// presents it, and that holds it from now on.
func (r *registry) use(h *holder, id codec.ID) *Object {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.objects[id]
	if e == nil {
		return nil
	}
	if !h.gone {
		r.held(h, e)
	}
	return e.obj
}

// object returns the object with that id, nil where there is none.
func (r *registry) object(id codec.ID) *Object {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if e := r.objects[id]; e != nil {
		return e.obj
	}
	return nil
}

// release counts references as given back. Those that were given in the
// meantime remain.
func (r *registry) release(h *holder, id codec.ID, count int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	x := h.refs[id]
	if x == nil {
		return
	}
	if x.count -= count; x.count <= 0 {
		r.letGo(h, x)
	}
}

// letGoAll takes an object from a holder, however often it was given.
func (r *registry) letGoAll(h *holder, id codec.ID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if x := h.refs[id]; x != nil {
		r.letGo(h, x)
	}
}

// drop takes everything from a holder.
func (r *registry) drop(h *holder) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for h.order.Len() > 0 {
		r.letGo(h, h.order.Front().Value.(*held))
	}
}

// discard takes everything from a holder, now and later.
func (r *registry) discard(h *holder) {
	r.mu.Lock()
	h.gone = true
	r.mu.Unlock()
	r.drop(h)
}

// revive lets a holder that was discarded hold again.
func (r *registry) revive(h *holder) {
	r.mu.Lock()
	defer r.mu.Unlock()
	h.gone = false
}

// setLimit changes how many references a holder may have.
func (r *registry) setLimit(h *holder, limit int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	h.limit = limit
}

// size returns how many names and objects there are.
func (r *registry) size() (names, objects int) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return len(r.names), len(r.objects)
}

// heldBy returns how many objects a peer holds.
func (r *registry) heldBy(h *holder) int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return len(h.refs)
}
