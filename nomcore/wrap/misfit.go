package wrap

import (
	"errors"
	"reflect"
	"strings"

	"nomfs/codec"
	"nomfs/nomcore/object"
)

// misfit is a value that does not fit a Go type.
type misfit struct {
	class string // of the exception that tells of it
	text  string
}

func (e *misfit) Error() string { return e.text }

// wrongType tells what was expected and what came.
func wrongType(t reflect.Type, got codec.Value) error {
	return &misfit{"TypeError", "expected " + typeName(t) + ", got " + gotName(got)}
}

// tooLarge is the error for a number that t cannot hold.
func tooLarge(t reflect.Type, got codec.Value) error {
	return &misfit{"OverflowError", gotName(got) + " does not fit " + t.Kind().String()}
}

// inItem tells where in a container the misfit is.
func inItem(where string, err error) error {
	var m *misfit
	if errors.As(err, &m) {
		return &misfit{m.class, where + ": " + m.text}
	}
	return err
}

// conversionError makes the exception for a misfit of what label names.
func conversionError(label string, err error) error {
	var m *misfit
	if errors.As(err, &m) {
		return object.Errorf(m.class, "%s: %s", label, m.text)
	}
	return err
}

// gotShown is how many bytes of a wrong value a message shows: enough to
// recognise it, and short enough for a line.
const gotShown = 40

// gotName describes a wrong value for people, without running user code.
func gotName(v codec.Value) string {
	switch v := v.(type) {
	case codec.None:
		return "None"
	case *object.Object:
		return object.ClassOf(v.Impl)
	}
	if v.Kind() == codec.KindRef {
		return "a remote object"
	}
	switch v.(type) {
	case codec.List, codec.Tuple, codec.Set, *codec.Map:
		return v.Kind().String() // its items may be objects
	}
	word := v.Kind().String()
	text := v.String()
	if v.Kind() == codec.KindBytes && !strings.HasPrefix(text, "b") {
		word = "text" // as ASCII text travels
	}
	if len(text) > gotShown {
		text = text[:gotShown] + "..."
	}
	return word + " " + text
}
