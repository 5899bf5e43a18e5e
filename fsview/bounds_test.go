//go:build linux

package fsview

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"nomfs/codec"
)

// TestBounded checks a table that is bounded in number and bytes.
func TestBounded(t *testing.T) {
	var gone []string
	b := newBounded(3, 100, func(k string, v int) { gone = append(gone, fmt.Sprint(k, v)) })
	put := func(k string, v, size int) { b.put(k, v, size) }
	put("a", 1, 10)
	put("b", 2, 10)
	put("c", 3, 10)
	b.get("a")
	put("d", 4, 10) // the number: b was used longest ago
	put("c", 5, 40)
	put("e", 6, 40) // both: a goes by the number
	put("f", 7, 60) // the bytes: d and c go
	b.resize("f", 90)
	b.resize("none", 1000)
	put("g", 8, 1000) // all others go, and it stays
	if got := strings.Join(gone, " "); got != "b2 a1 d4 c5 e6 f7" {
		t.Errorf("gone: %s", got)
	}
	if v, ok := b.peek("g"); v != 8 || !ok || b.len() != 1 || b.bytes != 1000 {
		t.Errorf("%d entries of %d bytes are left, g is %d, %v", b.len(), b.bytes, v, ok)
	}
	if b.remove("g"); b.bytes != 0 || len(b.all()) != 0 {
		t.Errorf("%d bytes are left of nothing", b.bytes)
	}
}

// longText is a text of n bytes.
func longText(n int) codec.Bytes { return codec.Bytes(strings.Repeat("x", n)) }

// numbered is the n-th of many references, with a home of some size.
func numbered(n, home int) codec.Ref {
	return codec.Ref{ID: codec.ID(strconv.Itoa(n)), Home: codec.NewHome(strings.Repeat("h", home), 1)}
}

// TestErrorsAreBounded fills what is remembered of errors.
func TestErrorsAreBounded(t *testing.T) {
	p := testPeer(t, newFake())
	for i := range 2000 {
		n := strconv.Itoa(i)
		size := 10
		if i%50 == 49 { // the last one, too
			size = 60_000
		}
		p.errors.add(n, "read", n, p.errorText(exc("Oops", longText(size)), opGet), time.Now())
		p.errors.addCaller(n, i, n)
	}
	for what, table := range map[string]*bounded[string, string]{"sessions": p.errors.sessions, "paths": p.errors.paths, "processes": p.errors.callers} {
		if table.len() > maxErrorPaths || table.bytes > table.maxBytes {
			t.Errorf("%d errors of %s, %d bytes", table.len(), what, table.bytes)
		}
	}
	if p.errors.ofSession("5") != "" || p.errors.ofPath("5") != "" || p.errors.ofCaller("5", 5) != "" {
		t.Error("the oldest are kept")
	}
	const last = "1999"
	if got := p.errors.ofPath(last); len(got) > maxErrorText+100 || !strings.Contains(got, "bytes)") {
		t.Errorf("a long error is %d bytes: %.100s", len(got), got)
	}
	if n, _ := p.errors.all.size(); n > maxLog {
		t.Errorf("the log has %d bytes", n)
	}
}

// TestCutText checks that a text is cut between characters.
func TestCutText(t *testing.T) {
	for text, want := range map[string]string{"": "", "four": "four", "fo\nré": "fo\nr… (6 bytes)", "fooé": "foo… (5 bytes)", "ééé": "éé… (6 bytes)"} {
		if got := cutText(text, 4); got != want {
			t.Errorf("cutText(%q) = %q, want %q", text, got, want)
		}
	}
}

// TestResultsAreBounded fills what is kept of calls.
func TestResultsAreBounded(t *testing.T) {
	table := newResultTable()
	key := func(i int) resultKey { return resultKey{"p", strconv.Itoa(i)} }
	call := func(i int) *pendingCall {
		return &pendingCall{key: key(i), done: make(chan struct{}), ended: time.Now()}
	}
	for i := range maxResults + 10 {
		c := call(i)
		table.begin(key(i), c)
		close(c.done)
		table.end(key(i), c, 1)
	}
	if table.get(key(1)) != nil || table.get(key(100)) == nil || table.calls.len() > maxResults {
		t.Errorf("%d results are kept", table.calls.len())
	}
	for i := range maxResults {
		c := call(i)
		table.begin(key(i), c)
		close(c.done)
		table.end(key(i), c, maxResult)
	}
	if table.calls.bytes > maxResultBytes {
		t.Errorf("%d bytes of results are kept", table.calls.bytes)
	}
	if table.sweep(time.Now().Add(2 * resultTime)); table.calls.len() != 0 || table.calls.bytes != 0 {
		t.Errorf("%d results are left, %d bytes", table.calls.len(), table.calls.bytes)
	}
	var running []*pendingCall
	for i := range maxCalls {
		c := call(i)
		if running = append(running, c); !table.begin(key(i), c) {
			t.Fatalf("call %d is refused", i)
		}
	}
	one := call(maxCalls)
	if table.begin(one.key, one) {
		t.Error("one call too many runs")
	}
	table.end(running[0].key, running[0], 0)
	if !table.begin(one.key, one) || table.running() != maxCalls {
		t.Errorf("no room after a call has ended: %d run", table.running())
	}
}

// TestManyCalls checks what a program hears of one call too many, and of a result
// that is too large.
func TestManyCalls(t *testing.T) {
	fake := demoFake()
	demo := fake.names["demo"].(codec.Ref)
	p := testPeer(t, fake)
	fake.objects[demo].methods["large"] = fake.method("large", func(context.Context, []codec.Value, map[string]codec.Value) (codec.Value, error) {
		return longText(60_000), nil
	})
	d := p.registered("demo", demo)
	m := newObjectDir(p, d, "demo/large", 2)
	m.from(member{dir: d, attr: "large"})
	m.method.Store(&codec.AttrInfo{Name: "large", Call: true})
	f := &callFile{node: node{p: p}, d: m}
	call := func(lines int) error {
		c := f.start(make([]callLine, lines), nil, resultKey{"demo/large/call", "x"}, caller{})
		<-c.done
		return c.err
	}
	if err := call(10); err != nil {
		t.Errorf("ten calls: %v", err)
	}
	if err := call(1000); !errors.Is(err, syscall.EFBIG) {
		t.Errorf("a thousand calls: %v", err)
	}
	if n := strings.Count(effects(fake.ops), "Call"); n > 10+maxResult/60_000+1 {
		t.Errorf("it was called %d times", n)
	}
	p.results.active = maxCalls
	if err := call(1); !errors.Is(err, syscall.EAGAIN) {
		t.Errorf("one call too many: %v", err)
	}
	p.results.active = 0
	if err := call(1); err != nil || p.results.running() != 0 {
		t.Errorf("later: %v, %d run", err, p.results.running())
	}
}

// TestReferencesAreBounded lets a peer hand out references without an end.
func TestReferencesAreBounded(t *testing.T) {
	for what, home := range map[string]int{"many": 10, "long": 10_000} {
		f := &releasing{fakeRemote: newFake()}
		p := testPeer(t, f)
		used := numbered(1, home)
		p.refs.retain(used)
		for i := range maxRefs + maxRefs/4 {
			if _, err := p.remote.got(codec.List{numbered(i, home)}, nil); err != nil {
				t.Fatal(err)
			}
			if p.idName(numbered(i, home)); home*i > 2*maxRefBytes {
				break
			}
		}
		if n := len(p.refs.refs); n > maxRefs || p.refs.bytes > maxRefBytes {
			t.Errorf("%s: %d references, %d bytes", what, n, p.refs.bytes)
		}
		if f.released.Load() == 0 || p.refs.refs[used] == nil {
			t.Errorf("%s: %d were given back; what is used is kept: %v", what, f.released.Load(), p.refs.refs[used] != nil)
		}
		if p.ids.len() > maxIDs || p.ids.bytes > maxRefBytes {
			t.Errorf("%s: %d names below .nom/obj, %d bytes", what, p.ids.len(), p.ids.bytes)
		}
		p.refs.drop(used)
		if p.giveBack(time.Now().Add(time.Hour)); len(p.refs.refs) != 0 || p.refs.bytes != 0 || p.ids.len() != 0 && what == "long" {
			t.Errorf("%s: %d references and %d bytes are left, and %d names", what, len(p.refs.refs), p.refs.bytes, p.ids.len())
		}
	}
}

// releasing counts what is given back.
type releasing struct {
	*fakeRemote
	released atomic.Int64
}

func (r *releasing) Release(refs ...codec.Ref) { r.released.Add(int64(len(refs))) }

// TestCallbackReferences lets a peer call a listener with references without an end.
func TestCallbackReferences(t *testing.T) {
	f := &releasing{fakeRemote: newFake()}
	p := testPeer(t, f)
	d := p.registered("x", numbered(0, 10))
	l := newListener(p, member{dir: d, attr: "on_change"}, "", false, true)
	const home = 10_000
	for i := range 2 * maxRefBytes / home {
		l.argText(t.Context(), []codec.Value{codec.List{numbered(i, home)}}, nil)
	}
	if n := len(p.refs.refs); p.refs.bytes > maxRefBytes || p.ids.len() > maxIDs || f.released.Load() == 0 {
		t.Errorf("%d references, %d bytes, %d names; %d given back", n, p.refs.bytes, p.ids.len(), f.released.Load())
	}
}

// TestReferencesInUse checks that a table full of what is used is not searched for
// room each time.
func TestReferencesInUse(t *testing.T) {
	p := testPeer(t, newFake())
	for i := range maxRefs + 1 {
		p.refs.retain(numbered(i, 0))
	}
	if !p.refs.isFull() {
		t.Fatal("it is not full")
	}
	p.makeRoom()
	if p.refs.isFull() || len(p.refs.refs) != maxRefs+1 {
		t.Errorf("%d references, full again at once: %v", len(p.refs.refs), p.refs.isFull())
	}
}

// TestObjectsAreBounded lets a peer have objects, values and names without an end.
func TestObjectsAreBounded(t *testing.T) {
	attr := func(i int) string { return "." + strconv.Itoa(i) }
	for what, fill := range map[string]func(p *peer){
		"objects": func(p *peer) {
			for i := range 4 * maxObjects {
				p.object(numbered(i, 10))
			}
		},
		"long names of objects": func(p *peer) {
			for i := range maxObjects {
				p.object(numbered(i, 60_000))
			}
		},
		"values of many objects": func(p *peer) {
			for i := range maxObjects {
				p.object(numbered(i, 10)).store(attr(0), longText(60_000), p.stamp())
			}
		},
		"values of one object": func(p *peer) {
			for i := range 2 * maxKept / 60_000 {
				p.object(numbered(0, 10)).store(attr(i), longText(60_000), p.stamp())
			}
		},
		"small values": func(p *peer) {
			list := make(codec.List, 60_000)
			for i := range list {
				list[i] = codec.None{}
			}
			for i := range 100 {
				p.object(numbered(i/2, 10)).store(attr(i), list, p.stamp())
			}
		},
		"names found": func(p *peer) {
			for i := range 100 {
				for j := range 2 * maxLearnt / 10 {
					p.object(numbered(i, 10)).learnAttr(fmt.Sprintf("%0255d", j), true)
					p.object(numbered(i, 10)).learnKey(codec.Bytes(fmt.Sprintf("%0255d", j)), true)
				}
			}
		},
	} {
		p := testPeer(t, newFake())
		fill(p)
		if n, bytes := p.objects.usage(); n > maxObjects || bytes > maxKept {
			t.Errorf("%s: %d objects, %d bytes", what, n, bytes)
		}
		sum := 0
		for _, o := range p.objects.all() {
			sum += o.memSize()
			if o.size.vals > maxKeptValues+1<<20 || len(o.learntAttrs) > maxLearnt {
				t.Errorf("%s: an object keeps %d bytes of values and %d names", what, o.size.vals, len(o.learntAttrs))
			}
		}
		if _, bytes := p.objects.usage(); sum != bytes {
			t.Errorf("%s: %d bytes are counted, and %d are there", what, bytes, sum)
		}
		// What is forgotten is known again when it is used.
		o := p.object(numbered(1<<20, 0))
		o.store(attr(0), codec.Int(1), p.stamp())
		if v, ok := p.object(o.ref).fresh(attr(0)); !ok || !codec.Equal(v, codec.Int(1)) {
			t.Errorf("%s: a newcomer is %v, %v", what, v, ok)
		}
		p.objects.sweep(time.Now().Add(time.Hour))
		for _, o := range p.objects.all() {
			for _, c := range o.vals {
				if c.memSize != 0 {
					t.Fatalf("%s: a value is kept for ever", what)
				}
			}
		}
	}
}

// TestForgottenObject goes on using an object that the table has forgotten.
func TestForgottenObject(t *testing.T) {
	fake := demoFake()
	p := testPeer(t, fake)
	d := p.registered("demo", fake.names["demo"].(codec.Ref))
	m := member{dir: d, attr: "number"}
	old := d.known()
	fill := func() {
		for i := range 2 * maxObjects {
			p.object(numbered(i, 0))
		}
	}
	fill()
	if !old.gone.Load() {
		t.Fatal("it is not forgotten")
	}
	old.store(m.id(), codec.Int(5), p.stamp()) // an answer that was on its way
	if v, ok := m.fresh(); !ok || !codec.Equal(v, codec.Int(5)) {
		t.Errorf("the directory knows %v, %v", v, ok)
	}
	if taken := m.deletions(); taken != 0 {
		t.Errorf("of an attribute %d items were deleted", taken)
	}
	item := member{dir: d, key: codec.Int(0), name: "0"}
	before := item.deletions()
	fill()
	if item.deletions() == before {
		t.Error("whether items were deleted is not asked again")
	}
	for range 3 {
		if _, err := m.value(t.Context()); err != nil {
			t.Error(err)
		}
		fill()
	}
	if n, bytes := p.objects.usage(); n > maxObjects || bytes > maxKept {
		t.Errorf("%d objects, %d bytes", n, bytes)
	}
}
