package object

import (
	"context"
	"fmt"
	"reflect"
	"strings"

	"nomfs/codec"
)

// ClassOf returns the class of an object for people: what Classer says, else
// the name of its Go type without the package.
func ClassOf(impl any) string {
	if c, ok := impl.(Classer); ok {
		return c.Class()
	}
	t := reflect.TypeOf(impl)
	if t == nil {
		return codec.KindNone.String()
	}
	for t.Kind() == reflect.Pointer && t.Name() == "" {
		t = t.Elem()
	}
	if t.Name() == "" {
		return t.Kind().String()
	}
	name, _, _ := strings.Cut(t.Name(), "[") // without type arguments, which are long
	return name
}

// ReprOf returns the repr of an object: what Reprer says, else <Class object>.
func ReprOf(ctx context.Context, impl any) string {
	text := "<" + ClassOf(impl) + " object>"
	r, ok := impl.(Reprer)
	if !ok {
		return text
	}
	err := RunUser(ctx, "Repr()", func() error {
		own, err := r.Repr(ctx)
		if err == nil {
			text = own
		}
		return err
	})
	if err != nil {
		LogFrom(ctx).Warn("repr failed", "class", ClassOf(impl), "error", err)
	}
	return text
}

// StrOf returns the str of an object: what Strer, error or fmt.Stringer say,
// else the repr.
func StrOf(ctx context.Context, impl any) string {
	var own func() (string, error)
	switch v := impl.(type) {
	case Strer:
		own = func() (string, error) { return v.Str(ctx) }
	case error:
		own = func() (string, error) { return v.Error(), nil }
	case fmt.Stringer:
		own = func() (string, error) { return v.String(), nil }
	default:
		return ReprOf(ctx, impl)
	}
	var text string
	err := RunUser(ctx, "Str()", func() (err error) {
		text, err = own()
		return err
	})
	if err != nil {
		LogFrom(ctx).Warn("str failed", "class", ClassOf(impl), "error", err)
		return ReprOf(ctx, impl)
	}
	return text
}
