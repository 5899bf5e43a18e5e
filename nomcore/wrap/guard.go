package wrap

import (
	"reflect"
	"sync"
)

// shared covers the fields, elements and maps of every wrapped value that has
// no lock of its own. There is one for all of them because Go values overlap
// in ways that identities cannot show: a struct and its first field, two
// slices of one array, one map in two structs. It is held only while a value
// is copied in or out, never while user code runs.
var shared sync.RWMutex

// rlocker is what a lock offers that lets several readers in.
type rlocker interface {
	RLock()
	RUnlock()
}

// guard is the lock of one object. The zero guard is the shared one.
type guard struct {
	own  sync.Locker // the value's own lock, or that of the value it is a part of
	read rlocker     // the same lock, where it tells readers from writers

	unlocked bool // types that need a lock and have none are served, see Unlocked
}

// guardOf returns the lock of v: its own, else the one of what it is a part of.
func guardOf(v reflect.Value, info *typeInfo, part guard) guard {
	if !info.locker {
		return part
	}
	l := v.Interface().(sync.Locker)
	r, _ := l.(rlocker)
	return guard{own: l, read: r, unlocked: part.unlocked}
}

func (g guard) rlock() {
	switch {
	case g.own == nil:
		shared.RLock()
	case g.read != nil:
		g.read.RLock()
	default:
		g.own.Lock()
	}
}

func (g guard) runlock() {
	switch {
	case g.own == nil:
		shared.RUnlock()
	case g.read != nil:
		g.read.RUnlock()
	default:
		g.own.Unlock()
	}
}

func (g guard) lock() {
	if g.own == nil {
		shared.Lock()
		return
	}
	g.own.Lock()
}

func (g guard) unlock() {
	if g.own == nil {
		shared.Unlock()
		return
	}
	g.own.Unlock()
}
