package wrap

import (
	"context"
	"errors"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"

	"nomfs/codec"
	"nomfs/nomcore/object"
)

func TestWrapKinds(t *testing.T) {
	var nilMap map[string]int
	for _, c := range []struct {
		x                any
		class, repr, str string
	}{
		{nil, "NoneType", "None", "None"},
		{(*gadget)(nil), "NoneType", "None", "None"},
		{5, "int", "5", "5"},
		{"it", "text", "'it'", "it"},
		{true, "bool", "True", "True"},
		{1 + 2i, "complex128", "<complex128 object>", "<complex128 object>"},
		{time.Second, "float", "1.0", "1.0"},
		{map[string]int{"a": 1}, "dict", "{'a': 1}", "{'a': 1}"},
		{nilMap, "dict", "{}", "{}"},
		{[]int{1}, "list", "[1]", "[1]"},
		{[]any{new(point), point{}}, "list", "[<point object>, <point object>]", "[<point object>, <point object>]"},
		{[]byte("ab"), "bytes", "'ab'", "ab"},
		{point{1, 2}, "point", "<point object>", "<point object>"},
		{newGadget(), "gadget", "<gadget object>", "<gadget object>"},
		{errors.New("bad"), "errorString", "<errorString object>", "bad"},
		{strings.ToUpper, "function", "<function object>", "<function object>"},
		{codec.Text("é"), "text", "'é'", "é"},
		{codec.List{codec.Int(1)}, "list", "[1]", "[1]"},
		{big.NewInt(7), "int", "7", "7"},
		{make(chan int), "chan int", "<chan int object>", "<chan int object>"},
	} {
		o := Wrap(c.x)
		d, err := o.Impl.(object.Describer).Describe(t.Context())
		if err != nil || d.Class != c.class {
			t.Errorf("%T: class %q, want %q (%v)", c.x, d.Class, c.class, err)
		}
		if got := object.ReprOf(t.Context(), o.Impl); got != c.repr {
			t.Errorf("%T: repr %q, want %q", c.x, got, c.repr)
		}
		if got := object.StrOf(t.Context(), o.Impl); got != c.str {
			t.Errorf("%T: str %q, want %q", c.x, got, c.str)
		}
		if Wrap(o) != o {
			t.Errorf("%T: wrapping twice is not wrapping once", c.x)
		}
	}
}

func TestValueOf(t *testing.T) {
	self := []any{nil}
	self[0] = self
	for _, c := range []struct {
		x    any
		want string
	}{
		{5, "5"}, {"é", "'é'"}, {"\xff", `b'\xff'`}, {nil, "None"}, {uint64(1 << 63), "9223372036854775808"},
		{[]any{1, nil, "a"}, "[1, None, 'a']"}, {map[any]any{1: 2, "a": nil}, "{1: 2, 'a': None}"},
		{map[[2]int]bool{{1, 2}: true}, "{(1, 2): True}"}, {codec.Tuple{codec.Int(1)}, "(1,)"},
		{time.Minute, "60.0"}, {(*point)(nil), "None"},
		{map[any]int{point{}: 1, &point{}: 2, new(int): 3}, ""}, // objects as keys
		{map[string][2]byte{"a": {65, 66}}, "{'a': 'AB'}"},
		{map[string]color{"a": 1}, "{'a': 1}"},
		{self, "!ValueError: value nests deeper than 200 levels, or contains itself"},
	} {
		v, err := ValueOf(c.x)
		if c.want == "" {
			if err != nil {
				t.Errorf("%T: %v", c.x, err)
			}
			continue
		}
		wantOutcome(t, v, err, c.want)
	}
	for _, x := range []any{point{}, &point{}, &[]int{}, func() {}, new(*int), new(any)} {
		if v, err := ValueOf(x); err != nil || v.Kind() != codec.KindRef {
			t.Errorf("%T goes as %v, %v, want a reference", x, v, err)
		}
	}
}

func TestDescribe(t *testing.T) {
	g := newGadget()
	g.Uptime = func() float64 { t.Error("a getter ran"); return 0 }
	d, err := Wrap(g).Impl.(object.Describer).Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]codec.AttrInfo)
	last := ""
	for _, a := range d.Attrs {
		if a.Name <= last {
			t.Errorf("%q after %q", a.Name, last)
		}
		last = a.Name
		got[a.Name] = a
	}
	for _, want := range []codec.AttrInfo{
		{Name: "num", Kind: codec.KindInt, Type: "int", Write: true},
		{Name: "name", Kind: codec.KindBytes, Type: "text", Write: true},
		{Name: "fixed", Kind: codec.KindInt, Type: "int"},
		{Name: "uptime", Kind: codec.KindFloat, Type: "float"},
		{Name: "link", Kind: codec.KindRef, Type: "gadget", Write: true, Delete: true},
		{Name: "inner", Kind: codec.KindRef, Type: "point"},
		{Name: "anything", Kind: codec.KindNone, Type: "any value", Write: true, Delete: true},
		{Name: "tags", Kind: codec.KindSet, Type: "set of text", Write: true, Delete: true},
		{Name: "two", Kind: codec.KindRef, Type: "method", Call: true, Params: []codec.Param{}},
		{Name: "greet", Kind: codec.KindRef, Type: "method", Call: true, Params: []codec.Param{
			{Name: "name", Type: "text", Default: codec.Bytes("world")}, {Name: "mark", Type: "text", Default: codec.Bytes("!")}}},
		{Name: "join", Kind: codec.KindRef, Type: "method", Call: true, Params: []codec.Param{
			{Type: "text"}, {Type: "text", Rest: true}}},
	} {
		if !reflect.DeepEqual(got[want.Name], want) {
			t.Errorf("got  %+v\nwant %+v", got[want.Name], want)
		}
	}
	for _, name := range []string{"mu", "gone", "renamed", "Num", "private", "base", "secret", "leak"} {
		if _, ok := got[name]; ok {
			t.Errorf("%s is listed", name)
		}
	}
	names, err := Wrap(g).Impl.(object.Direr).Dir(t.Context())
	if err != nil || len(names) != len(d.Attrs) {
		t.Errorf("%d names, %d attributes, %v", len(names), len(d.Attrs), err)
	}
	for _, n := range names { // the description agrees with what reading gives
		if n == "uptime" || n == "broken" {
			continue
		}
		v, err := Wrap(g).Impl.(object.AttrGetter).GetAttr(t.Context(), n)
		if err != nil || v.Kind() != got[n].Kind {
			t.Errorf("%s: kind %v, described as %v, %v", n, v.Kind(), got[n].Kind, err)
		}
	}
}

func TestNameClash(t *testing.T) {
	type clash struct {
		Plain  int `nom:"value"`
		Value  int
		Getter int
		Hidden int `nom:"_hidden"`
	}
	o := Wrap(&clash{Plain: 1, Value: 2, Getter: 3, Hidden: 4}).Impl.(*goObject)
	for name, want := range map[string]string{"value": "1", "Plain": "1", "Value": "2", "getter": "3", "_hidden": "4"} {
		v, err := o.GetAttr(t.Context(), name)
		wantOutcome(t, v, err, want)
	}
	if names, _ := o.Dir(t.Context()); strings.Join(names, " ") != "getter value" {
		t.Errorf("listed: %v", names)
	}
}

func TestBadTypes(t *testing.T) {
	type unknown struct {
		A int `nom:",readable"`
	}
	type notGetter struct {
		A int `nom:",getter"`
	}
	for _, x := range []any{&unknown{}, &notGetter{}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%T was wrapped", x)
				}
			}()
			Wrap(x)
		}()
		if _, err := ValueOf(x); err == nil {
			t.Errorf("%T became a value", x)
		}
	}
}

// answersItself is used as it is.
type answersItself struct{ Field int }

func (*answersItself) GetAttr(context.Context, string) (codec.Value, error) {
	return codec.Int(42), nil
}

type ownRepr struct{ A int }

func (ownRepr) Repr(context.Context) (string, error) { return "mine", nil }

func TestOwnInterfaces(t *testing.T) {
	a := &answersItself{}
	if o := Wrap(a); o.Impl != any(a) || o.Key != Wrap(a).Key {
		t.Errorf("wrapped as %T", o.Impl)
	}
	if got := object.ReprOf(t.Context(), a); got != "<answersItself object>" {
		t.Error(got)
	}
	o := Wrap(ownRepr{1})
	if got := object.ReprOf(t.Context(), o.Impl); got != "mine" {
		t.Error(got)
	}
	if names, _ := o.Impl.(object.Direr).Dir(t.Context()); strings.Join(names, " ") != "a" {
		t.Errorf("listed: %v", names)
	}
}
