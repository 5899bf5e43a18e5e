package nomcore

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"

	"nomfs/codec"
)

// logKey is the key under which a context carries the logger for what goes
// wrong in user code.
type logKey struct{}

// withLog returns a context with which failures of user code are logged to l.
func withLog(ctx context.Context, l *slog.Logger) context.Context {
	return context.WithValue(ctx, logKey{}, l)
}

// logFrom returns the logger of ctx, or the default one.
func logFrom(ctx context.Context) *slog.Logger {
	if l, ok := ctx.Value(logKey{}).(*slog.Logger); ok && l != nil {
		return l
	}
	return slog.Default()
}

// pyError makes the exception that Python would raise.
func pyError(class, format string, args ...any) codec.Exception {
	return codec.Exception{Class: class, Args: codec.Tuple{codec.Bytes(fmt.Sprintf(format, args...))}}
}

// runUser runs user code in a goroutine of its own and waits for it, so that
// neither a panic nor runtime.Goexit takes the caller along. Both become a
// RuntimeError and are logged, with what it was that ran.
func runUser(ctx context.Context, what string, f func() error) error {
	done := make(chan error, 1)
	go func() {
		err := error(pyError("RuntimeError", "%s ended its goroutine", what))
		returned := false
		defer func() {
			if p := recover(); p != nil {
				err = panicError(ctx, what, p)
			} else if !returned {
				logFrom(ctx).Error("user code ended its goroutine", "in", what, "stack", string(debug.Stack()))
			}
			done <- err
		}()
		err = f()
		returned = true
	}()
	return <-done
}

// panicError logs a panic with its stack and returns it as an exception.
func panicError(ctx context.Context, what string, p any) error {
	text := panicText(p)
	logFrom(ctx).Error("panic in user code", "in", what, "panic", text, "stack", string(debug.Stack()))
	return pyError("RuntimeError", "%s", text)
}

// panicText returns p as text, whatever its own methods do.
func panicText(p any) (text string) {
	defer func() {
		if recover() != nil {
			text = fmt.Sprintf("panic with a %T", p)
		}
	}()
	return fmt.Sprint(p)
}

// noPanic turns a panic, such as one in the Lock method of a user's type, into
// an error. It is for defer.
func noPanic(ctx context.Context, what string, err *error) {
	if p := recover(); p != nil {
		*err = panicError(ctx, what, p)
	}
}
