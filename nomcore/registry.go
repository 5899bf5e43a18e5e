package nomcore

import (
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"sync"

	"nomfs/codec"
)

// ErrName: a name cannot be registered.
var ErrName = errors.New("nomcore: bad name")

// registry holds the names that a Service serves and the local objects that
// peers hold references to.
//
// An object gets an id when a reference to it is first sent, and keeps it: the
// same object is the same id for every peer. Ids are random, so holding one
// proves having been given it.
type registry struct {
	newID func() codec.ID

	mu      sync.RWMutex
	names   map[string]codec.Value
	order   []string // of registration
	objects map[codec.ID]*exported
	ids     map[any]codec.ID // identity of an object -> its id
}

// exported is a local object that was given to a peer.
type exported struct {
	obj *Object
	via codec.ID // object whose operation first gave it out; "" for registered ones
}

func newRegistry() *registry {
	return &registry{
		newID:   randomID,
		names:   make(map[string]codec.Value),
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

// identity is what makes o one object: its key, or itself.
func (o *Object) identity() any {
	if o.Key != nil {
		return o.Key
	}
	return o
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
	obj, ok := v.(*Object)
	if !ok {
		return nil
	}
	for _, other := range r.names {
		if o, ok := other.(*Object); ok && o.identity() == obj.identity() {
			return nil
		}
	}
	if id, ok := r.ids[obj.identity()]; ok {
		r.revoke(id)
	}
	return nil
}

// revoke forgets an object and all that were given out by it. mu must be held.
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
		if e, ok := r.objects[id]; ok {
			delete(r.objects, id)
			delete(r.ids, e.obj.identity())
			doomed = append(doomed, children[id]...)
		}
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
// the object whose operation gives it out, "" for a registered one.
func (r *registry) export(o *Object, via codec.ID) codec.ID {
	key := o.identity()
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
	r.ids[key] = id
	r.objects[id] = &exported{obj: o, via: via}
	return id
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

// size returns how many names and objects there are.
func (r *registry) size() (names, objects int) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return len(r.names), len(r.objects)
}
