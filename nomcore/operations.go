package nomcore

import (
	"crypto/rand"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strings"

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
		return codec.StringValue(text), err
	}
	return codec.StringValue(reprOf(rq.ctx, rq.obj.Impl)), nil
}

func (rq *pullRequest) str() (codec.Value, error) {
	if o, ok := rq.obj.Impl.(Strer); ok {
		text, err := o.Str(rq.ctx)
		return codec.StringValue(text), err
	}
	return codec.StringValue(strOf(rq.ctx, rq.obj.Impl)), nil
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

// snapshot answers with the attributes that have plain values, or with those
// of them that were asked for. What cannot be read is left out.
func (rq *pullRequest) snapshot() (codec.Value, error) {
	names, err := rq.wanted()
	if err != nil {
		return nil, err
	}
	readable := names[:0:0]
	for _, n := range names {
		if rq.may("GetAttr", n) {
			readable = append(readable, n)
		}
	}
	values, err := rq.snapshotOf(readable)
	if err != nil {
		return nil, err
	}
	pairs := make([]codec.Pair, 0, len(values))
	for _, n := range readable {
		v, ok := values[n]
		if !ok || hasObject(v) {
			continue
		}
		if size, err := encodedSize(v); err == nil && size <= maxEntry { // others are had by GetAttr, or not at all
			pairs = append(pairs, codec.Pair{Key: codec.StringValue(n), Value: v})
		}
	}
	from, to, next, err := rq.page(len(pairs), func(i int) (int, error) {
		k, err := encodedSize(pairs[i].Value)
		return k + len(pairs[i].Key.String()), err
	})
	if err != nil {
		return nil, err
	}
	m, err := codec.NewMap(pairs[from:to]...)
	if err != nil {
		return nil, err
	}
	return codec.MapOf(map[string]codec.Value{pageEntries: m, pageNext: next}), nil
}

// wanted returns the names of the attributes asked for: those in the request,
// or all but methods.
func (rq *pullRequest) wanted() ([]string, error) {
	if v, ok := rq.pkt.get(attrNames); ok {
		list, ok := v.(codec.List)
		if !ok {
			return nil, exception("TypeError", "names must be a list")
		}
		names := make([]string, 0, len(list))
		for _, v := range list {
			if n, ok := codec.StringOf(v); ok {
				names = append(names, rq.attrName(n))
			}
		}
		return names, nil
	}
	o, ok := rq.obj.Impl.(Describer)
	if !ok {
		return rq.attrNames()
	}
	d, err := o.Describe(rq.ctx)
	names := make([]string, 0, len(d.Attrs))
	for _, a := range d.Attrs {
		if !a.Call && a.Kind != codec.KindRef {
			names = append(names, a.Name)
		}
	}
	return names, err
}

// snapshotOf reads attributes: at one moment where the object can, one after
// the other elsewhere.
func (rq *pullRequest) snapshotOf(names []string) (map[string]codec.Value, error) {
	if o, ok := rq.obj.Impl.(Snapshotter); ok {
		return o.Snapshot(rq.ctx, names)
	}
	o, ok := rq.obj.Impl.(AttrGetter)
	if !ok {
		return nil, nil
	}
	values := make(map[string]codec.Value, len(names))
	for _, n := range names {
		if v, err := o.GetAttr(rq.ctx, n); err == nil {
			values[n] = v
		}
	}
	return values, rq.ctx.Err()
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
		id, isID := objectID(pair[0])
		n, isCount := codec.Int64Of(pair[1])
		if !isID || !isCount || n < 0 || n > math.MaxInt32 {
			return nil, exception("ValueError", "a reference given back is an oid and a count")
		}
		rq.s.reg.release(rq.peer.refs, id, int(n))
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

// page cuts entries i, i+1, … off a list so that they fill about one answer.
// size returns the encoded size of an entry. next is nil at the end.
func (rq *pullRequest) page(n int, size func(i int) (int, error)) (from, to int, next codec.Value, err error) {
	if v, ok := rq.pkt.get(attrFrom); ok {
		start, ok := codec.Int64Of(v)
		if !ok || start < 0 {
			return 0, 0, nil, exception("ValueError", "page must start at a number from 0")
		}
		from = int(min(start, int64(n)))
	}
	total := 0
	for to = from; to < n && total < pageBytes; to++ {
		k, err := size(to)
		if err != nil {
			return 0, 0, nil, err
		}
		if total += k; total > pageBytes && to > from {
			break // it starts the next page, which it may fill alone
		}
	}
	if to < n {
		return from, to, codec.Int(to), nil
	}
	return from, to, codec.None{}, nil
}

// The keys of a paged answer.
const (
	pageEntries = "entries"
	pageNext    = "next"  // where the next page starts, None at the end
	pageKinds   = "kinds" // of Keys: a letter for each item, see kindLetters
)

// kindLetters has the letter of each codec.Kind on the wire. A letter that is
// not here, as a later version may send, is a kind that is not known.
const kindLetters = "?NBIFbtLTSMs.ER"

func kindLetter(k codec.Kind) byte {
	if int(k) < len(kindLetters) {
		return kindLetters[k]
	}
	return kindLetters[codec.KindInvalid]
}

func kindOfLetter(c byte) codec.Kind {
	return codec.Kind(max(strings.IndexByte(kindLetters, c), 0))
}

// describe answers with the description; its attributes are paged.
func (rq *pullRequest) describe() (codec.Value, error) {
	o, ok := rq.obj.Impl.(Describer)
	if !ok {
		return nil, exception("NotImplementedError", "the object does not describe itself")
	}
	d, err := o.Describe(rq.ctx)
	if err != nil {
		return nil, err
	}
	visible := make([]codec.AttrInfo, 0, len(d.Attrs))
	for _, a := range d.Attrs {
		if !rq.may("GetAttr", a.Name) {
			continue
		}
		visible = append(visible, rq.cut(a))
	}
	from, to, next, err := rq.page(len(visible), func(i int) (int, error) {
		one := codec.Description{Attrs: visible[i : i+1]}
		return encodedSize(one.Value())
	})
	if err != nil {
		return nil, err
	}
	d.Attrs = visible[from:to]
	return codec.MapOf(map[string]codec.Value{pageEntries: d.Value(), pageNext: next}), nil
}

// dir answers with the names of the attributes that the client may read.
func (rq *pullRequest) dir() (codec.Value, error) {
	names, err := rq.attrNames()
	if err != nil {
		return nil, err
	}
	visible := make([]codec.Value, 0, len(names))
	for _, n := range names {
		if rq.may("GetAttr", n) {
			visible = append(visible, codec.StringValue(n))
		}
	}
	return rq.pageOf(visible)
}

// attrNames asks the object for its attributes, one way or the other.
func (rq *pullRequest) attrNames() ([]string, error) {
	switch o := rq.obj.Impl.(type) {
	case Direr:
		return o.Dir(rq.ctx)
	case Describer:
		d, err := o.Describe(rq.ctx)
		names := make([]string, len(d.Attrs))
		for i, a := range d.Attrs {
			names[i] = a.Name
		}
		return names, err
	}
	return nil, exception("NotImplementedError", "the object does not list its attributes")
}

// keys answers with the keys of the items, and their kinds where the object
// tells them.
func (rq *pullRequest) keys() (codec.Value, error) {
	var keys []codec.Value
	var kinds []codec.Kind
	var err error
	switch o := rq.obj.Impl.(type) {
	case KindKeyer:
		keys, kinds, err = o.KeyKinds(rq.ctx)
	case Keyer:
		keys, err = o.Keys(rq.ctx)
	default:
		return nil, exception("NotImplementedError", "the object does not list its keys")
	}
	if err != nil {
		return nil, err
	}
	from, to, next, err := rq.page(len(keys), func(i int) (int, error) { return encodedSize(keys[i]) })
	if err != nil {
		return nil, err
	}
	page := map[string]codec.Value{pageEntries: codec.List(keys[from:to]), pageNext: next}
	if len(kinds) == len(keys) {
		letters := make([]byte, 0, to-from)
		for _, k := range kinds[from:to] {
			letters = append(letters, kindLetter(k))
		}
		page[pageKinds] = codec.Bytes(letters)
	}
	return codec.MapOf(page), nil
}

// pageOf is the wanted page of a list of values.
func (rq *pullRequest) pageOf(vs []codec.Value) (codec.Value, error) {
	from, to, next, err := rq.page(len(vs), func(i int) (int, error) { return encodedSize(vs[i]) })
	if err != nil {
		return nil, err
	}
	return codec.MapOf(map[string]codec.Value{pageEntries: codec.List(vs[from:to]), pageNext: next}), nil
}

// may asks whether the client may do that to an attribute.
func (rq *pullRequest) may(op, attr string) bool {
	return rq.s.allow(rq.ctx, rq.peer, auth.Request{
		Right: ops[op].right, Op: op, ID: rq.id, Obj: rq.obj.Impl, Attr: attr,
	}) == nil
}

// encodedSize returns the size of a value on the wire, in bytes. References
// count with about what they take.
func encodedSize(v codec.Value) (int, error) {
	enc := codec.Encoder{Ref: func(codec.Value) (codec.Ref, error) { return sampleRef, nil }}
	b, err := enc.Append(nil, v)
	return len(b), err
}

// sampleRef is as long as references get.
var sampleRef = codec.Ref{
	ID:   codec.ID(new(big.Int).Lsh(big.NewInt(1), 8*idBytes).String()),
	Home: codec.NewHome("255.255.255.255", math.MaxUint16),
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
