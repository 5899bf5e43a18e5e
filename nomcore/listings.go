package nomcore

import (
	"cmp"
	"context"
	"errors"
	"math"
	"math/big"
	"slices"
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

	pairHead   = 5 // bytes of a pair in a map, beside its key and value
	letterSize = 1 // bytes of a kind
)

// page is one page of a listing, while it is filled.
type page struct {
	at      int // number of the next entry
	entries codec.List
	size    int         // of the entries on the wire, in bytes
	next    codec.Value // at which entry the following page starts, None at the end
	room    []byte
	err     error
}

func (rq *pull) newPage() *page {
	return &page{at: int(min(rq.from, maxXID)), next: codec.None{}}
}

// measure returns how many bytes a value takes on the wire.
func (p *page) measure(v codec.Value) (n int, err error) {
	p.room, err = sizing.Append(p.room[:0], v)
	return len(p.room), err
}

// put puts an entry of n bytes on the page. It reports false where the page is
// full: the entry starts the next one, which it may fill alone.
func (p *page) put(entry codec.Value, n int) bool {
	if p.size += n; p.size > pageBytes && len(p.entries) > 0 {
		p.next = codec.Int(p.at)
		return false
	}
	p.entries = append(p.entries, entry)
	p.at++
	return true
}

// add measures an entry, which takes extra bytes beside itself, and puts it on
// the page.
func (p *page) add(entry codec.Value, extra int) bool {
	n, err := p.measure(entry)
	if err != nil {
		p.err = err
		return false
	}
	return p.put(entry, n+extra)
}

// answer returns the page as it is sent; entries are those on it.
func (p *page) answer(entries codec.Value) map[string]codec.Value {
	return map[string]codec.Value{pageEntries: entries, pageNext: p.next}
}

// describer returns the object, if it tells of itself.
func (rq *pull) describer() (Describer, error) {
	o, ok := rq.obj.Impl.(Describer)
	if !ok {
		return nil, errNotDescribed
	}
	return o, nil
}

// describe returns what the object tells of itself.
func (rq *pull) describe() (codec.Description, error) {
	o, err := rq.describer()
	if err != nil {
		return codec.Description{}, err
	}
	d, err := o.Describe(rq.ctx)
	rq.obj.Titled(&d)
	return d, err
}

// errNotDescribed: an object does not list what it has. It is
// errors.ErrUnsupported to its owner, and NotImplementedError to peers.
var errNotDescribed = &kindError{"the object does not list what it has", []error{errors.ErrUnsupported}}

// describePage answers with the description, and with those attributes of the
// page that the client may read.
func (rq *pull) describePage() (codec.Value, error) {
	if err := rq.load(); err != nil {
		return nil, err
	}
	o, err := rq.describer()
	if err != nil {
		return nil, err
	}
	p := rq.newPage()
	d, err := object.DescribeFrom(rq.ctx, o, p.at, func(a codec.AttrInfo) bool {
		if rq.may("GetAttr", a.Name) {
			return p.add(rq.restrict(a).Value(), 0)
		}
		p.at++
		return true
	})
	if err = cmp.Or(err, p.err); err != nil {
		return nil, err
	}
	rq.obj.Titled(&d)
	return codec.MapOf(p.answer(d.ValueWith(p.entries))), nil
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
	if a, ok := object.DescribeAttr(rq.ctx, o, rq.attr); ok && a.Call {
		return codec.Description{Attrs: []codec.AttrInfo{rq.restrict(a)}}.Value()
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
	names, err := rq.attrNames()
	if err != nil {
		return nil, err
	}
	p := rq.newPage()
	for _, n := range names[min(p.at, len(names)):] {
		if !rq.may("GetAttr", n) {
			p.at++
		} else if !p.add(codec.Bytes(n), 0) {
			break
		}
	}
	return codec.MapOf(p.answer(p.entries)), p.err
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
	p := rq.newPage()
	from := min(p.at, len(keys))
	for _, k := range keys[from:] {
		if !p.add(k, letterSize) {
			break
		}
	}
	a := p.answer(p.entries)
	if len(kinds) == len(keys) {
		letters := make([]byte, 0, len(p.entries))
		for _, k := range kinds[from : from+len(p.entries)] {
			letters = append(letters, kindLetter(k))
		}
		a[pageKinds] = codec.Bytes(letters)
	}
	return codec.MapOf(a), p.err
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
// are wanted, from the one on with which the page starts. The values of names
// that cannot be read are missing.
func (rq *pull) snapshot() (names []string, values map[string]codec.Value, err error) {
	names = rq.names
	if names == nil {
		if names, err = rq.plainNames(); err != nil {
			return nil, nil, err
		}
	}
	names = names[min(rq.from, int64(len(names))):]
	values, err = rq.read(slices.DeleteFunc(slices.Clone(names), func(n string) bool { return !rq.may("GetAttr", n) }))
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
	p := rq.newPage()
	var pairs []codec.Pair
	for _, n := range names {
		v, ok := values[n]
		if !ok {
			p.at++
			continue
		}
		size, err := p.measure(v)
		if err != nil || size > maxEntry { // it is had by GetAttr, or not at all
			p.at++
			continue
		}
		key := codec.Bytes(n)
		keySize, _ := p.measure(key)
		if !p.put(v, size+keySize+pairHead) {
			break
		}
		pairs = append(pairs, codec.Pair{Key: key, Value: v})
	}
	m, err := codec.NewMap(pairs...)
	if err != nil {
		return nil, err
	}
	return codec.MapOf(p.answer(m)), nil
}

// sizing encodes values to see what they take. References count with about what
// they take.
var sizing = codec.Encoder{Ref: func(codec.Value) (codec.Ref, error) { return sampleRef, nil }}

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
	regs, more := s.reg.page(int(from), pageBytes/idBytes)
	names := page{at: int(from), next: codec.None{}}
	for _, reg := range regs {
		if !names.add(codec.Bytes(reg.name), idBytes) {
			break
		}
	}
	if more && len(names.entries) == len(regs) {
		names.next = codec.Int(names.at)
	}
	a := answer{result: names.entries, next: names.next}
	if pkt.Has(wire.Refs) {
		home, err := s.homeFor(p)
		if err != nil {
			return answer{err: err}
		}
		a.refs = codec.Tuple{rootsHomeAt: codec.Bytes(home), rootsIDsAt: s.rootIDs(ctx, p, regs[:len(names.entries)])}
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
