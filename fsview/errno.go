//go:build linux

package fsview

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"nomfs/codec"
)

// An opSet is one or more of the operations that an error can come from: the
// same exception means different things to different operations.
type opSet uint

const (
	opGet opSet = 1 << iota
	opSetValue
	opDelete
	opItem // getting an item
	opLen
	opText // repr, str
	opCall
	opList   // names and descriptions
	opLookup // asking whether a name exists

	opAny  = ^opSet(0)
	opRead = opGet | opItem | opDelete | opLookup | opList
)

// classErrno is the one table from exception classes to error numbers. The
// first line that matches wins; a class that is not here is EREMOTEIO.
var classErrno = []struct {
	class string
	on    opSet
	errno syscall.Errno
}{
	{"AttributeError", opSetValue, syscall.EPERM},
	{"AttributeError", opLen | opText, syscall.ENOTSUP}, // an old-style instance without __len__
	{"AttributeError", opRead, syscall.ENOENT},
	{"NameError", opRead, syscall.ENOENT},
	{"KeyError", opRead, syscall.ENOENT},
	{"IndexError", opRead, syscall.ENOENT},
	{"LookupError", opRead, syscall.ENOENT},
	{"PermissionError", opAny, syscall.EACCES},
	{"TypeError", opLen, syscall.ENOTSUP},
	{"TypeError", opItem, syscall.ENOTSUP},
	{"TypeError", opAny, syscall.EINVAL},
	{"ValueError", opAny, syscall.EINVAL},
	{"UnicodeError", opAny, syscall.EINVAL},
	{"UnicodeDecodeError", opAny, syscall.EINVAL},
	{"UnicodeEncodeError", opAny, syscall.EINVAL},
	{"NotImplementedError", opAny, syscall.ENOTSUP},
	{"OverflowError", opAny, syscall.ERANGE},
	{"ArithmeticError", opAny, syscall.EDOM},
	{"ZeroDivisionError", opAny, syscall.EDOM},
	{"FloatingPointError", opAny, syscall.EDOM},
	{"MemoryError", opAny, syscall.ENOMEM},
	{"RecursionError", opAny, syscall.ELOOP},
	{"ReferenceError", opAny, syscall.ESTALE},
}

// osErrors are the classes whose first argument, an integer, is the error
// number itself.
var osErrors = map[string]bool{"OSError": true, "IOError": true, "EnvironmentError": true}

// kindErrno is the table for errors that are no exception of the peer.
var kindErrno = []struct {
	kind  error
	errno syscall.Errno
}{
	{errInterrupted, syscall.EINTR},
	{errUnmounted, syscall.ENODEV},
	{errDropped, syscall.ENODEV},
	{context.DeadlineExceeded, syscall.ETIMEDOUT},
	{os.ErrDeadlineExceeded, syscall.ETIMEDOUT},
	{context.Canceled, syscall.EINTR},
	{net.ErrClosed, syscall.ENOTCONN},
	{codec.ErrPartial, syscall.EFBIG},
	{errors.ErrUnsupported, syscall.ENOTSUP},
	{fs.ErrNotExist, syscall.ENOENT},
	{fs.ErrPermission, syscall.EACCES},
}

// errnoOf returns the error number for err, which came from op.
func errnoOf(err error, op opSet) syscall.Errno {
	if err == nil {
		return 0
	}
	if errors.Is(err, syscall.ESTALE) { // before the exception that it came as
		return syscall.ESTALE
	}
	var exc codec.Exception
	if errors.As(err, &exc) {
		return exceptionErrno(exc, op)
	}
	// An errno that the error carries says more than its kind: EHOSTDOWN is
	// also a timeout to those who only ask that.
	var errno syscall.Errno
	if errors.As(err, &errno) && errno != 0 {
		return safeErrno(errno)
	}
	for _, k := range kindErrno {
		if errors.Is(err, k.kind) {
			return k.errno
		}
	}
	return syscall.EREMOTEIO
}

func exceptionErrno(exc codec.Exception, op opSet) syscall.Errno {
	if osErrors[exc.Class] && len(exc.Args) > 0 {
		if n, ok := codec.Int64Of(exc.Args[0]); ok && 0 < n && n <= maxErrno {
			return safeErrno(syscall.Errno(n))
		}
	}
	if errors.Is(exc, fs.ErrPermission) { // exactly RuntimeError('Access denied')
		return syscall.EACCES
	}
	for _, c := range classErrno {
		if c.class == exc.Class && c.on&op != 0 {
			return c.errno
		}
	}
	return syscall.EREMOTEIO
}

// maxErrno is the largest error number that Linux gives to programs.
const maxErrno = 133 // EHWPOISON

// safeErrno keeps numbers from the kernel that would harm the mount: ENOSYS
// switches an operation off for good, EIO is reserved for our own defects, and
// EINTR makes a program try again.
func safeErrno(e syscall.Errno) syscall.Errno {
	switch {
	case e == syscall.ENOSYS:
		return syscall.ENOTSUP
	case e == syscall.EIO, e == syscall.EINTR, e > maxErrno:
		return syscall.EREMOTEIO
	}
	return e
}

// isStale tells whether err says that the object behind r is gone. The peer's
// exception for that is KeyError with the id that was asked for.
func isStale(err error, r codec.Ref) bool {
	if errors.Is(err, syscall.ESTALE) {
		return true
	}
	var exc codec.Exception
	if !errors.As(err, &exc) {
		return false
	}
	if exc.Class == "ReferenceError" {
		return true
	}
	if exc.Class != "KeyError" || len(exc.Args) != 1 {
		return false
	}
	n, ok := codec.BigIntOf(exc.Args[0])
	return ok && n.String() == string(r.ID)
}

// isMissing tells whether err says that there is no such name.
func isMissing(err error) bool {
	return err != nil && errnoOf(err, opLookup) == syscall.ENOENT
}

// errnoName is the name of an error number, EINVAL.
func errnoName(e syscall.Errno) string {
	if name := unix.ErrnoName(e); name != "" {
		return name
	}
	return e.Error()
}
