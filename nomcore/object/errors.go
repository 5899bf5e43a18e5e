package object

import (
	"fmt"

	"nomfs/codec"
)

// Errorf returns an exception of a class of Python's, with the text as its one
// argument. The text is Bytes: an original peer cannot print an exception with
// another text than ASCII.
func Errorf(class, format string, args ...any) codec.Exception {
	return codec.Exception{Class: class, Args: codec.Tuple{codec.Bytes(fmt.Sprintf(format, args...))}}
}

// NoAttr returns the AttributeError for an attribute that objects of the class
// lack.
func NoAttr(class, name string) error {
	return Errorf("AttributeError", "'%s' object has no attribute '%s'", class, name)
}

// Cannot returns the TypeError for an operation that the object impl lacks; what
// is the operation in Python's words, such as "is not callable".
func Cannot(impl any, what string) error {
	return Errorf("TypeError", "'%s' object %s", ClassOf(impl), what)
}
