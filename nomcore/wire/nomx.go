package wire

import (
	"encoding/binary"
	"fmt"
)

const (
	nomxMagic = "nom/1"
	// NomxVersion is the version that this package writes.
	NomxVersion = 1
	// NomxSize is the size of nomx in bytes. A longer one is of a later
	// version, whose first 68 bytes are these.
	NomxSize = 68

	nomxVersionAt = 6
	nomxFlagsAt   = 7
	nomxKeyAt     = 11
	nomxBootAt    = 43
	nomxNonceAt   = 51
)

// The extensions that a peer offers, one bit each.
const (
	ExtDescribe uint32 = 1 << iota
	ExtDir
	ExtKeys
	ExtSession // sessions, Cancel, Running
	ExtCallAttr
	ExtSnapshot
	ExtRelease
	ExtList // LIST in pages, with references

	ExtAll = ExtDescribe | ExtDir | ExtKeys | ExtSession | ExtCallAttr | ExtSnapshot | ExtRelease | ExtList
)

type (
	// SessionID names a session; it is the nonce by which it was opened.
	SessionID [16]byte
	// BootID tells a Service from an earlier one at the same address.
	BootID [8]byte
)

// Hello is the attribute nomx, parsed.
type Hello struct {
	Version byte
	Flags   uint32
	Key     [32]byte // ed25519; zero where there is none
	Boot    BootID
	Nonce   SessionID
}

// Append appends the 68 bytes of nomx.
func (x *Hello) Append(b []byte) []byte {
	b = append(append(b, nomxMagic...), 0, x.Version)
	b = binary.BigEndian.AppendUint32(b, x.Flags)
	b = append(b, x.Key[:]...)
	b = append(b, x.Boot[:]...)
	b = append(b, x.Nonce[:]...)
	return append(b, 0)
}

// ParseHello reads the bytes of nomx. An error wraps ErrPacket.
func ParseHello(b []byte) (Hello, error) {
	if len(b) < NomxSize || string(b[:len(nomxMagic)]) != nomxMagic || b[len(nomxMagic)] != 0 {
		return Hello{}, fmt.Errorf("%w: malformed nomx", ErrPacket)
	}
	x := Hello{Version: b[nomxVersionAt], Flags: binary.BigEndian.Uint32(b[nomxFlagsAt:])}
	copy(x.Key[:], b[nomxKeyAt:])
	copy(x.Boot[:], b[nomxBootAt:])
	copy(x.Nonce[:], b[nomxNonceAt:])
	if x.Version == 0 {
		return Hello{}, fmt.Errorf("%w: nomx of version 0", ErrPacket)
	}
	return x, nil
}
