package nomcore

import (
	"context"
	"errors"
	"fmt"

	"nomfs/codec"
	"nomfs/nomcore/wire"
)

// result takes the outcome out of the answer to a call. id is the object that
// was asked.
func (c *call) result(id codec.ID) (codec.Value, error) {
	p, pkt := c.ask.p, &c.pkt
	if pkt.Has(wire.Error) {
		v, err := pkt.Value(wire.Error)
		exc, ok := v.(codec.Exception)
		if err != nil || !ok {
			return nil, fmt.Errorf("%s: %w: error is %v, not an exception", p.addr, ErrProtocol, kindOf(v))
		}
		if pkt.Has(wire.Result) && exc.Class == "NameError" {
			// Nothing else is answered with an error and a result.
			return nil, &unknownOpError{RemoteError{exc}}
		}
		return nil, remoteError(exc, id)
	}
	v, err := pkt.Value(wire.Result)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w: %w", p.addr, ErrProtocol, err)
	case v == nil:
		return nil, fmt.Errorf("%s: %w: no result", p.addr, ErrProtocol)
	}
	return p.s.homecoming(v, p), nil
}

// unknownOpError is the answer of a peer that does not know the operation.
type unknownOpError struct{ RemoteError }

// isUnknownOp reports whether a peer answered that it does not know the
// operation. Nothing has run then.
func isUnknownOp(err error) bool {
	if err == nil {
		return false
	}
	var unknown *unknownOpError
	return errors.As(err, &unknown)
}

// do sends a request and returns its outcome.
func (p *Peer) do(ctx context.Context, rq *request) (codec.Value, error) {
	c, err := p.roundTrip(ctx, rq)
	if err != nil {
		return nil, err
	}
	defer p.ask().release(c)
	return c.result(rq.id)
}

// pull performs an operation on the object r.
func (p *Peer) pull(ctx context.Context, r codec.Ref, op string, rq *request) (codec.Value, error) {
	to, err := p.route(r.Home)
	if err != nil {
		return nil, err
	}
	rq.cmd, rq.op, rq.id = wire.Pull, ops[op], r.ID
	rq.resend = rq.op.safe
	return to.do(ctx, rq)
}

// noSeqs is a list of no numbers.
const noSeqs = codec.Bytes("")

// Resolve returns what is registered under name: a codec.Ref, or a plain
// value, which is a copy. An unknown name is fs.ErrNotExist.
func (p *Peer) Resolve(ctx context.Context, name string) (codec.Value, error) {
	return p.do(ctx, &request{cmd: wire.Resolve, name: name, resend: true})
}

// Object returns the object that is registered under name. An unknown name is
// fs.ErrNotExist, a plain value codec.ErrType: Resolve returns it.
func (p *Peer) Object(ctx context.Context, name string) (*Proxy, error) {
	v, err := p.Resolve(ctx, name)
	if err != nil {
		return nil, err
	}
	r, ok := v.(codec.Ref)
	if !ok {
		return nil, fmt.Errorf("%s: %w: %s is %v, not an object of the peer", p.addr, codec.ErrType, name, v.Kind())
	}
	return p.adopt(r), nil
}

// GetAttr returns an attribute: a copy, or a reference (codec.Ref, or *Object
// for an object of our own).
func (p *Peer) GetAttr(ctx context.Context, r codec.Ref, name string) (codec.Value, error) {
	return p.pull(ctx, r, "GetAttr", &request{attr: name})
}

// SetAttr sets an attribute.
func (p *Peer) SetAttr(ctx context.Context, r codec.Ref, name string, v codec.Value) error {
	_, err := p.pull(ctx, r, "SetAttr", &request{attr: name, val: v})
	return err
}

// DelAttr deletes an attribute.
func (p *Peer) DelAttr(ctx context.Context, r codec.Ref, name string) error {
	_, err := p.pull(ctx, r, "DelAttr", &request{attr: name})
	return err
}

// GetItem returns an item; key is any plain value.
func (p *Peer) GetItem(ctx context.Context, r codec.Ref, key codec.Value) (codec.Value, error) {
	return p.pull(ctx, r, "GetItem", &request{item: key})
}

// SetItem sets an item.
func (p *Peer) SetItem(ctx context.Context, r codec.Ref, key, v codec.Value) error {
	_, err := p.pull(ctx, r, "SetItem", &request{item: key, val: v})
	return err
}

// DelItem deletes an item.
func (p *Peer) DelItem(ctx context.Context, r codec.Ref, key codec.Value) error {
	_, err := p.pull(ctx, r, "DelItem", &request{item: key})
	return err
}

// Len returns the number of items.
func (p *Peer) Len(ctx context.Context, r codec.Ref) (int, error) {
	v, err := p.pull(ctx, r, "Len", &request{})
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
	v, err := p.pull(ctx, r, op, &request{})
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
	return p.pull(ctx, r, "Call", &request{args: args, kw: kwargs})
}

// offers reports whether the peer offers an extension. A peer that we know only
// from a reference is asked first what it is.
// what is the operation that needs it.
func (p *Peer) offers(ctx context.Context, what string, bit uint32) (bool, error) {
	if !p.synced.Load() {
		if _, err := p.askingSession(ctx); err != nil {
			return false, p.noSession(what, err)
		}
	}
	return p.ext.Load()&bit != 0, nil
}

// CallAttr calls an attribute: in one request, and without a reference to the
// method, where the peer offers that; else by GetAttr and Call.
func (p *Peer) CallAttr(ctx context.Context, r codec.Ref, name string, args []codec.Value, kwargs map[string]codec.Value) (codec.Value, error) {
	to, err := p.route(r.Home)
	if err != nil {
		return nil, err
	}
	offered, err := to.offers(ctx, "CallAttr", wire.ExtCallAttr)
	if err != nil {
		return nil, err
	}
	if offered {
		v, err := to.pull(ctx, r, "CallAttr", &request{attr: name, args: args, kw: kwargs})
		if !isUnknownOp(err) {
			return v, err
		}
		to.ext.Store(0) // it was replaced by an original, and nothing ran
	}
	v, err := to.GetAttr(ctx, r, name)
	if err != nil {
		return nil, err
	}
	switch f := v.(type) {
	case codec.Ref:
		defer to.Release(f)
		return to.Call(ctx, f, args, kwargs)
	case *Object:
		if o, ok := f.Impl.(Caller); ok {
			return o.Call(ctx, args, kwargs)
		}
	}
	return nil, &RemoteError{exception("TypeError", fmt.Sprintf("'%v' object is not callable", v.Kind()))}
}

// Look returns an attribute as GetAttr does, unless it is a method of an object
// that describes itself: then it returns what the object tells of it, and no
// value. So nothing is exported for a method that is only looked at. A peer that
// cannot tell answers as to GetAttr.
func (p *Peer) Look(ctx context.Context, r codec.Ref, name string) (codec.Value, *codec.AttrInfo, error) {
	to, err := p.route(r.Home)
	if err != nil {
		return nil, nil, err
	}
	if offered, err := to.offers(ctx, "GetAttr", wire.ExtDescribe); err != nil {
		return nil, nil, err
	} else if !offered {
		v, err := to.GetAttr(ctx, r, name)
		return v, nil, err
	}
	c, err := to.roundTrip(ctx, &request{
		cmd: wire.Pull, op: ops["GetAttr"], id: r.ID, attr: name, look: true, resend: true,
	})
	if err != nil {
		return nil, nil, err
	}
	defer to.ask().release(c)
	v, err := c.result(r.ID)
	if err != nil || !c.pkt.Has(wire.Info) {
		return v, nil, err
	}
	told, err := c.pkt.Value(wire.Info)
	if _, isMap := told.(*codec.Map); err == nil && !isMap {
		return v, nil, nil // an original repeats what it was asked
	}
	d, err := codec.ParseDescription(told)
	if err != nil || len(d.Attrs) != 1 {
		return nil, nil, fmt.Errorf("%s: %w: what it tells of %s", to.addr, ErrProtocol, name)
	}
	return nil, &d.Attrs[0], nil
}
