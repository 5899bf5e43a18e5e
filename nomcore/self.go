package nomcore

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"nomfs/codec"
)

// selfHome is the home of references to our own objects as Self hands them out.
// It is no home on the wire: such a reference leaves the process only as what
// Object makes of it.
const selfHome codec.Home = "self"

// Self is a Service seen from inside: its own registered objects, used like
// those of a peer, by reference, but without a packet and without a limit on the
// size of values. Nobody is screened: whoever has the Service owns the objects.
//
// It is for code that knows objects by codec.Ref alone, as a mount does. Peers
// hand out *Object for what is ours; Own turns that into a reference, and Object
// turns it back where it is sent.
//
//	v, _ := peer.GetAttr(ctx, r, "on_change")   // *Object: it is one of ours
//	own, _ := self.Own(v)                       // codec.Ref
//	self.Call(ctx, own, args, nil)              // runs here
//
// Every Ref that it returned is kept until Release.
type Self struct {
	s    *Service
	refs *refTable // see refTable

	mu      sync.Mutex
	foreign map[codec.Ref]*Proxy // of other peers, got from our own objects
}

// Self returns the Service's view of itself.
func (s *Service) Self() *Self {
	return &Self{s: s, refs: newRefTable(refsInside), foreign: make(map[codec.Ref]*Proxy)}
}

// Own returns the reference of an object of this process, as operations of a
// Peer return it; ok is false for anything else.
func (l *Self) Own(v codec.Value) (r codec.Ref, ok bool) { return l.own(v, source{}) }

// own is Own for an object that comes from a source.
func (l *Self) own(v codec.Value, from source) (r codec.Ref, ok bool) {
	o, ok := v.(*Object)
	if !ok {
		return codec.Ref{}, false
	}
	e, err := l.s.reg.give(l.refs, o, from)
	if err != nil {
		// The source was revoked meanwhile. No object has this id.
		return codec.Ref{ID: randomObjectID().text(), Home: selfHome}, true
	}
	return codec.Ref{ID: e.id.text(), Home: selfHome}, true
}

// Object returns what to send for a reference that Own or an operation of Self
// returned: ok is false for a reference that is not ours. The error is ErrStale
// where the object is gone.
func (l *Self) Object(r codec.Ref) (v codec.Value, ok bool, err error) {
	if r.Home != selfHome {
		return nil, false, nil
	}
	if o := l.s.local(r.ID); o != nil {
		return o, true, nil
	}
	return nil, true, remoteError(unknownID(r.ID), r.ID)
}

// Func makes an object that runs call when it is called, here or by a peer, and
// returns its reference. Objects among the arguments are references as Self
// hands them out, and those in the result likewise. Once end was called, whoever
// calls it or asks what it is hears why instead, as long as anybody holds it.
func (l *Self) Func(call func(ctx context.Context, args []codec.Value, kwargs map[string]codec.Value) (codec.Value, error)) (r codec.Ref, end func(why error)) {
	f := &selfFunc{l: l, call: call}
	r, _ = l.Own(&Object{Impl: f})
	return r, func(why error) { f.over.CompareAndSwap(nil, &why) }
}

// selfFunc is a callable that knows objects by reference.
type selfFunc struct {
	l    *Self
	call func(ctx context.Context, args []codec.Value, kwargs map[string]codec.Value) (codec.Value, error)
	over atomic.Pointer[error] // why it is no more
}

var (
	_ Caller    = (*selfFunc)(nil)
	_ Describer = (*selfFunc)(nil)
)

func (f *selfFunc) Call(ctx context.Context, args []codec.Value, kwargs map[string]codec.Value) (codec.Value, error) {
	if why := f.over.Load(); why != nil {
		return nil, *why
	}
	outArgs := make([]codec.Value, len(args))
	for i, v := range args {
		outArgs[i] = f.l.out(v, source{}, nil)
	}
	outKw := make(map[string]codec.Value, len(kwargs))
	for name, v := range kwargs {
		outKw[name] = f.l.out(v, source{}, nil)
	}
	v, err := f.call(ctx, outArgs, outKw)
	if err != nil {
		return nil, err
	}
	return f.l.in(v)
}

func (f *selfFunc) Describe(context.Context) (codec.Description, error) {
	if why := f.over.Load(); why != nil {
		return codec.Description{}, *why
	}
	return codec.Description{Class: "function", Callable: true, Params: []codec.Param{{Rest: true}}}, nil
}

// out makes references of the objects in a value that comes from a source.
// Foreign ones are remembered with the peer that leads to them: p, where they
// came from a peer.
func (l *Self) out(v codec.Value, from source, p *Peer) codec.Value {
	v, _ = codec.MapRefs(v, func(v codec.Value) (codec.Value, error) {
		switch v := v.(type) {
		case *Object:
			r, _ := l.own(v, from)
			return r, nil
		case *Proxy:
			l.mu.Lock()
			l.foreign[v.Ref] = v
			l.mu.Unlock()
			return v.Ref, nil
		case codec.Ref:
			if p != nil {
				l.mu.Lock()
				l.foreign[v] = p.adopt(v)
				l.mu.Unlock()
			}
		}
		return v, nil
	})
	return v
}

// in makes objects of the references in a value.
func (l *Self) in(v codec.Value) (codec.Value, error) {
	return codec.MapRefs(v, func(v codec.Value) (codec.Value, error) {
		r, ok := v.(codec.Ref)
		if !ok {
			return v, nil
		}
		if o, ours, err := l.Object(r); ours {
			return o, err
		}
		return l.proxy(r)
	})
}

// proxy returns the object of another peer behind a reference: by the peer from
// which it was got, else by the one that was connected to and is its home, else
// by its home alone.
func (l *Self) proxy(r codec.Ref) (*Proxy, error) {
	l.mu.Lock()
	x := l.foreign[r]
	l.mu.Unlock()
	if x != nil {
		return x, nil
	}
	var err error = fmt.Errorf("%s: %w", r, ErrPlainRefused)
	for _, p := range l.s.allPeers() {
		if !p.named.Load() {
			continue
		}
		to, routeErr := p.routeAddr(r.Home)
		if routeErr != nil {
			err = routeErr
			continue
		}
		if to == p.addr {
			return &Proxy{Peer: p, Ref: r}, nil
		}
		x = &Proxy{Peer: l.s.peer(to, true), Ref: r}
	}
	if x != nil {
		return x, nil
	}
	return nil, err
}

// find returns what does the operations on an object: the Impl of one of ours,
// which is exported as via, or a Proxy.
func (l *Self) find(r codec.Ref) (impl any, via *exported, err error) {
	if r.Home != selfHome {
		x, err := l.proxy(r)
		return x, nil, err
	}
	if id, ok := parseObjectID(r.ID); ok {
		if o, via := l.s.reg.use(l.refs, id); o != nil {
			return o.Impl, via, nil
		}
	}
	return nil, nil, remoteError(unknownID(r.ID), r.ID)
}

// run does one operation on an object. What the object's code does with its
// goroutine or its time harms nobody: a panic is an error, and whoever stops
// waiting leaves it behind.
func (l *Self) run(ctx context.Context, r codec.Ref, op func(ctx context.Context, impl any) (codec.Value, error)) (codec.Value, error) {
	impl, via, err := l.find(r)
	if err != nil {
		return nil, err
	}
	if x, ok := impl.(*Proxy); ok {
		v, err := op(ctx, x)
		if err != nil {
			return nil, err
		}
		return l.out(v, source{}, x.Peer), nil
	}
	ctx, cancel := l.bound(ctx)
	defer cancel()
	defer context.AfterFunc(l.s.ctx, cancel)()
	var v codec.Value
	done := make(chan struct{})
	go func() {
		defer close(done)
		ended := false
		defer func() {
			if p := recover(); p != nil || !ended {
				l.s.stats.handlerErrors.Add(1)
				l.s.log.Error("handler failed", "panic", p, "stack", string(debug.Stack()))
				err = exception("RuntimeError", fmt.Sprint(p))
			}
		}()
		v, err = op(withLog(ctx, l.s.log), impl)
		ended = true
	}()
	select {
	case <-done:
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", ErrOutcomeUnknown, ctx.Err())
	}
	if err != nil {
		return nil, selfError(err, r.ID)
	}
	if v == nil {
		v = codec.None{}
	}
	return l.out(v, source{via: via}, nil), nil
}

// bound gives an operation the time that it has where the context does not say.
func (l *Self) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, l.s.cfg.Timeout)
}

// selfError is what a peer would have heard of an error.
func selfError(err error, id codec.ID) error {
	if errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return remoteError(ExceptionOf(err), id)
}

// List returns the registered names.
func (l *Self) List(context.Context) ([]string, error) { return l.s.reg.list(), nil }

// Roots returns the registered names and the references of those that are
// objects.
func (l *Self) Roots(context.Context) (names []string, refs map[string]codec.Ref, err error) {
	refs = make(map[string]codec.Ref)
	names = l.s.reg.list()
	for _, name := range names {
		if reg := l.s.reg.lookup(name); reg != nil {
			if r, ok := l.own(reg.value, source{name: reg}); ok {
				refs[name] = r
			}
		}
	}
	return names, refs, nil
}

// Resolve returns what is registered under name.
func (l *Self) Resolve(_ context.Context, name string) (codec.Value, error) {
	reg := l.s.reg.lookup(name)
	if reg == nil {
		return nil, remoteError(exception("NameError", "No such name"), "")
	}
	return l.out(reg.value, source{name: reg}, nil), nil
}
