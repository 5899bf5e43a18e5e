package expose

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
	"weak"

	"nomfs/codec"
	"nomfs/nomcore"
)

// peerKind is an object of another peer, shown to those who cannot reach that
// peer themselves. It connects when it is first used, and again when the peer
// was restarted. What it gives out are objects of its own, so that whatever a
// client reaches through it goes this way.
//
//	peer      host[:port]
//	object    the name there; by default the name here
//	readonly  nothing is set or deleted through it; calls still go through
//	timeout   how long an operation may take; a call may take callTimeout
var peerKind = kind{key: "peer", what: "an object of a peer", object: true, read: func(f *fields, d *def) maker {
	addr, name := f.name("peer"), f.name("object")
	timeout := f.duration("timeout", readTimeout, maxTimeout)
	slow := callTimeout
	if f.has("timeout") {
		slow = timeout
	}
	if name == "" {
		name = d.name
	}
	readonly := d.readonly
	if f.has("peer") {
		d.says, d.opens = "from "+addr, isThisMachine(addr)
		if addr != "" && !isPeerAddr(addr) {
			f.bad("peer", `expected host or host:port such as "10.0.0.7:12074", got %q`, addr)
		}
	}
	return func(s *site) (member, error) {
		l := &link{svc: s.svc, addr: addr, name: name, timeout: timeout, slow: slow, readonly: readonly,
			turns: make(chan struct{}, maxPassed), connecting: make(chan struct{}, 1), remotes: make(map[codec.Ref]weak.Pointer[remote])}
		l.ctx, l.cancel = context.WithCancel(s.ctx)
		l.top = &nomcore.Object{Impl: &remote{link: l}}
		return s.fixed(l.top, codec.AttrInfo{Kind: codec.KindRef}, l.close), nil
	}
}}

// isThisMachine tells whether the address of a peer is one that only this
// machine reaches.
func isThisMachine(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		host = strings.Trim(addr, "[]")
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && (ip.Unmap().IsLoopback() || ip.IsUnspecified())
}

// isPeerAddr tells whether that may be the address of a peer. Nobody is asked.
func isPeerAddr(addr string) bool {
	if _, err := netip.ParseAddr(strings.Trim(addr, "[]")); err == nil {
		return true
	}
	host, port := addr, strconv.Itoa(nomcore.DefaultPort)
	if strings.Contains(addr, ":") {
		var err error
		if host, port, err = net.SplitHostPort(addr); err != nil {
			return false
		}
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0 && host != "" && !strings.ContainsAny(host, " \t\n/")
}

// maxPassed is how many operations of one entry are under way at once. Two
// gateways that lead to each other pass one operation back and forth until its
// time is over; this keeps them usable meanwhile.
const maxPassed = 128

// link is the way to one object of a peer.
type link struct {
	svc           *nomcore.Service
	addr, name    string
	timeout, slow time.Duration
	readonly      bool
	top           *nomcore.Object // what stands for the object with the name
	ctx           context.Context // ends when the entry is gone
	cancel        context.CancelFunc

	turns      chan struct{} // of maxPassed places: one is taken by each operation
	connecting chan struct{} // of one place: taken while the peer is asked for the name

	mu      sync.Mutex
	failed  error         // of the last attempt to connect
	failAt  time.Time     // when that was
	peer    *nomcore.Peer // nil while not connected
	root    codec.Ref     // the object, while peer is not nil
	remotes map[codec.Ref]weak.Pointer[remote]
}

// close ends what is under way and gives the object back.
func (l *link) close() {
	l.cancel()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.peer != nil {
		l.peer.Release(l.root)
		l.peer, l.root = nil, codec.Ref{}
	}
}

// retryAfter is how long nobody tries again to connect to a peer that could not
// be reached: who lists what is behind it would wait for each name.
const retryAfter = time.Second

// at returns the peer and the object, asking for them where that is not known.
func (l *link) at(ctx context.Context) (*nomcore.Peer, codec.Ref, error) {
	if p, r := l.known(); p != nil {
		return p, r, nil
	}
	select {
	case l.connecting <- struct{}{}:
		defer func() { <-l.connecting }()
	case <-ctx.Done():
		return nil, codec.Ref{}, ctx.Err()
	}
	if p, r := l.known(); p != nil {
		return p, r, nil
	}
	l.mu.Lock()
	failed, at := l.failed, l.failAt
	l.mu.Unlock()
	if failed != nil && time.Since(at) < retryAfter {
		return nil, codec.Ref{}, failed
	}
	p, r, err := l.connect(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil {
		l.peer, l.root, l.failed = p, r, nil
	} else if !errors.Is(ctx.Err(), context.Canceled) { // else it was the client who went
		l.failed, l.failAt = err, time.Now()
	}
	return p, r, err
}

// connect asks for the object.
func (l *link) connect(ctx context.Context) (*nomcore.Peer, codec.Ref, error) {
	p, err := l.svc.Connect(ctx, l.addr)
	if err != nil {
		return nil, codec.Ref{}, err
	}
	v, err := p.Resolve(ctx, l.name)
	if errors.Is(err, fs.ErrNotExist) { // the peer does not say of what
		return nil, codec.Ref{}, exception("NameError", "there is no object '%s' at %s", l.name, l.addr)
	}
	if err != nil {
		return nil, codec.Ref{}, err
	}
	r, ok := v.(codec.Ref)
	if ok {
		return p, r, nil
	}
	if _, own := v.(*nomcore.Object); own {
		return nil, codec.Ref{}, exception("ValueError", "%s is this process itself", l.addr)
	}
	return nil, codec.Ref{}, exception("TypeError", "%s at %s is a value (%s), not an object", l.name, l.addr, kindWord(v.Kind()))
}

func (l *link) known() (*nomcore.Peer, codec.Ref) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.peer, l.root
}

// lost forgets a reference that is not known over there any more.
func (l *link) lost(r codec.Ref) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.root == r {
		l.peer, l.root = nil, codec.Ref{}
	}
}

// remote is one object over there, as an object here.
type remote struct {
	link *link
	peer *nomcore.Peer // nil for the one that has a name
	ref  codec.Ref
}

// do performs an operation. One on an object that is gone, because its peer was
// restarted, has not run; if the object has a name it is looked up again.
func (o *remote) do(ctx context.Context, timeout time.Duration, f func(context.Context, *nomcore.Peer, codec.Ref) error) error {
	l := o.link
	if l.ctx.Err() != nil {
		return errGone
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	defer context.AfterFunc(l.ctx, cancel)()
	select {
	case l.turns <- struct{}{}:
		defer func() { <-l.turns }()
	case <-ctx.Done():
		return l.explain(fmt.Errorf("%d operations are under way at %s, which may lead back here: %w", cap(l.turns), l.addr, ctx.Err()))
	}
	const tries = 2
	var err error
	for range tries {
		p, r := o.peer, o.ref
		if p == nil {
			if p, r, err = l.at(ctx); err != nil {
				break
			}
		}
		if err = f(ctx, p, r); !errors.Is(err, nomcore.ErrStale) {
			err = l.raised(p, err)
			break
		}
		if o.peer != nil {
			return exception("ReferenceError", "the object is gone at %s", l.addr)
		}
		l.lost(r)
	}
	return l.explain(err)
}

// raised makes an exception of the peer one of ours: it may have references.
func (l *link) raised(p *nomcore.Peer, err error) error {
	var exc codec.Exception
	if !errors.As(err, &exc) {
		return err
	}
	if v, bad := l.inward(p, exc); bad == nil {
		return v.(codec.Exception)
	}
	return exc
}

// explain says at whom an error of the network happened. What the peer answered
// stays as it is.
func (l *link) explain(err error) error {
	var exc codec.Exception
	var errno syscall.Errno
	switch {
	case err == nil:
		return nil
	case errors.As(err, &exc) && !errors.Is(err, nomcore.ErrStale):
		return exc
	case l.ctx.Err() != nil:
		return errGone
	case errors.As(err, &errno), errors.Is(err, context.DeadlineExceeded), errors.Is(err, errors.ErrUnsupported):
		return err
	case errors.Is(err, context.Canceled):
		return err
	}
	return codec.Exception{Class: "IOError", Args: codec.Tuple{codec.Int(int64(syscall.EHOSTUNREACH)), codec.Bytes(err.Error())}}
}

// ask is do for operations that return a value.
func (o *remote) ask(ctx context.Context, timeout time.Duration, f func(context.Context, *nomcore.Peer, codec.Ref) (codec.Value, error)) (codec.Value, error) {
	var v codec.Value
	err := o.do(ctx, timeout, func(ctx context.Context, p *nomcore.Peer, r codec.Ref) (err error) {
		if v, err = f(ctx, p, r); err == nil {
			v, err = o.link.inward(p, v)
		}
		return err
	})
	return v, err
}

// inward makes the references in a value of the peer objects of ours.
func (l *link) inward(p *nomcore.Peer, v codec.Value) (codec.Value, error) {
	return mapValue(v, func(v codec.Value) codec.Value {
		switch v := v.(type) {
		case codec.Ref:
			return l.object(p, v)
		case *nomcore.Object: // of a client, that was passed through us
			if x, ok := v.Impl.(*nomcore.Proxy); ok {
				return x
			}
		}
		return v
	})
}

// outward makes a value fit for the peer: what came from there is what it was,
// and the objects of clients are reached through us.
func (l *link) outward(v codec.Value) (codec.Value, error) {
	return mapValue(v, func(v codec.Value) codec.Value {
		switch v := v.(type) {
		case *nomcore.Object:
			if o, ok := v.Impl.(*remote); ok && o.link == l {
				if o.peer != nil {
					return o.ref
				}
				if _, r := l.known(); r != (codec.Ref{}) {
					return r
				}
			}
		case *nomcore.Proxy:
			return &nomcore.Object{Impl: v, Key: callerKey{v.Peer.Addr(), v.Ref}}
		}
		return v
	})
}

// callerKey is the identity of an object of a client: the same each time it is
// passed.
type callerKey struct {
	addr netip.AddrPort
	ref  codec.Ref
}

// object returns the object for a reference, the same as long as anybody has
// it. When nobody has it any more the reference is given back.
func (l *link) object(p *nomcore.Peer, r codec.Ref) *nomcore.Object {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.peer != nil && r == l.root {
		return l.top
	}
	if o := l.remotes[r].Value(); o != nil {
		return &nomcore.Object{Impl: o, Key: o}
	}
	o := &remote{link: l, peer: p, ref: r}
	l.remotes[r] = weak.Make(o)
	runtime.AddCleanup(o, func(r codec.Ref) {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.remotes[r].Value() == nil {
			delete(l.remotes, r)
			if r != l.root {
				p.Release(r)
			}
		}
	}, r)
	return &nomcore.Object{Impl: o, Key: o}
}

// mapValue returns a value with its references replaced by f.
func mapValue(v codec.Value, f func(codec.Value) codec.Value) (codec.Value, error) {
	switch v := v.(type) {
	case codec.List:
		list, err := mapValues(v, f)
		return codec.List(list), err
	case codec.Tuple:
		list, err := mapValues(v, f)
		return codec.Tuple(list), err
	case codec.Set:
		list, err := mapValues(v, f)
		return codec.Set(list), err
	case codec.Exception:
		list, err := mapValues(v.Args, f)
		return codec.Exception{Class: v.Class, Args: list}, err
	case *codec.Map:
		pairs := make([]codec.Pair, v.Len())
		for i, p := range v.Pairs() {
			var err1, err2 error
			pairs[i].Key, err1 = mapValue(p.Key, f)
			pairs[i].Value, err2 = mapValue(p.Value, f)
			if err := errors.Join(err1, err2); err != nil {
				return nil, err
			}
		}
		return codec.NewMap(pairs...)
	}
	if v.Kind() == codec.KindRef {
		return f(v), nil
	}
	return v, nil
}

func mapValues(list []codec.Value, f func(codec.Value) codec.Value) ([]codec.Value, error) {
	out := make([]codec.Value, len(list))
	for i, v := range list {
		var err error
		if out[i], err = mapValue(v, f); err != nil {
			return nil, err
		}
	}
	return out, nil
}
