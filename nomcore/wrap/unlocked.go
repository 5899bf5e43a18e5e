package wrap

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

	"nomfs/nomcore/object"
)

// ErrNoLock: a type has methods or getters, and fields or items that peers can
// set, but no lock of its own; or its fields or items lead to such a type.
var ErrNoLock = errors.New("no lock of its own")

// Unlocked is Wrap for a value that Wrap refuses with ErrNoLock. The caller promises
// that no method uses what peers can set, or takes another lock there. The promise
// holds for everything that the value leads to.
func Unlocked(x any) *object.Object {
	g := shared
	g.unlocked = true
	return must(objectOf(x, g))
}

// refusal returns the ErrNoLock with which values of the type are refused, or nil.
func (info *typeInfo) refusal() error {
	info.checked.Do(func() { info.refused = info.check(make(map[*typeInfo]bool)) })
	return info.refused
}

// check checks the type and those to which its fields and items lead. seen are the
// types that were checked before.
func (info *typeInfo) check(seen map[*typeInfo]bool) error {
	if seen[info] || info.answers {
		return nil
	}
	seen[info] = true
	if info.unguarded() {
		return fmt.Errorf("%v has %w, and peers could set its fields or items while its methods run: embed sync.Mutex in a "+
			"struct and take it in the methods, give fields the tag nom:\",readonly\", or serve nomcore.Unlocked(v)", info.base, ErrNoLock)
	}
	for _, a := range info.fields {
		if err := checkType(a.typ, info.recv.Kind() == reflect.Pointer, a.sealed, seen); err != nil {
			return fmt.Errorf("%s.%s: %w", info.class, a.goName, err)
		}
	}
	if isContainer(info.kind) {
		return checkType(info.base, info.recv.Kind() == reflect.Pointer, false, seen)
	}
	return nil
}

// checkType checks the types of the objects that reading a t makes. inPlace is
// true for a t with an address, sealed where structs are copied nevertheless.
func checkType(t reflect.Type, inPlace, sealed bool, seen map[*typeInfo]bool) error {
	if _, _, ok := plainOf(t); ok || t.Implements(valueType) {
		return nil
	}
	switch t.Kind() {
	case reflect.Pointer:
		return infoOf(t).check(seen)
	case reflect.Struct:
		if inPlace && !sealed {
			t = reflect.PointerTo(t)
		}
		return infoOf(t).check(seen)
	case reflect.Slice:
		return checkType(t.Elem(), true, sealed, seen)
	case reflect.Array:
		return checkType(t.Elem(), inPlace, sealed, seen)
	case reflect.Map:
		if err := checkType(t.Key(), false, sealed, seen); err != nil {
			return err
		}
		return checkType(t.Elem(), false, sealed, seen)
	}
	return nil
}

// unguarded reports whether code of the type runs while peers change the fields or
// items.
func (info *typeInfo) unguarded() bool {
	if info.locker || !info.runs {
		return false
	}
	switch info.kind {
	case reflect.Struct:
		return info.settable()
	case reflect.Map, reflect.Slice:
		return true
	}
	return info.kind == reflect.Array && info.recv.Kind() == reflect.Pointer
}

// settable reports whether peers can set a field of the struct or of a part.
func (info *typeInfo) settable() bool {
	return info.recv.Kind() == reflect.Pointer && slices.ContainsFunc(info.fields, func(a *attr) bool {
		if a.sealed || a.getter {
			return false
		}
		return !a.fixed || infoOf(reflect.PointerTo(a.typ)).settable()
	})
}
