package wrap

import (
	"fmt"
	"reflect"

	"nomfs/codec"
	"nomfs/nomcore/object"
)

// Wrap makes an object of any Go value; the package comment gives the rules. A
// *object.Object is returned as it is, an object.Remote as an object that can be
// called. Wrap panics where ObjectOf returns an error.
func Wrap(x any) *object.Object { return must(ObjectOf(x)) }

// ObjectOf is Wrap with an error: ErrNoLock, or a mistake in the tags or parameter
// names of a type.
func ObjectOf(x any) (*object.Object, error) { return objectOf(x, shared) }

func must(o *object.Object, err error) *object.Object {
	if err != nil {
		panic("wrap: " + err.Error())
	}
	return o
}

func objectOf(x any, g guard) (*object.Object, error) {
	switch v := reflect.ValueOf(x); v.Kind() {
	case reflect.Invalid:
		x = codec.None{}
	case reflect.Pointer, reflect.Func:
		if v.IsNil() {
			x = codec.None{}
		}
	}
	switch v := x.(type) {
	case *object.Object:
		return v, nil
	case object.Remote:
		return &object.Object{Impl: v, Key: v}, nil
	case codec.Value:
		return &object.Object{Impl: &valueObject{v}}, nil
	}
	v, err := reader{guard: g}.ref(reflect.ValueOf(x))
	if err != nil {
		return nil, err
	}
	return objectOf(v, g)
}

// ValueOf returns what reading a field with the value x gives. The errors are
// those of ObjectOf, and a ValueError for containers that contain themselves.
func ValueOf(x any) (codec.Value, error) { return snapshot(reflect.ValueOf(x), shared) }

// FromGo converts the arguments of a call to a peer, each as ValueOf does: a func
// becomes a callback. The errors are those of ValueOf, with the position.
func FromGo(args ...any) ([]codec.Value, error) {
	out := make([]codec.Value, len(args))
	for i, x := range args {
		var err error
		if out[i], err = ValueOf(x); err != nil {
			return nil, fmt.Errorf("argument %d: %w", i+1, err)
		}
	}
	return out, nil
}
