package wrap

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"nomfs/codec"
	"nomfs/nomcore/object"
)

type grumpy struct {
	A int `nom:",readonly"`
}

func (*grumpy) String() string                       { panic("no str") }
func (*grumpy) Repr(context.Context) (string, error) { return "", errors.New("no repr") }

type polite struct{}

func (polite) Repr(context.Context) (string, error) { return "a repr", nil }
func (polite) Str(context.Context) (string, error)  { return "a str", nil }

// answersAndTells answers for itself and has a String method.
type answersAndTells struct{ answersItself }

func (*answersAndTells) String() string { return "told" }

type answersAndFails struct{ answersItself }

func (*answersAndFails) Error() string { return "failed" }

func TestOwnText(t *testing.T) {
	for _, c := range []struct {
		x         any
		repr, str string
	}{
		{&grumpy{}, "<grumpy object>", "<grumpy object>"},
		{polite{}, "a repr", "a str"},
		{&answersAndTells{}, "<answersAndTells object>", "told"},
		{&answersAndFails{}, "<answersAndFails object>", "failed"},
		{addUp, "<function object>", "<function object>"},
		{map[string]any{"o": Wrap(5), "p": &grumpy{}}, "{'o': <int object>, 'p': <grumpy object>}", "{'o': <int object>, 'p': <grumpy object>}"},
	} {
		o := Wrap(c.x)
		if got := object.ReprOf(quiet(t), o.Impl); got != c.repr {
			t.Errorf("%T: repr %q, want %q", c.x, got, c.repr)
		}
		if got := object.StrOf(quiet(t), o.Impl); got != c.str {
			t.Errorf("%T: str %q, want %q", c.x, got, c.str)
		}
	}
	_, err := Wrap(&grumpy{}).Impl.(object.Strer).Str(quiet(t))
	wantOutcome(t, nil, err, "!RuntimeError: no str")
}

// TestSelfContaining: a repr of what contains itself ends.
func TestSelfContaining(t *testing.T) {
	m := map[string]any{}
	m["me"] = &m
	if got := Wrap(&m).String(); got != "{'me': <dict object>}" {
		t.Error(got)
	}
	v, err := ValueOf(m)
	if err != nil {
		t.Fatal(err)
	}
	if got := v.String(); got != "{'me': {'me': <dict object>}}" {
		t.Error(got)
	}
}

type locked struct {
	sync.Mutex
	*Base
	N int
}

func TestEmbedded(t *testing.T) {
	l := &locked{N: 1}
	o := Wrap(l).Impl.(*goObject)
	if names, _ := o.Dir(t.Context()); strings.Join(names, " ") != "hello n origin shadow" {
		t.Errorf("listed: %v", names)
	}
	_, err := o.GetAttr(t.Context(), "origin")
	wantOutcome(t, nil, err, "!AttributeError: 'locked' object has no attribute 'origin'")
	err = o.SetAttr(t.Context(), "origin", codec.Bytes("x"))
	wantOutcome(t, nil, err, "!AttributeError: 'locked' object has no attribute 'origin'")
	_, err = callLine(t, quiet(t), get(t, Wrap(l), "hello"), "")
	if err == nil {
		t.Error("a method of a nil embedded pointer ran")
	}
	l.Base = &Base{}
	if err := o.SetAttr(t.Context(), "origin", codec.Bytes("x")); err != nil || l.Origin != "x" {
		t.Errorf("%q, %v", l.Origin, err)
	}
	v, err := o.GetAttr(t.Context(), "n")
	wantOutcome(t, v, err, "1")
}

// badNames gives a method more names than it has parameters.
type badNames struct{}

func (badNames) Do(int)                         {}
func (badNames) NomParams() map[string][]string { return map[string][]string{"do": {"a", "b"}} }

func TestBadParamNames(t *testing.T) {
	if _, err := ValueOf(&badNames{}); err == nil {
		t.Error("too many parameter names are no error")
	}
}

func TestGetterWithContext(t *testing.T) {
	type live struct {
		N    func(context.Context) (int, error) `nom:",getter"`
		Boom func() int                         `nom:",getter"`
		Nil  func() int                         `nom:",getter"`
	}
	o := Wrap(&live{
		N:    func(ctx context.Context) (int, error) { return 3, ctx.Err() },
		Boom: func() int { panic("boom") },
	}).Impl.(*goObject)
	for name, want := range map[string]string{"n": "3", "boom": "!RuntimeError: boom", "nil": "None"} {
		v, err := o.GetAttr(quiet(t), name)
		wantOutcome(t, v, err, want)
	}
}
