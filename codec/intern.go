package codec

import "sync/atomic"

const (
	// internSlots is the number of byte strings that are remembered. A session
	// uses some tens of names again and again.
	internSlots = 1 << internBits
	internBits  = 9
	// internMost is the length in bytes of the longest that is: names are
	// short.
	internMost = 32
)

// interned is a cache of short byte strings: the names in a packet, which occur in
// most packets, are not allocated anew for each. It needs no lock: a string
// displaces another one of the same slot.
var interned [internSlots]atomic.Pointer[internedBytes]

// internedBytes is a byte string, and the same as a Value.
type internedBytes struct {
	bytes Bytes
	value Value
}

// bytesValue returns b as a Value.
func bytesValue(b []byte) Value {
	if len(b) > internMost {
		return Bytes(b)
	}
	slot := &interned[internSlot(b)]
	if e := slot.Load(); e != nil && string(e.bytes) == string(b) {
		return e.value
	}
	e := &internedBytes{bytes: Bytes(b)}
	e.value = e.bytes
	slot.Store(e)
	return e.value
}

// internSlot hashes the length of b and its bytes, 8 at a time and the last 8 at
// once.
func internSlot(b []byte) uint64 {
	const prime = 0x9e3779b97f4a7c15 // 2⁶⁴ divided by the golden ratio: it spreads all bits to the highest
	h := uint64(len(b))
	tail := uint64(0)
	if len(b) >= 8 {
		for i := 0; i+8 < len(b); i += 8 {
			h = (h ^ load64(b[i:])) * prime
			h ^= h >> 32
		}
		tail = load64(b[len(b)-8:])
	} else {
		for _, c := range b {
			tail = tail<<8 | uint64(c)
		}
	}
	return (h ^ tail) * prime >> (64 - internBits)
}

// The integers from smallMin to below smallMax are made once; of the others the
// runtime allocates each that does not fit a byte.
const (
	smallMin = -1 << 10
	smallMax = 1 << 10
)

var smallInts = func() (all [smallMax - smallMin]Value) {
	for i := range all {
		all[i] = Int(smallMin + i)
	}
	return all
}()

// intValue returns n as a Value.
func intValue(n int) Value {
	if n >= smallMin && n < smallMax {
		return smallInts[n-smallMin]
	}
	return Int(n)
}
