package expose

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"nomfs/auth"
	"nomfs/codec"
	"nomfs/nomcore"
	"nomfs/nomcore/expose/demo"
)

// gateway serves the demo of one process through a second one.
func gateway(t *testing.T, options string) (*nomcore.Service, *exposed) {
	t.Helper()
	home := newService(t)
	if err := home.Register("demo", demo.New()); err != nil {
		t.Fatal(err)
	}
	return home, expose(t, fmt.Sprintf("[objects.app]\nversion = 1\nother = { peer = %q, object = \"demo\"%s }\n", home.Addr().String(), options))
}

func TestGateway(t *testing.T) {
	home, e := gateway(t, "")
	for _, tt := range []struct{ path, want string }{
		{"app.other.number", "42"}, {"app.other.me.me.number", "42"}, {"app.other.pair", "(1, 'one')"}, {"app.other.nosuch", "AttributeError"},
	} {
		v, err := e.get(tt.path)
		wants(t, tt.path, v, err, tt.want)
	}
	wants(t, "set", codec.None{}, e.set("app.other.number", codec.Int(7)), "None")
	wants(t, "set text", nil, e.set("app.other.number", str("x")), "TypeError")
	v, err := e.get("app.other.number")
	wants(t, "number", v, err, "7")
	v, err = e.call("app.other.add", codec.Int(2))
	wants(t, "add", v, err, "4")
	v, err = e.call("app.other.fail")
	wants(t, "fail", v, err, "ValueError: this always fails")

	ctx := context.Background()
	numbers, _ := e.at("app.other.numbers.x")
	if n, err := e.peer.Len(ctx, numbers); n != 5 || err != nil {
		t.Errorf("len is %d, %v", n, err)
	}
	v, err = e.peer.GetItem(ctx, numbers, codec.Int(1))
	wants(t, "an item", v, err, "2")
	if keys, err := e.peer.Keys(ctx, numbers); len(keys) != 5 || err != nil {
		t.Errorf("keys are %v, %v", keys, err)
	}
	other, _ := e.at("app.other.x")
	d, err := e.peer.Describe(ctx, other)
	if err != nil || d.Class != "Demo" || len(d.Attrs) < 20 {
		t.Errorf("it describes itself as %v, %v", d, err)
	}
	if me, _ := e.at("app.other.me.x"); numbers == me {
		t.Error("two objects are one")
	} else if again, _ := e.at("app.other.me.me.x"); me != again || me != other {
		t.Error("one object is two")
	}
	values, err := e.peer.Snapshot(ctx, other, "number", "name")
	if err != nil || len(values) != 2 {
		t.Errorf("the snapshot is %v, %v", values, err)
	}
	if text, err := e.peer.Repr(ctx, numbers); text != "[1, 2, 3, 5, 8]" || err != nil {
		t.Errorf("repr is %q, %v", text, err)
	}
	// Through the gateway a client's callback is reached, and comes back as
	// what it is.
	heard := make(chan []codec.Value, 1)
	callback := &nomcore.Object{Impl: callFunc(func(args []codec.Value) { heard <- args })}
	if err := e.peer.SetAttr(ctx, other, "on_change", callback); err != nil {
		t.Fatal(err)
	}
	if _, err := e.call("app.other.fire"); err != nil {
		t.Fatal(err)
	}
	if args := <-heard; len(args) != 1 || !codec.Equal(args[0], codec.Int(7)) {
		t.Errorf("the callback got %v", args)
	}
	if v, err := e.get("app.other.on_change"); v != codec.Value(callback) {
		t.Errorf("the callback came back as %v, %v", v, err)
	}
	home.Close()
}

type callFunc func([]codec.Value)

func (f callFunc) Call(_ context.Context, args []codec.Value, _ map[string]codec.Value) (codec.Value, error) {
	f(args)
	return codec.None{}, nil
}

func TestGatewayReadOnly(t *testing.T) {
	_, e := gateway(t, ", readonly = true")
	wants(t, "set", nil, e.set("app.other.number", codec.Int(7)), "AttributeError")
	v, err := e.get("app.other.number")
	wants(t, "number", v, err, "42")
	v, err = e.call("app.other.add", codec.Int(2))
	wants(t, "add", v, err, "4")
	r, _ := e.at("app.other.x")
	d, err := e.peer.Describe(context.Background(), r)
	for _, a := range d.Attrs {
		if a.Write || a.Delete {
			t.Errorf("%s says that it can be changed", a.Name)
		}
	}
	if err != nil {
		t.Error(err)
	}
}

// TestGatewayDown: a peer that is down is an error, and not for the others.
func TestGatewayDown(t *testing.T) {
	home, e := gateway(t, `, timeout = "500ms"`)
	addr := home.Addr().String()
	if v, err := e.get("app.other.number"); err != nil {
		t.Fatal(v, err)
	}
	home.Close()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			r, _, err := follow(e.peer, "app.other.number")
			if err != nil {
				t.Error(err)
				return
			}
			v, err := e.peer.GetAttr(context.Background(), r, "number")
			wants(t, "number", v, err, "IOError")
		})
	}
	for range 20 {
		start := time.Now()
		v, err := e.get("app.version")
		wants(t, "version", v, err, "1")
		if took := time.Since(start); took > 3*time.Second {
			t.Errorf("it took %v", took)
		}
	}
	all.Wait()
	// It comes back, as another process with other objects.
	again, err := nomcore.Listen(addr, &nomcore.Config{Authenticator: auth.Default})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if err := again.Register("demo", demo.New()); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(patience); ; {
		v, err := e.get("app.other.number")
		if err == nil && v.String() == "42" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("it is not back: %v, %v", v, err)
		}
	}
}

// TestGatewayGivesBack: what nobody holds any more is not held over there.
func TestGatewayGivesBack(t *testing.T) {
	home, e := gateway(t, "")
	for range 50 {
		v, err := e.call("app.other.make")
		if err != nil {
			t.Fatal(err)
		}
		e.peer.Release(v.(codec.Ref))
	}
	if n := home.Stats().Objects; n < 50 {
		t.Fatalf("%d objects were given out", n)
	}
	const few = 5
	for deadline := time.Now().Add(patience); home.Stats().Objects > few; time.Sleep(50 * time.Millisecond) {
		runtime.GC()
		if time.Now().After(deadline) {
			t.Fatalf("%d objects are still held", home.Stats().Objects)
		}
	}
}

// TestGatewayToNobody: where nothing answers, not even with a refusal, all who
// come at once wait for one attempt, and those who come just then for none.
// TestGatewayToNothing: the error says what there is not, and where.
func TestGatewayToNothing(t *testing.T) {
	home := newService(t)
	e := expose(t, fmt.Sprintf("[objects.nosuch]\npeer = %q\n", home.Addr()))
	r, _ := e.at("nosuch.x")
	_, err := e.peer.GetAttr(context.Background(), r, "x")
	wants(t, "what is not there", nil, err, fmt.Sprintf("NameError: there is no object 'nosuch' at %s", home.Addr()))
	if err := home.Register("nosuch", demo.New()); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) { // it is asked for again after a second
		v, err := e.peer.GetAttr(context.Background(), r, "number")
		if err == nil {
			wants(t, "what has come", v, err, "42")
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

func TestGatewayToNobody(t *testing.T) {
	silent, err := net.ListenPacket("udp", "127.0.0.1:0") // it hears, and does not answer
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	e := expose(t, fmt.Sprintf("[objects.app]\nfar = { peer = %q, timeout = \"300ms\" }\n", silent.LocalAddr().String()))
	far, _ := e.at("app.far.x")
	start := time.Now()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			_, err := e.peer.GetAttr(context.Background(), far, "x")
			wants(t, "far", nil, err, "IOError")
		})
	}
	all.Wait()
	for range 20 {
		_, err := e.peer.GetAttr(context.Background(), far, "x")
		wants(t, "far", nil, err, "IOError")
	}
	if took := time.Since(start); took > 6*time.Second {
		t.Errorf("28 of them waited %v", took)
	}
}

// TestGatewayRaises: what an exception has in it goes through the gateway, too.
func TestGatewayRaises(t *testing.T) {
	home := newService(t)
	if err := home.Register("rude", &nomcore.Object{Impl: raiser{}}); err != nil {
		t.Fatal(err)
	}
	e := expose(t, fmt.Sprintf("[objects.app]\nrude = { peer = %q }\n", home.Addr().String()))
	rude, _ := e.at("app.rude.x")
	_, err := e.peer.GetAttr(context.Background(), rude, "x")
	var exc codec.Exception
	if !errors.As(err, &exc) || len(exc.Args) != 1 {
		t.Fatalf("it raised %v", err)
	}
	r, ok := exc.Args[0].(codec.Ref)
	if !ok || r.Home != rude.Home {
		t.Fatalf("it raised %v, which is not at %v", exc, rude.Home)
	}
	if text, err := e.peer.Repr(context.Background(), r); text != "<it>" || err != nil {
		t.Errorf("what it raised is %q, %v", text, err)
	}
}

// A raiser raises an exception with an object.
type raiser struct{}

func (raiser) GetAttr(context.Context, string) (codec.Value, error) {
	return nil, codec.Exception{Class: "KeyError", Args: codec.Tuple{&nomcore.Object{Impl: raiser{}, Key: "it"}}}
}

func (raiser) Repr(context.Context) (string, error) { return "<it>", nil }

func TestGatewayToItself(t *testing.T) {
	path := writeConfig(t, "[objects.app]\nx = 1")
	e := exposeFile(t, path)
	e.write(fmt.Sprintf("[objects.app]\nx = 1\nme = { peer = %q, object = \"app\" }", e.svc.Addr()))
	if err := e.served.Reload(); err != nil {
		t.Fatal(err)
	}
	v, err := e.get("app.me.x")
	wants(t, "itself", v, err, "ValueError")
}

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

// TestDataComplains: what is wrong with a file is said once, and only if it
// stays wrong.
func TestDataComplains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "d.json")
		put := func(text string) {
			t.Helper()
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		put(`{"a": 1}`)
		log := new(lockedBuffer)
		tree := &tree{path: path, format: "json", log: slog.New(slog.NewTextHandler(log, nil))}
		if err := tree.refresh(); err != nil {
			t.Fatal(err)
		}
		said := func(what string, want int) {
			t.Helper()
			synctest.Wait()
			if n := strings.Count(log.String(), "data file"); n != want {
				t.Errorf("%s: the log has %d lines, want %d:\n%s", what, n, want, log)
			}
		}
		put("")
		tree.now()
		put(`{"a": 2}`)
		tree.now()
		time.Sleep(2 * sayAfter)
		said("one that was empty for a moment", 0)
		put(`{"a": `)
		if v := tree.now(); v.String() != "{'a': 2}" {
			t.Errorf("while it is written there is %v", v)
		}
		said("one that is being written", 0)
		time.Sleep(2 * sayAfter)
		said("one that stays like that, and nobody reads", 1)
		tree.now()
		said("one that stays like that", 1)
		put(`[]`)
		tree.now()
		said("another mistake", 2)
		put(`{"a": 3}`)
		tree.now()
		put("")
		tree.now()
		tree.close()
		time.Sleep(2 * sayAfter)
		said("one that was closed", 2)
	})
}

func TestData(t *testing.T) {
	path := writeConfig(t, `
[objects.stock]
data = "stock.json"
[objects.yaml]
data = "d.yml"
[objects.toml]
data = "d.toml"
[objects.list]
data = "list"
format = "json"
`)
	dir := filepath.Dir(path)
	put := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("d.yml", "a: [1, 2.5, x, null, true]\nday: 2001-12-14\n5: five\nnest: {b: 1}\n")
	put("d.toml", "a = 1\nday = 1979-05-27T07:32:00Z\ntime = 07:32:00\n[nest]\nb = [1, 2]\n")
	put("list", `[1, {"a": null}]`)
	e := exposeFile(t, path)
	for _, tt := range []struct{ path, want string }{
		{"yaml.a", "[1, 2.5, 'x', None, True]"}, {"yaml.nest", "{'b': 1}"}, {"yaml.day", "'2001-12-14'"},
		{"toml.a", "1"}, {"toml.nest", "{'b': [1, 2]}"}, {"toml.day", "'1979-05-27T07:32:00Z'"}, {"toml.time", "'07:32:00'"},
		{"stock.apples", "3"}, {"list.x", "AttributeError"},
	} {
		v, err := e.get(tt.path)
		wants(t, tt.path, v, err, tt.want)
	}
	wants(t, "set", nil, e.set("stock.apples", codec.Int(4)), "AttributeError: attribute 'apples' is read-only")
	wants(t, "set what there is not", nil, e.set("stock.cherries", codec.Int(4)), "AttributeError: 'Data' object has no attribute 'cherries'")
	item := func(name string, key codec.Value, want string) {
		t.Helper()
		r, _ := e.at(name + ".x")
		v, err := e.peer.GetItem(context.Background(), r, key)
		wants(t, fmt.Sprintf("%s[%v]", name, key), v, err, want)
	}
	item("yaml", codec.Int(5), "'five'")
	item("stock", str("apples"), "3")
	item("stock", str("pears"), "KeyError")
	item("list", codec.Int(-1), "{'a': None}")
	item("list", codec.Int(2), "IndexError")
	item("list", str("x"), "TypeError")
	const fixed = "TypeError: the items of a 'Data' object are read-only: only the file changes them"
	for _, name := range []string{"stock", "list"} {
		r, _ := e.at(name + ".x")
		wants(t, "set an item of "+name, nil, e.peer.SetItem(context.Background(), r, codec.Int(0), codec.Int(1)), fixed)
		wants(t, "delete an item of "+name, nil, e.peer.DelItem(context.Background(), r, codec.Int(0)), fixed)
	}
	r, _ := e.at("stock.x")
	wants(t, "delete", nil, e.peer.DelAttr(context.Background(), r, "apples"), "AttributeError: can't delete attribute 'apples': only the file changes it")
	wants(t, "delete what there is not", nil, e.peer.DelAttr(context.Background(), r, "cherries"), "AttributeError: 'Data' object has no attribute 'cherries'")

	stock, _ := e.at("stock.x")
	for n := range 20 { // faster than the clock of any file system
		put("stock.json", fmt.Sprintf(`{"apples": %d}`, n%10))
		v, err := e.peer.GetAttr(context.Background(), stock, "apples")
		wants(t, "apples", v, err, fmt.Sprint(n%10))
	}
	put("stock.json", `{"apples": `)
	v, err := e.get("stock.apples")
	wants(t, "apples, while the file is being written", v, err, "9")
	put("stock.json", `[]`)
	v, err = e.get("stock.apples")
	wants(t, "apples, which the file has no more", v, err, "9")
	put("stock.json", `{"pears": 1}`)
	v, err = e.get("stock.pears")
	wants(t, "pears", v, err, "1")
	put("stock.json", `["plums"]`)
	if err := e.served.Reload(); err != nil {
		t.Fatal(err)
	}
	item("stock", codec.Int(0), "'plums'")
	if _, err := e.peer.GetAttr(context.Background(), stock, "pears"); !errors.Is(err, nomcore.ErrStale) {
		t.Errorf("the table that it was: %v", err)
	}
}

// TestGatewaysInACircle: two that lead to each other pass an operation back and
// forth until its time is over, and not more often than they may.
func TestGatewaysInACircle(t *testing.T) {
	const file = "[objects.x]\npeer = %q\ntimeout = \"500ms\"\n"
	other := newService(t)
	e := expose(t, fmt.Sprintf(file, other.Addr().String()))
	c, err := Load(writeConfig(t, fmt.Sprintf(file, e.svc.Addr().String())))
	if err != nil {
		t.Fatal(err)
	}
	back, err := Serve(other, c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer back.Close()
	x, _ := e.at("x.y")
	before := e.svc.Stats().Received
	if s, err := e.peer.Repr(context.Background(), x); err == nil {
		t.Errorf("repr = %s", s)
	}
	const perOperation = 8 // datagrams, of a few attempts
	if n := e.svc.Stats().Received - before; n > perOperation*maxPassed {
		t.Errorf("%d datagrams for one operation", n)
	}
}
