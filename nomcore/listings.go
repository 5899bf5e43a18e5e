package nomcore

import (
	"math"
	"math/big"
	"strings"

	"nomfs/codec"
)

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
		if !ok || codec.HasRef(v) {
			continue
		}
		if size, err := encodedSize(v); err == nil && size <= maxEntry { // others are had by GetAttr, or not at all
			pairs = append(pairs, codec.Pair{Key: codec.Bytes(n), Value: v})
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
	rq.obj.Titled(&d)
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
			visible = append(visible, codec.Bytes(n))
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
