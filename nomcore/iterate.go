package nomcore

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"nomfs/codec"
	"nomfs/nomcore/wire"
)

// Pair is an item with its key.
type Pair[K, V any] struct {
	Key   K
	Value V
}

// Attrs returns what o tells of its attributes, in the order of their names. They
// come page by page, as the loop goes on. An error is the last element: codec.ErrPartial
// for a listing that is too long, errors.ErrUnsupported for a peer or an object
// that does not list.
func Attrs(ctx context.Context, o *Proxy) iter.Seq2[codec.AttrInfo, error] {
	return entries(ctx, o, "Describe", wire.ExtDescribe, func(_ *Peer, page codec.Value) ([]codec.AttrInfo, error) {
		d, err := codec.ParseDescription(page)
		return d.Attrs, err
	})
}

// Keys returns the keys of the items of o, each as a K, in the order of o: the
// keys of a map, the indexes of a sequence. Errors are those of Attrs, and of As.
func Keys[K any](ctx context.Context, o *Proxy) iter.Seq2[K, error] {
	return entries(ctx, o, "Keys", wire.ExtKeys, func(home *Peer, page codec.Value) ([]K, error) {
		list, ok := home.Adopt(page).(codec.List)
		if !ok {
			return nil, fmt.Errorf("%s: %w: keys are %v", home.addr, ErrProtocol, page.Kind())
		}
		keys := make([]K, len(list))
		for i, v := range list {
			var err error
			if keys[i], err = As[K](v); err != nil {
				return keys[:i], err
			}
		}
		return keys, nil
	})
}

// Items returns the items of o in the order of o, and asks for each as the loop
// comes to it. Errors are those of Keys and Item.
func Items[K, V any](ctx context.Context, o *Proxy) iter.Seq2[Pair[K, V], error] {
	return func(yield func(Pair[K, V], error) bool) {
		for key, err := range Keys[codec.Value](ctx, o) {
			var p Pair[K, V]
			if err == nil {
				p.Key, err = As[K](key)
			}
			if err == nil {
				p.Value, err = as[V](o.GetItem(ctx, key))
			}
			if !yield(p, err) || err != nil {
				return
			}
		}
	}
}

// errStopped ends a listing whose loop was left.
var errStopped = errors.New("the loop was left")

// entries loops over a listing; in returns the entries of one page, got from
// home.
func entries[E any](ctx context.Context, o *Proxy, op string, bit uint32, in func(home *Peer, page codec.Value) ([]E, error)) iter.Seq2[E, error] {
	return func(yield func(E, error) bool) {
		home, err := o.Peer.route(o.Ref.Home)
		if err == nil {
			err = home.pages(ctx, o.Ref, op, bit, nil, func(page codec.Value, _ *codec.Map) (int, error) {
				list, err := in(home, page)
				for _, e := range list {
					if !yield(e, nil) {
						return 0, errStopped
					}
				}
				return len(list), err
			})
		}
		if err != nil && err != errStopped {
			var none E
			yield(none, err)
		}
	}
}
