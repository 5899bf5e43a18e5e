package nomcore

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"nomfs/codec"
	"nomfs/nomcore/object"
)

// The session was recorded between two original peers: the server at port
// 12074, the client at 12075. "send" is what the client sent.
const (
	sessionFile = "testdata/session.jsonl"
	serverAddr  = "127.0.0.1:12074"
	clientAddr  = "127.0.0.1:12075"

	idX        = "140271492164688"
	idCallback = "139834735131856" // at the client
)

type traceLine struct {
	fromClient bool
	b          []byte
}

func readSession(t *testing.T) []traceLine {
	t.Helper()
	f, err := os.Open(sessionFile)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var lines []traceLine
	sc := bufio.NewScanner(f)
	for sc.Scan() {
		var l struct{ Dir, Hex string }
		if err := json.Unmarshal(sc.Bytes(), &l); err != nil {
			t.Fatal(err)
		}
		b, err := hex.DecodeString(l.Hex)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, traceLine{l.Dir == "send", b})
	}
	if err := sc.Err(); err != nil || len(lines) != 82 {
		t.Fatalf("%d lines, %v; want 82", len(lines), err)
	}
	return lines
}

// sequence returns the given ids one after the other.
func sequence(t *testing.T, ids ...codec.ID) func() objectID {
	var mu sync.Mutex
	return func() objectID {
		mu.Lock()
		defer mu.Unlock()
		if len(ids) == 0 {
			t.Error("more objects were given out than the original gave")
			return randomObjectID()
		}
		id, ok := parseObjectID(ids[0])
		if !ok {
			t.Errorf("%s is no id", ids[0])
		}
		ids = ids[1:]
		return id
	}
}

// fn is a callable.
type fn func(ctx context.Context, args []codec.Value, kw map[string]codec.Value) (codec.Value, error)

func (f fn) Call(ctx context.Context, args []codec.Value, kw map[string]codec.Value) (codec.Value, error) {
	return f(ctx, args, kw)
}

// sessionX is the object X of the recorded session.
type sessionX struct {
	self  *Object
	mu    sync.Mutex
	attrs map[string]codec.Value
}

func newSessionX() *Object {
	x := &sessionX{attrs: map[string]codec.Value{
		"n": codec.Int(5), "name": codec.Bytes("hello"), "u": codec.Text("héllo"),
		"f": codec.Float(1.5), "none": codec.None{}, "t": codec.Bool(true),
		"l": codec.List{codec.Int(1), codec.Int(2), codec.MapOf(map[string]codec.Value{
			"a": codec.Tuple{codec.Int(1), codec.Int(2)}})},
		"items": codec.MapOf(map[string]codec.Value{"k": codec.Int(1)}),
	}}
	x.self = &Object{Impl: x}
	return x.self
}

func (x *sessionX) GetAttr(_ context.Context, name string) (codec.Value, error) {
	method := func(f fn) (codec.Value, error) { return &Object{Impl: f}, nil } // new each time
	switch name {
	case "add":
		return method(func(_ context.Context, a []codec.Value, kw map[string]codec.Value) (codec.Value, error) {
			y := codec.Int(2)
			if v, ok := kw["y"]; ok {
				y = v.(codec.Int)
			}
			return a[0].(codec.Int) + y, nil
		})
	case "b":
		return method(func(context.Context, []codec.Value, map[string]codec.Value) (codec.Value, error) {
			return x.self, nil
		})
	case "boom":
		return method(func(context.Context, []codec.Value, map[string]codec.Value) (codec.Value, error) {
			return nil, codec.Exception{Class: "ValueError", Args: codec.Tuple{codec.Bytes("bad"), codec.Int(3)}}
		})
	case "fire":
		return method(func(ctx context.Context, a []codec.Value, kw map[string]codec.Value) (codec.Value, error) {
			x.mu.Lock()
			cb := x.attrs["cb"].(*Proxy)
			x.mu.Unlock()
			return cb.Call(ctx, a, kw)
		})
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if v, ok := x.attrs[name]; ok {
		return v, nil
	}
	return nil, object.NoAttr("X", name)
}

func (x *sessionX) SetAttr(_ context.Context, name string, v codec.Value) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.attrs[name] = v
	return nil
}

func (x *sessionX) DelAttr(_ context.Context, name string) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.attrs, name)
	return nil
}

func (x *sessionX) GetItem(_ context.Context, key codec.Value) (codec.Value, error) {
	return codec.Tuple{codec.Bytes("item"), key}, nil
}

func (x *sessionX) SetItem(context.Context, codec.Value, codec.Value) error { return nil }
func (x *sessionX) Len(context.Context) (int, error)                        { return 42, nil }
func (x *sessionX) Repr(context.Context) (string, error)                    { return "<X n=5>", nil }
func (x *sessionX) Str(context.Context) (string, error)                     { return "X!", nil }

// receiveOne waits for the next datagram at a socket that the test plays.
func receiveOne(t *testing.T, c *memConn) []byte {
	t.Helper()
	select {
	case d := <-c.in:
		return d.b
	case <-time.After(5 * time.Second):
		t.Fatal("nothing was sent")
		return nil
	}
}

// TestReplayServer plays the original client; every byte that our service
// sends must be the one that the original server sent.
func TestReplayServer(t *testing.T) {
	lines := readSession(t)
	net := newMemNet()
	s := net.newService(t, serverAddr, plainOnly)
	s.reg.newID = sequence(t, idX, "140271493814784", "140271485994640", "140271493855664",
		"140271485994720", "140271485994880")
	s.nextXID.Store(0)
	for _, x := range []struct {
		name string
		obj  any
	}{{"sys", 1}, {"X", newSessionX()}, {"lst", 2}, {"dir", 3}} {
		if err := s.Register(x.name, x.obj); err != nil {
			t.Fatal(err)
		}
	}
	client := net.listen(t, clientAddr)
	to := netip.MustParseAddrPort(serverAddr)
	verbatim := 0
	for i, l := range lines {
		if l.fromClient {
			client.net.deliver(client.addr, to, l.b)
			continue
		}
		got, want := receiveOne(t, client), l.b
		if bytes.Contains(lines[i-1].b, []byte("SetAttr")) && bytes.Contains(lines[i-1].b, []byte(idCallback)) {
			// The original makes a reference of its own of the one it was
			// sent, and echoes that. We echo what was sent.
			want = echoWithNone(t, lines[i-1].b)
			verbatim++
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("line %d:\n got %x\nwant %x", i+1, got, want)
		}
	}
	if verbatim != 1 {
		t.Errorf("%d lines echo a reference, want 1", verbatim)
	}
}

// echoWithNone is the answer None to a request, with the request repeated.
func echoWithNone(t *testing.T, req []byte) []byte {
	t.Helper()
	pkt, err := parsePacket(req)
	if err != nil {
		t.Fatal(err)
	}
	pkt.attrs = append(pkt.attrs, codec.Attr{Name: attrResult, Value: codec.None{}})
	sortAttrs(pkt.attrs)
	b, err := pkt.append(nil, &codec.Encoder{})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestReplayClient plays the original server; every byte that our client
// sends must be the one that the original client sent, and what it makes of
// the answers is checked too.
func TestReplayClient(t *testing.T) {
	lines := readSession(t)
	net := newMemNet()
	s := net.newService(t, clientAddr, plainOnly)
	s.nextXID.Store(0)
	s.reg.newID = sequence(t, idCallback)
	server := net.listen(t, serverAddr)
	to := netip.MustParseAddrPort(clientAddr)

	trace := make(chan error, 1)
	go func() {
		trace <- func() error {
			for i, l := range lines {
				if !l.fromClient {
					server.net.deliver(server.addr, to, l.b)
					continue
				}
				select {
				case d := <-server.in:
					if !bytes.Equal(d.b, l.b) {
						return fmt.Errorf("line %d:\n got %x\nwant %x", i+1, d.b, l.b)
					}
				case <-time.After(5 * time.Second):
					return fmt.Errorf("line %d: nothing was sent", i+1)
				}
			}
			return nil
		}()
	}()
	runSession(t, s)
	if err := <-trace; err != nil {
		t.Error(err)
	}
}

// runSession does what the recorded client did.
func runSession(t *testing.T, s *Service) {
	t.Helper()
	ctx := context.Background()
	p, err := s.Connect(ctx, serverAddr)
	if err != nil {
		t.Fatal(err)
	}
	names, err := p.List(ctx)
	if got := strings.Join(names, " "); err != nil || got != "sys X lst dir" {
		t.Fatalf("List = %q, %v", got, err)
	}
	v, err := p.Resolve(ctx, "X")
	x, ok := v.(codec.Ref)
	if err != nil || !ok || x.ID != idX {
		t.Fatalf("Resolve = %v, %v", v, err)
	}
	get := func(attr string) codec.Value {
		t.Helper()
		v, err := p.GetAttr(ctx, x, attr)
		if err != nil {
			t.Fatalf("GetAttr %s: %v", attr, err)
		}
		return v
	}
	check := func(what string, got codec.Value, err error, want string) {
		t.Helper()
		if err != nil || got.String() != want {
			t.Fatalf("%s = %v, %v, want %s", what, got, err, want)
		}
	}
	for _, a := range []struct{ attr, want string }{
		{"n", "5"}, {"name", "'hello'"}, {"u", "'héllo'"}, {"f", "1.5"},
		{"l", "[1, 2, {'a': (1, 2)}]"}, {"none", "None"}, {"t", "True"}, {"items", "{'k': 1}"},
	} {
		check(a.attr, get(a.attr), nil, a.want)
	}
	text, err := p.Repr(ctx, x)
	check("Repr", codec.Bytes(text), err, "'<X n=5>'")
	text, err = p.Str(ctx, x)
	check("Str", codec.Bytes(text), err, "'X!'")
	n, err := p.Len(ctx, x)
	check("Len", codec.Int(n), err, "42")
	item := func(key codec.Value, want string) {
		t.Helper()
		v, err := p.GetItem(ctx, x, key)
		check("GetItem", v, err, want)
	}
	item(codec.Int(3), "('item', 3)")
	item(codec.Bytes("k"), "('item', 'k')")
	one := []codec.Value{codec.Int(1)}
	v, err = p.Call(ctx, get("add").(codec.Ref), one, nil)
	check("add(1)", v, err, "3")
	v, err = p.Call(ctx, get("add").(codec.Ref), one, map[string]codec.Value{"y": codec.Int(9)})
	check("add(1, y=9)", v, err, "10")
	if v, err = p.Call(ctx, get("b").(codec.Ref), nil, nil); err != nil || v != codec.Value(x) {
		t.Fatalf("b() = %v, %v, want the same reference as X", v, err)
	}
	set := func(attr string, v codec.Value) {
		t.Helper()
		if err := p.SetAttr(ctx, x, attr, v); err != nil {
			t.Fatalf("SetAttr %s: %v", attr, err)
		}
	}
	set("n", codec.Int(7))
	set("name", codec.Bytes("bye"))
	set("l", codec.List{codec.Int(1), codec.Tuple{codec.Int(2), codec.Int(3)}, codec.Set{codec.Int(4)}})
	for _, kv := range [][2]codec.Value{{codec.Bytes("q"), codec.Float(1.25)}, {codec.Int(1), codec.None{}}} {
		if err := p.SetItem(ctx, x, kv[0], kv[1]); err != nil {
			t.Fatal(err)
		}
	}
	set("f", codec.Bool(true))
	set("u", codec.Text("€"))
	item(codec.Slice{Start: 1, Stop: 2, Step: 3}, "('item', slice(1, 2, 3))")
	item(codec.Ellipsis{}, "('item', Ellipsis)")
	_, err = p.Call(ctx, get("boom").(codec.Ref), nil, nil)
	var remote *RemoteError
	if !errors.As(err, &remote) || remote.String() != "ValueError('bad', 3)" {
		t.Fatalf("boom() = %v", err)
	}
	if _, err = p.GetAttr(ctx, x, "_priv"); !errors.Is(err, fs.ErrPermission) {
		t.Fatalf("_priv: %v, want permission denied", err)
	}
	if _, err = p.GetAttr(ctx, x, "nope"); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("nope: %v, want not exist", err)
	}
	if _, err = p.Resolve(ctx, "nope"); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("Resolve nope: %v, want not exist", err)
	}
	set("cb", &Object{Impl: fn(func(_ context.Context, a []codec.Value, _ map[string]codec.Value) (codec.Value, error) {
		return codec.StringValue("called " + codec.Tuple(a).String()), nil
	})})
	v, err = p.Call(ctx, get("fire").(codec.Ref), []codec.Value{codec.Int(1), codec.Bytes("z")}, nil)
	check("fire", v, err, `"called (1, 'z')"`)
	if err := p.DelAttr(ctx, x, "cb"); err != nil {
		t.Fatal(err)
	}
}
