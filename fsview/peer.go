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
)

// peer is one peer as the tree sees it.
type peer struct {
	*fsys
	alias  string // as it was named, "" where it is the only one
	addr   string // host:port, for people
	at     string // path of its directory from the mount point, "" for the root
	remote *router
	refs   *refTable // what the peer gave to this mount

	// base ends at unmount, or when the peer is taken out of the mount.
	base    context.Context
	cancel  context.CancelCauseFunc
	dropped atomic.Bool // it was taken out of the mount

	flights singleflight.Group // requests whose answer many wait for

	objects   *objectTable
	appending [appendGates]gate

	mu      sync.Mutex // guards what follows; never held during a request
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
		refs:    newRefTable(),
		objects: newObjectTable(),
	}
	for i := range p.appending {
		p.appending[i] = newGate()
	}
	p.remote = &router{Remote: named.Remote, refs: p.refs, local: local, came: p.makeRoom}
	p.base, p.cancel = context.WithCancelCause(f.tasks.base)
	return p
}

// appendGates is how many programs can append to different objects of a peer at the
// same time, at most: each object has one of so many locks.
const appendGates = 64

// appendGate is the lock of the object for programs that append: each takes what is
// there, and puts more, alone.
func (p *peer) appendGate(r codec.Ref) gate {
	return p.appending[hashOf([]byte(r.ID))%appendGates]
}

// idName returns the name of r below .nom/obj and remembers it. Two homes may
// use the same id: then the later one carries its home.
func (p *peer) idName(r codec.Ref) string {
	name := string(r.ID)
	p.idsMu.Lock()
	defer p.idsMu.Unlock()
	if other, ok := p.ids.get(name); ok && other.r != r {
		name += "@" + encodeName(homeText(r.Home), plainNames)
	}
	if _, ok := p.ids.get(name); !ok && len(name) <= maxName { // a longer one cannot be looked up
		p.ids.put(name, idOwner{p, r}, len(name)+refSize(r))
	}
	p.refs.named(r, name)
	return name
}

// byID returns what has a name below .nom/obj.
func (f *fsys) byID(name string) (idOwner, bool) {
	f.idsMu.Lock()
	defer f.idsMu.Unlock()
	return f.ids.get(name)
}

// forgetIDs forgets names below .nom/obj that lead to objects of the peer.
func (p *peer) forgetIDs(names []string) {
	p.idsMu.Lock()
	defer p.idsMu.Unlock()
	for _, name := range names {
		if o, _ := p.ids.peek(name); o.p == p {
			p.ids.remove(name)
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
