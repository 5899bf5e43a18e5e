package wrap

import (
	"math/big"
	"reflect"
	"strconv"

	"nomfs/codec"
	"nomfs/nomcore/object"
)

// maxNesting is how many containers may lie in one another, in levels. It
// stops a container that contains itself, and keeps below the 300 levels that
// an original peer survives.
const maxNesting = 200

// place is where in an object a value lies that has no address, such as a
// struct in a map: the way to find it again, and so the identity of the object
// that stands for it.
type place struct {
	obj  *goObject
	up   *place        // what it is an item of; nil for an attribute or item of obj itself
	attr *attr         // the attribute, where it is one
	key  reflect.Value // key in the map up, or in obj's own
	i    int           // index in the slice or array up, or in obj's own
}

// placeKey is the identity of the object at a place.
type placeKey struct {
	parent any
	path   string
}

// path spells out the place, "" where there is a key that has no spelling.
func (p *place) path() string {
	var step string
	switch {
	case p.attr != nil:
		return "." + p.attr.goName
	case p.key.IsValid():
		k := p.key
		if k.Kind() == reflect.Interface {
			k = k.Elem()
		}
		if !k.IsValid() || kindOfType(k.Type()) == codec.KindRef || placed(k.Type()) {
			return ""
		}
		v, err := reader{}.value(k)
		if err != nil {
			return ""
		}
		step = "[" + k.Type().String() + " " + v.String() + "]"
	default:
		step = "[" + strconv.Itoa(p.i) + "]"
	}
	if p.up == nil {
		return step
	}
	if up := p.up.path(); up != "" {
		return up + step
	}
	return ""
}

// ident returns the identity of the object at p, nil where it has none.
func (p *place) ident() any {
	if path := p.path(); path != "" {
		return placeKey{p.obj.ident(), path}
	}
	return nil
}

// load returns the value at p, or an invalid one where nothing is any more.
// The object's lock must be held.
func (p *place) load() reflect.Value {
	var v reflect.Value
	switch {
	case p.attr != nil:
		if v = p.obj.field(p.attr); p.attr.sealed {
			v = sealed(v)
		}
	case p.up != nil:
		v = p.up.load()
	default:
		v = p.obj.static()
	}
	for v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	if p.attr != nil {
		return v
	}
	switch v.Kind() {
	case reflect.Map:
		if !p.key.IsValid() || !p.key.Type().AssignableTo(v.Type().Key()) {
			return reflect.Value{}
		}
		v = v.MapIndex(p.key)
	case reflect.Slice, reflect.Array:
		if p.key.IsValid() || p.i >= v.Len() {
			return reflect.Value{}
		}
		v = v.Index(p.i)
	default:
		return reflect.Value{}
	}
	for v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	return v
}

// reader turns Go values into values of the wire. It runs no user code. The
// lock of what it reads must be held.
type reader struct {
	guard guard  // of the object whose parts are read
	at    *place // where the value lies, nil where that is unknown
	depth int
	show  bool // for a repr: what goes by reference is only shown
}

// shown stands for an object in a repr.
type shown string

func (shown) Kind() codec.Kind { return codec.KindRef }
func (s shown) String() string { return string(s) }

// snapshot converts a value that is not read from an object, under g where it
// has parts that others may be changing.
func snapshot(v reflect.Value, g guard) (codec.Value, error) {
	switch v.Kind() {
	case reflect.Map, reflect.Slice, reflect.Array, reflect.Interface:
		g.rlock()
		defer g.runlock()
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
		if t == bigIntPtr {
			return codec.IntValue(new(big.Int).Set(v.Interface().(*big.Int))), nil
		}
	case reflect.Struct:
		if t == bigIntPtr.Elem() {
			n := v.Interface().(big.Int)
			return codec.IntValue(new(big.Int).Set(&n)), nil
		}
	}
	return r.ref(v)
}

// passed is a value of the wire that the Go value holds as such.
func (r reader) passed(v codec.Value) codec.Value {
	if o, ok := v.(*object.Object); ok && r.show {
		return shown("<" + object.ClassOf(o.Impl) + " object>")
	}
	return v
}

// iface converts what an interface holds: by reference if the interface has
// methods, since those are what it is there for.
func (r reader) iface(v reflect.Value) (codec.Value, error) {
	e := v.Elem()
	if !e.IsValid() || e.Kind() == reflect.Pointer || v.Type().NumMethod() == 0 || e.Type().Implements(valueType) {
		return r.value(e)
	}
	return r.ref(e)
}

// bytesOf copies a slice or array of bytes into a string.
func bytesOf(v reflect.Value) string {
	if v.Kind() == reflect.Slice || v.CanAddr() {
		return string(v.Bytes())
	}
	b := make([]byte, v.Len())
	for i := range b {
		b[i] = byte(v.Index(i).Uint())
	}
	return string(b)
}

// deeper returns the reader for an item of what r reads.
func (r reader) deeper() (reader, error) {
	if r.depth++; r.depth > maxNesting {
		return r, object.Errorf("ValueError", "value nests deeper than %d levels, or contains itself", maxNesting)
	}
	return r, nil
}

// placed tells whether values of a type may need to know their place: those
// that go by reference and are no pointers.
func placed(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Struct, reflect.Func, reflect.Interface, reflect.Map, reflect.Slice, reflect.Array:
		return true
	}
	return false
}

func (r reader) items(v reflect.Value) ([]codec.Value, error) {
	sub, err := r.deeper()
	if err != nil {
		return nil, err
	}
	find := r.at != nil && placed(v.Type().Elem())
	list := make([]codec.Value, v.Len())
	for i := range list {
		if find {
			sub.at = &place{obj: r.at.obj, up: r.at, i: i}
		}
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
	set := isSet(v.Type())
	find := r.at != nil && placed(v.Type().Elem())
	pairs := make([]codec.Pair, 0, v.Len())
	for it := v.MapRange(); it.Next(); {
		k, err := sub.key(it.Key())
		if err != nil {
			return nil, err
		}
		p := codec.Pair{Key: k, Value: codec.None{}}
		if !set {
			sub.at = nil
			if find {
				sub.at = &place{obj: r.at.obj, up: r.at, key: it.Key()}
			}
			if p.Value, err = sub.value(it.Value()); err != nil {
				return nil, err
			}
		}
		pairs = append(pairs, p)
	}
	m, err := codec.NewMap(pairs...)
	if err != nil {
		return nil, object.Errorf("TypeError", "%v", err)
	}
	if !set {
		return m, nil
	}
	return keySet(m), nil
}

// keySet returns the keys of m, which are in dict order, as a set.
func keySet(m *codec.Map) codec.Set {
	set := make(codec.Set, 0, m.Len())
	for _, p := range m.Pairs() {
		set = append(set, p.Key)
	}
	return set
}

// key converts the key of a map. An array, which Go allows there, is a tuple.
func (r reader) key(v reflect.Value) (codec.Value, error) {
	r.at = nil
	for v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	if v.Kind() == reflect.Array && v.Type().Elem().Kind() != reflect.Uint8 {
		items, err := r.items(v)
		return codec.Tuple(items), err
	}
	return r.value(v)
}

// ref makes the object that stands for v.
func (r reader) ref(v reflect.Value) (codec.Value, error) {
	if r.show {
		return shown("<" + className(v.Type()) + " object>"), nil
	}
	return objectOf(v, r.guard, r.at)
}
