package nomcore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"nomfs/codec"
)

// Errors of this package. Each also is the standard error that says the same,
// so that callers can test with errors.Is for what they know.
var (
	// ErrTooLarge: the packet exceeds 65,507 bytes. Nothing was sent.
	// Is syscall.EMSGSIZE.
	ErrTooLarge error = &kindError{"packet exceeds 65,507 bytes", []error{syscall.EMSGSIZE}}
	// ErrTimeout: no answer in time. Is context.DeadlineExceeded and
	// os.ErrDeadlineExceeded.
	ErrTimeout error = &kindError{"no answer in time", []error{context.DeadlineExceeded, os.ErrDeadlineExceeded}}
	// ErrOutcomeUnknown: the operation was sent and may have run.
	ErrOutcomeUnknown error = &kindError{"outcome unknown: it may have run", nil}
	// ErrBusy: the peer has no room for the request, which did not run. Is
	// syscall.EBUSY.
	ErrBusy error = &kindError{"peer is busy: it did not run", []error{syscall.EBUSY}}
	// ErrDown: the peer does not answer probes. Is syscall.EHOSTDOWN.
	ErrDown error = &kindError{"peer is down", []error{syscall.EHOSTDOWN}}
	// ErrUnreachable: the peer's machine says that nobody listens on that
	// port. Is syscall.ECONNREFUSED.
	ErrUnreachable error = &kindError{"connection refused", []error{syscall.ECONNREFUSED}}
	// ErrRestarted: the peer was restarted, or has forgotten us, while it was
	// asked. Is syscall.ECONNRESET.
	ErrRestarted error = &kindError{"peer was restarted", []error{syscall.ECONNRESET}}
	// ErrResultLost: the operation has run, but its answer was lost and the
	// peer could not keep it. Is syscall.EPROTO.
	ErrResultLost error = &kindError{"it has run, but its result is lost", []error{syscall.EPROTO}}
	// ErrStale: the reference is not known at its home any more. Is
	// syscall.ESTALE.
	ErrStale error = &kindError{"stale reference", []error{syscall.ESTALE}}
	// ErrProtocol: the answer cannot be understood. Is syscall.EPROTO.
	ErrProtocol error = &kindError{"answer cannot be understood", []error{syscall.EPROTO}}
	// ErrRefused: the peer refused synchronization. Is fs.ErrPermission.
	ErrRefused error = &kindError{"peer refuses us", []error{fs.ErrPermission}}
	// ErrPlainRefused: our own policy keeps plain NOM from that address. Is
	// fs.ErrPermission.
	ErrPlainRefused error = &kindError{"plain NOM may not go there", []error{fs.ErrPermission}}
	// ErrClosed: the Service is closed. Is net.ErrClosed.
	ErrClosed error = &kindError{"service is closed", []error{net.ErrClosed}}
	// ErrNoAuthenticator: a Service without an Authenticator would let
	// everyone in or nobody; say which.
	ErrNoAuthenticator = errors.New("nomcore: no authenticator: use auth.Default, or one of your own")

	// ErrSamePeer: two addresses lead to one peer.
	ErrSamePeer = errors.New("the same peer twice")

	// errNotDelivered marks an operation that certainly never reached the peer.
	errNotDelivered = errors.New("not delivered")
	// errNobodyThere is ErrUnreachable for such an operation.
	errNobodyThere error = &kindError{ErrUnreachable.Error(), []error{ErrUnreachable, errNotDelivered}}
)

// kindError is an error that is also others.
type kindError struct {
	text string
	also []error
}

func (e *kindError) Error() string   { return e.text }
func (e *kindError) Unwrap() []error { return e.also }

// RemoteError is the exception with which a peer answered. errors.As finds it,
// and the codec.Exception in it; errors.Is maps its class, see
// codec.Exception.
type RemoteError struct{ codec.Exception }

// Unwrap returns the exception itself.
func (e *RemoteError) Unwrap() error { return e.Exception }

// staleError is a KeyError that means the reference asked for, not a key. It
// is ErrStale and the exception, but not fs.ErrNotExist.
type staleError struct{ exc codec.Exception }

func (e *staleError) Error() string { return ErrStale.Error() + " " + string(staleID(e.exc)) }

func (e *staleError) Is(target error) bool { return errors.Is(ErrStale, target) }

func (e *staleError) As(target any) bool {
	switch t := target.(type) {
	case *codec.Exception:
		*t = e.exc
	case **RemoteError:
		*t = &RemoteError{e.exc}
	case *syscall.Errno:
		*t = syscall.ESTALE
	default:
		return false
	}
	return true
}

// staleID returns the object id that a KeyError complains about, or "".
func staleID(exc codec.Exception) codec.ID {
	if exc.Class != "KeyError" || len(exc.Args) != 1 {
		return ""
	}
	n, ok := codec.BigIntOf(exc.Args[0])
	if !ok || exc.Args[0].Kind() != codec.KindInt || n.Sign() < 0 {
		return ""
	}
	return codec.ID(n.String())
}

// remoteError turns the exception that answers an operation on object id (or
// "" where there is none) into an error.
func remoteError(exc codec.Exception, id codec.ID) error {
	if id != "" && staleID(exc) == id {
		return &staleError{exc}
	}
	return &RemoteError{exc}
}

// waitError tells how the wait for an answer ended.
type waitError struct {
	what    string // what was asked: GetAttr "x"
	notSent bool   // the request did not go out
	queued  int    // operations that waited beside it, then
	addr    string
	after   time.Duration // 0 where the time does not matter
	err     error         // ErrTimeout, ErrDown, context.Canceled, …
	unknown bool          // it may have run

	noSession bool // the request did not go out, since SYNC ended with err
}

func (e *waitError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: ", e.addr)
	switch {
	case e.noSession && errors.Is(e.err, ErrTimeout):
		fmt.Fprintf(&b, "%s was not sent: SYNC was not answered in %v", e.what, e.after)
	case e.noSession:
		fmt.Fprintf(&b, "%s was not sent: SYNC: %v", e.what, e.err)
	case e.notSent && errors.Is(e.err, ErrTimeout):
		fmt.Fprintf(&b, "%s was not sent: it waited %v for its turn, with %d operations before it", e.what, e.after, e.queued)
	case errors.Is(e.err, ErrTimeout) && e.after > 0:
		fmt.Fprintf(&b, "no answer to %s within %v", e.what, e.after)
	default:
		fmt.Fprintf(&b, "%s: %v", e.what, e.err)
	}
	if e.unknown {
		b.WriteString("; it may have run")
	}
	return b.String()
}

func (e *waitError) Unwrap() []error {
	if e.unknown {
		return []error{e.err, ErrOutcomeUnknown}
	}
	return []error{e.err}
}

// ExceptionOf returns the exception that tells a peer about err: an exception
// in its chain as it is; an error number of the system as IOError(number,
// text), which a client turns into that number again; a missing file, a
// refusal and a timeout likewise; anything else as RuntimeError(text).
func ExceptionOf(err error) (exc codec.Exception) {
	defer func() {
		// The methods of an error are the application's, which may panic: a
		// nil pointer in an error is not nil.
		if v := recover(); v != nil {
			exc = exception("RuntimeError", fmt.Sprintf("an error that cannot be told: %T", err))
		}
	}()
	if errors.As(err, &exc) {
		return exc
	}
	var errno syscall.Errno
	switch {
	case errors.As(err, &errno):
	case errors.Is(err, fs.ErrNotExist):
		errno = syscall.ENOENT
	case errors.Is(err, fs.ErrPermission):
		errno = syscall.EACCES
	case errors.Is(err, fs.ErrExist):
		errno = syscall.EEXIST
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		errno = syscall.ETIMEDOUT
	case errors.Is(err, errors.ErrUnsupported):
		return exception("NotImplementedError", err.Error())
	default:
		return exception("RuntimeError", err.Error())
	}
	return codec.Exception{Class: "IOError", Args: codec.Tuple{
		codec.Int(int64(errno)), codec.Bytes(err.Error())}}
}

// errDenied is how the protocol says that the authenticator refused.
var errDenied = exception("RuntimeError", "Access denied")

// errBusy answers a request of an original for which there is no room.
var errBusy = exception("RuntimeError", "the service is busy")
