//go:build linux

package fsview

import (
	"context"
	"maps"
	"slices"
	"sync"
	"syscall"
	"time"

	"nomfs/codec"
)

const (
	// rootsAge is how long the table of registered objects serves to decide
	// which reference is a link to the root.
	rootsAge = 10 * time.Second
	// rootsRetry is how long a table that could not be fetched serves.
	rootsRetry = time.Second
)

// A rootTable is what is registered, as of one moment. It is never changed, but
// replaced.
type rootTable struct {
	at    time.Time              // zero where only some names are known
	names []string               // sorted
	vals  map[string]codec.Value // references, and plainRoot for all others
	// failed are names that could not be resolved; true where there is no such name.
	failed map[string]bool
	byRef  map[codec.Ref]string // the first name of each object
	cut    error                // that names are missing (codec.ErrPartial), nil if none
	err    error                // why there are no names
}

// plainRoot stands for what is registered and is no object. Its value is asked for
// when it is read.
var plainRoot = codec.None{}

// stale tells whether the table should be fetched anew before it decides
// anything.
func (t *rootTable) stale() bool {
	age := rootsAge
	if t.err != nil {
		age = rootsRetry
	}
	return time.Since(t.at) > age
}

// index fills byRef.
func (t *rootTable) index() {
	for _, name := range t.names {
		if r, ok := t.vals[name].(codec.Ref); ok {
			if _, taken := t.byRef[r]; !taken && len(encodeName(name, plainNames)) <= maxName {
				t.byRef[r] = name
			}
		}
	}
}

// resolve returns what is registered under name and keeps it for the table.
func (p *peer) resolve(ctx context.Context, name string) (codec.Value, error) {
	v, err := p.remote.Resolve(ctx, name)
	if err != nil {
		return nil, causeOf(ctx, err)
	}
	r, ok := v.(codec.Ref)
	if !ok {
		return v, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.roots
	if t == nil {
		t = &rootTable{vals: make(map[string]codec.Value), byRef: make(map[codec.Ref]string)}
	}
	if old, known := t.vals[name]; old != v && (known || len(t.vals) < maxLearnt) {
		next := *t
		next.vals, next.byRef = maps.Clone(t.vals), maps.Clone(t.byRef)
		if old, ok := t.vals[name].(codec.Ref); ok && t.byRef[old] == name {
			delete(next.byRef, old)
		}
		next.vals[name] = v
		if _, taken := next.byRef[r]; !taken && len(encodeName(name, plainNames)) <= maxName {
			next.byRef[r] = name
		}
		p.roots = &next
	}
	return v, nil
}

// root returns what is registered under name: from the table where it is
// maxAge, and with the table where there is none yet, so that whoever walks into
// the tree learns in one request what is a link to the root. Who asks for a
// second name soon after the first asks for all of them, one by one.
func (p *peer) root(ctx context.Context, name string) (codec.Value, error) {
	now := time.Now()
	p.mu.Lock()
	t, tells := p.roots, !p.noRoots
	known := t != nil && now.Sub(t.at) < maxAge
	goesOn := name != p.looked.name && now.Sub(p.looked.at) < maxAge
	p.looked.name, p.looked.at = name, now
	p.mu.Unlock()
	switch {
	case !tells || known:
	case t == nil || t.stale():
		t = p.rootsNow(ctx, rootsRetry, false)
	case goesOn:
		t = p.rootsNow(ctx, maxAge, false)
	}
	if t != nil && time.Since(t.at) < maxAge {
		if r, ok := t.vals[name].(codec.Ref); ok {
			return r, nil
		}
	}
	return p.resolve(ctx, name)
}

// rootsNow returns the registered names and their values, at most as old as age.
// Many callers share one fetch, and nobody waits longer than its own context.
//
// A peer that does not tell what its names are is asked for each of them only
// with list, for a listing. Without, the result is what happens to be known,
// nil for nothing.
func (p *peer) rootsNow(ctx context.Context, age time.Duration, list bool) *rootTable {
	p.mu.Lock()
	t, tells := p.roots, !p.noRoots
	p.mu.Unlock()
	if t != nil && time.Since(t.at) < age || !tells && !list {
		return t
	}
	t, err := share(ctx, p.tasks, &p.flights, rootsFlight(list), func() (*rootTable, error) { return p.fetchRoots(list), nil })
	if err != nil {
		return &rootTable{err: err}
	}
	return t
}

// refreshRoots has the table fetched, and waits for nothing.
func (p *peer) refreshRoots() {
	startShared(p.tasks, &p.flights, rootsFlight(false), func() (*rootTable, error) { return p.fetchRoots(false), nil })
}

// rootsFlight is the key of a fetch of the table: for a listing there is more to
// ask of some peers.
func rootsFlight(list bool) string {
	if list {
		return "roots for a listing"
	}
	return "roots"
}

// fetchRoots asks for the table and keeps it. Its result is rootsNow's.
func (p *peer) fetchRoots(list bool) *rootTable {
	ctx, cancel := context.WithTimeout(p.base, p.timeout())
	defer cancel()
	t := &rootTable{vals: make(map[string]codec.Value), failed: make(map[string]bool), byRef: make(map[codec.Ref]string)}
	names, refs, err := p.remote.Roots(ctx)
	silent := unsupported(err)
	if silent && !list {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.noRoots = true
		return p.roots
	}
	for name, r := range refs {
		t.vals[name] = r
	}
	if silent {
		names, err = p.remote.List(ctx)
	}
	t.names, t.cut = slices.Clone(names), truncation(err)
	if t.cut == nil {
		t.err = err
	}
	slices.Sort(t.names)
	if silent {
		p.resolveNames(ctx, t, t.names)
	}
	t.index()
	t.at = time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if t.err != nil && p.roots != nil && len(p.roots.byRef) > 0 {
		t.byRef = p.roots.byRef // a peer that is away has not lost its names
	}
	p.roots, p.noRoots = t, silent
	return t
}

// resolveNames asks for what is registered under each name.
func (p *peer) resolveNames(ctx context.Context, t *rootTable, names []string) {
	var mu sync.Mutex
	parallel(len(names), func(i int) {
		v, err := p.remote.Resolve(ctx, names[i])
		mu.Lock()
		defer mu.Unlock()
		switch _, isRef := v.(codec.Ref); {
		case err != nil:
			t.failed[names[i]] = isMissing(err)
		case isRef:
			t.vals[names[i]] = v
		default:
			t.vals[names[i]] = plainRoot
		}
	})
}

// rootsListed returns a table in which every name has its value: those that did
// not come with the names, plain values above all, are asked for.
func (p *peer) rootsListed(ctx context.Context) *rootTable {
	t := p.rootsNow(ctx, maxAge, true)
	if t == nil {
		return &rootTable{err: syscall.EPROTO} // it changed its mind all the time
	}
	var missing []string
	for _, name := range t.names {
		if _, failed := t.failed[name]; t.vals[name] == nil && !failed {
			missing = append(missing, name)
		}
	}
	if t.err != nil || len(missing) == 0 {
		return t
	}
	full := *t
	full.vals, full.failed = maps.Clone(t.vals), maps.Clone(t.failed)
	p.resolveNames(ctx, &full, missing)
	return &full
}

// rootsChanged says that the table is wrong.
func (p *peer) rootsChanged() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.roots != nil {
		next := *p.roots
		next.at = time.Time{}
		p.roots = &next
	}
}

// rootName returns the name under which r is registered with the peer, if it is.
// It only decides where a link points, so an old table will do while a new one
// is fetched, and nobody waits long for the first. A peer that does not tell
// what its names are is not asked: there the names count that were looked up or
// listed.
func (p *peer) rootName(ctx context.Context, r codec.Ref) (string, bool) {
	p.mu.Lock()
	t, tells := p.roots, !p.noRoots
	wait := tells && (t == nil || t.at.IsZero())
	if tells && !wait && t.stale() {
		p.refreshRoots()
	}
	p.mu.Unlock()
	if wait {
		ctx, cancel := context.WithTimeout(ctx, maxAge)
		defer cancel()
		if got := p.rootsNow(ctx, rootsAge, false); got != nil && got.err == nil || t == nil {
			t = got
		}
	}
	if t == nil {
		return "", false
	}
	name, ok := t.byRef[r]
	return name, ok
}

// rootPath returns the path from the mount point under which r is registered, if
// it is: with the peer, as an object of this process, or with another peer of
// the mount as far as is known.
func (p *peer) rootPath(ctx context.Context, r codec.Ref) (string, bool) {
	if name, ok := p.rootName(ctx, r); ok {
		return joinPath(p.at, encodeName(name, plainNames)), true
	}
	for _, other := range p.everyone() {
		if other == p || other.dropped.Load() {
			continue
		}
		var name string
		var ok bool
		if other == p.local {
			name, ok = other.rootName(ctx, r)
		} else {
			name, ok = other.knownRoot(r)
		}
		if ok {
			return joinPath(other.at, encodeName(name, plainNames)), true
		}
	}
	return "", false
}

// knownRoot is rootName from memory.
func (p *peer) knownRoot(r codec.Ref) (string, bool) {
	p.mu.Lock()
	t := p.roots
	p.mu.Unlock()
	if t == nil {
		return "", false
	}
	name, ok := t.byRef[r]
	return name, ok
}
