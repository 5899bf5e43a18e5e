package wrap

import (
	"testing"
	"time"

	"nomfs/codec"
	"nomfs/nomcore/object"
)

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
	o := Wrap(newGadget()).Impl.(object.AttrGetter)
	for name, want := range map[string]string{
		"origin": "'here'", "shadow": "'mine'", "num": "5", "Num": "5", "wide": "9223372036854775808", "ratio": "1.5",
		"flag": "True", "name": "'bob'", "blob": `b'\xff'`, "hash": `'\x01\x02\x03\x04'`, "numbers": "[1, 2]",
		"pair": "[3, 4]", "table": "{'a': 1, 'b': 2}", "by_number": "{1: 'é'}", "tags": "set(['t'])",
		"wait": "1.0", "color": "2", "big": "1180591620717411303424", "raw": "None", "obj": "None",
		"anything": "None", "on_change": "None", "uptime": "2.5", "broken": "!no", "fixed": "9",
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
			wantOutcome(t, v, err, want)
		})
	}
}

// get reads attributes one after another.
func get(t testing.TB, o *object.Object, names ...string) *object.Object {
	t.Helper()
	for _, n := range names {
		v, err := o.Impl.(object.AttrGetter).GetAttr(t.Context(), n)
		if err != nil {
			t.Fatalf("attribute %s: %v", n, err)
		}
		next, ok := v.(*object.Object)
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
	for _, name := range []string{"inner", "add", "live", "live_map", "err", "hello"} {
		a, b := get(t, o, name), get(t, o, name)
		if a.Key == nil || a.Key != b.Key {
			t.Errorf("%s: two reads give two objects", name)
		}
	}
	first := &struct{ Inner point }{}
	if Wrap(first).Key == get(t, Wrap(first), "inner").Key {
		t.Error("a struct and its first field are one object")
	}
	if err := get(t, o, "inner").Impl.(object.AttrSetter).SetAttr(t.Context(), "x", codec.Int(40)); err != nil || g.Inner.X != 40 {
		t.Errorf("write to a nested struct: %v, %v", g.Inner, err)
	}
	for name, want := range map[string]string{"err": "went wrong", "live": "[1, 2, 3]", "inner": "<point object>"} {
		if got := object.StrOf(t.Context(), get(t, o, name).Impl); got != want {
			t.Errorf("str of %s = %q, want %q", name, got, want)
		}
	}
}

// TestValueStruct: a struct without an address is a copy, with the methods of
// a value.
func TestValueStruct(t *testing.T) {
	g := newGadget()
	v, err := Wrap(g).Impl.(object.AttrGetter).GetAttr(t.Context(), "by_name")
	if err != nil {
		t.Fatal(err)
	}
	got, _ := v.(*codec.Map).Get(codec.Bytes("p"))
	p := got.(*object.Object)
	delete(g.ByName, "p")
	v, err = p.Impl.(object.AttrGetter).GetAttr(t.Context(), "x")
	wantOutcome(t, v, err, "7")
	v, err = get(t, p, "sum").Impl.(object.Caller).Call(t.Context(), nil, nil)
	wantOutcome(t, v, err, "15")
	wantOutcome(t, nil, p.Impl.(object.AttrSetter).SetAttr(t.Context(), "x", codec.Int(1)), "!AttributeError: attribute 'x' is read-only")
	wantOutcome(t, nil, p.Impl.(object.AttrDeleter).DelAttr(t.Context(), "x"), "!AttributeError: can't delete attribute 'x'")
	_, err = p.Impl.(object.AttrGetter).GetAttr(t.Context(), "move")
	wantOutcome(t, nil, err, "!AttributeError: 'vector' object has no attribute 'move'")
	d, err := p.Impl.(object.Describer).Describe(t.Context())
	if err != nil || len(d.Attrs) != 3 || d.Attrs[1].Name != "x" || d.Attrs[1].Write {
		t.Errorf("described as %+v, %v", d, err)
	}
}

// bump is changed through its pointer.
type bump struct {
	N    int
	Deep struct{ N int }
}

func (p *bump) Bump() { p.N++ }

// TestReadOnlyParts: nothing in a read-only field can be changed, by methods
// neither.
func TestReadOnlyParts(t *testing.T) {
	whole := &struct {
		Part bump      `nom:",readonly"`
		Boot time.Time `nom:",readonly"`
		Many []bump    `nom:",readonly"`
	}{Many: make([]bump, 1)}
	o := Wrap(whole)
	part := get(t, o, "part")
	many, err := o.Impl.(object.AttrGetter).GetAttr(t.Context(), "many")
	if err != nil {
		t.Fatal(err)
	}
	for name, part := range map[string]*object.Object{
		"part": part, "field of the part": get(t, part, "deep"), "item": many.(codec.List)[0].(*object.Object),
	} {
		if err := part.Impl.(object.AttrSetter).SetAttr(t.Context(), "n", codec.Int(1)); err == nil {
			t.Errorf("%s: its field was set", name)
		}
		if _, err := part.Impl.(object.AttrCaller).CallAttr(t.Context(), "bump", nil, nil); err == nil {
			t.Errorf("%s: a method of its pointer was called", name)
		}
	}
	if err := o.Impl.(object.AttrSetter).SetAttr(t.Context(), "boot", codec.Bytes("2030-01-01T00:00:00Z")); err == nil {
		t.Error("a read-only time was set")
	}
	if whole.Part != (bump{}) || whole.Many[0] != (bump{}) || !whole.Boot.IsZero() {
		t.Errorf("it is %+v now", *whole)
	}
}

func TestSetAttr(t *testing.T) {
	for _, c := range []struct{ name, value, want string }{
		{"num", "6", ""},
		{"Num", "6", ""},
		{"num", "True", ""},
		{"num", "6.0", "!TypeError: attribute 'num': expected int, got float 6.0"},
		{"num", "'x'", "!TypeError: attribute 'num': expected int, got text 'x'"},
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
		{"hash", "'123'", "!TypeError: attribute 'hash': expected bytes of length 4, got text '123'"},
		{"numbers", "[4, 5, 6]", ""},
		{"numbers", "(4,)", ""},
		{"numbers", "[4, 'x']", "!TypeError: attribute 'numbers': item 1: expected int, got text 'x'"},
		{"pair", "[1]", "!TypeError: attribute 'pair': expected list of length 2 of int, got list"},
		{"table", "{'z': 9}", ""},
		{"table", "{1: 9}", "!TypeError: attribute 'table': a key: expected text, got int 1"},
		{"tags", "set(['u'])", ""},
		{"tags", "{'u': 1}", "!TypeError: attribute 'tags': expected set of text, got dict"},
		{"wait", "5.5", ""},
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
			if ref, ok := v.(*object.Object); ok { // a pointer to a plain value
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
		if v, _ := o.GetAttr(t.Context(), name); v.(*object.Object).Key != Wrap(b).Key {
			t.Errorf("%s is another object", name)
		}
	}
	if a.Link != b || a.Anything != any(b) {
		t.Error("the Go pointer was not stored")
	}
	p := &remote{Ref: codec.Ref{ID: "1"}}
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
