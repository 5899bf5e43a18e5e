package nomcore

import (
	"context"
	"flag"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"slices"
	"testing"

	"nomfs/codec"
)

// mutations is how many broken packets TestMutatedPackets sends. Ten million
// take some minutes.
var mutations = flag.Int("mutations", 200_000, "number of mutated packets")

// Seeds of the runs; a run is repeated exactly with the same seed.
var mutationSeeds = []uint64{1, 12074, 20260101}

// mutate changes a packet as a hostile or broken sender might.
func mutate(r *rand.Rand, packets [][]byte) []byte {
	b := slices.Clone(packets[r.IntN(len(packets))])
	for range 1 + r.IntN(4) {
		switch r.IntN(7) {
		case 0: // a bit
			b[r.IntN(len(b))] ^= 1 << r.IntN(8)
		case 1: // a byte
			b[r.IntN(len(b))] = byte(r.Uint32())
		case 2: // cut off
			b = b[:1+r.IntN(len(b))]
		case 3: // something that means something: a tag, a length, an extreme
			interesting := []byte{0, 1, 2, 4, 7, 8, 0x0d, 0x0e, 0x7f, 0x80, 0xff}
			b[r.IntN(len(b))] = interesting[r.IntN(len(interesting))]
		case 4: // a part twice
			i := r.IntN(len(b))
			j := i + r.IntN(len(b)-i)
			b = slices.Insert(b, i, b[i:j]...)
		case 5: // the start of one, the end of another
			o := packets[r.IntN(len(packets))]
			b = append(b[:1+r.IntN(len(b))], o[r.IntN(len(o)):]...)
		case 6: // a part missing
			i := r.IntN(len(b))
			j := i + r.IntN(len(b)-i)
			if b = slices.Delete(b, i, j); len(b) == 0 {
				b = []byte{0}
			}
		}
		if len(b) > maxDatagram {
			b = b[:maxDatagram]
		}
	}
	return b
}

// TestMutatedPackets sends broken packets from many addresses to a service
// that serves live objects: it must not panic, not grow, and still answer.
func TestMutatedPackets(t *testing.T) {
	net := newMemNet()
	s := net.newService(t, serverAddr, func(c *Config) { c.Log = nil })
	b := newBag(map[string]codec.Value{"foo": codec.Int(1)})
	s.reg.newID = sequence(t, "42", "43")
	for name, impl := range map[string]any{"X": b, "Y": echo} {
		o := &Object{Impl: impl}
		if err := s.Register(name, o); err != nil {
			t.Fatal(err)
		}
		if _, err := s.reg.give(nil, o, source{}); err != nil { // the packets ask for 42 and 43
			t.Fatal(err)
		}
	}
	s.reg.newID = randomObjectID
	var packets [][]byte
	for _, p := range packetVectors(t) {
		packets = append(packets, p)
	}
	slices.SortFunc(packets, slices.Compare)

	n := *mutations / len(mutationSeeds)
	var before runtime.MemStats
	w := newWorker(s, nil)
	for i, seed := range mutationSeeds {
		r := rand.New(rand.NewPCG(seed, 0))
		for range n {
			from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, byte(r.Uint32()), byte(r.Uint32()), 1}), uint16(1+r.IntN(9)))
			if r.IntN(2) == 0 { // half come from those who may ask as much as they like
				s.peers.validate(from)
			}
			w.receive(mutate(r, packets), from, netip.Addr{})
		}
		if i == 0 { // the tables are full by now
			runtime.GC()
			runtime.ReadMemStats(&before)
		}
	}
	st := s.Stats()
	t.Logf("%d packets: %+v", n*len(mutationSeeds), st)
	if n := len(s.peers.all()); n > maxPeers+maxGuests {
		t.Errorf("%d addresses are known", n)
	}
	if st.Bad == 0 || st.Sent == 0 {
		t.Error("the packets are not what they should be")
	}

	client := net.newService(t, clientAddr)
	peer, err := client.Connect(context.Background(), serverAddr)
	if err != nil {
		t.Fatal(err)
	}
	if names, err := peer.List(context.Background()); err != nil || len(names) != 2 {
		t.Errorf("List = %v, %v", names, err)
	}
	if n := s.stats.handlerErrors.Load(); n != 0 {
		t.Errorf("%d handlers panicked", n)
	}
	var after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&after)
	const slack = 16 << 20 // bytes; a leak of a few bytes a packet exceeds it in a long run
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > slack {
		t.Errorf("the heap grew by %d bytes", grown)
	}
}

// The six bytes that made the original deaf, and others of their kind.
func TestDeadlyPackets(t *testing.T) {
	p := newPair(t, newBag(map[string]codec.Value{"a": codec.Int(1)}))
	from := netip.MustParseAddrPort("127.0.0.1:6666")
	deadly := [][]byte{
		{9, 8, 0, 0, 0, 0},                    // unknown command
		{0, 8, 0, 0, 0, 0},                    // SYNC without xid
		{3, 8, 0, 0, 0, 0},                    // RESOLVE without name
		{255, 8, 0, 0, 0, 0}, {}, {2}, {4, 8}, // nonsense
	}
	for _, b := range deadly {
		p.net.deliver(from, p.server.Addr(), b)
		if v, err := p.peer.GetAttr(context.Background(), p.ref, "a"); err != nil {
			t.Fatalf("after % x: %v, %v", b, v, err)
		}
	}
}
