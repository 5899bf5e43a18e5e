package object

import (
	"context"
	"fmt"
	"reflect"
	"strings"

	"nomfs/codec"
)

// ClassOf returns the class of an object for people: what Classer says, else
// the name of its Go type.
func ClassOf(impl any) string {
	if c, ok := impl.(Classer); ok {
		return c.Class()
	}
	t := reflect.TypeOf(impl)
	if t == nil {
		return codec.KindNone.String()
	}
	if name := TypeName(t); name != "" {
		return name
	}
	return t.Kind().String()
}

// TypeName returns the name of a type, or of what it points to, without its
// package and type arguments; "" for a type without a name.
func TypeName(t reflect.Type) string {
	for t.Kind() == reflect.Pointer && t.Name() == "" {
		t = t.Elem()
	}
	name, _, _ := strings.Cut(t.Name(), "[")
	return name
}

// ReprOf returns the repr of an object: what Reprer says, else <Class object>.
// An error is logged.
func ReprOf(ctx context.Context, impl any) string {
	if r, ok := impl.(Reprer); ok {
		if text, ok := said(ctx, "Repr()", impl, r.Repr); ok {
			return text
		}
	}
	return "<" + ClassOf(impl) + " object>"
}

// StrOf returns the str of an object: what Told returns, else the repr. An
// error is logged.
func StrOf(ctx context.Context, impl any) string {
	if told := Told(impl); told != nil {
		if text, ok := said(ctx, "Str()", impl, told); ok {
			return text
		}
	}
	return ReprOf(ctx, impl)
}

// Told returns by which func a value says its str: Strer, error or
// fmt.Stringer, in that order; nil where it has none of these.
func Told(v any) func(context.Context) (string, error) {
	switch v := v.(type) {
	case Strer:
		return v.Str
	case error:
		return func(context.Context) (string, error) { return v.Error(), nil }
	case fmt.Stringer:
		return func(context.Context) (string, error) { return v.String(), nil }
	}
	return nil
}

// said runs what a value says of itself; ok is false where it fails.
func said(ctx context.Context, what string, impl any, f func(context.Context) (string, error)) (text string, ok bool) {
	err := RunUser(ctx, what, func() (err error) {
		text, err = f(ctx)
		return err
	})
	if err != nil {
		LogFrom(ctx).Warn(what+" failed", "class", ClassOf(impl), "error", err)
	}
	return text, err == nil
}
