package wrap

import (
	"reflect"
	"sync"
)

// guard is the lock of an object. It is held only while a value is copied in
// or out, never while user code runs.
type guard struct {
	write    sync.Locker
	read     sync.Locker // the same, or its part that lets several readers in
	own      bool        // it is the lock of a value, not the shared one
	unlocked bool        // types that need a lock and have none are served, see Unlocked
}

// shared covers the fields, items and maps of all values that have no lock of
// their own. There is one for all of them because Go values overlap in ways
// that identities cannot show: a struct and its first field, two slices of one
// array, one map in two structs.
var shared = func() guard {
	var mu sync.RWMutex
	return guard{write: &mu, read: mu.RLocker()}
}()

// rlocker is what a lock offers that lets several readers in.
type rlocker interface {
	RLock()
	RUnlock()
}

type readLock struct{ rlocker }

func (l readLock) Lock()   { l.RLock() }
func (l readLock) Unlock() { l.RUnlock() }

// guardOf returns the lock of v: its own, else that of the object that led to it.
func guardOf(v reflect.Value, info *typeInfo, parent guard) guard {
	if !info.locker {
		return parent
	}
	l := v.Interface().(sync.Locker)
	g := guard{write: l, read: l, own: true, unlocked: parent.unlocked}
	if r, ok := l.(rlocker); ok {
		g.read = readLock{r}
	}
	return g
}
