package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"

	"nomfs/codec"
)

// The exit codes, which every help text lists. The shell commands sh and demo
// end with the status of what ran inside instead.
const (
	exitOK          = 0
	exitFailure     = 1
	exitUsage       = 2
	exitException   = 3
	exitNoName      = 4
	exitDenied      = 5
	exitUnreachable = 6
	exitInterrupted = 130
)

// exits is the one table from errors to exit codes. The first row that
// matches counts; what matches none is exitFailure.
var exits = []struct {
	code  int
	means string
	match func(error) bool
}{
	{exitOK, "ok", func(err error) bool { return err == nil }},
	{exitFailure, "failure", is[*localError]},
	{exitUsage, "usage", is[*usageError]},
	{exitException, "remote exception", is[*raisedError]},
	{exitInterrupted, "interrupted", isAny(context.Canceled)},
	{exitNoName, "no such name", isAny(fs.ErrNotExist)},
	{exitDenied, "denied", isAny(fs.ErrPermission)},
	{exitException, "", is[codec.Exception]},
	{exitUnreachable, "unreachable or timeout", isAny(context.DeadlineExceeded, os.ErrDeadlineExceeded,
		net.ErrClosed, syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.EHOSTDOWN, syscall.EHOSTUNREACH,
		syscall.ENETDOWN, syscall.ENETUNREACH, syscall.ETIMEDOUT)},
	{exitUnreachable, "", is[*net.DNSError]},
}

// exitCode returns the exit code for err.
func exitCode(err error) int {
	if status := (statusError)(0); errors.As(err, &status) {
		return int(status)
	}
	for _, row := range exits {
		if row.match(err) {
			return row.code
		}
	}
	return exitFailure
}

// exitHelp is the list of exit codes for the help texts.
func exitHelp() string {
	var b strings.Builder
	for code := range exitInterrupted + 1 {
		for _, row := range exits {
			if row.code == code && row.means != "" {
				fmt.Fprintf(&b, "   %-4d %s\n", code, row.means)
			}
		}
	}
	return b.String()
}

func is[T error](err error) bool {
	var target T
	return errors.As(err, &target)
}

func isAny(kinds ...error) func(error) bool {
	return func(err error) bool {
		for _, kind := range kinds {
			if errors.Is(err, kind) {
				return true
			}
		}
		return false
	}
}

// usageError is a command line that makes no sense.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error {
	return &usageError{fmt.Errorf(format, args...)}
}

// localError is a failure of this machine, such as a mount point that does
// not exist. Its kind says nothing about the peer, so it does not choose the
// exit code.
type localError struct{ err error }

func (e *localError) Error() string { return e.err.Error() }
func (e *localError) Unwrap() error { return e.err }

func localf(format string, args ...any) error {
	return &localError{fmt.Errorf(format, args...)}
}

// raisedError is an exception that a called object raised: whatever its class,
// the name was there and the call was allowed.
type raisedError struct{ err error }

func (e *raisedError) Error() string { return e.err.Error() }
func (e *raisedError) Unwrap() error { return e.err }

// statusError ends the program with a status and without a message: who
// chose the status has said what there was to say.
type statusError int

func (e statusError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }
