package codec

import (
	"errors"
	"fmt"
)

// The kinds of failure. Every error of this package wraps one of them, for
// errors.Is.
var (
	// ErrTruncated: the bytes end before the value does, or a length is
	// negative or larger than what is left.
	ErrTruncated = errors.New("codec: truncated value")
	// ErrTag: a tag that has no meaning, tag 0 included.
	ErrTag = errors.New("codec: unknown tag")
	// ErrSeq: a sequence of unknown kind, or one that has the wrong kind or
	// length for its place, such as a pair that does not have two members.
	ErrSeq = errors.New("codec: bad sequence")
	// ErrNumber: the decimal text of a LONG or of an object id is no number.
	ErrNumber = errors.New("codec: bad number")
	// ErrCodec: TEXT in a codec other than those of the package comment.
	ErrCodec = errors.New("codec: unknown text codec")
	// ErrText: TEXT whose data is not what its codec says.
	ErrText = errors.New("codec: malformed text")
	// ErrDepth: containers inside each other beyond Limits.Depth, as in a list
	// that contains itself.
	ErrDepth = errors.New("codec: nested too deeply")
	// ErrItems: more members than Limits.Items.
	ErrItems = errors.New("codec: too many items")
	// ErrSize: more bytes than Limits.Bytes, or than a length can express.
	ErrSize = errors.New("codec: too large")
	// ErrUnhashable: a list, set, map, slice or malformed Long as a key or as a
	// member of a set.
	ErrUnhashable = errors.New("codec: unhashable")
	// ErrUnencodable: a value that the wire cannot carry.
	ErrUnencodable = errors.New("codec: cannot be encoded")
	// ErrLiteral: text that is not a literal; see LiteralError.
	ErrLiteral = errors.New("not a literal")
	// ErrIncomplete: a literal whose text ends inside a bracket or a quote,
	// so that more text may make it whole. It comes together with ErrLiteral.
	ErrIncomplete = errors.New("incomplete literal")
	// ErrType: ToGo found a value of another type than the one wanted, as
	// Python's TypeError.
	ErrType = errors.New("wrong type")
	// ErrRange: a number that does not fit where it should go, as Python's
	// OverflowError.
	ErrRange = errors.New("number out of range")
)

// WireError names the byte at which a value could not be read.
type WireError struct {
	Offset int    // of the offending byte, counted from the start of the value
	Err    error  // one of the Err variables
	Detail string // what was found, "" where Err says it all
}

// Error returns the kind of failure, the offset and what was found.
func (e *WireError) Error() string {
	if e.Detail == "" {
		return fmt.Sprintf("%v at byte %d", e.Err, e.Offset)
	}
	return fmt.Sprintf("%v at byte %d: %s", e.Err, e.Offset, e.Detail)
}

// Unwrap returns the kind of failure.
func (e *WireError) Unwrap() error { return e.Err }
