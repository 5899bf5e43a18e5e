package fsview

import (
	"context"

	"nomfs/codec"
)

// Remote is what this package needs of a peer. Every method is bounded by its
// context, or where that has no deadline by the implementation's own timeout,
// and may be called from any number of goroutines.
//
// Errors are told apart with errors.Is and errors.As alone: a remote exception
// is, by errors.As, a codec.Exception; an operation that a peer does not offer
// is errors.ErrUnsupported; everything that has an errno wraps a
// syscall.Errno; a wait that ended is context.DeadlineExceeded or
// context.Canceled.
type Remote interface {
	// List returns the registered names, in any order.
	List(ctx context.Context) ([]string, error)
	// Resolve returns what is registered under name: a codec.Ref, or a plain
	// value, which is a copy.
	Resolve(ctx context.Context, name string) (codec.Value, error)

	GetAttr(ctx context.Context, r codec.Ref, name string) (codec.Value, error)
	SetAttr(ctx context.Context, r codec.Ref, name string, v codec.Value) error
	DelAttr(ctx context.Context, r codec.Ref, name string) error
	GetItem(ctx context.Context, r codec.Ref, key codec.Value) (codec.Value, error)
	SetItem(ctx context.Context, r codec.Ref, key, v codec.Value) error
	DelItem(ctx context.Context, r codec.Ref, key codec.Value) error
	Len(ctx context.Context, r codec.Ref) (int, error)
	Repr(ctx context.Context, r codec.Ref) (string, error)
	Str(ctx context.Context, r codec.Ref) (string, error)
	Call(ctx context.Context, r codec.Ref, args []codec.Value, kwargs map[string]codec.Value) (codec.Value, error)

	// CallAttr calls an attribute without getting a reference to it first, and
	// Look is GetAttr, except that of a method it returns what the object
	// tells of it and no value. Towards a peer that lacks them they do what
	// they stand for.
	CallAttr(ctx context.Context, r codec.Ref, name string, args []codec.Value, kwargs map[string]codec.Value) (codec.Value, error)
	Look(ctx context.Context, r codec.Ref, name string) (codec.Value, *codec.AttrInfo, error)

	// The following are extensions: towards a peer that lacks them they fail
	// with errors.ErrUnsupported at once, without a packet.

	// Roots returns the registered names and the references of those that are
	// objects.
	Roots(ctx context.Context) (names []string, refs map[string]codec.Ref, err error)
	Describe(ctx context.Context, r codec.Ref) (codec.Description, error)
	// Dir returns the names of all attributes that the caller may know.
	Dir(ctx context.Context, r codec.Ref) ([]string, error)
	// Keys returns the keys of an object with items.
	Keys(ctx context.Context, r codec.Ref) ([]codec.Value, error)
	// KeysAndKinds returns the keys, and of each item what it is: KindInvalid
	// where only a read can tell.
	KeysAndKinds(ctx context.Context, r codec.Ref) ([]codec.Value, []codec.Kind, error)
	// Snapshot returns the attributes with plain values, or those of them that
	// are named, as they are at one moment.
	Snapshot(ctx context.Context, r codec.Ref, names ...string) (map[string]codec.Value, error)

	// Release gives references back: all that were got of each so far. It
	// never blocks.
	Release(refs ...codec.Ref)

	// StatusText describes the connection in lines for people, for
	// .nom/status. It answers from memory and never blocks.
	StatusText() string
}

// Local is what this package needs of the process itself: its own registered
// objects, used like those of a peer, and what turns them into references and
// back. Peers hand out objects of this process as values that only Local knows.
type Local interface {
	Remote
	// Own returns the reference of an object of this process; ok is false for
	// any other value.
	Own(v codec.Value) (r codec.Ref, ok bool)
	// Object returns what is to be sent for a reference of this process; ok
	// is false for any other reference. The error is that the object is gone.
	Object(r codec.Ref) (v codec.Value, ok bool, err error)
	// Follows tells whether an object of this process tells what happens to
	// it, and Follow returns that: a line for each event after number after,
	// and the number to go on with. It waits until there is one; the error is
	// that of ctx, or io.EOF when no more will come.
	Follows(r codec.Ref) bool
	Follow(ctx context.Context, r codec.Ref, after uint64) (lines []string, next uint64, err error)
	// Func makes an object that runs call when a peer calls it. Objects among
	// its arguments are references, and may be in its result. Whoever uses it
	// after end hears why.
	Func(call func(ctx context.Context, args []codec.Value, kwargs map[string]codec.Value) (codec.Value, error)) (r codec.Ref, end func(why error))
}

// A Reconnector is a Remote that can synchronize anew with its peer.
type Reconnector interface {
	Reconnect(ctx context.Context) error
}

// A Disconnecter is a Remote that can tell its peer good-bye.
type Disconnecter interface {
	Disconnect(ctx context.Context) error
}
