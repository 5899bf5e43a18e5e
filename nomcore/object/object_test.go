package object_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"nomfs/codec"
	. "nomfs/nomcore/object"
)

// Objects that can do one thing each.
type (
	none           struct{}
	generic[T any] struct{ _ T }
	called         struct{ err error }
	getter         map[string]codec.Value
	direct         struct{ called }
	far            struct {
		codec.Ref
		getter
		called
	}
	named    struct{}
	texts    struct{ err error }
	stringer struct{}
	failed   struct{}
	panics   struct{}
)

func (c called) Call(_ context.Context, args []codec.Value, kwargs map[string]codec.Value) (codec.Value, error) {
	return codec.Int(len(args) + 10*len(kwargs)), c.err
}

func (g getter) GetAttr(_ context.Context, name string) (codec.Value, error) {
	if v, ok := g[name]; ok {
		return v, nil
	}
	return nil, NoAttr("getter", name)
}

func (direct) CallAttr(_ context.Context, name string, _ []codec.Value, _ map[string]codec.Value) (codec.Value, error) {
	return codec.Bytes("direct " + name), nil
}

func (f far) Kind() codec.Kind { return codec.KindRef }
func (f far) String() string   { return "far" }

func (named) Class() string                          { return "Name" }
func (t texts) Repr(context.Context) (string, error) { return "repr", t.err }
func (t texts) Str(context.Context) (string, error)  { return "str", t.err }
func (stringer) String() string                      { return "string" }
func (failed) Error() string                         { return "failed" }
func (failed) String() string                        { return "string" }
func (panics) Repr(context.Context) (string, error)  { panic("repr") }
func (panics) String() string                        { panic("str") }

// logged returns a context and what is logged in it.
func logged(t *testing.T) (context.Context, *strings.Builder) {
	var log strings.Builder
	return WithLog(t.Context(), slog.New(slog.NewTextHandler(&log, nil))), &log
}

func TestText(t *testing.T) {
	for _, c := range []struct {
		impl             any
		class, repr, str string
		log              string // part of what is logged
	}{
		{nil, "NoneType", "<NoneType object>", "<NoneType object>", ""},
		{none{}, "none", "<none object>", "<none object>", ""},
		{&none{}, "none", "<none object>", "<none object>", ""},
		{generic[int]{}, "generic", "<generic object>", "<generic object>", ""},
		{[]int{}, "slice", "<slice object>", "<slice object>", ""},
		{named{}, "Name", "<Name object>", "<Name object>", ""},
		{texts{}, "texts", "repr", "str", ""},
		{texts{errors.New("no text")}, "texts", "<texts object>", "<texts object>", "no text"},
		{stringer{}, "stringer", "<stringer object>", "string", ""},
		{failed{}, "failed", "<failed object>", "failed", ""},
		{panics{}, "panics", "<panics object>", "<panics object>", "stack="},
	} {
		ctx, log := logged(t)
		if got := [3]string{ClassOf(c.impl), ReprOf(ctx, c.impl), StrOf(ctx, c.impl)}; got != [3]string{c.class, c.repr, c.str} {
			t.Errorf("%T: class, repr and str are %q", c.impl, got)
		}
		if c.log == "" && log.Len() > 0 || !strings.Contains(log.String(), c.log) {
			t.Errorf("%T: logged %q, want %q", c.impl, log, c.log)
		}
	}
}

func TestCall(t *testing.T) {
	ctx := t.Context()
	args, kwargs := []codec.Value{codec.Int(1)}, map[string]codec.Value{"k": codec.Int(1)}
	ref := codec.Ref{ID: "1"}
	o := getter{"f": &Object{Impl: called{}}, "far": far{}, "n": codec.Int(5), "o": &Object{Impl: none{}}, "ref": ref, "nil": nil}
	for _, c := range []struct {
		impl       any
		name, want string
	}{
		{o, "f", "11"},
		{o, "far", "11"},
		{o, "n", "TypeError: 'int' object is not callable"},
		{o, "nil", "TypeError: 'NoneType' object is not callable"},
		{o, "o", "TypeError: 'none' object is not callable"},
		{o, "ref", "TypeError: 'reference' object is not callable"},
		{o, "x", "AttributeError: 'getter' object has no attribute 'x'"},
		{direct{}, "x", "'direct x'"},
		{none{}, "x", "AttributeError: 'none' object has no attribute 'x'"},
	} {
		v, err := CallAttr(ctx, c.impl, c.name, args, kwargs)
		got := fmt.Sprint(v)
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%T.%s() = %s, want %s", c.impl, c.name, got, c.want)
		}
	}
}

func TestRunUser(t *testing.T) {
	ctx, log := logged(t)
	err := RunUser(ctx, "f()", func() error { panic("oops") })
	var exc codec.Exception
	if !errors.As(err, &exc) || exc.Error() != "RuntimeError: oops" {
		t.Errorf("a panic is %v", err)
	}
	for _, want := range []string{"f()", "oops", "object_test.go"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("%q is not in the log: %s", want, log)
		}
	}
	if err := RunUser(ctx, "f()", func() error { panic(panics{}) }); err == nil || !strings.Contains(err.Error(), "PANIC") {
		t.Errorf("a panic whose text panics is %v", err)
	}
	if err := RunUser(ctx, "f()", func() error { return errDone }); err != errDone {
		t.Errorf("an error became %v", err)
	}
}

var errDone = errors.New("done")

func TestIdentity(t *testing.T) {
	a, b := &Object{Impl: none{}, Key: 1}, &Object{Impl: none{}, Key: 1}
	if a.Identity() != b.Identity() {
		t.Error("one key is two objects")
	}
	for _, key := range []any{nil, []int{1}} {
		a, b := &Object{Key: key}, &Object{Key: key}
		if a.Identity() != a.Identity() || a.Identity() == b.Identity() {
			t.Errorf("key %v: the object is not its own identity", key)
		}
	}
}

func TestTitled(t *testing.T) {
	for _, c := range []struct {
		doc  func() string
		want string
	}{{nil, "own"}, {func() string { return "" }, "own"}, {func() string { return "title" }, "title"}} {
		d := codec.Description{Doc: "own"}
		(&Object{Doc: c.doc}).Titled(&d)
		if d.Doc != c.want {
			t.Errorf("got %q, want %q", d.Doc, c.want)
		}
	}
}
