package wrap

import (
	"errors"
	"reflect"
	"strconv"

	"nomfs/codec"
	"nomfs/nomcore/object"
)

// writer converts values of the wire to Go values. It runs no user code. A value
// that does not fit is a TypeError or an OverflowError.
type writer struct {
	guard guard // of the object that gets the values
}

// ToGo converts v to a Go value of type t, as assigning to a field does. The error
// is a codec.Exception: a TypeError, or an OverflowError for a number that t cannot
// represent.
func ToGo(v codec.Value, t reflect.Type) (reflect.Value, error) { return writer{shared}.convert(v, t) }

// To is ToGo for the type T.
func To[T any](v codec.Value) (T, error) {
	var x T
	err := writer{shared}.set(reflect.ValueOf(&x).Elem(), v)
	return x, err
}

// convert converts v to a new Go value of type t.
func (w writer) convert(v codec.Value, t reflect.Type) (reflect.Value, error) {
	dst := reflect.New(t).Elem()
	return dst, w.set(dst, v)
}

// set converts v to the type of dst and stores it there. After an error dst may
// contain anything.
func (w writer) set(dst reflect.Value, v codec.Value) error {
	if v == nil {
		v = codec.None{}
	}
	t := dst.Type()
	if t.Kind() == reflect.Interface {
		return setInterface(dst, v)
	}
	if reflect.TypeOf(v) == t {
		dst.Set(reflect.ValueOf(v))
		return nil
	}
	if p, pointer, ok := plainOf(t); ok {
		return setPlain(dst, v, p, pointer)
	}
	if o, ok := v.(*object.Object); ok {
		if x, ok := goValue(o, t); ok {
			dst.Set(x)
			return nil
		}
	}
	switch t.Kind() {
	case reflect.Bool, reflect.String, reflect.Float32, reflect.Float64,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return setScalar(dst, v)
	case reflect.Slice, reflect.Array:
		return w.setSequence(dst, v)
	case reflect.Map:
		return w.setMap(dst, v)
	case reflect.Struct:
		return w.setStruct(dst, v)
	case reflect.Func:
		return w.setFunc(dst, v)
	case reflect.Pointer:
		return w.setPointer(dst, v)
	}
	return wrongType(t, v)
}

// setPlain stores a value of a plain type, or a pointer to one.
func setPlain(dst reflect.Value, v codec.Value, p plain, pointer bool) error {
	if pointer && v.Kind() == codec.KindNone {
		dst.SetZero()
		return nil
	}
	x, err := p.parse(v)
	if err != nil {
		return wrongType(dst.Type(), v)
	}
	if pointer {
		x = x.Addr()
	}
	dst.Set(x)
	return nil
}

func setScalar(dst reflect.Value, v codec.Value) error {
	err := codec.ToGo(v, dst)
	switch {
	case errors.Is(err, codec.ErrRange):
		return tooLarge(dst.Type(), v)
	case err != nil:
		return wrongType(dst.Type(), v)
	}
	return nil
}

// itemsOf returns the items of a list, tuple or set.
func itemsOf(v codec.Value) ([]codec.Value, bool) {
	switch v := v.(type) {
	case codec.List:
		return v, true
	case codec.Tuple:
		return v, true
	case codec.Set:
		return v, true
	}
	return nil, false
}

func (w writer) setSequence(dst reflect.Value, v codec.Value) error {
	t := dst.Type()
	isSlice := t.Kind() == reflect.Slice
	if v.Kind() == codec.KindNone && isSlice {
		dst.SetZero()
		return nil
	}
	if s, ok := codec.StringOf(v); ok && t.Elem().Kind() == reflect.Uint8 {
		switch {
		case isSlice:
			dst.SetBytes([]byte(s))
		case len(s) != t.Len():
			return wrongType(t, v)
		default:
			copy(dst.Bytes(), s)
		}
		return nil
	}
	items, ok := itemsOf(v)
	if !ok || !isSlice && len(items) != t.Len() {
		return wrongType(t, v)
	}
	if isSlice {
		dst.Set(reflect.MakeSlice(t, len(items), len(items)))
	}
	for i, item := range items {
		if err := w.set(dst.Index(i), item); err != nil {
			return labelled("item "+strconv.Itoa(i), err)
		}
	}
	return nil
}

func (w writer) setMap(dst reflect.Value, v codec.Value) error {
	t := dst.Type()
	if v.Kind() == codec.KindNone {
		dst.SetZero()
		return nil
	}
	if items, ok := v.(codec.Set); ok && isSet(t) {
		dst.Set(reflect.MakeMapWithSize(t, len(items)))
		for _, item := range items {
			k, err := w.key(item, t.Key())
			if err != nil {
				return labelled("an item", err)
			}
			dst.SetMapIndex(k, reflect.Zero(t.Elem()))
		}
		return nil
	}
	m, ok := v.(*codec.Map)
	if !ok || isSet(t) {
		return wrongType(t, v)
	}
	dst.Set(reflect.MakeMapWithSize(t, m.Len()))
	for _, p := range m.Pairs() {
		k, err := w.key(p.Key, t.Key())
		if err != nil {
			return labelled("a key", err)
		}
		e, err := w.convert(p.Value, t.Elem())
		if err != nil {
			return labelled("item "+gotName(p.Key), err)
		}
		dst.SetMapIndex(k, e)
	}
	return nil
}

// setStruct fills a struct from a map of its attributes. Keys that it does not
// have are passed over: a later version may send more.
func (w writer) setStruct(dst reflect.Value, v codec.Value) error {
	m, ok := v.(*codec.Map)
	info := infoOf(reflect.PointerTo(dst.Type()))
	if !ok || len(info.fields) == 0 {
		return wrongType(dst.Type(), v)
	}
	for _, p := range m.Pairs() {
		name, _ := codec.StringOf(p.Key)
		a := info.byName[name]
		if a == nil || a.method || a.getter {
			continue
		}
		f, err := dst.FieldByIndexErr(a.index)
		if err != nil { // of an embedded pointer that is nil
			return wrongType(dst.Type(), v)
		}
		if err := w.set(f, p.Value); err != nil {
			return labelled("attribute '"+name+"'", err)
		}
	}
	return nil
}

// key converts v to a key of a Go map, invalid after an error.
func (w writer) key(v codec.Value, t reflect.Type) (reflect.Value, error) {
	k, err := w.convert(v, t)
	if err != nil {
		return reflect.Value{}, err
	}
	if !k.Comparable() {
		return reflect.Value{}, object.Errorf("TypeError", "unhashable type: '%s'", v.Kind())
	}
	return k, nil
}

// setPointer makes pointers to plain values from plain values; a pointer to
// anything else can only be one that was wrapped.
func (w writer) setPointer(dst reflect.Value, v codec.Value) error {
	if v.Kind() == codec.KindNone {
		dst.SetZero()
		return nil
	}
	t := dst.Type().Elem()
	switch t.Kind() {
	case reflect.Struct, reflect.Pointer, reflect.Interface, reflect.Func:
		return wrongType(dst.Type(), v)
	}
	p := reflect.New(t)
	dst.Set(p)
	return w.set(p.Elem(), v)
}

// setInterface stores v in an interface: in codec.Value as it is, in an empty
// one as the Go value it naturally is, in others what implements them.
func setInterface(dst reflect.Value, v codec.Value) error {
	t := dst.Type()
	switch {
	case t == valueType:
		dst.Set(reflect.ValueOf(v))
		return nil
	case v.Kind() == codec.KindNone:
		dst.SetZero()
		return nil
	case t.NumMethod() == 0:
		dst.Set(reflect.ValueOf(Natural(v)))
		return nil
	}
	if o, ok := v.(*object.Object); ok {
		if x, ok := goValue(o, t); ok {
			dst.Set(x)
			return nil
		}
	}
	switch v.(type) {
	case *object.Object, object.Remote, codec.Exception:
		if x := reflect.ValueOf(v); x.Type().AssignableTo(t) {
			dst.Set(x)
			return nil
		}
	}
	return wrongType(t, v)
}
