package script

import (
	"context"
	"hash/maphash"
	"reflect"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"nomfs/codec"
	"nomfs/nomcore"
)

// ref is an object outside of the script as a Starlark value: one of this
// process or one of another peer. Its attributes and items are used by our
// operators, which know on whose behalf; Starlark's own never see inside.
type ref struct{ v codec.Value } // *nomcore.Object, *nomcore.Proxy, codec.Ref

var (
	_ starlark.Callable   = (*ref)(nil)
	_ starlark.Comparable = (*ref)(nil)
)

// reference returns the value for an object. What is of this script and comes
// home is what it was.
func (s *Script) reference(v codec.Value) starlark.Value {
	if o, ok := v.(*nomcore.Object); ok {
		switch impl := o.Impl.(type) {
		case *method:
			if impl.s == s {
				return impl.fn
			}
		case *server:
			if impl.s == s {
				return impl
			}
		}
	}
	return &ref{v}
}

func (r *ref) String() string {
	if _, ok := r.v.(*nomcore.Object); ok {
		return "<object>" // its own text is code, which str() runs
	}
	return r.v.String()
}
func (r *ref) Name() string          { return r.String() }
func (r *ref) Type() string          { return codec.KindRef.String() }
func (r *ref) Freeze()               {}
func (r *ref) Truth() starlark.Bool  { return true }
func (r *ref) Hash() (uint32, error) { return uint32(maphash.Comparable(refSeed, r.id())), nil }

// CompareSameType tells whether two references lead to the same object.
func (r *ref) CompareSameType(tok syntax.Token, y starlark.Value, _ int) (bool, error) {
	same := r.id() == y.(*ref).id()
	switch tok {
	case syntax.EQL:
		return same, nil
	case syntax.NEQ:
		return !same, nil
	}
	return false, raise(classType, "references have no order")
}

var refSeed = maphash.MakeSeed()

// id is what two references to the same object share.
func (r *ref) id() any {
	switch v := r.v.(type) {
	case *nomcore.Object:
		if v.Key != nil && reflect.ValueOf(v.Key).Comparable() {
			return v.Key
		}
		return v
	case *nomcore.Proxy:
		return v.Ref
	}
	return r.v
}

// CallInternal calls the object.
func (r *ref) CallInternal(t *starlark.Thread, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	run := runOf(t)
	in, named, err := run.arguments(args, kwargs)
	if err != nil {
		return nil, err
	}
	return run.ask(r, func(ctx context.Context, o any) (codec.Value, error) {
		if o, ok := o.(nomcore.Caller); ok {
			return o.Call(ctx, in, named)
		}
		return nil, exception(classType, "the object is not callable")
	})
}

// ask does an operation with the object behind a reference and returns what it
// answers. f gets the Impl of a local object, or the proxy of another.
func (r *run) ask(target *ref, f func(ctx context.Context, o any) (codec.Value, error)) (starlark.Value, error) {
	var answer codec.Value
	var err error
	switch o := target.v.(type) {
	case *nomcore.Object:
		err = r.detached(&answer, func(ctx context.Context) (codec.Value, error) { return f(ctx, o.Impl) })
	case *nomcore.Proxy:
		err = r.outside(func(ctx context.Context) (err error) {
			answer, err = f(ctx, o)
			return err
		})
	default:
		err = raise(classReference, "%v: it is not known whom to ask", target)
	}
	if err != nil {
		return nil, err
	}
	return r.s.inward(answer)
}

// arguments converts those of a call that leaves the script.
func (r *run) arguments(args starlark.Tuple, kwargs []starlark.Tuple) ([]codec.Value, map[string]codec.Value, error) {
	in := make([]codec.Value, len(args))
	named := make(map[string]codec.Value, len(kwargs))
	for i, a := range args {
		var err error
		if in[i], err = r.s.outward(a); err != nil {
			return nil, nil, err
		}
	}
	for _, kv := range kwargs {
		v, err := r.s.outward(kv[1])
		if err != nil {
			return nil, nil, err
		}
		named[string(kv[0].(starlark.String))] = v
	}
	return in, named, nil
}

func (r *run) getAttr(target *ref, name string) (starlark.Value, error) {
	return r.ask(target, func(ctx context.Context, o any) (codec.Value, error) {
		if o, ok := o.(nomcore.AttrGetter); ok {
			return o.GetAttr(ctx, name)
		}
		return nil, noAttr("object", name)
	})
}

func (r *run) setAttr(target *ref, name string, v starlark.Value) error {
	out, err := r.s.outward(v)
	if err != nil {
		return err
	}
	_, err = r.ask(target, func(ctx context.Context, o any) (codec.Value, error) {
		if o, ok := o.(nomcore.AttrSetter); ok {
			return nil, o.SetAttr(ctx, name, out)
		}
		return nil, noAttr("object", name)
	})
	return err
}

// callAttr calls an attribute, in one request where the peer offers that.
func (r *run) callAttr(target *ref, name string, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	p, isRemote := target.v.(*nomcore.Proxy)
	if !isRemote {
		f, err := r.getAttr(target, name)
		if err != nil {
			return nil, err
		}
		return r.call(f, args, kwargs)
	}
	in, named, err := r.arguments(args, kwargs)
	if err != nil {
		return nil, err
	}
	return r.ask(target, func(ctx context.Context, _ any) (codec.Value, error) {
		return p.CallAttr(ctx, name, in, named)
	})
}

func (r *run) getItem(target *ref, key starlark.Value) (starlark.Value, error) {
	k, err := r.s.outward(key)
	if err != nil {
		return nil, err
	}
	return r.ask(target, func(ctx context.Context, o any) (codec.Value, error) {
		if o, ok := o.(nomcore.ItemGetter); ok {
			return o.GetItem(ctx, k)
		}
		return nil, exception(classType, "the object has no items")
	})
}

func (r *run) setItem(target *ref, key, v starlark.Value) error {
	k, err := r.s.outward(key)
	if err != nil {
		return err
	}
	out, err := r.s.outward(v)
	if err != nil {
		return err
	}
	_, err = r.ask(target, func(ctx context.Context, o any) (codec.Value, error) {
		if o, ok := o.(nomcore.ItemSetter); ok {
			return nil, o.SetItem(ctx, k, out)
		}
		return nil, exception(classType, "the object does not support item assignment")
	})
	return err
}

func (r *run) length(target *ref) (starlark.Value, error) {
	return r.ask(target, func(ctx context.Context, o any) (codec.Value, error) {
		if o, ok := o.(nomcore.Lener); ok {
			n, err := o.Len(ctx)
			return codec.Int(n), err
		}
		return nil, exception(classType, "the object has no len()")
	})
}

// text returns what the object says of itself, by Str or by Repr.
func (r *run) text(target *ref, str bool) (starlark.Value, error) {
	return r.ask(target, func(ctx context.Context, o any) (codec.Value, error) {
		var text string
		var err error
		strer, isStrer := o.(nomcore.Strer)
		reprer, isReprer := o.(nomcore.Reprer)
		switch {
		case str && isStrer:
			text, err = strer.Str(ctx)
		case isReprer:
			text, err = reprer.Repr(ctx)
		default:
			text = (&nomcore.Object{Impl: o}).String()
		}
		return codec.StringValue(text), err
	})
}

// attrNames returns the names of the attributes.
func (r *run) attrNames(target *ref) (starlark.Value, error) {
	return r.ask(target, func(ctx context.Context, o any) (codec.Value, error) {
		var names []string
		var err error
		switch o := o.(type) {
		case *nomcore.Proxy:
			names, err = o.Peer.Dir(ctx, o.Ref)
		case nomcore.Direr:
			names, err = o.Dir(ctx)
		default:
			err = exception("NotImplementedError", "the object does not list its attributes")
		}
		return nameList(names), err
	})
}

func nameList(names []string) codec.List {
	list := make(codec.List, len(names))
	for i, n := range names {
		list[i] = codec.StringValue(n)
	}
	return list
}

// opaque is a value that Starlark has no word for: a slice, Ellipsis, an
// exception. A script can keep it, compare it and give it back.
type opaque struct{ v codec.Value }

var _ starlark.Comparable = opaque{}

func (o opaque) String() string       { return o.v.String() }
func (o opaque) Type() string         { return o.v.Kind().String() }
func (o opaque) Freeze()              {}
func (o opaque) Truth() starlark.Bool { return true }
func (o opaque) Hash() (uint32, error) {
	return starlark.String(o.v.String()).Hash()
}

func (o opaque) CompareSameType(tok syntax.Token, y starlark.Value, _ int) (bool, error) {
	same := codec.Equal(o.v, y.(opaque).v)
	switch tok {
	case syntax.EQL:
		return same, nil
	case syntax.NEQ:
		return !same, nil
	}
	return false, raise(classType, "values of type %s have no order", o.Type())
}
