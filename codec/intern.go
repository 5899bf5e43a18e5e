package codec

import "sync/atomic"

const (
	// internSlots is the number of byte strings that are remembered; a power
	// of two. A session uses some tens of names again and again.
	internSlots = 512
	// internMost is the length in bytes of the longest that is: names are
	// short.
	internMost = 32
)

// interned remembers short byte strings, ready to be handed out, so that the
// names in every packet are not allocated anew for each. It is a cache without
// locks: what falls into the same slot displaces what was there.
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
	// FNV-1a, 32 bits: https://www.isthe.com/chongo/tech/comp/fnv/
	const offset, prime = 2166136261, 16777619
	h := uint32(offset)
	for _, c := range b {
		h = (h ^ uint32(c)) * prime
	}
	slot := &interned[(h^h>>16)%internSlots]
	if e := slot.Load(); e != nil && string(e.bytes) == string(b) {
		return e.value
	}
	e := &internedBytes{bytes: Bytes(b)}
	e.value = e.bytes
	slot.Store(e)
	return e.value
}
