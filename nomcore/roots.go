package nomcore

import (
	"context"
	"fmt"
	"math"

	"nomfs/codec"
)

// A LIST that asks with the attribute refs is answered with the references of
// the registered objects as well, so that one request tells all that a client
// needs to know of the names. Only peers of ours ask and answer so.
//
//	request   refs   INT     the first name wanted
//	answer    result LIST    names
//	          refs   TUPLE   next, home, ids
//
// next is the number of the name that the next page begins with, NONE at the
// end. home is what the home of a reference holds, byte for byte; ids has 16
// bytes for each name of the page, zero where no object of this service is
// registered, or none that the client may have.
const (
	rootsNextAt = iota
	rootsHomeAt
	rootsIDsAt
	rootsParts
)

// rootsBytes is how much of one answer names and ids may fill, in bytes: some
// 2000 names. It leaves room for the rest of the packet.
const rootsBytes = 60_000

// list answers LIST.
func (s *Service) list(ctx context.Context, p *Peer, pkt *packet) answer {
	v, asked := pkt.get(attrRefs)
	from, isNumber := codec.Int64Of(v)
	if !asked || !isNumber || from < 0 || from > math.MaxInt32 || s.cfg.NoExtensions || !p.isOurs.Load() {
		return answer{result: nameList(s.reg.list())}
	}
	home, err := s.homeFor(p)
	if err != nil {
		return answer{result: nameList(s.reg.list())}
	}
	page, more := s.reg.page(int(from), rootsBytes/idBytes)
	names, total := make([]string, 0, len(page)), 0
	for _, reg := range page {
		n, err := encodedSize(codec.Bytes(reg.name))
		if err != nil {
			return answer{err: err}
		}
		if total += n + idBytes; total > rootsBytes && len(names) > 0 {
			break
		}
		names = append(names, reg.name)
	}
	var next codec.Value = codec.None{}
	if more || len(names) < len(page) {
		next = codec.Int(int(from) + len(names))
	}
	ids := s.rootIDs(ctx, p, page[:len(names)])
	refs := codec.Tuple{rootsNextAt: next, rootsHomeAt: codec.Bytes(home), rootsIDsAt: ids}
	return answer{result: nameList(names), extra: []codec.Attr{{Name: attrRefs, Value: refs}}}
}

// rootIDs returns the ids of registered objects, and counts them as given.
func (s *Service) rootIDs(ctx context.Context, p *Peer, page []*registration) codec.Bytes {
	ids := make([]byte, 0, len(page)*idBytes)
	for _, reg := range page {
		var id [idBytes]byte
		if o, ok := reg.value.(*Object); ok && s.allowResolve(ctx, p, reg.name) == nil {
			if e, err := s.reg.give(p.refTable(), o, source{name: reg}); err == nil {
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

// Roots returns the registered names, in the peer's order, and the references
// of those that are its objects and that we may have, all in one request where
// there are not more than some 2000. A peer that does not tell references is
// errors.ErrUnsupported.
func (p *Peer) Roots(ctx context.Context) (names []string, refs map[string]codec.Ref, err error) {
	refs = make(map[string]codec.Ref)
	next := 0
	for range maxPages {
		if offered, err := p.offers(ctx, extDescribe); err != nil {
			return nil, nil, err
		} else if !offered {
			return nil, nil, fmt.Errorf("%s: references of names: %w", p.addr, errUnsupportedByPeer)
		}
		pkt, err := p.s.roundTrip(ctx, p, request{
			cmd: cmdList, resend: true,
			attrs: makeAttrs(codec.Attr{Name: attrRefs, Value: codec.Int(next)}),
		})
		if err != nil {
			return nil, nil, err
		}
		v, err := p.result(pkt, "")
		if err != nil {
			return nil, nil, err
		}
		told, _ := pkt.get(attrRefs)
		parts, ok := told.(codec.Tuple)
		if !ok || len(parts) != rootsParts {
			return nil, nil, fmt.Errorf("%s: references of names: %w", p.addr, errUnsupportedByPeer)
		}
		page, err := p.rootPage(v, parts, refs)
		if err != nil {
			return nil, nil, err
		}
		names = append(names, page...)
		at, more := codec.Int64Of(parts[rootsNextAt])
		if !more {
			return names, refs, nil
		}
		if len(page) == 0 || at != int64(next+len(page)) {
			return nil, nil, fmt.Errorf("%s: %w: pages do not follow each other", p.addr, ErrProtocol)
		}
		next += len(page)
	}
	return nil, nil, fmt.Errorf("%s: %w: endless list", p.addr, ErrProtocol)
}

// rootPage reads one page of names and adds their references to refs.
func (p *Peer) rootPage(v codec.Value, parts codec.Tuple, refs map[string]codec.Ref) ([]string, error) {
	names, err := p.names(v)
	if err != nil {
		return nil, err
	}
	home, isHome := parts[rootsHomeAt].(codec.Bytes)
	ids, isIDs := parts[rootsIDsAt].(codec.Bytes)
	if !isHome || !isIDs || len(ids) != len(names)*idBytes {
		return nil, fmt.Errorf("%s: %w: references do not fit the names", p.addr, ErrProtocol)
	}
	for i, name := range names {
		id := objectIDOf(string(ids[i*idBytes:]))
		if id == (objectID{}) {
			continue
		}
		r := codec.Ref{ID: id.text(), Home: codec.Home(home)}
		if !p.s.isHome(r.Home) {
			p.received.count(r)
			refs[name] = r
		}
	}
	return names, nil
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
	if offered, err := to.offers(ctx, extDescribe); err != nil {
		return nil, nil, err
	} else if !offered {
		v, err := to.GetAttr(ctx, r, name)
		return v, nil, err
	}
	const op = "GetAttr"
	attrs := makeAttrs(
		codec.Attr{Name: attrAttr, Value: codec.Bytes(name)},
		codec.Attr{Name: attrInfo, Value: codec.Bool(true)},
		codec.Attr{Name: attrOID, Value: codec.Long(r.ID)},
		codec.Attr{Name: attrOp, Value: codec.Bytes(op)})
	pkt, err := p.s.roundTrip(ctx, to, request{cmd: cmdPull, op: op, attrs: attrs, id: r.ID, resend: true})
	if err != nil {
		return nil, nil, err
	}
	v, err := to.result(pkt, r.ID)
	if err != nil {
		return nil, nil, err
	}
	told, ok := pkt.get(attrInfo)
	if _, isMap := told.(*codec.Map); !ok || !isMap {
		return v, nil, nil
	}
	d, err := codec.ParseDescription(told)
	if err != nil || len(d.Attrs) != 1 {
		return nil, nil, fmt.Errorf("%s: %w: what it tells of %s", to.addr, ErrProtocol, name)
	}
	return nil, &d.Attrs[0], nil
}

// methodInfo returns what the object tells of an attribute whose value is v, if
// the client asked for that and it is a method; nil elsewhere.
func (rq *pullRequest) methodInfo(v codec.Value) *codec.Map {
	if _, asked := rq.pkt.get(attrInfo); !asked || rq.s.cfg.NoExtensions || !rq.peer.isOurs.Load() {
		return nil
	}
	f, isObject := v.(*Object)
	o, describes := rq.obj.Impl.(Describer)
	if !isObject || !describes {
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
			return codec.Description{Attrs: []codec.AttrInfo{rq.cut(a)}}.Value()
		}
	}
	return nil
}

// cut takes away what the client may not do to an attribute.
func (rq *pullRequest) cut(a codec.AttrInfo) codec.AttrInfo {
	a.Write = a.Write && rq.may("SetAttr", a.Name)
	a.Delete = a.Delete && rq.may("DelAttr", a.Name)
	return a
}
