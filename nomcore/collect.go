package nomcore

import (
	"context"
	"fmt"

	"nomfs/codec"
	"nomfs/nomcore/wire"
)

// The listings of this file ask for one page after the other. A listing that
// exceeds maxListed entries or maxListedBytes ends there: what was collected is
// returned together with codec.ErrPartial.

// errUnsupportedByPeer: the peer does not offer an operation.
var errUnsupportedByPeer = fmt.Errorf("the peer does not offer it: %w", errUnsupported)

// collected is how far a listing has come.
type collected struct {
	from    int64 // where the next page starts
	entries int
	bytes   int
}

// add counts one page of so many bytes. full says that no more may be asked for.
func (n *collected) add(entries, bytes int, page codec.Value) (full bool) {
	n.entries += entries
	n.bytes += max(bytes+valueCost*valuesIn(page), pageCost)
	return n.entries >= maxListed || n.bytes >= maxListedBytes
}

// valuesIn counts the values in a value.
func valuesIn(v codec.Value) (n int) {
	var items []codec.Value
	switch v := v.(type) {
	case codec.List:
		items = v
	case codec.Tuple:
		items = v
	case codec.Set:
		items = v
	case codec.Exception:
		items = v.Args
	case *codec.Map:
		for _, pair := range v.Pairs() {
			n += valuesIn(pair.Key) + valuesIn(pair.Value)
		}
	}
	for _, item := range items {
		n += valuesIn(item)
	}
	return n + 1
}

// follow goes on to the page that starts at an entry. It reports false where
// that is no further one.
func (n *collected) follow(at int64) bool {
	if at <= n.from || at > maxXID {
		return false
	}
	n.from = at
	return true
}

// noPage is the error of a listing whose next page cannot be asked for.
func (p *Peer) noPage() error {
	return fmt.Errorf("%s: %w: %w: its pages do not follow each other", p.addr, codec.ErrPartial, ErrProtocol)
}

// partial is the error of a listing that was not collected to its end.
func (n *collected) partial(what string) error {
	return fmt.Errorf("%s: %w after %d entries, %d bytes", what, codec.ErrPartial, n.entries, n.bytes)
}

// Describe returns what an object tells about itself, with all attributes that
// we may know. A peer without the extension is errors.ErrUnsupported at once,
// an object that does not describe itself likewise.
func (p *Peer) Describe(ctx context.Context, r codec.Ref) (codec.Description, error) {
	var all codec.Description
	err := p.pages(ctx, r, "Describe", wire.ExtDescribe, nil, func(v codec.Value, _ *codec.Map) (int, error) {
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
	err := p.pages(ctx, r, "Dir", wire.ExtDir, nil, func(v codec.Value, _ *codec.Map) (int, error) {
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
	err := p.pages(ctx, r, "Keys", wire.ExtKeys, nil, func(v codec.Value, page *codec.Map) (int, error) {
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
	all := make(map[string]codec.Value)
	err := p.pages(ctx, r, "Snapshot", wire.ExtSnapshot, names, func(v codec.Value, _ *codec.Map) (int, error) {
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
	})
	return all, err
}

// pages asks for all pages of a listing and hands each to take, which returns
// how many entries it had.
func (p *Peer) pages(ctx context.Context, r codec.Ref, op string, bit uint32, names []string, take func(entries codec.Value, page *codec.Map) (int, error)) error {
	to, err := p.route(r.Home)
	if err != nil {
		return err
	}
	if offered, err := to.offers(ctx, op, bit); err != nil {
		return err
	} else if !offered {
		return fmt.Errorf("%s: %s: %w", to.addr, op, errUnsupportedByPeer)
	}
	var so collected
	for {
		rq := &request{cmd: wire.Pull, op: ops[op], id: r.ID, paged: true, from: int(so.from), names: names, resend: true}
		more, full, err := to.page(ctx, rq, &so, take)
		switch {
		case isUnknownOp(err):
			to.ext.Store(0) // it was replaced by an original
			return fmt.Errorf("%s: %s: %w", to.addr, op, errUnsupportedByPeer)
		case err != nil || !more:
			return err
		case full:
			return so.partial(op)
		}
	}
}

// page asks for one page. more says that another follows, full that it may not
// be asked for.
func (p *Peer) page(ctx context.Context, rq *request, so *collected, take func(entries codec.Value, page *codec.Map) (int, error)) (more, full bool, err error) {
	c, err := p.roundTrip(ctx, rq)
	if err != nil {
		return false, false, err
	}
	defer p.ask().release(c)
	v, err := c.result(rq.id)
	if err != nil {
		return false, false, err
	}
	page, ok := v.(*codec.Map)
	if !ok {
		return false, false, fmt.Errorf("%s: %w: page is %v", p.addr, ErrProtocol, v.Kind())
	}
	entries, _ := page.Get(codec.Bytes(pageEntries))
	if entries == nil {
		return false, false, fmt.Errorf("%s: %w: page without entries", p.addr, ErrProtocol)
	}
	n, err := take(entries, page)
	if err != nil {
		return false, false, err
	}
	full = so.add(n, len(c.answer), entries)
	following, _ := page.Get(codec.Bytes(pageNext))
	if kindOf(following) != codec.KindInt {
		return false, full, nil
	}
	at, _ := codec.Int64Of(following)
	if !so.follow(at) {
		return false, full, p.noPage()
	}
	return true, full, nil
}

// List returns the names registered with the peer, in its order.
func (p *Peer) List(ctx context.Context) ([]string, error) {
	names, err := p.listPages(ctx, false, nil)
	return names, err
}

// Roots returns the registered names, in the peer's order, and the references
// of those that are its objects and that we may have, all in one request where
// there are not more than some 2000. A peer that does not tell references is
// errors.ErrUnsupported.
func (p *Peer) Roots(ctx context.Context) (names []string, refs map[string]codec.Ref, err error) {
	if offered, err := p.offers(ctx, wire.List.String(), wire.ExtList); err != nil {
		return nil, nil, err
	} else if !offered {
		return nil, nil, fmt.Errorf("%s: references of names: %w", p.addr, errUnsupportedByPeer)
	}
	refs = make(map[string]codec.Ref)
	names, err = p.listPages(ctx, true, refs)
	return names, refs, err
}

// listPages asks for all names, and with roots for their references.
func (p *Peer) listPages(ctx context.Context, roots bool, refs map[string]codec.Ref) (all []string, err error) {
	var so collected
	for {
		rq := &request{cmd: wire.List, resend: true, roots: roots, from: int(so.from)}
		if rq.paged, err = p.offers(ctx, wire.List.String(), wire.ExtList); err != nil {
			return nil, err
		}
		names, more, full, err := p.listPage(ctx, rq, &so, refs)
		all = append(all, names...)
		switch {
		case err != nil || !more:
			return all, err
		case full:
			return all, so.partial("LIST")
		}
	}
}

// listPage asks for one page of names.
func (p *Peer) listPage(ctx context.Context, rq *request, so *collected, refs map[string]codec.Ref) (names []string, more, full bool, err error) {
	c, err := p.roundTrip(ctx, rq)
	if err != nil {
		return nil, false, false, err
	}
	defer p.ask().release(c)
	v, err := c.result("")
	if err != nil {
		return nil, false, false, err
	}
	if names, err = p.names(v); err != nil {
		return nil, false, false, err
	}
	if rq.roots {
		if err := p.rootsIn(c, names, refs); err != nil {
			return nil, false, false, err
		}
	}
	full = so.add(len(names), len(c.answer), v)
	following, err := c.pkt.Value(wire.Next)
	if err != nil || kindOf(following) != codec.KindInt {
		return names, false, full, err
	}
	at, _ := codec.Int64Of(following)
	if !so.follow(at) {
		return names, false, full, p.noPage()
	}
	return names, true, full, nil
}

// rootsIn adds the references of one page of names.
func (p *Peer) rootsIn(c *call, names []string, refs map[string]codec.Ref) error {
	told, err := c.pkt.Value(wire.Refs)
	parts, ok := told.(codec.Tuple)
	if err != nil || !ok || len(parts) != rootsParts {
		return fmt.Errorf("%s: references of names: %w", p.addr, errUnsupportedByPeer)
	}
	home, isHome := parts[rootsHomeAt].(codec.Bytes)
	ids, isIDs := parts[rootsIDsAt].(codec.Bytes)
	if !isHome || !isIDs || len(ids) != len(names)*idBytes {
		return fmt.Errorf("%s: %w: references do not fit the names", p.addr, ErrProtocol)
	}
	for i, name := range names {
		id := objectIDOf(string(ids[i*idBytes:]))
		if id == (objectID{}) {
			continue
		}
		r := codec.Ref{ID: id.text(), Home: codec.Home(home)}
		if !p.s.isHome(r.Home) {
			p.imports.got(r)
			refs[name] = r
		}
	}
	return nil
}

// names reads a sequence of strings.
func (p *Peer) names(v codec.Value) ([]string, error) {
	var items []codec.Value
	switch v := v.(type) {
	case codec.List:
		items = v
	case codec.Tuple:
		items = v
	default:
		return nil, fmt.Errorf("%s: %w: names are %v, not a list", p.addr, ErrProtocol, v.Kind())
	}
	names := make([]string, 0, len(items))
	for _, item := range items {
		name, ok := codec.StringOf(item)
		if !ok {
			continue // an original can register under any key; it has no name
		}
		names = append(names, name)
	}
	return names, nil
}
