package wrap

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"testing"

	"nomfs/codec"
	"nomfs/nomcore/object"
)

func addUp(a, b int) int { return a + b }

// callLine calls o with an argument line.
func callLine(t testing.TB, ctx context.Context, o *object.Object, line string) (codec.Value, error) {
	t.Helper()
	args, named, err := codec.ParseArgs(line)
	if err != nil {
		t.Fatalf("arguments %q: %v", line, err)
	}
	kwargs := make(map[string]codec.Value)
	for _, a := range named {
		kwargs[a.Name] = a.Value
	}
	return o.Impl.(object.Caller).Call(ctx, args, kwargs)
}

func TestFuncCall(t *testing.T) {
	add := Func(addUp, "a", "b=2")
	rest := Func(func(sep string, words ...int) string { return fmt.Sprint(sep, words) }, "sep='-'", "*words")
	ctx := Func(func(ctx context.Context, n int) bool { return ctx.Err() == nil && n == 1 }, "n")
	none := Func(func() {})
	for _, c := range []struct {
		o          *object.Object
		args, want string
	}{
		{add, "1, 2", "3"},
		{add, "1", "3"},
		{add, "1, b=5", "6"},
		{add, "b=5, a=1", "6"},
		{add, "", "!TypeError: addUp() takes at least 1 argument (0 given)"},
		{add, "1, 2, 3", "!TypeError: addUp() takes at most 2 arguments (3 given)"},
		{add, "1, a=2", "!TypeError: addUp() got multiple values for keyword argument 'a'"},
		{add, "1, c=2", "!TypeError: addUp() got an unexpected keyword argument 'c'"},
		{add, "1, 'x'", "!TypeError: addUp() argument 2 (b): expected int, got text 'x'"},
		{add, "1.5", "!TypeError: addUp() argument 1 (a): expected int, got float 1.5"},
		{add, "10000000000000000000", "!OverflowError: addUp() argument 1 (a): int 10000000000000000000 does not fit int"},
		{Wrap(addUp), "1, 2", "3"},
		{Wrap(addUp), "1", "!TypeError: addUp() takes exactly 2 arguments (1 given)"},
		{Wrap(addUp), "1, b=2", "!TypeError: addUp() takes no keyword arguments"},
		{rest, "", "'-[]'"},
		{rest, "'+', 1, 2", "'+[1 2]'"},
		{rest, "'+', 1, None", "!TypeError: function() argument 3 (words): expected int, got None"},
		{rest, "words=1", "!TypeError: function() got an unexpected keyword argument 'words'"},
		{ctx, "1", "True"},
		{ctx, "n=1", "True"},
		{none, "", "None"},
		{none, "1", "!TypeError: function() takes no arguments (1 given)"},
		{none, "a=1", "!TypeError: function() got an unexpected keyword argument 'a'"},
		{Wrap(strings.Repeat), "'ab', 2", "'abab'"},
	} {
		v, err := callLine(t, quiet(t), c.o, c.args)
		t.Run(c.args, func(t *testing.T) { wantOutcome(t, v, err, c.want) })
	}
}

func TestMethodCall(t *testing.T) {
	o := Wrap(newGadget())
	for _, c := range []struct{ name, args, want string }{
		{"add", "2, 3", "5"},
		{"Add", "2, 3", "5"},
		{"add", "2", "!TypeError: add() takes exactly 2 arguments (1 given)"},
		{"add", "2, 'x'", "!TypeError: add() argument 2: expected int, got text 'x'"},
		{"join", "'-', 'a', 'b'", "'a-b'"},
		{"join", "", "!TypeError: join() takes at least 1 argument (0 given)"},
		{"fail", "", "!file does not exist"},
		{"fail_value", "", "!ValueError: bad"},
		{"nothing", "", "None"},
		{"two", "", "(1, 'x')"},
		{"ok", "", "'fine'"},
		{"panic", "", "!RuntimeError: oops"},
		{"ctx", "3", "True"},
		{"kinds", "'abc', 1, {'a': 1}", "'3 1 1'"},
		{"any", "1", "'int'"},
		{"any", "'x'", "'string'"},
		{"any", "[1]", "'[]interface {}'"},
		{"any", "{'a': 1}", "'map[string]interface {}'"},
		{"any", "(1,)", "'codec.Tuple'"},
		{"any", "None", "'<nil>'"},
		{"greet", "", "'world!'"},
		{"greet", "'bob', mark='?'", "'bob?'"},
		{"hello", "", "'hello'"},
		{"same", "5", "!TypeError: same() argument 1: expected gadget, got int 5"},
	} {
		t.Run(c.name+"("+c.args+")", func(t *testing.T) {
			v, err := callLine(t, quiet(t), get(t, o, c.name), c.args)
			wantOutcome(t, v, err, c.want)
		})
	}
	v, err := get(t, o, "self").Impl.(object.Caller).Call(t.Context(), nil, nil)
	if err != nil || v.(*object.Object).Key != o.Key {
		t.Errorf("self() = %v, %v", v, err)
	}
	v, err = get(t, o, "same").Impl.(object.Caller).Call(t.Context(), []codec.Value{o}, nil)
	wantOutcome(t, v, err, "True")
	v, err = get(t, o, "take").Impl.(object.Caller).Call(t.Context(), []codec.Value{get(t, o, "inner")}, nil)
	wantOutcome(t, v, err, "1")
}

func TestErrorResultIsKept(t *testing.T) {
	_, err := Wrap(func() error { return fs.ErrPermission }).Impl.(object.Caller).Call(t.Context(), nil, nil)
	if !errors.Is(err, fs.ErrPermission) {
		t.Errorf("got %v", err)
	}
}

func TestPanicIsLogged(t *testing.T) {
	var log strings.Builder
	ctx := object.WithLog(t.Context(), slog.New(slog.NewTextHandler(&log, nil)))
	if _, err := Wrap(func() { panic("oops") }).Impl.(object.Caller).Call(ctx, nil, nil); err == nil {
		t.Error("a panic is no error")
	}
	for _, want := range []string{"oops", "stack=", "func_test.go"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("%q is not in the log: %s", want, log.String())
		}
	}
}

func TestFuncMistakes(t *testing.T) {
	for _, c := range []struct {
		fn     any
		params []string
	}{
		{5, nil},
		{nil, nil},
		{(func())(nil), nil},
		{addUp, []string{"a"}},
		{addUp, []string{"a", "b", "c"}},
		{addUp, []string{"a", "a"}},
		{addUp, []string{"a=1", "b"}},
		{addUp, []string{"a", "b='x'"}},
		{addUp, []string{"a", "b=("}},
		{addUp, []string{"a", ""}},
		{fmt.Sprint, []string{"*a=1"}},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("Func(%T, %q) did not panic", c.fn, c.params)
				}
			}()
			Func(c.fn, c.params...)
		}()
	}
}

func TestFuncDescribe(t *testing.T) {
	d, err := Func(addUp, "a", "b=2").Impl.(object.Describer).Describe(t.Context())
	if err != nil || !d.Callable || d.Class != "function" || len(d.Params) != 2 ||
		d.Params[1].Name != "b" || d.Params[1].Default != codec.Value(codec.Int(2)) || d.Params[0].Type != "int" {
		t.Errorf("%+v, %v", d, err)
	}
}

// TestFieldFunc: a func in a field is one object, which calls what is there.
func TestFieldFunc(t *testing.T) {
	s := &struct {
		F  func(int) int
		Fs map[string]func() int
		A  any
	}{F: func(n int) int { return n }, Fs: map[string]func() int{"one": func() int { return 1 }}, A: func() int { return 5 }}
	o := Wrap(s)
	f := get(t, o, "f")
	s.F = func(n int) int { return -n }
	if get(t, o, "f").Key != f.Key {
		t.Error("the func in a field became another object")
	}
	v, err := callLine(t, t.Context(), f, "3")
	wantOutcome(t, v, err, "-3")
	s.F = nil
	_, err = callLine(t, t.Context(), f, "3")
	wantOutcome(t, nil, err, "!TypeError: 'NoneType' object is not callable")
	v, err = callLine(t, t.Context(), get(t, o, "a"), "")
	wantOutcome(t, v, err, "5")
	table, err := o.Impl.(object.AttrGetter).GetAttr(t.Context(), "fs")
	if err != nil {
		t.Fatal(err)
	}
	one, _ := table.(*codec.Map).Get(codec.Bytes("one"))
	v, err = callLine(t, t.Context(), one.(*object.Object), "")
	wantOutcome(t, v, err, "1")
}

func TestCallback(t *testing.T) {
	s := &struct {
		Plain  func(int, ...int) int
		Err    func(context.Context, int) (string, error)
		Two    func() (int, string)
		Silent func()
	}{}
	o := Wrap(s).Impl.(*goObject)
	sum := Wrap(func(ns ...int) int {
		total := 0
		for _, n := range ns {
			total += n
		}
		return total
	})
	fails := Wrap(func(...any) error { return fs.ErrNotExist })
	pair := Wrap(func() (int, string) { return 7, "x" })
	for name, v := range map[string]*object.Object{"plain": sum, "err": fails, "two": pair, "silent": fails} {
		if err := o.SetAttr(t.Context(), name, v); err != nil {
			t.Fatal(err)
		}
		if got, err := o.GetAttr(t.Context(), name); got != codec.Value(v) {
			t.Errorf("%s reads back as %v, %v", name, got, err)
		}
	}
	if n := s.Plain(1, 2, 3); n != 6 {
		t.Errorf("plain: %d", n)
	}
	if text, err := s.Err(quiet(t), 1); text != "" || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("err: %q, %v", text, err)
	}
	if n, text := s.Two(); n != 7 || text != "x" {
		t.Errorf("two: %d, %q", n, text)
	}
	if err := o.SetAttr(t.Context(), "err", pair); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Err(quiet(t), 1); err == nil {
		t.Error("wrong arguments for the callback are no error")
	}
	if err := o.SetAttr(t.Context(), "plain", Wrap(5)); err == nil {
		t.Error("an int was taken for a callback")
	}
}
