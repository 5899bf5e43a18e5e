package wrap

import (
	"context"
	"fmt"
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
)

// answering are the interfaces by which a value answers for itself: nothing of
// it is found by reflection then. Reprer and Strer are not among them.
var answering = []reflect.Type{
	reflect.TypeFor[object.AttrGetter](), reflect.TypeFor[object.AttrSetter](), reflect.TypeFor[object.AttrDeleter](),
	reflect.TypeFor[object.ItemGetter](), reflect.TypeFor[object.ItemSetter](), reflect.TypeFor[object.ItemDeleter](),
	reflect.TypeFor[object.Lener](), reflect.TypeFor[object.Caller](), reflect.TypeFor[object.Describer](),
	reflect.TypeFor[object.Direr](), reflect.TypeFor[object.Keyer](),
}

// texting are the interfaces by which a value has a text of its own.
var texting = []reflect.Type{
	reflect.TypeFor[object.Reprer](), reflect.TypeFor[object.Strer](), errorType, reflect.TypeFor[fmt.Stringer](),
}

// paramNamer returns the parameter names of methods: the name of a method, in Go's
// spelling or as an attribute, and what Func takes. It is called once for each
// type, on a zero value, possibly under a lock.
type paramNamer interface{ NomParams() map[string][]string }

// typeInfo is what reflection finds out about a type, once.
type typeInfo struct {
	class   string
	answers bool             // values answer for themselves
	locker  bool             // values are a sync.Locker
	attrs   []*attr          // those listed, by name
	byName  map[string]*attr // by all names that work
	fields  []*attr          // those that are fields
	runs    bool             // peers make code of the type run: methods, getters, texts
	err     error            // a mistake in the type's tags or parameter names
	recv    reflect.Type     // the type, which is the receiver of its methods
	base    reflect.Type     // the same, or what it points to
	kind    reflect.Kind     // of base

	checked sync.Once
	refused error // see refusal
}

// infos caches typeInfo by reflect.Type. Its size is the number of types of which
// the program serves values.
var infos sync.Map

// infoOf returns the typeInfo of t: of the pointer type for what lies at an
// address.
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
	if info.answers || opaque(t) {
		return info
	}
	if err := info.findAttrs(); err != nil {
		info.err = fmt.Errorf("%v: %w", t, err)
	}
	return info
}

// findAttrs finds the attributes.
func (info *typeInfo) findAttrs() (err error) {
	var fields []*attr
	h := &hidden{}
	if info.kind == reflect.Struct {
		if h, err = hiddenIn(info.base); err != nil {
			return err
		}
		if fields, err = fieldsOf(info.base, h, info.recv.Kind() == reflect.Struct); err != nil {
			return err
		}
	}
	methods, err := methodsOf(info.recv, h)
	if err != nil {
		return err
	}
	info.fields = fields
	info.runs = len(methods) > 0 || slices.ContainsFunc(texting, info.recv.Implements) ||
		slices.ContainsFunc(fields, func(a *attr) bool { return a.getter })
	info.claim(fields, methods)
	return nil
}

// claim assigns the names: those in tags first, then the default names of fields
// and of methods, then Go's names.
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
