package wrap

import (
	"math/big"
	"reflect"

	"nomfs/codec"
	"nomfs/nomcore/object"
)

// maxNesting is how many containers may lie in one another, in levels. It
// stops a container that contains itself, and keeps below the 300 levels that
// an original peer survives.
const maxNesting = 200

// reader converts Go values to values of the wire. It runs no user code. The lock
// of what it reads must be held.
type reader struct {
	guard  guard // of the object that leads to the value
	depth  int   // containers around the value
	sealed bool  // structs are copied although they have an address
	show   bool  // for a repr: no objects are made, only their text
}

// shown is the text of an object in a repr.
type shown string

func (shown) Kind() codec.Kind { return codec.KindRef }
func (s shown) String() string { return string(s) }

func shownObject(class string) shown { return shown("<" + class + " object>") }

// snapshot converts a value that was not read from an object. It takes the lock
// where peers may be changing the contents.
func snapshot(v reflect.Value, g guard) (codec.Value, error) {
	switch v.Kind() {
	case reflect.Map, reflect.Slice, reflect.Array, reflect.Interface:
		g.read.Lock()
		defer g.read.Unlock()
	}
	return reader{guard: g}.value(v)
}

// value converts v.
func (r reader) value(v reflect.Value) (codec.Value, error) {
	switch v.Kind() {
	case reflect.Invalid:
		return codec.None{}, nil
	case reflect.Interface:
		return r.iface(v)
	case reflect.Pointer, reflect.Func:
		if v.IsNil() {
			return codec.None{}, nil
		}
	}
	t := v.Type()
	if t.PkgPath() != "" || t.Kind() == reflect.Pointer {
		if t.Implements(valueType) {
			return r.passed(v.Interface().(codec.Value)), nil
		}
		if p, pointer, ok := plainOf(t); ok {
			if pointer {
				v = v.Elem()
			}
			return p.read(v)
		}
	}
	switch v.Kind() {
	case reflect.Bool:
		return codec.Bool(v.Bool()), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return codec.Int(v.Int()), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return codec.IntValue(new(big.Int).SetUint64(v.Uint())), nil
	case reflect.Float32, reflect.Float64:
		return codec.Float(v.Float()), nil
	case reflect.String:
		return codec.StringValue(v.String()), nil
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			return codec.Bytes(bytesOf(v)), nil
		}
		items, err := r.items(v)
		return codec.List(items), err
	case reflect.Map:
		return r.dict(v)
	case reflect.Pointer:
		if isScalar(t.Elem()) {
			return r.value(v.Elem())
		}
	}
	return r.ref(v)
}

// passed returns a value of the wire that the Go program stored as such.
func (r reader) passed(v codec.Value) codec.Value {
	if o, ok := v.(*object.Object); ok && r.show {
		return shownObject(object.ClassOf(o.Impl))
	}
	return v
}

// iface converts the contents of an interface. If the interface has methods the
// contents go by reference. Of a container peers then see the methods alone:
// these may change the items without a lock.
func (r reader) iface(v reflect.Value) (codec.Value, error) {
	e := v.Elem()
	switch {
	case !byReference(v):
		return r.value(e)
	case r.show, !isContainer(e.Kind()):
		return r.ref(e)
	}
	return r.object(reflect.ValueOf(e.Interface()), true)
}

// isScalar reports whether a t is a number, a bool or a text.
func isScalar(t reflect.Type) bool {
	return t.Kind() <= reflect.Float64 || t.Kind() == reflect.String
}

// isContainer reports whether values of a kind have items.
func isContainer(k reflect.Kind) bool {
	return k == reflect.Slice || k == reflect.Array || k == reflect.Map
}

// byReference reports whether the contents of interface v go by reference although
// their type does not say so.
func byReference(v reflect.Value) bool {
	e := v.Elem()
	if !e.IsValid() || e.Kind() == reflect.Pointer || v.NumMethod() == 0 || e.Type().Implements(valueType) {
		return false
	}
	_, _, ok := plainOf(e.Type())
	return !ok
}

// bytesOf copies a slice or array of bytes into a string.
func bytesOf(v reflect.Value) string {
	if v.Kind() == reflect.Array && !v.CanAddr() {
		a := reflect.New(v.Type()).Elem()
		a.Set(v)
		v = a
	}
	return string(v.Bytes())
}

// deeper returns the reader for the items of what r reads.
func (r reader) deeper() (reader, error) {
	if r.depth++; r.depth > maxNesting {
		return r, object.Errorf("ValueError", "value nests deeper than %d levels, or contains itself", maxNesting)
	}
	return r, nil
}

func (r reader) items(v reflect.Value) ([]codec.Value, error) {
	sub, err := r.deeper()
	if err != nil {
		return nil, err
	}
	list := make([]codec.Value, v.Len())
	for i := range list {
		if list[i], err = sub.value(v.Index(i)); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func (r reader) dict(v reflect.Value) (codec.Value, error) {
	sub, err := r.deeper()
	if err != nil {
		return nil, err
	}
	if !isSet(v.Type()) {
		return sub.pairs(v, sub.value)
	}
	m, err := sub.pairs(v, func(reflect.Value) (codec.Value, error) { return codec.None{}, nil })
	if err != nil {
		return nil, err
	}
	keys := make(codec.Set, 0, m.Len())
	for _, p := range m.Pairs() {
		keys = append(keys, p.Key)
	}
	return keys, nil
}

// pairs returns the keys of map v in the order of a dict, with what value makes
// of the items.
func (r reader) pairs(v reflect.Value, value func(reflect.Value) (codec.Value, error)) (*codec.Map, error) {
	pairs := make([]codec.Pair, v.Len())
	i := 0
	for it := v.MapRange(); it.Next(); i++ {
		var err error
		if pairs[i].Key, err = r.key(it.Key()); err == nil {
			pairs[i].Value, err = value(it.Value())
		}
		if err != nil {
			return nil, err
		}
	}
	m, err := codec.NewMap(pairs...)
	if err != nil {
		return nil, object.Errorf("TypeError", "%v", err)
	}
	return m, nil
}

// key converts the key of a map. An array, which Go allows there, is a tuple.
func (r reader) key(v reflect.Value) (codec.Value, error) {
	for v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	if v.Kind() == reflect.Array && v.Type().Elem().Kind() != reflect.Uint8 {
		items, err := r.items(v)
		return codec.Tuple(items), err
	}
	return r.value(v)
}

// ref makes an object of v. A plain value stays a value, and a callback is the
// object that it calls.
func (r reader) ref(v reflect.Value) (codec.Value, error) {
	if _, _, ok := plainOf(v.Type()); ok || v.Kind() == reflect.Pointer && isScalar(v.Type().Elem()) {
		return r.value(v)
	}
	switch k := v.Kind(); {
	case r.show:
		return shownObject(className(v.Type())), nil
	case k == reflect.Func:
		if ref := callbackOf(v); ref != nil {
			return ref, nil
		}
		return funcObject(reflect.ValueOf(v.Interface()), r.guard), nil
	case k == reflect.Struct && v.CanAddr() && !r.sealed:
		v = v.Addr() // a part of what it lies in
	}
	return r.object(reflect.ValueOf(v.Interface()), false) // of a copy, unless v is a pointer, map or slice
}

// mapKey is the identity of a map. The object refers to the map, so that no other
// map has the address while the object exists.
type mapKey struct {
	typ  reflect.Type
	addr uintptr
}

// object makes an object of v. Pointers and maps have an identity; of any other
// value each object is another. Of a bare container peers see the methods alone.
func (r reader) object(v reflect.Value, bare bool) (codec.Value, error) {
	info := infoOf(v.Type())
	if info.err != nil {
		return nil, info.err
	}
	if !r.guard.unlocked && !bare {
		if err := info.refusal(); err != nil {
			return nil, err
		}
	}
	o := &goObject{info: info, self: v, guard: guardOf(v, info, r.guard), bare: bare}
	switch v.Kind() {
	case reflect.Pointer:
		o.key = v.Interface()
	case reflect.Map:
		if !v.IsNil() {
			o.key = mapKey{v.Type(), v.Pointer()}
		}
	}
	switch {
	case info.answers:
		return &object.Object{Impl: v.Interface(), Key: o.key}, nil
	case v.Kind() == reflect.Struct && infoOf(reflect.PointerTo(v.Type())).answers:
		p := reflect.New(v.Type())
		p.Elem().Set(v)
		return &object.Object{Impl: p.Interface()}, nil
	}
	return o.object(), nil
}
