package nomcore

import (
	"nomfs/codec"
	"nomfs/nomcore/object"
	"nomfs/nomcore/wrap"
)

// What an object can do; see package object.
type (
	AttrGetter  = object.AttrGetter
	AttrSetter  = object.AttrSetter
	AttrDeleter = object.AttrDeleter
	AttrCaller  = object.AttrCaller
	ItemGetter  = object.ItemGetter
	ItemSetter  = object.ItemSetter
	ItemDeleter = object.ItemDeleter
	Lener       = object.Lener
	Reprer      = object.Reprer
	Strer       = object.Strer
	Caller      = object.Caller
	Describer   = object.Describer
	Direr       = object.Direr
	Snapshotter = object.Snapshotter
	AttrNamer   = object.AttrNamer
	Follower    = object.Follower
	Keyer       = object.Keyer
	KindKeyer   = object.KindKeyer
	Classer     = object.Classer
	Remote      = object.Remote

	// Object is a local object as a value: when it is sent it becomes a
	// reference.
	Object = object.Object
)

// Wrap makes any Go value an object; the rules are those of package wrap. It
// panics where Register returns an error.
func Wrap(x any) *Object { return wrap.Wrap(x) }

// ErrNoLock: Register refuses a value whose type, or one that it leads to, has
// methods, and fields or items that peers can set, but no lock of its own.
var ErrNoLock = wrap.ErrNoLock

// Unlocked is Wrap for a value that would be refused with ErrNoLock: the caller
// promises that its methods need no lock.
func Unlocked(x any) *Object { return wrap.Unlocked(x) }

// ValueOf returns what an attribute with the value x would give; see package
// wrap.
func ValueOf(x any) (codec.Value, error) { return wrap.ValueOf(x) }

// Func makes an object of a Go func whose parameters have names; see package
// wrap.
func Func(fn any, params ...string) *Object { return wrap.Func(fn, params...) }
