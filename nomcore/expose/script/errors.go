package script

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"go.starlark.net/starlark"

	"nomfs/codec"
)

// The classes of the exceptions that scripts raise, as Python names them.
const (
	classAttribute = "AttributeError"
	classIndex     = "IndexError"
	classKey       = "KeyError"
	classMemory    = "MemoryError"
	className      = "NameError" // how a peer says that nothing is registered so
	classReference = "ReferenceError"
	classRuntime   = "RuntimeError"
	classType      = "TypeError"
	classValue     = "ValueError"
	classZero      = "ZeroDivisionError"
)

// maxMessage bounds the text of an exception, in bytes: with the backtrace it
// must fit a datagram, and nobody reads more.
const maxMessage = 4 << 10

// raised is an error of the script whose class is known. The place is added
// when it leaves the script.
type raised struct {
	class string
	text  string
}

func (e *raised) Error() string { return e.text }

// raise makes an error of a class.
func raise(class, format string, args ...any) error {
	return &raised{class, fmt.Sprintf(format, args...)}
}

// raiseAs gives an error of Starlark's a class, unless it has one already or
// comes from further in.
func raiseAs(class string, err error) error {
	var known *raised
	var foreign *passed
	var inner *starlark.EvalError
	if err == nil || errors.As(err, &known) || errors.As(err, &foreign) || errors.As(err, &inner) {
		return err
	}
	return &raised{class, err.Error()}
}

// passed is the error of another object, which leaves the script unchanged.
type passed struct{ err error }

func (e *passed) Error() string { return e.err.Error() }
func (e *passed) Unwrap() error { return e.err }

// stopError tells why a call was ended from outside. It is the error of the
// context too.
type stopError struct {
	text  string
	cause error
}

func (e *stopError) Error() string { return e.text }
func (e *stopError) Unwrap() error { return e.cause }

func exception(class, format string, args ...any) codec.Exception {
	return codec.Exception{Class: class, Args: codec.Tuple{codec.Bytes(fmt.Sprintf(format, args...))}}
}

// errClosed answers calls after Close.
var errClosed = exception(classReference, "the object is not there any more")

// failure turns the error with which a call ended into what the caller gets.
func (r *run) failure(err error) error {
	if err == nil {
		return nil
	}
	at := backtrace(err)
	switch {
	case r.s.ctx.Err() != nil:
		return errClosed
	case r.outOfSteps:
		return exception(classRuntime, "%s takes more than %d steps%s", r.what, r.s.steps, at)
	case r.starved:
		return &stopError{fmt.Sprintf("%s waited too long for the state, which another call uses%s", r.what, at), r.ctx.Err()}
	case errors.Is(r.ctx.Err(), context.DeadlineExceeded):
		return &stopError{fmt.Sprintf("%s takes too long%s", r.what, at), r.ctx.Err()}
	case r.ctx.Err() != nil:
		return &stopError{fmt.Sprintf("%s was cancelled%s", r.what, at), r.ctx.Err()}
	}
	var foreign *passed
	if errors.As(err, &foreign) {
		return foreign.err
	}
	class := classRuntime
	var known *raised
	if errors.As(err, &known) {
		class = known.class
	}
	return exception(class, "%s%s", clip(err.Error()), at)
}

// clip shortens a text, between characters.
func clip(s string) string {
	if len(s) <= maxMessage {
		return s
	}
	n := maxMessage
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

// maxFrames is how many places a backtrace names; recursion is off, so more is
// rare.
const maxFrames = 20

// backtrace returns the places of the script through which an error came, the
// innermost first: " (a.star:3:4 in f, called at a.star:9:2 in g)". Our own
// functions have none. Of the file it tells the name, not where it is.
func backtrace(err error) string {
	var eval *starlark.EvalError
	if !errors.As(err, &eval) {
		return ""
	}
	var places []string
	for i := range eval.CallStack {
		frame := eval.CallStack.At(i)
		if frame.Pos.Line == 0 {
			continue // a function of ours
		}
		if len(places) == maxFrames {
			places = append(places, "…")
			break
		}
		name := filepath.Base(frame.Pos.Filename())
		places = append(places, fmt.Sprintf("%s:%d:%d in %s", name, frame.Pos.Line, frame.Pos.Col, frame.Name))
	}
	if len(places) == 0 {
		return ""
	}
	return " (" + strings.Join(places, ", called at ") + ")"
}
