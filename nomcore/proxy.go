package nomcore

import (
	"context"

	"nomfs/codec"
	"nomfs/nomcore/object"
)

// Proxy is an object of another peer, as it reaches our objects: a callback
// that was passed in an argument or assigned to an attribute. It can be kept
// and used later. Sent anywhere, it is the reference it was made from, byte
// for byte.
type Proxy struct {
	Peer *Peer     // whom to ask
	Ref  codec.Ref // what to ask for
}

var _ object.Remote = (*Proxy)(nil)

// Kind returns KindRef.
func (p *Proxy) Kind() codec.Kind { return codec.KindRef }

// String returns the reference as text; it never asks the peer.
func (p *Proxy) String() string { return p.Ref.String() }

// GetAttr reads an attribute of the remote object; the other methods
// likewise do one operation each, see Peer.
func (p *Proxy) GetAttr(ctx context.Context, name string) (codec.Value, error) {
	return p.Peer.GetAttr(ctx, p.Ref, name)
}

func (p *Proxy) SetAttr(ctx context.Context, name string, v codec.Value) error {
	return p.Peer.SetAttr(ctx, p.Ref, name, v)
}

func (p *Proxy) DelAttr(ctx context.Context, name string) error {
	return p.Peer.DelAttr(ctx, p.Ref, name)
}

func (p *Proxy) GetItem(ctx context.Context, key codec.Value) (codec.Value, error) {
	return p.Peer.GetItem(ctx, p.Ref, key)
}

func (p *Proxy) SetItem(ctx context.Context, key, v codec.Value) error {
	return p.Peer.SetItem(ctx, p.Ref, key, v)
}

func (p *Proxy) DelItem(ctx context.Context, key codec.Value) error {
	return p.Peer.DelItem(ctx, p.Ref, key)
}

func (p *Proxy) Len(ctx context.Context) (int, error) { return p.Peer.Len(ctx, p.Ref) }

func (p *Proxy) Repr(ctx context.Context) (string, error) { return p.Peer.Repr(ctx, p.Ref) }

func (p *Proxy) Str(ctx context.Context) (string, error) { return p.Peer.Str(ctx, p.Ref) }

func (p *Proxy) Call(ctx context.Context, args []codec.Value, kwargs map[string]codec.Value) (codec.Value, error) {
	return p.Peer.Call(ctx, p.Ref, args, kwargs)
}

// Adopt returns the object for a reference that an answer of the peer brought.
func (p *Proxy) Adopt(r codec.Ref) codec.Value { return p.Peer.adopt(r) }
