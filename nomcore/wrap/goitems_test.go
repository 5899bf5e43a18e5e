package wrap

import (
	"testing"

	"nomfs/codec"
	"nomfs/nomcore/object"
)

// itemObject is everything an object with items can do.
type itemObject interface {
	object.ItemGetter
	object.ItemSetter
	object.ItemDeleter
	object.Lener
	object.Keyer
}

func TestGetItem(t *testing.T) {
	list := []int{10, 20, 30, 40, 50}
	byInt := map[int]string{1: "a", -2: "b"}
	anyKeys := map[any]any{1: "int", int64(2): "int64", "s": "text", 1.5: "float"}
	for _, c := range []struct {
		x         any
		key, want string
	}{
		{list, "0", "10"}, {&list, "-1", "50"}, {&list, "-5", "10"},
		{list, "5", "!IndexError: list index out of range"},
		{list, "-6", "!IndexError: list index out of range"},
		{list, "100000000000000000000", "!IndexError: list index out of range"},
		{list, "True", "20"},
		{list, "'x'", "!TypeError: list indices must be integers, not bytes"},
		{list, "slice(1, 3, 1)", "[20, 30]"},
		{list, "slice(0, 2147483647, 2)", "[10, 30, 50]"},
		{list, "slice(2147483647, -2147483648, -1)", "[50, 40, 30, 20, 10]"},
		{list, "slice(-2, 2147483647, 1)", "[40, 50]"},
		{list, "slice(3, 1, 1)", "[]"},
		{list, "slice(3, 0, -2)", "[40, 20]"},
		{list, "slice(0, 1, 0)", "!ValueError: slice step cannot be zero"},
		{[3]string{"a", "b", "c"}, "1", "'b'"},
		{&[2]bool{true, false}, "0", "True"},
		{[]byte("hello"), "1", "101"}, {[]byte("hello"), "slice(1, 3, 1)", "'el'"},
		{byInt, "1", "'a'"}, {&byInt, "-2", "'b'"},
		{byInt, "3", "!KeyError: 3"}, {byInt, "'1'", "!KeyError: '1'"}, {byInt, "[1]", "!KeyError: [1]"},
		{map[string]int{"a": 1}, "u'a'", "1"}, {map[string]int{"a": 1}, "'len'", "!KeyError: 'len'"},
		{map[string]*int{"a": nil}, "'a'", "None"},
		{map[[2]int]int{{1, 2}: 3}, "(1, 2)", "3"},
		{anyKeys, "1", "'int'"}, {anyKeys, "2", "'int64'"}, {anyKeys, "'s'", "'text'"}, {anyKeys, "1.5", "'float'"},
		{anyKeys, "3", "!KeyError: 3"},
	} {
		v, err := Wrap(c.x).Impl.(object.ItemGetter).GetItem(t.Context(), lit(t, c.key))
		t.Run(c.key, func(t *testing.T) { wantOutcome(t, v, err, c.want) })
	}
}

func TestChangeItems(t *testing.T) {
	var none map[string]int
	for _, c := range []struct {
		x                any
		key, value, want string // no value: delete; want: the repr afterwards, or the exception
	}{
		{&[]int{1, 2, 3}, "0", "9", "[9, 2, 3]"},
		{[]int{1, 2, 3}, "-1", "9", "[1, 2, 9]"},
		{&[]int{1}, "1", "9", "!IndexError: list assignment index out of range"},
		{&[]int{1}, "0", "'x'", "!TypeError: item 0: expected int, got text 'x'"},
		{&[]int{1, 2, 3}, "1", "", "[1, 3]"},
		{&[]int{1, 2, 3}, "3", "", "!IndexError: list assignment index out of range"},
		{[]int{1, 2, 3}, "1", "", "!TypeError: 'list' object does not support item deletion"},
		{&[2]int{1, 2}, "1", "", "!TypeError: 'list' object does not support item deletion"},
		{&[2]int{1, 2}, "1", "5", "[1, 5]"},
		{&[]int{1, 2, 3, 4}, "slice(0, 2147483647, 2)", "", "[2, 4]"},
		{&[]int{1, 2}, "slice(2, 2, 1)", "[3, 4]", "[1, 2, 3, 4]"},
		{&[]int{1, 2, 3}, "slice(0, 2, 1)", "[9]", "[9, 3]"},
		{&[]int{1, 2, 3}, "slice(0, 3, 2)", "[7, 8]", "[7, 2, 8]"},
		{&[]int{1, 2, 3}, "slice(0, 3, 2)", "[7]", "!ValueError: attempt to assign sequence of size 1 to slice of size 2"},
		{[]int{1, 2, 3}, "slice(0, 2, 1)", "[7, 8]", "[7, 8, 3]"},
		{[]int{1, 2, 3}, "slice(0, 2, 1)", "[7]", "!ValueError: attempt to assign sequence of size 1 to slice of size 2"},
		{map[string]int{"a": 1}, "'b'", "2", "{'a': 1, 'b': 2}"},
		{map[string]int{"a": 1}, "1", "2", "!TypeError: key: expected text, got int 1"},
		{map[string]int{"a": 1}, "'a'", "'x'", "!TypeError: item text 'a': expected int, got text 'x'"},
		{map[string]int{"a": 1}, "'a'", "", "{}"},
		{map[string]int{"a": 1}, "'b'", "", "!KeyError: 'b'"},
		{map[any]int{int64(1): 1}, "1", "2", "{1: 2}"},
		{map[any]int{}, "[1]", "2", "!TypeError: key: unhashable type: 'list'"},
		{&none, "'a'", "1", "{'a': 1}"},
		{none, "'a'", "1", "!TypeError: 'dict' object does not support item assignment"},
		{&[]point{{}}, "0", "1", "!TypeError: an item of 'list' is a point, set its attributes"},
	} {
		o := Wrap(c.x)
		items := o.Impl.(itemObject)
		var err error
		if c.value == "" {
			err = items.DelItem(t.Context(), lit(t, c.key))
		} else {
			err = items.SetItem(t.Context(), lit(t, c.key), lit(t, c.value))
		}
		t.Run(c.key+"="+c.value, func(t *testing.T) {
			if err != nil {
				wantOutcome(t, nil, err, c.want)
			} else if got := o.String(); got != c.want {
				t.Errorf("now %s, want %s", got, c.want)
			}
		})
	}
}

func TestKeysAndLen(t *testing.T) {
	for _, c := range []struct {
		x    any
		keys string
	}{
		{map[any]int{"b": 1, 2: 1, 1: 1}, "[1, 2, 'b']"},
		{map[string]int{}, "[]"},
		{[]string{"x", "y"}, "[0, 1]"},
		{&[]string{"x", "y"}, "[0, 1]"},
	} {
		items := Wrap(c.x).Impl.(itemObject)
		keys, err := items.Keys(t.Context())
		if err != nil || codec.List(keys).String() != c.keys {
			t.Errorf("%T: keys %v, %v", c.x, keys, err)
		}
		if n, err := items.Len(t.Context()); err != nil || n != len(keys) {
			t.Errorf("%T: len %d, %v", c.x, n, err)
		}
		d, err := Wrap(c.x).Impl.(object.Describer).Describe(t.Context())
		if err != nil || !d.Sized || !d.Indexable || len(d.Attrs) != 0 {
			t.Errorf("%T: %+v, %v", c.x, d, err)
		}
	}
	if _, ok := Wrap(&point{}).Impl.(object.ItemGetter); ok {
		t.Error("a struct has items")
	}
}

// TestItemsInPlace: structs in a slice are references into it.
func TestItemsInPlace(t *testing.T) {
	points := []point{{1, 2}, {3, 4}}
	items := Wrap(&points).Impl.(itemObject)
	v, err := items.GetItem(t.Context(), codec.Int(1))
	if err != nil {
		t.Fatal(err)
	}
	if err := v.(*object.Object).Impl.(object.AttrSetter).SetAttr(t.Context(), "x", codec.Int(30)); err != nil || points[1].X != 30 {
		t.Errorf("%v, %v", points, err)
	}
	again, _ := items.GetItem(t.Context(), codec.Int(-1))
	if again.(*object.Object).Key != v.(*object.Object).Key {
		t.Error("an item read twice is two objects")
	}
}

// shelf is a named map with a method.
type shelf map[string]int

func (s shelf) Total() int {
	n := 0
	for _, v := range s {
		n += v
	}
	return n
}

func TestNamedContainer(t *testing.T) {
	o := Unlocked(shelf{"total": 1, "b": 2})
	v, err := callLine(t, t.Context(), get(t, o, "total"), "")
	wantOutcome(t, v, err, "3")
	v, err = o.Impl.(object.ItemGetter).GetItem(t.Context(), codec.Bytes("total"))
	wantOutcome(t, v, err, "1")
	v, err = ValueOf(shelf{"a": 1})
	wantOutcome(t, v, err, "{'a': 1}")
}
