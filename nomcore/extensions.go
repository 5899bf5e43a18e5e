package nomcore

import (
	"context"
	"errors"
	"fmt"

	"nomfs/codec"
)

// maxPages bounds the pages of one listing: 32 KiB each, so some 500 MiB.
const maxPages = 1 << 14

// Describe returns what an object tells about itself, with all attributes that
// we may know. A peer without the extension is errors.ErrUnsupported at once,
// an object that does not describe itself likewise.
func (p *Peer) Describe(ctx context.Context, r codec.Ref) (codec.Description, error) {
	var all codec.Description
	err := p.pages(ctx, r, "Describe", extDescribe, func(v codec.Value, _ *codec.Map) (int, error) {
		d, err := codec.ParseDescription(v)
		if err != nil {
			return 0, err
		}
		attrs := append(all.Attrs, d.Attrs...)
		all = d
		all.Attrs = attrs
		return len(d.Attrs), nil
	})
	return all, err
}

// Dir returns the names of all attributes that we may read.
func (p *Peer) Dir(ctx context.Context, r codec.Ref) ([]string, error) {
	var all []string
	err := p.pages(ctx, r, "Dir", extDir, func(v codec.Value, _ *codec.Map) (int, error) {
		names, err := p.names(v)
		all = append(all, names...)
		return len(names), err
	})
	return all, err
}

// Keys returns the keys of an object's items, in its order.
func (p *Peer) Keys(ctx context.Context, r codec.Ref) ([]codec.Value, error) {
	keys, _, err := p.KeysAndKinds(ctx, r)
	return keys, err
}

// KeysAndKinds returns the keys of an object's items and the kind of each item,
// KindInvalid where the object cannot tell without reading it.
func (p *Peer) KeysAndKinds(ctx context.Context, r codec.Ref) ([]codec.Value, []codec.Kind, error) {
	var all []codec.Value
	var kinds []codec.Kind
	err := p.pages(ctx, r, "Keys", extKeys, func(v codec.Value, page *codec.Map) (int, error) {
		keys, ok := v.(codec.List)
		if !ok {
			return 0, fmt.Errorf("%w: keys are %v", ErrProtocol, v.Kind())
		}
		all = append(all, keys...)
		told, _ := page.Get(codec.Bytes(pageKinds))
		letters, _ := told.(codec.Bytes)
		for i := range keys {
			kind := codec.KindInvalid
			if len(letters) == len(keys) {
				kind = kindOfLetter(letters[i])
			}
			kinds = append(kinds, kind)
		}
		return len(keys), nil
	})
	return all, kinds, err
}

// Snapshot returns the attributes of an object that have plain values, or those
// of them that are named, as they are at one moment where the object can tell.
func (p *Peer) Snapshot(ctx context.Context, r codec.Ref, names ...string) (map[string]codec.Value, error) {
	var extra []codec.Attr
	if len(names) > 0 {
		list := make(codec.List, len(names))
		for i, n := range names {
			list[i] = codec.Bytes(n)
		}
		extra = []codec.Attr{{Name: attrNames, Value: list}}
	}
	all := make(map[string]codec.Value)
	err := p.pages(ctx, r, "Snapshot", extSnapshot, func(v codec.Value, _ *codec.Map) (int, error) {
		m, ok := v.(*codec.Map)
		if !ok {
			return 0, fmt.Errorf("%w: snapshot is %v", ErrProtocol, v.Kind())
		}
		for _, pair := range m.Pairs() {
			if name, ok := codec.StringOf(pair.Key); ok {
				all[name] = pair.Value
			}
		}
		return m.Len(), nil
	}, extra...)
	return all, err
}

// CallAttr calls an attribute: in one request, and without a reference to the
// method, where the peer offers that; else by GetAttr and Call.
func (p *Peer) CallAttr(ctx context.Context, r codec.Ref, name string, args []codec.Value, kwargs map[string]codec.Value) (codec.Value, error) {
	to, err := p.route(r.Home)
	if err != nil {
		return nil, err
	}
	offered, err := to.offers(ctx, extCallAttr)
	if err != nil {
		return nil, err
	}
	if offered {
		v, err := to.pull(ctx, r, "CallAttr",
			codec.Attr{Name: attrAttr, Value: codec.Bytes(name)},
			codec.Attr{Name: attrArgs, Value: codec.Tuple(args)},
			codec.Attr{Name: attrKwargs, Value: codec.MapOf(kwargs)})
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

// command performs an operation about the connection.
func (p *Peer) command(ctx context.Context, op string, extra ...codec.Attr) (codec.Value, error) {
	attrs := append(makeAttrs(extra...), codec.Attr{Name: attrOp, Value: codec.Bytes(op)})
	sortAttrs(attrs)
	pkt, err := p.s.roundTrip(ctx, p, request{cmd: cmdPull, op: op, attrs: attrs, resend: ops[op].safe})
	if err != nil {
		return nil, err
	}
	return p.result(pkt, "")
}

// offers reports whether the peer offers an extension. A peer that we know only
// from a reference is asked first what it is.
func (p *Peer) offers(ctx context.Context, bit uint32) (bool, error) {
	if !p.synced.Load() {
		if _, err := p.session(ctx); err != nil {
			return false, err
		}
	}
	return p.ext.Load()&bit != 0, nil
}

// pages asks for all pages of a listing and hands each to take, which returns
// how many entries it had.
func (p *Peer) pages(ctx context.Context, r codec.Ref, op string, bit uint32, take func(entries codec.Value, page *codec.Map) (int, error), extra ...codec.Attr) error {
	to, err := p.route(r.Home)
	if err != nil {
		return err
	}
	if offered, err := to.offers(ctx, bit); err != nil {
		return err
	} else if !offered {
		return fmt.Errorf("%s: %s: %w", to.addr, op, errUnsupportedByPeer)
	}
	next := 0
	for range maxPages {
		v, err := to.pull(ctx, r, op, append(extra[:len(extra):len(extra)], codec.Attr{Name: attrFrom, Value: codec.Int(next)})...)
		if isUnknownOp(err) {
			to.ext.Store(0) // it was replaced by an original
			return fmt.Errorf("%s: %s: %w", to.addr, op, errUnsupportedByPeer)
		}
		if err != nil {
			return err
		}
		page, ok := v.(*codec.Map)
		if !ok {
			return fmt.Errorf("%s: %w: page is %v", to.addr, ErrProtocol, v.Kind())
		}
		entries, _ := page.Get(codec.Bytes(pageEntries))
		if entries == nil {
			return fmt.Errorf("%s: %w: page without entries", to.addr, ErrProtocol)
		}
		n, err := take(entries, page)
		if err != nil {
			return err
		}
		following, _ := page.Get(codec.Bytes(pageNext))
		at, more := codec.Int64Of(following)
		if !more || following.Kind() != codec.KindInt {
			return nil
		}
		if n == 0 || at != int64(next+n) {
			return fmt.Errorf("%s: %w: pages do not follow each other", to.addr, ErrProtocol)
		}
		next += n
	}
	return fmt.Errorf("%s: %w", op, errors.Join(ErrProtocol, errors.New("endless listing")))
}
