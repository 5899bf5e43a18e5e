package nomcore

import (
	"container/list"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"nomfs/auth"
	"nomfs/codec"
)

// Service is one peer: it serves the objects registered with it and calls
// those of others, over one socket. All methods may be called concurrently.
type Service struct {
	cfg  Config
	log  *slog.Logger
	conn conn
	reg  *registry
	// unvalidated counts the references that were given to all addresses which
	// are not validated.
	unvalidated *refTable
	received    receivedTotal
	boot        bootID // tells this Service from an earlier one at this address
	born        time.Time

	ctx    context.Context // ends at Close
	cancel context.CancelFunc
	loops  sync.WaitGroup // receive loop and probers
	work   *pool          // runs what the application answers
	urgent *pool          // answers what must be answered meanwhile
	dedup  *dedup
	trace  *tracer // nil for none

	strangersRate bucket // the receive loop's

	closing sync.Once
	stats   counters
	lastBad atomic.Int64 // when a bad datagram was last logged, Unix ns
	logging atomic.Bool  // of a bad datagram is under way

	authMu    sync.RWMutex
	auth      auth.Authenticator
	authEpoch uint64 // counts SetAuthenticator

	callsMu sync.Mutex
	calls   map[uint32]*call // by xid
	nextXID uint32
	closed  bool
	leaving bool           // Close was called
	telling sync.WaitGroup // what Close lets peers hear; grows until leaving

	peersMu   sync.Mutex
	peers     map[netip.AddrPort]*Peer
	recent    *list.List // of *Peer, least recently heard of last
	strangers *list.List // the same, of those that have proven nothing

	sessions  serverSessions
	heldBytes atomic.Int64 // what waits for proof from all strangers

	homesMu sync.RWMutex
	homeOf  map[netip.Addr]codec.Home // by our address
	homes   map[codec.Home]struct{}   // all that we have called ourselves
}

// counters are what Stats returns, counted as it happens.
type counters struct {
	sent, received, resent        atomic.Uint64
	dupDropped, dupReplayed       atomic.Uint64
	bad, stray, refused, overload atomic.Uint64
	handlerErrors, timeouts, held atomic.Uint64
}

// Stats counts datagrams since the Service was made.
type Stats struct {
	Sent, Received uint64 // datagrams
	Resent         uint64 // of Sent: copies of a request that got no answer in time
	DupDropped     uint64 // copies of a request that was still running
	DupReplayed    uint64 // copies of a request that had run: answered again, not run
	Bad            uint64 // not a packet
	Stray          uint64 // answers that nobody waits for, or from the wrong address
	Refused        uint64 // from an address that plain NOM may not come from
	Overload       uint64 // requests dropped because too many were waiting
	Held           uint64 // answers and requests that waited for proof of the address
	Timeouts       uint64 // operations of ours that got no answer
	Names, Objects int    // registered; given to peers
}

// New serves on pc, whose addresses must be IP addresses and ports, until
// Close. It takes over pc. A *net.UDPConn is served without copying.
func New(pc net.PacketConn, cfg *Config) (*Service, error) {
	full, err := cfg.withDefaults()
	if err != nil {
		pc.Close()
		return nil, err
	}
	c, err := newConn(pc)
	if err != nil {
		pc.Close()
		return nil, err
	}
	s := &Service{
		cfg: full, log: full.Log, conn: c,
		reg:         newRegistry(),
		unvalidated: newRefTable(refsOriginal),
		dedup:       newDedup(),
		trace:       newTracer(full.Trace),
		auth:        full.Authenticator,
		calls:       make(map[uint32]*call),
		born:        time.Now(),
		peers:       make(map[netip.AddrPort]*Peer),
		recent:      list.New(), strangers: list.New(),
		homeOf: make(map[netip.Addr]codec.Home),
		homes:  make(map[codec.Home]struct{}),
	}
	s.received.most = maxReceivedBytes
	rand.Read(s.boot[:])
	s.nextXID = randomXID()
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.work = newPool(s.ctx, maxWorkers, s.handle)
	s.urgent = newPool(s.ctx, maxControlWorkers, s.handle)
	s.loops.Go(s.serve)
	s.loops.Go(s.housekeep)
	return s, nil
}

// Addr returns the local address of the socket.
func (s *Service) Addr() netip.AddrPort { return s.conn.local() }

// Close stops serving: callers waiting for an answer get ErrClosed, handlers
// have their context cancelled; peers have been told of the calls that were
// given up before, if they hear it soon. It returns when all have ended, or after a
// second if a handler ignores its context.
func (s *Service) Close() error {
	var err error
	s.closing.Do(func() {
		s.lastWords()
		s.cancel()
		err = s.conn.close()
		s.failCalls(func(*call) error { return ErrClosed }, true)
		s.loops.Wait()
		s.work.close(closeWait)
		s.urgent.close(closeWait)
		s.trace.close()
	})
	return err
}

// Register serves obj under name. A plain Go value (numbers, text, bytes and
// containers of them) is served as a copy, as it is now; everything else is an
// object: see Wrap.
func (s *Service) Register(name string, obj any) error {
	v, err := ValueOf(obj)
	if err != nil {
		return fmt.Errorf("register %q: %w", name, err)
	}
	return s.reg.register(name, v)
}

// Unregister withdraws name. If it was the last name of its object, it revokes
// the references that clients have to the object and to all that they reached
// through it, unless another registered object led them there as well.
func (s *Service) Unregister(name string) error { return s.reg.unregister(name) }

// Revoke revokes the references that clients have to an object, unless it is
// registered, and, if its field Scope says so, to all that they reached through
// it alone, also if they gave the object itself back: to use them is ErrStale.
// An object that is given out again after that is another one to them.
func (s *Service) Revoke(o *Object) { s.reg.revoke(o) }

// SetAuthenticator replaces the authenticator. Every client is screened anew.
func (s *Service) SetAuthenticator(a auth.Authenticator) error {
	if a == nil {
		return ErrNoAuthenticator
	}
	s.authMu.Lock()
	defer s.authMu.Unlock()
	s.auth = a
	s.authEpoch++
	return nil
}

// authenticator returns the one in force, and its number.
func (s *Service) authenticator() (auth.Authenticator, uint64) {
	s.authMu.RLock()
	defer s.authMu.RUnlock()
	return s.auth, s.authEpoch
}

// Stats returns the counters.
func (s *Service) Stats() Stats {
	c := &s.stats
	names, objects := s.reg.size()
	return Stats{
		Sent: c.sent.Load(), Received: c.received.Load(), Resent: c.resent.Load(),
		DupDropped: c.dupDropped.Load(), DupReplayed: c.dupReplayed.Load(),
		Bad: c.bad.Load(), Stray: c.stray.Load(), Refused: c.refused.Load(),
		Overload: c.overload.Load(), Held: c.held.Load(), Timeouts: c.timeouts.Load(),
		Names: names, Objects: objects,
	}
}

// peer returns what is known about an address, and marks it as recent. chosen
// says that we want to talk to it, not it to us.
func (s *Service) peer(addr netip.AddrPort, chosen bool) *Peer {
	s.peersMu.Lock()
	p, ok := s.peers[addr]
	if ok {
		if chosen && p.among == s.strangers {
			s.move(p, s.recent)
		} else {
			p.among.MoveToFront(p.place)
		}
		s.peersMu.Unlock()
		return p
	}
	p = newPeer(s, addr)
	s.peers[addr] = p
	p.among = s.strangers
	if chosen {
		p.among = s.recent
	}
	p.place = p.among.PushFront(p)
	gone := s.evict()
	s.peersMu.Unlock()
	for _, p := range gone {
		p.discard()
	}
	return p
}

// move puts a peer to the front of another list. peersMu must be held.
func (s *Service) move(p *Peer, to *list.List) {
	p.among.Remove(p.place)
	p.among = to
	p.place = to.PushFront(p)
}

// evict takes the least recent peers out of the table while it is too large.
// peersMu must be held.
func (s *Service) evict() (gone []*Peer) {
	for _, l := range []struct {
		peers *list.List
		most  int
	}{{s.strangers, maxStrangers}, {s.recent, maxPeers}} {
		for l.peers.Len() > l.most {
			p := l.peers.Remove(l.peers.Back()).(*Peer)
			delete(s.peers, p.addr)
			gone = append(gone, p)
		}
	}
	return gone
}

// discard frees what a peer that is no longer in the table takes elsewhere.
func (p *Peer) discard() {
	p.s.dedup.forget(p.addr)
	p.s.reg.discard(p.refs)
	p.received.discard()
	_, _, given := p.stranger.drop(p.s, true)
	p.s.reg.abandon(p.s.unvalidated, given)
}

// allPeers returns the peers in the table.
func (s *Service) allPeers() []*Peer {
	s.peersMu.Lock()
	defer s.peersMu.Unlock()
	out := make([]*Peer, 0, len(s.peers))
	for _, p := range s.peers {
		out = append(out, p)
	}
	return out
}

// tell is spawn for what should reach a peer before the service is closed.
func (s *Service) tell(f func()) bool {
	s.callsMu.Lock()
	defer s.callsMu.Unlock()
	if s.closed || s.leaving {
		return false
	}
	s.telling.Add(1)
	s.loops.Go(func() {
		defer s.telling.Done()
		f()
	})
	return true
}

// lastWords waits until peers were told what they are being told, or do not
// seem to hear it.
func (s *Service) lastWords() {
	s.callsMu.Lock()
	s.leaving = true
	s.callsMu.Unlock()
	told := make(chan struct{})
	go func() {
		s.telling.Wait()
		close(told)
	}()
	late := time.NewTimer(tellWait)
	defer late.Stop()
	select {
	case <-told:
	case <-late.C: // Close cancels what is left, which ends told
	}
}

// spawn runs f on a goroutine that Close waits for. It reports false, without
// running it, when the Service is closed.
func (s *Service) spawn(f func()) bool {
	s.callsMu.Lock()
	defer s.callsMu.Unlock()
	if s.closed {
		return false
	}
	s.loops.Go(f)
	return true
}

// homeFor returns how we call ourselves towards a peer: the address at which it
// reached us, or else that of the interface that reaches it, never a wildcard.
func (s *Service) homeFor(p *Peer) (codec.Home, error) {
	local := s.conn.local()
	ip := local.Addr()
	if ip.IsUnspecified() {
		ip = p.localAddr()
	}
	if !ip.IsValid() {
		var err error
		if ip, err = localAddrFor(p.addr); err != nil {
			return "", err
		}
		p.reachedAt(ip)
	}
	s.homesMu.RLock()
	home, ok := s.homeOf[ip]
	s.homesMu.RUnlock()
	if ok {
		return home, nil
	}
	home = codec.NewHome(ip.WithZone("").String(), int(local.Port())) // our zone means nothing elsewhere
	s.homesMu.Lock()
	defer s.homesMu.Unlock()
	if len(s.homes) < maxHomes {
		s.homeOf[ip] = home
		s.homes[home] = struct{}{}
	}
	return home, nil
}

// isHome reports whether we have called ourselves that.
func (s *Service) isHome(h codec.Home) bool {
	s.homesMu.RLock()
	defer s.homesMu.RUnlock()
	_, ok := s.homes[h]
	return ok
}

// send writes one datagram.
func (s *Service) send(b []byte, p *Peer) error {
	to := p.addr
	if len(b) > maxDatagram {
		return fmt.Errorf("%w: it has %d", ErrTooLarge, len(b))
	}
	if !plainAllowed(s.cfg.Plain, to.Addr()) {
		return fmt.Errorf("%s: %w", to, ErrPlainRefused)
	}
	s.stats.sent.Add(1)
	s.trace.packet(b, to, true)
	err := s.conn.write(b, to, p.localAddr())
	if errors.Is(err, net.ErrClosed) {
		return ErrClosed
	}
	return err
}

// logBad counts a datagram that is no packet, and logs it unless one was
// logged within the last second.
func (s *Service) logBad(from netip.AddrPort, err error) {
	s.stats.bad.Add(1)
	now, last := time.Now().UnixNano(), s.lastBad.Load()
	if now-last < int64(badLogEvery) || !s.lastBad.CompareAndSwap(last, now) || s.logging.Swap(true) {
		return
	}
	// Elsewhere: whoever reads the log must not hold up the receive loop.
	if !s.spawn(func() {
		s.log.Warn("bad datagram", "from", from, "err", err)
		s.logging.Store(false)
	}) {
		s.logging.Store(false)
	}
}
