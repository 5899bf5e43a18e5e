package nomcore

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"nomfs/auth"
	"nomfs/codec"
	"nomfs/nomcore/object"
	"nomfs/nomcore/transport"
	"nomfs/nomcore/wire"
)

// Service is one peer: it serves the objects registered with it and calls
// those of others, over one socket. All methods may be called concurrently.
type Service struct {
	cfg  Config
	log  *slog.Logger
	conn transport.Conn
	reg  *registry
	boot wire.BootID
	born time.Time // the zero of now

	ctx    context.Context // ends at Close; it carries the log
	cancel context.CancelFunc
	tasks  tasks   // the goroutines of the Service
	trace  *tracer // nil for none
	dups   *duplicates
	slow   slowTable
	pools  pools

	peers   peers
	sources sources
	cookies cookies
	forgot  atomic.Int64 // when the last session that was forgotten early was heard, see now

	calls     budget       // requests that run and are overdue, or have a goroutine of their own
	callBytes budget       // their memory
	kept      budget       // answers kept, and entries of sessions
	received  budget       // references that peers gave us, as they are counted
	orphans   atomic.Int64 // requests whose client is gone, and which still run

	closing sync.Once
	stats   counters
	lastBad atomic.Int64 // when a bad datagram was last logged, see now
	logging atomic.Bool  // of a bad datagram is under way
	nextXID atomic.Uint32

	authMu    sync.RWMutex
	auth      auth.Authenticator
	authEpoch uint64 // counts SetAuthenticator

	homesMu sync.RWMutex
	homeOf  map[netip.Addr]codec.Home // by our address
	homes   map[codec.Home]struct{}   // all that we have called ourselves
}

// counters are what Stats returns, counted as it happens.
type counters struct {
	sent, received, resent        atomic.Uint64
	dupRunning, dupReplayed       atomic.Uint64
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
	Overload       uint64 // requests for which there was no room
	Held           uint64 // answers and requests that waited until an address was validated
	Timeouts       uint64 // operations of ours that got no answer
	Names, Objects int    // registered; given to peers
	Running        int    // requests that run and are overdue
	Orphans        int    // of Running: requests that were cancelled, since their client is gone, and go on
}

// New serves on pc, whose addresses must be IP addresses and ports, until
// Close. It takes over pc. A *net.UDPConn is served without copying.
func New(pc net.PacketConn, cfg *Config) (*Service, error) {
	full, err := cfg.withDefaults()
	if err != nil {
		pc.Close()
		return nil, err
	}
	c, err := transport.New(pc)
	if err != nil {
		pc.Close()
		return nil, fmt.Errorf("nomcore: %w", err)
	}
	s := &Service{
		cfg: full, log: full.Log, conn: c,
		reg:       newRegistry(),
		dups:      newDuplicates(),
		trace:     newTracer(full.Trace),
		auth:      full.Authenticator,
		born:      time.Now(),
		calls:     budget{most: maxCalls, always: callsAlways},
		callBytes: budget{most: maxCallBytes, always: callBytesAlways},
		kept:      budget{most: maxKept, always: keptAlways},
		received:  budget{most: maxReceivedBytes},
		homeOf:    make(map[netip.Addr]codec.Home),
		homes:     make(map[codec.Home]struct{}),
	}
	rand.Read(s.boot[:])
	s.nextXID.Store(randomXID())
	s.cookies.init()
	s.sources.init()
	s.peers.init(s)
	s.pools.init(s)
	ctx, cancel := context.WithCancel(context.Background())
	s.ctx, s.cancel = object.WithLog(ctx, s.log), cancel
	s.startReader(nil)
	s.tasks.start(s.housekeep)
	return s, nil
}

// Listen opens a UDP socket at addr, host[:port], and serves on it. Without a
// port it is 12074; port 0 is any free one. An address that plain NOM may not
// be exchanged with is refused (ErrPlainRefused): a wildcard needs a network
// beyond loopback in Config.Plain.
func Listen(addr string, cfg *Config) (*Service, error) {
	full, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	at, err := transport.Resolve(context.Background(), addr, DefaultPort)
	if err != nil {
		return nil, err
	}
	if !mayListen(full.Plain, at.Addr()) {
		return nil, fmt.Errorf("listen on %s: %w", at, ErrPlainRefused)
	}
	c, err := transport.Listen(at)
	if err != nil {
		return nil, err
	}
	return New(c, &full)
}

// now returns the monotonic time since the Service was made, in nanoseconds. No
// change of the wall clock moves it.
func (s *Service) now() int64 { return int64(time.Since(s.born)) }

// sinceBorn returns a time as now does.
func (s *Service) sinceBorn(t time.Time) int64 { return int64(t.Sub(s.born)) }

// memory returns how far back the Service knows every session that it has heard
// of.
func (s *Service) memory() time.Duration { return time.Duration(s.now() - s.forgot.Load()) }

// Addr returns the local address of the socket.
func (s *Service) Addr() netip.AddrPort { return s.conn.Local() }

// Close stops serving. Operations that wait for an answer get ErrClosed, and
// handlers have their context cancelled. Before that, peers hear of the calls
// that were given up, if they hear it soon. Close returns when all have ended,
// or after a second if a handler ignores its context.
func (s *Service) Close() error {
	var err error
	s.closing.Do(func() {
		s.tasks.leave(tellWait)
		s.cancel()
		err = s.conn.Close()
		for _, p := range s.peers.all() {
			p.failCalls(ErrClosed, nil)
			p.endSessions()
		}
		s.tasks.wait(closeWait)
		s.trace.close()
	})
	return err
}

// closed reports whether Close was called.
func (s *Service) closed() bool { return s.ctx.Err() != nil }

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
		DupDropped: c.dupRunning.Load(), DupReplayed: c.dupReplayed.Load(),
		Bad: c.bad.Load(), Stray: c.stray.Load(), Refused: c.refused.Load(),
		Overload: c.overload.Load(), Held: c.held.Load(), Timeouts: c.timeouts.Load(),
		Names: names, Objects: objects,
		Running: int(s.calls.used.Load()), Orphans: int(s.orphans.Load()),
	}
}

// send writes one datagram to a peer, from the address of ours that the peer
// uses, if pinned.
func (s *Service) send(b []byte, p *Peer, pinned bool) error {
	if len(b) > s.conn.Limit() {
		return fmt.Errorf("%w: it has %d", ErrTooLarge, len(b))
	}
	if !plainAllowed(s.cfg.Plain, p.addr.Addr()) {
		return fmt.Errorf("%s: %w", p.addr, ErrPlainRefused)
	}
	s.stats.sent.Add(1)
	s.trace.packet(b, p.addr, true)
	var from netip.Addr
	if pinned {
		from = p.localAddr()
	}
	err := s.conn.Write(b, p.addr, from)
	if err != nil && s.closed() {
		return ErrClosed
	}
	return err
}

// logBad counts a datagram that is no packet, and logs it unless one was
// logged within the last second.
func (s *Service) logBad(from netip.AddrPort, err error) {
	s.stats.bad.Add(1)
	now, last := s.now(), s.lastBad.Load()
	if last != 0 && now-last < int64(badLogEvery) || !s.lastBad.CompareAndSwap(last, now) || s.logging.Swap(true) {
		return
	}
	// Elsewhere: whoever reads the log must not hold up the receive loop.
	if !s.tasks.start(func() {
		s.log.Warn("bad datagram", "from", from, "err", err)
		s.logging.Store(false)
	}) {
		s.logging.Store(false)
	}
}
