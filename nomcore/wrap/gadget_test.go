package wrap

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"nomfs/codec"
	"nomfs/nomcore/object"
)

// quiet is a context that keeps the expected panics out of the test's output.
func quiet(t testing.TB) context.Context {
	return object.WithLog(t.Context(), slog.New(slog.DiscardHandler))
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
		if err == nil {
			t.Errorf("got %v, want error %s", v, text)
		} else if got := err.Error(); got != text {
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

// vector is for values: as a part it would need a lock.
type vector struct{ X, Y int }

func (v vector) Sum() int { return v.X + v.Y }

func (v *vector) Move(dx, dy int) { v.X, v.Y = v.X+dx, v.Y+dy }

type Base struct {
	Origin string
	Shadow int
}

func (Base) Hello() string { return "hello" }

type secret struct{ Hidden int }

func (secret) Leak() string { return "leak" }

// remote stands for an object of another peer.
type remote struct {
	codec.Ref
	answer codec.Value
}

var _ object.Remote = (*remote)(nil)

func (r *remote) Call(context.Context, []codec.Value, map[string]codec.Value) (codec.Value, error) {
	return r.answer, nil
}

// gadget has an attribute of every sort.
type gadget struct {
	sync.RWMutex
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
	ByName     map[string]vector
	Live       *[]int
	LiveMap    *map[string]int
	Opt        *int
	Anything   any
	Raw        codec.Value
	Obj        *object.Object
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
		Points: []*point{{1, 1}}, ByName: map[string]vector{"p": {7, 8}}, Live: &[]int{1, 2, 3},
		LiveMap: &map[string]int{"k": 1}, Opt: &n, Text: time.Second, Err: errors.New("went wrong"),
		Uptime: func() float64 { return 2.5 }, Broken: func() (int, error) { return 0, errors.New("no") },
		Fixed: 9, Renamed: 3, HTTPServer: "h", CPUPercent: 1, X2: 2, private: 1,
	}
	g.Link = g
	return g
}
