package nomcore

import (
	"context"
	"fmt"

	"nomfs/codec"
	"nomfs/nomcore/object"
)

// listed does an operation whose outcome is no value of the protocol, on an
// object of ours or of another peer.
func listed[T any](ctx context.Context, l *Self, r codec.Ref, remote func(*Proxy) (T, error), own func(*pull) (T, error)) (T, error) {
	var out T
	if r.Home != selfHome {
		x, err := l.proxy(r)
		if err != nil {
			return out, err
		}
		return remote(x)
	}
	var got T // by a goroutine that may be left behind
	_, err := l.do(ctx, r, func(rq *pull) (codec.Value, error) {
		var err error
		got, err = own(rq)
		return nil, err
	})
	if err != nil {
		return out, err
	}
	return got, nil
}

// List returns the registered names.
func (l *Self) List(context.Context) ([]string, error) { return l.s.reg.list(), nil }

// Roots returns the registered names and the references of those that are
// objects.
func (l *Self) Roots(context.Context) (names []string, refs map[string]codec.Ref, err error) {
	refs = make(map[string]codec.Ref)
	names = l.s.reg.list()
	for _, name := range names {
		if reg := l.s.reg.lookup(name); reg != nil {
			if o, ok := reg.value.(*Object); ok {
				refs[name] = l.own(o, source{name: reg})
			}
		}
	}
	return names, refs, nil
}

// Resolve returns what is registered under name.
func (l *Self) Resolve(_ context.Context, name string) (codec.Value, error) {
	reg := l.s.reg.lookup(name)
	if reg == nil {
		return nil, remoteError(exception("NameError", "No such name"), "")
	}
	return l.out(reg.value, nil, source{name: reg}), nil
}

// Look returns an attribute, or of a method what the object tells of it, and no
// value.
func (l *Self) Look(ctx context.Context, r codec.Ref, name string) (codec.Value, *codec.AttrInfo, error) {
	if r.Home != selfHome {
		x, err := l.proxy(r)
		if err != nil {
			return nil, nil, err
		}
		v, info, err := x.Peer.Look(ctx, x.Ref, name)
		if v != nil {
			v = l.out(v, x.Peer, source{})
		}
		return v, info, err
	}
	var told codec.Value
	v, err := l.do(ctx, r, func(rq *pull) (codec.Value, error) {
		rq.op, rq.attr, rq.look = ops["GetAttr"], nameIn(rq.obj, name), true
		v, err := rq.op.run(rq)
		told = rq.info
		return v, err
	})
	if err != nil || told == nil {
		return v, nil, err
	}
	d, err := codec.ParseDescription(told)
	if err != nil || len(d.Attrs) != 1 {
		return nil, nil, fmt.Errorf("%w: what the object tells of %s", ErrProtocol, name)
	}
	return nil, &d.Attrs[0], nil
}

// Describe returns what an object tells of itself: errors.ErrUnsupported for one
// that does not.
func (l *Self) Describe(ctx context.Context, r codec.Ref) (codec.Description, error) {
	return listed(ctx, l, r,
		func(x *Proxy) (codec.Description, error) { return x.Peer.Describe(ctx, x.Ref) },
		(*pull).describe)
}

// Dir returns the names of all attributes.
func (l *Self) Dir(ctx context.Context, r codec.Ref) ([]string, error) {
	return listed(ctx, l, r,
		func(x *Proxy) ([]string, error) { return x.Peer.Dir(ctx, x.Ref) },
		(*pull).dir)
}

// Keys returns the keys of the items.
func (l *Self) Keys(ctx context.Context, r codec.Ref) ([]codec.Value, error) {
	keys, _, err := l.KeysAndKinds(ctx, r)
	return keys, err
}

// KeysAndKinds returns the keys of the items and what each item is.
func (l *Self) KeysAndKinds(ctx context.Context, r codec.Ref) ([]codec.Value, []codec.Kind, error) {
	type both struct {
		keys  []codec.Value
		kinds []codec.Kind
	}
	got, err := listed(ctx, l, r,
		func(x *Proxy) (b both, err error) {
			b.keys, b.kinds, err = x.Peer.KeysAndKinds(ctx, x.Ref)
			return b, err
		},
		func(rq *pull) (b both, err error) {
			b.keys, b.kinds, err = rq.keys()
			return b, err
		})
	if len(got.kinds) != len(got.keys) {
		got.kinds = make([]codec.Kind, len(got.keys))
	}
	return got.keys, got.kinds, err
}

// Snapshot returns the attributes with plain values, or those of them that are
// named.
func (l *Self) Snapshot(ctx context.Context, r codec.Ref, names ...string) (map[string]codec.Value, error) {
	return listed(ctx, l, r,
		func(x *Proxy) (map[string]codec.Value, error) { return x.Peer.Snapshot(ctx, x.Ref, names...) },
		func(rq *pull) (map[string]codec.Value, error) {
			rq.names = names
			_, values, err := rq.snapshot()
			return values, err
		})
}

// Follow returns what happened to an object of ours after number after, see
// Follower: errors.ErrUnsupported for one that cannot be followed, and for the
// objects of others.
func (l *Self) Follow(ctx context.Context, r codec.Ref, after uint64) (lines []string, next uint64, err error) {
	f, err := l.follower(r)
	if err != nil {
		return nil, after, err
	}
	return f.Follow(ctx, after)
}

// Follows tells whether an object of ours can be followed.
func (l *Self) Follows(r codec.Ref) bool {
	_, err := l.follower(r)
	return err == nil
}

func (l *Self) follower(r codec.Ref) (object.Follower, error) {
	if r.Home == selfHome {
		o, _ := l.s.use(l.refs, r.ID)
		if o == nil {
			return nil, remoteError(unknownID(r.ID), r.ID)
		}
		if f, ok := o.Impl.(object.Follower); ok {
			return f, nil
		}
	}
	return nil, errNotFollowed
}

// errNotFollowed: an object has nothing to follow.
var errNotFollowed = fmt.Errorf("the object cannot be followed: %w", errUnsupported)

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
		{"running", n.Running}, {"running_for_nobody", n.Orphans},
		{"sent", n.Sent}, {"received", n.Received}, {"resent", n.Resent},
		{"duplicates_dropped", n.DupDropped}, {"duplicates_answered", n.DupReplayed},
		{"bad", n.Bad}, {"stray", n.Stray}, {"held_back", n.Held}, {"no_room", n.Overload}, {"timeouts", n.Timeouts},
	})
}
