package auth

import (
	"context"
	"net/netip"

	"nomfs/codec"
)

// Right is the class of access that an operation needs. An operation that has
// no right assigned is refused before anyone is asked.
type Right uint8

// The rights. Connect is asked through Admit alone.
const (
	RightNone    Right = iota // no right: always refused
	RightConnect              // talk to us at all
	RightList                 // see the registered names
	RightRead                 // resolve, get, len, repr, str, describe, dir, keys
	RightWrite                // set an attribute or item
	RightDelete               // delete an attribute or item
	RightCall                 // call
)

var rightNames = [...]string{"none", "connect", "list", "read", "write", "delete", "call"}

// String returns the right's name in lower case, as policies write it.
func (r Right) String() string {
	if int(r) < len(rightNames) {
		return rightNames[r]
	}
	return rightNames[RightNone]
}

// Identity is who asks, as far as the transport knows.
type Identity struct {
	Addr netip.AddrPort // source address; spoofable over plain UDP
	Key  [32]byte       // proven ed25519 public key; zero where none was proven
}

// Request is one access to be screened.
type Request struct {
	Right Right
	Op    string      // operation as on the wire: LIST, RESOLVE, GetAttr, Call, …
	Name  string      // registered name, for RESOLVE
	ID    codec.ID    // object, for operations on an object
	Obj   any         // the object itself
	Attr  string      // attribute, for GetAttr, SetAttr, DelAttr
	Item  codec.Value // key, for GetItem, SetItem, DelItem
}

// Authenticator screens every access. Both methods may be called from any
// number of goroutines and should answer fast: the request waits for them. A
// refusal is any non-nil error; its text goes to the log, never to the peer.
type Authenticator interface {
	// Admit screens synchronization. It is asked at the first contact of an
	// address, whether that is a SYNC or any other packet, and again at every
	// SYNC.
	Admit(ctx context.Context, who Identity) error
	// Allow screens every list, resolve, read, write, delete and call of an
	// admitted client.
	Allow(ctx context.Context, who Identity, req Request) error
}
