package nomcore_test

import (
	"math"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"nomfs/codec"
)

// What comes from outside in the soak test: datagrams that no client of ours
// sends, from addresses that are validated or not.

// attack sends packets until end is closed. ids are the objects of the server.
// All pauses are so many times as long as pace says: the attackers are as slow as
// the machine is.
func attack(t *testing.T, to *net.UDPAddr, ids map[string]codec.ID, pace float64, end <-chan struct{}) *sync.WaitGroup {
	var wg sync.WaitGroup
	every := func(pause time.Duration, f func(r *rand.Rand, i int)) {
		r := rand.New(rand.NewPCG(uint64(pause), 1))
		wg.Go(func() {
			tick := time.NewTicker(time.Duration(pace * float64(pause)))
			defer tick.Stop()
			for i := 0; ; i++ {
				select {
				case <-tick.C:
					f(r, i)
				case <-end:
					return
				}
			}
		})
	}
	every(3*time.Millisecond, func(r *rand.Rand, _ int) { fromAnywhere(r, to, flood(r)) })
	// Some of these cost the race detector a tenth of a second each.
	values := hostileValues()
	every(2*time.Second, func(r *rand.Rand, i int) {
		fromAnywhere(r, to, rawPull(i, ids["numbers"], "SetAttr", setTo(values[i%len(values)])...))
	})

	// These have addresses that the server can validate, since they answer it.
	validated := func() *rawClient {
		conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		c := &rawClient{conn: conn, to: to, answer: func(int64, rawReply) {}}
		c.start(t)
		c.send(rawPacket(cmdSync, 0))
		return c
	}
	hostile := validated()
	every(500*time.Millisecond, func(_ *rand.Rand, i int) {
		hostile.send(rawPull(i, ids["numbers"], "SetAttr", setTo(values[i%len(values)])...))
	})
	pages := validated()
	every(20*time.Millisecond, func(r *rand.Rand, i int) {
		op := []string{"Keys", "Dir", "Describe", "Snapshot"}[i%4]
		pages.send(rawPull(i, ids["many"], op, codec.Attr{Name: "from", Value: codec.Int(r.IntN(2 * manyItems))}))
	})
	sessions := validated()
	every(20*time.Millisecond, func(r *rand.Rand, i int) {
		sessions.send(rawPacket(cmdSync, i, nomxAttr(r.Uint64(), [16]byte{1: byte(i), 2: byte(i >> 8), 3: byte(i >> 16)})))
	})
	twice := validated()
	every(20*time.Millisecond, func(_ *rand.Rand, i int) {
		b := rawCall(i, ids["once"], codec.Bytes(onceMark+"original"), codec.Int(i+1))
		twice.send(b)
		twice.send(rawPacket(cmdDesync, i))
		twice.send(b)
	})
	return &wg
}

// fromAnywhere sends one packet from an address that is used once.
func fromAnywhere(r *rand.Rand, to *net.UDPAddr, b []byte) {
	from := &net.UDPAddr{IP: net.IPv4(127, byte(1+r.IntN(254)), byte(r.Uint32()), byte(1+r.IntN(254)))}
	c, err := net.DialUDP("udp4", from, to)
	if err != nil {
		return // of so many one may be taken
	}
	defer c.Close()
	_, _ = c.Write(b)
}

// flood returns a packet that costs its sender nothing.
func flood(r *rand.Rand) []byte {
	switch xid := r.IntN(1 << 20); r.IntN(5) {
	case 0:
		return rawPacket(cmdSync, xid)
	case 1:
		return rawPacket(cmdList, xid)
	case 2:
		return rawResolve(xid, "plain")
	case 3:
		return stray(r)
	default:
		return rawPacket(cmdSync, xid, nomxAttr(r.Uint64(), [16]byte{byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32()), 7}))
	}
}

// stray returns a request of a session that nobody opened, or garbage.
func stray(r *rand.Rand) []byte {
	if r.IntN(2) == 0 {
		return rawPacket(cmdList, r.IntN(1<<20), rawTag(r.Uint64(), r.Uint64(), r.Uint64(), 1, 1))
	}
	b := make([]byte, 1+r.IntN(200))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	b[0] %= 7
	return b
}

// setTo are the attributes of a SetAttr.
func setTo(v codec.Value) []codec.Attr {
	return []codec.Attr{{Name: "attr", Value: codec.Bytes("hostile")}, {Name: "val", Value: v}}
}

// hostileValues are values that are hard to take in and fill a datagram: sets
// that mix numbers which are hard to compare, deep nesting, many members.
func hostileValues() []codec.Value {
	const size = 60_000 // bytes
	var mixed, tuples codec.Set
	for i := range size / 14 { // an INT of 5 bytes and a FLOAT of 9
		f := codec.Float(math.MaxFloat64 * (1 - float64(i)*1e-12))
		mixed = append(mixed, codec.Int(i), f)
		tuples = append(tuples, codec.Tuple{f})
	}
	var deep codec.Value = codec.None{}
	for range 290 {
		deep = codec.List{deep}
	}
	wide := make(codec.List, size)
	for i := range wide {
		wide[i] = codec.None{}
	}
	long := make([]byte, size)
	for i := range long {
		long[i] = '9'
	}
	return []codec.Value{mixed, tuples, deep, wide, codec.Long(long)}
}
