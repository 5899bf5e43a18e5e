package wrap

import (
	"math"
	"math/big"
	"reflect"
	"strconv"

	"nomfs/codec"
	"nomfs/nomcore/object"
)

// writer turns values of the wire into Go values, without running user code.
// What does not fit is a *misfit.
type writer struct {
	guard guard // of the object for which the values are meant
}

// convert converts v to a new Go value of type t.
func (w writer) convert(v codec.Value, t reflect.Type) (reflect.Value, error) {
	dst := reflect.New(t).Elem()
	return dst, w.set(dst, v)
}

// set converts v to the type of dst and stores it there; after an error dst is
// in no defined state.
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
	case reflect.Bool:
		if b, ok := v.(codec.Bool); ok {
			dst.SetBool(bool(b))
			return nil
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return setInt(dst, v)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return setUint(dst, v)
	case reflect.Float32, reflect.Float64:
		return setFloat(dst, v)
	case reflect.String:
		if s, ok := codec.StringOf(v); ok {
			dst.SetString(s)
			return nil
		}
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

func setInt(dst reflect.Value, v codec.Value) error {
	n, ok := codec.Int64Of(v)
	if !ok {
		if _, isInt := codec.BigIntOf(v); isInt {
			return tooLarge(dst.Type(), v)
		}
		return wrongType(dst.Type(), v)
	}
	if dst.OverflowInt(n) {
		return tooLarge(dst.Type(), v)
	}
	dst.SetInt(n)
	return nil
}

func setUint(dst reflect.Value, v codec.Value) error {
	n, ok := codec.BigIntOf(v)
	if !ok {
		return wrongType(dst.Type(), v)
	}
	if !n.IsUint64() || dst.OverflowUint(n.Uint64()) {
		return tooLarge(dst.Type(), v)
	}
	dst.SetUint(n.Uint64())
	return nil
}

func setFloat(dst reflect.Value, v codec.Value) error {
	var f float64
	if x, ok := v.(codec.Float); ok {
		f = float64(x)
	} else if n, ok := codec.BigIntOf(v); ok {
		f, _ = new(big.Float).SetInt(n).Float64()
		if math.IsInf(f, 0) {
			return tooLarge(dst.Type(), v)
		}
	} else {
		return wrongType(dst.Type(), v)
	}
	if dst.OverflowFloat(f) {
		return tooLarge(dst.Type(), v)
	}
	dst.SetFloat(f)
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
			return inItem("item "+strconv.Itoa(i), err)
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
				return inItem("an item", err)
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
			return inItem("a key", err)
		}
		e, err := w.convert(p.Value, t.Elem())
		if err != nil {
			return inItem("item "+gotName(p.Key), err)
		}
		dst.SetMapIndex(k, e)
	}
	return nil
}

// key converts v to a key of a Go map.
func (w writer) key(v codec.Value, t reflect.Type) (reflect.Value, error) {
	k, err := w.convert(v, t)
	if err == nil && !k.Comparable() {
		return k, &misfit{"TypeError", "unhashable type: '" + v.Kind().String() + "'"}
	}
	return k, err
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
