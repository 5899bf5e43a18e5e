package nomcore

import (
	"container/list"
	"hash/maphash"
	"net/netip"
	"sync"
)

// duplicates remembers the requests of the last two seconds that came outside a
// session, and their answers, so that a datagram that arrives twice runs once:
// while it runs the copy is dropped, afterwards it gets the same answer. The key
// is the whole datagram, transaction number included, and its source.
//
// A program that is started again sends the bytes of its predecessor, from the
// same port, and means them. It sends SYNC first, and then its requests in order:
// the original numbers them one by one. So a request that was answered before
// the last SYNC of its address runs again if the number before its own is that
// SYNC's, or that of a request that came after the SYNC. Anybody can forge a
// SYNC, but the copy of a request does not follow it in that order.
type duplicates struct {
	seed maphash.Seed

	mu      sync.Mutex
	clients map[netip.AddrPort]*dupClient
	done    *list.List // of *duplicate with an answer, oldest first
	count   int        // of all
	bytes   int        // of all answers
}

// dupClient is the part of one address.
type dupClient struct {
	byKey  map[dupKey]*duplicate
	order  *list.List // of *duplicate, oldest first
	syncs  uint64     // counts its SYNCs
	newest int64      // xid of the last SYNC, or of the last request that followed it in order
}

// dupKey identifies a datagram: a keyed hash and the length.
type dupKey struct {
	hash uint64
	size int
}

// duplicate is one request.
type duplicate struct {
	addr   netip.AddrPort
	key    dupKey
	at     int64  // when it was answered, see Service.now
	syncs  uint64 // of the client when it came
	done   bool
	answer []byte

	inDone, inOwn *list.Element // its places; inOwn is nil once it is dropped
}

func newDuplicates() *duplicates {
	return &duplicates{seed: maphash.MakeSeed(), clients: make(map[netip.AddrPort]*dupClient), done: list.New()}
}

// dupVerdict says what to do with a request.
type dupVerdict uint8

const (
	dupRun     dupVerdict = iota // new: run it
	dupRunning                   // a copy of one that is running
	dupReplay                    // a copy of one that has run: send the answer
)

// begin looks a request up and, if it is new, enters it.
func (d *duplicates) begin(addr netip.AddrPort, xid int64, datagram []byte, now int64) (dupVerdict, *duplicate, []byte) {
	key := dupKey{maphash.Bytes(d.seed, datagram), len(datagram)}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.expire(now)
	c := d.client(addr)
	follows := xid == c.newest+1
	if follows {
		c.newest = xid
	}
	if e := c.byKey[key]; e != nil {
		switch {
		case !e.done:
			return dupRunning, nil, nil
		case e.syncs == c.syncs || !follows:
			return dupReplay, nil, e.answer
		}
		d.remove(e)
		c = d.client(addr)
	}
	if c.order.Len() >= maxDupsClient {
		d.remove(c.oldest())
		c = d.client(addr)
	}
	for d.count >= maxDups && d.done.Len() > 0 {
		d.remove(d.done.Front().Value.(*duplicate))
		c = d.client(addr)
	}
	e := &duplicate{addr: addr, key: key, at: now, syncs: c.syncs}
	e.inOwn = c.order.PushBack(e)
	c.byKey[key] = e
	d.count++
	return dupRun, e, nil
}

// client returns the part of an address. mu must be held.
func (d *duplicates) client(addr netip.AddrPort) *dupClient {
	c := d.clients[addr]
	if c == nil {
		c = &dupClient{byKey: make(map[dupKey]*duplicate), order: list.New(), newest: -1}
		d.clients[addr] = c
	}
	return c
}

// sync notes a SYNC of an address of which requests are known.
func (d *duplicates) sync(addr netip.AddrPort, xid int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if c := d.clients[addr]; c != nil {
		c.syncs++
		c.newest = xid
	}
}

// finish keeps the answer of a request that has run. The window starts anew: the
// copies that matter are those that follow the answer.
func (d *duplicates) finish(e *duplicate, answer []byte, now int64) {
	if e == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if e.inOwn == nil { // it was dropped meanwhile
		return
	}
	e.done, e.answer, e.at = true, answer, now
	e.inDone = d.done.PushBack(e)
	d.bytes += len(e.answer)
	for d.bytes > maxDupBytes {
		d.remove(d.done.Front().Value.(*duplicate))
	}
}

// cancel forgets a request that was not run after all.
func (d *duplicates) cancel(e *duplicate) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if e != nil && e.inOwn != nil {
		d.remove(e)
	}
}

// oldest returns the entry to give up when there are too many: the oldest that
// has run, or else the oldest.
func (c *dupClient) oldest() *duplicate {
	for el := c.order.Front(); el != nil; el = el.Next() {
		if e := el.Value.(*duplicate); e.done {
			return e
		}
	}
	return c.order.Front().Value.(*duplicate)
}

// sweep drops what is too old while no request comes that would do it.
func (d *duplicates) sweep(now int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.expire(now)
}

// expire drops finished requests older than the window. Running ones stay. mu
// must be held.
func (d *duplicates) expire(now int64) {
	for el := d.done.Front(); el != nil; el = d.done.Front() {
		e := el.Value.(*duplicate)
		if now-e.at < int64(dupWindow) {
			return
		}
		d.remove(e)
	}
}

// remove drops one entry. mu must be held.
func (d *duplicates) remove(e *duplicate) {
	if e.inDone != nil {
		d.done.Remove(e.inDone)
	}
	c := d.clients[e.addr]
	c.order.Remove(e.inOwn)
	delete(c.byKey, e.key)
	if len(c.byKey) == 0 {
		delete(d.clients, e.addr)
	}
	d.count--
	d.bytes -= len(e.answer)
	e.inDone, e.inOwn, e.answer = nil, nil, nil
}
