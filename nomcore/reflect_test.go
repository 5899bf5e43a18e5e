package nomcore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/big"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"nomfs/codec"
)

// quiet is a context that keeps the expected panics out of the test's output.
func quiet(t testing.TB) context.Context {
	return withLog(t.Context(), slog.New(slog.DiscardHandler))
}

// lit reads a literal.
func lit(t testing.TB, text string) codec.Value {
	t.Helper()
	v, err := codec.ParseLiteral(text)
	if err != nil {
		t.Fatalf("literal %s: %v", text, err)
	}
	return v
}

// wantOutcome compares a result with a literal, or an error with the text that
// starts with "!".
func wantOutcome(t *testing.T, v codec.Value, err error, want string) {
	t.Helper()
	if text, ok := strings.CutPrefix(want, "!"); ok {
		var exc codec.Exception
		if !errors.As(err, &exc) {
			t.Errorf("got %v and error %v, want exception %s", v, err, text)
		} else if got := exc.Error(); got != text {
			t.Errorf("got error %q, want %q", got, text)
		}
		return
	}
	if err != nil {
		t.Errorf("got error %v, want %s", err, want)
		return
	}
	if w := lit(t, want); v == nil || v.Kind() != w.Kind() || !codec.Equal(v, w) {
		t.Errorf("got %v, want %s", v, want)
	}
}

type color int

type point struct{ X, Y int }

func (p point) Sum() int { return p.X + p.Y }

func (p *point) Move(dx, dy int) { p.X, p.Y = p.X+dx, p.Y+dy }

type Base struct {
	Origin string
	Shadow int
}

func (Base) Hello() string { return "hello" }

type secret struct{ Hidden int }

func (secret) Leak() string { return "leak" }

// gadget has an attribute of every sort.
type gadget struct {
	Base
	secret     `nom:"-"`
	Shadow     string
	Num        int
	Small      int8
	Count      uint16
	Wide       uint64
	Ratio      float64
	Single     float32
	Flag       bool
	Name       string
	Blob       []byte
	Hash       [4]byte
	Numbers    []int
	Pair       [2]int
	Table      map[string]int
	ByNumber   map[int]string
	Tags       map[string]struct{}
	Wait       time.Duration
	Color      color
	Big        *big.Int
	Inner      point
	Link       *gadget
	Points     []*point
	ByName     map[string]point
	Live       *[]int
	LiveMap    *map[string]int
	Opt        *int
	Anything   any
	Raw        codec.Value
	Obj        *Object
	Text       fmt.Stringer
	Err        error
	OnChange   func(string)
	Ask        func(context.Context, int) (string, error)
	Uptime     func() float64      `nom:",getter"`
	Broken     func() (int, error) `nom:",getter"`
	Fixed      int                 `nom:",readonly"`
	Renamed    int                 `nom:"other"`
	Gone       int                 `nom:"-"`
	HTTPServer string
	CPUPercent float64
	X2         int
	Mu         sync.Mutex
	private    int
}

func (g *gadget) Add(a, b int) int                        { return a + b }
func (g *gadget) Join(sep string, words ...string) string { return strings.Join(words, sep) }
func (g *gadget) Fail() error                             { return fs.ErrNotExist }
func (g *gadget) FailValue() (int, error) {
	return 7, codec.Exception{Class: "ValueError", Args: codec.Tuple{codec.Bytes("bad")}}
}
func (g *gadget) Nothing()                            {}
func (g *gadget) Two() (int, string)                  { return 1, "x" }
func (g *gadget) OK() (string, error)                 { return "fine", nil }
func (g *gadget) Panic()                              { panic("oops") }
func (g *gadget) Exit()                               { runtime.Goexit() }
func (g *gadget) Ctx(ctx context.Context, n int) bool { return ctx != nil && n == 3 }
func (g *gadget) Self() *gadget                       { return g }
func (g *gadget) Same(o *gadget) bool                 { return o == g }
func (g *gadget) Take(p point) int                    { return p.X }
func (g *gadget) Kinds(b []byte, f float64, m map[string]int) string {
	return fmt.Sprint(len(b), f, len(m))
}
func (g *gadget) Any(x any) string               { return fmt.Sprintf("%T", x) }
func (g *gadget) Greet(name, mark string) string { return name + mark }

func (g *gadget) NomParams() map[string][]string {
	return map[string][]string{"Greet": {"name='world'", "mark='!'"}}
}

func newGadget() *gadget {
	n := 5
	g := &gadget{
		Base: Base{Origin: "here"}, Shadow: "mine", Num: 5, Wide: 1 << 63, Ratio: 1.5, Flag: true, Name: "bob",
		Blob: []byte{0xff}, Hash: [4]byte{1, 2, 3, 4}, Numbers: []int{1, 2}, Pair: [2]int{3, 4},
		Table: map[string]int{"b": 2, "a": 1}, ByNumber: map[int]string{1: "é"}, Tags: map[string]struct{}{"t": {}},
		Wait: time.Second, Color: 2, Big: new(big.Int).Lsh(big.NewInt(1), 70), Inner: point{1, 2},
		Points: []*point{{1, 1}}, ByName: map[string]point{"p": {7, 8}}, Live: &[]int{1, 2, 3},
		LiveMap: &map[string]int{"k": 1}, Opt: &n, Text: time.Second, Err: errors.New("went wrong"),
		Uptime: func() float64 { return 2.5 }, Broken: func() (int, error) { return 0, errors.New("no") },
		Fixed: 9, Renamed: 3, HTTPServer: "h", CPUPercent: 1, X2: 2, private: 1,
	}
	g.Link = g
	return g
}

func TestSnakeCase(t *testing.T) {
	for name, want := range map[string]string{
		"HTTPServer": "http_server", "ID": "id", "CPUPercent": "cpu_percent", "X2": "x2", "UserID": "user_id",
		"Name": "name", "A": "a", "BootTime": "boot_time", "X2Y": "x2_y", "Foo_Bar": "foo_bar", "ÉtatCivil": "état_civil",
	} {
		if got := snakeCase(name); got != want {
			t.Errorf("snakeCase(%s) = %s, want %s", name, got, want)
		}
	}
}

func TestGetAttr(t *testing.T) {
	o := Wrap(newGadget()).Impl.(AttrGetter)
	for name, want := range map[string]string{
		"origin": "'here'", "shadow": "'mine'", "num": "5", "Num": "5", "wide": "9223372036854775808", "ratio": "1.5",
		"flag": "True", "name": "'bob'", "blob": `b'\xff'`, "hash": `'\x01\x02\x03\x04'`, "numbers": "[1, 2]",
		"pair": "[3, 4]", "table": "{'a': 1, 'b': 2}", "by_number": "{1: 'é'}", "tags": "set(['t'])",
		"wait": "1000000000", "color": "2", "big": "1180591620717411303424", "raw": "None", "obj": "None",
		"anything": "None", "on_change": "None", "uptime": "2.5", "broken": "!RuntimeError: no", "fixed": "9",
		"other": "3", "Renamed": "3", "http_server": "'h'", "cpu_percent": "1.0", "x2": "2", "small": "0",
		"renamed":    "!AttributeError: 'gadget' object has no attribute 'renamed'",
		"gone":       "!AttributeError: 'gadget' object has no attribute 'gone'",
		"private":    "!AttributeError: 'gadget' object has no attribute 'private'",
		"hidden":     "!AttributeError: 'gadget' object has no attribute 'hidden'",
		"leak":       "!AttributeError: 'gadget' object has no attribute 'leak'",
		"mu":         "!AttributeError: 'gadget' object has no attribute 'mu'",
		"base":       "!AttributeError: 'gadget' object has no attribute 'base'",
		"nom_params": "!AttributeError: 'gadget' object has no attribute 'nom_params'",
		"":           "!AttributeError: 'gadget' object has no attribute ''",
	} {
		t.Run(name, func(t *testing.T) {
			v, err := o.GetAttr(quiet(t), name)
			var exc codec.Exception
			if err != nil && !errors.As(err, &exc) {
				err = ExceptionOf(err)
			}
			wantOutcome(t, v, err, want)
		})
	}
}

// get reads attributes one after another.
func get(t testing.TB, o *Object, names ...string) *Object {
	t.Helper()
	for _, n := range names {
		v, err := o.Impl.(AttrGetter).GetAttr(t.Context(), n)
		if err != nil {
			t.Fatalf("attribute %s: %v", n, err)
		}
		next, ok := v.(*Object)
		if !ok {
			t.Fatalf("attribute %s is %v, want an object", n, v)
		}
		o = next
	}
	return o
}

func TestReferences(t *testing.T) {
	g := newGadget()
	o := Wrap(g)
	if same := get(t, o, "link", "link"); same.Key != o.Key || same.Key == nil {
		t.Error("a pointer back to the object is another object")
	}
	for _, name := range []string{"inner", "add", "live", "live_map", "opt", "text", "err", "hello"} {
		a, b := get(t, o, name), get(t, o, name)
		if a.Key == nil || a.Key != b.Key {
			t.Errorf("%s: two reads give two objects", name)
		}
	}
	first := &struct{ Inner point }{}
	if Wrap(first).Key == get(t, Wrap(first), "inner").Key {
		t.Error("a struct and its first field are one object")
	}
	if err := get(t, o, "inner").Impl.(AttrSetter).SetAttr(t.Context(), "x", codec.Int(40)); err != nil || g.Inner.X != 40 {
		t.Errorf("write to a nested struct: %v, %v", g.Inner, err)
	}
	for name, want := range map[string]string{"text": "1s", "err": "went wrong", "opt": "5", "live": "[1, 2, 3]", "inner": "<point object>"} {
		if got := strOf(t.Context(), get(t, o, name).Impl); got != want {
			t.Errorf("str of %s = %q, want %q", name, got, want)
		}
	}
}

// TestValueStruct: structs that have no address are read where they lie.
func TestValueStruct(t *testing.T) {
	g := newGadget()
	o := Wrap(g)
	read := func() *Object {
		v, err := o.Impl.(AttrGetter).GetAttr(t.Context(), "by_name")
		if err != nil {
			t.Fatal(err)
		}
		p, _ := v.(*codec.Map).Get(codec.Bytes("p"))
		return p.(*Object)
	}
	p := read()
	if p.Key != read().Key {
		t.Error("two reads of a struct in a map give two objects")
	}
	g.ByName["p"] = point{70, 80}
	v, err := p.Impl.(AttrGetter).GetAttr(t.Context(), "x")
	wantOutcome(t, v, err, "70")
	v, err = get(t, p, "sum").Impl.(Caller).Call(t.Context(), nil, nil)
	wantOutcome(t, v, err, "150")
	wantOutcome(t, nil, p.Impl.(AttrSetter).SetAttr(t.Context(), "x", codec.Int(1)), "!AttributeError: attribute 'x' is read-only")
	delete(g.ByName, "p")
	_, err = get(t, p, "sum").Impl.(Caller).Call(t.Context(), nil, nil)
	wantOutcome(t, nil, err, "!ReferenceError: the object is not there any more")
	_, err = p.Impl.(AttrGetter).GetAttr(t.Context(), "x")
	if err == nil {
		t.Error("an attribute of a struct that is gone can be read")
	}
}

func TestSetAttr(t *testing.T) {
	for _, c := range []struct{ name, value, want string }{
		{"num", "6", ""},
		{"Num", "6", ""},
		{"num", "True", ""},
		{"num", "6.0", "!TypeError: attribute 'num': expected int, got float 6.0"},
		{"num", "'x'", "!TypeError: attribute 'num': expected int, got bytes 'x'"},
		{"num", "None", "!TypeError: attribute 'num': expected int, got None"},
		{"num", "9223372036854775808", "!OverflowError: attribute 'num': int 9223372036854775808 does not fit int"},
		{"small", "128", "!OverflowError: attribute 'small': int 128 does not fit int8"},
		{"small", "-128", ""},
		{"count", "-1", "!OverflowError: attribute 'count': int -1 does not fit uint16"},
		{"wide", "18446744073709551615", ""},
		{"ratio", "2", ""},
		{"single", "1e300", "!OverflowError: attribute 'single': float 1e+300 does not fit float32"},
		{"flag", "1", "!TypeError: attribute 'flag': expected bool, got int 1"},
		{"flag", "False", ""},
		{"name", "'é'", ""},
		{"name", "1", "!TypeError: attribute 'name': expected text, got int 1"},
		{"blob", "'é'", ""},
		{"hash", "'1234'", ""},
		{"hash", "'123'", "!TypeError: attribute 'hash': expected bytes of length 4, got bytes '123'"},
		{"numbers", "[4, 5, 6]", ""},
		{"numbers", "(4,)", ""},
		{"numbers", "[4, 'x']", "!TypeError: attribute 'numbers': item 1: expected int, got bytes 'x'"},
		{"pair", "[1]", "!TypeError: attribute 'pair': expected list of length 2 of int, got list"},
		{"table", "{'z': 9}", ""},
		{"table", "{1: 9}", "!TypeError: attribute 'table': a key: expected text, got int 1"},
		{"tags", "set(['u'])", ""},
		{"tags", "{'u': 1}", "!TypeError: attribute 'tags': expected set of text, got dict"},
		{"wait", "5", ""},
		{"big", "123456789012345678901234567890", ""},
		{"opt", "8", ""},
		{"opt", "None", ""},
		{"link", "None", ""},
		{"link", "5", "!TypeError: attribute 'link': expected gadget, got int 5"},
		{"raw", "(1, u'a', set([2]))", ""},
		{"anything", "5", ""},
		{"anything", "[1, {'a': None}]", ""},
		{"anything", "(1, 2)", ""},
		{"anything", `b'\xff'`, ""},
		{"text", "5", "!TypeError: attribute 'text': expected fmt.Stringer, got int 5"},
		{"on_change", "5", "!TypeError: attribute 'on_change': expected callable, got int 5"},
		{"origin", "'there'", ""},
		{"inner", "5", "!AttributeError: attribute 'inner' is read-only"},
		{"fixed", "5", "!AttributeError: attribute 'fixed' is read-only"},
		{"uptime", "5", "!AttributeError: attribute 'uptime' is read-only"},
		{"add", "5", "!AttributeError: attribute 'add' is read-only"},
		{"nope", "5", "!AttributeError: 'gadget' object has no attribute 'nope'"},
		{"mu", "5", "!AttributeError: 'gadget' object has no attribute 'mu'"},
	} {
		t.Run(c.name+"="+c.value, func(t *testing.T) {
			o := Wrap(newGadget()).Impl.(*goObject)
			err := o.SetAttr(quiet(t), c.name, lit(t, c.value))
			if c.want != "" {
				wantOutcome(t, nil, err, c.want)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			v, err := o.GetAttr(quiet(t), c.name)
			if err != nil {
				t.Fatal(err)
			}
			want := lit(t, c.value)
			if ref, ok := v.(*Object); ok { // a pointer to a plain value
				if got := ref.String(); got != c.value {
					t.Errorf("reads back as %s", got)
				}
				return
			}
			switch {
			case c.value == "True", c.name == "ratio", c.name == "blob", c.value == "(4,)":
				return // stored as another type
			case !codec.Equal(v, want):
				t.Errorf("reads back as %v", v)
			}
		})
	}
}

func TestDelAttr(t *testing.T) {
	o := Wrap(newGadget()).Impl.(*goObject)
	for name, want := range map[string]string{
		"link": "None", "table": "{}", "numbers": "[]", "anything": "None", "text": "None", "on_change": "None",
		"num":    "!AttributeError: can't delete attribute 'num'",
		"inner":  "!AttributeError: can't delete attribute 'inner'",
		"uptime": "!AttributeError: can't delete attribute 'uptime'",
		"add":    "!AttributeError: can't delete attribute 'add'",
		"nope":   "!AttributeError: 'gadget' object has no attribute 'nope'",
	} {
		var v codec.Value
		err := o.DelAttr(t.Context(), name)
		if err == nil {
			v, err = o.GetAttr(t.Context(), name)
		}
		wantOutcome(t, v, err, want)
	}
}

func TestAssignReference(t *testing.T) {
	a, b := newGadget(), newGadget()
	o := Wrap(a).Impl.(*goObject)
	for _, name := range []string{"link", "anything"} {
		if err := o.SetAttr(t.Context(), name, Wrap(b)); err != nil {
			t.Fatal(err)
		}
		if v, _ := o.GetAttr(t.Context(), name); v.(*Object).Key != Wrap(b).Key {
			t.Errorf("%s is another object", name)
		}
	}
	if a.Link != b || a.Anything != any(b) {
		t.Error("the Go pointer was not stored")
	}
	p := &Proxy{Ref: codec.Ref{ID: "1"}}
	for _, name := range []string{"anything", "raw", "on_change", "ask"} {
		if err := o.SetAttr(t.Context(), name, p); err != nil {
			t.Fatal(err)
		}
		if v, err := o.GetAttr(t.Context(), name); v != codec.Value(p) {
			t.Errorf("%s reads back as %v, %v", name, v, err)
		}
	}
	err := o.SetAttr(t.Context(), "link", p)
	wantOutcome(t, nil, err, "!TypeError: attribute 'link': expected gadget, got a remote object")
	b.OnChange = a.OnChange // Go code hands the callback on
	if v, _ := Wrap(b).Impl.(*goObject).GetAttr(t.Context(), "on_change"); v != codec.Value(p) {
		t.Errorf("the callback, moved, reads as %v", v)
	}
	if v, err := ValueOf(a.OnChange); v != codec.Value(p) {
		t.Errorf("ValueOf the callback: %v, %v", v, err)
	}
	a.OnChange = func(string) {}
	if v, _ := o.GetAttr(t.Context(), "on_change"); v.Kind() != codec.KindRef || v == codec.Value(p) {
		t.Errorf("a func that Go code put there reads as %v", v)
	}
}

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
		{1 + 2i, "complex", "(1+2i)", "(1+2i)"},
		{time.Second, "Duration", "1000000000", "1s"},
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
		{codec.List{codec.Int(1)}, "List", "[1]", "[1]"},
		{big.NewInt(7), "Int", "7", "7"},
		{make(chan int), "chan int", "<chan int object>", "<chan int object>"},
	} {
		o := Wrap(c.x)
		d, err := o.Impl.(Describer).Describe(t.Context())
		if err != nil || d.Class != c.class {
			t.Errorf("%T: class %q, want %q (%v)", c.x, d.Class, c.class, err)
		}
		if got := reprOf(t.Context(), o.Impl); got != c.repr {
			t.Errorf("%T: repr %q, want %q", c.x, got, c.repr)
		}
		if got := strOf(t.Context(), o.Impl); got != c.str {
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
		{time.Minute, "60000000000"}, {(*point)(nil), "None"},
		{map[any]int{point{}: 1}, ""}, // an object as key
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
	for _, x := range []any{point{}, &point{}, &[]int{}, func() {}, new(int)} {
		if v, err := ValueOf(x); err != nil || v.Kind() != codec.KindRef {
			t.Errorf("%T goes as %v, %v, want a reference", x, v, err)
		}
	}
}

func TestDescribe(t *testing.T) {
	g := newGadget()
	g.Uptime = func() float64 { t.Error("a getter ran"); return 0 }
	d, err := Wrap(g).Impl.(Describer).Describe(t.Context())
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
	names, err := Wrap(g).Impl.(Direr).Dir(t.Context())
	if err != nil || len(names) != len(d.Attrs) {
		t.Errorf("%d names, %d attributes, %v", len(names), len(d.Attrs), err)
	}
	for _, n := range names { // the description agrees with what reading gives
		if n == "uptime" || n == "broken" {
			continue
		}
		v, err := Wrap(g).Impl.(AttrGetter).GetAttr(t.Context(), n)
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

func (ownRepr) NomRepr() string { return "mine" }

func TestOwnInterfaces(t *testing.T) {
	a := &answersItself{}
	if o := Wrap(a); o.Impl != any(a) || o.Key != Wrap(a).Key {
		t.Errorf("wrapped as %T", o.Impl)
	}
	if got := reprOf(t.Context(), a); got != "<answersItself object>" {
		t.Error(got)
	}
	o := Wrap(ownRepr{1})
	if got := reprOf(t.Context(), o.Impl); got != "mine" {
		t.Error(got)
	}
	if names, _ := o.Impl.(Direr).Dir(t.Context()); strings.Join(names, " ") != "a" {
		t.Errorf("listed: %v", names)
	}
}
