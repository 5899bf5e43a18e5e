package object

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
)

// LogKey is the key under which a context carries the *slog.Logger to which
// failures of user code are logged.
type LogKey struct{}

// WithLog returns a context in which failures of user code are logged to l.
func WithLog(ctx context.Context, l *slog.Logger) context.Context {
	return context.WithValue(ctx, LogKey{}, l)
}

// LogFrom returns the logger of ctx, or the default one.
func LogFrom(ctx context.Context) *slog.Logger {
	if l, ok := ctx.Value(LogKey{}).(*slog.Logger); ok && l != nil {
		return l
	}
	return slog.Default()
}

// RunUser runs user code in the goroutine of the caller. A panic is logged with
// its stack and becomes a RuntimeError; what names the code, such as "add()".
// runtime.Goexit in user code ends the goroutine: its owner has to answer in a
// deferred function.
func RunUser(ctx context.Context, what string, f func() error) (err error) {
	defer Recover(ctx, what, &err)
	return f()
}

// Recover turns a panic into an error, as RunUser does. It is for defer.
func Recover(ctx context.Context, what string, err *error) {
	if p := recover(); p != nil {
		*err = panicError(ctx, what, p)
	}
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
