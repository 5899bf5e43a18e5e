package wrap

import (
	"context"
	"fmt"
	"reflect"
	"runtime"
	"strings"

	"nomfs/codec"
	"nomfs/nomcore/object"
)

// Func makes an object of a Go func and gives its parameters the names that
// keyword arguments need, in order, a leading context.Context left out. A
// parameter may have a default, a Python literal; those after it need one too:
//
//	Func(add, "a", "b=2")
//
// Further arguments of a variadic func go by position alone; its last name
// may be written "*rest".
//
// Func panics on a mistake of the programmer: fn is no func, the names are too
// many or too few or appear twice, a default is no literal or does not fit its
// parameter.
func Func(fn any, params ...string) *object.Object {
	return must(FuncOf(fn, params...))
}

// FuncOf is Func with an error instead of a panic. Without params it makes a
// callback of a plain func.
func FuncOf(fn any, params ...string) (*object.Object, error) {
	v := reflect.ValueOf(fn)
	if v.Kind() != reflect.Func || v.IsNil() {
		return nil, fmt.Errorf("%T is not a func, or nil", fn)
	}
	o := funcObject(v, shared)
	sig := o.Impl.(*goFunc).sig
	if err := sig.nameParams(params); err != nil {
		return nil, fmt.Errorf("%s: %w", sig.name, err)
	}
	return o, nil
}

// funcName returns the name under which messages speak of a func.
func funcName(v reflect.Value) string {
	f := runtime.FuncForPC(v.Pointer())
	if f == nil {
		return classFunction
	}
	name := strings.TrimSuffix(f.Name(), "-fm") // a method value
	name = name[strings.LastIndexByte(name, '/')+1:]
	parts := strings.Split(name, ".")
	for _, p := range parts[1:] {
		if digits := strings.TrimPrefix(p, "func"); digits != p && strings.Trim(digits, "0123456789") == "" {
			return classFunction // one without a name
		}
	}
	return parts[len(parts)-1]
}

// The classes of what can be called.
const (
	classFunction = "function"
	classMethod   = "method"
)

// goFunc is a Go func as an object, or a method or a func in a field of one.
type goFunc struct {
	sig   *signature
	fn    reflect.Value // the func, unless it belongs to an object
	guard guard         // covers what fn returns
	of    *goObject     // the object to which it belongs, or nil
	attr  *attr         // of that object
}

var _ interface {
	object.Caller
	object.Describer
	object.Classer
} = (*goFunc)(nil)

// funcObject makes the object of a func; g covers what it returns.
func funcObject(v reflect.Value, g guard) *object.Object {
	return &object.Object{Impl: &goFunc{sig: newSignature(funcName(v), v.Type(), 0), fn: v, guard: g}}
}

// Class returns function or method.
func (f *goFunc) Class() string {
	if f.of != nil && f.attr.method {
		return classMethod
	}
	return classFunction
}

func (f *goFunc) Call(ctx context.Context, args []codec.Value, kwargs map[string]codec.Value) (codec.Value, error) {
	if f.of != nil {
		return f.of.call(ctx, f.attr, args, kwargs)
	}
	return f.sig.call(ctx, f.fn, reflect.Value{}, args, kwargs, f.guard)
}

func (f *goFunc) Describe(context.Context) (codec.Description, error) {
	return codec.Description{Class: f.Class(), Callable: true, Params: f.sig.described()}, nil
}
