package nomcore

import (
	"container/list"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"nomfs/codec"
)

// Peer is another process that speaks NOM, known by its address. Its methods
// do one operation each, on objects named by references; references may lead
// to other homes, see route. They may be called concurrently.
//
// Without a deadline in its context an operation is bounded by Config.Timeout.
// Errors: a *RemoteError is what the peer answered; ErrTimeout, ErrDown,
// ErrUnreachable, ErrStale, ErrTooLarge, ErrProtocol, ErrPlainRefused and
// ErrClosed tell what else went wrong; ErrOutcomeUnknown is added where a
// change or a call may have happened all the same.
type Peer struct {
	s    *Service
	addr netip.AddrPort

	place *list.Element // guarded by Service.peersMu
	among *list.List    // the list that place is in; likewise

	heardAt atomic.Int64               // Unix ns of its last datagram, 0 for none
	sentAt  atomic.Int64               // Unix ns of our last request, 0 for none
	inbound atomic.Int32               // its requests that we are running
	waiting atomic.Int32               // our operations that have waited for long
	ext     atomic.Uint32              // extension operations it offered
	isOurs  atomic.Bool                // it sent nomx
	synced  atomic.Bool                // whether it is ours is known
	proven  atomic.Bool                // it receives what is sent to its address
	named   atomic.Bool                // somebody here asked to connect to it
	local   atomic.Pointer[netip.Addr] // see localAddr; nil while not known

	rtt rttEstimator
	win *window

	// As whom we ask.
	syncing  chan struct{} // one place: held while a session is opened
	sess     atomic.Pointer[clientSession]
	received receivedRefs

	// As who asks us.
	cookie   cookie    // that proves the address, see session.go
	refs     *refTable // see refTable
	stranger stranger

	// Whether its requests are served.
	admitMu    sync.Mutex // held while the authenticator is asked
	admitted   error      // nil: yes
	admitEpoch uint64     // authenticator asked, see Service.authEpoch
	admitAsked bool
	admitStale atomic.Bool   // it said that it is gone: ask again
	welcome    atomic.Uint64 // admitEpoch+1 while it is admitted, else 0

	mu       sync.Mutex
	boot     bootID    // of its last nomx
	offer    *nomx     // of a SYNC that is to be believed once it is proven
	checked  time.Time // when we last asked what it is
	running  int       // of its requests, waiting for a worker or run by one
	backlog  []job     // that wait until it has fewer running
	down     bool
	probing  bool
	keeping  bool      // housekeeping is under way
	wanted   time.Time // when somebody last asked for it
	silentAt time.Time // since when probes go unanswered; zero while they are answered
}

func newPeer(s *Service, addr netip.AddrPort) *Peer {
	p := &Peer{s: s, addr: addr, syncing: make(chan struct{}, 1), refs: newRefTable(refsOriginal)}
	p.received.total = &s.received
	rand.Read(p.cookie[:])
	p.win = newWindow(p.windowBounds)
	return p
}

// refTable returns where references in answers to the peer are counted: its own
// table, or before its address is validated one for all such addresses.
func (p *Peer) refTable() *refTable {
	if p.proven.Load() {
		return p.refs
	}
	return p.s.unvalidated
}

// Addr returns the peer's address.
func (p *Peer) Addr() netip.AddrPort { return p.addr }

// reachedAt notes which of our addresses the peer uses.
func (p *Peer) reachedAt(at netip.Addr) {
	if at.IsValid() && at != p.localAddr() {
		p.local.Store(&at)
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

// windowBounds bounds the requests in flight. An original process that waits for
// us must not be given more at once than it has requests running here: it
// breaks when two of its threads wait at the same time.
func (p *Peer) windowBounds() (most int, exact bool, nested int) {
	inbound := int(p.inbound.Load())
	switch {
	case p.isOurs.Load():
		return windowExtended, true, max(windowExtended, inbound)
	case inbound > 0:
		return 1, true, inbound
	}
	return windowMax, false, 1
}

// result takes the answer out of a reply. id is the object that was asked.
func (p *Peer) result(pkt packet, id codec.ID) (codec.Value, error) {
	if v, ok := pkt.get(attrError); ok {
		exc, ok := v.(codec.Exception)
		if !ok {
			return nil, fmt.Errorf("%s: %w: error is %v, not an exception", p.addr, ErrProtocol, v.Kind())
		}
		if _, both := pkt.get(attrResult); both && exc.Class == "NameError" {
			// Nothing else is answered with an error and a result.
			return nil, &unknownOpError{RemoteError{exc}}
		}
		return nil, remoteError(exc, id)
	}
	v, ok := pkt.get(attrResult)
	if !ok {
		return nil, fmt.Errorf("%s: %w: no result", p.addr, ErrProtocol)
	}
	return p.s.homecoming(v, p), nil
}

// unknownOpError is the answer of a peer that does not know the operation.
type unknownOpError struct{ RemoteError }

// isUnknownOp reports whether a peer answered that it does not know the
// operation. Nothing has run then.
func isUnknownOp(err error) bool {
	var unknown *unknownOpError
	return errors.As(err, &unknown)
}

// List returns the names registered with the peer, in its order.
func (p *Peer) List(ctx context.Context) ([]string, error) {
	pkt, err := p.s.roundTrip(ctx, p, request{cmd: cmdList, resend: true})
	if err != nil {
		return nil, err
	}
	v, err := p.result(pkt, "")
	if err != nil {
		return nil, err
	}
	return p.names(v)
}

// names reads a sequence of strings.
func (p *Peer) names(v codec.Value) ([]string, error) {
	var items []codec.Value
	switch v := v.(type) {
	case codec.List:
		items = v
	case codec.Tuple:
		items = v
	default:
		return nil, fmt.Errorf("%s: %w: names are %v, not a list", p.addr, ErrProtocol, v.Kind())
	}
	names := make([]string, 0, len(items))
	for _, item := range items {
		name, ok := codec.StringOf(item)
		if !ok {
			continue // an original can register under any key; it has no name
		}
		names = append(names, name)
	}
	return names, nil
}

// Resolve returns what is registered under name: a codec.Ref, or a plain
// value, which is a copy. An unknown name is fs.ErrNotExist.
func (p *Peer) Resolve(ctx context.Context, name string) (codec.Value, error) {
	pkt, err := p.s.roundTrip(ctx, p, request{
		cmd: cmdResolve, resend: true,
		attrs: makeAttrs(codec.Attr{Name: attrName, Value: codec.Bytes(name)}),
	})
	if err != nil {
		return nil, err
	}
	return p.result(pkt, "")
}

// makeAttrs returns attributes with room for the xid.
func makeAttrs(attrs ...codec.Attr) []codec.Attr {
	const room = 4 // object, operation, one more, and the xid
	out := make([]codec.Attr, len(attrs), len(attrs)+room)
	copy(out, attrs)
	return out
}

// pull performs an operation on the object r. extra are its attributes but oid
// and op.
func (p *Peer) pull(ctx context.Context, r codec.Ref, op string, extra ...codec.Attr) (codec.Value, error) {
	to, err := p.route(r.Home)
	if err != nil {
		return nil, err
	}
	attrs := append(makeAttrs(extra...),
		codec.Attr{Name: attrOID, Value: codec.Long(r.ID)},
		codec.Attr{Name: attrOp, Value: codec.Bytes(op)})
	sortAttrs(attrs)
	pkt, err := p.s.roundTrip(ctx, to, request{
		cmd: cmdPull, op: op, attrs: attrs, id: r.ID, resend: ops[op].safe,
	})
	if err != nil {
		return nil, err
	}
	return to.result(pkt, r.ID)
}

// GetAttr returns an attribute: a copy, or a reference (codec.Ref, or *Object
// for an object of our own).
func (p *Peer) GetAttr(ctx context.Context, r codec.Ref, name string) (codec.Value, error) {
	return p.pull(ctx, r, "GetAttr", codec.Attr{Name: attrAttr, Value: codec.Bytes(name)})
}

// SetAttr sets an attribute.
func (p *Peer) SetAttr(ctx context.Context, r codec.Ref, name string, v codec.Value) error {
	_, err := p.pull(ctx, r, "SetAttr",
		codec.Attr{Name: attrAttr, Value: codec.Bytes(name)}, codec.Attr{Name: attrVal, Value: v})
	return err
}

// DelAttr deletes an attribute.
func (p *Peer) DelAttr(ctx context.Context, r codec.Ref, name string) error {
	_, err := p.pull(ctx, r, "DelAttr", codec.Attr{Name: attrAttr, Value: codec.Bytes(name)})
	return err
}

// GetItem returns an item; key is any plain value.
func (p *Peer) GetItem(ctx context.Context, r codec.Ref, key codec.Value) (codec.Value, error) {
	return p.pull(ctx, r, "GetItem", codec.Attr{Name: attrItem, Value: key})
}

// SetItem sets an item.
func (p *Peer) SetItem(ctx context.Context, r codec.Ref, key, v codec.Value) error {
	_, err := p.pull(ctx, r, "SetItem",
		codec.Attr{Name: attrItem, Value: key}, codec.Attr{Name: attrVal, Value: v})
	return err
}

// DelItem deletes an item.
func (p *Peer) DelItem(ctx context.Context, r codec.Ref, key codec.Value) error {
	_, err := p.pull(ctx, r, "DelItem", codec.Attr{Name: attrItem, Value: key})
	return err
}

// Len returns the number of items.
func (p *Peer) Len(ctx context.Context, r codec.Ref) (int, error) {
	v, err := p.pull(ctx, r, "Len")
	if err != nil {
		return 0, err
	}
	n, ok := codec.Int64Of(v)
	if !ok || n < 0 || int64(int(n)) != n {
		return 0, fmt.Errorf("%s: %w: length is %v", p.addr, ErrProtocol, v)
	}
	return int(n), nil
}

// Repr returns the object's text for programmers.
func (p *Peer) Repr(ctx context.Context, r codec.Ref) (string, error) { return p.text(ctx, r, "Repr") }

// Str returns the object's text for people.
func (p *Peer) Str(ctx context.Context, r codec.Ref) (string, error) { return p.text(ctx, r, "Str") }

func (p *Peer) text(ctx context.Context, r codec.Ref, op string) (string, error) {
	v, err := p.pull(ctx, r, op)
	if err != nil {
		return "", err
	}
	text, ok := codec.StringOf(v)
	if !ok {
		return "", fmt.Errorf("%s: %w: %s is %v, not text", p.addr, ErrProtocol, op, v.Kind())
	}
	return text, nil
}

// Call calls an object. It runs at most once: ErrOutcomeUnknown says that the
// answer did not come and that it may have run. Cancelling the context cancels
// that of the callee, where the peer can.
func (p *Peer) Call(ctx context.Context, r codec.Ref, args []codec.Value, kwargs map[string]codec.Value) (codec.Value, error) {
	return p.pull(ctx, r, "Call",
		codec.Attr{Name: attrArgs, Value: codec.Tuple(args)},
		codec.Attr{Name: attrKwargs, Value: codec.MapOf(kwargs)})
}
