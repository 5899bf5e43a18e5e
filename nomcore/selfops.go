package nomcore

import (
	"context"
	"fmt"

	"nomfs/codec"
	"nomfs/nomcore/object"
)

// attrNameOf returns the one name of an attribute that goes by several.
func attrNameOf(impl any, name string) string {
	if o, ok := impl.(AttrNamer); ok {
		return o.AttrName(name)
	}
	return name
}

// GetAttr returns an attribute; the other methods likewise do one operation
// each, see Peer.
func (l *Self) GetAttr(ctx context.Context, r codec.Ref, name string) (codec.Value, error) {
	return l.run(ctx, r, func(ctx context.Context, impl any) (codec.Value, error) { return getAttrOf(ctx, impl, name) })
}

func getAttrOf(ctx context.Context, impl any, name string) (codec.Value, error) {
	o, ok := impl.(AttrGetter)
	if !ok {
		return nil, object.NoAttr(object.ClassOf(impl), name)
	}
	return o.GetAttr(ctx, attrNameOf(impl, name))
}

func (l *Self) SetAttr(ctx context.Context, r codec.Ref, name string, v codec.Value) error {
	_, err := l.run(ctx, r, func(ctx context.Context, impl any) (codec.Value, error) {
		o, ok := impl.(AttrSetter)
		if !ok {
			return nil, object.NoAttr(object.ClassOf(impl), name)
		}
		v, err := l.in(v)
		if err != nil {
			return nil, err
		}
		return codec.None{}, o.SetAttr(ctx, attrNameOf(impl, name), v)
	})
	return err
}

func (l *Self) DelAttr(ctx context.Context, r codec.Ref, name string) error {
	_, err := l.run(ctx, r, func(ctx context.Context, impl any) (codec.Value, error) {
		o, ok := impl.(AttrDeleter)
		if !ok {
			return nil, object.NoAttr(object.ClassOf(impl), name)
		}
		return codec.None{}, o.DelAttr(ctx, attrNameOf(impl, name))
	})
	return err
}

func (l *Self) GetItem(ctx context.Context, r codec.Ref, key codec.Value) (codec.Value, error) {
	return l.run(ctx, r, func(ctx context.Context, impl any) (codec.Value, error) {
		o, ok := impl.(ItemGetter)
		if !ok {
			return nil, object.Cannot(impl, "has no items")
		}
		return o.GetItem(ctx, key)
	})
}

func (l *Self) SetItem(ctx context.Context, r codec.Ref, key, v codec.Value) error {
	_, err := l.run(ctx, r, func(ctx context.Context, impl any) (codec.Value, error) {
		o, ok := impl.(ItemSetter)
		if !ok {
			return nil, object.Cannot(impl, "does not support item assignment")
		}
		v, err := l.in(v)
		if err != nil {
			return nil, err
		}
		return codec.None{}, o.SetItem(ctx, key, v)
	})
	return err
}

func (l *Self) DelItem(ctx context.Context, r codec.Ref, key codec.Value) error {
	_, err := l.run(ctx, r, func(ctx context.Context, impl any) (codec.Value, error) {
		o, ok := impl.(ItemDeleter)
		if !ok {
			return nil, object.Cannot(impl, "does not support item deletion")
		}
		return codec.None{}, o.DelItem(ctx, key)
	})
	return err
}

func (l *Self) Len(ctx context.Context, r codec.Ref) (int, error) {
	v, err := l.run(ctx, r, func(ctx context.Context, impl any) (codec.Value, error) {
		o, ok := impl.(Lener)
		if !ok {
			return nil, object.Cannot(impl, "has no len()")
		}
		n, err := o.Len(ctx)
		return codec.Int(n), err
	})
	n, _ := codec.Int64Of(orNone(v))
	return int(n), err
}

func (l *Self) Repr(ctx context.Context, r codec.Ref) (string, error) {
	return l.text(ctx, r, func(ctx context.Context, impl any) (string, error) {
		if o, ok := impl.(Reprer); ok {
			return o.Repr(ctx)
		}
		return object.ReprOf(ctx, impl), nil
	})
}

func (l *Self) Str(ctx context.Context, r codec.Ref) (string, error) {
	return l.text(ctx, r, func(ctx context.Context, impl any) (string, error) {
		if o, ok := impl.(Strer); ok {
			return o.Str(ctx)
		}
		return object.StrOf(ctx, impl), nil
	})
}

func (l *Self) text(ctx context.Context, r codec.Ref, of func(context.Context, any) (string, error)) (string, error) {
	v, err := l.run(ctx, r, func(ctx context.Context, impl any) (codec.Value, error) {
		s, err := of(ctx, impl)
		return codec.StringValue(s), err
	})
	s, _ := codec.StringOf(orNone(v))
	return s, err
}

func orNone(v codec.Value) codec.Value {
	if v == nil {
		return codec.None{}
	}
	return v
}

func (l *Self) Call(ctx context.Context, r codec.Ref, args []codec.Value, kwargs map[string]codec.Value) (codec.Value, error) {
	return l.run(ctx, r, func(ctx context.Context, impl any) (codec.Value, error) {
		return l.callImpl(ctx, impl, args, kwargs)
	})
}

func (l *Self) callImpl(ctx context.Context, impl any, args []codec.Value, kwargs map[string]codec.Value) (codec.Value, error) {
	o, ok := impl.(Caller)
	if !ok {
		return nil, object.Cannot(impl, "is not callable")
	}
	inArgs, inKw := make([]codec.Value, len(args)), make(map[string]codec.Value, len(kwargs))
	var err error
	for i, v := range args {
		if inArgs[i], err = l.in(v); err != nil {
			return nil, err
		}
	}
	for name, v := range kwargs {
		if inKw[name], err = l.in(v); err != nil {
			return nil, err
		}
	}
	return o.Call(ctx, inArgs, inKw)
}

func (l *Self) CallAttr(ctx context.Context, r codec.Ref, name string, args []codec.Value, kwargs map[string]codec.Value) (codec.Value, error) {
	return l.run(ctx, r, func(ctx context.Context, impl any) (codec.Value, error) {
		f, err := getAttrOf(ctx, impl, name)
		if err != nil {
			return nil, err
		}
		switch f := f.(type) {
		case *Object:
			return l.callImpl(ctx, f.Impl, args, kwargs)
		case *Proxy:
			return l.callImpl(ctx, f, args, kwargs)
		case codec.Ref:
			if x, ok := impl.(*Proxy); ok {
				return l.callImpl(ctx, x.Peer.adopt(f), args, kwargs)
			}
		}
		return nil, exception("TypeError", fmt.Sprintf("'%v' object is not callable", f.Kind()))
	})
}
