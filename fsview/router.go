//go:build linux

package fsview

import (
	"context"
	"slices"

	"nomfs/codec"
)

// A router is the Remote that the tree uses. It leads operations on objects of this
// process to them, since the peer may hand out those, too; it notes every reference
// that comes, and ends every listing at the bounds of params.go.
type router struct {
	Remote
	refs  *refTable
	local Local  // nil where the process has no objects
	came  func() // is called when references came
}

var _ Remote = (*router)(nil)

// of returns the one that does operations on r.
func (c *router) of(r codec.Ref) Remote {
	if c.local != nil {
		if _, own, _ := c.local.Object(r); own {
			return c.local
		}
	}
	return c.Remote
}

// got makes references of the objects in a value that came, and notes them. It
// passes the error on.
func (c *router) got(v codec.Value, err error) (codec.Value, error) {
	if v == nil || !codec.HasRef(v) {
		return v, err
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
	c.came()
	return v, err
}

// send makes objects of the references to this process in a value, runs an operation
// on r with it, and returns its result as got does.
func (c *router) send(r codec.Ref, v codec.Value, do func(to Remote, v codec.Value) (codec.Value, error)) (codec.Value, error) {
	to := c.of(r)
	if c.local != nil && to != Remote(c.local) && codec.HasRef(v) {
		var err error
		v, err = codec.MapRefs(v, func(v codec.Value) (codec.Value, error) {
			if r, ok := v.(codec.Ref); ok {
				if o, own, err := c.local.Object(r); own {
					return o, err
				}
			}
			return v, nil
		})
		if err != nil {
			return nil, err
		}
	}
	return c.got(do(to, v))
}

// call is send for the arguments of a call.
func (c *router) call(r codec.Ref, args []codec.Value, kwargs map[string]codec.Value,
	do func(to Remote, args []codec.Value, kwargs map[string]codec.Value) (codec.Value, error)) (codec.Value, error) {
	names := make([]string, 0, len(kwargs))
	all := slices.Clone(args)
	for name, v := range kwargs {
		names = append(names, name)
		all = append(all, v)
	}
	return c.send(r, codec.Tuple(all), func(to Remote, v codec.Value) (codec.Value, error) {
		sent := v.(codec.Tuple)
		kwargs := make(map[string]codec.Value, len(names))
		for i, name := range names {
			kwargs[name] = sent[len(args)+i]
		}
		return do(to, sent[:len(args):len(args)], kwargs)
	})
}

func (c *router) Resolve(ctx context.Context, name string) (codec.Value, error) {
	return c.got(c.Remote.Resolve(ctx, name))
}

func (c *router) GetAttr(ctx context.Context, r codec.Ref, name string) (codec.Value, error) {
	return c.got(c.of(r).GetAttr(ctx, r, name))
}

func (c *router) GetItem(ctx context.Context, r codec.Ref, key codec.Value) (codec.Value, error) {
	return c.got(c.of(r).GetItem(ctx, r, key))
}

func (c *router) Look(ctx context.Context, r codec.Ref, name string) (codec.Value, *codec.AttrInfo, error) {
	v, info, err := c.of(r).Look(ctx, r, name)
	v, err = c.got(v, err)
	return v, info, err
}

func (c *router) SetAttr(ctx context.Context, r codec.Ref, name string, v codec.Value) error {
	_, err := c.send(r, v, func(to Remote, v codec.Value) (codec.Value, error) { return nil, to.SetAttr(ctx, r, name, v) })
	return err
}

func (c *router) SetItem(ctx context.Context, r codec.Ref, key, v codec.Value) error {
	_, err := c.send(r, v, func(to Remote, v codec.Value) (codec.Value, error) { return nil, to.SetItem(ctx, r, key, v) })
	return err
}

func (c *router) Call(ctx context.Context, r codec.Ref, args []codec.Value, kwargs map[string]codec.Value) (codec.Value, error) {
	return c.call(r, args, kwargs, func(to Remote, args []codec.Value, kwargs map[string]codec.Value) (codec.Value, error) {
		return to.Call(ctx, r, args, kwargs)
	})
}

func (c *router) CallAttr(ctx context.Context, r codec.Ref, name string, args []codec.Value, kwargs map[string]codec.Value) (codec.Value, error) {
	return c.call(r, args, kwargs, func(to Remote, args []codec.Value, kwargs map[string]codec.Value) (codec.Value, error) {
		return to.CallAttr(ctx, r, name, args, kwargs)
	})
}

func (c *router) DelAttr(ctx context.Context, r codec.Ref, name string) error {
	return c.of(r).DelAttr(ctx, r, name)
}

func (c *router) DelItem(ctx context.Context, r codec.Ref, key codec.Value) error {
	return c.of(r).DelItem(ctx, r, key)
}

func (c *router) Len(ctx context.Context, r codec.Ref) (int, error) { return c.of(r).Len(ctx, r) }

func (c *router) Repr(ctx context.Context, r codec.Ref) (string, error) { return c.of(r).Repr(ctx, r) }

func (c *router) Str(ctx context.Context, r codec.Ref) (string, error) { return c.of(r).Str(ctx, r) }

// Release gives references back to the peers that they came from, and to this process
// what may have come in a call of ours.
func (c *router) Release(refs ...codec.Ref) {
	theirs := slices.DeleteFunc(slices.Clone(refs), func(r codec.Ref) bool { return c.of(r) != c.Remote })
	if len(theirs) > 0 {
		c.Remote.Release(theirs...)
	}
	if c.local != nil && len(refs) > 0 {
		c.local.Release(refs...)
	}
}
