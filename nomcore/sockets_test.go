package nomcore

import (
	"context"
	"errors"
	"fmt"

	"net/netip"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"nomfs/auth"
	"nomfs/codec"
)

// listenLoopback serves on a free port.
func listenLoopback(t testing.TB, edit ...func(*Config)) *Service {
	t.Helper()
	cfg := &Config{Authenticator: auth.Default, Log: testLog(t)}
	for _, f := range edit {
		f(cfg)
	}
	s, err := Listen("127.0.0.1:0", cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// echo returns its first argument.
var echo = fn(func(_ context.Context, a []codec.Value, _ map[string]codec.Value) (codec.Value, error) {
	if len(a) == 0 {
		return codec.None{}, nil
	}
	return a[0], nil
})

// A port that nobody listens on is known at once where the system tells.
func TestClosedPort(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells an unconnected socket")
	}
	server, client := listenLoopback(t), listenLoopback(t)
	if err := server.Register("f", &Object{Impl: echo}); err != nil {
		t.Fatal(err)
	}
	peer, ref := connect(t, client, server.Addr().String(), "f")
	server.Close()
	start := time.Now()
	_, err := peer.Call(context.Background(), ref, []codec.Value{codec.Int(1)}, nil)
	if !errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, ErrOutcomeUnknown) {
		t.Errorf("Call to a closed port: %v, want refused, and that it did not run", err)
	}
	for range 10 {
		if _, err := peer.List(context.Background()); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("List at a closed port: %v", err)
		}
	}
	if took := time.Since(start); took > defaultTimeout/2 {
		t.Errorf("took %v", took)
	}
	// The error of one peer is no other's.
	other := listenLoopback(t)
	if _, err := client.Connect(context.Background(), other.Addr().String()); err != nil {
		t.Errorf("another peer: %v", err)
	}
}

func TestManyCallers(t *testing.T) {
	const callers, calls = 64, 200
	for _, mode := range []struct {
		name string
		edit func(*Config)
	}{{"original", plainOnly}, {"extended", func(*Config) {}}} {
		t.Run(mode.name, func(t *testing.T) {
			server, client := listenLoopback(t, mode.edit), listenLoopback(t, mode.edit)
			var runs atomic.Int64
			counting := fn(func(ctx context.Context, a []codec.Value, kw map[string]codec.Value) (codec.Value, error) {
				runs.Add(1)
				return echo(ctx, a, kw)
			})
			if err := server.Register("f", &Object{Impl: counting}); err != nil {
				t.Fatal(err)
			}
			peer, ref := connect(t, client, server.Addr().String(), "f")
			var wg sync.WaitGroup
			for i := range callers {
				wg.Go(func() {
					for j := range calls {
						want := codec.Value(codec.Int(i*calls + j))
						v, err := peer.Call(context.Background(), ref, []codec.Value{want}, nil)
						if err != nil || v != want {
							t.Errorf("Call(%v) = %v, %v", want, v, err)
							return
						}
					}
				})
			}
			wg.Wait()
			if n := runs.Load(); n != callers*calls {
				t.Errorf("%d runs of %d calls", n, callers*calls)
			}
		})
	}
}

// A wildcard address never goes into a reference.
func TestReferencesCarryReachableAddress(t *testing.T) {
	open := func(c *Config) { c.Plain = append(Loopback(), netip.MustParsePrefix("192.0.2.0/24")) }
	cfg := &Config{Authenticator: auth.Default}
	open(cfg)
	s, err := Listen("0.0.0.0:0", cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Register("f", &Object{Impl: echo}); err != nil {
		t.Fatal(err)
	}
	client := listenLoopback(t)
	_, ref := connect(t, client, netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), s.Addr().Port()).String(), "f")
	host, port, ok := ref.Home.Addr()
	if !ok || host != "127.0.0.1" || port != int(s.Addr().Port()) {
		t.Errorf("home %v", ref)
	}
}

// Who asks one address of a machine gets the answer from it.
func TestAnswersComeFromTheAddressAsked(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs 127.0.0.2 to be local, and a system that tells the destination")
	}
	for _, listen := range []string{"0.0.0.0:0", "[::]:0"} {
		s, err := Listen(listen, &Config{
			Authenticator: auth.Default,
			Plain:         append(Loopback(), netip.MustParsePrefix("192.0.2.0/24")),
		})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if err := s.Register("f", &Object{Impl: echo}); err != nil {
			t.Fatal(err)
		}
		client := listenLoopback(t)
		for _, host := range []string{"127.0.0.2", "127.0.0.1"} {
			peer, ref := connect(t, client, fmt.Sprintf("%s:%d", host, s.Addr().Port()), "f")
			if home, _, _ := ref.Home.Addr(); home != host {
				t.Errorf("%s at %s: the reference says %v", listen, host, ref)
			}
			if _, err := peer.Call(context.Background(), ref, nil, nil); err != nil {
				t.Errorf("%s at %s: %v", listen, host, err)
			}
		}
	}
}

func TestLargeDatagrams(t *testing.T) {
	server, client := listenLoopback(t), listenLoopback(t)
	if err := server.Register("f", &Object{Impl: echo}); err != nil {
		t.Fatal(err)
	}
	peer, ref := connect(t, client, server.Addr().String(), "f")
	largest := 0
	for size := 65000; size < maxDatagram; size++ {
		v, err := peer.Call(context.Background(), ref, []codec.Value{codec.Bytes(strings.Repeat("x", size))}, nil)
		if errors.Is(err, ErrTooLarge) {
			break
		}
		if b, ok := v.(codec.Bytes); err != nil || !ok || len(b) != size {
			t.Fatalf("echo of %d bytes: %v", size, err)
		}
		largest = size
	}
	if largest < 65250 || largest > maxDatagram-100 {
		t.Errorf("largest argument: %d bytes", largest)
	}
}

func TestRoutes(t *testing.T) {
	net := newMemNet()
	s := net.newService(t, "10.0.0.1:12074", func(c *Config) {
		c.Plain = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24"), netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("fe80::/10")}
	})
	tests := []struct {
		from, host string
		port       int
		want       string // "" is permission denied
	}{
		{"10.0.0.2:12074", "10.0.0.2", 12074, "10.0.0.2:12074"},
		{"10.0.0.2:12074", "0.0.0.0", 12074, "10.0.0.2:12074"},
		{"10.0.0.2:12074", "127.0.0.1", 12074, "10.0.0.2:12074"},
		{"10.0.0.2:12074", "localhost", 12074, "10.0.0.2:12074"},
		{"10.0.0.2:12074", "::", 12074, "10.0.0.2:12074"},
		{"10.0.0.2:12074", "0.0.0.0", 12075, "10.0.0.2:12075"}, // another process of that machine
		{"127.0.0.1:12075", "127.0.0.1", 12076, "127.0.0.1:12076"},
		{"127.0.0.1:12075", "127.0.0.2", 12076, "127.0.0.2:12076"},
		{"10.0.0.2:12074", "10.0.0.9", 12074, "10.0.0.9:12074"},
		{"[fe80::2%eth0]:12074", "fe80::2", 12074, "[fe80::2%eth0]:12074"},
		{"[fe80::2%eth0]:12074", "fe80::3%lan7", 12074, "[fe80::3%eth0]:12074"}, // by whatever name it knows our link
		{"[fe80::2%eth0]:12074", "::", 12074, "[fe80::2%eth0]:12074"},
		{"10.0.0.2:12074", "192.0.2.1", 12074, ""},
		{"10.0.0.2:12074", "example.com", 12074, ""},
		{"10.0.0.2:12074", "10.0.0.2", 0, ""},
		{"10.0.0.2:12074", "10.0.0.2", 70000, ""},
	}
	for _, tt := range tests {
		p := newPeer(s, netip.MustParseAddrPort(tt.from))
		to, err := p.routeAddr(codec.NewHome(tt.host, tt.port))
		switch {
		case tt.want == "" && !errors.Is(err, ErrPlainRefused):
			t.Errorf("%+v: %v, %v, want permission denied", tt, to, err)
		case tt.want != "" && (err != nil || to.String() != tt.want):
			t.Errorf("%+v: %v, %v", tt, to, err)
		}
	}
	p := newPeer(s, netip.MustParseAddrPort("10.0.0.2:12074"))
	if _, err := p.GetAttr(context.Background(), codec.Ref{ID: "1", Home: codec.NewHome("192.0.2.1", 12074)}, "a"); !errors.Is(err, ErrPlainRefused) {
		t.Errorf("a third address: %v", err)
	}
	if st := s.Stats(); st.Sent != 0 {
		t.Errorf("%d datagrams went to a third address", st.Sent)
	}
}
