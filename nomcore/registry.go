package nomcore

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"nomfs/codec"
)

// ErrName: a name cannot be registered.
var ErrName = errors.New("bad name")

// registry holds the names that a Service serves, and counts the references
// that peers have to local objects.
//
// An object is exported when a reference to it is first sent, and while any
// table has a reference to it or it is registered. It is revoked with the last
// of the registered names under which peers reached it, whatever lay between
// and whatever they gave back, see origin.
//
// No method holds mu for longer than it takes to look at some 256 objects, and
// none looks at more objects than it changes; list and end are the exceptions,
// they look at all names, and at all sets that an origin is in.
type registry struct {
	newID  func() objectID
	limits refLimits

	mu      sync.RWMutex
	names   map[string]*registration
	order   []*registration // of registration; nil where one was removed
	gaps    int             // how many are nil
	version uint64          // counts the changes of names and the ends of origins

	// By the lower half of the id, which is random enough to tell all apart,
	// with those that were revoked and are not given back yet.
	byID       map[uint64]*exported
	byIdentity map[any]*exported
	roots      map[any]*origin       // of registered objects, by identity
	scopes     map[any]*scope        // by identity
	sets       map[string]*originSet // of more than one origin, see setKey
	serial     uint64                // of the newest origin
	setBytes   int                   // that sets take, see originCost

	tables refTables
	refs   int // of all peers
	bytes  int // that those keep in memory, about
}

// registration is a registered name. All fields are guarded by registry.mu but
// name and value, which do not change.
type registration struct {
	name  string
	value codec.Value
	at    int // in registry.order

	root   *origin // of the object, or of what is in a plain value
	rootAt int     // in root.names
}

func newRegistry() *registry {
	return &registry{
		newID: randomObjectID,
		limits: refLimits{
			original: maxOriginalRefs, ours: maxPeerRefs, bytes: maxPeerRefBytes,
			all: maxRefs, allBytes: maxRefBytes,
			origins: maxOrigins, setBytes: maxOriginBytes,
		},
		names:      make(map[string]*registration),
		byID:       make(map[uint64]*exported),
		byIdentity: make(map[any]*exported),
		roots:      make(map[any]*origin),
		scopes:     make(map[any]*scope),
		sets:       make(map[string]*originSet),
	}
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
	reg := &registration{name: name, value: v, at: len(r.order)}
	r.names[name] = reg
	r.order = append(r.order, reg)
	r.version++
	reg.root = r.rootOf(v)
	reg.rootAt = len(reg.root.names)
	reg.root.names = append(reg.root.names, reg)
	return nil
}

// rootOf returns the origin of what is registered: for an object that has a name
// already the one that it has. mu must be held.
func (r *registry) rootOf(v codec.Value) *origin {
	o, ok := v.(*Object)
	if !ok {
		return r.newOrigin(nil, nil)
	}
	key := identityOf(o)
	root := r.roots[key]
	if root != nil {
		return root
	}
	root = r.newOrigin(nil, nil)
	r.roots[key] = root
	if e := r.byIdentity[key]; e != nil && e.set.live() {
		e.named = true
		r.moveTo(e, r.union(e.set, r.setOf([]*origin{root})))
	}
	return root
}

// unregister removes name. If the object has no other one, it is revoked, and
// what was reached through it, where no other registered object leads to it.
func (r *registry) unregister(name string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	reg, ok := r.names[name]
	if !ok {
		return fmt.Errorf("%w: %q is not registered", ErrName, name)
	}
	delete(r.names, name)
	r.order[reg.at] = nil
	if r.gaps++; r.gaps > len(r.order)/2 {
		r.closeGaps()
	}
	r.version++
	root := reg.root
	last := len(root.names) - 1
	root.names[reg.rootAt] = root.names[last]
	root.names[reg.rootAt].rootAt = reg.rootAt
	root.names[last] = nil
	if root.names = root.names[:last]; last > 0 {
		return nil
	}
	bare := r.end(root, nil)
	if o, ok := reg.value.(*Object); ok {
		key := identityOf(o)
		delete(r.roots, key)
		if e := r.byIdentity[key]; e != nil && e.named {
			e.named = false
			r.collect(e)
		}
	}
	r.forgetAll(bare)
	return nil
}

// revoke revokes an object, unless it is registered, and, if it is a scope, all
// that was reached through it.
func (r *registry) revoke(o *Object) {
	key := identityOf(o)
	r.mu.Lock()
	defer r.mu.Unlock()
	var bare []*originSet
	if sc := r.scopes[key]; sc != nil {
		for _, part := range sc.parts {
			bare = r.end(part, bare)
		}
	}
	if e := r.byIdentity[key]; e != nil && !e.named {
		r.forget(e)
	}
	r.forgetAll(bare)
}

// forgetAll forgets what has a set without an origin, some at a time: nobody
// can use it meanwhile. mu must be held.
func (r *registry) forgetAll(bare []*originSet) {
	n := 0
	for _, s := range bare {
		for s.first != nil {
			r.forget(s.first)
			r.pause(&n)
		}
	}
}

// lookup returns what is registered under name, nil for nothing.
func (r *registry) lookup(name string) *registration {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.names[name]
}

// list returns the registered names in the order of registration.
func (r *registry) list() []string {
	all, _ := r.page(0, -1)
	names := make([]string, len(all))
	for i, reg := range all {
		names[i] = reg.name
	}
	return names
}

// page returns up to most names, all for a negative number, in the order of
// registration, from the one with the number from on, and whether more follow.
// Its cost is that of the page.
func (r *registry) page(from, most int) (regs []*registration, more bool) {
	r.mu.RLock()
	for r.gaps > 0 {
		r.mu.RUnlock()
		r.mu.Lock()
		r.closeGaps()
		r.mu.Unlock()
		r.mu.RLock()
	}
	defer r.mu.RUnlock()
	from = min(from, len(r.order))
	end := len(r.order)
	if most >= 0 {
		end = min(end, from+most)
	}
	return slices.Clone(r.order[from:end]), end < len(r.order)
}

// closeGaps removes the places of names that were removed. mu must be held.
func (r *registry) closeGaps() {
	if r.gaps == 0 {
		return
	}
	r.order = slices.DeleteFunc(r.order, func(reg *registration) bool { return reg == nil })
	for i, reg := range r.order {
		reg.at = i
	}
	r.gaps = 0
}

// size returns how many names and objects there are.
func (r *registry) size() (names, objects int) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return len(r.names), len(r.byIdentity)
}
