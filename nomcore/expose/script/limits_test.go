package script

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"nomfs/codec"
	"nomfs/nomcore"
)

// TestMemoryIsBounded runs what makes much of little. Each must end soon, with
// a MemoryError or for the steps that it takes.
func TestMemoryIsBounded(t *testing.T) {
	for _, tt := range []struct{ name, body, class string }{
		{"text", "'a' * (1000 * 1000 * 1000)", "MemoryError"},
		{"text, other way", "(1000 * 1000 * 1000) * 'a'", "MemoryError"},
		{"bytes", "b'a' * (1 << 40)", "MemoryError"},
		{"list", "[0] * (1000 * 1000 * 1000)", "MemoryError"},
		{"tuple", "(0,) * (1 << 100)", "MemoryError"},
		{"square", "grow(lambda x: x * x, 7)", "MemoryError"},
		{"double text", "grow(lambda x: x + x, 'a')", "MemoryError"},
		{"double list", "grow(lambda x: x + x, [1])", "MemoryError"},
		{"double in place", "inplace([1])", "MemoryError"},
		{"extend", "extend([1])", "MemoryError"},
		{"slices", "[l[:] for l in [list(range(100000))] for i in range(1000)]", "MemoryError"},
		{"format", "grow(lambda x: '%s%s' % (x, x), 'a')", "MemoryError"},
		{"format method", "grow(lambda x: '{0}{0}{0}'.format(x), 'a')", "MemoryError"},
		{"replace", "('a' * 100000).replace('a', 'b' * 100000)", "MemoryError"},
		{"replace nothing", "('a' * 100000).replace('', 'b' * 100000)", "MemoryError"},
		{"join", "'-'.join(['a' * 100000] * 10000)", "MemoryError"},
		{"split", "[('a ' * 10000).split(' ') for i in range(1000)]", "MemoryError"},
		{"lists", "[list(range(100000)) for i in range(1000)]", "MemoryError"},
		{"sorted", "[sorted(range(100000)) for i in range(1000)]", "MemoryError"},
		{"repr", "str(grow(lambda x: [x, x], [], 60))", "MemoryError"},
		{"repr in a format", "'%s' % grow(lambda x: [x, x], [], 60)", "TypeError"},
		{"repr of a pair in a format", "'%s' % (grow(lambda x: [x, x], [], 60),)", "MemoryError"},
		{"json", "json.encode(grow(lambda x: [x, x], [], 60))", "MemoryError"},
		{"print", "print(grow(lambda x: [x, x], [], 60))", "MemoryError"},
		{"key", "{}[grow(lambda x: [x, x], [], 60)]", "TypeError"},
		{"method by getattr", "getattr('a' * 100000, 'replace')('a', 'b' * 100000)", "MemoryError"},
		{"method in a variable", "[f('a', 'b' * 100000) for f in [('a' * 100000).replace]]", "MemoryError"},
		{"fail", "fail('a' * 1000000)", "RuntimeError"},
		{"range", "min(range(1 << 60))", "ValueError"},
		{"number", "int('9' * 1000000)", "MemoryError"},
		{"shift", "grow(lambda x: x << 511, 1, 4000000)", "MemoryError"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newScript("logic.star", Env{Timeout: 20 * time.Second, Steps: 1_000_000})
			defer s.Close()
			s.memory = 8 << 20 // less than what there is, so that it is soon used up
			if err := s.load([]byte(`
def grow(f, x, n = 1000):
    for i in range(n): x = f(x)
    return x
def inplace(l):
    for i in range(1000): l += l
def extend(l):
    for i in range(1000): l.extend(l)
def f(): return ` + tt.body + "\n")); err != nil {
				t.Fatal(err)
			}
			started := time.Now()
			_, err := call(t, s, "f")
			exc := nomcore.ExceptionOf(err)
			if err == nil || exc.Class != tt.class && !(tt.class == "TypeError" && exc.Class == "MemoryError") {
				t.Errorf("%.200v, want a %s", err, tt.class)
			}
			if len(exc.Error()) > 2*maxMessage {
				t.Errorf("an error of %d bytes", len(exc.Error()))
			}
			if took := time.Since(started); took > 15*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

const endless = `
state = {"n": 0}
def forever():
    while True: pass
def keep():
    state["n"] += 1
    print("mine")
    while True: pass
def count():
    state["n"] += 1
    return state["n"]
def ok(): return 1
`

// printed passes on that a script has printed.
type printed chan struct{}

func (p printed) Write(b []byte) (int, error) {
	p <- struct{}{}
	return len(b), nil
}

func TestStepLimit(t *testing.T) {
	s := load(t, endless, Env{Steps: 10_000})
	_, err := call(t, s, "forever")
	exc := nomcore.ExceptionOf(err)
	if exc.Class != "RuntimeError" || !strings.Contains(exc.Error(), "forever() takes more than 10000 steps (logic.star:") {
		t.Errorf("%v", err)
	}
	if v, err := call(t, s, "ok"); err != nil || !codec.Equal(v, codec.Int(1)) {
		t.Errorf("afterwards: %v, %v", v, err)
	}
}

// manySteps is more than run in any timeout here.
const manySteps = 1 << 60

func TestTimeout(t *testing.T) {
	s := load(t, endless, Env{Steps: manySteps, Timeout: 50 * time.Millisecond})
	_, err := call(t, s, "forever")
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "forever() takes too long (logic.star:") {
		t.Errorf("%v", err)
	}
	if exc := nomcore.ExceptionOf(err); exc.Class != "IOError" || !strings.Contains(exc.Error(), "forever()") {
		t.Errorf("peers get %v", exc)
	}
}

func TestCancel(t *testing.T) {
	s := load(t, endless, Env{Steps: manySteps, Timeout: time.Hour})
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(10*time.Millisecond, cancel)
	if _, err := callIn(ctx, t, s, "forever"); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// TestStateIsFreeAfterAnError checks that a call that ends badly leaves the
// state to others.
func TestStateIsFreeAfterAnError(t *testing.T) {
	s := load(t, endless, Env{Steps: 10_000})
	if _, err := call(t, s, "keep"); err == nil {
		t.Fatal("an endless call ended well")
	}
	if v, err := call(t, s, "count"); err != nil || !codec.Equal(v, codec.Int(2)) {
		t.Errorf("%v, %v", v, err)
	}
}

// TestWaitForTheState checks that those who wait for the state give up when
// their time is over, and that those who do not need it do not wait.
func TestWaitForTheState(t *testing.T) {
	printed := make(printed)
	s := load(t, endless, Env{Steps: manySteps, Timeout: time.Minute, Log: slog.New(slog.NewTextHandler(printed, nil))})
	ctx, cancel := context.WithCancel(context.Background())
	keeping := make(chan error)
	go func() {
		_, err := callIn(ctx, t, s, "keep")
		keeping <- err
	}()
	<-printed
	if v, err := call(t, s, "ok"); err != nil || !codec.Equal(v, codec.Int(1)) {
		t.Errorf("without the state: %v, %v", v, err)
	}
	short, done := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer done()
	if _, err := callIn(short, t, s, "count"); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "waited too long for the state") {
		t.Errorf("with the state: %v", err)
	}
	if _, err := s.Object().Impl.(nomcore.AttrGetter).GetAttr(short, "state"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the state itself: %v", err)
	}
	cancel()
	if err := <-keeping; !errors.Is(err, context.Canceled) {
		t.Errorf("the keeper: %v", err)
	}
	if v, err := call(t, s, "count"); err != nil || !codec.Equal(v, codec.Int(2)) {
		t.Errorf("afterwards: %v, %v", v, err)
	}
}

func TestClose(t *testing.T) {
	printed := make(printed)
	s := load(t, endless, Env{Steps: manySteps, Timeout: time.Hour, Log: slog.New(slog.NewTextHandler(printed, nil))})
	f := function(t, s, "ok")
	ended := make(chan error)
	go func() {
		_, err := callIn(context.Background(), t, s, "keep")
		ended <- err
	}()
	<-printed
	s.Close()
	if err := <-ended; nomcore.ExceptionOf(err).Class != "ReferenceError" {
		t.Errorf("the call that ran: %v", err)
	}
	if _, err := f.Call(context.Background(), nil, nil); nomcore.ExceptionOf(err).Class != "ReferenceError" {
		t.Errorf("a call afterwards: %v", err)
	}
	s.Close() // once more is harmless
}

// TestScriptsInCircles checks that scripts that call each other without end
// are stopped.
func TestScriptsInCircles(t *testing.T) {
	var a, b *Script
	env := Env{Objects: func(name string) (any, bool) {
		switch name {
		case "a":
			return a.Object(), true
		case "b":
			return b.Object(), true
		}
		return nil, false
	}}
	a = load(t, "state = {'n': 0}\ndef f():\n    state['n'] += 1\n    return objects.b.f()\n", env)
	b = load(t, "def f(): return objects['a'].f()\n", env)
	_, err := call(t, a, "f")
	if exc := nomcore.ExceptionOf(err); exc.Class != "RuntimeError" || !strings.Contains(exc.Error(), "wait for each other") {
		t.Errorf("%v", err)
	}
	if v := get(t, a, "state"); !codec.Equal(v, literal(t, "{'n': 16}")) {
		t.Errorf("state is %v", v)
	}
}

// stubborn is an object that does not heed its context.
type stubborn struct{ release chan struct{} }

func (o stubborn) GetAttr(context.Context, string) (codec.Value, error) {
	<-o.release
	return codec.None{}, nil
}

func TestObjectThatDoesNotAnswer(t *testing.T) {
	o := stubborn{make(chan struct{})}
	defer close(o.release)
	s := load(t, "state = []\ndef f():\n    state.append(1)\n    return objects.x.y\n", Env{
		Timeout: 50 * time.Millisecond,
		Objects: func(string) (any, bool) { return &nomcore.Object{Impl: o}, true },
	})
	if _, err := call(t, s, "f"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	if v := get(t, s, "state"); !codec.Equal(v, literal(t, "[1]")) {
		t.Errorf("state is %v", v)
	}
}

// TestCheapWorkIsNotCounted checks that what takes no memory does not run into
// the limit.
func TestCheapWorkIsNotCounted(t *testing.T) {
	s := newScript("logic.star", Env{Timeout: time.Minute})
	defer s.Close()
	s.memory = 16 << 10
	if err := s.load([]byte(`
def f():
    n, l, d, text = 0, list(range(300)), {}, "some text "
    for i in range(300):
        for x in l:
            n += x % 7 - 2
        d[i % 5] = n
        l[i] = l[-1] + 1
        text.strip().startswith("some")
    return n > 0
`)); err != nil {
		t.Fatal(err)
	}
	if v, err := call(t, s, "f"); err != nil || !codec.Equal(v, codec.Bool(true)) {
		t.Errorf("%v, %v", v, err)
	}
}

// TestCallWhileLoading checks that a function that the top level gives away
// does not run beside it.
func TestCallWhileLoading(t *testing.T) {
	var early error
	taker := nomcore.Func(func(ctx context.Context, f codec.Value) {
		_, early = f.(*nomcore.Object).Impl.(nomcore.Caller).Call(ctx, nil, nil)
	})
	s := load(t, "def f(): return 1\nobjects.take(f)\n", Env{Objects: func(string) (any, bool) { return taker, true }})
	if exc := nomcore.ExceptionOf(early); exc.Class != "RuntimeError" || !strings.Contains(exc.Error(), "not loaded yet") {
		t.Errorf("a call while loading: %v", early)
	}
	if v, err := call(t, s, "f"); err != nil || !codec.Equal(v, codec.Int(1)) {
		t.Errorf("afterwards: %v, %v", v, err)
	}
}
