package auth

import (
	"context"
	"net/netip"

	"nomfs/codec"
)

// Right is the class of access that an operation needs. The server refuses an
// operation to which no right is assigned, without asking the Authenticator.
type Right uint8

// The rights. Connect is asked through Admit alone.
const (
	RightNone    Right = iota // no right: always refused
	RightConnect              // talk to the server at all
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

// Identity is what the transport knows about a client.
type Identity struct {
	Addr netip.AddrPort // source address; over plain UDP it may be forged
	Key  [32]byte       // validated ed25519 public key, zero if there is none
}

// Request is one access that an Authenticator screens.
type Request struct {
	Right Right
	Op    string      // operation as on the wire: LIST, RESOLVE, GetAttr, Call, …
	Name  string      // registered name, for RESOLVE
	ID    codec.ID    // object, for operations on an object
	Obj   any         // the object itself
	Attr  string      // attribute, for GetAttr, SetAttr, DelAttr
	Item  codec.Value // key, for GetItem, SetItem, DelItem
}

// Authenticator screens every access. The server calls both methods from any
// number of goroutines; they should return fast, since the request waits for them.
// A refusal is any non-nil error; its text goes to the log, never to the client.
type Authenticator interface {
	// Admit screens clients. The server calls it at the first packet from an
	// address, whether that is a SYNC or any other, and again at every SYNC.
	Admit(ctx context.Context, client Identity) error
	// Allow screens every list, resolve, read, write, delete and call of an
	// admitted client.
	Allow(ctx context.Context, client Identity, req Request) error
}
