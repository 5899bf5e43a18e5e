package wrap

import (
	"context"
	"fmt"
	"reflect"

	"nomfs/nomcore/object"
)

// attr is one attribute of a type: a field or a method.
type attr struct {
	name   string // as listed
	goName string
	index  []int // of a field
	method bool
	fn     reflect.Value // of a method: the func that takes the receiver first
	typ    reflect.Type
	sig    *signature // of a method, a func field or a getter
	fixed  bool       // peers cannot set it
	sealed bool       // peers cannot change its parts either: it has the tag readonly
	getter bool       // reading it calls it
	tagged bool       // the name comes from its tag
}

// deletable reports whether peers can delete the attribute, which sets it to nil.
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

// fieldsOf returns the attributes that are fields of struct type t, promoted
// ones included. They are fixed in a copy.
func fieldsOf(t reflect.Type, h *hidden, copied bool) (fields []*attr, err error) {
	for _, f := range reflect.VisibleFields(t) {
		tag, err := parseTag(f)
		if err != nil {
			return nil, err
		}
		switch {
		case tag.skip || !f.IsExported() || opaque(f.Type) || h.within(f.Index):
			continue
		case f.Anonymous && tag.name == "" && structOf(f.Type) != nil:
			continue // its fields stand for it
		}
		a, err := fieldAttr(f, tag)
		if err != nil {
			return nil, err
		}
		a.fixed = a.fixed || copied
		fields = append(fields, a)
	}
	return fields, nil
}

// structOf returns the struct type that t is or points to; nil for other types and
// for plain ones.
func structOf(t reflect.Type) reflect.Type {
	if _, _, ok := plainOf(t); ok {
		return nil
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	return t
}

func fieldAttr(f reflect.StructField, tag fieldTag) (*attr, error) {
	a := &attr{name: tag.name, goName: f.Name, index: f.Index, typ: f.Type, tagged: tag.name != "", getter: tag.getter, sealed: tag.readonly}
	if !a.tagged {
		a.name = snakeCase(f.Name)
	}
	// A part is changed through its own attributes, never replaced.
	a.fixed = a.sealed || a.getter || isPart(f.Type)
	if f.Type.Kind() == reflect.Func {
		a.sig = newSignature(a.name, f.Type, 0)
	}
	if a.getter && (a.sig == nil || len(a.sig.in) != 0 || len(a.sig.out) != 1) {
		return nil, fmt.Errorf("field %s: a getter is a func() T or func() (T, error), perhaps with a context", f.Name)
	}
	return a, nil
}

// isPart reports whether a t that lies in a struct or slice is a part of that.
func isPart(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && structOf(t) != nil
}

// methodsOf returns the attributes that are methods of t.
func methodsOf(t reflect.Type, h *hidden) ([]*attr, error) {
	specs, err := paramSpecs(t)
	if err != nil {
		return nil, err
	}
	var methods []*attr
	for m := range t.Methods() {
		if h.methods[m.Name] || hiddenMethod(t, m.Name) {
			continue
		}
		a := &attr{name: snakeCase(m.Name), goName: m.Name, method: true, fn: m.Func, typ: m.Type, fixed: true}
		spec := specs[a.goName]
		if spec == nil {
			spec = specs[a.name]
		}
		a.sig = newSignature(a.name, m.Type, 1)
		if err := a.sig.nameParams(spec); err != nil {
			return nil, fmt.Errorf("%s: %w", a.name, err)
		}
		methods = append(methods, a)
	}
	return methods, markGetters(t, methods)
}

// paramSpecs asks a zero value of t for the names of its methods' parameters.
func paramSpecs(t reflect.Type) (specs map[string][]string, err error) {
	if !t.Implements(reflect.TypeFor[paramNamer]()) {
		return nil, nil
	}
	defer object.Recover(context.Background(), "NomParams", &err)
	return zeroOf(t).(paramNamer).NomParams(), nil
}
