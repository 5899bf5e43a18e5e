package codec

import (
	"errors"
	"io/fs"
	"strings"
)

var _ error = Exception{}

// The class and the only text with which an original says that it refuses an
// access.
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

// plainText returns a string without quotes, with everything escaped that might
// disturb a terminal, and any other value as its literal.
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

// accessDenied tells whether the only argument is textAccessDenied.
func (e Exception) accessDenied() bool {
	if len(e.Args) != 1 {
		return false
	}
	s, ok := StringOf(e.Args[0])
	return ok && s == textAccessDenied
}

// safeName returns a class name fit for a terminal: it escapes spaces and all that
// cannot be printed.
func safeName(name string) string {
	if name == "" {
		return "Exception"
	}
	return strings.ReplaceAll(printable(name), " ", `\x20`)
}
