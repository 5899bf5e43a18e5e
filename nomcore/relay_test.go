package nomcore

import (
	"context"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"nomfs/codec"
)

// aRelay is a port forward, a relay, or a translation of addresses between a
// client and a server: the client asks front, and the server hears of back.
type aRelay struct {
	name        string
	front, back netip.AddrPort
}

// around carries what goes through the relay, and returns what does not, which
// is lost.
func (r aRelay) around(n *memNet) func() []string {
	var mu sync.Mutex
	var lost []string
	n.setFilter(func(from, to netip.AddrPort, b []byte, _ func()) {
		switch {
		case from == clientAt && to == r.front:
			n.deliver(r.back, serverAt, b)
		case from == serverAt && to == r.back:
			n.deliver(r.front, clientAt, b)
		default:
			pkt, _ := parsePacket(b)
			op, _ := pkt.text(attrOp)
			mu.Lock()
			lost = append(lost, from.String()+" to "+to.String()+": "+pkt.cmd.String()+" "+op)
			mu.Unlock()
		}
	})
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return lost
	}
}

// callsItself makes a service call itself by another home in references.
func callsItself(s *Service, home codec.Home) {
	at := s.Addr()
	s.homesMu.Lock()
	defer s.homesMu.Unlock()
	s.homeOf[at.Addr()] = home
	s.homes[home] = struct{}{}
}

// relayed is an object that calls what it is given, at once and later.
type relayed struct {
	bag
	p *pair
}

func (r *relayed) Call(ctx context.Context, args []codec.Value, _ map[string]codec.Value) (codec.Value, error) {
	if len(args) == 0 {
		return codec.Int(7), nil
	}
	if f, ok := args[0].(Caller); ok {
		return f.Call(ctx, nil, nil)
	}
	time.Sleep(3 * pollEvery) // so that the client asks whether it still runs
	return args[0], nil
}

func (r *relayed) Keys(context.Context) ([]codec.Value, error) {
	return []codec.Value{codec.Int(1)}, nil
}

func (r *relayed) Describe(context.Context) (codec.Description, error) {
	return codec.Description{Class: "relayed", Attrs: []codec.AttrInfo{{Name: "inner", Kind: codec.KindRef}, {Name: "n", Kind: codec.KindInt}}}, nil
}

// Whatever a peer calls itself, everything that goes to it takes the way by which
// it is reached.
func TestRelay(t *testing.T) {
	at := netip.MustParseAddrPort
	relays := []aRelay{
		{"relay", at("127.0.0.9:7000"), at("127.0.0.9:7001")},
		{"port forward on the server's machine", at("127.0.0.1:7000"), at("127.0.0.1:7001")},
		{"port forward", at("127.0.0.9:7000"), clientAt},
		{"translation of the client's address", serverAt, at("127.0.0.9:7001")},
	}
	for _, r := range relays {
		for _, tt := range []struct {
			name           string
			client, server func(*Config)
			home           codec.Home // by which an original calls itself; "" for its address
		}{
			{"of ours", nil, nil, ""},
			{"original server", nil, plainOnly, ""},
			{"original server at 0.0.0.0", nil, plainOnly, codec.NewHome("0.0.0.0", 12074)},
			{"original server at localhost", nil, plainOnly, codec.NewHome("localhost", 12074)},
			{"original client", plainOnly, nil, ""},
			{"original client at 0.0.0.0", plainOnly, nil, codec.NewHome("0.0.0.0", 12075)},
			{"original client at 0.0.0.0, port of the server", plainOnly, nil, codec.NewHome("0.0.0.0", 12074)},
			{"original client at localhost", plainOnly, nil, codec.NewHome("localhost", 12075)},
			{"original client at localhost, port of the server", plainOnly, nil, codec.NewHome("localhost", 12074)},
		} {
			t.Run(r.name+"/"+tt.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { throughRelay(t, r, tt.client, tt.server, tt.home) })
			})
		}
	}
}

// throughRelay does all that a client and a server do, and fails the test for
// what goes around the relay.
func throughRelay(t *testing.T, r aRelay, client, server func(*Config), home codec.Home) {
	edits := func(edit func(*Config)) []func(*Config) {
		if edit == nil {
			return []func(*Config){noLog}
		}
		return []func(*Config){noLog, edit}
	}
	p := &pair{net: newMemNet()}
	p.server = p.net.newService(t, serverAddr, edits(server)...)
	p.client = p.net.newService(t, clientAddr, edits(client)...)
	if home != "" && server != nil {
		callsItself(p.server, home)
	}
	if home != "" && client != nil {
		callsItself(p.client, home)
	}
	x := &relayed{bag: bag{attrs: map[string]codec.Value{"n": codec.Int(1)}}, p: p}
	x.attrs["inner"] = &Object{Impl: fn(func(context.Context, []codec.Value, map[string]codec.Value) (codec.Value, error) {
		return codec.Int(8), nil
	})}
	if err := p.server.Register("x", &Object{Impl: x}); err != nil {
		t.Fatal(err)
	}
	around := r.around(p.net)
	p.peer, p.ref = connect(t, p.client, r.front.String(), "x")
	for name, op := range allOperations(t.Context(), p.peer, p.ref) {
		if err := op(); name == "Call" && err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	x.attrs["inner"], x.attrs["n"] = &Object{Impl: echo}, codec.Int(1) // allOperations may have changed it
	callback := &Object{Impl: fn(func(context.Context, []codec.Value, map[string]codec.Value) (codec.Value, error) {
		return codec.Int(9), nil
	})}
	expect := func(what string, want codec.Value, do func(context.Context) (codec.Value, error)) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if v, err := do(ctx); err != nil || v != want {
			t.Errorf("%s: %v, %v, want %v", what, v, err, want)
		}
	}
	expect("a callback while its call runs", codec.Int(9), func(ctx context.Context) (codec.Value, error) {
		return p.peer.Call(ctx, p.ref, []codec.Value{callback}, nil)
	})
	expect("a callback afterwards", codec.Int(9), func(ctx context.Context) (codec.Value, error) {
		if err := p.peer.SetAttr(ctx, p.ref, "cb", callback); err != nil {
			return nil, err
		}
		cb, ok := x.get("cb").(*Proxy)
		if !ok {
			return x.get("cb"), nil
		}
		return cb.Call(ctx, nil, nil)
	})
	expect("a reference of an answer", codec.Int(3), func(ctx context.Context) (codec.Value, error) {
		v, err := p.peer.GetAttr(ctx, p.ref, "inner")
		if err != nil {
			return nil, err
		}
		inner := v.(codec.Ref)
		defer p.peer.Release(inner)
		return p.peer.Call(ctx, inner, []codec.Value{codec.Int(3)}, nil)
	})
	expect("a call that takes long", codec.Int(4), func(ctx context.Context) (codec.Value, error) {
		return p.peer.Call(ctx, p.ref, []codec.Value{codec.Int(4)}, nil)
	})
	time.Sleep(2 * leaseTime) // leases and releases
	expect("after a silence", codec.Int(7), func(ctx context.Context) (codec.Value, error) {
		return p.peer.Call(ctx, p.ref, nil, nil)
	})
	for _, what := range around() {
		t.Errorf("around the relay: %s", what)
	}
}
