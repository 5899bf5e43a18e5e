package object

import (
	"context"

	"nomfs/codec"
)

// CallAttr calls an attribute of the object impl: by AttrCaller, else by GetAttr
// and Call. A reference that a Remote returns as the attribute is adopted first.
func CallAttr(ctx context.Context, impl any, name string, args []codec.Value, kwargs map[string]codec.Value) (codec.Value, error) {
	if o, ok := impl.(AttrCaller); ok {
		return o.CallAttr(ctx, name, args, kwargs)
	}
	o, ok := impl.(AttrGetter)
	if !ok {
		return nil, NoAttr(ClassOf(impl), name)
	}
	f, err := o.GetAttr(ctx, name)
	if err != nil {
		return nil, err
	}
	return Call(ctx, f, args, kwargs)
}

// Call calls f, which is an Object or a Remote; a TypeError for anything else,
// and for an Object that is no Caller.
func Call(ctx context.Context, f codec.Value, args []codec.Value, kwargs map[string]codec.Value) (codec.Value, error) {
	switch f := f.(type) {
	case nil:
		return Call(ctx, codec.None{}, args, kwargs)
	case *Object:
		if c, ok := f.Impl.(Caller); ok {
			return c.Call(ctx, args, kwargs)
		}
		return nil, Cannot(f.Impl, "is not callable")
	case Remote:
		return f.Call(ctx, args, kwargs)
	}
	return nil, Errorf("TypeError", "'%v' object is not callable", f.Kind())
}
