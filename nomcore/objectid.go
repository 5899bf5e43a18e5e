package nomcore

import (
	"encoding/binary"
	"math/bits"
	"strconv"

	"nomfs/codec"
)

// objectID is the id of one of our objects as a number. On the wire it is a
// LONG, which is decimal text: see parseObjectID and text.
type objectID struct{ hi, lo uint64 }

// idBytes is the size of an object id in bytes: 128 bits cannot be guessed.
const idBytes = 16

// The decimal text of an id is converted in groups of digits, each as large as
// 64 bits can take.
const (
	groupDigits = 19
	groupBase   = 1e19
	groupZeros  = "0000000000000000000"
)

// powersOf10 are the powers of ten that fit 64 bits.
var powersOf10 = func() (powers [groupDigits + 1]uint64) {
	powers[0] = 1
	for i := range groupDigits {
		powers[i+1] = 10 * powers[i]
	}
	return powers
}()

// randomObjectID returns a new object id. Ids are random, so a client that
// presents one was given it.
func randomObjectID() objectID {
	var b [idBytes]byte
	randomBytes(b[:])
	return objectID{binary.BigEndian.Uint64(b[:]), binary.BigEndian.Uint64(b[idBytes/2:])}
}

// parseObjectID reads decimal digits, from the bytes of a datagram or from the
// text of a codec.ID. It allocates nothing. A number of more than 128 bits is
// none of our ids.
func parseObjectID[T ~string | ~[]byte](text T) (id objectID, ok bool) {
	if len(text) == 0 {
		return objectID{}, false
	}
	for len(text) > 0 {
		n := min(len(text), groupDigits)
		group, base := uint64(0), powersOf10[n]
		for i := range n {
			digit := text[i] - '0'
			if digit > 9 {
				return objectID{}, false
			}
			group = group*10 + uint64(digit)
		}
		text = text[n:]
		above, hi := bits.Mul64(id.hi, base)
		carry, lo := bits.Mul64(id.lo, base)
		var c, overflow uint64
		id.lo, c = bits.Add64(lo, group, 0)
		id.hi, overflow = bits.Add64(hi, carry, c)
		if above != 0 || overflow != 0 {
			return objectID{}, false
		}
	}
	return id, true
}

// text returns the id as it is on the wire.
func (id objectID) text() codec.ID {
	const most = 39 // digits of 2¹²⁸−1
	var groups [3]uint64
	hi, lo := id.hi, id.lo
	for i := range groups {
		var above uint64
		above, hi = hi/groupBase, hi%groupBase
		lo, groups[i] = bits.Div64(hi, lo, groupBase)
		hi = above
	}
	b := make([]byte, 0, most)
	var scratch [groupDigits]byte
	for i := len(groups) - 1; i >= 0; i-- {
		digits := strconv.AppendUint(scratch[:0], groups[i], 10)
		switch {
		case len(b) > 0: // a group inside has all its digits
			b = append(b, groupZeros[len(digits):]...)
		case groups[i] == 0 && i > 0:
			continue // nothing begins with a zero, but zero itself
		}
		b = append(b, digits...)
	}
	return codec.ID(b)
}

// bytes returns the id as 16 bytes.
func (id objectID) bytes() (b [idBytes]byte) {
	binary.BigEndian.PutUint64(b[:], id.hi)
	binary.BigEndian.PutUint64(b[idBytes/2:], id.lo)
	return b
}

// objectIDOf reads the 16 bytes of an id; the rest of b is left alone.
func objectIDOf(b string) objectID {
	var id [idBytes]byte
	copy(id[:], b)
	return objectID{binary.BigEndian.Uint64(id[:]), binary.BigEndian.Uint64(id[idBytes/2:])}
}
