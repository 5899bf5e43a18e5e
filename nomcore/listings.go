package nomcore

import (
	"context"
	"errors"
	"math"
	"math/big"
	"strings"

	"nomfs/codec"
	"nomfs/nomcore/object"
	"nomfs/nomcore/wire"
)

var errUnsupported = errors.ErrUnsupported

// Each listing of an object is in two parts: what there is, which Self uses as
// well, and the page of it that one answer carries.

// The keys of a paged answer.
const (
	pageEntries = "entries"
	pageNext    = "next"  // where the next page starts, None at the end
	pageKinds   = "kinds" // of Keys: a letter for each item, see kindLetters
)

// page cuts entries from, from+1, … off a list of n so that they fill about one
// answer. size returns the encoded size of an entry. next is NONE at the end.
func (rq *pull) page(n int, size func(i int) (int, error)) (from, to int, next codec.Value, err error) {
	from = int(min(rq.from, int64(n)))
	to, err = cut(from, n, size)
	if err != nil {
		return 0, 0, nil, err
	}
	if to < n {
		return from, to, codec.Int(to), nil
	}
	return from, to, codec.None{}, nil
}

// cut returns how far the entries of a list fill about one answer.
func cut(from, n int, size func(i int) (int, error)) (to int, err error) {
	total := 0
	for to = from; to < n && total < pageBytes; to++ {
		k, err := size(to)
		if err != nil {
			return 0, err
		}
		if total += k; total > pageBytes && to > from {
			break // it starts the next page, which it may fill alone
		}
	}
	return to, nil
}

// describe returns what the object tells of itself, with the attributes that
// the client may read.
func (rq *pull) describe() (codec.Description, error) {
	o, ok := rq.obj.Impl.(Describer)
	if !ok {
		return codec.Description{}, errNotDescribed
	}
	d, err := o.Describe(rq.ctx)
	if err != nil {
		return d, err
	}
	rq.obj.Titled(&d)
	return d, nil
}

// errNotDescribed: an object does not list what it has. It is
// errors.ErrUnsupported to its owner, and NotImplementedError to peers.
var errNotDescribed = &kindError{"the object does not list what it has", []error{errors.ErrUnsupported}}

// describePage answers with the description; its attributes are paged. Only
// those of the page are screened.
func (rq *pull) describePage() (codec.Value, error) {
	if err := rq.load(); err != nil {
		return nil, err
	}
	d, err := rq.describe()
	if err != nil {
		return nil, err
	}
	from := int(min(rq.from, int64(len(d.Attrs))))
	var visible []codec.AttrInfo
	to, err := cut(from, len(d.Attrs), func(i int) (int, error) {
		if !rq.may("GetAttr", d.Attrs[i].Name) {
			return 0, nil
		}
		visible = append(visible, rq.restrict(d.Attrs[i]))
		one := codec.Description{Attrs: visible[len(visible)-1:]}
		return encodedSize(one.Value())
	})
	if err != nil {
		return nil, err
	}
	next := codec.Value(codec.None{})
	if to < len(d.Attrs) {
		next = codec.Int(to)
		if n := len(visible); n > 0 && d.Attrs[to].Name == visible[n-1].Name {
			visible = visible[:n-1] // it starts the next page
		}
	}
	d.Attrs = visible
	return codec.MapOf(map[string]codec.Value{pageEntries: d.Value(), pageNext: next}), nil
}

// restrict takes away what the client may not do to an attribute.
func (rq *pull) restrict(a codec.AttrInfo) codec.AttrInfo {
	a.Write = a.Write && rq.may("SetAttr", a.Name)
	a.Delete = a.Delete && rq.may("DelAttr", a.Name)
	return a
}

// methodInfo returns what the object tells of an attribute whose value is v, if
// the client asked for that and it is a method; nil elsewhere.
func (rq *pull) methodInfo(v codec.Value) codec.Value {
	f, isObject := v.(*Object)
	o, describes := rq.obj.Impl.(Describer)
	if !rq.look || !isObject || !describes {
		return nil
	}
	if _, callable := f.Impl.(Caller); !callable {
		return nil
	}
	d, err := o.Describe(rq.ctx)
	if err != nil {
		return nil
	}
	for _, a := range d.Attrs {
		if a.Name == rq.attr && a.Call {
			return codec.Description{Attrs: []codec.AttrInfo{rq.restrict(a)}}.Value()
		}
	}
	return nil
}

// dir returns the names of the attributes that the client may read.
func (rq *pull) dir() ([]string, error) {
	names, err := rq.attrNames()
	visible := names[:0:0]
	for _, n := range names {
		if rq.may("GetAttr", n) {
			visible = append(visible, n)
		}
	}
	return visible, err
}

// attrNames asks the object for its attributes, one way or the other.
func (rq *pull) attrNames() ([]string, error) {
	switch o := rq.obj.Impl.(type) {
	case object.Direr:
		return o.Dir(rq.ctx)
	case Describer:
		d, err := o.Describe(rq.ctx)
		names := make([]string, len(d.Attrs))
		for i, a := range d.Attrs {
			names[i] = a.Name
		}
		return names, err
	}
	return nil, errNotDescribed
}

func (rq *pull) dirPage() (codec.Value, error) {
	if err := rq.load(); err != nil {
		return nil, err
	}
	names, err := rq.dir()
	if err != nil {
		return nil, err
	}
	from, to, next, err := rq.page(len(names), func(i int) (int, error) { return encodedSize(codec.Bytes(names[i])) })
	if err != nil {
		return nil, err
	}
	return codec.MapOf(map[string]codec.Value{pageEntries: nameList(names[from:to]), pageNext: next}), nil
}

// keys returns the keys of the items, and their kinds where the object tells
// them.
func (rq *pull) keys() (keys []codec.Value, kinds []codec.Kind, err error) {
	switch o := rq.obj.Impl.(type) {
	case KindKeyer:
		return o.KeyKinds(rq.ctx)
	case Keyer:
		keys, err = o.Keys(rq.ctx)
		return keys, nil, err
	}
	return nil, nil, errNotDescribed
}

func (rq *pull) keysPage() (codec.Value, error) {
	if err := rq.load(); err != nil {
		return nil, err
	}
	keys, kinds, err := rq.keys()
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

// snapshot returns the attributes that have plain values, or those of them that
// are wanted, in the order of names. What cannot be read is left out.
func (rq *pull) snapshot() (names []string, values map[string]codec.Value, err error) {
	wanted := rq.names
	if wanted == nil {
		if wanted, err = rq.plainNames(); err != nil {
			return nil, nil, err
		}
	}
	for _, n := range wanted {
		if rq.may("GetAttr", n) {
			names = append(names, n)
		}
	}
	values, err = rq.read(names)
	for n, v := range values {
		if codec.HasRef(v) {
			delete(values, n)
		}
	}
	return names, values, err
}

// plainNames returns the names of all attributes but methods and references.
func (rq *pull) plainNames() ([]string, error) {
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

// read reads attributes: at one moment where the object can, one after the other
// elsewhere.
func (rq *pull) read(names []string) (map[string]codec.Value, error) {
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

func (rq *pull) snapshotPage() (codec.Value, error) {
	if err := rq.load(); err != nil {
		return nil, err
	}
	names, values, err := rq.snapshot()
	if err != nil {
		return nil, err
	}
	pairs := make([]codec.Pair, 0, len(values))
	for _, n := range names {
		v, ok := values[n]
		if !ok {
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

// The parts of refs in the answer to a LIST.
const (
	rootsHomeAt = iota
	rootsIDsAt
	rootsParts
)

// list answers LIST: with all names, or to peers of ours that ask so with a page
// of them, and with the references of the objects.
func (s *Service) list(ctx context.Context, p *Peer, pkt *wire.Packet) answer {
	from, paged := pkt.Int(wire.From)
	if !paged || from < 0 || from > maxXID || s.cfg.NoExtensions || !p.isOurs.Load() {
		return answer{result: nameList(s.reg.list())}
	}
	page, more := s.reg.page(int(from), pageBytes/idBytes)
	end, err := cut(0, len(page), func(i int) (int, error) {
		n, err := encodedSize(codec.Bytes(page[i].name))
		return n + idBytes, err
	})
	if err != nil {
		return answer{err: err}
	}
	names := make([]string, end)
	for i := range names {
		names[i] = page[i].name
	}
	a := answer{result: nameList(names), next: codec.None{}}
	if more || end < len(page) {
		a.next = codec.Int(int(from) + end)
	}
	if pkt.Has(wire.Refs) {
		home, err := s.homeFor(p)
		if err != nil {
			return answer{err: err}
		}
		a.refs = codec.Tuple{rootsHomeAt: codec.Bytes(home), rootsIDsAt: s.rootIDs(ctx, p, page[:end])}
	}
	return a
}

// rootIDs returns the ids of registered objects, and counts them as given.
func (s *Service) rootIDs(ctx context.Context, p *Peer, page []*registration) codec.Bytes {
	ids := make([]byte, 0, len(page)*idBytes)
	for _, reg := range page {
		var id [idBytes]byte
		if o, ok := reg.value.(*Object); ok && s.allowResolve(ctx, p, reg.name) == nil {
			if e, err := s.reg.give(p.refs, o, source{name: reg}); err == nil {
				id = e.id.bytes()
			}
		}
		ids = append(ids, id[:]...)
	}
	return codec.Bytes(ids)
}

func nameList(names []string) codec.List {
	list := make(codec.List, len(names))
	for i, n := range names {
		list[i] = codec.Bytes(n)
	}
	return list
}
