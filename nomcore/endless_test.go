package nomcore

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nomfs/codec"
	"nomfs/nomcore/wire"
)

// hostileList answers all listings with pages of its own making.
type hostileList struct {
	entries func(op string, from int) codec.Value
	next    func(from int) codec.Value
	asked   int // pages
}

// serve serves a socket as a peer of ours that offers everything, until the test
// ends.
func (h *hostileList) serve(t *testing.T, c *memConn) {
	t.Cleanup(func() { c.Close() })
	for {
		select {
		case d := <-c.in:
			pkt, err := parsePacket(d.b)
			if err != nil || pkt.isReply() {
				t.Errorf("the peer got %x, %v", d.b, err)
				continue
			}
			c.net.deliver(c.addr, d.from, rawRequest(t, pkt.cmd, h.answer(&pkt)...))
		case <-c.done:
			return
		}
	}
}

func (h *hostileList) answer(pkt *packet) []codec.Attr {
	xid, _ := pkt.xid()
	attrs := []codec.Attr{xidAttr(int(xid))}
	if nomx, ok := pkt.text(attrNomx); ok {
		return append(attrs, codec.Attr{Name: attrNomx, Value: codec.Bytes(nomx)}, codec.Attr{Name: attrResult, Value: codec.Bool(true)})
	}
	if tag, ok := pkt.text(attrNomq); ok {
		const numberAt = 24
		ack := wire.Ack{Seq: binary.BigEndian.Uint64([]byte(tag)[numberAt:]), Memory: time.Hour}
		attrs = append(attrs, codec.Attr{Name: attrNomq, Value: codec.Bytes(ack.Append(nil))})
	}
	from := 0
	if v, ok := pkt.get(attrFrom); ok {
		n, _ := codec.Int64Of(v)
		from = int(n)
	}
	h.asked++
	op, _ := pkt.text(attrOp)
	if pkt.cmd == cmdList {
		attrs = append(attrs, codec.Attr{Name: "next", Value: h.next(from)}, codec.Attr{Name: attrResult, Value: h.entries("LIST", from)})
		if _, roots := pkt.get(attrRefs); roots {
			n := len(h.entries("LIST", from).(codec.List))
			attrs = append(attrs, codec.Attr{Name: attrRefs, Value: codec.Tuple{codec.Bytes("127.0.0.1:12074"), codec.Bytes(strings.Repeat("x", n*idBytes))}})
		}
		return attrs
	}
	return append(attrs, codec.Attr{Name: attrResult, Value: codec.MapOf(map[string]codec.Value{
		pageEntries: h.entries(op, from), pageNext: h.next(from),
	})})
}

// entriesOf returns what a page of a listing has as its entries.
func entriesOf(op string, names []string) codec.Value {
	list := make(codec.List, len(names))
	m := make(map[string]codec.Value)
	var d codec.Description
	for i, n := range names {
		list[i] = codec.Bytes(n)
		m[n] = codec.Int(i)
		d.Attrs = append(d.Attrs, codec.AttrInfo{Name: n})
	}
	switch op {
	case "Describe":
		return d.Value()
	case "Snapshot":
		return codec.MapOf(m)
	}
	return list
}

// listings are the listings of a client. Each returns how many entries it got.
func listings(p *Peer, r codec.Ref) map[string]func(ctx context.Context) (int, error) {
	return map[string]func(ctx context.Context) (int, error){
		"Describe": func(ctx context.Context) (int, error) { d, err := p.Describe(ctx, r); return len(d.Attrs), err },
		"Dir":      func(ctx context.Context) (int, error) { l, err := p.Dir(ctx, r); return len(l), err },
		"Keys":     func(ctx context.Context) (int, error) { l, err := p.Keys(ctx, r); return len(l), err },
		"Snapshot": func(ctx context.Context) (int, error) { m, err := p.Snapshot(ctx, r); return len(m), err },
		"LIST":     func(ctx context.Context) (int, error) { l, err := p.List(ctx); return len(l), err },
		"Roots":    func(ctx context.Context) (int, error) { l, _, err := p.Roots(ctx); return len(l), err },
	}
}

// A listing of a hostile peer ends, whatever its pages are, with what was
// collected and an error that says that it is not all.
func TestEndlessListings(t *testing.T) {
	const perPage = 1000
	names := func(from, n int) []string {
		out := make([]string, n)
		for i := range out {
			out[i] = fmt.Sprintf("entry_%d", from+i)
		}
		return out
	}
	for _, tt := range []struct {
		name    string
		entries func(op string, from int) codec.Value
		next    func(from int) codec.Value
		least   int // entries
		pages   int // at most
		strange bool
		costly  bool
	}{
		{
			name:    "for ever",
			entries: func(op string, from int) codec.Value { return entriesOf(op, names(from, perPage)) },
			next:    func(from int) codec.Value { return codec.Int(from + perPage) },
			least:   maxListed - perPage, pages: maxListed/perPage + 1,
		},
		{
			name:    "pages without entries",
			entries: func(op string, _ int) codec.Value { return entriesOf(op, nil) },
			next:    func(from int) codec.Value { return codec.Int(from + 1) },
			pages:   maxListedBytes/pageCost + 1, costly: true,
		},
		{
			name: "large entries",
			entries: func(op string, from int) codec.Value {
				return entriesOf(op, []string{strings.Repeat("x", 50_000) + fmt.Sprint(from)})
			},
			next:  func(from int) codec.Value { return codec.Int(from + 1) },
			least: maxListedBytes / 60_000, pages: maxListedBytes/50_000 + 1,
		},
		{
			name:    "huge next",
			entries: func(op string, from int) codec.Value { return entriesOf(op, names(from, 1)) },
			next:    func(from int) codec.Value { return codec.Int(max(from+1, maxXID-1)) },
			least:   1, pages: 4, strange: true,
		},
		{
			name:    "next of more than 64 bits",
			entries: func(op string, from int) codec.Value { return entriesOf(op, names(from, 1)) },
			next:    func(int) codec.Value { return codec.Long("100000000000000000000000") },
			least:   1, pages: 1, strange: true,
		},
		{
			name:    "the same page again",
			entries: func(op string, from int) codec.Value { return entriesOf(op, names(from, 1)) },
			next:    func(from int) codec.Value { return codec.Int(from) },
			least:   1, pages: 1, strange: true,
		},
	} {
		for what := range listings(nil, codec.Ref{}) {
			if tt.costly && what != "Keys" && what != "LIST" {
				continue // these two stand for all: 32,768 pages take a while
			}
			t.Run(tt.name+"/"+what, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					network := newMemNet()
					h := &hostileList{entries: tt.entries, next: tt.next}
					go h.serve(t, network.listen(t, serverAddr))
					client := network.newService(t, clientAddr, noLog)
					peer, err := client.Connect(t.Context(), serverAddr)
					if err != nil {
						t.Fatal(err)
					}
					n, err := listings(peer, codec.Ref{ID: "1", Home: codec.NewHome("127.0.0.1", 12074)})[what](t.Context())
					if !errors.Is(err, codec.ErrPartial) || errors.Is(err, ErrProtocol) != tt.strange {
						t.Errorf("%d entries, error %v", n, err)
					}
					if n < tt.least || n > maxListed+perPage {
						t.Errorf("%d entries, want %d to %d", n, tt.least, maxListed)
					}
					if h.asked > tt.pages {
						t.Errorf("%d pages, want at most %d", h.asked, tt.pages)
					}
				})
			})
		}
	}
}

// What a listing of a hostile peer takes in memory is bounded, too.
func TestEndlessListingsTakeLittle(t *testing.T) {
	const most = 2 * maxListedBytes
	deep := make(codec.List, 59_000)
	for i := range deep {
		deep[i] = codec.None{}
	}
	for what, entry := range map[string]codec.Value{
		"bytes": codec.Bytes(strings.Repeat("x", 59_000)), "many NONEs": deep, "NONEs": nil,
	} {
		t.Run(what, func(t *testing.T) {
			network := newMemNet()
			list := codec.List{entry}
			if entry == nil {
				list = deep
			}
			h := &hostileList{
				entries: func(string, int) codec.Value { return list },
				next:    func(from int) codec.Value { return codec.Int(from + 1) },
			}
			done := make(chan struct{})
			socket := network.listen(t, serverAddr)
			go func() { defer close(done); h.serve(t, socket) }()
			client := network.newService(t, clientAddr, noLog)
			peer, err := client.Connect(t.Context(), serverAddr)
			if err != nil {
				t.Fatal(err)
			}
			before := liveHeap()
			keys, err := peer.Keys(t.Context(), codec.Ref{ID: "1", Home: codec.NewHome("127.0.0.1", 12074)})
			after := liveHeap()
			if !errors.Is(err, codec.ErrPartial) {
				t.Errorf("%d keys, error %v", len(keys), err)
			}
			t.Logf("%d keys on %d pages take %d MB", len(keys), h.asked, (after-before)>>20)
			if after-before > most {
				t.Errorf("they take %d bytes", after-before)
			}
			runtime.KeepAlive(keys)
			client.Close()
			socket.Close()
			<-done
		})
	}
}

// liveHeap returns what is in use in the heap, in bytes.
func liveHeap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
