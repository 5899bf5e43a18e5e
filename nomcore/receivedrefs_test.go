package nomcore

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"nomfs/codec"
)

// What is counted and what is pending is what was received and given back.
func TestReceivedRefs(t *testing.T) {
	const steps, refs = 20_000, 6
	r := rand.New(rand.NewPCG(1, 2))
	total := budget{most: maxReceivedBytes}
	m := receivedRefs{total: &total}
	counts, pending := make(map[codec.Ref]int), make(map[codec.Ref]int)
	move := func(ref codec.Ref, n int) {
		if n > 0 {
			counts[ref] -= n
			pending[ref] += n
		}
	}
	for step := range steps {
		ref := codec.Ref{ID: codec.ID(fmt.Sprint(r.IntN(refs))), Home: codec.NewHome("127.0.0.1", 1+r.IntN(2))}
		switch r.IntN(12) {
		case 0:
			m.giveBack(ref, -1)
			move(ref, counts[ref])
		case 1, 2:
			n := r.IntN(3)
			m.giveBack(ref, n)
			move(ref, min(n, counts[ref]))
		case 3:
			m.giveBackUsed(ref)
			pending[ref] += max(counts[ref], 1)
			counts[ref] = 0
		case 4:
			batch := m.batch()
			for ref, n := range batch {
				if pending[ref] != n {
					t.Fatalf("step %d: %d of %s are pending, want %d", step, n, ref, pending[ref])
				}
			}
			if r.IntN(2) == 0 {
				m.putBack(batch)
			} else {
				clear(pending)
			}
		case 5:
			if r.IntN(10) == 0 {
				m.clear()
				clear(counts)
				clear(pending)
			}
		default:
			m.count(ref)
			counts[ref]++
		}
		bytes, have := 0, 0
		for ref, n := range counts {
			if m.counts[ref] != n {
				t.Fatalf("step %d: %d of %s are counted, want %d", step, m.counts[ref], ref, n)
			}
			if n > 0 {
				have++
				bytes += receivedBytes(ref)
			}
		}
		for ref, n := range pending {
			if n > 0 {
				bytes += receivedBytes(ref)
			}
			if m.pending[ref] != n {
				t.Fatalf("step %d: %d of %s are pending, want %d", step, m.pending[ref], ref, n)
			}
		}
		if n, _ := m.size(); n != have || m.bytes != bytes || int(total.used.Load()) != bytes {
			t.Fatalf("step %d: %d references with %d bytes, want %d with %d", step, n, m.bytes, have, bytes)
		}
	}
}

// References that peers send without end take a bounded amount of memory, and
// leave room for those of other peers.
func TestReceivedRefsAreBounded(t *testing.T) {
	const hostile = 4
	for name, text := range map[string]int{"short": 10, "long": 50_000} {
		t.Run(name, func(t *testing.T) {
			const most = 4 << 20 // bytes
			total := budget{most: most}
			var peers []*receivedRefs
			long := strings.Repeat("1", text)
			fill := func(m *receivedRefs) int {
				for i := range maxPeerRefs + 1 {
					before := len(m.counts)
					if m.count(codec.Ref{ID: codec.ID(fmt.Sprint(i, long)), Home: codec.NewHome("127.0.0.1", 1)}); len(m.counts) == before {
						break
					}
				}
				return len(m.counts)
			}
			for range hostile {
				m := &receivedRefs{total: &total}
				peers = append(peers, m)
				fill(m)
			}
			newcomer := &receivedRefs{total: &total}
			if n := fill(newcomer); n < most/(text+200)>>(hostile+1) {
				t.Errorf("a newcomer has room for %d references", n)
			}
			if n := total.used.Load(); n > most {
				t.Errorf("%d bytes in all", n)
			}
			for _, m := range append(peers, newcomer) {
				m.giveBack(codec.Ref{}, -1)
				m.discard()
				m.count(codec.Ref{ID: "1"})
			}
			if n := total.used.Load(); n != 0 {
				t.Errorf("%d bytes are left", n)
			}
		})
	}
}

// The text of an id may be a small part of a long text, which is not kept.
func TestReceivedRefsKeepNoLongText(t *testing.T) {
	const refs, zeros = 1000, 50_000
	m := receivedRefs{total: &budget{most: maxReceivedBytes}}
	before := heapBytes()
	for i := range refs {
		id, err := codec.ParseID(strings.Repeat("0", zeros) + fmt.Sprint(i+1))
		if err != nil {
			t.Fatal(err)
		}
		m.count(codec.Ref{ID: id})
	}
	if used := heapBytes() - before; used > 2*m.bytes {
		t.Errorf("%d bytes in use, estimated %d", used, m.bytes)
	}
	if n, _ := m.size(); n != refs {
		t.Errorf("%d references", n)
	}
}
