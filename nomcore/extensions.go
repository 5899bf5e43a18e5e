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
	err := p.pages(ctx, r, "Describe", extDescribe, func(v codec.Value) (int, error) {
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
	err := p.pages(ctx, r, "Dir", extDir, func(v codec.Value) (int, error) {
		names, err := p.names(v)
		all = append(all, names...)
		return len(names), err
	})
	return all, err
}

// Keys returns the keys of an object's items, in its order.
func (p *Peer) Keys(ctx context.Context, r codec.Ref) ([]codec.Value, error) {
	var all []codec.Value
	err := p.pages(ctx, r, "Keys", extKeys, func(v codec.Value) (int, error) {
		keys, ok := v.(codec.List)
		if !ok {
			return 0, fmt.Errorf("%w: keys are %v", ErrProtocol, v.Kind())
		}
		all = append(all, keys...)
		return len(keys), nil
	})
	return all, err
}

// pages asks for all pages of a listing and hands each to take, which returns
// how many entries it had.
func (p *Peer) pages(ctx context.Context, r codec.Ref, op string, bit uint32, take func(codec.Value) (int, error)) error {
	to, err := p.route(r.Home)
	if err != nil {
		return err
	}
	if to.ext.Load()&bit == 0 {
		return fmt.Errorf("%s: %s: %w", to.addr, op, errUnsupportedByPeer)
	}
	next := 0
	for range maxPages {
		v, err := to.pull(ctx, r, op, codec.Attr{Name: attrFrom, Value: codec.Int(next)})
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
		n, err := take(entries)
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
