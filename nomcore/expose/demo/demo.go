package demo

import (
	"context"
	"fmt"
	"math/big"
	"sync"
	"time"

	"nomfs/codec"
	"nomfs/nomcore"
)

// tick is how often Ticks moves.
const tick = 100 * time.Millisecond

// maxSlow is the longest that Slow takes: it holds resources meanwhile.
const maxSlow = time.Hour

// Demo is the object. Its lock covers the fields, for peers too.
type Demo struct {
	sync.RWMutex `nom:"-"`

	Number  int
	Big     *big.Int
	Ratio   float64
	Flag    bool
	Name    string
	Title   string
	Blob    []byte
	Nothing any

	Pair   codec.Tuple
	Tags   map[string]struct{}
	List   []any
	Config map[string]any

	Numbers *[]int          `nom:",readonly"`
	Table   *map[string]any `nom:",readonly"`
	Me      *Demo           `nom:",readonly"`

	Ticks func() int `nom:",getter"`
	Calls int        `nom:",readonly"`

	OnChange any
}

// New returns a Demo in its first state.
func New() *Demo {
	started := time.Now()
	d := &Demo{
		Number: 42,
		Big:    new(big.Int).Lsh(big.NewInt(1), 100),
		Ratio:  0.5,
		Flag:   true,
		Name:   "nomfs",
		Title:  "un café, s'il vous plaît",
		Blob:   []byte("\x00\x01\xfe\xff"),
		Pair:   codec.Tuple{codec.Int(1), codec.StringValue("one")},
		Tags:   map[string]struct{}{"live": {}, "remote": {}},
		List:   []any{1, "two", 3.0, nil},
		Config: map[string]any{
			"colors": []any{"red", "green"},
			"limits": map[string]any{"min": 1, "max": 10},
		},
		Numbers: &[]int{1, 2, 3, 5, 8},
		Table:   &map[string]any{"apples": 3, "pears": 5},
		Ticks:   func() int { return int(time.Since(started) / tick) },
	}
	d.Me = d
	return d
}

// NomParams names the parameters of the methods, with their defaults.
func (d *Demo) NomParams() map[string][]string {
	return map[string][]string{
		"Add":   {"a", "b=2"},
		"Greet": {`name="world"`},
		"Echo":  {"value=None"},
		"Make":  {`text="a note"`},
		"Slow":  {"seconds=1"},
	}
}

// Add returns a + b and counts itself in Calls.
func (d *Demo) Add(a, b *big.Int) *big.Int {
	d.Lock()
	defer d.Unlock()
	d.Calls++
	return new(big.Int).Add(a, b)
}

// Greet returns a greeting.
func (d *Demo) Greet(name string) string { return "hello, " + name }

// Echo returns what it was given.
func (d *Demo) Echo(value codec.Value) codec.Value { return value }

// Note is what Make makes.
type Note struct{ Text string }

// Make returns a new object.
func (d *Demo) Make(text string) *Note { return &Note{Text: text} }

// Fail always fails.
func (d *Demo) Fail() error {
	return codec.Exception{Class: "ValueError", Args: codec.Tuple{codec.StringValue("this always fails")}}
}

// Slow returns after that many seconds, or when nobody waits any more.
func (d *Demo) Slow(ctx context.Context, seconds float64) (float64, error) {
	if !(seconds >= 0 && seconds <= maxSlow.Seconds()) {
		return 0, codec.Exception{Class: "ValueError", Args: codec.Tuple{
			codec.StringValue(fmt.Sprintf("want 0 to %.0f seconds", maxSlow.Seconds()))}}
	}
	timer := time.NewTimer(time.Duration(seconds * float64(time.Second)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return seconds, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// Fire calls OnChange with Number and returns what it returns; None where
// nothing is assigned.
func (d *Demo) Fire(ctx context.Context) (codec.Value, error) {
	d.RLock()
	callback, number := d.OnChange, d.Number
	d.RUnlock()
	if o, ok := callback.(*nomcore.Object); ok {
		callback = o.Impl
	}
	switch f := callback.(type) {
	case nil, codec.None:
		return codec.None{}, nil
	case nomcore.Caller:
		return f.Call(ctx, []codec.Value{codec.Int(number)}, nil)
	}
	return nil, codec.Exception{Class: "TypeError", Args: codec.Tuple{
		codec.StringValue("on_change cannot be called")}}
}
