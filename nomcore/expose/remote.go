package expose

import (
	"context"

	"nomfs/codec"
	"nomfs/nomcore"
)

// The operations on an object of another peer: each is passed on.

var _ interface {
	nomcore.AttrGetter
	nomcore.AttrSetter
	nomcore.AttrDeleter
	nomcore.ItemGetter
	nomcore.ItemSetter
	nomcore.ItemDeleter
	nomcore.Lener
	nomcore.Reprer
	nomcore.Strer
	nomcore.Caller
	nomcore.Describer
	nomcore.Direr
	nomcore.Snapshotter
	nomcore.KindKeyer
} = (*remote)(nil)

func (o *remote) GetAttr(ctx context.Context, name string) (codec.Value, error) {
	return o.ask(ctx, o.link.timeout, func(ctx context.Context, p *nomcore.Peer, r codec.Ref) (codec.Value, error) {
		return p.GetAttr(ctx, r, name)
	})
}

// change performs an operation that changes something.
func (o *remote) change(ctx context.Context, v codec.Value, f func(context.Context, *nomcore.Peer, codec.Ref, codec.Value) error) error {
	if o.link.readonly {
		return exception("AttributeError", "nothing can be changed through here")
	}
	return o.do(ctx, o.link.timeout, func(ctx context.Context, p *nomcore.Peer, r codec.Ref) error {
		v, err := o.link.outward(v)
		if err != nil {
			return err
		}
		return f(ctx, p, r, v)
	})
}

func (o *remote) SetAttr(ctx context.Context, name string, v codec.Value) error {
	return o.change(ctx, v, func(ctx context.Context, p *nomcore.Peer, r codec.Ref, v codec.Value) error {
		return p.SetAttr(ctx, r, name, v)
	})
}

func (o *remote) DelAttr(ctx context.Context, name string) error {
	return o.change(ctx, codec.None{}, func(ctx context.Context, p *nomcore.Peer, r codec.Ref, _ codec.Value) error {
		return p.DelAttr(ctx, r, name)
	})
}

func (o *remote) GetItem(ctx context.Context, key codec.Value) (codec.Value, error) {
	return o.ask(ctx, o.link.timeout, func(ctx context.Context, p *nomcore.Peer, r codec.Ref) (codec.Value, error) {
		key, err := o.link.outward(key)
		if err != nil {
			return nil, err
		}
		return p.GetItem(ctx, r, key)
	})
}

func (o *remote) SetItem(ctx context.Context, key, v codec.Value) error {
	return o.change(ctx, codec.Tuple{key, v}, func(ctx context.Context, p *nomcore.Peer, r codec.Ref, v codec.Value) error {
		pair := v.(codec.Tuple)
		return p.SetItem(ctx, r, pair[0], pair[1])
	})
}

func (o *remote) DelItem(ctx context.Context, key codec.Value) error {
	return o.change(ctx, key, func(ctx context.Context, p *nomcore.Peer, r codec.Ref, key codec.Value) error {
		return p.DelItem(ctx, r, key)
	})
}

func (o *remote) Len(ctx context.Context) (n int, err error) {
	err = o.do(ctx, o.link.timeout, func(ctx context.Context, p *nomcore.Peer, r codec.Ref) (err error) {
		n, err = p.Len(ctx, r)
		return err
	})
	return n, err
}

func (o *remote) Repr(ctx context.Context) (s string, err error) {
	err = o.do(ctx, o.link.timeout, func(ctx context.Context, p *nomcore.Peer, r codec.Ref) (err error) {
		s, err = p.Repr(ctx, r)
		return err
	})
	return s, err
}

func (o *remote) Str(ctx context.Context) (s string, err error) {
	err = o.do(ctx, o.link.timeout, func(ctx context.Context, p *nomcore.Peer, r codec.Ref) (err error) {
		s, err = p.Str(ctx, r)
		return err
	})
	return s, err
}

func (o *remote) Call(ctx context.Context, args []codec.Value, kwargs map[string]codec.Value) (codec.Value, error) {
	return o.ask(ctx, o.link.slow, func(ctx context.Context, p *nomcore.Peer, r codec.Ref) (codec.Value, error) {
		v, err := o.link.outward(codec.Tuple{codec.Tuple(args), codec.MapOf(kwargs)})
		if err != nil {
			return nil, err
		}
		both := v.(codec.Tuple)
		named := make(map[string]codec.Value, len(kwargs))
		for _, pair := range both[1].(*codec.Map).Pairs() {
			name, _ := codec.StringOf(pair.Key)
			named[name] = pair.Value
		}
		return p.Call(ctx, r, both[0].(codec.Tuple), named)
	})
}

func (o *remote) Describe(ctx context.Context) (d codec.Description, err error) {
	err = o.do(ctx, o.link.timeout, func(ctx context.Context, p *nomcore.Peer, r codec.Ref) (err error) {
		d, err = p.Describe(ctx, r)
		return err
	})
	for i := range d.Attrs {
		if o.link.readonly {
			d.Attrs[i].Write, d.Attrs[i].Delete = false, false
		}
	}
	return d, err
}

func (o *remote) Dir(ctx context.Context) (names []string, err error) {
	err = o.do(ctx, o.link.timeout, func(ctx context.Context, p *nomcore.Peer, r codec.Ref) (err error) {
		names, err = p.Dir(ctx, r)
		return err
	})
	return names, err
}

func (o *remote) Snapshot(ctx context.Context, names []string) (values map[string]codec.Value, err error) {
	if len(names) == 0 {
		return nil, nil // over there, none would mean all
	}
	err = o.do(ctx, o.link.timeout, func(ctx context.Context, p *nomcore.Peer, r codec.Ref) (err error) {
		values, err = p.Snapshot(ctx, r, names...)
		return err
	})
	return values, err
}

func (o *remote) Keys(ctx context.Context) ([]codec.Value, error) {
	keys, _, err := o.KeyKinds(ctx)
	return keys, err
}

func (o *remote) KeyKinds(ctx context.Context) (keys []codec.Value, kinds []codec.Kind, err error) {
	err = o.do(ctx, o.link.timeout, func(ctx context.Context, p *nomcore.Peer, r codec.Ref) (err error) {
		keys, kinds, err = p.KeysAndKinds(ctx, r)
		return err
	})
	return keys, kinds, err
}
