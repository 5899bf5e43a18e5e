package wrap

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"nomfs/codec"
	"nomfs/nomcore/object"
)

// What peers write into texts: a torn one would have the length of one and
// the bytes of the other, or those of something else in memory.
var whole = []string{"short", strings.Repeat("long", 25), ""}

// noLock has methods, and fields that peers can set; its own lock is private.
type noLock struct {
	mu   sync.Mutex
	Text string
}

func (n *noLock) Read() string      { n.mu.Lock(); defer n.mu.Unlock(); return n.Text }
func (n *noLock) Write(text string) { n.mu.Lock(); defer n.mu.Unlock(); n.Text = text }

// withLock has a lock that covers its fields, and what they lead to.
type withLock struct {
	sync.Mutex
	Text   string
	Any    any
	List   []string
	Live   *[]string
	Items  map[string]*bare
	Part   bare
	Parts  []bare
	Copies map[string]copied
	Heard  func(*bare, map[string]*bare)
}

// bare has fields alone: peers use them under the lock of what leads to them.
type bare struct{ Text string }

// copied has a method of a value: peers see copies of it.
type copied struct{ Text string }

func (c copied) Read() string { return c.Text }

func (w *withLock) Read() string {
	w.Lock()
	defer w.Unlock()
	text := w.Text + fmt.Sprint(w.Any) + strings.Join(w.List, "") + strings.Join(*w.Live, "") + w.Part.Text + w.Copies["a"].Text
	for _, i := range w.Items {
		text += i.Text
	}
	for _, p := range w.Parts {
		text += p.Text
	}
	return text
}

func (w *withLock) Write(text string) {
	w.Lock()
	defer w.Unlock()
	w.Text, w.Any, w.Part.Text, w.Parts[0].Text, (*w.Live)[0], w.Items["a"].Text = text, text, text, text, text, text
	w.Copies["a"] = copied{text}
}

func (w *withLock) Find() *bare { w.Lock(); defer w.Unlock(); return w.Items["a"] }

// constant changes nothing of itself while it is served.
type constant struct {
	Text string   `nom:",readonly"`
	List []string `nom:",readonly"`
}

func (c *constant) Read() string { return c.Text + strings.Join(c.List, "") }

// texts is a slice with a method that changes it.
type texts []string

func (t texts) Read() string      { return strings.Join(t, "") }
func (t texts) Write(text string) { t[0] = text }

// problems is an error that is a slice.
type problems []string

func (p problems) Error() string { return strings.Join(p, "") }

type getter struct {
	Text string
	Read func() string `nom:",getter"`
}

type stringer struct{ Text string }

func (s *stringer) String() string { return s.Text }

// makes are values for peers, each new, and whether they are refused.
var makes = []struct {
	name    string
	refused bool
	make    func() any
}{
	{"a private lock", true, func() any { return &noLock{} }},
	{"a pointer to a slice with methods", true, func() any { return &texts{""} }},
	{"a slice with methods", true, func() any { return texts{""} }},
	{"a map with methods", true, func() any { return shelf{} }},
	{"a getter", true, func() any { g := &getter{}; g.Read = func() string { return g.Text }; return g }},
	{"a str", true, func() any { return &stringer{} }},
	{"a field that leads to one", true, func() any { return &struct{ Inner *noLock }{&noLock{}} }},
	{"a part", true, func() any { return &struct{ Inner noLock }{} }},
	{"items", true, func() any { return &struct{ Inner map[string][]*noLock }{map[string][]*noLock{"a": {{}}}} }},
	{"a part with a lock around it", true, func() any {
		return &struct {
			sync.Mutex
			Inner stringer
		}{}
	}},
	{"an embedded pointer", true, func() any { return &struct{ *stringer }{&stringer{}} }},
	{"a live slice", true, func() any { return &[]noLock{{}} }},
	{"its own lock", false, func() any {
		return &withLock{Live: &[]string{""}, Items: map[string]*bare{"a": {}}, Parts: make([]bare, 1),
			Copies: map[string]copied{"a": {}}}
	}},
	{"fields alone", false, func() any { return &bare{} }},
	{"parts alone", false, func() any {
		return &struct {
			Text  string
			Part  bare
			Live  *[]string
			Items map[string]*bare
		}{Live: &[]string{""}, Items: map[string]*bare{"a": {}}}
	}},
	{"nothing to set", false, func() any { return &constant{Text: "short", List: []string{"short"}} }},
	{"methods alone", false, func() any { return callee{} }},
	{"a copy", false, func() any { return copied{"short"} }},
	{"a read-only part", false, func() any {
		return &struct {
			Inner copied `nom:",readonly"`
		}{}
	}},
	{"an error that is a slice", false, func() any { return &struct{ Err error }{problems{"short"}} }},
	{"live", false, func() any { return &[]string{""} }},
}

// TestLockRule: what needs a lock and has none is refused, with words that say
// what to do, and served by Unlocked.
func TestLockRule(t *testing.T) {
	for _, m := range makes {
		x := m.make()
		_, err := ObjectOf(x)
		if errors.Is(err, ErrNoLock) != m.refused {
			t.Errorf("%s: %v", m.name, err)
			continue
		}
		if m.refused && (!strings.Contains(err.Error(), "sync.Mutex") || !strings.Contains(err.Error(), "nomcore.Unlocked")) {
			t.Errorf("%s: the error does not say what to do: %v", m.name, err)
		}
		if _, isMap := x.(shelf); !isMap && Unlocked(x).Impl == nil {
			t.Errorf("%s: not served by Unlocked", m.name)
		}
	}
}

// TestLockRuleLater: what only a result or an interface brings is refused when
// it is read, unless what it was reached through is Unlocked.
func TestLockRuleLater(t *testing.T) {
	type holder struct {
		Any  any
		Make func() *noLock `nom:",readonly"`
	}
	for _, c := range []struct {
		o    *object.Object
		want bool
	}{{Wrap(&holder{Any: &noLock{}, Make: func() *noLock { return &noLock{} }}), true},
		{Unlocked(&holder{Any: &noLock{}, Make: func() *noLock { return &noLock{} }}), false}} {
		_, err := c.o.Impl.(object.AttrGetter).GetAttr(t.Context(), "any")
		if errors.Is(err, ErrNoLock) != c.want {
			t.Errorf("an interface: %v", err)
		}
		_, err = c.o.Impl.(object.AttrCaller).CallAttr(t.Context(), "make", nil, nil)
		if errors.Is(err, ErrNoLock) != c.want {
			t.Errorf("a result: %v", err)
		}
	}
}

// hammer does everything to an object and to what it leads to, as peers would,
// at once. Texts must be whole.
func hammer(t *testing.T, ctx context.Context, root *object.Object) {
	var work sync.WaitGroup
	for range 3 {
		work.Go(func() {
			for i := range 60 {
				touch(t, ctx, root, whole[i%len(whole)], 0)
			}
		})
	}
	work.Wait()
}

// touch does everything to one object once, and goes on to what it leads to.
func touch(t *testing.T, ctx context.Context, v codec.Value, text string, depth int) {
	const deepest = 3 // levels of objects in objects
	switch v := v.(type) {
	case codec.List:
		for _, item := range v {
			touch(t, ctx, item, text, depth)
		}
		return
	case *codec.Map:
		for _, p := range v.Pairs() {
			touch(t, ctx, p.Value, text, depth)
		}
		return
	}
	if s, ok := codec.StringOf(v); ok && !slices.ContainsFunc(whole, func(w string) bool {
		return w == s || w == "" && s == "" || strings.ReplaceAll(strings.ReplaceAll(s, whole[0], ""), whole[1], "") == ""
	}) {
		t.Errorf("a torn text: %q", s)
	}
	o, ok := v.(*object.Object)
	if !ok || depth > deepest {
		return
	}
	w := codec.StringValue(text)
	object.StrOf(ctx, o.Impl)
	object.ReprOf(ctx, o.Impl)
	if d, ok := o.Impl.(object.Describer); ok {
		_, _ = d.Describe(ctx)
	}
	if items, ok := o.Impl.(itemObject); ok {
		keys, _ := items.Keys(ctx)
		for _, k := range append(keys, codec.Bytes("a")) {
			_ = items.SetItem(ctx, k, w)
			item, _ := items.GetItem(ctx, k)
			if item != nil {
				touch(t, ctx, item, text, depth+1)
			}
		}
	}
	a := asGoObject(o.Impl)
	if a == nil {
		return
	}
	names, _ := a.Dir(ctx)
	_, _ = a.Snapshot(ctx, names)
	for _, name := range names {
		_ = a.SetAttr(ctx, name, w)
		if v, err := a.GetAttr(ctx, name); err == nil {
			touch(t, ctx, v, text, depth+1)
		}
		for _, args := range [][]codec.Value{nil, {w}} {
			if v, err := a.CallAttr(ctx, name, args, nil); err == nil {
				touch(t, ctx, v, text, depth+1)
			}
		}
	}
}

// TestNothingTorn is for the race detector: of all that is served without a
// promise, peers together read no text that another is writing.
func TestNothingTorn(t *testing.T) {
	ctx := quiet(t)
	for _, m := range makes {
		o, err := ObjectOf(m.make())
		if errors.Is(err, ErrNoLock) {
			continue
		}
		t.Run(m.name, func(t *testing.T) { hammer(t, ctx, o) })
	}
}

// TestCallbackArguments: what Go code passes to a callback while it holds its
// lock is covered by that lock, which is not taken again.
func TestCallbackArguments(t *testing.T) {
	w := &withLock{Live: &[]string{""}, Items: map[string]*bare{"a": {}}}
	var heard []codec.Value
	r := &listener{heard: &heard}
	if err := Wrap(w).Impl.(object.AttrSetter).SetAttr(t.Context(), "heard", r); err != nil {
		t.Fatal(err)
	}
	w.Lock()
	w.Heard(w.Items["a"], w.Items)
	w.Unlock()
	if len(heard) != 2 {
		t.Fatalf("heard %v", heard)
	}
	if own := heard[0].(*object.Object).Impl.(*goObject).guard.write; own != sync.Locker(w) {
		t.Errorf("the argument has the lock %v", reflect.TypeOf(own))
	}
}

// listener is a callback that keeps its arguments.
type listener struct {
	remote
	heard *[]codec.Value
}

func (l *listener) Call(_ context.Context, args []codec.Value, _ map[string]codec.Value) (codec.Value, error) {
	*l.heard = args
	return codec.None{}, nil
}
