package nomcore

import (
	"nomfs/codec"
	"nomfs/nomcore/object"
	"nomfs/nomcore/wrap"
)

// What an object can do: each is an interface with the one method that is named
// here, see package object. A value that has one of them answers for itself, and
// nothing of it is found by reflection.
type (
	AttrGetter  = object.AttrGetter  // GetAttr(ctx, name) (codec.Value, error)
	AttrSetter  = object.AttrSetter  // SetAttr(ctx, name, value) error
	AttrDeleter = object.AttrDeleter // DelAttr(ctx, name) error
	AttrCaller  = object.AttrCaller  // CallAttr(ctx, name, args, kwargs) (codec.Value, error)
	ItemGetter  = object.ItemGetter  // GetItem(ctx, key) (codec.Value, error)
	ItemSetter  = object.ItemSetter  // SetItem(ctx, key, value) error
	ItemDeleter = object.ItemDeleter // DelItem(ctx, key) error
	Lener       = object.Lener       // Len(ctx) (int, error)
	Reprer      = object.Reprer      // Repr(ctx) (string, error)
	Strer       = object.Strer       // Str(ctx) (string, error)
	Caller      = object.Caller      // Call(ctx, args, kwargs) (codec.Value, error)

	Describer     = object.Describer     // Describe(ctx) (codec.Description, error)
	PageDescriber = object.PageDescriber // a Describer that starts at any attribute
	Direr         = object.Direr         // Dir(ctx) ([]string, error): names of attributes
	Snapshotter   = object.Snapshotter   // Snapshot(ctx, names) (map[string]codec.Value, error)
	AttrNamer     = object.AttrNamer     // AttrName(name) string: the listed name
	Keyer         = object.Keyer         // Keys(ctx) ([]codec.Value, error): of the items
	KindKeyer     = object.KindKeyer     // a Keyer that tells what the items are
	Follower      = object.Follower      // Follow(ctx, after): what happens to the object
	Classer       = object.Classer       // Class() string: for people
)

// Object is an object of this process as a value: when it is sent it becomes a
// reference, and a reference to it that comes home becomes it again. Its field
// Impl has some of the interfaces from AttrGetter on; Wrap makes one of any Go
// value.
type Object = object.Object

// Remote is an object of another peer as a value: a *Proxy.
type Remote = object.Remote

// Wrap makes any Go value an object: exported fields and methods are attributes,
// in snake case; slices and maps have items; funcs can be called. The rules are
// those of wrap.Wrap. It panics where Register returns an error.
func Wrap(x any) *Object { return wrap.Wrap(x) }

// ErrNoLock: Register refuses a value whose type, or one that it leads to, has
// methods, and fields or items that peers can set, but no lock of its own.
var ErrNoLock = wrap.ErrNoLock

// Unlocked is Wrap for a value that would be refused with ErrNoLock: the caller
// promises that its methods need no lock.
func Unlocked(x any) *Object { return wrap.Unlocked(x) }

// ValueOf returns what x is for peers: numbers, text, bytes and containers of
// them are copies, everything else is an object as Wrap makes it. A func is a
// callback. As is the inverse.
func ValueOf(x any) (codec.Value, error) { return wrap.ValueOf(x) }

// Func makes an object of a Go func and names its parameters, which keyword
// arguments need: Func(add, "a", "b=2") gives b a default. See wrap.Func.
func Func(fn any, params ...string) *Object { return wrap.Func(fn, params...) }
