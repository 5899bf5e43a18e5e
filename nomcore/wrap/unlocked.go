package wrap

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

	"nomfs/nomcore/object"
)

// ErrNoLock: the type of a value has no lock of its own and needs one, because
// its methods run while peers use its fields or items.
var ErrNoLock = errors.New("no lock of its own")

// Unlocked is Wrap for a value whose type, or one that it leads to, would be
// refused with ErrNoLock. The caller promises that its methods touch nothing
// that peers can set, or that a data race there does no harm. The promise holds
// for all that is reached through the value.
func Unlocked(x any) *object.Object {
	g := shared
	g.unlocked = true
	return must(objectOf(x, g))
}

// refusal returns why values of the type are not served without a promise, nil
// if they are.
func (info *typeInfo) refusal() error {
	info.checked.Do(func() { info.refused = info.check(make(map[*typeInfo]bool)) })
	return info.refused
}

// check is refusal for the type and for those that its fields and items lead
// to. seen are the types that are being checked.
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

// checkType checks the types of the objects that reading a t gives. inPlace
// tells whether it has an address, sealed whether structs are copies all the same.
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

// unguarded tells whether code of the type runs without a lock while peers use
// what it works on.
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

// settable tells whether peers can set a field of the struct, or of a part.
func (info *typeInfo) settable() bool {
	return info.recv.Kind() == reflect.Pointer && slices.ContainsFunc(info.fields, func(a *attr) bool {
		if a.sealed || a.getter {
			return false
		}
		return !a.fixed || infoOf(reflect.PointerTo(a.typ)).settable()
	})
}
