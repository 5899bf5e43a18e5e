package object

import (
	"context"
	"fmt"
	"reflect"
	"strings"

	"nomfs/codec"
)

// ClassOf returns the class of an object for people: that of Classer, else the
// name of its Go type.
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

// ReprOf returns the repr of an object: that of Reprer, else <Class object>. An
// error is logged.
func ReprOf(ctx context.Context, impl any) string {
	if r, ok := impl.(Reprer); ok {
		if text, ok := ownText(ctx, "Repr()", impl, r.Repr); ok {
			return text
		}
	}
	return "<" + ClassOf(impl) + " object>"
}

// StrOf returns the str of an object: that of StrFunc, else the repr. An error
// is logged.
func StrOf(ctx context.Context, impl any) string {
	if str := StrFunc(impl); str != nil {
		if text, ok := ownText(ctx, "Str()", impl, str); ok {
			return text
		}
	}
	return ReprOf(ctx, impl)
}

// StrFunc returns the method of a value that returns its str: that of Strer,
// error or fmt.Stringer, in this order; nil for a value that has none of them.
func StrFunc(v any) func(context.Context) (string, error) {
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

// ownText runs the method of a value that returns its repr or str; ok is false
// where it fails.
func ownText(ctx context.Context, what string, impl any, f func(context.Context) (string, error)) (text string, ok bool) {
	err := RunUser(ctx, what, func() (err error) {
		text, err = f(ctx)
		return err
	})
	if err != nil {
		LogFrom(ctx).Warn(what+" failed", "class", ClassOf(impl), "error", err)
	}
	return text, err == nil
}
