package fsview

import "github.com/hashicorp/golang-lru/v2/simplelru"

// A bounded table holds at most so many entries and bytes: when it is full, the
// entries that were used longest ago go. Its owner has a lock for it.
type bounded[K comparable, V any] struct {
	lru      *simplelru.LRU[K, sized[V]]
	bytes    int
	maxBytes int
}

// sized is an entry, and how many bytes it counts for.
type sized[V any] struct {
	v    V
	size int
}

// newBounded makes a table. dropped, which may be nil, hears of each entry that goes,
// but not of one that is replaced.
func newBounded[K comparable, V any](maxEntries, maxBytes int, dropped func(K, V)) *bounded[K, V] {
	b := &bounded[K, V]{maxBytes: maxBytes}
	lru, err := simplelru.NewLRU(maxEntries, func(k K, e sized[V]) {
		b.bytes -= e.size
		if dropped != nil {
			dropped(k, e.v)
		}
	})
	if err != nil {
		panic(err) // maxEntries is a constant above 0
	}
	b.lru = lru
	return b
}

// put adds an entry, or replaces it.
func (b *bounded[K, V]) put(k K, v V, size int) {
	if old, ok := b.lru.Peek(k); ok {
		b.bytes -= old.size
	}
	b.bytes += size
	b.lru.Add(k, sized[V]{v, size})
	b.fit()
}

// resize says that the entry k counts for another number of bytes now.
func (b *bounded[K, V]) resize(k K, size int) {
	if e, ok := b.lru.Peek(k); ok {
		b.put(k, e.v, size)
	}
}

// fit makes room. The newest entry stays if it is too large by itself: who put it
// there needs it now.
func (b *bounded[K, V]) fit() {
	for b.bytes > b.maxBytes && b.lru.Len() > 1 {
		b.lru.RemoveOldest()
	}
}

// get returns an entry and counts as using it.
func (b *bounded[K, V]) get(k K) (v V, ok bool) {
	e, ok := b.lru.Get(k)
	return e.v, ok
}

// peek returns an entry and does not count as using it.
func (b *bounded[K, V]) peek(k K) (v V, ok bool) {
	e, ok := b.lru.Peek(k)
	return e.v, ok
}

func (b *bounded[K, V]) remove(k K) { b.lru.Remove(k) }

func (b *bounded[K, V]) len() int { return b.lru.Len() }

// all returns the entries, those used longest ago first.
func (b *bounded[K, V]) all() []V {
	entries := b.lru.Values()
	list := make([]V, len(entries))
	for i, e := range entries {
		list[i] = e.v
	}
	return list
}
