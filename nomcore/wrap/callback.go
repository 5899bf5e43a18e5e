package wrap

import (
	"context"
	"fmt"
	"reflect"
	"runtime"
	"sync"
	"unsafe"
	"weak"

	"nomfs/codec"
	"nomfs/nomcore/object"
)

// callback is an object, most often one of another peer, in the shape of a Go
// func.
type callback struct {
	ref codec.Value // object.Remote or *object.Object
	sig *signature
}

// callbacks finds the object behind a Go func that toFunc made, so that the
// func, wherever Go code has put it meanwhile, is that same object when it is
// read. Keys are weak pointers to the data of the func, and values are weak
// too: the func itself keeps its callback alive, and when it goes its entry
// goes.
var callbacks sync.Map // weak.Pointer[byte] -> weak.Pointer[callback]

// madeCode is the code that all funcs of reflect.MakeFunc share.
var madeCode = reflect.MakeFunc(reflect.TypeFor[func()](), nil).Pointer()

// funcData returns the address of the data of a func: what tells one closure
// from another. The language and reflect do not reveal it otherwise.
func funcData(f reflect.Value) *byte {
	p := reflect.New(f.Type())
	p.Elem().Set(f)
	return *(**byte)(unsafe.Pointer(p.Pointer()))
}

// callbackOf returns the object behind f, or nil if f is a func of its own.
func callbackOf(f reflect.Value) codec.Value {
	if f.Pointer() != madeCode {
		return nil
	}
	w, ok := callbacks.Load(weak.Make(funcData(f)))
	if !ok {
		return nil
	}
	if c := w.(weak.Pointer[callback]).Value(); c != nil {
		return c.ref
	}
	return nil
}

// caller is what can be called: a Remote, or what is in the Impl of an Object.
func (c *callback) caller() object.Caller {
	if o, ok := c.ref.(*object.Object); ok {
		return o.Impl.(object.Caller) // toFunc has checked it
	}
	return c.ref.(object.Remote)
}

// toFunc makes a Go func of type t that calls the object v.
func toFunc(v codec.Value, t reflect.Type) (reflect.Value, error) {
	switch v := v.(type) {
	case codec.None:
		return reflect.Zero(t), nil
	case object.Remote:
	case *object.Object:
		if _, ok := v.Impl.(object.Caller); !ok {
			return reflect.Value{}, wrongType(t, v)
		}
	default:
		return reflect.Value{}, wrongType(t, v)
	}
	sig, err := newSignature("callback", t, 0, nil)
	if err != nil {
		return reflect.Value{}, err
	}
	c := &callback{v, sig}
	f := reflect.MakeFunc(t, c.invoke)
	data := funcData(f)
	key := weak.Make(data)
	callbacks.Store(key, weak.Make(c))
	runtime.AddCleanup(data, func(key weak.Pointer[byte]) { callbacks.Delete(key) }, key)
	return f, nil
}

// invoke is the body of the Go func. A failure is its last result if that is
// an error; else it is logged and the results are zero.
func (c *callback) invoke(in []reflect.Value) []reflect.Value {
	ctx := context.Background()
	if c.sig.ctx {
		if given, ok := in[0].Interface().(context.Context); ok && given != nil {
			ctx = given
		}
		in = in[1:]
	}
	out, err := c.results(ctx, in)
	if err != nil {
		out = out[:0]
		for _, t := range c.sig.out {
			out = append(out, reflect.Zero(t))
		}
	}
	if !c.sig.err {
		if err != nil {
			object.LogFrom(ctx).Warn("callback failed", "callback", refText(c.ref), "error", err)
		}
		return out
	}
	last := reflect.New(errorType).Elem()
	if err != nil {
		last.Set(reflect.ValueOf(err))
	}
	return append(out, last)
}

// refText names a callee in a log without running its code.
func refText(v codec.Value) string {
	if o, ok := v.(*object.Object); ok {
		return object.ClassOf(o.Impl)
	}
	return v.String()
}

// results calls the object and converts what it returns.
func (c *callback) results(ctx context.Context, in []reflect.Value) ([]reflect.Value, error) {
	args := make([]codec.Value, 0, len(in))
	add := func(v reflect.Value) error {
		arg, err := snapshot(v, guard{})
		args = append(args, arg)
		return err
	}
	for i, v := range in {
		if !c.sig.rest || i < len(in)-1 {
			if err := add(v); err != nil {
				return nil, err
			}
			continue
		}
		for j := range v.Len() {
			if err := add(v.Index(j)); err != nil {
				return nil, err
			}
		}
	}
	v, err := c.caller().Call(ctx, args, nil)
	if err != nil {
		return nil, err
	}
	if p, ok := c.ref.(object.Remote); ok {
		v, err = codec.MapRefs(v, func(v codec.Value) (codec.Value, error) {
			if r, ok := v.(codec.Ref); ok {
				return p.Adopt(r), nil
			}
			return v, nil
		})
		if err != nil {
			return nil, err
		}
	}
	var values []codec.Value
	switch len(c.sig.out) {
	case 0:
		return nil, nil
	case 1:
		values = []codec.Value{v}
	default:
		items, ok := itemsOf(v)
		if !ok || len(items) != len(c.sig.out) {
			return nil, object.Errorf("TypeError", "callback must return %d values, got %s", len(c.sig.out), gotName(v))
		}
		values = items
	}
	out := make([]reflect.Value, len(values))
	for i, t := range c.sig.out {
		if out[i], err = toGo(values[i], t); err != nil {
			return nil, conversionError(fmt.Sprintf("callback result %d", i+1), err)
		}
	}
	return out, nil
}
