package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
)

// hintError is an error with advice: what to type instead.
type hintError struct {
	err  error
	hint string
}

func (e *hintError) Error() string { return e.err.Error() }
func (e *hintError) Unwrap() error { return e.err }

// withHint adds advice to err. It keeps a nil error nil.
func withHint(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return &hintError{err, fmt.Sprintf(format, args...)}
}

// printError writes err and its hints to w, the innermost hint first: it knows
// best.
func printError(w io.Writer, err error) {
	if status := (statusError)(0); errors.As(err, &status) {
		return
	}
	fmt.Fprintf(w, "nomfs: error: %s\n", printable(err.Error()))
	for _, hint := range hintsOf(err) {
		printHint(w, hint)
	}
}

func printHint(w io.Writer, hint string) {
	fmt.Fprintf(w, "nomfs: hint: %s\n", printable(hint))
}

func hintsOf(err error) []string {
	var hints []string
	for e := new(hintError); errors.As(err, &e); err = e.err {
		hints = append([]string{e.hint}, hints...)
	}
	return hints
}

// printable makes text that may come from a peer safe for a terminal: one
// line, no escape sequences.
func printable(s string) string {
	var b strings.Builder
	for _, r := range strings.TrimSpace(s) {
		switch {
		case r == '\n': // between errors that were joined
			b.WriteString("; ")
		case r == '\t' || unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, `\x%02x`, r)
		}
	}
	return b.String()
}
