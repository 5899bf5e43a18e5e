package nomcore

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"runtime"
	"sync"
	"testing"

	"nomfs/codec"
	"nomfs/nomcore/object"
)

// wrapped is a Go value that the tests serve.
type wrapped struct {
	sync.Mutex
	Num      int
	Link     *wrapped
	OnChange func(string)
	Ask      func(context.Context, int) (string, error)
}

func (w *wrapped) Add(a, b int) int { return a + b }
func (w *wrapped) Panic()           { panic("oops") }
func (w *wrapped) Exit()            { runtime.Goexit() }

// lockless has a method and a field that peers can set, but no lock.
type lockless struct{ Text string }

func (l *lockless) Length() int { return len(l.Text) }

// TestRegisterRefuses what needs a lock and has none, unless it is Unlocked.
func TestRegisterRefuses(t *testing.T) {
	s := newPair(t, newBag(nil), func(*Config) {}).server
	if err := s.Register("bad", &lockless{}); !errors.Is(err, ErrNoLock) {
		t.Errorf("Register = %v, want ErrNoLock", err)
	}
	if err := s.Register("bad", Unlocked(&lockless{})); err != nil {
		t.Error(err)
	}
}

// TestWrappedOverTheWire: a wrapped value, used from another peer.
func TestWrappedOverTheWire(t *testing.T) {
	for _, mode := range []struct {
		name string
		edit func(*Config)
	}{{"original", plainOnly}, {"extended", func(*Config) {}}} {
		t.Run(mode.name, func(t *testing.T) {
			g := &wrapped{}
			g.Link = g
			p := newPair(t, newBag(nil), mode.edit)
			if err := p.server.Register("g", g); err != nil {
				t.Fatal(err)
			}
			peer, ref := connect(t, p.client, serverAddr, "g")
			ctx := object.WithLog(t.Context(), slog.New(slog.DiscardHandler))

			link, err := peer.GetAttr(ctx, ref, "link")
			if link != codec.Value(ref) {
				t.Errorf("a pointer to the object is %v, %v", link, err)
			}
			add1, _ := peer.GetAttr(ctx, ref, "add")
			add2, err := peer.GetAttr(ctx, ref, "add")
			if add1 != add2 {
				t.Errorf("one method is %v and %v, %v", add1, add2, err)
			}
			v, err := peer.Call(ctx, add1.(codec.Ref), []codec.Value{codec.Int(2), codec.Int(3)}, nil)
			if err != nil || v != codec.Value(codec.Int(5)) {
				t.Errorf("add(2, 3) = %v, %v", v, err)
			}
			err = peer.SetAttr(ctx, ref, "num", codec.Bytes("x"))
			if err == nil || err.Error() != "TypeError: attribute 'num': expected int, got text 'x'" {
				t.Errorf("a text for a number: %v", err)
			}
			if _, err = peer.GetAttr(ctx, ref, "nope"); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("a missing attribute: %v", err)
			}
			for _, name := range []string{"panic", "exit"} {
				f, err := peer.GetAttr(ctx, ref, name)
				if err != nil {
					t.Fatal(err)
				}
				if _, err = peer.Call(ctx, f.(codec.Ref), nil, nil); err == nil {
					t.Errorf("%s() is no error", name)
				}
			}

			called := make(chan string, 1)
			callback := Wrap(func(s string) { called <- s })
			if err := peer.SetAttr(ctx, ref, "on_change", callback); err != nil {
				t.Fatal(err)
			}
			g.OnChange("now")
			if got := <-called; got != "now" {
				t.Errorf("the callback got %q", got)
			}
			if back, err := peer.GetAttr(ctx, ref, "on_change"); back != codec.Value(callback) {
				t.Errorf("the callback comes back as %v, %v", back, err)
			}
			ask := Wrap(func(n int) (string, error) {
				if n == 0 {
					return "", fs.ErrNotExist
				}
				return "yes", nil
			})
			if err := peer.SetAttr(ctx, ref, "ask", ask); err != nil {
				t.Fatal(err)
			}
			if text, err := g.Ask(ctx, 1); text != "yes" || err != nil {
				t.Errorf("ask(1) = %q, %v", text, err)
			}
			var remote *RemoteError
			if _, err := g.Ask(ctx, 0); !errors.As(err, &remote) {
				t.Errorf("ask(0): %v", err)
			}
		})
	}
}
