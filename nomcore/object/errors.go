package object

import (
	"fmt"

	"nomfs/codec"
)

// Errorf makes the exception that Python would raise: of that class, with the
// text as its one argument. The text is Bytes, since an original peer cannot
// print an exception with any other text than ASCII.
func Errorf(class, format string, args ...any) codec.Exception {
	return codec.Exception{Class: class, Args: codec.Tuple{codec.Bytes(fmt.Sprintf(format, args...))}}
}

// NoAttr is the AttributeError for an attribute that an object lacks.
func NoAttr(class, name string) error {
	return Errorf("AttributeError", "'%s' object has no attribute '%s'", class, name)
}

// Cannot is the TypeError for an operation that an object lacks; what says
// which in Python's words, such as "is not callable".
func Cannot(impl any, what string) error {
	return Errorf("TypeError", "'%s' object %s", ClassOf(impl), what)
}
