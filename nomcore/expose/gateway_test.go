package expose

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"sync"
	"testing"
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
