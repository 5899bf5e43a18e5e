package nomcore

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"nomfs/codec"
	"nomfs/nomcore/object"
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
func (l *Self) Own(v codec.Value) (r codec.Ref, ok bool) {
	o, ok := v.(*Object)
	if !ok {
		return codec.Ref{}, false
	}
	return l.own(o, source{}), true
}

// own returns the reference of an object that comes from a source.
func (l *Self) own(o *Object, from source) codec.Ref {
	e, err := l.s.reg.give(l.refs, o, from)
	if err != nil {
		// The source was revoked meanwhile. No object has this id.
		return codec.Ref{ID: randomObjectID().text(), Home: selfHome}
	}
	return codec.Ref{ID: e.id.text(), Home: selfHome}
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
		outArgs[i] = f.l.out(v, nil, source{})
	}
	outKw := make(map[string]codec.Value, len(kwargs))
	for name, v := range kwargs {
		outKw[name] = f.l.out(v, nil, source{})
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
// Foreign ones are remembered with the peer that leads to them: p, where they came
// from a peer.
func (l *Self) out(v codec.Value, p *Peer, from source) codec.Value {
	v, _ = codec.MapRefs(v, func(v codec.Value) (codec.Value, error) {
		switch v := v.(type) {
		case *Object:
			return l.own(v, from), nil
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
	if v == nil {
		return nil, nil
	}
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
	for _, p := range l.s.peers.all() {
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
		x = &Proxy{Peer: l.s.peers.chosen(to), Ref: r}
	}
	if x != nil {
		return x, nil
	}
	return nil, err
}

// do runs one operation of the table on an object of ours, with the rights of
// its owner: run gets the operation with its object, and returns a value of the
// protocol, or nil. What the object's code does with its goroutine or its time
// harms nobody: a panic is an error, and who stops waiting leaves it behind.
func (l *Self) do(ctx context.Context, r codec.Ref, run func(rq *pull) (codec.Value, error)) (codec.Value, error) {
	obj, via := l.s.use(l.refs, r.ID)
	if obj == nil {
		return nil, remoteError(unknownID(r.ID), r.ID)
	}
	ctx, cancel := l.bound(ctx)
	defer cancel()
	defer context.AfterFunc(l.s.ctx, cancel)()
	rq := &pull{ctx: object.WithLog(ctx, l.s.log), s: l.s, id: r.ID, obj: obj, via: via}
	var v codec.Value
	var err error
	done := make(chan struct{})
	if !l.s.tasks.start(func() {
		defer close(done)
		ended := false
		defer func() {
			if p := recover(); p != nil || !ended {
				l.s.stats.handlerErrors.Add(1)
				l.s.log.Error("handler failed", "panic", p, "stack", string(debug.Stack()))
				err = exception("RuntimeError", fmt.Sprint(p))
			}
		}()
		v, err = run(rq)
		ended = true
	}) {
		return nil, ErrClosed
	}
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
	return l.out(v, nil, source{via: via}), nil
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

// operate runs an operation, on an object of ours or of another peer.
func (l *Self) operate(ctx context.Context, r codec.Ref, op string, rq *request) (codec.Value, error) {
	if r.Home != selfHome {
		x, err := l.proxy(r)
		if err != nil {
			return nil, err
		}
		v, err := x.Peer.pull(ctx, x.Ref, op, rq)
		if err != nil {
			return nil, err
		}
		return l.out(v, x.Peer, source{}), nil
	}
	return l.do(ctx, r, func(own *pull) (codec.Value, error) {
		own.op, own.attr = ops[op], nameIn(own.obj, rq.attr)
		var err error
		if own.item, err = l.in(rq.item); err != nil {
			return nil, err
		}
		if own.val, err = l.in(rq.val); err != nil {
			return nil, err
		}
		own.args = make([]codec.Value, len(rq.args))
		for i, v := range rq.args {
			if own.args[i], err = l.in(v); err != nil {
				return nil, err
			}
		}
		own.kwargs = make(map[string]codec.Value, len(rq.kw))
		for name, v := range rq.kw {
			if own.kwargs[name], err = l.in(v); err != nil {
				return nil, err
			}
		}
		return own.op.run(own)
	})
}

// GetAttr returns an attribute; the other methods likewise do one operation
// each, see Peer.
func (l *Self) GetAttr(ctx context.Context, r codec.Ref, name string) (codec.Value, error) {
	return l.operate(ctx, r, "GetAttr", &request{attr: name})
}

func (l *Self) SetAttr(ctx context.Context, r codec.Ref, name string, v codec.Value) error {
	_, err := l.operate(ctx, r, "SetAttr", &request{attr: name, val: v})
	return err
}

func (l *Self) DelAttr(ctx context.Context, r codec.Ref, name string) error {
	_, err := l.operate(ctx, r, "DelAttr", &request{attr: name})
	return err
}

func (l *Self) GetItem(ctx context.Context, r codec.Ref, key codec.Value) (codec.Value, error) {
	return l.operate(ctx, r, "GetItem", &request{item: key})
}

func (l *Self) SetItem(ctx context.Context, r codec.Ref, key, v codec.Value) error {
	_, err := l.operate(ctx, r, "SetItem", &request{item: key, val: v})
	return err
}

func (l *Self) DelItem(ctx context.Context, r codec.Ref, key codec.Value) error {
	_, err := l.operate(ctx, r, "DelItem", &request{item: key})
	return err
}

func (l *Self) Len(ctx context.Context, r codec.Ref) (int, error) {
	v, err := l.operate(ctx, r, "Len", &request{})
	if err != nil {
		return 0, err
	}
	n, _ := codec.Int64Of(v)
	return int(n), nil
}

func (l *Self) Repr(ctx context.Context, r codec.Ref) (string, error) {
	return l.text(ctx, r, "Repr")
}

func (l *Self) Str(ctx context.Context, r codec.Ref) (string, error) { return l.text(ctx, r, "Str") }

func (l *Self) text(ctx context.Context, r codec.Ref, op string) (string, error) {
	v, err := l.operate(ctx, r, op, &request{})
	if err != nil {
		return "", err
	}
	s, _ := codec.StringOf(v)
	return s, nil
}

func (l *Self) Call(ctx context.Context, r codec.Ref, args []codec.Value, kwargs map[string]codec.Value) (codec.Value, error) {
	return l.operate(ctx, r, "Call", &request{args: args, kw: kwargs})
}

func (l *Self) CallAttr(ctx context.Context, r codec.Ref, name string, args []codec.Value, kwargs map[string]codec.Value) (codec.Value, error) {
	if r.Home != selfHome {
		x, err := l.proxy(r)
		if err != nil {
			return nil, err
		}
		v, err := x.Peer.CallAttr(ctx, x.Ref, name, args, kwargs)
		if err != nil {
			return nil, err
		}
		return l.out(v, x.Peer, source{}), nil
	}
	return l.operate(ctx, r, "CallAttr", &request{attr: name, args: args, kw: kwargs})
}
