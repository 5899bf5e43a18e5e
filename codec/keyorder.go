package codec

// keyOrder tells, for each depth inside keys that are tuples, where strings are
// sorted among keys of other types. Python 2 orders different types by name, so a
// unicode comes after a tuple and a str before it, yet it compares str and
// unicode as text: no order has all three properties. If bit d is set, no key has
// a str at depth d, and unicode is sorted after tuples; if it is clear, all
// strings are sorted before tuples. Levels below the last bit share it.
type keyOrder uint64

// unicodeApart is the order of keys that hold no str.
const unicodeApart = ^keyOrder(0)

// maxOrderDepth is the number of the last bit of a keyOrder.
const maxOrderDepth = 63

// withKey clears the bits of the depths at which the key holds a str.
func (o keyOrder) withKey(v Value, depth int) keyOrder {
	switch v := v.(type) {
	case Bytes:
		return o &^ (1 << depth)
	case Tuple:
		for _, item := range v {
			o = o.withKey(item, min(depth+1, maxOrderDepth))
		}
	}
	return o
}

func (o keyOrder) rankOfStrings(depth int) byte {
	if o>>depth&1 != 0 {
		return rankUnicode
	}
	return rankStr
}
