package nomcore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"nomfs/auth"
	"nomfs/codec"
	"nomfs/nomcore/object"
	"nomfs/nomcore/wire"
)

// bag is an object with attributes, open to everything.
type bag struct {
	mu    sync.Mutex
	attrs map[string]codec.Value
	sets  int
}

func newBag(attrs map[string]codec.Value) *bag { return &bag{attrs: attrs} }

func (b *bag) GetAttr(_ context.Context, name string) (codec.Value, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if v, ok := b.attrs[name]; ok {
		return v, nil
	}
	return nil, object.NoAttr("bag", name)
}

func (b *bag) SetAttr(_ context.Context, name string, v codec.Value) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sets++
	b.attrs[name] = v
	return nil
}

func (b *bag) DelAttr(_ context.Context, name string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.attrs, name)
	return nil
}

func (b *bag) get(name string) codec.Value {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.attrs[name]
}

// pair is a server with one object and a client connected to it.
type pair struct {
	net            *memNet
	server, client *Service
	peer           *Peer
	ref            codec.Ref
}

// newPair serves impl as "x".
func newPair(t *testing.T, impl any, edit ...func(*Config)) *pair {
	t.Helper()
	p := &pair{net: newMemNet()}
	p.server = p.net.newService(t, serverAddr, edit...)
	p.client = p.net.newService(t, clientAddr, edit...)
	if err := p.server.Register("x", &Object{Impl: impl}); err != nil {
		t.Fatal(err)
	}
	p.peer, p.ref = connect(t, p.client, serverAddr, "x")
	return p
}

// connect resolves one name at a peer.
func connect(t *testing.T, s *Service, addr, name string) (*Peer, codec.Ref) {
	t.Helper()
	peer, err := s.Connect(context.Background(), addr)
	if err != nil {
		t.Fatal(err)
	}
	v, err := peer.Resolve(context.Background(), name)
	if err != nil {
		t.Fatal(err)
	}
	ref, ok := v.(codec.Ref)
	if !ok {
		t.Fatalf("%s is %v, not a reference", name, v)
	}
	return peer, ref
}

func TestTimeoutIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, newBag(map[string]codec.Value{"a": codec.Int(1)}))
		p.net.setFilter(func(from, to netip.AddrPort, b []byte, deliver func()) {}) // all is lost
		start := time.Now()
		_, err := p.peer.GetAttr(t.Context(), p.ref, "a")
		if took := time.Since(start); took != defaultTimeout {
			t.Errorf("took %v, want %v", took, defaultTimeout)
		}
		if !errors.Is(err, ErrTimeout) || !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrOutcomeUnknown) {
			t.Errorf("GetAttr: %v", err)
		}
		// The probe went unanswered as well: now everything fails at once.
		start = time.Now()
		err = p.peer.SetAttr(t.Context(), p.ref, "a", codec.Int(2))
		if took := time.Since(start); took != 0 || !errors.Is(err, syscall.EHOSTDOWN) {
			t.Errorf("SetAttr to a peer that is down: %v after %v", err, took)
		}
		// It comes back by itself.
		p.net.setFilter(nil)
		time.Sleep(2 * probeAfter)
		if v, err := p.peer.GetAttr(t.Context(), p.ref, "a"); err != nil || v != codec.Value(codec.Int(1)) {
			t.Errorf("after the peer is back: %v, %v", v, err)
		}
	})
}

func TestChangesAreNotResent(t *testing.T) {
	ops := map[string]func(p *pair) error{
		"SetAttr": func(p *pair) error { return p.peer.SetAttr(context.Background(), p.ref, "a", codec.Int(1)) },
		"DelAttr": func(p *pair) error { return p.peer.DelAttr(context.Background(), p.ref, "a") },
		"SetItem": func(p *pair) error {
			return p.peer.SetItem(context.Background(), p.ref, codec.Int(1), codec.Int(1))
		},
		"DelItem": func(p *pair) error { return p.peer.DelItem(context.Background(), p.ref, codec.Int(1)) },
		"Call": func(p *pair) error {
			_, err := p.peer.Call(context.Background(), p.ref, nil, nil)
			return err
		},
	}
	for name, op := range ops {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPair(t, newBag(map[string]codec.Value{}), plainOnly)
				var requests atomic.Int32
				p.net.setFilter(func(from, to netip.AddrPort, b []byte, deliver func()) {
					if command(b[0]) == cmdPull {
						requests.Add(1)
					}
				})
				err := op(p)
				if !errors.Is(err, ErrTimeout) || !errors.Is(err, ErrOutcomeUnknown) {
					t.Errorf("error %v, want a timeout with unknown outcome", err)
				}
				if n := requests.Load(); n != 1 {
					t.Errorf("sent %d times, want once", n)
				}
			})
		})
	}
}

func TestReadsAreResent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, newBag(map[string]codec.Value{"a": codec.Int(7)}))
		lost := 2
		p.net.setFilter(func(from, to netip.AddrPort, b []byte, deliver func()) {
			if command(b[0]) == cmdPull && lost > 0 {
				lost--
				return
			}
			deliver()
		})
		v, err := p.peer.GetAttr(t.Context(), p.ref, "a")
		if err != nil || v != codec.Value(codec.Int(7)) {
			t.Fatalf("GetAttr = %v, %v", v, err)
		}
		if n := p.client.Stats().Resent; n != 2 {
			t.Errorf("resent %d, want 2", n)
		}
	})
}

func TestDuplicatesRunOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var runs atomic.Int32
		release := make(chan struct{})
		p := newPair(t, fn(func(_ context.Context, a []codec.Value, _ map[string]codec.Value) (codec.Value, error) {
			n := runs.Add(1)
			if len(a) > 0 {
				<-release
			}
			return codec.Int(n), nil
		}), plainOnly)
		p.net.setFilter(func(from, to netip.AddrPort, b []byte, deliver func()) {
			deliver()
			if to == p.server.Addr() {
				deliver()
			}
		})
		if v, err := p.peer.Call(t.Context(), p.ref, nil, nil); err != nil || v != codec.Value(codec.Int(1)) {
			t.Fatalf("Call = %v, %v", v, err)
		}
		go func() { time.Sleep(2 * overdueAfter); close(release) }() // the copies arrive while it runs
		if v, err := p.peer.Call(t.Context(), p.ref, []codec.Value{codec.None{}}, nil); err != nil || v != codec.Value(codec.Int(2)) {
			t.Fatalf("Call = %v, %v", v, err)
		}
		synctest.Wait()
		st := p.server.Stats()
		if n := runs.Load(); n != 2 || st.DupDropped+st.DupReplayed != 2 || st.DupDropped == 0 {
			t.Errorf("%d runs, %+v", n, st)
		}
	})
}

// A script that is started again sends the same datagrams from the same port.
func TestRerunIsServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMemNet()
		server := net.newService(t, serverAddr, plainOnly)
		var runs atomic.Int32
		obj := &Object{Impl: fn(func(context.Context, []codec.Value, map[string]codec.Value) (codec.Value, error) {
			runs.Add(1)
			return codec.None{}, nil
		})}
		if err := server.Register("f", obj); err != nil {
			t.Fatal(err)
		}
		script := func() {
			client := net.newService(t, clientAddr, plainOnly)
			defer client.Close()
			client.nextXID.Store(0)
			peer, ref := connect(t, client, serverAddr, "f")
			if _, err := peer.Call(t.Context(), ref, nil, nil); err != nil {
				t.Error(err)
			}
		}
		script()
		time.Sleep(dupWindow / 2)
		script() // SYNC starts it afresh
		if n := runs.Load(); n != 2 {
			t.Errorf("%d runs of 2 scripts", n)
		}
	})
}

// picky admits nobody, or denies one operation.
type picky struct {
	auth.Authenticator
	admit  error
	deny   string
	asked  atomic.Int32
	admits atomic.Int32
}

func (a *picky) Admit(context.Context, auth.Identity) error {
	a.admits.Add(1)
	return a.admit
}

func (a *picky) Allow(_ context.Context, who auth.Identity, req auth.Request) error {
	a.asked.Add(1)
	if who.Addr.String() != clientAddr {
		return fmt.Errorf("who is %v?", who.Addr)
	}
	if req.Op == a.deny {
		return errors.New("denied")
	}
	return nil
}

func TestRefusedClient(t *testing.T) {
	net := newMemNet()
	server := net.newService(t, serverAddr)
	if err := server.Register("x", &Object{Impl: newBag(map[string]codec.Value{"a": codec.Int(1)})}); err != nil {
		t.Fatal(err)
	}
	client := net.newService(t, clientAddr)
	peer, ref := connect(t, client, serverAddr, "x") // while it is admitted

	no := &picky{admit: errors.New("not you")}
	if err := server.SetAuthenticator(no); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	for name, op := range allOperations(ctx, peer, ref) {
		if err := op(); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "Access denied") {
			t.Errorf("%s by a refused client: %v, want Access denied", name, err)
		}
	}
	if _, err := client.Connect(ctx, serverAddr); !errors.Is(err, ErrRefused) {
		t.Errorf("Connect: %v, want ErrRefused", err)
	}
	if n := no.asked.Load(); n != 0 {
		t.Errorf("Allow was asked %d times for a client that is not admitted", n)
	}
	if n := no.admits.Load(); n != 2 {
		t.Errorf("Admit was asked %d times, want 2: at first contact and at SYNC", n)
	}
	if err := server.SetAuthenticator(nil); !errors.Is(err, ErrNoAuthenticator) {
		t.Errorf("SetAuthenticator(nil) = %v", err)
	}
	if err := server.SetAuthenticator(auth.Default); err != nil {
		t.Fatal(err)
	}
	if _, err := peer.GetAttr(ctx, ref, "a"); err != nil {
		t.Errorf("admitted again: %v", err)
	}
}

// allOperations are the operations of the table and the commands, as a client
// does them.
func allOperations(ctx context.Context, p *Peer, r codec.Ref) map[string]func() error {
	one := codec.Int(1)
	return map[string]func() error{
		"LIST":     func() error { _, err := p.List(ctx); return err },
		"RESOLVE":  func() error { _, err := p.Resolve(ctx, "x"); return err },
		"GetAttr":  func() error { _, err := p.GetAttr(ctx, r, "a"); return err },
		"SetAttr":  func() error { return p.SetAttr(ctx, r, "a", one) },
		"DelAttr":  func() error { return p.DelAttr(ctx, r, "a") },
		"GetItem":  func() error { _, err := p.GetItem(ctx, r, one); return err },
		"SetItem":  func() error { return p.SetItem(ctx, r, one, one) },
		"DelItem":  func() error { return p.DelItem(ctx, r, one) },
		"Len":      func() error { _, err := p.Len(ctx, r); return err },
		"Repr":     func() error { _, err := p.Repr(ctx, r); return err },
		"Str":      func() error { _, err := p.Str(ctx, r); return err },
		"Call":     func() error { _, err := p.Call(ctx, r, nil, nil); return err },
		"Describe": func() error { _, err := p.Describe(ctx, r); return err },
		"Dir":      func() error { _, err := p.Dir(ctx, r); return err },
		"Keys":     func() error { _, err := p.Keys(ctx, r); return err },
		"Snapshot": func() error { _, err := p.Snapshot(ctx, r); return err },
		"CallAttr": func() error { _, err := p.CallAttr(ctx, r, "a", nil, nil); return err },
	}
}

// Every operation is screened under its own name, and has a right.
func TestEveryOperationIsScreened(t *testing.T) {
	p := newPair(t, newBag(map[string]codec.Value{"a": codec.Int(1)}))
	all := allOperations(context.Background(), p.peer, p.ref)
	for name, op := range ops {
		if all[name] == nil && !op.bare {
			t.Errorf("operation %s is not tested", name)
		}
	}
	for name, op := range all {
		if err := p.server.SetAuthenticator(&picky{deny: name}); err != nil {
			t.Fatal(err)
		}
		if err := op(); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("%s, denied: %v", name, err)
		}
	}
	for name, op := range ops {
		if op.right == auth.RightNone || (op.right == auth.RightConnect) != op.bare {
			t.Errorf("operation %s has the right %v", name, op.right)
		}
	}
}

func TestDefaultHidesUnderscores(t *testing.T) {
	p := newPair(t, newBag(map[string]codec.Value{"_a": codec.Int(1), "b": codec.Int(2)}))
	ctx := context.Background()
	for name, op := range map[string]func() error{
		"get":    func() error { _, err := p.peer.GetAttr(ctx, p.ref, "_a"); return err },
		"set":    func() error { return p.peer.SetAttr(ctx, p.ref, "_a", codec.Int(1)) },
		"delete": func() error { return p.peer.DelAttr(ctx, p.ref, "_a") },
	} {
		if err := op(); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("%s _a: %v, want permission denied", name, err)
		}
	}
}

// A reference that comes home is the object itself, whoever sends it and
// however often; a foreign one is passed on as it is.
func TestReferencesComeHome(t *testing.T) {
	a := newBag(map[string]codec.Value{})
	p := newPair(t, a)
	ctx := context.Background()
	if err := p.peer.SetAttr(ctx, p.ref, "me", codec.List{p.ref}); err != nil {
		t.Fatal(err)
	}
	if l, ok := a.get("me").(codec.List); !ok || l[0].(*Object).Impl != any(a) {
		t.Errorf("the server got %v, want its own object", a.get("me"))
	}
	own := &Object{Impl: newBag(nil)}
	if err := p.peer.SetAttr(ctx, p.ref, "theirs", own); err != nil {
		t.Fatal(err)
	}
	proxy, ok := a.get("theirs").(*Proxy)
	if !ok {
		t.Fatalf("the server got %T, want a proxy", a.get("theirs"))
	}
	v, err := p.peer.GetAttr(ctx, p.ref, "theirs")
	if err != nil || v != codec.Value(own) {
		t.Errorf("reading our own object back: %v, %v", v, err)
	}
	if p.ref.Home != codec.NewHome("127.0.0.1", 12074) || proxy.Ref.Home != codec.NewHome("127.0.0.1", 12075) {
		t.Errorf("homes %v and %v", p.ref, proxy.Ref)
	}

	// A third peer gets the reference as the home wrote it.
	third := p.net.newService(t, "127.0.0.1:12076")
	peer3, ref3 := connect(t, third, serverAddr, "x")
	v, err = peer3.GetAttr(ctx, ref3, "theirs")
	if err != nil || v != codec.Value(proxy.Ref) {
		t.Errorf("third peer got %v, %v, want %v", v, err, proxy.Ref)
	}
	if ref3 != p.ref {
		t.Errorf("one object, two references: %v, %v", ref3, p.ref)
	}
}

func TestStaleReference(t *testing.T) {
	inner := &Object{Impl: newBag(nil)}
	b := newBag(map[string]codec.Value{"inner": inner})
	p := newPair(t, b)
	ctx := context.Background()
	v, err := p.peer.GetAttr(ctx, p.ref, "inner")
	if err != nil {
		t.Fatal(err)
	}
	if err := p.server.Unregister("x"); err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]codec.Ref{"the object": p.ref, "what it gave out": v.(codec.Ref)} {
		_, err := p.peer.Repr(ctx, r)
		if !errors.Is(err, ErrStale) || !errors.Is(err, syscall.ESTALE) || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s after Unregister: %v, want ErrStale", name, err)
		}
		var exc codec.Exception
		if !errors.As(err, &exc) || exc.Class != "KeyError" {
			t.Errorf("%s: exception %v", name, exc)
		}
	}
	if _, err := p.peer.Resolve(ctx, "x"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Resolve after Unregister: %v", err)
	}
	// A reference to us that we do not know is answered, not dropped.
	if err := p.server.Register("y", &Object{Impl: b}); err != nil {
		t.Fatal(err)
	}
	_, y := connect(t, p.client, serverAddr, "y")
	if err := p.peer.SetAttr(ctx, y, "a", p.ref); err == nil || !strings.Contains(err.Error(), "KeyError") {
		t.Errorf("sending a stale reference home: %v", err)
	}
}

// What cannot be sent is answered with an error.
func TestUnencodableResults(t *testing.T) {
	var loop codec.List = make(codec.List, 1)
	loop[0] = loop
	big := codec.Bytes(strings.Repeat("x", maxDatagram))
	attrs := map[string]codec.Value{"loop": loop, "big": big, "foreign": foreign{}}
	for _, mode := range []struct {
		name string
		edit func(*Config)
	}{{"original", plainOnly}, {"extended", func(*Config) {}}} {
		t.Run(mode.name, func(t *testing.T) {
			p := newPair(t, newBag(attrs), mode.edit)
			ctx := context.Background()
			for name := range attrs {
				_, err := p.peer.GetAttr(ctx, p.ref, name)
				var remote *RemoteError
				if !errors.As(err, &remote) {
					t.Errorf("GetAttr %s: %v, want an exception", name, err)
				}
				if name == "big" && (remote == nil || remote.Class != "IOError" || !strings.Contains(err.Error(), "65,507")) {
					t.Errorf("GetAttr big: %v", err)
				}
			}
			if err := p.peer.SetAttr(ctx, p.ref, "a", big); !errors.Is(err, syscall.EMSGSIZE) {
				t.Errorf("SetAttr of what is too large: %v", err)
			}
			if err := p.peer.SetAttr(ctx, p.ref, "a", loop); err == nil {
				t.Error("a list that contains itself was sent")
			}
		})
	}
}

// foreign is a value that codec does not know and nomcore neither.
type foreign struct{}

func (foreign) Kind() codec.Kind { return codec.KindInvalid }
func (foreign) String() string   { return "foreign" }

// The answer repeats the request unless there is no room for both.
func TestEchoGivesWay(t *testing.T) {
	p := newPair(t, fn(func(_ context.Context, a []codec.Value, _ map[string]codec.Value) (codec.Value, error) {
		return a[0], nil
	}), plainOnly)
	for _, size := range []int{1000, 32000, 33000, 65300} {
		v, err := p.peer.Call(context.Background(), p.ref, []codec.Value{codec.Bytes(strings.Repeat("x", size))}, nil)
		if b, ok := v.(codec.Bytes); err != nil || !ok || len(b) != size {
			t.Errorf("echo of %d bytes: %v", size, err)
		}
	}
}

func TestPanicsAreAnswered(t *testing.T) {
	p := newPair(t, fn(func(_ context.Context, a []codec.Value, _ map[string]codec.Value) (codec.Value, error) {
		panic("ouch")
	}))
	for range 3 {
		_, err := p.peer.Call(context.Background(), p.ref, nil, nil)
		var remote *RemoteError
		if !errors.As(err, &remote) || remote.Class != "RuntimeError" {
			t.Errorf("Call of what panics: %v", err)
		}
	}
}

// Answers count only if they come from whom was asked.
func TestAnswersFromStrangers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMemNet()
		client := net.newService(t, clientAddr)
		server, stranger := net.listen(t, serverAddr), net.listen(t, "127.0.0.1:6666")
		go func() {
			d := <-server.in
			pkt, _ := parsePacket(d.b)
			xid, _ := pkt.xid()
			b := rawRequest(t, cmdSync, xidAttr(int(xid)), codec.Attr{Name: attrResult, Value: codec.Bool(true)})
			net.deliver(stranger.addr, client.Addr(), b)
			// No answer from the server itself.
		}()
		if _, err := client.Connect(t.Context(), serverAddr); !errors.Is(err, ErrTimeout) {
			t.Errorf("Connect = %v: a stranger's answer was accepted", err)
		}
		if st := client.Stats(); st.Stray != 1 {
			t.Errorf("%+v, want 1 stray answer", st)
		}
	})
}

func TestBadAnswerEndsTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, newBag(map[string]codec.Value{"a": codec.Bytes("0123456789")}), plainOnly)
		p.net.setFilter(func(from, to netip.AddrPort, b []byte, deliver func()) {
			if from == p.server.Addr() && command(b[0]) == cmdPull {
				b[strings.Index(string(b), "0123")-5] = 0x0e // an unknown tag
			}
			deliver()
		})
		start := time.Now()
		_, err := p.peer.GetAttr(t.Context(), p.ref, "a")
		if !errors.Is(err, ErrProtocol) || time.Since(start) != 0 {
			t.Errorf("%v after %v, want ErrProtocol at once", err, time.Since(start))
		}
	})
}

func TestBadRequestIsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, newBag(map[string]codec.Value{}), plainOnly)
		p.net.setFilter(func(from, to netip.AddrPort, b []byte, deliver func()) {
			if to == p.server.Addr() {
				if i := strings.Index(string(b), "0123"); i > 0 {
					b[i-5] = 0x0e
				}
			}
			deliver()
		})
		start := time.Now()
		err := p.peer.SetAttr(t.Context(), p.ref, "a", codec.Bytes("0123456789"))
		var remote *RemoteError
		if !errors.As(err, &remote) || remote.Class != "ValueError" || time.Since(start) != 0 {
			t.Errorf("%v after %v, want ValueError at once", err, time.Since(start))
		}
	})
}

func TestPlainPolicy(t *testing.T) {
	net := newMemNet()
	s := net.newService(t, "10.0.0.1:12074")
	net.newService(t, "10.0.0.2:12074")
	if _, err := s.Connect(context.Background(), "10.0.0.2:12074"); !errors.Is(err, ErrPlainRefused) || !errors.Is(err, fs.ErrPermission) {
		t.Errorf("Connect beyond loopback: %v", err)
	}
	if st := s.Stats(); st.Sent != 0 {
		t.Errorf("%d datagrams were sent", st.Sent)
	}
	open := func(c *Config) { c.Plain = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} }
	a := net.newService(t, "10.0.0.3:12074", open)
	net.newService(t, "10.0.0.4:12074", open)
	if _, err := a.Connect(context.Background(), "10.0.0.4"); err != nil {
		t.Errorf("Connect where it is allowed: %v", err)
	}
	for addr, want := range map[string]bool{"0.0.0.0:0": false, ":0": false, "192.0.2.1:0": false, "127.0.0.1:0": true, "[::1]:0": true} {
		s, err := Listen(addr, &Config{Authenticator: auth.Default})
		if err == nil {
			s.Close()
		}
		if (err == nil) != want || err != nil && !errors.Is(err, ErrPlainRefused) {
			t.Errorf("Listen %s: %v, want allowed %v", addr, err, want)
		}
	}
}

func TestNoAuthenticator(t *testing.T) {
	for _, cfg := range []*Config{nil, {}} {
		if _, err := New(newMemNet().listen(t, serverAddr), cfg); !errors.Is(err, ErrNoAuthenticator) {
			t.Errorf("New with %+v: %v", cfg, err)
		}
	}
}

func TestReentrantCallbacks(t *testing.T) {
	const depth = 20
	for _, mode := range []struct {
		name string
		edit func(*Config)
	}{{"original", plainOnly}, {"extended", func(*Config) {}}} {
		t.Run(mode.name, func(t *testing.T) {
			var serverObj, clientObj *Object
			serverObj = &Object{Impl: fn(func(ctx context.Context, a []codec.Value, kw map[string]codec.Value) (codec.Value, error) {
				return bounceWith(ctx, a, serverObj)
			})}
			clientObj = &Object{Impl: fn(func(ctx context.Context, a []codec.Value, kw map[string]codec.Value) (codec.Value, error) {
				return bounceWith(ctx, a, clientObj)
			})}
			p := newPair(t, serverObj.Impl, mode.edit)
			v, err := p.peer.Call(context.Background(), p.ref, []codec.Value{codec.Int(depth), clientObj}, nil)
			if err != nil || v.String() != "'bottom'" {
				t.Errorf("Call = %v, %v", v, err)
			}
		})
	}
}

// bounceWith calls back the caller's object, with self to be called in turn.
func bounceWith(ctx context.Context, a []codec.Value, self *Object) (codec.Value, error) {
	n := a[0].(codec.Int)
	if n == 0 {
		return codec.Bytes("bottom"), nil
	}
	return a[1].(*Proxy).Call(ctx, []codec.Value{n - 1, self}, nil)
}

func TestPagedListings(t *testing.T) {
	const n = 20000
	keys := make([]codec.Value, n)
	names := make([]string, n)
	for i := range n {
		keys[i] = codec.Int(i)
		names[i] = fmt.Sprintf("attribute_%05d", i)
	}
	p := newPair(t, &large{keys, names})
	ctx := context.Background()
	got, err := p.peer.Keys(ctx, p.ref)
	if err != nil || len(got) != n || got[n-1] != codec.Value(codec.Int(n-1)) {
		t.Errorf("Keys: %d, %v", len(got), err)
	}
	dir, err := p.peer.Dir(ctx, p.ref)
	if err != nil || len(dir) != n || dir[n-1] != names[n-1] {
		t.Errorf("Dir: %d, %v", len(dir), err)
	}
	d, err := p.peer.Describe(ctx, p.ref)
	if err != nil || len(d.Attrs) != n || d.Attrs[n-1].Name != names[n-1] || d.Class != "large" {
		t.Errorf("Describe: %d, %v", len(d.Attrs), err)
	}
}

type large struct {
	keys  []codec.Value
	names []string
}

func (l *large) Keys(context.Context) ([]codec.Value, error) { return l.keys, nil }
func (l *large) Describe(context.Context) (codec.Description, error) {
	d := codec.Description{Class: "large", Indexable: true}
	for _, n := range l.names {
		d.Attrs = append(d.Attrs, codec.AttrInfo{Name: n, Kind: codec.KindInt})
	}
	return d, nil
}

// Towards a peer without extensions they cost no packet; a peer that loses
// them, because an original took its place, is noticed.
func TestExtensionsAreOptional(t *testing.T) {
	p := newPair(t, newBag(nil), plainOnly)
	sent := p.client.requests()
	if _, err := p.peer.Dir(context.Background(), p.ref); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Dir: %v, want ErrUnsupported", err)
	}
	if now := p.client.requests(); now != sent {
		t.Errorf("%d packets for nothing", now-sent)
	}
	p.peer.ext.Store(wire.ExtAll)
	if _, err := p.peer.Dir(context.Background(), p.ref); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Dir to an original: %v, want ErrUnsupported", err)
	}
	if p.peer.Extended() {
		t.Error("still taken for extended")
	}
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, fn(func(ctx context.Context, _ []codec.Value, _ map[string]codec.Value) (codec.Value, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}))
		errs := make(chan error)
		go func() {
			_, err := p.peer.Call(context.Background(), p.ref, nil, nil)
			errs <- err
		}()
		synctest.Wait()
		p.client.Close()
		if err := <-errs; !errors.Is(err, ErrClosed) {
			t.Errorf("Call across Close: %v", err)
		}
		if _, err := p.peer.List(context.Background()); !errors.Is(err, ErrClosed) {
			t.Errorf("List after Close: %v", err)
		}
		p.server.Close() // its handler must end
	})
}

func TestCallWithoutDeadlineEndsWithThePeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, fn(func(ctx context.Context, _ []codec.Value, _ map[string]codec.Value) (codec.Value, error) {
			select {
			case <-time.After(time.Minute):
				return codec.Int(60), nil
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}))
		ctx, cancel := context.WithTimeout(t.Context(), 24*time.Hour)
		defer cancel()
		// A call may take long as long as the peer lives.
		if v, err := p.peer.Call(ctx, p.ref, nil, nil); err != nil || v != codec.Value(codec.Int(60)) {
			t.Fatalf("a slow call: %v, %v", v, err)
		}
		start := time.Now()
		time.AfterFunc(10*time.Second, func() {
			p.net.setFilter(func(from, to netip.AddrPort, b []byte, deliver func()) {})
		})
		_, err := p.peer.Call(ctx, p.ref, nil, nil)
		took := time.Since(start)
		if !errors.Is(err, ErrDown) || !errors.Is(err, ErrOutcomeUnknown) {
			t.Errorf("a call whose peer vanishes: %v", err)
		}
		if took > 10*time.Second+downAfter*defaultTimeout+2*probeAfter {
			t.Errorf("noticed after %v", took)
		}
	})
}

func TestDisconnectIsSent(t *testing.T) {
	p := newPair(t, newBag(nil))
	a := &picky{}
	if err := p.server.SetAuthenticator(a); err != nil {
		t.Fatal(err)
	}
	var desyncs atomic.Int32
	p.net.onSend(func(from, to netip.AddrPort, b []byte) {
		if command(b[0]) == cmdDesync {
			desyncs.Add(1)
		}
	})
	ctx := context.Background()
	if _, err := p.peer.List(ctx); err != nil {
		t.Fatal(err)
	}
	if err := p.peer.Disconnect(ctx); err != nil || desyncs.Load() != 1 {
		t.Errorf("Disconnect: %v, %d sent", err, desyncs.Load())
	}
	if _, err := p.peer.List(ctx); err != nil {
		t.Fatal(err)
	}
	if n := a.admits.Load(); n != 2 {
		t.Errorf("Admit was asked %d times, want again after DESYNC", n)
	}
}
