package wrap

import (
	"context"
	"fmt"
	"reflect"
	"slices"

	"nomfs/nomcore/object"
)

// getterNamer names the methods of a type that are getters, in Go's spelling or
// as attributes. It is asked once for each type, on a zero value.
type getterNamer interface{ NomGetters() []string }

// markGetters makes getters of the methods that the type names as such: reading
// the attribute calls the method.
func markGetters(t reflect.Type, methods []*attr) (err error) {
	if !t.Implements(reflect.TypeFor[getterNamer]()) {
		return nil
	}
	defer object.Recover(context.Background(), "NomGetters", &err)
	for _, name := range zeroOf(t).(getterNamer).NomGetters() {
		i := slices.IndexFunc(methods, func(a *attr) bool { return a.goName == name || a.name == name })
		if i < 0 || !methods[i].sig.gets() {
			return fmt.Errorf("NomGetters: %s is no method %s", name, getterShape)
		}
		methods[i].getter = true
	}
	return nil
}

// getterShape is what a getter is.
const getterShape = "func() T or func() (T, error), perhaps with a context"

// gets tells whether a func of the signature can be a getter.
func (sig *signature) gets() bool { return len(sig.in) == 0 && len(sig.out) == 1 }

// zeroOf returns a zero value of t, which is a new variable if t is a pointer.
func zeroOf(t reflect.Type) any {
	if t.Kind() == reflect.Pointer {
		return reflect.New(t.Elem()).Interface()
	}
	return reflect.Zero(t).Interface()
}
