package demo

import (
	"context"
	"errors"
	"testing"
	"time"

	"nomfs/codec"
	"nomfs/nomcore"
)

// object is a Demo as a peer sees it.
type object interface {
	nomcore.AttrGetter
	nomcore.AttrSetter
	nomcore.Describer
}

func newObject(t *testing.T) object {
	t.Helper()
	o, ok := nomcore.Wrap(New()).Impl.(object)
	if !ok {
		t.Fatal("a wrapped Demo cannot be read, set and described")
	}
	return o
}

func get(t *testing.T, o nomcore.AttrGetter, name string) codec.Value {
	t.Helper()
	v, err := o.GetAttr(context.Background(), name)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return v
}

func call(t *testing.T, o nomcore.AttrGetter, method string, args []codec.Value, kwargs map[string]codec.Value) (codec.Value, error) {
	t.Helper()
	f, ok := get(t, o, method).(*nomcore.Object)
	if !ok {
		t.Fatalf("%s is no method", method)
	}
	return f.Impl.(nomcore.Caller).Call(context.Background(), args, kwargs)
}

func TestAttributes(t *testing.T) {
	o := newObject(t)
	for _, tt := range []struct {
		name string
		kind codec.Kind
		set  codec.Value // nil: it cannot be set
	}{
		{"number", codec.KindInt, codec.Int(-5)},
		{"big", codec.KindInt, codec.Long("-1267650600228229401496703205376")},
		{"ratio", codec.KindFloat, codec.Float(1.25)},
		{"flag", codec.KindBool, codec.Bool(false)},
		{"name", codec.KindBytes, codec.StringValue("other")},
		{"title", codec.KindText, codec.StringValue("über")},
		{"blob", codec.KindBytes, codec.Bytes("\xff\x00")},
		{"nothing", codec.KindNone, codec.Tuple{codec.Int(1)}},
		{"pair", codec.KindTuple, codec.Tuple{codec.Int(2), codec.StringValue("two")}},
		{"tags", codec.KindSet, codec.Set{codec.StringValue("new")}},
		{"list", codec.KindList, codec.List{codec.Int(9)}},
		{"config", codec.KindMap, codec.MapOf(map[string]codec.Value{"a": codec.Int(1)})},
		{"numbers", codec.KindRef, nil},
		{"table", codec.KindRef, nil},
		{"me", codec.KindRef, nil},
		{"ticks", codec.KindInt, nil},
		{"calls", codec.KindInt, nil},
		{"on_change", codec.KindNone, codec.None{}},
	} {
		if got := get(t, o, tt.name); got.Kind() != tt.kind {
			t.Errorf("%s is %v, a %v, want a %v", tt.name, got, got.Kind(), tt.kind)
		}
		if tt.set == nil {
			if err := o.SetAttr(context.Background(), tt.name, codec.Int(1)); err == nil {
				t.Errorf("%s could be set", tt.name)
			}
			continue
		}
		if err := o.SetAttr(context.Background(), tt.name, tt.set); err != nil {
			t.Errorf("set %s: %v", tt.name, err)
		}
		if got := get(t, o, tt.name); !codec.Equal(got, tt.set) {
			t.Errorf("%s is %v after it was set to %v", tt.name, got, tt.set)
		}
	}
	if err := o.SetAttr(context.Background(), "number", codec.StringValue("x")); err == nil {
		t.Error("number was set to text")
	}
}

func TestMethods(t *testing.T) {
	o := newObject(t)
	for _, tt := range []struct {
		method string
		args   []codec.Value
		kwargs map[string]codec.Value
		want   codec.Value
		raises string
	}{
		{method: "add", args: []codec.Value{codec.Int(2)}, kwargs: map[string]codec.Value{"b": codec.Int(3)}, want: codec.Int(5)},
		{method: "add", args: []codec.Value{codec.Int(2)}, want: codec.Int(4)},
		{method: "add", args: []codec.Value{codec.Long("99999999999999999999"), codec.Int(1)}, want: codec.Long("100000000000000000000")},
		{method: "add", args: []codec.Value{codec.StringValue("x")}, raises: "TypeError"},
		{method: "add", raises: "TypeError"},
		{method: "greet", want: codec.StringValue("hello, world")},
		{method: "greet", kwargs: map[string]codec.Value{"name": codec.StringValue("bob")}, want: codec.StringValue("hello, bob")},
		{method: "echo", args: []codec.Value{codec.List{codec.None{}}}, want: codec.List{codec.None{}}},
		{method: "slow", args: []codec.Value{codec.Float(0.001)}, want: codec.Float(0.001)},
		{method: "slow", args: []codec.Value{codec.Int(-1)}, raises: "ValueError"},
		{method: "fail", raises: "ValueError"},
		{method: "fire", want: codec.None{}},
	} {
		got, err := call(t, o, tt.method, tt.args, tt.kwargs)
		var exc codec.Exception
		switch {
		case tt.raises != "":
			if !errors.As(err, &exc) || exc.Class != tt.raises {
				t.Errorf("%s%v: %v, want a %s", tt.method, tt.args, err, tt.raises)
			}
		case err != nil:
			t.Errorf("%s%v: %v", tt.method, tt.args, err)
		case !codec.Equal(got, tt.want):
			t.Errorf("%s%v is %v, want %v", tt.method, tt.args, got, tt.want)
		}
	}
	if got := get(t, o, "calls"); !codec.Equal(got, codec.Int(3)) {
		t.Errorf("calls is %v after add ran 3 times", got)
	}
}

func TestSlowEndsWithItsCaller(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := New().Slow(ctx, maxSlow.Seconds()); !errors.Is(err, context.Canceled) {
		t.Errorf("slow without a caller: %v", err)
	}
}

// recorder is a callback.
type recorder struct{ args []codec.Value }

func (r *recorder) Call(_ context.Context, args []codec.Value, _ map[string]codec.Value) (codec.Value, error) {
	r.args = args
	return codec.StringValue("seen"), nil
}

func TestFire(t *testing.T) {
	o, r := newObject(t), new(recorder)
	if err := o.SetAttr(context.Background(), "on_change", &nomcore.Object{Impl: r}); err != nil {
		t.Fatal(err)
	}
	got, err := call(t, o, "fire", nil, nil)
	if err != nil || !codec.Equal(got, codec.StringValue("seen")) {
		t.Errorf("fire returns %v, %v", got, err)
	}
	if len(r.args) != 1 || !codec.Equal(r.args[0], codec.Int(42)) {
		t.Errorf("the callback was called with %v", r.args)
	}
	if err := o.SetAttr(context.Background(), "on_change", codec.Int(1)); err != nil {
		t.Fatal(err)
	}
	if _, err := call(t, o, "fire", nil, nil); err == nil {
		t.Error("a number was called")
	}
}

func TestTicksMove(t *testing.T) {
	d := New()
	first := d.Ticks()
	deadline := time.After(10 * tick)
	for d.Ticks() == first {
		select {
		case <-deadline:
			t.Fatal("ticks stand still")
		case <-time.After(tick / 10):
		}
	}
}

func TestMake(t *testing.T) {
	got, err := call(t, newObject(t), "make", []codec.Value{codec.StringValue("hi")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	note, ok := got.(*nomcore.Object)
	if !ok {
		t.Fatalf("make returns %v, no object", got)
	}
	if text := get(t, note.Impl.(nomcore.AttrGetter), "text"); !codec.Equal(text, codec.StringValue("hi")) {
		t.Errorf("the text of the note is %v", text)
	}
}
