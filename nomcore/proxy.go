package nomcore

import (
	"context"
	"runtime"
	"sync/atomic"

	"nomfs/codec"
	"nomfs/nomcore/object"
)

// Proxy is an object of another peer: one that Peer.Object found, one that an
// answer brought, or a callback that a client passed. It can be kept and used
// later. Sent anywhere, it is the reference it was made from, byte for byte.
//
// Call, Get, Set, Item, Keys and so on use it with Go values. Its methods do one
// operation each with values of package codec, see Peer; objects in their results
// are *Proxy, or *Object for those of this process.
//
// The peer keeps the object until the reference is given back: when the Proxy is
// garbage collected, or at once by Close.
type Proxy struct {
	Peer *Peer     // whom to ask
	Ref  codec.Ref // what to ask for

	counted atomic.Bool     // the reference is to be given back
	dropped runtime.Cleanup // gives it back, if counted
}

var (
	_ object.Remote     = (*Proxy)(nil)
	_ object.AttrCaller = (*Proxy)(nil)
)

// Close gives the reference back. The Proxy must not be used afterwards. It is
// not needed: a Proxy that nobody uses any more is given back some time later.
func (x *Proxy) Close() error {
	if x.counted.Swap(false) {
		x.dropped.Stop()
		x.Peer.received.giveBack(x.Ref, 1)
	}
	return nil
}

// Kind returns KindRef.
func (x *Proxy) Kind() codec.Kind { return codec.KindRef }

// String returns the reference as text; it never asks the peer.
func (x *Proxy) String() string { return x.Ref.String() }

// ask does one operation with the peer that has the object.
func (x *Proxy) ask(do func(home *Peer) (codec.Value, error)) (codec.Value, error) {
	home, err := x.Peer.route(x.Ref.Home)
	if err != nil {
		return nil, err
	}
	v, err := do(home)
	if err != nil {
		return nil, err
	}
	return home.Adopt(v), nil
}

// GetAttr reads an attribute.
func (x *Proxy) GetAttr(ctx context.Context, name string) (codec.Value, error) {
	return x.ask(func(home *Peer) (codec.Value, error) { return home.GetAttr(ctx, x.Ref, name) })
}

// SetAttr sets an attribute.
func (x *Proxy) SetAttr(ctx context.Context, name string, v codec.Value) error {
	return x.Peer.SetAttr(ctx, x.Ref, name, v)
}

// DelAttr deletes an attribute.
func (x *Proxy) DelAttr(ctx context.Context, name string) error {
	return x.Peer.DelAttr(ctx, x.Ref, name)
}

// GetItem reads an item.
func (x *Proxy) GetItem(ctx context.Context, key codec.Value) (codec.Value, error) {
	return x.ask(func(home *Peer) (codec.Value, error) { return home.GetItem(ctx, x.Ref, key) })
}

// SetItem sets an item.
func (x *Proxy) SetItem(ctx context.Context, key, v codec.Value) error {
	return x.Peer.SetItem(ctx, x.Ref, key, v)
}

// DelItem deletes an item.
func (x *Proxy) DelItem(ctx context.Context, key codec.Value) error {
	return x.Peer.DelItem(ctx, x.Ref, key)
}

// Len returns the number of items.
func (x *Proxy) Len(ctx context.Context) (int, error) { return x.Peer.Len(ctx, x.Ref) }

// Repr returns the object's text for programmers.
func (x *Proxy) Repr(ctx context.Context) (string, error) { return x.Peer.Repr(ctx, x.Ref) }

// Str returns the object's text for people.
func (x *Proxy) Str(ctx context.Context) (string, error) { return x.Peer.Str(ctx, x.Ref) }

// Call calls the object.
func (x *Proxy) Call(ctx context.Context, args []codec.Value, kwargs map[string]codec.Value) (codec.Value, error) {
	return x.ask(func(home *Peer) (codec.Value, error) { return home.Call(ctx, x.Ref, args, kwargs) })
}

// CallAttr calls an attribute, see Peer.CallAttr.
func (x *Proxy) CallAttr(ctx context.Context, name string, args []codec.Value, kwargs map[string]codec.Value) (codec.Value, error) {
	return x.ask(func(home *Peer) (codec.Value, error) { return home.CallAttr(ctx, x.Ref, name, args, kwargs) })
}
