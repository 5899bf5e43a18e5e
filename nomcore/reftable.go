package nomcore

import (
	"container/heap"
	"iter"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// refTable counts the references of one peer to our objects. A peer of ours
// gives them back, with their counts. An original never does: the references
// that it used last are kept. All fields are guarded by registry.mu.
type refTable struct {
	kind   refKind
	counts map[*exported]uint32              // of a peer of ours, and of this process
	recent *simplelru.LRU[*exported, uint32] // of an original
	bytes  int                               // that they keep in memory, see cost
	at     int                               // in refTables
	gone   bool                              // the peer is forgotten: nothing is counted any more
}

// refKind is who has the references that a table counts.
type refKind uint8

const (
	refsOriginal refKind = iota // a peer that is not known to be one of ours
	refsOurs                    // a peer of ours
	refsInside                  // this process itself, which has no limits
)

func newRefTable(kind refKind) *refTable { return &refTable{kind: kind, at: -1} }

// len returns the number of objects in the table. mu must be held.
func (t *refTable) len() int {
	if t.recent != nil {
		return t.recent.Len()
	}
	return len(t.counts)
}

// get returns the count of an object, which is the most recently used one then.
// mu must be held, for writing if the table is that of an original.
func (t *refTable) get(e *exported) (count uint32, ok bool) {
	if t.kind == refsOriginal {
		if t.recent == nil {
			return 0, false
		}
		return t.recent.Get(e)
	}
	count, ok = t.counts[e]
	return count, ok
}

// put sets the count of an object. mu must be held.
func (t *refTable) put(e *exported, count uint32) {
	switch {
	case t.kind != refsOriginal:
		if t.counts == nil {
			t.counts = make(map[*exported]uint32)
		}
		t.counts[e] = count
		return
	case t.recent == nil:
		// It never drops anything by itself: the limits of the registry are
		// below.
		t.recent, _ = simplelru.NewLRU[*exported, uint32](maxRefs, nil)
	}
	t.recent.Add(e, count)
}

// remove removes an object. mu must be held.
func (t *refTable) remove(e *exported) {
	if t.recent != nil {
		t.recent.Remove(e)
		return
	}
	delete(t.counts, e)
}

// first returns the object that is forgotten first: of an original the least
// recently used one, else any. The table must not be empty. mu must be held.
func (t *refTable) first() *exported {
	if t.recent != nil {
		e, _, _ := t.recent.GetOldest()
		return e
	}
	for e := range t.counts {
		return e
	}
	return nil
}

// all returns the objects and their counts, the most recently used last. mu
// must be held.
func (t *refTable) all() iter.Seq2[*exported, uint32] {
	return func(yield func(*exported, uint32) bool) {
		if t.recent == nil {
			for e, n := range t.counts {
				if !yield(e, n) {
					return
				}
			}
			return
		}
		for _, e := range t.recent.Keys() {
			if n, _ := t.recent.Peek(e); !yield(e, n) {
				return
			}
		}
	}
}

// refTables is a heap of the tables of all peers that have references, the one
// that keeps most bytes in memory first.
type refTables []*refTable

var _ heap.Interface = (*refTables)(nil)

func (h refTables) Len() int           { return len(h) }
func (h refTables) Less(i, j int) bool { return h[i].bytes > h[j].bytes }

func (h refTables) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].at, h[j].at = i, j
}

func (h *refTables) Push(x any) {
	t := x.(*refTable)
	t.at = len(*h)
	*h = append(*h, t)
}

func (h *refTables) Pop() any {
	last := len(*h) - 1
	t := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	t.at = -1
	return t
}
