package wrap

import (
	"errors"
	"math"
	"math/big"
	"reflect"
	"strconv"
	"strings"

	"nomfs/codec"
	"nomfs/nomcore/object"
)

// misfit is a value that does not fit a Go type.
type misfit struct {
	class string // of the exception that tells of it
	text  string
}

func (e *misfit) Error() string { return e.text }

// wrongType tells what was expected and what came.
func wrongType(t reflect.Type, got codec.Value) error {
	return &misfit{"TypeError", "expected " + typeName(t) + ", got " + gotName(got)}
}

// tooLarge is the error for a number that t cannot hold.
func tooLarge(t reflect.Type, got codec.Value) error {
	return &misfit{"OverflowError", gotName(got) + " does not fit " + t.Kind().String()}
}

// inItem tells where in a container the misfit is.
func inItem(where string, err error) error {
	var m *misfit
	if errors.As(err, &m) {
		return &misfit{m.class, where + ": " + m.text}
	}
	return err
}

// conversionError makes the exception for a misfit of what label names.
func conversionError(label string, err error) error {
	var m *misfit
	if errors.As(err, &m) {
		return object.Errorf(m.class, "%s: %s", label, m.text)
	}
	return err
}

// gotShown is how many bytes of a wrong value a message shows: enough to
// recognise it, and short enough for a line.
const gotShown = 40

// gotName describes a wrong value for people, without running user code.
func gotName(v codec.Value) string {
	switch v := v.(type) {
	case codec.None:
		return "None"
	case *object.Object:
		return object.ClassOf(v.Impl)
	}
	if v.Kind() == codec.KindRef {
		return "a remote object"
	}
	switch v.(type) {
	case codec.List, codec.Tuple, codec.Set, *codec.Map:
		return v.Kind().String() // its items may be objects
	}
	word := v.Kind().String()
	text := v.String()
	if v.Kind() == codec.KindBytes && !strings.HasPrefix(text, "b") {
		word = "text" // as ASCII text travels
	}
	if len(text) > gotShown {
		text = text[:gotShown] + "..."
	}
	return word + " " + text
}

// toGo converts v to a new Go value of type t, without running user code. What
// does not fit is a *misfit.
func toGo(v codec.Value, t reflect.Type) (reflect.Value, error) {
	if v == nil {
		v = codec.None{}
	}
	if t.Kind() == reflect.Interface {
		return toInterface(v, t)
	}
	if reflect.TypeOf(v) == t {
		return reflect.ValueOf(v), nil
	}
	switch t {
	case bigIntPtr, bigIntPtr.Elem():
		return toBigInt(v, t)
	}
	if o, ok := v.(*object.Object); ok {
		if w, ok := goValue(o, t); ok {
			return w, nil
		}
	}
	dst := reflect.New(t).Elem()
	var err error
	switch t.Kind() {
	case reflect.Bool:
		b, ok := v.(codec.Bool)
		if !ok {
			return dst, wrongType(t, v)
		}
		dst.SetBool(bool(b))
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		err = setInt(dst, v)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		err = setUint(dst, v)
	case reflect.Float32, reflect.Float64:
		err = setFloat(dst, v)
	case reflect.String:
		s, ok := codec.StringOf(v)
		if !ok {
			return dst, wrongType(t, v)
		}
		dst.SetString(s)
	case reflect.Slice, reflect.Array:
		err = setSequence(dst, v)
	case reflect.Map:
		err = setMap(dst, v)
	case reflect.Func:
		return toFunc(v, t)
	case reflect.Pointer:
		return toPointer(v, t)
	default:
		err = wrongType(t, v)
	}
	return dst, err
}

func toBigInt(v codec.Value, t reflect.Type) (reflect.Value, error) {
	n, ok := codec.BigIntOf(v)
	switch {
	case ok && t == bigIntPtr:
		return reflect.ValueOf(new(big.Int).Set(n)), nil
	case ok:
		return reflect.ValueOf(new(big.Int).Set(n)).Elem(), nil
	case t == bigIntPtr && v.Kind() == codec.KindNone:
		return reflect.Zero(t), nil
	}
	return reflect.Value{}, wrongType(t, v)
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

func setSequence(dst reflect.Value, v codec.Value) error {
	t := dst.Type()
	if v.Kind() == codec.KindNone && t.Kind() == reflect.Slice {
		return nil
	}
	if s, ok := codec.StringOf(v); ok && t.Elem().Kind() == reflect.Uint8 {
		if t.Kind() == reflect.Slice {
			dst.Set(reflect.MakeSlice(t, len(s), len(s)))
		} else if len(s) != t.Len() {
			return wrongType(t, v)
		}
		for i := range len(s) {
			dst.Index(i).SetUint(uint64(s[i]))
		}
		return nil
	}
	items, ok := itemsOf(v)
	if !ok || t.Kind() == reflect.Array && len(items) != t.Len() {
		return wrongType(t, v)
	}
	if t.Kind() == reflect.Slice {
		dst.Set(reflect.MakeSlice(t, len(items), len(items)))
	}
	for i, item := range items {
		e, err := toGo(item, t.Elem())
		if err != nil {
			return inItem("item "+strconv.Itoa(i), err)
		}
		dst.Index(i).Set(e)
	}
	return nil
}

func setMap(dst reflect.Value, v codec.Value) error {
	t := dst.Type()
	if v.Kind() == codec.KindNone {
		return nil
	}
	if items, ok := itemsOf(v); ok && v.Kind() == codec.KindSet && isSet(t) {
		dst.Set(reflect.MakeMapWithSize(t, len(items)))
		for _, item := range items {
			k, err := toGoKey(item, t.Key())
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
		k, err := toGoKey(p.Key, t.Key())
		if err != nil {
			return inItem("a key", err)
		}
		e, err := toGo(p.Value, t.Elem())
		if err != nil {
			return inItem("item "+gotName(p.Key), err)
		}
		dst.SetMapIndex(k, e)
	}
	return nil
}

// toGoKey converts v to a key of a Go map.
func toGoKey(v codec.Value, t reflect.Type) (reflect.Value, error) {
	k, err := toGo(v, t)
	if err == nil && !k.Comparable() {
		return k, &misfit{"TypeError", "unhashable type: '" + v.Kind().String() + "'"}
	}
	return k, err
}

// toPointer makes pointers to plain values from plain values; pointers to
// anything else can only be the pointers that they are.
func toPointer(v codec.Value, t reflect.Type) (reflect.Value, error) {
	if v.Kind() == codec.KindNone {
		return reflect.Zero(t), nil
	}
	switch t.Elem().Kind() {
	case reflect.Struct, reflect.Pointer, reflect.Interface, reflect.Func:
		return reflect.Value{}, wrongType(t, v)
	}
	e, err := toGo(v, t.Elem())
	if err != nil {
		return e, err
	}
	p := reflect.New(t.Elem())
	p.Elem().Set(e)
	return p, nil
}

// toInterface stores v in an interface: in codec.Value as it is, in an empty
// one as the Go value it naturally is, in others what implements them.
func toInterface(v codec.Value, t reflect.Type) (reflect.Value, error) {
	dst := reflect.New(t).Elem()
	if t == valueType {
		dst.Set(reflect.ValueOf(v))
		return dst, nil
	}
	if v.Kind() == codec.KindNone {
		return dst, nil
	}
	if t.NumMethod() == 0 {
		dst.Set(reflect.ValueOf(natural(v)))
		return dst, nil
	}
	if o, ok := v.(*object.Object); ok {
		if w, ok := goValue(o, t); ok {
			dst.Set(w)
			return dst, nil
		}
	}
	switch v.(type) {
	case *object.Object, object.Remote, codec.Exception:
		if w := reflect.ValueOf(v); w.Type().AssignableTo(t) {
			dst.Set(w)
			return dst, nil
		}
	}
	return dst, wrongType(t, v)
}
