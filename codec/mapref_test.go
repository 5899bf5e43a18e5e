package codec

import (
	"errors"
	"testing"
)

func TestMapRefs(t *testing.T) {
	r := Ref{"1", NewHome("h", 1)}
	x := &foreignValue{}
	broken := errors.New("broken")
	loop := List{nil}
	loop[0] = loop
	tests := []struct {
		v, to, want Value
		kind        error
	}{
		{r, Int(5), Int(5), nil},
		{x, Int(5), Int(5), nil},
		{List{Int(1), r, List{Int(2)}}, Int(5), List{Int(1), Int(5), List{Int(2)}}, nil},
		{Tuple{Set{x}}, Int(5), Tuple{Set{Int(5)}}, nil},
		{Exception{"E", Tuple{r}}, Int(5), Exception{"E", Tuple{Int(5)}}, nil},
		{mustMap(Pair{r, r}, Pair{Int(7), None{}}), Int(5), mustMap(Pair{Int(5), Int(5)}, Pair{Int(7), None{}}), nil},
		{mustMap(Pair{Int(6), r}, Pair{Int(7), None{}}), Int(5), mustMap(Pair{Int(6), Int(5)}, Pair{Int(7), None{}}), nil},
		{mustMap(Pair{Tuple{r}, None{}}), List{}, nil, ErrUnhashable},
		{List{r}, nil, nil, broken},
		{List{loop}, Int(5), nil, ErrDepth},
	}
	for _, test := range tests {
		before := Brief(test.v, 1000)
		got, err := MapRefs(test.v, func(v Value) (Value, error) {
			if v != Value(r) && v != Value(x) {
				t.Errorf("%s: asked about %s", before, v)
			}
			if test.to == nil {
				return nil, broken
			}
			return test.to, nil
		})
		if !errors.Is(err, test.kind) || !Equal(got, test.want) {
			t.Errorf("%s became %v, %v, want %v, %v", before, got, err, test.want, test.kind)
		}
		if !HasRef(test.v) {
			t.Errorf("%s has no reference", before)
		}
		if after := Brief(test.v, 1000); after != before {
			t.Errorf("%s itself became %s", before, after)
		}
	}
	none := List{Tuple{Int(1)}, mustMap(Pair{Int(1), Set{}}), Exception{"E", nil}, nil}
	got, err := MapRefs(none, func(v Value) (Value, error) { return nil, broken })
	if l, ok := got.(List); err != nil || !ok || &l[0] != &none[0] {
		t.Errorf("%s was copied: %v, %v", none, got, err)
	}
	if HasRef(none) {
		t.Errorf("%s has a reference", none)
	}
}
