//go:build linux

package fsview

import (
	"context"
	"maps"
	"sort"
	"sync"
	"sync/atomic"
	"time"

	"nomfs/codec"
)

const (
	// rootsAge is how long the table of registered objects serves to decide
	// which reference is a link to the root.
	rootsAge = 10 * time.Second
	// fetchWorkers is how many requests of one listing are under way at once.
	fetchWorkers = 16
	// maxObjects and maxIDs bound what is remembered of objects: caches that
	// are rebuilt when they are missed.
	maxObjects = 8192
	maxIDs     = 65536
	// objectIdle is how long an object that nobody uses stays remembered.
	objectIdle = time.Minute
)

// peer is one peer as the tree sees it.
type peer struct {
	*fsys
	remote Remote

	// writes counts what this mount did that may have changed values: what
	// was fetched before is not used again.
	writes atomic.Uint64

	mu      sync.Mutex // guards what follows; never held during a request
	objects map[codec.Ref]*object
	ids     map[string]codec.Ref // directory names below .nom/obj
	roots   *rootTable
	rootsIn chan struct{} // closed when the fetch of roots under way ends
}

// A rootTable is what is registered, as of one moment.
type rootTable struct {
	at    time.Time
	names []string // sorted
	vals  map[string]codec.Value
	errs  map[string]error
	byRef map[codec.Ref]string // the first name of each object
	err   error                // why there are no names
}

// changed says that something was written or called: nothing fetched before
// is fresh any more.
func (p *peer) changed() { p.writes.Add(1) }

// object returns what is remembered of r.
func (p *peer) object(r codec.Ref) *object {
	p.mu.Lock()
	defer p.mu.Unlock()
	o := p.objects[r]
	if o == nil {
		o = &object{peer: p, ref: r, vals: make(map[string]*cachedValue)}
		p.objects[r] = o
	}
	o.used.Store(time.Now().UnixNano())
	return o
}

// sweep forgets objects that nobody used for a while, and values that are too
// old to be used.
func (p *peer) sweep(now time.Time) {
	p.mu.Lock()
	var all []*object
	for r, o := range p.objects {
		idle := now.UnixNano() - o.used.Load()
		if idle > int64(objectIdle) && len(p.objects) > maxObjects {
			delete(p.objects, r)
			continue
		}
		all = append(all, o)
	}
	if len(p.ids) > maxIDs {
		clear(p.ids) // links made again record theirs again
	}
	p.mu.Unlock()
	for _, o := range all {
		o.sweep(now)
	}
}

// idName returns the name of r below .nom/obj and remembers it. Two homes may
// use the same id: then the later one carries its home.
func (p *peer) idName(r codec.Ref) string {
	name := string(r.ID)
	p.mu.Lock()
	defer p.mu.Unlock()
	if other, ok := p.ids[name]; ok && other != r {
		name += "@" + encodeName(homeText(r.Home), plainNames)
	}
	p.ids[name] = r
	return name
}

// byID returns the reference that has a name below .nom/obj.
func (p *peer) byID(name string) (codec.Ref, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r, ok := p.ids[name]
	return r, ok
}

func homeText(h codec.Home) string {
	if host, port, ok := h.Addr(); ok {
		return host + ":" + itoa(port)
	}
	return string(h)
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
	if t := p.roots; t != nil && t.vals[name] != v {
		// Others read the table without a lock: it is replaced, not changed.
		next := *t
		next.vals, next.byRef = maps.Clone(t.vals), maps.Clone(t.byRef)
		if old, ok := t.vals[name].(codec.Ref); ok && t.byRef[old] == name {
			delete(next.byRef, old)
		}
		next.vals[name] = v
		if _, taken := next.byRef[r]; !taken {
			next.byRef[r] = name
		}
		p.roots = &next
	}
	return v, nil
}

// rootsNow returns the registered names and values, at most maxAge old. Many
// callers share one fetch, and nobody waits longer than its own context.
func (p *peer) rootsNow(ctx context.Context, maxAge time.Duration) *rootTable {
	p.mu.Lock()
	t := p.roots
	if t != nil && time.Since(t.at) < maxAge {
		p.mu.Unlock()
		return t
	}
	wait := p.refreshRoots()
	p.mu.Unlock()
	select {
	case <-ctx.Done():
		return &rootTable{err: causeOf(ctx, ctx.Err())}
	case <-wait:
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.roots
}

// refreshRoots has the table fetched, unless somebody does already, and
// returns what is closed when it is there. The mutex must be held.
func (p *peer) refreshRoots() chan struct{} {
	if p.rootsIn == nil {
		p.rootsIn = make(chan struct{})
		p.wg.Add(1)
		go p.fetchRoots(p.rootsIn)
	}
	return p.rootsIn
}

func (p *peer) fetchRoots(done chan struct{}) {
	defer p.wg.Done()
	ctx, cancel := context.WithTimeout(p.base, p.timeout)
	defer cancel()
	t := &rootTable{vals: make(map[string]codec.Value), errs: make(map[string]error), byRef: make(map[codec.Ref]string)}
	t.names, t.err = p.remote.List(ctx)
	t.names = append([]string(nil), t.names...)
	sort.Strings(t.names)
	var mu sync.Mutex
	parallel(len(t.names), func(i int) {
		v, err := p.remote.Resolve(ctx, t.names[i])
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			t.errs[t.names[i]] = err
			return
		}
		t.vals[t.names[i]] = v
	})
	for _, name := range t.names {
		if r, ok := t.vals[name].(codec.Ref); ok {
			if _, taken := t.byRef[r]; !taken && len(encodeName(name, plainNames)) <= maxName {
				t.byRef[r] = name
			}
		}
	}
	t.at = time.Now()
	p.mu.Lock()
	if t.err != nil && p.roots != nil && len(p.roots.byRef) > 0 {
		t.byRef = p.roots.byRef // a peer that is away has not lost its names
	}
	p.roots = t
	p.rootsIn = nil
	p.mu.Unlock()
	close(done)
}

// rootName returns the name under which r is registered, if it is. It only
// decides where a link points, so an old table will do while a new one is
// fetched, and nobody waits long for the first.
func (p *peer) rootName(ctx context.Context, r codec.Ref) (string, bool) {
	p.mu.Lock()
	t := p.roots
	if t != nil && time.Since(t.at) > rootsAge {
		p.refreshRoots()
	}
	p.mu.Unlock()
	if t == nil {
		ctx, cancel := context.WithTimeout(ctx, fresh)
		defer cancel()
		t = p.rootsNow(ctx, rootsAge)
	}
	name, ok := t.byRef[r]
	return name, ok
}

// parallel runs f(0) to f(n-1), a bounded number at a time, and waits.
func parallel(n int, f func(i int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(n, fetchWorkers) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				f(i)
			}
		}()
	}
	wg.Wait()
}
