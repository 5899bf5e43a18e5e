//go:build linux

package fsview

import (
	"sync"
	"sync/atomic"
	"time"

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
	remote *countedRemote
	refs   refTable // what the peer gave to this mount

	// writes counts what this mount did that may have changed values: what
	// was fetched before is not used again.
	writes atomic.Uint64

	mu      sync.Mutex // guards what follows; never held during a request
	objects map[codec.Ref]*object
	ids     map[string]codec.Ref // directory names below .nom/obj
	roots   *rootTable
	rootsIn chan struct{} // closed when the fetch of roots under way ends
	noRoots bool          // the peer does not tell what its names are
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
	p.refs.named(r, name)
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
