package nomcore

import (
	"crypto/rand"
	"math"
	"math/big"

	"nomfs/codec"
	"nomfs/nomcore/object"
	"nomfs/nomcore/wire"
)

func (rq *pull) cannot(what string) error { return object.Cannot(rq.obj.Impl, what) }

func (rq *pull) noAttr() error { return object.NoAttr(object.ClassOf(rq.obj.Impl), rq.attr) }

func (rq *pull) getAttr() (codec.Value, error) {
	o, ok := rq.obj.Impl.(AttrGetter)
	if !ok {
		return nil, rq.noAttr()
	}
	if err := rq.load(); err != nil {
		return nil, err
	}
	return o.GetAttr(rq.ctx, rq.attr)
}

// getOrDescribe is getAttr, or what Peer.Look wants to know instead.
func (rq *pull) getOrDescribe() (codec.Value, error) {
	v, err := rq.getAttr()
	if err != nil {
		return nil, err
	}
	if rq.info = rq.methodInfo(v); rq.info != nil {
		return codec.None{}, nil
	}
	return v, nil
}

func (rq *pull) setAttr() (codec.Value, error) {
	o, ok := rq.obj.Impl.(AttrSetter)
	if !ok {
		return nil, rq.noAttr()
	}
	if err := rq.load(); err != nil {
		return nil, err
	}
	return codec.None{}, o.SetAttr(rq.ctx, rq.attr, rq.val)
}

func (rq *pull) delAttr() (codec.Value, error) {
	o, ok := rq.obj.Impl.(AttrDeleter)
	if !ok {
		return nil, rq.noAttr()
	}
	if err := rq.load(); err != nil {
		return nil, err
	}
	return codec.None{}, o.DelAttr(rq.ctx, rq.attr)
}

func (rq *pull) getItem() (codec.Value, error) {
	o, ok := rq.obj.Impl.(ItemGetter)
	if !ok {
		return nil, rq.cannot("has no items")
	}
	if err := rq.load(); err != nil {
		return nil, err
	}
	return o.GetItem(rq.ctx, rq.item)
}

func (rq *pull) setItem() (codec.Value, error) {
	o, ok := rq.obj.Impl.(ItemSetter)
	if !ok {
		return nil, rq.cannot("does not support item assignment")
	}
	if err := rq.load(); err != nil {
		return nil, err
	}
	return codec.None{}, o.SetItem(rq.ctx, rq.item, rq.val)
}

func (rq *pull) delItem() (codec.Value, error) {
	o, ok := rq.obj.Impl.(ItemDeleter)
	if !ok {
		return nil, rq.cannot("does not support item deletion")
	}
	if err := rq.load(); err != nil {
		return nil, err
	}
	return codec.None{}, o.DelItem(rq.ctx, rq.item)
}

func (rq *pull) len() (codec.Value, error) {
	o, ok := rq.obj.Impl.(Lener)
	if !ok {
		return nil, rq.cannot("has no len()")
	}
	if err := rq.load(); err != nil {
		return nil, err
	}
	n, err := o.Len(rq.ctx)
	return codec.Int(n), err
}

func (rq *pull) repr() (codec.Value, error) {
	if err := rq.load(); err != nil {
		return nil, err
	}
	if o, ok := rq.obj.Impl.(Reprer); ok {
		text, err := o.Repr(rq.ctx)
		return codec.Bytes(text), err
	}
	return codec.Bytes(object.ReprOf(rq.ctx, rq.obj.Impl)), nil
}

func (rq *pull) str() (codec.Value, error) {
	if err := rq.load(); err != nil {
		return nil, err
	}
	if o, ok := rq.obj.Impl.(Strer); ok {
		text, err := o.Str(rq.ctx)
		return codec.Bytes(text), err
	}
	return codec.Bytes(object.StrOf(rq.ctx, rq.obj.Impl)), nil
}

func (rq *pull) call() (codec.Value, error) {
	o, ok := rq.obj.Impl.(Caller)
	if !ok {
		return nil, rq.cannot("is not callable")
	}
	if err := rq.load(); err != nil {
		return nil, err
	}
	return o.Call(rq.ctx, rq.args, rq.kwargs)
}

// callAttr gets an attribute and calls it, without giving out a reference to
// it. The client needs the right to do either.
func (rq *pull) callAttr() (codec.Value, error) {
	if !rq.may("GetAttr", rq.attr) {
		return nil, errDenied
	}
	if err := rq.load(); err != nil {
		return nil, err
	}
	return object.CallAttr(rq.ctx, rq.obj.Impl, rq.attr, rq.args, rq.kwargs)
}

// release takes references back: a list of (oid, count).
func (rq *pull) release() (codec.Value, error) {
	v, err := rq.job.w.pkt.Value(wire.Refs)
	list, ok := v.(codec.List)
	if err != nil || !ok {
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

var errNoNumbers = exception("ValueError", "the numbers of a session are wanted")

// cancel ends the context of a request of the same session.
func (rq *pull) cancel() (codec.Value, error) {
	seq, ok := rq.job.w.pkt.Int(wire.Seq)
	if !ok || rq.job.sess == nil {
		return nil, errNoNumbers
	}
	rq.job.sess.cancel(uint64(seq))
	return codec.None{}, nil
}

// running tells which requests of the same session still run, and sends the
// answers of those that are done again.
func (rq *pull) running() (codec.Value, error) {
	seqs, ok := rq.job.w.pkt.Text(wire.Seq)
	sess := rq.job.sess
	if !ok || sess == nil {
		return nil, errNoNumbers
	}
	var states []byte
	for seq, rest, ok := wire.NextSeq(seqs); ok; seq, rest, ok = wire.NextSeq(rest) {
		state, answer := sess.state(seq)
		states = append(states, state)
		if answer != nil {
			_ = rq.peer.sendAnswer(answer) // lost like any datagram: the client asks again
		}
	}
	return codec.Bytes(states), nil
}

// idOf reads an oid, which may come as any number.
func idOf(v codec.Value) (codec.ID, bool) {
	switch v := v.(type) {
	case codec.Long:
		return codec.ID(v), true
	case codec.Int:
		return codec.ID(big.NewInt(int64(v)).String()), v >= 0
	case codec.Float:
		if x := float64(v); math.IsNaN(x) || math.IsInf(x, 0) || x < 0 {
			return "", false
		}
		n, acc := big.NewFloat(float64(v)).Int(nil)
		return codec.ID(n.String()), acc == big.Exact
	}
	return "", false
}

// randomBytes fills b.
func randomBytes(b []byte) { rand.Read(b) }
