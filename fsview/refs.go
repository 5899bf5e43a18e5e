//go:build linux

package fsview

import (
	"cmp"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"nomfs/codec"
)

const (
	// refIdle is how long a reference that no node of the tree stands for is
	// kept: until whoever just got it has made up its mind.
	refIdle = 5 * time.Second
	// resultRefTime is how long an object that a call returned is kept: its
	// path is text now, in a shell's variable perhaps.
	resultRefTime = 10 * time.Minute
)

// A refTable knows the references that the peer gave to this mount, and what
// uses them: what nobody uses is given back.
type refTable struct {
	mu    sync.Mutex
	refs  map[codec.Ref]*refUse
	bytes int // about, of all of them
	// maxLen and maxBytes are how many there may be before the oldest are given back.
	maxLen, maxBytes int
}

func newRefTable() *refTable {
	return &refTable{refs: make(map[codec.Ref]*refUse), maxLen: maxRefs, maxBytes: maxRefBytes}
}

// A refUse is what is known of one reference.
type refUse struct {
	count int    // nodes and operations
	until int64  // unix time in nanoseconds: not given back before
	id    string // its name below .nom/obj, "" where it has none
}

func (t *refTable) use(r codec.Ref) *refUse {
	u := t.refs[r]
	if u == nil {
		u = new(refUse)
		t.refs[r] = u
		t.bytes += refUseSize + refSize(r)
	}
	return u
}

// refUseSize is how much memory a reference takes besides its own, in bytes.
const refUseSize = mapEntry + 6*wordSize

// remove takes r out. The mutex must be held.
func (t *refTable) remove(r codec.Ref) {
	delete(t.refs, r)
	t.bytes -= refUseSize + refSize(r)
}

// isFull tells whether the oldest references should be given back.
func (t *refTable) isFull() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.refs) > t.maxLen || t.bytes > t.maxBytes
}

func (u *refUse) keep(d time.Duration) { u.until = max(u.until, time.Now().Add(d).UnixNano()) }

// keep keeps r for some time in any case.
func (t *refTable) keep(r codec.Ref, d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.use(r).keep(d)
}

// retain keeps r until drop.
func (t *refTable) retain(r codec.Ref) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.use(r).count++
}

func (t *refTable) drop(r codec.Ref) {
	t.mu.Lock()
	defer t.mu.Unlock()
	u := t.use(r)
	u.count--
	u.keep(refIdle)
}

// named notes the name of r below .nom/obj.
func (t *refTable) named(r codec.Ref, id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	u := t.use(r)
	u.id = id
	u.keep(refIdle)
}

// got notes the references in a value that the peer sent.
func (t *refTable) got(v codec.Value) {
	switch v := v.(type) {
	case codec.Ref:
		t.keep(v, refIdle)
	case codec.List:
		t.gotAll(v)
	case codec.Tuple:
		t.gotAll(v)
	case codec.Set:
		t.gotAll(v)
	case *codec.Map:
		for _, p := range v.Pairs() {
			t.got(p.Value)
		}
	case codec.Exception:
		t.gotAll(v.Args)
	}
}

func (t *refTable) gotAll(vs []codec.Value) {
	for _, v := range vs {
		t.got(v)
	}
}

// unused takes out what nothing uses and returns it, with the names that it had
// below .nom/obj. References for which keep returns true are retained.
func (t *refTable) unused(now time.Time, keep func(codec.Ref) bool) (refs []codec.Ref, ids []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for r, u := range t.refs {
		if u.count > 0 || u.until > now.UnixNano() || keep(r) {
			continue
		}
		t.remove(r)
		refs = append(refs, r)
		if u.id != "" {
			ids = append(ids, u.id)
		}
	}
	return refs, ids
}

// inUse counts the references that nodes or operations keep.
func (t *refTable) inUse() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for _, u := range t.refs {
		if u.count > 0 {
			n++
		}
	}
	return n
}

// all takes out everything.
func (t *refTable) all() []codec.Ref {
	t.mu.Lock()
	defer t.mu.Unlock()
	refs := make([]codec.Ref, 0, len(t.refs))
	for r := range t.refs {
		refs = append(refs, r)
	}
	clear(t.refs)
	t.bytes = 0
	return refs
}

// oldest takes out what nothing uses, the oldest first, until a quarter of the table
// is free, and returns it as unused does. Where too much is in use, the table may
// grow by a sixteenth before the next try.
func (t *refTable) oldest(keep func(codec.Ref) bool) (refs []codec.Ref, ids []string) {
	const part = 16
	t.mu.Lock()
	defer t.mu.Unlock()
	type idleRef struct {
		r     codec.Ref
		id    string
		until int64
	}
	var idle []idleRef
	for r, u := range t.refs {
		if u.count == 0 && !keep(r) {
			idle = append(idle, idleRef{r, u.id, u.until})
		}
	}
	slices.SortFunc(idle, func(a, b idleRef) int { return cmp.Compare(a.until, b.until) })
	for _, i := range idle {
		if len(t.refs) <= maxRefs/4*3 && t.bytes <= maxRefBytes/4*3 {
			break
		}
		if i.id != "" {
			ids = append(ids, i.id)
		}
		t.remove(i.r)
		refs = append(refs, i.r)
	}
	t.maxLen = max(maxRefs, len(t.refs)+maxRefs/part)
	t.maxBytes = max(maxRefBytes, t.bytes+maxRefBytes/part)
	return refs, ids
}

// giveBack returns to the peer what nothing in the mount uses.
func (p *peer) giveBack(now time.Time) { p.release(p.refs.unused(now, p.isRegistered())) }

// makeRoom returns to the peer what was used longest ago, where there are too many
// references.
func (p *peer) makeRoom() {
	if p.refs.isFull() {
		p.release(p.refs.oldest(p.isRegistered()))
	}
}

// release returns references to the peer, and forgets the names that they had below
// .nom/obj.
func (p *peer) release(refs []codec.Ref, ids []string) {
	if len(refs) > 0 {
		p.forgetIDs(ids)
		p.remote.Release(refs...)
	}
}

// isRegistered returns what tells whether an object is known to be registered.
func (p *peer) isRegistered() func(codec.Ref) bool {
	p.mu.Lock()
	t := p.roots
	p.mu.Unlock()
	return func(r codec.Ref) bool {
		if t == nil {
			return false
		}
		_, registered := t.byRef[r]
		return registered
	}
}

// A lease retains the reference that a node of the tree stands for.
type lease struct {
	t   *refTable
	ref atomic.Pointer[codec.Ref]
}

// newLease returns the lease of a node. It ends when the kernel forgets the node,
// or when nobody knows the node any more: of two lookups at the same time the
// node of one is thrown away.
func newLease[T any](p *peer, node *T) *lease {
	h := &lease{t: p.refs}
	runtime.AddCleanup(node, func(h *lease) { h.end() }, h)
	return h
}

// set retains r instead of the reference before it.
func (h *lease) set(r codec.Ref) {
	h.t.retain(r)
	if old := h.ref.Swap(&r); old != nil {
		h.t.drop(*old)
	}
}

// end drops the reference.
func (h *lease) end() {
	if old := h.ref.Swap(nil); old != nil {
		h.t.drop(*old)
	}
}
