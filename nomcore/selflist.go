package nomcore

import (
	"context"
	"errors"
	"fmt"

	"nomfs/codec"
)

// Look returns an attribute, or of a method what the object tells of it, and no
// value.
func (l *Self) Look(ctx context.Context, r codec.Ref, name string) (codec.Value, *codec.AttrInfo, error) {
	impl, _, err := l.find(r)
	if err != nil {
		return nil, nil, err
	}
	if x, ok := impl.(*Proxy); ok {
		v, info, err := x.Peer.Look(ctx, x.Ref, name)
		if v != nil {
			v = l.out(v, source{}, x.Peer)
		}
		return v, info, err
	}
	if d, err := l.Describe(ctx, r); err == nil {
		for i := range d.Attrs {
			if d.Attrs[i].Name == attrNameOf(impl, name) && d.Attrs[i].Call {
				return nil, &d.Attrs[i], nil
			}
		}
	}
	v, err := l.GetAttr(ctx, r, name)
	return v, nil, err
}

// Describe returns what an object tells of itself: errors.ErrUnsupported for one
// that does not.
func (l *Self) Describe(ctx context.Context, r codec.Ref) (codec.Description, error) {
	return listed(ctx, l, r,
		func(x *Proxy) (codec.Description, error) { return x.Peer.Describe(ctx, x.Ref) },
		func(ctx context.Context, impl any) (codec.Description, error) {
			o, ok := impl.(Describer)
			if !ok {
				return codec.Description{}, errNotTold
			}
			d, err := o.Describe(ctx)
			if own := l.s.local(r.ID); own != nil {
				own.titled(&d)
			}
			return d, err
		})
}

// errNotTold: an object does not list what it has.
var errNotTold = fmt.Errorf("the object does not list what it has: %w", errors.ErrUnsupported)

// Dir returns the names of all attributes.
func (l *Self) Dir(ctx context.Context, r codec.Ref) ([]string, error) {
	return listed(ctx, l, r,
		func(x *Proxy) ([]string, error) { return x.Peer.Dir(ctx, x.Ref) },
		func(ctx context.Context, impl any) ([]string, error) {
			rq := pullRequest{ctx: ctx, s: l.s, obj: &Object{Impl: impl}}
			return rq.attrNames()
		})
}

// Keys returns the keys of the items.
func (l *Self) Keys(ctx context.Context, r codec.Ref) ([]codec.Value, error) {
	keys, _, err := l.KeysAndKinds(ctx, r)
	return keys, err
}

// KeysAndKinds returns the keys of the items and what each item is.
func (l *Self) KeysAndKinds(ctx context.Context, r codec.Ref) ([]codec.Value, []codec.Kind, error) {
	var kinds []codec.Kind
	keys, err := listed(ctx, l, r,
		func(x *Proxy) (keys []codec.Value, err error) {
			keys, kinds, err = x.Peer.KeysAndKinds(ctx, x.Ref)
			return keys, err
		},
		func(ctx context.Context, impl any) (keys []codec.Value, err error) {
			switch o := impl.(type) {
			case KindKeyer:
				keys, kinds, err = o.KeyKinds(ctx)
			case Keyer:
				keys, err = o.Keys(ctx)
			default:
				err = errNotTold
			}
			return keys, err
		})
	if len(kinds) != len(keys) {
		kinds = make([]codec.Kind, len(keys))
	}
	return keys, kinds, err
}

// Snapshot returns the attributes with plain values, or those of them that are
// named.
func (l *Self) Snapshot(ctx context.Context, r codec.Ref, names ...string) (map[string]codec.Value, error) {
	return listed(ctx, l, r,
		func(x *Proxy) (map[string]codec.Value, error) { return x.Peer.Snapshot(ctx, x.Ref, names...) },
		func(ctx context.Context, impl any) (map[string]codec.Value, error) {
			rq := pullRequest{ctx: ctx, s: l.s, obj: &Object{Impl: impl}, pkt: &packet{}}
			if len(names) == 0 {
				var err error
				if names, err = rq.wanted(); err != nil {
					return nil, err
				}
			}
			all, err := rq.snapshotOf(names)
			for name, v := range all {
				if codec.HasRef(v) {
					delete(all, name)
				}
			}
			return all, err
		})
}

// listed does an operation whose outcome is no value of the protocol.
func listed[T any](ctx context.Context, l *Self, r codec.Ref, remote func(*Proxy) (T, error), own func(context.Context, any) (T, error)) (T, error) {
	var out T
	impl, _, err := l.find(r)
	if err != nil {
		return out, err
	}
	if x, ok := impl.(*Proxy); ok {
		return remote(x)
	}
	var got T // by a goroutine that may be left behind
	if _, err = l.run(ctx, r, func(ctx context.Context, impl any) (codec.Value, error) {
		var err error
		got, err = own(ctx, impl)
		return codec.None{}, err
	}); err != nil {
		return out, err
	}
	return got, nil
}

// Follow returns what happened to an object of ours after number after, see
// Follower: errors.ErrUnsupported for one that cannot be followed, and for the
// objects of others.
func (l *Self) Follow(ctx context.Context, r codec.Ref, after uint64) (lines []string, next uint64, err error) {
	impl, _, err := l.find(r)
	if err != nil {
		return nil, after, err
	}
	f, ok := impl.(Follower)
	if !ok {
		return nil, after, errNotFollowed
	}
	return f.Follow(ctx, after)
}

// Follows tells whether an object of ours can be followed.
func (l *Self) Follows(r codec.Ref) bool {
	impl, _, err := l.find(r)
	_, ok := impl.(Follower)
	return err == nil && ok
}

// errNotFollowed: an object has nothing to follow.
var errNotFollowed = fmt.Errorf("the object cannot be followed: %w", errors.ErrUnsupported)

// Release gives references back: all that were got of each so far.
func (l *Self) Release(refs ...codec.Ref) {
	for _, r := range refs {
		if r.Home == selfHome {
			if id, ok := parseObjectID(r.ID); ok {
				l.s.reg.releaseAll(l.refs, id)
			}
			continue
		}
		l.mu.Lock()
		delete(l.foreign, r)
		l.mu.Unlock()
	}
}

// StatusText describes what is served, and the datagrams of all peers, in lines
// for people, from memory.
func (l *Self) StatusText() string {
	n := l.s.Stats()
	return statusText([]statusLine{
		{"serving_at", l.s.Addr()}, {"names", n.Names}, {"objects_given", n.Objects},
		{"sent", n.Sent}, {"received", n.Received}, {"resent", n.Resent},
		{"duplicates_dropped", n.DupDropped}, {"duplicates_answered", n.DupReplayed},
		{"bad", n.Bad}, {"stray", n.Stray}, {"held_back", n.Held}, {"timeouts", n.Timeouts},
	})
}
