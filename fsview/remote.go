package fsview

import (
	"context"

	"nomfs/codec"
)

// Remote is what this package needs of a peer. Every method is bounded by its
// context and by the implementation's own timeout, and may be called from any
// number of goroutines.
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

	// Describe, Dir and Keys are extensions: towards a peer that lacks them
	// they fail with errors.ErrUnsupported at once, without a packet.
	Describe(ctx context.Context, r codec.Ref) (codec.Description, error)
	// Dir returns the names of all attributes that the caller may know.
	Dir(ctx context.Context, r codec.Ref) ([]string, error)
	// Keys returns the keys of an object with items.
	Keys(ctx context.Context, r codec.Ref) ([]codec.Value, error)

	// StatusText describes the connection in lines for people, for
	// .nom/status. It answers from memory and never blocks.
	StatusText() string
}
