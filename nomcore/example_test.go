package nomcore_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"sync"

	"nomfs/auth"
	"nomfs/nomcore"
)

// Counter is an object as a program would write it. Its fields become
// attributes, its methods can be called.
type Counter struct {
	sync.Mutex // covers the fields, for peers too
	Count      int
	OnChange   func(count int)
}

// Add is called add by peers.
func (c *Counter) Add(n int) int {
	c.Lock()
	c.Count += n
	count, tell := c.Count, c.OnChange
	c.Unlock()
	if tell != nil {
		tell(count) // not under the lock: it may be an object of another process
	}
	return count
}

// A server and a client, which are most often two processes.
func Example() {
	cfg := &nomcore.Config{Authenticator: auth.Default}

	// The server. Port 0 is any free one; without a port it is 12074.
	server, err := nomcore.Listen("127.0.0.1:0", cfg)
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	if err := server.Register("counter", &Counter{}); err != nil {
		log.Fatal(err)
	}

	// The client.
	ctx := context.Background()
	peer, err := nomcore.Dial(ctx, server.Addr().String(), cfg)
	if err != nil {
		log.Fatal(err)
	}
	defer peer.Close()
	counter, err := peer.Object(ctx, "counter")
	if err != nil {
		log.Fatal(err)
	}
	n, err := nomcore.Call[int](ctx, counter, "add", 5)
	fmt.Println(n, err)
	err = nomcore.Set(ctx, counter, "count", 40)
	fmt.Println(err)
	n, err = nomcore.Call[int](ctx, counter, "add", 2)
	fmt.Println(n, err)
	// Output:
	// 5 <nil>
	// <nil>
	// 42 <nil>
}

// used serves obj, and returns it as a client sees it. stop ends both.
func used(obj any, screen auth.Authenticator) (o *nomcore.Proxy, stop func()) {
	server, err := nomcore.Listen("127.0.0.1:0", &nomcore.Config{Authenticator: screen})
	if err != nil {
		log.Fatal(err)
	}
	if err := server.Register("app", obj); err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	peer, err := nomcore.Dial(ctx, server.Addr().String(), &nomcore.Config{Authenticator: auth.Default})
	if err != nil {
		log.Fatal(err)
	}
	if o, err = peer.Object(ctx, "app"); err != nil {
		log.Fatal(err)
	}
	return o, func() {
		peer.Close()
		server.Close()
	}
}

// Machine has an attribute of each sort.
type Machine struct {
	Name string `nom:",readonly"` // cannot be set
	pace float64
}

// NomGetters names the methods that peers see as attributes.
func (*Machine) NomGetters() []string { return []string{"Load"} }

// Load is the attribute load: reading it calls the method.
func (m *Machine) Load() float64 { return m.pace / 2 }

// NomParams names parameters, which keyword arguments need, with defaults.
func (*Machine) NomParams() map[string][]string {
	return map[string][]string{"run": {"program", "speed=1.0"}}
}

// Run is a method. Peers see the error as an exception.
func (m *Machine) Run(program string, speed float64) (string, error) {
	if speed <= 0 {
		return "", fmt.Errorf("speed %v: %w", speed, fs.ErrInvalid)
	}
	return fmt.Sprintf("%s at %v on %s", program, speed, m.Name), nil
}

// What becomes of a Go value, as a client lists it.
func ExampleService_Register() {
	machine, stop := used(&Machine{Name: "lathe", pace: 3}, auth.Default)
	defer stop()
	for a, err := range nomcore.Attrs(context.Background(), machine) {
		fmt.Println(a.Name, a.Kind, a.Call, a.Write, err)
	}
	// Output:
	// load float false false <nil>
	// name bytes false false <nil>
	// run reference true false <nil>
}

// Keyword arguments have the names that NomParams, or Func, gives.
func ExampleCall() {
	ctx := context.Background()
	machine, stop := used(&Machine{Name: "lathe"}, auth.Default)
	defer stop()
	s, err := nomcore.Call[string](ctx, machine, "run", "bolt", nomcore.K("speed", 2.5))
	fmt.Println(s, err)
	s, err = nomcore.Call[string](ctx, machine, "run", "bolt")
	fmt.Println(s, err)
	// Output:
	// bolt at 2.5 on lathe <nil>
	// bolt at 1 on lathe <nil>
}

// A func among the arguments, or as an attribute, is a callback: the server
// calls it, and it runs here.
func ExampleCall_callback() {
	ctx := context.Background()
	counter, stop := used(&Counter{}, auth.Default)
	defer stop()
	err := nomcore.Set(ctx, counter, "on_change", func(count int) { fmt.Println("now", count) })
	fmt.Println(err)
	n, err := nomcore.Call[int](ctx, counter, "add", 3)
	fmt.Println(n, err)
	// Output:
	// <nil>
	// now 3
	// 3 <nil>
}

// Get returns an attribute, and a method as a Go func where one is wanted.
func ExampleGet() {
	ctx := context.Background()
	counter, stop := used(&Counter{Count: 1}, auth.Default)
	defer stop()
	n, err := nomcore.Get[int](ctx, counter, "count")
	fmt.Println(n, err)
	add, err := nomcore.Get[func(int) (int, error)](ctx, counter, "add")
	fmt.Println(err)
	fmt.Println(add(2))
	// Output:
	// 1 <nil>
	// <nil>
	// 3 <nil>
}

// A func that is an object of its own is called by Invoke.
func ExampleInvoke() {
	add, stop := used(nomcore.Func(func(a, b int) int { return a + b }, "a", "b=1"), auth.Default)
	defer stop()
	n, err := nomcore.Invoke[int](context.Background(), add, 2, nomcore.K("b", 3))
	fmt.Println(n, err)
	// Output:
	// 5 <nil>
}

// A map or slice behind a pointer has items.
func ExampleItems() {
	ctx := context.Background()
	stock, stop := used(&map[string]int{"apples": 3, "pears": 5}, auth.Default)
	defer stop()
	fmt.Println(nomcore.SetItem(ctx, stock, "kiwis", 9))
	fmt.Println(nomcore.DelItem(ctx, stock, "pears"))
	fmt.Println(nomcore.Item[int](ctx, stock, "apples"))
	for item, err := range nomcore.Items[string, int](ctx, stock) {
		fmt.Println(item.Key, item.Value, err)
	}
	// Output:
	// <nil>
	// <nil>
	// 3 <nil>
	// apples 3 <nil>
	// kiwis 9 <nil>
}

// Several attributes as they are at one moment, in one request.
func ExampleSnapshot() {
	machine, stop := used(&Counter{Count: 7}, auth.Default)
	defer stop()
	state, err := nomcore.Snapshot[struct{ Count int }](context.Background(), machine)
	fmt.Println(state.Count, err)
	// Output:
	// 7 <nil>
}

// What goes wrong has a kind, which errors.Is knows, wherever it went wrong. An
// exception of the peer can be had as such.
func ExampleRemoteError() {
	ctx := context.Background()
	machine, stop := used(&Machine{Name: "lathe"}, auth.Default)
	defer stop()

	_, err := nomcore.Call[string](ctx, machine, "run", "bolt", 0)
	var remote *nomcore.RemoteError
	fmt.Println(errors.As(err, &remote), remote.Class, remote.Args)

	_, err = nomcore.Get[int](ctx, machine, "weight")
	fmt.Println(errors.Is(err, fs.ErrNotExist), err)

	_, err = nomcore.Get[int](ctx, machine, "name")
	fmt.Println(err)

	stop()
	_, err = nomcore.Get[string](ctx, machine, "name")
	fmt.Println(errors.Is(err, nomcore.ErrClosed))
	// Output:
	// true RuntimeError ('speed 0: invalid argument',)
	// true AttributeError: 'Machine' object has no attribute 'weight'
	// wrong type: expected int, got text 'lathe'
	// true
}

// readOnly lets nobody change anything. What it does not decide, Default does.
type readOnly struct{ auth.Authenticator }

func (a readOnly) Allow(ctx context.Context, who auth.Identity, req auth.Request) error {
	if req.Right == auth.RightWrite || req.Right == auth.RightDelete {
		return auth.ErrDenied
	}
	return a.Authenticator.Allow(ctx, who, req)
}

// The Authenticator is asked before each access.
func ExampleConfig() {
	ctx := context.Background()
	counter, stop := used(&Counter{Count: 1}, readOnly{auth.Default})
	defer stop()
	n, err := nomcore.Get[int](ctx, counter, "count")
	fmt.Println(n, err)
	err = nomcore.Set(ctx, counter, "count", 2)
	fmt.Println(err, errors.Is(err, fs.ErrPermission))
	// Output:
	// 1 <nil>
	// RuntimeError: Access denied true
}
