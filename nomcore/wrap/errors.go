package wrap

import (
	"errors"
	"reflect"
	"strings"

	"nomfs/codec"
	"nomfs/nomcore/object"
)

// wrongType returns the TypeError for a value that is no t.
func wrongType(t reflect.Type, got codec.Value) error {
	return object.Errorf("TypeError", "expected %s, got %s", typeName(t), gotName(got))
}

// tooLarge returns the OverflowError for a number that t cannot represent.
func tooLarge(t reflect.Type, got codec.Value) error {
	return object.Errorf("OverflowError", "%s does not fit %v", gotName(got), t.Kind())
}

// labelled puts in front of the text of an exception which value it is about. It
// returns any other error, and nil, as it is.
func labelled(label string, err error) error {
	var exc codec.Exception
	if !errors.As(err, &exc) {
		return err
	}
	text, _ := codec.StringOf(exc.Args[0])
	return object.Errorf(exc.Class, "%s: %s", label, text)
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
