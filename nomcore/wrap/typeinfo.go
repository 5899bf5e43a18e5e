package wrap

import (
	"context"
	"fmt"
	"math/big"
	"reflect"
	"slices"
	"sort"
	"strings"
	"sync"

	"nomfs/codec"
	"nomfs/nomcore/object"
)

var (
	anyType     = reflect.TypeFor[any]()
	valueType   = reflect.TypeFor[codec.Value]()
	errorType   = reflect.TypeFor[error]()
	contextType = reflect.TypeFor[context.Context]()
	lockerType  = reflect.TypeFor[sync.Locker]()
	bigIntPtr   = reflect.TypeFor[*big.Int]()
)

// answering are the interfaces by which a value answers for itself: nothing of
// it is found by reflection then. Reprer and Strer are not among them.
var answering = []reflect.Type{
	reflect.TypeFor[object.AttrGetter](), reflect.TypeFor[object.AttrSetter](), reflect.TypeFor[object.AttrDeleter](),
	reflect.TypeFor[object.ItemGetter](), reflect.TypeFor[object.ItemSetter](), reflect.TypeFor[object.ItemDeleter](),
	reflect.TypeFor[object.Lener](), reflect.TypeFor[object.Caller](), reflect.TypeFor[object.Describer](),
	reflect.TypeFor[object.Direr](), reflect.TypeFor[object.Keyer](),
}

// paramNamer gives the methods of a type the parameter names that keywords
// need: the name of a method, in Go's spelling or as an attribute, and what
// Func takes. It is asked once per type, on a zero value, and must do no more
// than return a constant: an object may be locked meanwhile.
type paramNamer interface{ NomParams() map[string][]string }

// nomReprer gives a type a repr of its own without a context.
type nomReprer interface{ NomRepr() string }

// typeInfo is what reflection finds out about a type, once.
type typeInfo struct {
	class   string
	answers bool             // values answer for themselves
	locker  bool             // values are a sync.Locker
	attrs   []*attr          // those listed, by name
	byName  map[string]*attr // all names that work
	err     error            // a mistake in the type's tags or parameter names
	recv    reflect.Type     // the type
	base    reflect.Type     // the same, or what it points to
	kind    reflect.Kind     // of base
}

// attr is one attribute of a type: a field or a method.
type attr struct {
	name   string // as listed
	goName string
	index  []int // of a field
	method int   // of a method, else -1
	typ    reflect.Type
	sig    *signature // of a method, a func field or a getter
	fixed  bool       // cannot be set
	sealed bool       // marked read-only: neither can its parts
	getter bool       // reading it calls it
	tagged bool       // the name comes from its tag
}

// infos caches typeInfo by reflect.Type. It is as large as the program has
// types that it exposes.
var infos sync.Map

// infoOf returns what there is to know about values of type t, which is the
// type that the methods belong to: a pointer for structs.
func infoOf(t reflect.Type) *typeInfo {
	if i, ok := infos.Load(t); ok {
		return i.(*typeInfo)
	}
	i, _ := infos.LoadOrStore(t, newTypeInfo(t))
	return i.(*typeInfo)
}

func newTypeInfo(t reflect.Type) *typeInfo {
	info := &typeInfo{recv: t, base: t, class: className(t), byName: make(map[string]*attr)}
	if t.Kind() == reflect.Pointer {
		info.base = t.Elem()
	}
	info.kind = info.base.Kind()
	info.locker = t.Implements(lockerType)
	info.answers = slices.ContainsFunc(answering, t.Implements)
	if t.Implements(valueType) && t.Kind() != reflect.Pointer {
		info.class = reflect.Zero(t).Interface().(codec.Value).Kind().String()
	}
	if info.answers || t.Implements(valueType) {
		return info
	}
	var fields, methods []*attr
	var hidden map[string]bool
	if info.kind == reflect.Struct && t.Kind() == reflect.Pointer {
		fields, hidden, info.err = fieldsOf(info.base)
	}
	if info.err == nil {
		methods, info.err = methodsOf(t, hidden)
	}
	if info.err != nil {
		info.err = fmt.Errorf("%v: %w", t, info.err)
	}
	info.claim(fields, methods)
	return info
}

// claim gives out the names: those in tags first, then the default names of
// fields and of methods, then Go's names.
func (info *typeInfo) claim(fields, methods []*attr) {
	take := func(name string, a *attr) bool {
		if info.byName[name] != nil {
			return false
		}
		info.byName[name] = a
		return true
	}
	list := func(attrs []*attr, tagged bool) {
		for _, a := range attrs {
			if a.tagged == tagged && take(a.name, a) && !strings.HasPrefix(a.name, "_") {
				info.attrs = append(info.attrs, a)
			}
		}
	}
	list(fields, true)
	list(fields, false)
	list(methods, false)
	for _, a := range append(fields, methods...) {
		take(a.goName, a)
	}
	sort.Slice(info.attrs, func(i, j int) bool { return info.attrs[i].name < info.attrs[j].name })
}

// fieldsOf returns the attributes that are fields of struct type t, promoted
// ones included, and the names of the methods that a hidden embedded field
// would promote.
func fieldsOf(t reflect.Type) (fields []*attr, hidden map[string]bool, err error) {
	hidden = make(map[string]bool)
	var closed [][]int // embedded fields whose own fields are not promoted
	for _, f := range reflect.VisibleFields(t) {
		if slices.ContainsFunc(closed, func(p []int) bool {
			return len(f.Index) > len(p) && slices.Equal(p, f.Index[:len(p)])
		}) {
			continue
		}
		tag, err := parseTag(f)
		if err != nil {
			return nil, nil, err
		}
		if f.Anonymous {
			if tag.skip || tag.name != "" {
				closed = append(closed, f.Index)
			} else if structOf(f.Type) != nil {
				continue // its fields stand for it
			}
		}
		if tag.skip {
			hideMethods(f, hidden)
		}
		if tag.skip || !f.IsExported() || isSync(f.Type) {
			continue
		}
		a, err := fieldAttr(f, tag)
		if err != nil {
			return nil, nil, err
		}
		fields = append(fields, a)
	}
	return fields, hidden, nil
}

// hideMethods adds the methods of an embedded field that nobody is to see.
func hideMethods(f reflect.StructField, hidden map[string]bool) {
	if !f.Anonymous {
		return
	}
	t := f.Type
	if t.Kind() != reflect.Pointer && t.Kind() != reflect.Interface {
		t = reflect.PointerTo(t)
	}
	for m := range t.Methods() {
		hidden[m.Name] = true
	}
}

// structOf returns the struct type that t is or points to, or nil.
func structOf(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	return t
}

// isSync tells whether t is a lock or the like: nothing for a peer to hold.
func isSync(t reflect.Type) bool {
	s := structOf(t)
	return s != nil && s.PkgPath() == "sync"
}

func fieldAttr(f reflect.StructField, tag fieldTag) (*attr, error) {
	a := &attr{name: tag.name, goName: f.Name, index: f.Index, method: -1, typ: f.Type, tagged: tag.name != ""}
	if !a.tagged {
		a.name = snakeCase(f.Name)
	}
	a.getter = tag.getter
	// A struct is a part of its parent and is changed through its own
	// attributes, never replaced.
	a.sealed = tag.readonly
	a.fixed = tag.readonly || tag.getter || f.Type.Kind() == reflect.Struct && f.Type != bigIntPtr.Elem()
	if f.Type.Kind() == reflect.Func {
		sig, err := newSignature(a.name, f.Type, 0, nil)
		if err != nil {
			return nil, err
		}
		a.sig = sig
	}
	if a.getter && (a.sig == nil || len(a.sig.in) != 0 || len(a.sig.out) != 1) {
		return nil, fmt.Errorf("field %s: a getter is a func() T or func() (T, error), perhaps with a context", f.Name)
	}
	return a, nil
}

// lockMethods are not for peers: one of them could hold the lock for ever.
var lockMethods = map[string]bool{
	"Lock": true, "Unlock": true, "TryLock": true,
	"RLock": true, "RUnlock": true, "TryRLock": true, "RLocker": true,
}

// ownMethods are the interfaces whose methods say how a value is exposed; they
// are no attributes.
var ownMethods = map[string]reflect.Type{
	"NomParams": reflect.TypeFor[paramNamer](),
	"NomRepr":   reflect.TypeFor[nomReprer](),
	"Repr":      reflect.TypeFor[object.Reprer](),
	"Str":       reflect.TypeFor[object.Strer](),
}

func methodsOf(t reflect.Type, hidden map[string]bool) ([]*attr, error) {
	specs, err := paramSpecs(t)
	if err != nil {
		return nil, err
	}
	locker := t.Implements(lockerType)
	var methods []*attr
	for m := range t.Methods() {
		own := ownMethods[m.Name]
		if !m.IsExported() || hidden[m.Name] || locker && lockMethods[m.Name] || own != nil && t.Implements(own) {
			continue
		}
		a := &attr{name: snakeCase(m.Name), goName: m.Name, method: m.Index, typ: m.Type, fixed: true}
		spec := specs[a.goName]
		if spec == nil {
			spec = specs[a.name]
		}
		if a.sig, err = newSignature(a.name, m.Type, 1, spec); err != nil {
			return nil, err
		}
		methods = append(methods, a)
	}
	return methods, nil
}

// paramSpecs asks a zero value of t for the names of its methods' parameters.
func paramSpecs(t reflect.Type) (specs map[string][]string, err error) {
	if !t.Implements(ownMethods["NomParams"]) {
		return nil, nil
	}
	defer object.NoPanic(context.Background(), "NomParams", &err)
	zero := reflect.Zero(t)
	if t.Kind() == reflect.Pointer {
		zero = reflect.New(t.Elem())
	}
	return zero.Interface().(paramNamer).NomParams(), nil
}
