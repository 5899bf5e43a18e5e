package script

import (
	"context"
	"errors"
	"time"

	"go.starlark.net/starlark"

	"nomfs/nomcore"
)

// attempt calls a function with the further arguments. It returns what that
// returned and None, or where it fails None and the error as text: callbacks
// are of others, who may be gone. It gives the function half of the time that is
// left, so that a call can go on when somebody does not answer. It does not hold
// up what ends the whole call.
func attempt(r *run, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	if len(args) == 0 {
		return nil, raise(classType, "attempt() takes at least 1 argument (0 given)")
	}
	v, err := r.inHalf(func() (starlark.Value, error) { return r.call(args[0], args[1:], kwargs) })
	if err == nil {
		return starlark.Tuple{v, starlark.None}, nil
	}
	var known *raised
	if r.ctx.Err() != nil || r.outOfSteps || errors.As(err, &known) && known.class == classMemory {
		return nil, err
	}
	r.starved = false // in the time of the attempt
	var foreign *passed
	if errors.As(err, &foreign) && errors.Is(foreign.err, context.DeadlineExceeded) && errors.Unwrap(foreign.err) == nil { // nobody has told more
		err = &passed{&stopError{"there was no answer in half of the time that was left", foreign.err}}
	}
	return starlark.Tuple{starlark.None, starlark.String(clip(nomcore.ExceptionOf(r.failure(err)).Error()))}, nil
}

// inHalf runs f with a context that ends after half of the time that is left.
func (r *run) inHalf(f func() (starlark.Value, error)) (starlark.Value, error) {
	whole := r.ctx
	defer func() { r.ctx = whole }()
	if end, ok := whole.Deadline(); ok {
		var cancel context.CancelFunc
		r.ctx, cancel = context.WithTimeout(whole, time.Until(end)/2)
		defer cancel()
	}
	return f()
}
