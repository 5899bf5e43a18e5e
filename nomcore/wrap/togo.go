package wrap

import (
	"errors"
	"reflect"

	"nomfs/codec"
	"nomfs/nomcore/object"
)

// To converts v to a T, as an assignment to an attribute does. What does not fit
// is a codec.Exception: a TypeError or an OverflowError.
func To[T any](v codec.Value) (T, error) {
	var x T
	err := writer{}.set(reflect.ValueOf(&x).Elem(), v)
	var m *misfit
	if errors.As(err, &m) {
		err = object.Errorf(m.class, "%s", m.text)
	}
	return x, err
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
			return inItem("attribute '"+name+"'", err)
		}
	}
	return nil
}
