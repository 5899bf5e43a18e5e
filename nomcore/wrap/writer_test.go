package wrap

import (
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"testing"
	"time"

	"nomfs/codec"
	"nomfs/nomcore/object"
)

// TestConversions puts every sort of value into every sort of Go variable:
// either it fits and can be read again, or the error says why.
func TestConversions(t *testing.T) {
	values := []codec.Value{
		nil, &remote{}, Wrap(5), Wrap(newGadget()), Wrap(&[]int{1}), Wrap(map[string]int{}), Wrap(addUp),
		Wrap(&answersItself{}), Wrap(nil), codec.Ref{}, codec.Exception{Class: "ValueError"}, codec.Ellipsis{}, codec.Slice{Step: 1},
	}
	for _, text := range []string{
		"None", "True", "0", "-1", "255", "1e400", "2.5", "10000000000000000000000", "''", "'abc'", `b'\xff'`, "u'abc'", "'é'",
		"[]", "[1, 'a', None]", "[[1], [2]]", "(1, 2)", "()", "set([1, 2])", "set(['a'])", "{}", "{'a': 1}", "{1: [2]}",
		"{(1, 2): 'x'}", "{None: 1, 2.5: 2}", "[{'a': [1, {'b': (2,)}]}]",
	} {
		v, err := codec.ParseLiteral(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		values = append(values, v)
	}
	types := []any{
		false, 0, int8(0), uint8(0), uint64(0), float32(0), 0.0, 1i, "", color(0), time.Second, []byte(nil), [2]byte{}, [0]int{},
		[]int(nil), []any(nil), []string(nil), [][]int(nil), [2]int{}, []*gadget(nil), []codec.Value(nil), []point(nil),
		map[string]int(nil), map[int]any(nil), map[any]any(nil), map[[2]int]string(nil), map[float64]int(nil), map[int]struct{}(nil),
		map[string]codec.Value(nil), map[point]int(nil), (*gadget)(nil), (*int)(nil), (*[]int)(nil), (**int)(nil), (*any)(nil),
		point{}, big.Int{}, (*big.Int)(nil), (func())(nil), (func(int) error)(nil), (chan int)(nil), (*object.Object)(nil), (*remote)(nil),
		codec.Int(0), codec.List(nil), (*codec.Map)(nil), codec.Ref{}, struct{ A any }{}, uintptr(0), (*error)(nil), [1]func(){},
	}
	var targets []reflect.Type
	for _, x := range types {
		targets = append(targets, reflect.TypeOf(x))
	}
	targets = append(targets, anyType, valueType, errorType, reflect.TypeFor[fmt.Stringer](), reflect.TypeFor[object.Caller]())
	for _, target := range targets {
		for _, v := range values {
			w, err := writer{shared}.convert(v, target)
			var exc codec.Exception
			if errors.As(err, &exc) {
				if exc.Class != "TypeError" && exc.Class != "OverflowError" {
					t.Errorf("%v into %v: %s", v, target, exc.Class)
				}
				continue
			}
			if err != nil {
				t.Errorf("%v into %v: %v", v, target, err)
				continue
			}
			if !w.Type().AssignableTo(target) {
				t.Errorf("%v into %v gives a %v", v, target, w.Type())
				continue
			}
			if _, err := (reader{guard: shared}).value(w); err != nil {
				t.Errorf("%v, stored in %v, cannot be read: %v", v, target, err)
			}
		}
	}
}

// TestValuesInInterfaces: what an interface or a container holds by value is
// an object of a copy, made when it is read.
func TestValuesInInterfaces(t *testing.T) {
	s := &struct {
		A    any
		List []any
		Deep map[string][]any
	}{A: point{1, 2}, List: []any{point{3, 4}}, Deep: map[string][]any{"k": {point{5, 6}}}}
	o := Wrap(s).Impl.(*goObject)
	read := func(name string) *object.Object {
		v, err := o.GetAttr(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if m, ok := v.(*codec.Map); ok {
			v = m.Pairs()[0].Value
		}
		if l, ok := v.(codec.List); ok {
			v = l[0]
		}
		return v.(*object.Object)
	}
	for name, want := range map[string]string{"a": "1", "list": "3", "deep": "5"} {
		p := read(name)
		if p.Identity() == read(name).Identity() {
			t.Errorf("%s: two reads give one object", name)
		}
		v, err := p.Impl.(object.AttrGetter).GetAttr(t.Context(), "x")
		wantOutcome(t, v, err, want)
	}
	p := read("a")
	s.A = point{9, 9}
	v, err := p.Impl.(object.AttrGetter).GetAttr(t.Context(), "x")
	wantOutcome(t, v, err, "1")
}
