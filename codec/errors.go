package codec

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// The kinds of failure. Every error of this package wraps one of them, so that
// errors.Is tells what went wrong.
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
	// ErrDepth: containers inside each other beyond Limits.Depth, which is
	// also what becomes of a list that contains itself.
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

// WireError tells where in the bytes a value could not be read.
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

var _ error = Exception{}

// The one text that means "refused" on the wire, and its class: the original
// has no other way to say it.
const (
	classRuntimeError = "RuntimeError"
	textAccessDenied  = "Access denied"
)

// Error returns the class and the arguments the way the last line of a Python
// traceback shows them: "ValueError: bad", "KeyError: 'x'", "StopIteration".
func (e Exception) Error() string {
	class := safeName(e.Class)
	switch msg := e.message(); msg {
	case "":
		return class
	default:
		return class + ": " + msg
	}
}

// message returns what Python's str would make of the exception.
func (e Exception) message() string {
	switch {
	case len(e.Args) == 0:
		return ""
	case len(e.Args) == 1 && e.Class == "KeyError":
		return literalOf(e.Args[0])
	case len(e.Args) == 1:
		return plainText(e.Args[0])
	case len(e.Args) <= 3 && isOSError(e.Class):
		msg := "[Errno " + plainText(e.Args[0]) + "] " + plainText(e.Args[1])
		if len(e.Args) == 3 {
			msg += ": " + literalOf(e.Args[2])
		}
		return msg
	}
	return e.Args.String()
}

// isOSError tells whether a class prints its arguments as errno, text and file
// name.
func isOSError(class string) bool {
	switch class {
	case "IOError", "OSError", "EnvironmentError", "PermissionError", "FileNotFoundError":
		return true
	}
	return false
}

// plainText returns strings as they are, except for what would disturb a
// terminal, and everything else as its literal.
func plainText(v Value) string {
	s, ok := StringOf(v)
	if !ok {
		return literalOf(v)
	}
	return printable(s)
}

// Is makes errors.Is work across the wire: an AttributeError, NameError,
// KeyError or IndexError is fs.ErrNotExist; a PermissionError, and exactly
// RuntimeError('Access denied'), is fs.ErrPermission; a NotImplementedError is
// errors.ErrUnsupported. An Exception is another one that is Equal to it.
func (e Exception) Is(target error) bool {
	if other, ok := target.(Exception); ok {
		return Equal(e, other)
	}
	switch e.Class {
	case "AttributeError", "NameError", "KeyError", "IndexError":
		return target == fs.ErrNotExist
	case "PermissionError":
		return target == fs.ErrPermission
	case classRuntimeError:
		return target == fs.ErrPermission && e.accessDenied()
	case "NotImplementedError":
		return target == errors.ErrUnsupported
	}
	return false
}

// accessDenied tells whether the arguments are the one text that says so.
func (e Exception) accessDenied() bool {
	if len(e.Args) != 1 {
		return false
	}
	s, ok := StringOf(e.Args[0])
	return ok && s == textAccessDenied
}

// safeName returns a class name fit for a terminal: what no identifier holds
// is escaped.
func safeName(name string) string {
	if name == "" {
		return "Exception"
	}
	return strings.ReplaceAll(printable(name), " ", `\x20`)
}
