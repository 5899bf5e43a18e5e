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
//     a func() T or func() (T, error), which reading the attribute calls. On a
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
// wrapped pointer is that pointer again. A field of func type takes any object
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
func Wrap(x any) *object.Object {
	if v := reflect.ValueOf(x); v.Kind() == reflect.Pointer && v.IsNil() {
		return valueObjectOf(codec.None{})
	}
	switch v := x.(type) {
	case *object.Object:
		return v
	case object.Remote:
		return &object.Object{Impl: v, Key: v}
	case codec.List, codec.Tuple, codec.Set:
	case codec.Value:
		return valueObjectOf(v)
	}
	v, err := objectOf(reflect.ValueOf(x), guard{}, nil)
	if err != nil {
		panic("wrap.Wrap: " + err.Error())
	}
	switch v := v.(type) {
	case *object.Object:
		return v
	case object.Remote:
		return &object.Object{Impl: v, Key: v}
	}
	return valueObjectOf(v)
}

// ValueOf returns what an attribute with the value x would give: plain values
// and containers of them as copies, everything else as Wrap does.
func ValueOf(x any) (codec.Value, error) {
	return snapshot(reflect.ValueOf(x), guard{})
}

// valueKey is the identity of an immutable value that is an object.
type valueKey struct{ value any }

// mapKey is the identity of a map: two variables may hold the same.
type mapKey struct {
	typ reflect.Type
	ptr any // an unsafe.Pointer
}

// typedKey is the identity of a func or value at a place: another type there
// is another object.
type typedKey struct {
	place any
	typ   reflect.Type
}

// objectOf makes the object of a Go value that goes by reference, or returns the
// value of the wire that it stands for. part is the lock of what v is a part
// of, at where it lies there.
func objectOf(v reflect.Value, part guard, at *place) (codec.Value, error) {
	v, moved, err := follow(v)
	if err != nil {
		return nil, err
	}
	if moved {
		part, at = guard{}, nil
	}
	switch v.Kind() {
	case reflect.Invalid:
		return codec.None{}, nil
	case reflect.Pointer:
		if v.IsNil() {
			return codec.None{}, nil
		}
		return pointerObject(v, guard{})
	case reflect.Func:
		if v.IsNil() {
			return codec.None{}, nil
		}
		if ref := callbackOf(v); ref != nil {
			return ref, nil
		}
	}
	info := infoOf(v.Type())
	if info.err != nil {
		return nil, info.err
	}
	if info.answers {
		return &object.Object{Impl: v.Interface()}, nil
	}
	switch v.Kind() {
	case reflect.Func:
		return funcObject(v, info, part, at), nil
	case reflect.Struct, reflect.Array:
		if v.CanAddr() && v.Kind() == reflect.Struct {
			return pointerObject(v.Addr(), part)
		}
		p := reflect.New(v.Type())
		p.Elem().Set(v)
		return placedObject(p, part, at)
	case reflect.Slice:
		return placedObject(reflect.ValueOf(v.Interface()), part, at)
	}
	self := reflect.ValueOf(v.Interface()) // a copy
	o := &goObject{info: info, self: self, guard: guardOf(self, info, part)}
	if v.Kind() == reflect.Map {
		if !v.IsNil() {
			o.key = mapKey{v.Type(), v.UnsafePointer()}
		}
	} else if v.Comparable() {
		o.key = valueKey{v.Interface()}
	}
	return o.object(), nil
}

// follow returns what interfaces, and pointers to pointers, interfaces and
// funcs, lead to, and whether a pointer was on the way.
func follow(v reflect.Value) (to reflect.Value, moved bool, err error) {
	for range maxNesting {
		switch {
		case v.Kind() == reflect.Interface:
			v = v.Elem()
		case v.Kind() == reflect.Pointer && !v.IsNil() && indirect(v.Type().Elem()):
			v, moved = v.Elem(), true
		default:
			return v, moved, nil
		}
	}
	return v, moved, object.Errorf("ValueError", "a pointer leads to itself")
}

// indirect tells whether a pointer to t is no object of its own but stands for
// what it leads to.
func indirect(t reflect.Type) bool {
	return t.Kind() == reflect.Pointer || t.Kind() == reflect.Interface || t.Kind() == reflect.Func
}

// pointerObject makes the object of what p points to.
func pointerObject(p reflect.Value, part guard) (codec.Value, error) {
	info := infoOf(p.Type())
	if info.err != nil {
		return nil, info.err
	}
	key := p.Interface()
	if info.answers {
		return &object.Object{Impl: key, Key: key}, nil
	}
	o := &goObject{info: info, self: p, guard: guardOf(p, info, part), key: key}
	return o.object(), nil
}

// placedObject makes the object of a value without an address, of which self
// is a copy: one that is read from its place each time, or that copy where the
// place is not known.
func placedObject(self reflect.Value, part guard, at *place) (codec.Value, error) {
	info := infoOf(self.Type())
	if info.err != nil {
		return nil, info.err
	}
	var key any
	if at != nil {
		key = at.ident()
	}
	if key == nil && self.Kind() == reflect.Pointer {
		return pointerObject(self, part)
	}
	if info.answers {
		return &object.Object{Impl: self.Interface()}, nil
	}
	o := &goObject{info: info, self: self, guard: part}
	if key != nil {
		o.self, o.at, o.key = reflect.Value{}, at, typedKey{key, info.base}
	}
	return o.object(), nil
}

// funcObject makes the object of a func: the one that is at its place when it
// is called, or v.
func funcObject(v reflect.Value, info *typeInfo, part guard, at *place) *object.Object {
	v = reflect.ValueOf(v.Interface()) // a copy
	name := funcName(v)
	if at != nil && at.attr != nil {
		name = at.attr.name
	}
	sig, err := newSignature(name, v.Type(), 0, nil)
	if err != nil {
		panic(err) // only parameter names can be wrong, and there are none
	}
	f := &goFunc{class: "function", sig: sig, load: fixed(v), guard: part}
	if len(info.attrs) > 0 {
		f.attrs = &goObject{info: info, self: v, guard: part}
	}
	o := &object.Object{Impl: f}
	if at == nil {
		return o
	}
	if key := at.ident(); key != nil {
		typ := v.Type()
		o.Key = typedKey{key, typ}
		f.load = func() (reflect.Value, error) {
			part.rlock()
			defer part.runlock()
			now := at.load()
			if !now.IsValid() || now.Type() != typ {
				return now, errGone
			}
			return reflect.ValueOf(now.Interface()), nil
		}
	}
	return o
}

// object returns o as a value, with items if it has any.
func (o *goObject) object() *object.Object {
	switch o.info.kind {
	case reflect.Slice, reflect.Array, reflect.Map:
		return &object.Object{Impl: &goItems{o}, Key: o.key}
	}
	return &object.Object{Impl: o, Key: o.key}
}

// valueObject is a value of the wire that is an object: it has a repr and
// nothing else.
type valueObject struct{ v codec.Value }

func valueObjectOf(v codec.Value) *object.Object { return &object.Object{Impl: &valueObject{v}} }

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
