package wrap

import (
	"context"
	"reflect"

	"nomfs/codec"
	"nomfs/nomcore/object"
)

// goObject is a Go value as an object. Its fields and methods are the attributes.
type goObject struct {
	info  *typeInfo
	self  reflect.Value // receiver of the methods: a pointer, or a copy of the value
	guard guard
	key   any  // identity, see Object.Key
	bare  bool // a container of which peers see the methods alone
}

var _ interface {
	object.AttrGetter
	object.AttrSetter
	object.AttrDeleter
	object.AttrCaller
	object.PageDescriber
	object.Direr
	object.Snapshotter
	object.AttrNamer
	object.Reprer
	object.Strer
	object.Classer
} = (*goObject)(nil)

// object returns o as a value, with items if it has any.
func (o *goObject) object() *object.Object {
	if isContainer(o.info.kind) && !o.bare {
		return &object.Object{Impl: &goItems{o}, Key: o.key}
	}
	return &object.Object{Impl: o, Key: o.key}
}

// asGoObject returns the wrapped Go value behind the Impl of an Object, or nil.
func asGoObject(impl any) *goObject {
	switch o := impl.(type) {
	case *goObject:
		return o
	case *goItems:
		return o.goObject
	}
	return nil
}

// Class returns the class of the object.
func (o *goObject) Class() string { return o.info.class }

// value returns what self points to, or self. The lock must be held.
func (o *goObject) value() reflect.Value {
	if o.self.Kind() == reflect.Pointer {
		return o.self.Elem()
	}
	return o.self
}

// field returns the field of an attribute; it is an AttributeError where the
// field belongs to a nil embedded pointer. The lock must be held.
func (o *goObject) field(a *attr, name string) (reflect.Value, error) {
	v, err := o.value().FieldByIndexErr(a.index)
	if err != nil {
		return v, object.NoAttr(o.info.class, name)
	}
	return v, nil
}

func (o *goObject) GetAttr(ctx context.Context, name string) (_ codec.Value, err error) {
	a := o.info.byName[name]
	if a == nil {
		return nil, object.NoAttr(o.info.class, name)
	}
	defer object.Recover(ctx, name, &err)
	switch {
	case a.getter:
		return o.call(ctx, a, nil, nil)
	case a.method:
		return o.member(a), nil
	}
	o.guard.read.Lock()
	defer o.guard.read.Unlock()
	return o.read(a, name)
}

// read returns the value of a field. The lock must be held.
func (o *goObject) read(a *attr, name string) (codec.Value, error) {
	v, err := o.field(a, name)
	if err != nil {
		return nil, err
	}
	if a.sig != nil && !v.IsNil() {
		if ref := callbackOf(v); ref != nil {
			return ref, nil
		}
		return o.member(a), nil
	}
	return reader{guard: o.guard, sealed: a.sealed}.value(v)
}

// AttrName returns the listed name of an attribute.
func (o *goObject) AttrName(name string) string {
	if a := o.info.byName[name]; a != nil {
		return a.name
	}
	return name
}

// Snapshot reads fields under one lock. It leaves out methods, which are
// references, and getters, which may block.
func (o *goObject) Snapshot(ctx context.Context, names []string) (_ map[string]codec.Value, err error) {
	defer object.Recover(ctx, "snapshot", &err)
	values := make(map[string]codec.Value, len(names))
	o.guard.read.Lock()
	defer o.guard.read.Unlock()
	for _, name := range names {
		a := o.info.byName[name]
		if a == nil || a.method || a.getter {
			continue
		}
		if v, err := o.read(a, name); err == nil {
			values[name] = v
		}
	}
	return values, nil
}

// memberKey is the identity of a method, or of a func in a field.
type memberKey struct {
	of   any // the key of the object
	name string
}

// member makes an object of a method or of a func field. Calling it calls the func
// that the field contains then.
func (o *goObject) member(a *attr) *object.Object {
	m := &object.Object{Impl: &goFunc{sig: a.sig, of: o, attr: a}}
	if o.key != nil {
		m.Key = memberKey{o.key, a.goName}
	}
	return m
}

// call calls a method, or the func that a field contains.
func (o *goObject) call(ctx context.Context, a *attr, args []codec.Value, kwargs map[string]codec.Value) (codec.Value, error) {
	if a.method {
		return a.sig.call(ctx, a.fn, o.self, args, kwargs, o.guard)
	}
	f, err := o.loaded(a)
	switch {
	case err != nil:
		return nil, err
	case !f.IsNil():
		return a.sig.call(ctx, f, reflect.Value{}, args, kwargs, o.guard)
	case a.getter:
		return codec.None{}, nil
	}
	return nil, object.Errorf("TypeError", "'NoneType' object is not callable")
}

// CallAttr calls a method without making an object of it.
func (o *goObject) CallAttr(ctx context.Context, name string, args []codec.Value, kwargs map[string]codec.Value) (codec.Value, error) {
	if a := o.info.byName[name]; a != nil && a.method && !a.getter {
		return o.call(ctx, a, args, kwargs)
	}
	f, err := o.GetAttr(ctx, name)
	if err != nil {
		return nil, err
	}
	return object.Call(ctx, f, args, kwargs)
}

// loaded returns a copy of a field.
func (o *goObject) loaded(a *attr) (reflect.Value, error) {
	o.guard.read.Lock()
	defer o.guard.read.Unlock()
	v, err := o.field(a, a.name)
	if err != nil {
		return v, err
	}
	return reflect.ValueOf(v.Interface()), nil
}

func (o *goObject) SetAttr(ctx context.Context, name string, v codec.Value) (err error) {
	a := o.info.byName[name]
	if a == nil {
		return object.NoAttr(o.info.class, name)
	}
	if a.fixed {
		return object.Errorf("AttributeError", "attribute '%s' is read-only", name)
	}
	defer object.Recover(ctx, name, &err)
	w, err := writer{o.guard}.convert(v, a.typ)
	if err != nil {
		return labelled("attribute '"+name+"'", err)
	}
	return o.store(a, name, w)
}

// store puts a converted value into a field.
func (o *goObject) store(a *attr, name string, w reflect.Value) error {
	o.guard.write.Lock()
	defer o.guard.write.Unlock()
	f, err := o.field(a, name)
	if err == nil {
		f.Set(w)
	}
	return err
}

func (o *goObject) DelAttr(ctx context.Context, name string) (err error) {
	a := o.info.byName[name]
	if a == nil {
		return object.NoAttr(o.info.class, name)
	}
	if !a.deletable() {
		return object.Errorf("AttributeError", "can't delete attribute '%s'", name)
	}
	defer object.Recover(ctx, name, &err)
	return o.store(a, name, reflect.Zero(a.typ))
}
