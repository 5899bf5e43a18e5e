package nomcore

import (
	"net/netip"
	"sync"
	"sync/atomic"

	"nomfs/auth"
	"nomfs/codec"
	"nomfs/nomcore/wire"
)

// Peer is another process that speaks NOM, known by its address. Its methods
// do one operation each, on objects named by references; references may lead
// to other homes, see route. They may be called concurrently.
//
// Without a deadline in its context an operation is bounded by Config.Timeout.
// Errors: a *RemoteError is what the peer answered; ErrTimeout, ErrBusy, ErrDown,
// ErrUnreachable, ErrStale, ErrTooLarge, ErrProtocol, ErrPlainRefused and
// ErrClosed tell what else went wrong; ErrOutcomeUnknown is added where a
// change or a call may have happened all the same.
type Peer struct {
	s      *Service
	addr   netip.AddrPort
	dialed bool // Dial made s for it, and returned it

	validated atomic.Bool                // it receives what is sent to its address
	isOurs    atomic.Bool                // it sent nomx
	synced    atomic.Bool                // whether it is ours is known
	named     atomic.Bool                // somebody here asked to connect to it
	down      atomic.Bool                // see probe.go
	displaced atomic.Bool                // it fell out of the table of peers
	ext       atomic.Uint32              // extension operations it offered
	heardAt   atomic.Int64               // when its last datagram came, see Service.now; 0 for none
	sentAt    atomic.Int64               // when our last request went out, likewise
	local     atomic.Pointer[netip.Addr] // see localAddr; nil while not known

	// As a client of ours.
	inbound     atomic.Int32 // its requests that we are running
	calls       atomic.Int64 // its share of Service.calls
	callBytes   atomic.Int64 // its share of Service.callBytes
	kept        atomic.Int64 // its share of Service.kept
	lastSession atomic.Pointer[session]
	refs        *refTable // of ours that it has
	guest       guest
	admission   admission

	// As a server.
	asking   atomic.Pointer[asking] // nil while we have asked it nothing
	received receivedRefs

	mu       sync.Mutex
	sessions []*session
	overdue  map[*requestContext]struct{} // its requests outside a session that take long
	boot     wire.BootID                  // of its last nomx
	homes    []codec.Home                 // by which it calls itself
	checked  int64                        // when we last asked what it is, see Service.now
	probing  bool
	keeping  bool  // housekeeping is under way
	wanted   int64 // when an operation last wanted it
	silentAt int64 // since when it has been silent though asked; 0 while it answers
}

func newPeer(s *Service, addr netip.AddrPort) *Peer {
	p := &Peer{s: s, addr: addr, refs: newRefTable(refsOriginal)}
	p.received.total = &s.received
	return p
}

// Addr returns the peer's address.
func (p *Peer) Addr() netip.AddrPort { return p.addr }

// Service returns the Service that talks to the peer.
func (p *Peer) Service() *Service { return p.s }

// reachedAt notes which of our addresses the peer uses.
func (p *Peer) reachedAt(at netip.Addr) {
	if at.IsValid() && at != p.localAddr() {
		own := at // at itself need not be on the heap
		p.local.Store(&own)
	}
}

// localAddr returns the address of ours that the peer uses, invalid where that
// is not known.
func (p *Peer) localAddr() netip.Addr {
	if at := p.local.Load(); at != nil {
		return *at
	}
	return netip.Addr{}
}

// Extended reports whether the peer offered the extension operations.
func (p *Peer) Extended() bool { return p.ext.Load() != 0 }

// identity is what is known about who the peer is.
func (p *Peer) identity() auth.Identity { return p.s.conn.Identity(p.addr) }

// heard takes note of a sign of life.
func (p *Peer) heard(now int64) {
	p.heardAt.Store(now)
	if p.down.Load() {
		p.down.Store(false)
	}
}

// callsItself notes a home by which the peer calls itself. The least recently
// used is forgotten.
func (p *Peer) callsItself(h codec.Home) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, known := range p.homes {
		if known == h {
			return
		}
	}
	if len(p.homes) >= peerHomes {
		p.homes = p.homes[1:]
	}
	p.homes = append(p.homes[:len(p.homes):len(p.homes)], h)
}

// isItself reports whether the peer calls itself by that home.
func (p *Peer) isItself(h codec.Home) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, known := range p.homes {
		if known == h {
			return true
		}
	}
	return false
}

// learn takes note of what the peer is, once that is certain. One of ours that
// was restarted has forgotten what it held and gave.
func (p *Peer) learn(x wire.Hello, ours bool, home codec.Home) {
	p.isOurs.Store(ours)
	p.ext.Store(x.Flags & wire.ExtAll)
	p.synced.Store(true)
	p.mu.Lock()
	restarted := p.boot != wire.BootID{} && p.boot != x.Boot
	p.boot = x.Boot
	p.mu.Unlock()
	if home != "" {
		p.callsItself(home)
	}
	if ask := p.asking.Load(); ask != nil && !ours {
		ask.sess.Store(nil)
	}
	p.s.reg.setOurs(p.refs, ours)
	if restarted {
		p.s.reg.drop(p.refs)
		p.received.clear()
	}
}
