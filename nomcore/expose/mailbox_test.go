package expose

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"nomfs/codec"
	"nomfs/nomcore"
)

func TestMailbox(t *testing.T) {
	e := expose(t, "[objects.inbox]\nmailbox = 3\n")
	o, _ := e.served.Object("inbox")
	box := o.Impl.(nomcore.Follower)
	r, err := e.peer.Resolve(context.Background(), "inbox")
	if err != nil {
		t.Fatal(err)
	}
	send := func(args ...codec.Value) {
		t.Helper()
		v, err := e.peer.Call(context.Background(), r.(codec.Ref), args, map[string]codec.Value{"n": codec.Int(5)})
		wants(t, "the call", v, err, "None")
	}
	type answer struct {
		lines []string
		next  uint64
		err   error
	}
	waiting := make(chan answer, 1)
	go func() {
		lines, next, err := box.Follow(context.Background(), 0)
		waiting <- answer{lines, next, err}
	}()
	send(str("two\nlines"), codec.Int(1))
	a := <-waiting
	if a.err != nil || a.next != 1 || len(a.lines) != 1 || !strings.HasPrefix(a.lines[0], "1 ") || !strings.HasSuffix(a.lines[0], ` 'two\nlines', 1, n=5`) {
		t.Errorf("what was awaited is %q, %d, %v", a.lines, a.next, a.err)
	}
	for i := range 5 {
		send(codec.Int(i))
	}
	lines, next, err := box.Follow(context.Background(), 1)
	if err != nil || next != 6 || len(lines) != 4 || !strings.HasPrefix(lines[0], "lost 2: the calls 2 to 3 ") ||
		!strings.HasPrefix(lines[1], "4 ") || !strings.HasSuffix(lines[3], " 4, n=5") {
		t.Errorf("after an overflow: %q, %d, %v", lines, next, err)
	}
	v, err := e.get("inbox.dropped")
	wants(t, "dropped", v, err, "3")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, _, err := box.Follow(ctx, 6); !errors.Is(err, context.Canceled) {
		t.Errorf("who does not wait any more gets %v", err)
	}
	go func() {
		lines, next, err := box.Follow(context.Background(), 6)
		waiting <- answer{lines, next, err}
	}()
	e.served.Close()
	if a := <-waiting; !errors.Is(a.err, io.EOF) {
		t.Errorf("in the end there is %v", a)
	}
}

// Names of keywords come from others, and are for a terminal.
func TestMailboxNames(t *testing.T) {
	m := &mailbox{keep: 2, more: make(chan struct{})}
	if _, err := m.Call(context.Background(), nil, map[string]codec.Value{"\x1b[2J": codec.Int(1), "k": codec.Int(2), "a\r\n3 line": codec.Int(3)}); err != nil {
		t.Fatal(err)
	}
	lines, _, err := m.Follow(context.Background(), 0)
	if want := `'\x1b[2J'=1, 'a\r\n3 line'=3, k=2`; err != nil || len(lines) != 1 || !strings.HasSuffix(lines[0], " - "+want) {
		t.Errorf("the line is %q, %v, want %s", lines, err, want)
	}
}

// TestMailboxLosesNothing: several follow while several call.
func TestMailboxLosesNothing(t *testing.T) {
	const callers, calls = 4, 200
	m := &mailbox{keep: callers * calls, more: make(chan struct{})}
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for i := range calls {
				if _, err := m.Call(context.Background(), []codec.Value{codec.Int(i)}, nil); err != nil {
					t.Error(err)
				}
			}
		})
		all.Go(func() {
			seen, after := 0, uint64(0)
			for seen < callers*calls {
				lines, next, err := m.Follow(context.Background(), after)
				if err != nil || next != after+uint64(len(lines)) {
					t.Errorf("after %d: %d lines, next %d, %v", after, len(lines), next, err)
					return
				}
				seen, after = seen+len(lines), next
			}
		})
	}
	all.Wait()
}

// TestReloadMailbox: one that is to keep more, or less, has its calls, those
// who follow it and those who call it.
func TestReloadMailbox(t *testing.T) {
	ctx := context.Background()
	config := "[objects.app]\ninbox = { mailbox = %d, doc = 'of %[1]d' }\n[objects.app.attrs]\nplain = { %s }"
	e := expose(t, fmt.Sprintf(config, 3, "mailbox = 1"))
	inbox, _ := e.at("app.inbox.x")
	plain, _ := e.at("app.plain.x")
	box, _ := e.served.Object("app")
	o, err := box.Impl.(nomcore.AttrGetter).GetAttr(ctx, "inbox")
	if err != nil {
		t.Fatal(err)
	}
	follower := o.(*nomcore.Object).Impl.(nomcore.Follower)
	after, told := uint64(0), 0
	for _, tt := range []struct {
		keep           int
		lines, dropped int // of two more calls
	}{{3, 2, 0}, {10, 2, 0}, {4, 2, 2}, {1, 2, 7}} {
		e.write(fmt.Sprintf(config, tt.keep, "value = 1"))
		if err := e.served.Reload(); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			v, err := e.peer.Call(ctx, inbox, nil, nil)
			wants(t, "a call", v, err, "None")
		}
		v, err := e.peer.GetAttr(ctx, inbox, "dropped")
		wants(t, fmt.Sprintf("dropped by one of %d", tt.keep), v, err, fmt.Sprint(tt.dropped))
		lines, next, err := follower.Follow(ctx, after)
		if err != nil || len(lines) != tt.lines {
			t.Errorf("one of %d: %q, %v", tt.keep, lines, err)
		}
		after, told = next, told+len(lines)
	}
	if after != 8 {
		t.Errorf("the last call is %d", after)
	}
	d, err := e.peer.Describe(ctx, inbox)
	if err != nil || d.Doc != "of 1" {
		t.Errorf("it is said to be %q, %v", d.Doc, err)
	}
	if _, err := e.peer.GetAttr(ctx, plain, "total"); !errors.Is(err, nomcore.ErrStale) {
		t.Errorf("one that became something else: %v", err)
	}
}
