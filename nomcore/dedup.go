package nomcore

import (
	"container/list"
	"hash/maphash"
	"net/netip"
	"sync"
	"time"
)

// dedup remembers the requests of the last two seconds and their answers, so
// that a datagram that arrives twice runs once: while it runs the copy is
// dropped, afterwards it gets the same answer. The key is the whole datagram,
// transaction number included, and its source.
type dedup struct {
	seed maphash.Seed

	mu      sync.Mutex
	clients map[netip.AddrPort]*dedupClient
	done    *list.List // of *dedupEntry with an answer, oldest first
	bytes   int        // of all answers
	syncs   map[netip.AddrPort]seenSync
}

// dedupClient is the part of one address.
type dedupClient struct {
	entries map[dedupKey]*dedupEntry
	order   *list.List // of *dedupEntry, oldest first
}

// seenSync is the last SYNC of an address.
type seenSync struct {
	key dedupKey
	at  time.Time
}

// dedupKey identifies a datagram: a keyed hash and the length.
type dedupKey struct {
	hash uint64
	size int
}

// dedupEntry is one request.
type dedupEntry struct {
	addr   netip.AddrPort
	key    dedupKey
	at     time.Time
	done   bool
	answer []byte

	inDone, inOwn *list.Element // its places; inOwn is nil once it is dropped
}

// dedupToken names an entry to finish; zero where the request is not kept.
type dedupToken struct{ e *dedupEntry }

func newDedup() *dedup {
	return &dedup{
		seed:    maphash.MakeSeed(),
		clients: make(map[netip.AddrPort]*dedupClient),
		done:    list.New(),
		syncs:   make(map[netip.AddrPort]seenSync),
	}
}

// dedupVerdict says what to do with a request.
type dedupVerdict uint8

const (
	dedupRun    dedupVerdict = iota // new: run it
	dedupDrop                       // a copy of one that is running
	dedupReplay                     // a copy of one that has run: send the answer
)

// begin looks a request up and, if it is new, enters it.
func (d *dedup) begin(addr netip.AddrPort, datagram []byte) (dedupVerdict, []byte, dedupToken) {
	key := dedupKey{maphash.Bytes(d.seed, datagram), len(datagram)}
	now := time.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.expire(now)
	c := d.clients[addr]
	if c == nil {
		c = &dedupClient{entries: make(map[dedupKey]*dedupEntry), order: list.New()}
		d.clients[addr] = c
	}
	if e := c.entries[key]; e != nil {
		if !e.done {
			return dedupDrop, nil, dedupToken{}
		}
		return dedupReplay, e.answer, dedupToken{}
	}
	for c.order.Len() >= dedupPerClient {
		d.remove(c.oldest())
	}
	e := &dedupEntry{addr: addr, key: key, at: now}
	e.inOwn = c.order.PushBack(e)
	c.entries[key] = e
	d.clients[addr] = c // remove may have dropped an emptied client
	return dedupRun, nil, dedupToken{e}
}

// finish enters the answer of a request that has run, and keeps it. The window starts anew:
// the copies that matter are those that follow the answer.
func (d *dedup) finish(t dedupToken, answer []byte) {
	if t.e == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	e := t.e
	if e.inOwn == nil { // it was dropped in the meantime
		return
	}
	e.done = true
	e.at = time.Now()
	e.inDone = d.done.PushBack(e)
	e.answer = answer
	d.bytes += len(e.answer)
	for d.bytes > dedupBytes {
		d.remove(d.done.Front().Value.(*dedupEntry))
	}
}

// cancel forgets a request that was not run after all.
func (d *dedup) cancel(t dedupToken) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if t.e != nil && t.e.inOwn != nil {
		d.remove(t.e)
	}
}

// oldest returns the entry to give up when there are too many: the oldest that
// has run, or else the oldest.
func (c *dedupClient) oldest() *dedupEntry {
	for el := c.order.Front(); el != nil; el = el.Next() {
		if e := el.Value.(*dedupEntry); e.done {
			return e
		}
	}
	return c.order.Front().Value.(*dedupEntry)
}

// copyOfSync reports whether a SYNC is a copy that the network made, which means
// nothing, and not sent anew. Only time can tell the two apart.
func (d *dedup) copyOfSync(addr netip.AddrPort, datagram []byte) bool {
	now := time.Now()
	key := dedupKey{maphash.Bytes(d.seed, datagram), len(datagram)}
	d.mu.Lock()
	defer d.mu.Unlock()
	last, ok := d.syncs[addr]
	if ok && last.key == key && now.Sub(last.at) < syncCopyWindow {
		return true
	}
	if len(d.syncs) >= maxPeers {
		clear(d.syncs)
	}
	d.syncs[addr] = seenSync{key, now}
	return false
}

// forget drops what is known of an address, as SYNC asks for: the client
// starts afresh, and may send the same bytes again and mean it.
func (d *dedup) forget(addr netip.AddrPort) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if c := d.clients[addr]; c != nil {
		for c.order.Len() > 0 {
			d.remove(c.order.Front().Value.(*dedupEntry))
		}
	}
}

// sweep drops what is too old while no request comes that would do it.
func (d *dedup) sweep(now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.expire(now)
}

// expire drops finished requests older than the window. Running ones stay. mu
// must be held.
func (d *dedup) expire(now time.Time) {
	for el := d.done.Front(); el != nil; el = d.done.Front() {
		e := el.Value.(*dedupEntry)
		if now.Sub(e.at) < dedupWindow {
			return
		}
		d.remove(e)
	}
}

// remove drops one entry. mu must be held.
func (d *dedup) remove(e *dedupEntry) {
	if e.inDone != nil {
		d.done.Remove(e.inDone)
	}
	c := d.clients[e.addr]
	c.order.Remove(e.inOwn)
	delete(c.entries, e.key)
	if len(c.entries) == 0 {
		delete(d.clients, e.addr)
	}
	d.bytes -= len(e.answer)
	e.inDone, e.inOwn, e.answer = nil, nil, nil
}
