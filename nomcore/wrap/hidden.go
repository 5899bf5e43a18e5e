package wrap

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"nomfs/nomcore/object"
)

// opaque tells whether t, or what it points to, is of a package whose values
// order goroutines or reach into memory. No peer sees a field, method or part
// of them: one call of Wait or Unlock can stop the process.
func opaque(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.PkgPath() {
	case "sync", "sync/atomic", "context", "reflect":
		return true
	}
	return false
}

// locker and reader of a lock, context, and what decodes into a value: their
// methods are there for packages, not for peers.
var (
	rlockerType = reflect.TypeFor[rlocker]()
	fmtScanner  = reflect.TypeFor[fmt.Scanner]()
	sqlScanner  = reflect.TypeFor[interface{ Scan(any) error }]()
	flagValue   = reflect.TypeFor[interface {
		String() string
		Set(string) error
	}]()
)

// hiddenMethods are the methods that no peer sees, with the interfaces for
// which they are there: a type that has one of these hides the method. A type
// without may have a method of that name for peers.
var hiddenMethods = map[string][]reflect.Type{
	"Lock": {lockerType}, "Unlock": {lockerType}, "TryLock": {lockerType},
	"RLock": {lockerType, rlockerType}, "RUnlock": {lockerType, rlockerType},
	"TryRLock": {lockerType, rlockerType}, "RLocker": {lockerType, rlockerType},
	"Deadline": {contextType}, "Done": {contextType}, "Err": {contextType}, "Value": {contextType},
	"Scan": {fmtScanner, sqlScanner}, "Set": {flagValue},
	"NomParams": {reflect.TypeFor[paramNamer]()}, "NomGetters": {reflect.TypeFor[getterNamer]()}, "NomRepr": {reflect.TypeFor[nomReprer]()},
	"Repr": {reflect.TypeFor[object.Reprer]()}, "Str": {reflect.TypeFor[object.Strer]()},
}

// hiddenMethod tells whether no peer sees a method of t. Those that decode into
// the value would make of the right to call one to write.
func hiddenMethod(t reflect.Type, name string) bool {
	return strings.HasPrefix(name, "Unmarshal") || name == "GobDecode" ||
		slices.ContainsFunc(hiddenMethods[name], t.Implements)
}

// hidden is what the embedded fields of a struct would promote, but no peer
// sees: of opaque types, of those that go by value, and of those with the tag
// nom:"-". Methods are hidden by name.
type hidden struct {
	fields  [][]int // the embedded fields, whose own fields are not promoted
	methods map[string]bool
}

func hiddenIn(t reflect.Type) (*hidden, error) {
	h := &hidden{methods: make(map[string]bool)}
	return h, h.walk(t, nil, make(map[reflect.Type]bool))
}

// walk looks at the embedded fields of struct type t, which lies at index; up
// are the types around it.
func (h *hidden) walk(t reflect.Type, index []int, up map[reflect.Type]bool) error {
	if up[t] {
		return nil
	}
	up[t] = true
	defer delete(up, t)
	for f := range t.Fields() {
		if !f.Anonymous {
			continue
		}
		tag, err := parseTag(f)
		if err != nil {
			return err
		}
		at := append(slices.Clip(index), f.Index...)
		_, _, isPlain := plainOf(f.Type)
		unseen := tag.skip || isPlain || opaque(f.Type)
		if unseen || tag.name != "" {
			h.fields = append(h.fields, at)
		}
		if s := structOf(f.Type); unseen {
			h.hide(f.Type)
		} else if s != nil {
			if err := h.walk(s, at, up); err != nil {
				return err
			}
		}
	}
	return nil
}

// hide hides the methods of an embedded field of type t.
func (h *hidden) hide(t reflect.Type) {
	if t.Kind() != reflect.Pointer && t.Kind() != reflect.Interface {
		t = reflect.PointerTo(t)
	}
	for m := range t.Methods() {
		h.methods[m.Name] = true
	}
}

// within tells whether the field at index lies in a hidden one.
func (h *hidden) within(index []int) bool {
	return slices.ContainsFunc(h.fields, func(at []int) bool {
		return len(index) > len(at) && slices.Equal(at, index[:len(at)])
	})
}
