package nomcore

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"hash/maphash"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"nomfs/codec"
	"nomfs/nomcore/wire"
)

// sources bound what is read of addresses that are not validated, before it is
// parsed. There is no entry for an address, which could be forged: addresses
// share a fixed number of token buckets, by a hash that nobody else can compute.
type sources struct {
	seed    maphash.Seed
	buckets [sourceSlots]rate.Limiter
	large   rate.Limiter
	guests  rate.Limiter
	hellos  rate.Limiter
}

// sourceVerdict says what to do with a datagram of an unvalidated address.
type sourceVerdict uint8

const (
	sourceServe     sourceVerdict = iota
	sourceChallenge               // serve it, and ask the address to validate itself
	sourceDrop                    // it has sent too much
)

func (t *sources) init() {
	t.seed = maphash.MakeSeed()
	for i := range t.buckets {
		fill(&t.buckets[i], sourceRate, sourceBurst)
	}
	fill(&t.large, largeRate, largeRate)
	fill(&t.guests, guestRate, guestRate)
	fill(&t.hellos, helloRate, helloRate)
}

// fill makes a token bucket that is full at the time 0 of Service.now.
func fill(bucket *rate.Limiter, limit rate.Limit, burst int) {
	var longAgo time.Time
	bucket.SetBurstAt(longAgo, burst)
	bucket.SetLimitAt(longAgo, limit)
}

// take takes a datagram of n bytes from what an address may send.
func (t *sources) take(addr netip.AddrPort, n int, now int64) sourceVerdict {
	at := time.Unix(0, now)
	if n > largeAbove && !t.large.AllowN(at, n) {
		return sourceDrop
	}
	if !t.guests.AllowN(at, 1) {
		return sourceDrop
	}
	bucket := &t.buckets[maphash.Comparable(t.seed, addr)%sourceSlots]
	switch {
	case !bucket.AllowN(at, 1+n/sourceUnit):
		return sourceDrop
	case bucket.TokensAt(at) < challengeBelow:
		return sourceChallenge
	}
	return sourceServe
}

// takeHello reports whether a SYNC of a peer of ours may be answered.
func (t *sources) takeHello(now int64) bool { return t.hellos.AllowN(time.Unix(0, now), 1) }

// cookies make and check the cookies by which addresses are validated. They keep
// nothing of an address. A cookie opens one session: it is of no use any more
// once a session of its address was forgotten after it was made, or a copy of
// the SYNC that opened that session would open it again, and copies of its
// requests would run twice.
type cookies struct {
	key    [sha256.Size]byte
	seed   maphash.Seed
	forgot [sourceSlots]atomic.Int64 // when a session was forgotten early, by a hash of the address
}

// The parts of a cookie, in bytes: what the client sent, the time, and a keyed
// hash of these and of the address.
const (
	cookieTimeAt = 2
	cookieHashAt = 8
	cookieGrain  = time.Microsecond // of the time, which is a number of 48 bits
)

func (c *cookies) init() {
	rand.Read(c.key[:])
	c.seed = maphash.MakeSeed()
}

// make returns the cookie for an address whose SYNC has that nonce.
func (c *cookies) make(nonce wire.SessionID, addr netip.AddrPort, now int64) (cookie wire.SessionID) {
	binary.BigEndian.PutUint64(cookie[:], uint64(now/int64(cookieGrain)))
	copy(cookie[:cookieTimeAt], nonce[:])
	c.hash(&cookie, addr)
	return cookie
}

// valid reports whether a nonce is a cookie that was made for an address lately.
func (c *cookies) valid(nonce wire.SessionID, addr netip.AddrPort, now int64) bool {
	const timeBits = 8 * (cookieHashAt - cookieTimeAt)
	made := int64(binary.BigEndian.Uint64(nonce[:])&(1<<timeBits-1)) * int64(cookieGrain)
	forgot := c.forgot[maphash.Comparable(c.seed, addr)%sourceSlots].Load()
	if made > now || now-made > int64(cookieTime) || forgot != 0 && made <= forgot {
		return false
	}
	want := nonce
	c.hash(&want, addr)
	return hmac.Equal(want[:], nonce[:])
}

// forget makes the cookies of an address worthless that were made until now.
func (c *cookies) forget(addr netip.AddrPort, now int64) {
	c.forgot[maphash.Comparable(c.seed, addr)%sourceSlots].Store(now)
}

// hash writes the keyed hash of a cookie.
func (c *cookies) hash(cookie *wire.SessionID, addr netip.AddrPort) {
	ip := addr.Addr().As16()
	b := append(make([]byte, 0, 64), ip[:]...)
	b = binary.BigEndian.AppendUint16(b, addr.Port())
	b = append(b, cookie[:cookieHashAt]...)
	b = append(b, addr.Addr().Zone()...)
	mac := hmac.New(sha256.New, c.key[:])
	mac.Write(b)
	copy(cookie[cookieHashAt:], mac.Sum(nil))
}

// guest is what is known of an address that is not validated: it may be sent
// only so much, and what exceeds that waits while the address is asked to
// validate itself by answering a LIST, which any peer does.
type guest struct {
	mu     sync.Mutex
	credit int    // bytes that may be sent
	xid    uint32 // of the LIST; valid if asked
	asked  bool
	at     int64 // when it was asked, see Service.now
}

// addCredit notes how many bytes came from the address.
func (p *Peer) addCredit(n int) {
	p.guest.mu.Lock()
	p.guest.credit += amplification * n
	p.guest.mu.Unlock()
}

// spend reports whether n bytes may be sent to the address.
func (p *Peer) spend(n int) bool {
	g := &p.guest
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.credit < n {
		return false
	}
	g.credit -= n
	return true
}

// challenge sends the LIST, unless one was sent a moment ago.
func (p *Peer) challenge() {
	now := p.s.now()
	xid := randomXID()
	var out wire.Writer
	out.Begin(wire.List)
	out.Key(wire.XID)
	out.B = codec.AppendInt(out.B, int64(xid))
	b := out.End()
	g := &p.guest
	g.mu.Lock()
	validated := p.validated.Load()
	if g.asked && now-g.at < int64(challengeEvery) || !validated && g.credit < len(b) {
		g.mu.Unlock()
		return
	}
	if !validated {
		g.credit -= len(b)
	}
	g.xid, g.asked, g.at = xid, true, now
	g.mu.Unlock()
	_ = p.s.send(b, p, true) // lost like any datagram: the next request asks again
}

// answersChallenge reports whether a reply with that xid is the one to our LIST.
func (p *Peer) answersChallenge(xid uint32) bool {
	p.guest.mu.Lock()
	defer p.guest.mu.Unlock()
	return p.guest.asked && p.guest.xid == xid
}

// sendAnswer sends an answer, now or when the address is validated.
func (p *Peer) sendAnswer(b []byte) error {
	if p.validated.Load() || p.spend(len(b)) {
		return p.s.send(b, p, true)
	}
	p.s.peers.hold(p.addr, b, p.localAddr(), false)
	p.challenge()
	if p.validated.Load() { // a moment ago, perhaps before the answer was held
		p.s.peers.releaseHeld(p)
	}
	return nil
}
