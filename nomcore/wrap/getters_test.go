package wrap

import (
	"context"
	"errors"
	"testing"

	"nomfs/codec"
)

// gauge has methods that are getters.
type gauge struct {
	N int `nom:",readonly"`
}

func (*gauge) NomGetters() []string { return []string{"Twice", "broken", "by_context"} }

func (g *gauge) Twice() int                                { return 2 * g.N }
func (*gauge) Broken() (int, error)                        { return 0, errors.New("broken") }
func (*gauge) ByContext(ctx context.Context) (bool, error) { return ctx != nil, nil }
func (g *gauge) Ordinary() int                             { return g.N }

func TestMethodsAsGetters(t *testing.T) {
	ctx := quiet(t)
	o := Wrap(&gauge{N: 4}).Impl.(*goObject)
	for _, x := range []struct {
		name, value, called string
		kind                codec.Kind
	}{
		{"twice", "8", "!TypeError: 'int' object is not callable", codec.KindInt},
		{"Twice", "8", "!TypeError: 'int' object is not callable", 0},
		{"broken", "!broken", "!broken", codec.KindInt},
		{"by_context", "True", "!TypeError: 'bool' object is not callable", codec.KindBool},
		{"ordinary", "", "4", codec.KindRef},
		{"nom_getters", "!AttributeError: 'gauge' object has no attribute 'nom_getters'", "!AttributeError: 'gauge' object has no attribute 'nom_getters'", 0},
	} {
		t.Run(x.name, func(t *testing.T) {
			if x.value != "" {
				v, err := o.GetAttr(ctx, x.name)
				wantOutcome(t, v, err, x.value)
			}
			v, err := o.CallAttr(ctx, x.name, nil, nil)
			wantOutcome(t, v, err, x.called)
			if x.kind == 0 {
				return
			}
			d, err := o.Describe(ctx)
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range d.Attrs {
				if a.Name == x.name && (a.Kind != x.kind || a.Call != (x.kind == codec.KindRef) || a.Write) {
					t.Errorf("described as %+v", a)
				}
			}
		})
	}
	err := o.SetAttr(ctx, "twice", codec.Int(1))
	wantOutcome(t, nil, err, "!AttributeError: attribute 'twice' is read-only")
}

type noSuchGetter struct{}

func (noSuchGetter) NomGetters() []string { return []string{"size"} }

type wrongGetter struct{}

func (wrongGetter) Size(int) int         { return 0 }
func (wrongGetter) NomGetters() []string { return []string{"size"} }

func TestBadGetters(t *testing.T) {
	for _, x := range []any{noSuchGetter{}, wrongGetter{}} {
		if _, err := ValueOf(x); err == nil {
			t.Errorf("%T is served", x)
		}
	}
}

func TestStructOfMap(t *testing.T) {
	type inner struct{ X, Y int }
	type outer struct {
		inner
		Name   string `nom:"called"`
		Fixed  int    `nom:",readonly"`
		Hidden int    `nom:"-"`
		Parts  map[string]inner
		unseen int
	}
	got, err := To[outer](lit(t, "{'x': 1, 'called': 'n', 'fixed': 2, 'hidden': 3, 'unseen': 4, 'Y': 5, 7: 8, 'parts': {'a': {'x': 6}}}"))
	want := outer{inner: inner{1, 5}, Name: "n", Fixed: 2}
	if err != nil || got.inner != want.inner || got.Name != want.Name || got.Fixed != 2 || got.Hidden != 0 || got.unseen != 0 || got.Parts["a"].X != 6 {
		t.Errorf("%+v, %v", got, err)
	}
	for text, want := range map[string]string{
		"{'x': 'a'}":                   "!TypeError: attribute 'x': expected int, got text 'a'",
		"[1, 2]":                       "!TypeError: expected outer, got list",
		"{'parts': {'a': {'x': 2.5}}}": "!TypeError: attribute 'parts': item text 'a': attribute 'x': expected int, got float 2.5",
	} {
		_, err := To[outer](lit(t, text))
		wantOutcome(t, nil, err, want)
	}
	if _, err := To[context.Context](lit(t, "{}")); err == nil {
		t.Error("a map is a context")
	}
	if _, err := To[gauge](lit(t, "{'n': 1}")); err != nil {
		t.Error(err)
	}
}
