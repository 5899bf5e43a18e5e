package wrap

import (
	"context"
	"fmt"
	"reflect"
	"runtime"
	"sync"
	"weak"

	"nomfs/codec"
	"nomfs/nomcore/object"
)

// callback is an object, most often of another peer, behind a Go func.
type callback struct {
	ref   codec.Value // object.Remote or *object.Object
	sig   *signature
	guard guard // of the object that got the func
}

// callbacks finds the callback of a func that setFunc made, so that reading a field
// gives the object that was assigned, wherever the program has moved the func. The
// key is the address of the closure. Go does not let funcs be compared, and all
// funcs of reflect.MakeFunc share their code: what was assigned to a field cannot
// be remembered beside it, since nothing else would show whether the field still
// contains that func. Both pointers are weak; the func keeps its callback alive.
var callbacks sync.Map // weak.Pointer[byte] -> weak.Pointer[callback]

// madeCode is the code that all funcs of reflect.MakeFunc share.
var madeCode = reflect.MakeFunc(reflect.TypeFor[func()](), nil).Pointer()

// closure returns the address of the closure of a func. Only an unsafe pointer
// reveals it.
func closure(f reflect.Value) *byte {
	p := reflect.New(f.Type())
	p.Elem().Set(f)
	return *(**byte)(p.UnsafePointer())
}

// callbackOf returns the object that f calls, or nil if f is no callback.
func callbackOf(f reflect.Value) codec.Value {
	if f.Pointer() != madeCode {
		return nil
	}
	w, ok := callbacks.Load(weak.Make(closure(f)))
	if !ok {
		return nil
	}
	if c := w.(weak.Pointer[callback]).Value(); c != nil {
		return c.ref
	}
	return nil
}

// setFunc stores a Go func that calls the object v.
func (w writer) setFunc(dst reflect.Value, v codec.Value) error {
	t := dst.Type()
	switch v := v.(type) {
	case codec.None:
		dst.SetZero()
		return nil
	case object.Remote:
	case *object.Object:
		if _, ok := v.Impl.(object.Caller); !ok {
			return wrongType(t, v)
		}
	default:
		return wrongType(t, v)
	}
	c := &callback{v, newSignature("callback", t, 0), w.guard}
	f := reflect.MakeFunc(t, c.invoke)
	data := closure(f)
	key := weak.Make(data)
	callbacks.Store(key, weak.Make(c))
	runtime.AddCleanup(data, func(key weak.Pointer[byte]) { callbacks.Delete(key) }, key)
	dst.Set(f)
	return nil
}

// invoke is the body of the Go func. An error is its last result if that is of
// type error; else it is logged. The other results are zero then.
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
			object.LogFrom(ctx).Warn("callback failed", "callback", gotName(c.ref), "error", err)
		}
		return out
	}
	last := reflect.New(errorType).Elem()
	if err != nil {
		last.Set(reflect.ValueOf(err))
	}
	return append(out, last)
}

// results calls the object and converts what it returns.
func (c *callback) results(ctx context.Context, in []reflect.Value) ([]reflect.Value, error) {
	args, err := c.args(in)
	if err != nil {
		return nil, err
	}
	v, err := object.Call(ctx, c.ref, args, nil)
	if err != nil {
		return nil, err
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
		if out[i], err = (writer{c.guard}).convert(values[i], t); err != nil {
			return nil, labelled(fmt.Sprintf("callback result %d", i+1), err)
		}
	}
	return out, nil
}

// args converts the arguments. Go code that holds the object's own lock may be
// calling, so that only the shared lock is taken.
func (c *callback) args(in []reflect.Value) ([]codec.Value, error) {
	if !c.guard.own {
		c.guard.read.Lock()
		defer c.guard.read.Unlock()
	}
	if c.sig.rest {
		last := in[len(in)-1]
		in = in[:len(in)-1]
		for i := range last.Len() {
			in = append(in, last.Index(i))
		}
	}
	args := make([]codec.Value, len(in))
	for i, v := range in {
		var err error
		if args[i], err = (reader{guard: c.guard}).value(v); err != nil {
			return nil, err
		}
	}
	return args, nil
}
