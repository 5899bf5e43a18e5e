package wrap

import (
	"context"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"weak"

	"nomfs/codec"
	"nomfs/nomcore/object"
)

// counted is its own lock, and counts.
type counted struct {
	mu            sync.RWMutex
	writes, reads int32
	N             int
	Part          struct{ M int }
	Parts         []struct{ M int }
	ByKey         map[string]struct{ M int }
	Slow          func() int `nom:",getter"`
}

func (c *counted) Lock()    { c.mu.Lock(); atomic.AddInt32(&c.writes, 1) }
func (c *counted) Unlock()  { c.mu.Unlock() }
func (c *counted) RLock()   { c.mu.RLock(); atomic.AddInt32(&c.reads, 1) }
func (c *counted) RUnlock() { c.mu.RUnlock() }
func (c *counted) Locked() bool {
	free := c.mu.TryLock()
	if free {
		c.mu.Unlock()
	}
	return !free
}
func (c *counted) String() string {
	if c.Locked() {
		return "locked"
	}
	return "free"
}

func TestOwnLock(t *testing.T) {
	c := &counted{Parts: make([]struct{ M int }, 1), ByKey: map[string]struct{ M int }{"k": {5}}}
	c.Slow = func() int {
		if c.Locked() {
			return 1
		}
		return 0
	}
	o := Wrap(c)
	part := get(t, o, "part")
	list, err := o.Impl.(object.AttrGetter).GetAttr(t.Context(), "parts")
	if err != nil {
		t.Fatal(err)
	}
	byKey, err := o.Impl.(object.AttrGetter).GetAttr(t.Context(), "by_key")
	if err != nil {
		t.Fatal(err)
	}
	inMap, _ := byKey.(*codec.Map).Get(codec.Bytes("k"))
	read := func(o *object.Object, name string) func() {
		return func() {
			if _, err := o.Impl.(object.AttrGetter).GetAttr(t.Context(), name); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	write := func(o *object.Object, name string) func() {
		return func() {
			if err := o.Impl.(object.AttrSetter).SetAttr(t.Context(), name, codec.Int(1)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	for _, step := range []struct {
		what          string
		do            func()
		reads, writes int32
	}{
		{"read", read(o, "n"), 1, 0},
		{"write", write(o, "n"), 0, 1},
		{"read of a part", read(part, "m"), 1, 0},
		{"write of a part", write(part, "m"), 0, 1},
		{"write of an item's part", write(list.(codec.List)[0].(*object.Object), "m"), 0, 1},
		{"read of a part in a map", read(inMap.(*object.Object), "m"), 1, 0},
		{"method", func() {
			v, err := callLine(t, t.Context(), get(t, o, "locked"), "")
			wantOutcome(t, v, err, "False")
		}, 0, 0},
	} {
		reads, writes := atomic.LoadInt32(&c.reads), atomic.LoadInt32(&c.writes)
		step.do()
		if r, w := atomic.LoadInt32(&c.reads)-reads, atomic.LoadInt32(&c.writes)-writes; r != step.reads || w != step.writes {
			t.Errorf("%s: %d read locks and %d write locks, want %d and %d", step.what, r, w, step.reads, step.writes)
		}
	}
	v, err := o.Impl.(object.AttrGetter).GetAttr(t.Context(), "slow")
	wantOutcome(t, v, err, "0")
	if got := object.StrOf(t.Context(), o.Impl); got != "free" {
		t.Errorf("String ran %s", got)
	}
	names, _ := o.Impl.(object.Direr).Dir(t.Context())
	if got := strings.Join(names, " "); got != "by_key locked n part parts slow string" {
		t.Errorf("listed: %s", got)
	}
}

// brokenLock panics when it is locked, like an embedded nil *sync.Mutex.
type brokenLock struct {
	*sync.Mutex
	N int
}

func TestBrokenLock(t *testing.T) {
	o := Wrap(&brokenLock{}).Impl.(*goObject)
	if _, err := o.GetAttr(quiet(t), "n"); err == nil {
		t.Error("reading without a lock is no error")
	}
	if err := o.SetAttr(quiet(t), "n", codec.Int(1)); err == nil {
		t.Error("writing without a lock is no error")
	}
}

// busy has a method that waits and methods that come back to their own object.
type busy struct {
	N       int
	Table   map[string]int
	List    []int
	entered chan struct{}
	leave   chan struct{}
	self    *object.Object
}

func (b *busy) Slow() int {
	close(b.entered)
	<-b.leave
	return 1
}

func (b *busy) ReadSelf(ctx context.Context) (codec.Value, error) {
	return b.self.Impl.(object.AttrGetter).GetAttr(ctx, "n")
}

func (b *busy) WriteSelf(ctx context.Context, n int) error {
	return b.self.Impl.(object.AttrSetter).SetAttr(ctx, "n", codec.Int(n))
}

func (b *busy) Inner() map[string]int { return b.Table }

func TestSlowMethodStopsNobody(t *testing.T) {
	b := &busy{N: 1, entered: make(chan struct{}), leave: make(chan struct{})}
	b.self = Unlocked(b)
	done := make(chan error)
	slow := get(t, b.self, "slow")
	go func() {
		_, err := slow.Impl.(object.Caller).Call(context.Background(), nil, nil)
		done <- err
	}()
	<-b.entered
	_, err := callLine(t, t.Context(), get(t, b.self, "write_self"), "5")
	wantOutcome(t, codec.None{}, err, "None")
	v, err := callLine(t, t.Context(), get(t, b.self, "read_self"), "")
	wantOutcome(t, v, err, "5")
	close(b.leave)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestConcurrentUse is for the race detector: everything at once, by two
// wraps of one pointer.
func TestConcurrentUse(t *testing.T) {
	b := &busy{Table: map[string]int{}, List: []int{1, 2, 3}}
	b.self = Unlocked(b)
	list := Wrap(&b.List).Impl.(itemObject)
	table := Wrap(&b.Table).Impl.(itemObject)
	var work sync.WaitGroup
	const rounds = 200
	for i := range 4 {
		o := Unlocked(b).Impl.(*goObject)
		for _, step := range []func(){
			func() { _, _ = o.GetAttr(t.Context(), "table") },
			func() { _, _ = o.GetAttr(t.Context(), "list") },
			func() { _ = o.SetAttr(t.Context(), "n", codec.Int(i)) },
			func() { _ = o.SetAttr(t.Context(), "list", codec.List{codec.Int(i), codec.Int(i)}) },
			func() { _ = table.SetItem(t.Context(), codec.Bytes(string(rune('a'+i))), codec.Int(i)) },
			func() { _ = table.DelItem(t.Context(), codec.Bytes(string(rune('a'+i)))) },
			func() { _ = list.SetItem(t.Context(), codec.Int(0), codec.Int(i)) },
			func() { _ = list.DelItem(t.Context(), codec.Int(-1)) },
			func() { _, _ = list.Len(t.Context()) },
			func() { _, _ = o.Describe(t.Context()) },
			func() { _ = Wrap(b.self).String() },
			func() { _, _ = get(t, Unlocked(b), "inner").Impl.(object.Caller).Call(t.Context(), nil, nil) },
			func() { _, _ = get(t, Unlocked(b), "read_self").Impl.(object.Caller).Call(t.Context(), nil, nil) },
		} {
			work.Go(func() {
				for range rounds {
					step()
				}
			})
		}
	}
	work.Wait()
}

// TestCallbackIsForgotten: the table of callbacks holds no callback alive, not
// even one that leads back to itself.
func TestCallbackIsForgotten(t *testing.T) {
	type node struct{ F func() }
	made := func() weak.Pointer[node] {
		n := &node{}
		o := Wrap(n)
		self := &object.Object{Impl: &goFunc{sig: &signature{}, of: o.Impl.(*goObject)}}
		if err := o.Impl.(*goObject).SetAttr(t.Context(), "f", self); err != nil {
			t.Fatal(err)
		}
		if callbackOf(o.Impl.(*goObject).self.Elem().Field(0)) != codec.Value(self) {
			t.Error("the callback is not known")
		}
		return weak.Make(n)
	}()
	for range 10 {
		if runtime.GC(); made.Value() == nil {
			return
		}
	}
	t.Error("an object with a callback is never collected")
}

func BenchmarkWrappedGetAttr(b *testing.B) {
	o := Wrap(newGadget()).Impl.(*goObject)
	ctx := context.Background()
	for _, name := range []string{"num", "name", "numbers", "table", "inner", "link", "add", "uptime"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := o.GetAttr(ctx, name); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkWrappedCall(b *testing.B) {
	o := Func(addUp, "a", "b=2").Impl.(object.Caller)
	args := []codec.Value{codec.Int(1)}
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := o.Call(ctx, args, nil); err != nil {
			b.Fatal(err)
		}
	}
}
