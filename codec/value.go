package codec

// Kind is the class of a value for a person. INT and LONG of the wire are both
// KindInt: they differ in width on the wire, not in meaning.
type Kind uint8

// The kinds of value. KindInvalid is the zero Kind and belongs to no value.
const (
	KindInvalid Kind = iota
	KindNone
	KindBool
	KindInt
	KindFloat
	KindBytes
	KindText
	KindList
	KindTuple
	KindSet
	KindMap
	KindSlice
	KindEllipsis
	KindError
	KindRef
)

// kindNames are the names Python gives the kinds, in the order of the
// constants.
var kindNames = [...]string{
	"invalid", "NoneType", "bool", "int", "float", "bytes", "text", "list",
	"tuple", "set", "dict", "slice", "ellipsis", "exception", "reference",
}

// String returns the name a person would use: "int", "list", "text".
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return kindNames[KindInvalid]
}

// Value is one value of the wire. The implementations in this package are
// None, Bool, Int, Long, Float, Bytes, Text, List, Tuple, Set, *Map, Slice,
// Ellipsis, Exception and Ref. A type of another package may implement Value for
// an object that becomes a reference when it is sent; see Encoder.
type Value interface {
	// Kind returns the class of the value.
	Kind() Kind
	// String returns the value as a Python literal, which ParseLiteral reads
	// back to an equal value (references, exceptions, infinities and nan
	// excepted).
	String() string
}

type (
	// None is Python's None.
	None struct{}

	// Bool is True or False.
	Bool bool

	// Int is an integer that fits 64 bits. It is sent as INT when it fits 32
	// bits, as LONG otherwise.
	Int int64

	// Long is an integer of any size that is sent as LONG, whatever its
	// magnitude: canonical decimal text with an optional leading minus sign.
	// Long("5") and Int(5) are Equal and print alike.
	Long string

	// Float is an IEEE 754 binary64 number.
	Float float64

	// Bytes is a byte string, Python 2's str.
	Bytes string

	// Text is a Unicode string in UTF-8. As in Python 2 it may hold lone
	// surrogates, encoded in three bytes each like any other code point.
	Text string

	// List is a mutable sequence, sent as a copy.
	List []Value

	// Tuple is an immutable sequence.
	Tuple []Value

	// Set is a set; its order is that of the wire and has no meaning.
	Set []Value

	// Slice is a slice of integers. The wire has no None here: an open start
	// or stop is written as 0 and 2³¹−1, or for a negative step as 2³¹−1 and
	// −2³¹; an absent step is 1.
	Slice struct{ Start, Stop, Step int32 }

	// Ellipsis is Python's Ellipsis.
	Ellipsis struct{}

	// ID names one object within its home: the canonical decimal text of a
	// non-negative integer. The ids of this implementation have 128 random
	// bits.
	ID string

	// Home is the address that the home of an object calls itself, kept as
	// the bytes of the wire (the body of a SEQ, without its tag), so that a
	// reference sent home is, byte for byte, the one that was received. It
	// is an identity, not a route. Use NewHome to make one and Addr to look
	// inside.
	Home string

	// Ref is a reference to an object that lives in another process, or in
	// this one. It is comparable: two references are the same object exactly
	// if they are ==.
	Ref struct {
		ID   ID
		Home Home
	}

	// Exception is an exception on the wire: the name of its class and its
	// arguments. It is a Go error too.
	Exception struct {
		Class string
		Args  Tuple
	}
)

// The kinds of the values of this package.

func (None) Kind() Kind      { return KindNone }
func (Bool) Kind() Kind      { return KindBool }
func (Int) Kind() Kind       { return KindInt }
func (Long) Kind() Kind      { return KindInt }
func (Float) Kind() Kind     { return KindFloat }
func (Bytes) Kind() Kind     { return KindBytes }
func (Text) Kind() Kind      { return KindText }
func (List) Kind() Kind      { return KindList }
func (Tuple) Kind() Kind     { return KindTuple }
func (Set) Kind() Kind       { return KindSet }
func (*Map) Kind() Kind      { return KindMap }
func (Slice) Kind() Kind     { return KindSlice }
func (Ellipsis) Kind() Kind  { return KindEllipsis }
func (Exception) Kind() Kind { return KindError }
func (Ref) Kind() Kind       { return KindRef }

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// isForeign tells whether v is of another package: something that becomes a
// Ref when it is sent.
func isForeign(v Value) bool {
	switch v.(type) {
	case nil, None, Bool, Int, Long, Float, Bytes, Text, List, Tuple, Set, *Map, Slice, Ellipsis, Exception, Ref:
		return false
	}
	return true
}
