package wrap

import (
	"context"

	"nomfs/codec"
)

// valueObject is a value of the wire as an object. It has a text and no
// attributes.
type valueObject struct{ v codec.Value }

func (o *valueObject) Class() string { return o.v.Kind().String() }

func (o *valueObject) Repr(context.Context) (string, error) { return o.v.String(), nil }

func (o *valueObject) Str(context.Context) (string, error) {
	if s, ok := codec.StringOf(o.v); ok {
		return s, nil
	}
	return o.v.String(), nil
}

func (o *valueObject) Describe(context.Context) (codec.Description, error) {
	return codec.Description{Class: o.v.Kind().String()}, nil
}
