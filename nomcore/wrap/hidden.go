package wrap

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"nomfs/nomcore/object"
)

// opaque reports whether t, or the type to which it points, belongs to a package
// whose values order goroutines or reach into memory. No peer sees a field or
// method of them: one call of Wait or Unlock can stop the process.
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

// Interfaces whose methods serve packages of the library, not peers.
var (
	rlockerType = reflect.TypeFor[rlocker]()
	fmtScanner  = reflect.TypeFor[fmt.Scanner]()
	sqlScanner  = reflect.TypeFor[interface{ Scan(any) error }]()
	flagValue   = reflect.TypeFor[interface {
		String() string
		Set(string) error
	}]()
)

// hiddenMethods are the names of methods that no peer sees in a type that
// implements one of the interfaces. Any other type may have a method of the name
// for peers.
var hiddenMethods = map[string][]reflect.Type{
	"Lock": {lockerType}, "Unlock": {lockerType}, "TryLock": {lockerType},
	"RLock": {lockerType, rlockerType}, "RUnlock": {lockerType, rlockerType},
	"TryRLock": {lockerType, rlockerType}, "RLocker": {lockerType, rlockerType},
	"Deadline": {contextType}, "Done": {contextType}, "Err": {contextType}, "Value": {contextType},
	"Scan": {fmtScanner, sqlScanner}, "Set": {flagValue},
	"NomParams": {reflect.TypeFor[paramNamer]()}, "NomGetters": {reflect.TypeFor[getterNamer]()},
	"Repr": {reflect.TypeFor[object.Reprer]()}, "Str": {reflect.TypeFor[object.Strer]()},
}

// hiddenMethod reports whether no peer sees the method of t. A method that decodes
// into the value would make the right to call a right to write.
func hiddenMethod(t reflect.Type, name string) bool {
	return strings.HasPrefix(name, "Unmarshal") || name == "GobDecode" ||
		slices.ContainsFunc(hiddenMethods[name], t.Implements)
}

// hidden is what embedded fields of a struct promote and no peer sees: those of
// opaque types, of plain types, and those with the tag nom:"-".
type hidden struct {
	fields  [][]int         // indexes of the embedded fields
	methods map[string]bool // by name
}

func hiddenIn(t reflect.Type) (*hidden, error) {
	h := &hidden{methods: make(map[string]bool)}
	return h, h.walk(t, nil, make(map[reflect.Type]bool))
}

// walk adds what the embedded fields of struct type t promote. t lies at index, in
// the types up.
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

// within reports whether the field at index lies in a hidden one.
func (h *hidden) within(index []int) bool {
	return slices.ContainsFunc(h.fields, func(at []int) bool {
		return len(index) > len(at) && slices.Equal(at, index[:len(at)])
	})
}
