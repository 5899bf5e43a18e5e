//go:build linux

package fsview

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/singleflight"

	"nomfs/codec"
)

const (
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
	alias  string // as it was named, "" where it is the only one
	addr   string // host:port, for people
	at     string // path of its directory from the mount point, "" for the root
	remote *router
	refs   refTable // what the peer gave to this mount

	// base ends at unmount, or when the peer is taken out of the mount.
	base    context.Context
	cancel  context.CancelCauseFunc
	dropped atomic.Bool // it was taken out of the mount

	flights singleflight.Group // requests whose answer many wait for

	mu      sync.Mutex // guards what follows; never held during a request
	objects map[codec.Ref]*object
	roots   *rootTable
	noRoots bool     // the peer does not tell what its names are
	looked  struct { // up last, of what is registered
		name string
		at   time.Time
	}
}

// newPeer makes a peer of a mount.
func newPeer(f *fsys, named Peer, at string, local Local) *peer {
	p := &peer{
		fsys: f, alias: named.Alias, addr: named.Addr, at: at,
		refs:    refTable{refs: make(map[codec.Ref]*refUse)},
		objects: make(map[codec.Ref]*object),
	}
	p.remote = &router{named.Remote, &p.refs, local}
	p.base, p.cancel = context.WithCancelCause(f.tasks.base)
	return p
}

// object returns what is remembered of r.
func (p *peer) object(r codec.Ref) *object {
	p.mu.Lock()
	defer p.mu.Unlock()
	o := p.objects[r]
	if o == nil {
		o = &object{peer: p, ref: r, vals: make(map[string]*cachedValue), appending: newGate()}
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
	p.mu.Unlock()
	for _, o := range all {
		o.sweep(now)
	}
}

// idName returns the name of r below .nom/obj and remembers it. Two homes may
// use the same id: then the later one carries its home.
func (p *peer) idName(r codec.Ref) string {
	name := string(r.ID)
	p.idsMu.Lock()
	defer p.idsMu.Unlock()
	if other, ok := p.ids[name]; ok && other.r != r {
		name += "@" + encodeName(homeText(r.Home), plainNames)
	}
	if len(p.ids) > maxIDs {
		clear(p.ids) // links made again record theirs again
	}
	if p.ids[name].p == nil {
		p.ids[name] = idOwner{p, r}
	}
	p.refs.named(r, name)
	return name
}

// byID returns what has a name below .nom/obj.
func (f *fsys) byID(name string) (idOwner, bool) {
	f.idsMu.Lock()
	defer f.idsMu.Unlock()
	o, ok := f.ids[name]
	return o, ok
}

// forgetIDs forgets names below .nom/obj that lead to objects of the peer.
func (p *peer) forgetIDs(names []string) {
	p.idsMu.Lock()
	defer p.idsMu.Unlock()
	for _, name := range names {
		if p.ids[name].p == p {
			delete(p.ids, name)
		}
	}
}

func homeText(h codec.Home) string {
	if host, port, ok := h.Addr(); ok {
		return host + ":" + itoa(port)
	}
	return string(h)
}

// parallel runs f(0) to f(n-1), a bounded number at a time, and waits.
func parallel(n int, f func(i int)) {
	var g errgroup.Group
	g.SetLimit(fetchWorkers)
	for i := range n {
		g.Go(func() error {
			f(i)
			return nil
		})
	}
	_ = g.Wait() // f has no error
}
