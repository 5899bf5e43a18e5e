package object

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
)

// logKey is the key under which a context carries the logger for what goes
// wrong in user code.
type logKey struct{}

// WithLog returns a context with which failures of user code are logged to l.
func WithLog(ctx context.Context, l *slog.Logger) context.Context {
	return context.WithValue(ctx, logKey{}, l)
}

// LogFrom returns the logger of ctx, or the default one.
func LogFrom(ctx context.Context) *slog.Logger {
	if l, ok := ctx.Value(logKey{}).(*slog.Logger); ok && l != nil {
		return l
	}
	return slog.Default()
}

// RunUser runs user code in a goroutine of its own and waits for it, so that
// neither a panic nor runtime.Goexit takes the caller along. Both become a
// RuntimeError and are logged, with what it was that ran.
func RunUser(ctx context.Context, what string, f func() error) error {
	done := make(chan error, 1)
	go func() {
		err := error(Errorf("RuntimeError", "%s ended its goroutine", what))
		returned := false
		defer func() {
			if p := recover(); p != nil {
				err = panicError(ctx, what, p)
			} else if !returned {
				LogFrom(ctx).Error("user code ended its goroutine", "in", what, "stack", string(debug.Stack()))
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
	LogFrom(ctx).Error("panic in user code", "in", what, "panic", text, "stack", string(debug.Stack()))
	return Errorf("RuntimeError", "%s", text)
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

// NoPanic turns a panic, such as one in the Lock method of a user's type, into
// an error. It is for defer.
func NoPanic(ctx context.Context, what string, err *error) {
	if p := recover(); p != nil {
		*err = panicError(ctx, what, p)
	}
}
