package wrap

import (
	"context"
	"reflect"

	"nomfs/codec"
	"nomfs/nomcore/object"
)

func (o *goObject) Dir(context.Context) ([]string, error) {
	names := make([]string, len(o.info.attrs))
	for i, a := range o.info.attrs {
		names[i] = a.name
	}
	return names, nil
}

func (o *goObject) Describe(ctx context.Context) (codec.Description, error) {
	attrs := make([]codec.AttrInfo, 0, len(o.info.attrs))
	d, err := o.DescribeFrom(ctx, 0, func(a codec.AttrInfo) bool {
		attrs = append(attrs, a)
		return true
	})
	d.Attrs = attrs
	return d, err
}

// DescribeFrom takes the lock for each attribute anew, since yield may ask
// for it.
func (o *goObject) DescribeFrom(ctx context.Context, from int, yield func(codec.AttrInfo) bool) (d codec.Description, err error) {
	defer object.Recover(ctx, "describe", &err)
	for _, a := range o.info.attrs[min(from, len(o.info.attrs)):] {
		if !yield(o.describe(a)) {
			break
		}
	}
	return codec.Description{Class: o.info.class}, nil
}

// describe tells about one attribute.
func (o *goObject) describe(a *attr) codec.AttrInfo {
	o.guard.read.Lock()
	defer o.guard.read.Unlock()
	info := codec.AttrInfo{Name: a.name, Type: typeName(a.typ), Write: !a.fixed, Delete: a.deletable()}
	switch {
	case a.getter:
		info.Kind, info.Type = kindOfType(a.sig.out[0]), typeName(a.sig.out[0])
	case a.method:
		info.Kind, info.Type, info.Call, info.Params = codec.KindRef, classMethod, true, a.sig.described()
	default:
		if v, err := o.field(a, a.name); err == nil {
			info.Kind = kindOf(v)
		}
		if a.sig != nil && info.Kind == codec.KindRef {
			info.Call, info.Params = true, a.sig.described()
		}
	}
	return info
}

// kindOf returns the kind of the value that reading v would give.
func kindOf(v reflect.Value) codec.Kind {
	switch v.Kind() {
	case reflect.Invalid:
		return codec.KindInvalid
	case reflect.Interface:
		if v.IsNil() {
			return codec.KindNone
		}
		if byReference(v) {
			return codec.KindRef
		}
		return kindOf(v.Elem())
	case reflect.Pointer, reflect.Func:
		if v.IsNil() {
			return codec.KindNone
		}
	}
	if v.Type().Implements(valueType) {
		return v.Interface().(codec.Value).Kind()
	}
	switch v.Kind() {
	case reflect.String:
		return codec.StringValue(v.String()).Kind()
	case reflect.Pointer:
		if isScalar(v.Type().Elem()) {
			return kindOf(v.Elem())
		}
	}
	return kindOfType(v.Type())
}

// kindOfType returns the kind of values of type t, KindInvalid where it depends on
// the value.
func kindOfType(t reflect.Type) codec.Kind {
	if p, _, ok := plainOf(t); ok {
		return p.kind
	}
	switch t.Kind() {
	case reflect.Bool:
		return codec.KindBool
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return codec.KindInt
	case reflect.Float32, reflect.Float64:
		return codec.KindFloat
	case reflect.String:
		return codec.KindText
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			return codec.KindBytes
		}
		return codec.KindList
	case reflect.Map:
		if isSet(t) {
			return codec.KindSet
		}
		return codec.KindMap
	case reflect.Pointer:
		if isScalar(t.Elem()) {
			return kindOfType(t.Elem())
		}
	case reflect.Interface:
		if t.NumMethod() == 0 || t == valueType {
			return codec.KindInvalid
		}
	}
	return codec.KindRef
}

// Repr returns the repr of Reprer, the literal of a scalar or container, or <Class
// object>.
func (o *goObject) Repr(ctx context.Context) (text string, err error) {
	defer object.Recover(ctx, "Repr()", &err)
	if r, ok := o.self.Interface().(object.Reprer); ok {
		return r.Repr(ctx)
	}
	v, err := o.literal()
	if err != nil {
		return "", err
	}
	return v.String(), nil
}

// literal returns a copy of the value from which a repr is made.
func (o *goObject) literal() (codec.Value, error) {
	switch k := o.info.kind; {
	case k == reflect.Struct, k == reflect.Chan, k == reflect.UnsafePointer, o.bare:
		return shownObject(o.info.class), nil
	}
	o.guard.read.Lock()
	defer o.guard.read.Unlock()
	return reader{guard: o.guard, show: true}.value(o.value())
}

// Str returns the str of Strer, error or fmt.Stringer, the text of a string or of
// bytes, or the repr.
func (o *goObject) Str(ctx context.Context) (text string, err error) {
	defer object.Recover(ctx, "Str()", &err)
	if str := object.StrFunc(o.self.Interface()); str != nil {
		return str(ctx)
	}
	switch o.info.kind {
	case reflect.String, reflect.Slice, reflect.Array: // the latter may be bytes
		v, err := o.literal()
		if err != nil {
			return "", err
		}
		if text, ok := codec.StringOf(v); ok {
			return text, nil
		}
	}
	return o.Repr(ctx)
}
