package wrap

import (
	"context"
	"reflect"

	"nomfs/codec"
	"nomfs/nomcore/object"
)

// Wrap makes any Go value an object, found out by reflection. A *Object is
// itself. A value that has one of the interfaces AttrGetter to Keyer answers
// for itself alone, nothing of it is reflected. Anything else:
//
//   - Exported fields are attributes, those of embedded structs included, and
//     so are methods. Names are in snake case, HTTPServer is http_server; Go's
//     own name works as well but is not listed. The tag nom:"name" gives
//     another name, nom:"-" none (and hides what an embedded field would
//     promote), nom:",readonly" forbids writing. A field with nom:",getter" is
//     a func() T or func() (T, error), which reading the attribute calls, and so
//     is a method that the optional method NomGetters() []string names. On a
//     clash a name in a tag wins over fields and fields over methods.
//   - Slices, arrays and maps have items and a length. Map keys are items
//     only, never attributes.
//   - Methods and funcs can be called. Arguments are converted; what does not
//     fit is a TypeError with the position. A first context.Context is filled
//     in, a last error result becomes the remote error; no other result is
//     None, several are a tuple. Keywords need names: see Func, and for methods
//     the optional method NomParams() map[string][]string, from method name to
//     what Func takes.
//   - fmt.Stringer and error give str; NomRepr() string or Reprer give repr.
//
// What an attribute, item or result is goes by value if it is a scalar, a
// string, bytes, *big.Int or a slice, array or map; a named type of these kinds
// as well, whatever its methods. A map to struct{} is a set. By reference go
// pointers, structs, funcs, the contents of interfaces that have methods, and
// all of these within containers. nil is None. A struct within a struct, array
// or slice that can be addressed is a reference to that very place; one in a
// map or an interface is read from there each time and cannot be changed.
//
// Assigning converts as for arguments, and nothing else is stored: a wrong type
// is a TypeError, a number that does not fit an OverflowError. A reference to a
// wrapped pointer is that pointer again; a struct takes a map of its attributes. A field of func type takes any object
// that can be called, most often a callback of another peer: calling the field
// then calls it, and reading the attribute gives the same reference. A field of
// type any takes the natural Go value (int, string, []any, map[string]any, the
// *Proxy of a remote object), one of type codec.Value the value as it is.
// Deleting sets a field to nil where it can be.
//
// A lock covers field, map and element access: the value's own if it is a
// sync.Locker (with RLock for reading if it has that), which its parts share;
// else one that all wrapped values share. Methods, funcs, getters and String
// run without it and must be safe for concurrent use: where Go code and peers use
// a field at the same time, and one of them writes, the value has to be a
// sync.Locker. The methods of the lock are not exposed.
//
// A panic in user code, or runtime.Goexit, is logged with its stack and becomes
// a RuntimeError.
//
// Two objects made of one pointer, or map, are the same to every peer. Wrap
// panics if the type's tags or parameter names are wrong.
func Wrap(x any) *object.Object { return must(ObjectOf(x)) }

// ObjectOf is Wrap with an error instead of a panic: ErrNoLock, or a mistake in
// the tags or parameter names of a type.
func ObjectOf(x any) (*object.Object, error) { return objectOf(x, guard{}) }

func must(o *object.Object, err error) *object.Object {
	if err != nil {
		panic("wrap: " + err.Error())
	}
	return o
}

func objectOf(x any, g guard) (*object.Object, error) {
	if v := reflect.ValueOf(x); v.Kind() == reflect.Pointer && v.IsNil() {
		x = codec.None{}
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

// ValueOf returns what an attribute with the value x would give: plain values
// and containers of them as copies, everything else as ObjectOf does.
func ValueOf(x any) (codec.Value, error) { return snapshot(reflect.ValueOf(x), guard{}) }

// valueObject is a value of the wire that is an object: it has a repr and
// nothing else.
type valueObject struct{ v codec.Value }

// Class returns the name of the kind of value.
func (o *valueObject) Class() string { return o.v.Kind().String() }

func (o *valueObject) Repr(context.Context) (string, error) { return o.v.String(), nil }

func (o *valueObject) Str(context.Context) (string, error) {
	if s, ok := codec.StringOf(o.v); ok {
		return s, nil
	}
	return o.v.String(), nil
}

func (o *valueObject) Describe(context.Context) (codec.Description, error) {
	return codec.Description{Class: o.v.Kind().String()}, nil
}
