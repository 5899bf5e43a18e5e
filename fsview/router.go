//go:build linux

package fsview

import (
	"context"

	"nomfs/codec"
)

// A router is the Remote that the tree uses: it notes every reference that the
// peer hands out, and leads operations on objects of this process to them, since
// the peer may hand out those, too.
type router struct {
	Remote
	refs  *refTable
	local Local // nil where the process has no objects
}

var _ Remote = (*router)(nil)

// of returns who does operations on r.
func (c *router) of(r codec.Ref) Remote {
	if c.local != nil {
		if _, own, _ := c.local.Object(r); own {
			return c.local
		}
	}
	return c.Remote
}

// got makes references of the objects in a value that came, and notes them.
func (c *router) got(v codec.Value) codec.Value {
	if v == nil || !codec.HasRef(v) {
		return v
	}
	if c.local != nil {
		v, _ = codec.MapRefs(v, func(v codec.Value) (codec.Value, error) {
			if r, ok := c.local.Own(v); ok {
				return r, nil
			}
			return v, nil
		})
	}
	c.refs.got(v)
	return v
}

// send makes objects of the references to this process in a value for the
// operation on r.
func (c *router) send(to Remote, v codec.Value) (codec.Value, error) {
	if c.local == nil || to == Remote(c.local) || !codec.HasRef(v) {
		return v, nil
	}
	return codec.MapRefs(v, func(v codec.Value) (codec.Value, error) {
		if r, ok := v.(codec.Ref); ok {
			if o, own, err := c.local.Object(r); own {
				return o, err
			}
		}
		return v, nil
	})
}

func (c *router) Resolve(ctx context.Context, name string) (codec.Value, error) {
	v, err := c.Remote.Resolve(ctx, name)
	return c.got(v), err
}

func (c *router) Roots(ctx context.Context) ([]string, map[string]codec.Ref, error) {
	names, refs, err := c.Remote.Roots(ctx)
	for _, r := range refs {
		c.refs.got(r)
	}
	return names, refs, err
}

func (c *router) GetAttr(ctx context.Context, r codec.Ref, name string) (codec.Value, error) {
	v, err := c.of(r).GetAttr(ctx, r, name)
	return c.got(v), err
}

func (c *router) Look(ctx context.Context, r codec.Ref, name string) (codec.Value, *codec.AttrInfo, error) {
	v, info, err := c.of(r).Look(ctx, r, name)
	return c.got(v), info, err
}

func (c *router) SetAttr(ctx context.Context, r codec.Ref, name string, v codec.Value) error {
	to := c.of(r)
	v, err := c.send(to, v)
	if err != nil {
		return err
	}
	return to.SetAttr(ctx, r, name, v)
}

func (c *router) DelAttr(ctx context.Context, r codec.Ref, name string) error {
	return c.of(r).DelAttr(ctx, r, name)
}

func (c *router) GetItem(ctx context.Context, r codec.Ref, key codec.Value) (codec.Value, error) {
	v, err := c.of(r).GetItem(ctx, r, key)
	return c.got(v), err
}

func (c *router) SetItem(ctx context.Context, r codec.Ref, key, v codec.Value) error {
	to := c.of(r)
	v, err := c.send(to, v)
	if err != nil {
		return err
	}
	return to.SetItem(ctx, r, key, v)
}

func (c *router) DelItem(ctx context.Context, r codec.Ref, key codec.Value) error {
	return c.of(r).DelItem(ctx, r, key)
}

func (c *router) Len(ctx context.Context, r codec.Ref) (int, error) { return c.of(r).Len(ctx, r) }

func (c *router) Repr(ctx context.Context, r codec.Ref) (string, error) { return c.of(r).Repr(ctx, r) }

func (c *router) Str(ctx context.Context, r codec.Ref) (string, error) { return c.of(r).Str(ctx, r) }

func (c *router) Call(ctx context.Context, r codec.Ref, args []codec.Value, kwargs map[string]codec.Value) (codec.Value, error) {
	to := c.of(r)
	args, kwargs, err := c.sendAll(to, args, kwargs)
	if err != nil {
		return nil, err
	}
	v, err := to.Call(ctx, r, args, kwargs)
	return c.got(v), err
}

func (c *router) CallAttr(ctx context.Context, r codec.Ref, name string, args []codec.Value, kwargs map[string]codec.Value) (codec.Value, error) {
	to := c.of(r)
	args, kwargs, err := c.sendAll(to, args, kwargs)
	if err != nil {
		return nil, err
	}
	v, err := to.CallAttr(ctx, r, name, args, kwargs)
	return c.got(v), err
}

// sendAll is send for arguments, which it leaves as they are.
func (c *router) sendAll(to Remote, args []codec.Value, kwargs map[string]codec.Value) ([]codec.Value, map[string]codec.Value, error) {
	outArgs, outKw := make([]codec.Value, len(args)), make(map[string]codec.Value, len(kwargs))
	var err error
	for i, v := range args {
		if outArgs[i], err = c.send(to, v); err != nil {
			return nil, nil, err
		}
	}
	for name, v := range kwargs {
		if outKw[name], err = c.send(to, v); err != nil {
			return nil, nil, err
		}
	}
	return outArgs, outKw, nil
}

func (c *router) Describe(ctx context.Context, r codec.Ref) (codec.Description, error) {
	return c.of(r).Describe(ctx, r)
}

func (c *router) Dir(ctx context.Context, r codec.Ref) ([]string, error) { return c.of(r).Dir(ctx, r) }

func (c *router) Keys(ctx context.Context, r codec.Ref) ([]codec.Value, error) {
	return c.of(r).Keys(ctx, r)
}

func (c *router) KeysAndKinds(ctx context.Context, r codec.Ref) ([]codec.Value, []codec.Kind, error) {
	keys, kinds, err := c.of(r).KeysAndKinds(ctx, r)
	for i := range keys {
		keys[i] = c.got(keys[i])
	}
	return keys, kinds, err
}

func (c *router) Snapshot(ctx context.Context, r codec.Ref, names ...string) (map[string]codec.Value, error) {
	return c.of(r).Snapshot(ctx, r, names...)
}

// Release gives references back to whom they are of.
func (c *router) Release(refs ...codec.Ref) {
	for _, r := range refs {
		to := c.of(r)
		to.Release(r)
		if c.local != nil && to != Remote(c.local) {
			c.local.Release(r) // it may have come in a call of ours
		}
	}
}
