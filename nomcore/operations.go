package nomcore

import (
	"crypto/rand"
	"errors"
	"fmt"
	"math"
	"math/big"

	"nomfs/auth"
	"nomfs/codec"
)

// cannot is what Python says about an operation that an object does not have.
func cannot(o *Object, what string) error {
	return exception("TypeError", fmt.Sprintf("'%s' object %s", classOf(o.Impl), what))
}

func (rq *pullRequest) getAttr() (codec.Value, error) {
	o, ok := rq.obj.Impl.(AttrGetter)
	if !ok {
		return nil, noAttr(classOf(rq.obj.Impl), rq.attr)
	}
	return o.GetAttr(rq.ctx, rq.attr)
}

// getOrLook is getAttr, or what Peer.Look wants to know instead.
func (rq *pullRequest) getOrLook() (codec.Value, error) {
	v, err := rq.getAttr()
	if err != nil {
		return nil, err
	}
	if info := rq.methodInfo(v); info != nil {
		rq.extra = []codec.Attr{{Name: attrInfo, Value: info}}
		return codec.None{}, nil
	}
	return v, nil
}

func (rq *pullRequest) setAttr() (codec.Value, error) {
	o, ok := rq.obj.Impl.(AttrSetter)
	if !ok {
		return nil, noAttr(classOf(rq.obj.Impl), rq.attr)
	}
	v, err := rq.value(attrVal)
	if err != nil {
		return nil, err
	}
	return codec.None{}, o.SetAttr(rq.ctx, rq.attr, v)
}

func (rq *pullRequest) delAttr() (codec.Value, error) {
	o, ok := rq.obj.Impl.(AttrDeleter)
	if !ok {
		return nil, noAttr(classOf(rq.obj.Impl), rq.attr)
	}
	return codec.None{}, o.DelAttr(rq.ctx, rq.attr)
}

func (rq *pullRequest) getItem() (codec.Value, error) {
	o, ok := rq.obj.Impl.(ItemGetter)
	if !ok {
		return nil, cannot(rq.obj, "has no items")
	}
	key, err := rq.value(attrItem)
	if err != nil {
		return nil, err
	}
	return o.GetItem(rq.ctx, key)
}

func (rq *pullRequest) setItem() (codec.Value, error) {
	o, ok := rq.obj.Impl.(ItemSetter)
	if !ok {
		return nil, cannot(rq.obj, "does not support item assignment")
	}
	key, err := rq.value(attrItem)
	if err != nil {
		return nil, err
	}
	v, err := rq.value(attrVal)
	if err != nil {
		return nil, err
	}
	return codec.None{}, o.SetItem(rq.ctx, key, v)
}

func (rq *pullRequest) delItem() (codec.Value, error) {
	o, ok := rq.obj.Impl.(ItemDeleter)
	if !ok {
		return nil, cannot(rq.obj, "does not support item deletion")
	}
	key, err := rq.value(attrItem)
	if err != nil {
		return nil, err
	}
	return codec.None{}, o.DelItem(rq.ctx, key)
}

func (rq *pullRequest) len() (codec.Value, error) {
	o, ok := rq.obj.Impl.(Lener)
	if !ok {
		return nil, cannot(rq.obj, "has no len()")
	}
	n, err := o.Len(rq.ctx)
	return codec.Int(n), err
}

func (rq *pullRequest) repr() (codec.Value, error) {
	if o, ok := rq.obj.Impl.(Reprer); ok {
		text, err := o.Repr(rq.ctx)
		return codec.Bytes(text), err
	}
	return codec.Bytes(reprOf(rq.ctx, rq.obj.Impl)), nil
}

func (rq *pullRequest) str() (codec.Value, error) {
	if o, ok := rq.obj.Impl.(Strer); ok {
		text, err := o.Str(rq.ctx)
		return codec.Bytes(text), err
	}
	return codec.Bytes(strOf(rq.ctx, rq.obj.Impl)), nil
}

func (rq *pullRequest) call() (codec.Value, error) {
	args, kwargs, err := rq.arguments()
	if err != nil {
		return nil, err
	}
	o, ok := rq.obj.Impl.(Caller)
	if !ok {
		return nil, cannot(rq.obj, "is not callable")
	}
	return o.Call(rq.ctx, args, kwargs)
}

// arguments returns those of a call.
func (rq *pullRequest) arguments() (args []codec.Value, kwargs map[string]codec.Value, err error) {
	v, err := rq.value(attrArgs)
	if err != nil {
		return nil, nil, err
	}
	switch v := v.(type) {
	case codec.Tuple:
		args = v
	case codec.List:
		args = v
	default:
		return nil, nil, exception("TypeError", fmt.Sprintf("arguments must be a sequence, not %v", v.Kind()))
	}
	if v, err = rq.value(attrKwargs); err != nil {
		return nil, nil, err
	}
	m, ok := v.(*codec.Map)
	if !ok {
		return nil, nil, exception("TypeError", fmt.Sprintf("keywords must be a mapping, not %v", v.Kind()))
	}
	kwargs = make(map[string]codec.Value, m.Len())
	for _, pair := range m.Pairs() {
		name, ok := codec.StringOf(pair.Key)
		if !ok {
			return nil, nil, exception("TypeError", "keywords must be strings")
		}
		kwargs[name] = pair.Value
	}
	return args, kwargs, nil
}

// callAttr gets an attribute and calls it, without giving out a reference to
// it. The client needs the right to do either.
func (rq *pullRequest) callAttr() (codec.Value, error) {
	if !rq.may("GetAttr", rq.attr) {
		return nil, errDenied
	}
	f, err := rq.getAttr()
	if err != nil {
		return nil, err
	}
	args, kwargs, err := rq.arguments()
	if err != nil {
		return nil, err
	}
	switch f := f.(type) {
	case *Object:
		if o, ok := f.Impl.(Caller); ok {
			return o.Call(rq.ctx, args, kwargs)
		}
		return nil, cannot(f, "is not callable")
	case *Proxy:
		return f.Call(rq.ctx, args, kwargs)
	}
	return nil, exception("TypeError", fmt.Sprintf("'%v' object is not callable", f.Kind()))
}

// release takes references back: a list of (oid, count).
func (rq *pullRequest) release() (codec.Value, error) {
	v, _ := rq.pkt.get(attrRefs)
	list, ok := v.(codec.List)
	if !ok {
		return nil, exception("TypeError", "references must be a list")
	}
	for _, v := range list {
		pair, ok := v.(codec.Tuple)
		if !ok || len(pair) != 2 {
			return nil, exception("TypeError", "a reference given back is an oid and a count")
		}
		text, isID := idOf(pair[0])
		n, isCount := codec.Int64Of(pair[1])
		if !isID || !isCount || n < 0 || n > math.MaxInt32 {
			return nil, exception("ValueError", "a reference given back is an oid and a count")
		}
		if id, ok := parseObjectID(text); ok {
			rq.s.reg.release(rq.peer.refs, id, int(n))
		}
	}
	return codec.None{}, nil
}

// renew does nothing: that it came is what counts.
func (rq *pullRequest) renew() (codec.Value, error) { return codec.None{}, nil }

// cancel ends the context of a request of the same session.
func (rq *pullRequest) cancel() (codec.Value, error) {
	v, _ := rq.pkt.get(attrSeq)
	seq, ok := codec.Int64Of(v)
	if !ok || rq.tag == nil {
		return nil, exception("ValueError", "what is to be cancelled is a number of the session")
	}
	rq.s.sessions.cancel(rq.tag.session, uint64(seq))
	return codec.None{}, nil
}

// value returns an attribute of the request with its references made usable.
// The packet is left as it is: the answer may echo it.
func (rq *pullRequest) value(name string) (codec.Value, error) {
	v, _ := rq.pkt.get(name)
	rq.used = true
	return rq.s.incoming(v, rq.peer)
}

// may asks whether the client may do that to an attribute.
func (rq *pullRequest) may(op, attr string) bool {
	return rq.s.allow(rq.ctx, rq.peer, auth.Request{
		Right: ops[op].right, Op: op, ID: rq.id, Obj: rq.obj.Impl, Attr: attr,
	}) == nil
}

// integral returns a whole, non-negative number as decimal text.
func integral(v codec.Value) (string, bool) {
	switch v := v.(type) {
	case codec.Int:
		return big.NewInt(int64(v)).String(), v >= 0
	case codec.Float:
		f := big.NewFloat(0)
		if x := float64(v); math.IsNaN(x) || math.IsInf(x, 0) || x < 0 {
			return "", false
		}
		n, acc := f.SetFloat64(float64(v)).Int(nil)
		return n.String(), acc == big.Exact
	}
	return "", false
}

// randomBytes fills b.
func randomBytes(b []byte) { rand.Read(b) }

var errUnsupportedByPeer = fmt.Errorf("the peer does not offer it: %w", errors.ErrUnsupported)
