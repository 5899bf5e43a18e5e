package nomcore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"nomfs/codec"
)

// twins are two fields that are always equal.
type twins struct {
	sync.Mutex
	A, B int
	Sub  struct{ X int }
	Now  func() int `nom:",getter"`
}

func (t *twins) Add(n int) {
	t.Lock()
	defer t.Unlock()
	t.A += n
	t.B += n
}

func TestSnapshotIsConsistent(t *testing.T) {
	x := &twins{Now: func() int { return 1 }}
	p := newPair(t, Wrap(x).Impl)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				x.Add(1)
			}
		}
	})
	for range 200 {
		m, err := p.peer.Snapshot(context.Background(), p.ref)
		if err != nil {
			t.Fatal(err)
		}
		if len(m) != 2 || !codec.Equal(m["a"], m["b"]) {
			t.Fatalf("snapshot %v, want a and b, equal", m)
		}
	}
	close(stop)
	wg.Wait()
	m, err := p.peer.Snapshot(context.Background(), p.ref, "b", "missing")
	if err != nil || len(m) != 1 || m["b"] == nil {
		t.Errorf("asked for b: %v, %v", m, err)
	}
}

// A thousand small attributes take a few datagrams.
func TestSnapshotOfMany(t *testing.T) {
	const n = 1000
	x := &large{}
	attrs := make(map[string]codec.Value, n)
	for i := range n {
		name := fmt.Sprintf("attribute_%04d", i)
		x.names = append(x.names, name)
		attrs[name] = codec.Int(i)
	}
	b := newBag(attrs)
	p := newPair(t, struct {
		*large
		*bag
	}{x, b})
	sent := p.client.requests()
	m, err := p.peer.Snapshot(context.Background(), p.ref)
	if err != nil || len(m) != n || m["attribute_0999"] != codec.Value(codec.Int(999)) {
		t.Fatalf("%d attributes, %v", len(m), err)
	}
	if _, err := p.peer.Describe(context.Background(), p.ref); err != nil {
		t.Fatal(err)
	}
	const most = 10
	if cost := p.client.requests() - sent; cost > most {
		t.Errorf("%d requests", cost)
	}
}

func TestCallAttr(t *testing.T) {
	x := &twins{}
	for _, mode := range []struct {
		name string
		edit func(*Config)
		cost uint64
	}{{"original", plainOnly, 2}, {"extended", func(*Config) {}, 1}} {
		t.Run(mode.name, func(t *testing.T) {
			p := newPair(t, Wrap(x).Impl, mode.edit)
			before, sent := x.A, p.client.requests()
			v, err := p.peer.CallAttr(context.Background(), p.ref, "add", []codec.Value{codec.Int(3)}, nil)
			if err != nil || v.Kind() != codec.KindNone || x.A != before+3 {
				t.Errorf("add(3) = %v, %v, a is %d", v, err, x.A)
			}
			if cost := p.client.requests() - sent; cost != mode.cost {
				t.Errorf("%d requests, want %d", cost, mode.cost)
			}
			for name, class := range map[string]string{"a": "TypeError", "nope": "AttributeError"} {
				_, err := p.peer.CallAttr(context.Background(), p.ref, name, nil, nil)
				var remote *RemoteError
				if !errors.As(err, &remote) || remote.Class != class {
					t.Errorf("calling %s: %v, want %s", name, err, class)
				}
			}
		})
	}
}
