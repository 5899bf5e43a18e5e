package nomcore

import (
	"encoding/binary"
	"fmt"

	"nomfs/codec"
)

// The nomx attribute: how two peers of ours recognise each other. It travels
// in SYNC, both ways; an original peer ignores it and never sends it.
//
//	0        5  6  7     11                 43      51            67  68
//	+--------+--+--+-----+------------------+-------+-------------+---+
//	| nom/1  |00|v |flags| ed25519 key      | boot  | nonce       |00 |
//	+--------+--+--+-----+------------------+-------+-------------+---+
//	             1   u32   32 bytes           8 bytes 16 bytes
//
// The key is zero where there is none. The nonce of a request is the id of the
// session that it opens. The boot id is random for each
// Service; a different one means that the peer was restarted.
const (
	nomxMagic   = "nom/1"
	nomxVersion = 1
	nomxSize    = 68

	nomxVersionAt = 6
	nomxFlagsAt   = 7
	nomxKeyAt     = 11
	nomxBootAt    = 43
	nomxNonceAt   = 51
)

// Extension operations a peer offers, one bit each.
const (
	extDescribe uint32 = 1 << iota
	extDir
	extKeys
	extSession // sessions, Cancel
	extCallAttr
	extSnapshot
	extRelease // Release, Renew

	extOffered = extDescribe | extDir | extKeys | extSession | extCallAttr | extSnapshot | extRelease
)

// nomx is the attribute, parsed.
type nomx struct {
	version byte
	flags   uint32
	key     [32]byte
	boot    bootID
	nonce   [16]byte
}

// value encodes the attribute.
func (x *nomx) value() codec.Bytes {
	b := make([]byte, nomxSize)
	copy(b, nomxMagic)
	b[nomxVersionAt] = x.version
	binary.BigEndian.PutUint32(b[nomxFlagsAt:], x.flags)
	copy(b[nomxKeyAt:], x.key[:])
	copy(b[nomxBootAt:], x.boot[:])
	copy(b[nomxNonceAt:], x.nonce[:])
	return codec.Bytes(b)
}

// parseNomx reads the attribute. A longer one is of a later version, whose
// first 68 bytes are these.
func parseNomx(v codec.Value) (nomx, error) {
	s, ok := v.(codec.Bytes)
	if !ok || len(s) < nomxSize || s[:len(nomxMagic)] != nomxMagic || s[len(nomxMagic)] != 0 {
		return nomx{}, fmt.Errorf("%w: malformed %s", errBadPacket, attrNomx)
	}
	x := nomx{
		version: s[nomxVersionAt],
		flags:   binary.BigEndian.Uint32([]byte(s[nomxFlagsAt:nomxKeyAt])),
	}
	copy(x.key[:], s[nomxKeyAt:])
	copy(x.boot[:], s[nomxBootAt:])
	copy(x.nonce[:], s[nomxNonceAt:])
	if x.version == 0 {
		return nomx{}, fmt.Errorf("%w: %s of version 0", errBadPacket, attrNomx)
	}
	return x, nil
}
