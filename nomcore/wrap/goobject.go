package wrap

import (
	"context"
	"reflect"

	"nomfs/codec"
	"nomfs/nomcore/object"
)

// goObject is a Go value as an object: its fields and methods are attributes.
type goObject struct {
	info  *typeInfo
	self  reflect.Value // receiver of the methods: the pointer to a struct, or the value
	at    *place        // instead of self: where the value is read afresh each time
	guard guard
	key   any // identity, see object.Object.Key
}

var _ interface {
	object.AttrGetter
	object.AttrSetter
	object.AttrDeleter
	object.Describer
	object.Direr
	object.Snapshotter
	object.AttrNamer
	object.Reprer
	object.Strer
} = (*goObject)(nil)

// methodKey is the identity of a method of an object.
type methodKey struct {
	parent any
	name   string
}

var errGone = object.Errorf("ReferenceError", "the object is not there any more")

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

// ident is what the identities of the object's parts build on.
func (o *goObject) ident() any {
	if o.key != nil {
		return o.key
	}
	return o
}

// static returns the value itself: what self points to, or self. Its lock must
// be held.
func (o *goObject) static() reflect.Value {
	v := o.self
	if o.at != nil {
		v = o.at.load()
	}
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	return v
}

// receiver returns what the methods are called on. It must be called without
// the lock.
func (o *goObject) receiver() (reflect.Value, error) {
	if o.at == nil {
		return o.self, nil
	}
	o.guard.rlock()
	defer o.guard.runlock()
	v := o.at.load()
	if !v.IsValid() || v.Type() != o.info.base {
		return v, errGone
	}
	if o.info.recv.Kind() != reflect.Pointer {
		return reflect.ValueOf(v.Interface()), nil
	}
	p := reflect.New(v.Type())
	p.Elem().Set(v)
	return p, nil
}

// field returns the field of an attribute, invalid where it belongs to a nil
// embedded pointer. The lock must be held.
func (o *goObject) field(a *attr) reflect.Value {
	v := o.static()
	if !v.IsValid() || v.Type() != o.info.base {
		return reflect.Value{}
	}
	for i, x := range a.index {
		if i > 0 && v.Kind() == reflect.Pointer {
			if v.IsNil() {
				return reflect.Value{}
			}
			v = v.Elem()
		}
		v = v.Field(x)
	}
	return v
}

func (o *goObject) GetAttr(ctx context.Context, name string) (_ codec.Value, err error) {
	a := o.info.byName[name]
	if a == nil {
		return nil, object.NoAttr(o.info.class, name)
	}
	defer object.NoPanic(ctx, name, &err)
	switch {
	case a.method >= 0:
		return o.method(a), nil
	case a.getter:
		return o.computed(ctx, a)
	}
	o.guard.rlock()
	defer o.guard.runlock()
	return o.read(a, name)
}

// read returns the value of a field. The lock must be held.
func (o *goObject) read(a *attr, name string) (codec.Value, error) {
	v := o.field(a)
	if !v.IsValid() {
		return nil, object.NoAttr(o.info.class, name)
	}
	r := reader{guard: o.guard}
	if placed(a.typ) {
		r.at = &place{obj: o, attr: a}
	}
	if a.sealed {
		v = sealed(v)
	}
	return r.value(v)
}

// sealed returns a value whose parts cannot be changed, by their methods
// neither: without its address, or with elements of its own.
func sealed(v reflect.Value) reflect.Value {
	switch v.Kind() {
	case reflect.Struct, reflect.Array:
		return reflect.ValueOf(v.Interface())
	case reflect.Slice:
		if !v.IsNil() {
			own := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
			reflect.Copy(own, v)
			return own
		}
	}
	return v
}

// AttrName returns the name of an attribute as listed, for either of its names.
func (o *goObject) AttrName(name string) string {
	if a := o.info.byName[name]; a != nil {
		return a.name
	}
	return name
}

// Snapshot returns fields as they are at one moment: all are read under one
// lock. Methods are references, and getters run code that may block; both are
// left out.
func (o *goObject) Snapshot(ctx context.Context, names []string) (_ map[string]codec.Value, err error) {
	defer object.NoPanic(ctx, "snapshot", &err)
	values := make(map[string]codec.Value, len(names))
	o.guard.rlock()
	defer o.guard.runlock()
	for _, name := range names {
		a := o.info.byName[name]
		if a == nil || a.method >= 0 || a.getter {
			continue
		}
		if v, err := o.read(a, name); err == nil {
			values[name] = v
		}
	}
	return values, nil
}

// method returns a method as an object of its own.
func (o *goObject) method(a *attr) *object.Object {
	return &object.Object{
		Key: methodKey{o.ident(), a.goName},
		Impl: &goFunc{class: "method", sig: a.sig, guard: o.guard, load: func() (reflect.Value, error) {
			recv, err := o.receiver()
			if err != nil {
				return recv, err
			}
			return recv.Method(a.method), nil
		}},
	}
}

// computed calls the getter of an attribute, without the lock.
func (o *goObject) computed(ctx context.Context, a *attr) (codec.Value, error) {
	o.guard.rlock()
	v := o.field(a)
	if v.IsValid() {
		v = reflect.ValueOf(v.Interface()) // a copy: the field may change meanwhile
	}
	o.guard.runlock()
	if !v.IsValid() {
		return nil, object.NoAttr(o.info.class, a.name)
	}
	if v.IsNil() {
		return codec.None{}, nil
	}
	in, err := a.sig.bind(ctx, nil, nil)
	if err != nil {
		return nil, err
	}
	return a.sig.call(ctx, v, in, o.guard)
}

func (o *goObject) SetAttr(ctx context.Context, name string, v codec.Value) (err error) {
	a := o.info.byName[name]
	if a == nil {
		return object.NoAttr(o.info.class, name)
	}
	if a.fixed || o.at != nil {
		return object.Errorf("AttributeError", "attribute '%s' is read-only", name)
	}
	defer object.NoPanic(ctx, name, &err)
	w, err := toGo(v, a.typ)
	if err != nil {
		return conversionError("attribute '"+name+"'", err)
	}
	return o.store(a, name, w)
}

// store puts a converted value into a field.
func (o *goObject) store(a *attr, name string, w reflect.Value) error {
	o.guard.lock()
	defer o.guard.unlock()
	f := o.field(a)
	if !f.IsValid() {
		return object.NoAttr(o.info.class, name)
	}
	f.Set(w)
	return nil
}

func (o *goObject) DelAttr(ctx context.Context, name string) (err error) {
	a := o.info.byName[name]
	if a == nil {
		return object.NoAttr(o.info.class, name)
	}
	if !a.deletable() || o.at != nil {
		return object.Errorf("AttributeError", "can't delete attribute '%s'", name)
	}
	defer object.NoPanic(ctx, name, &err)
	return o.store(a, name, reflect.Zero(a.typ))
}

// deletable tells whether an attribute can become nil, which is what deleting
// it means.
func (a *attr) deletable() bool {
	if a.fixed {
		return false
	}
	switch a.typ.Kind() {
	case reflect.Pointer, reflect.Func, reflect.Interface, reflect.Map, reflect.Slice:
		return true
	}
	return false
}
