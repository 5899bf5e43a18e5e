package nomcore

// origin is a reason why peers may use an object: a registered object, under
// whatever names, through which they reached it. A scope on the way makes an
// origin of its own, which ends with either. All fields are guarded by
// registry.mu.
//
//	host registered as "host"                 origin  host
//	a process that was reached through it     origin  host
//	app registered as "app", with a scope db  origin  app
//	db                                        origin  app
//	a table that was reached through db       origin  app/db
type origin struct {
	serial uint64 // of creation, which orders the origins in a set

	// Of a registered object.
	names []*registration

	// Of a scope.
	parent *origin // under which the scope was reached, nil for no name
	scope  *scope

	ended  bool               // or pruned
	parts  map[*scope]*origin // origins whose parent this is
	single *originSet         // the set of this origin alone, nil while nobody needs it
	sets   map[*originSet]struct{}
}

// scope is an object that can be revoked with everything that was reached
// through it, see Object.Scope. It is kept while it is exported, or while
// anything that was reached through it is. All fields are guarded by
// registry.mu.
type scope struct {
	key   any // identity of the object
	e     *exported
	parts map[*origin]*origin // by parent
}

// within reports whether the scope lies on the way to o.
func (o *origin) within(sc *scope) bool {
	for ; o != nil; o = o.parent {
		if o.scope == sc {
			return true
		}
	}
	return false
}

// root returns the registered object that the origin begins with, nil for a
// scope that was reached under no name.
func (o *origin) root() *origin {
	for o.parent != nil {
		o = o.parent
	}
	if o.scope != nil {
		return nil
	}
	return o
}

// newOrigin makes an origin. mu must be held.
func (r *registry) newOrigin(parent *origin, sc *scope) *origin {
	r.serial++
	return &origin{serial: r.serial, parent: parent, scope: sc}
}

// part returns the origin of what is reached through a scope that was reached
// under parent. mu must be held.
func (r *registry) part(parent *origin, sc *scope) *origin {
	if parent.within(sc) {
		return parent // a way that turns in a circle
	}
	if o := sc.parts[parent]; o != nil {
		return o
	}
	o := r.newOrigin(parent, sc)
	if sc.parts == nil {
		sc.parts = make(map[*origin]*origin)
	}
	sc.parts[parent] = o
	if parent != nil {
		if parent.parts == nil {
			parent.parts = make(map[*scope]*origin)
		}
		parent.parts[sc] = o
	}
	return o
}

// through returns the origins of what is reached through a scope that was
// reached under some origins, under no name for none. mu must be held.
func (r *registry) through(sc *scope, parents []*origin) (list []*origin) {
	if len(parents) == 0 {
		return []*origin{r.part(nil, sc)}
	}
	for _, parent := range parents {
		list = append(list, r.part(parent, sc))
	}
	sortOrigins(list)
	return list
}

// scopeOf returns the scope of an object. mu must be held.
func (r *registry) scopeOf(key any) *scope {
	sc := r.scopes[key]
	if sc == nil {
		sc = &scope{key: key}
		r.scopes[key] = sc
	}
	return sc
}

// end ends an origin with all its parts. It returns the sets that have no
// origin left: what has them is revoked from now on, and must be forgotten, see
// registry.forgetAll. mu must be held.
func (r *registry) end(o *origin, bare []*originSet) []*originSet {
	if o.ended {
		return bare
	}
	o.ended = true
	r.version++
	ended := func(s *originSet) {
		if s.alive--; s.alive == 0 {
			bare = append(bare, s)
		}
	}
	if o.single != nil {
		ended(o.single)
	}
	for s := range o.sets {
		ended(s)
	}
	for _, part := range o.parts {
		bare = r.end(part, bare)
	}
	if o.scope != nil {
		r.cut(o)
		r.prune(o.parent)
	}
	return bare
}

// cut removes the origin of a scope from its parent and its scope. mu must be
// held.
func (r *registry) cut(o *origin) {
	delete(o.scope.parts, o.parent)
	if o.parent != nil {
		delete(o.parent.parts, o.scope)
	}
	r.dropScope(o.scope)
}

// dropScope forgets a scope that nothing needs any more. mu must be held.
func (r *registry) dropScope(sc *scope) {
	if sc.e == nil && len(sc.parts) == 0 && r.scopes[sc.key] == sc {
		delete(r.scopes, sc.key)
	}
}

// prune removes the origins of scopes that no set needs any more, from o
// upwards. They have ended for operations that still run on what was given back:
// nobody could revoke what those give out. mu must be held.
func (r *registry) prune(o *origin) {
	for o != nil && o.scope != nil && o.single == nil && len(o.sets) == 0 && len(o.parts) == 0 {
		if !o.ended {
			o.ended = true
			r.cut(o)
		}
		o = o.parent
	}
}
