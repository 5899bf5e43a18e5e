package nomcore

import (
	"context"
	"errors"
	"fmt"

	"nomfs/codec"
	"nomfs/nomcore/wrap"
)

// Keyword is a keyword argument of Call and Invoke, see K.
type Keyword struct {
	Name  string
	Value any
}

// K makes a keyword argument: Call[int](ctx, o, "add", 2, K("b", 3)).
func K(name string, value any) Keyword { return Keyword{name, value} }

// Call calls a method of o and returns its result as a T, see As; any takes
// whatever it is. Arguments are Go values, see ValueOf: plain ones go as copies,
// a func goes as a callback, everything else as an object that the peer can use.
//
// The method runs at most once. An exception is a *RemoteError; ErrOutcomeUnknown
// says that the answer did not come and that the method may have run. Without a
// deadline in ctx a call is bounded by Config.Timeout. Cancelling ctx cancels the
// context of the method, where the peer can.
func Call[T any](ctx context.Context, o *Proxy, method string, args ...any) (T, error) {
	return invoke[T](args, func(args []codec.Value, kwargs map[string]codec.Value) (codec.Value, error) {
		return o.CallAttr(ctx, method, args, kwargs)
	})
}

// Invoke calls o itself, such as a callback that was passed in an argument; see
// Call.
func Invoke[T any](ctx context.Context, o *Proxy, args ...any) (T, error) {
	return invoke[T](args, func(args []codec.Value, kwargs map[string]codec.Value) (codec.Value, error) {
		return o.Call(ctx, args, kwargs)
	})
}

func invoke[T any](args []any, call func([]codec.Value, map[string]codec.Value) (codec.Value, error)) (none T, err error) {
	values := make([]codec.Value, 0, len(args))
	named := make(map[string]codec.Value)
	for i, x := range args {
		k, isNamed := x.(Keyword)
		if isNamed {
			x = k.Value
		}
		v, err := ValueOf(x)
		switch {
		case err != nil:
			return none, fmt.Errorf("argument %d: %w", i+1, err)
		case isNamed:
			named[k.Name] = v
		default:
			values = append(values, v)
		}
	}
	v, err := call(values, named)
	return as[T](v, err)
}

// Get returns an attribute of o as a T, see As.
func Get[T any](ctx context.Context, o *Proxy, attr string) (T, error) {
	return as[T](o.GetAttr(ctx, attr))
}

// Set sets an attribute of o; x is converted as an argument of Call.
func Set(ctx context.Context, o *Proxy, attr string, x any) error {
	v, err := ValueOf(x)
	if err != nil {
		return err
	}
	return o.SetAttr(ctx, attr, v)
}

// Item returns the item of o with that key as a T, see As. A codec.Slice takes
// a part of a sequence.
func Item[T any](ctx context.Context, o *Proxy, key any) (T, error) {
	var none T
	k, err := ValueOf(key)
	if err != nil {
		return none, err
	}
	return as[T](o.GetItem(ctx, k))
}

// SetItem sets the item of o with that key.
func SetItem(ctx context.Context, o *Proxy, key, x any) error {
	k, err := ValueOf(key)
	if err != nil {
		return err
	}
	v, err := ValueOf(x)
	if err != nil {
		return err
	}
	return o.SetItem(ctx, k, v)
}

// DelItem deletes the item of o with that key.
func DelItem(ctx context.Context, o *Proxy, key any) error {
	k, err := ValueOf(key)
	if err != nil {
		return err
	}
	return o.DelItem(ctx, k)
}

// Snapshot returns the attributes of o that have plain values, or those of them
// that are named, as they are at one moment, as a T: a struct or a map. A peer
// without the extension is errors.ErrUnsupported.
func Snapshot[T any](ctx context.Context, o *Proxy, names ...string) (T, error) {
	var none T
	values, err := o.Peer.Snapshot(ctx, o.Ref, names...)
	if err != nil {
		return none, err
	}
	return As[T](codec.MapOf(values))
}

// As converts a value that came from a peer to a Go value, as an argument of a
// Go func that peers call is converted: numbers, text and containers to those of
// Go; a map to a Go map or to a struct, whose fields have the names of
// attributes; an object to *Proxy, or to a func that calls it. any takes the Go
// value that v naturally is, codec.Value v as it is.
//
// A value that does not fit is codec.ErrType, a number that does not fit
// codec.ErrRange.
func As[T any](v codec.Value) (T, error) {
	x, err := wrap.To[T](v)
	var misfit codec.Exception
	if !errors.As(err, &misfit) {
		return x, err
	}
	// It must not be taken for an exception of the peer.
	kind := codec.ErrType
	if misfit.Class == "OverflowError" {
		kind = codec.ErrRange
	}
	text, _ := codec.StringOf(misfit.Args[0])
	return x, fmt.Errorf("%w: %s", kind, text)
}

// as is As for the outcome of an operation.
func as[T any](v codec.Value, err error) (none T, _ error) {
	if err != nil {
		return none, err
	}
	return As[T](v)
}
