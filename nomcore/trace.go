package nomcore

import (
	"fmt"
	"io"
	"net/netip"
	"strings"
	"sync"
	"time"

	"nomfs/codec"
	"nomfs/nomcore/wire"
)

// tracer writes a line for each packet:
//
//	15:04:05.000000 127.0.0.1:12074 > PULL GetAttr #5 'n' xid 3 103 bytes
//	15:04:05.000312 127.0.0.1:12074 < PULL GetAttr #5 'n' xid 3 118 bytes = 5 in 312µs
//
// > is sent, < received. The lines are written by a goroutine of the tracer's
// own, so that a reader that does not read holds up nothing; lines that find no
// room are counted and told later. A nil tracer writes nothing.
type tracer struct {
	lines chan string
	ended chan struct{} // closed when the last line is written

	mu     sync.Mutex
	closed bool
	lost   int                     // lines that found no room
	sent   map[traceKey]traceEntry // requests either way, without an answer yet
}

// traceKey tells requests apart: by peer, direction and xid.
type traceKey struct {
	addr netip.AddrPort
	out  bool
	xid  uint32
}

type traceEntry struct {
	at   time.Time
	what string
}

const (
	// maxTraced bounds the requests whose answer is awaited. When there are
	// more, those before are forgotten; most will never be answered.
	maxTraced = 4096
	// maxTraceLines bounds the lines that wait to be written.
	maxTraceLines = 4096
)

func newTracer(w io.Writer) *tracer {
	if w == nil {
		return nil
	}
	t := &tracer{
		lines: make(chan string, maxTraceLines),
		ended: make(chan struct{}),
		sent:  make(map[traceKey]traceEntry),
	}
	go func() {
		defer close(t.ended)
		for line := range t.lines {
			_, _ = io.WriteString(w, line) // whoever reads the trace sees that it ends
		}
	}()
	return t
}

// close writes what is left, as far as somebody reads it.
func (t *tracer) close() {
	if t == nil {
		return
	}
	t.mu.Lock()
	t.closed = true
	close(t.lines)
	t.mu.Unlock()
	timer := time.NewTimer(closeWait)
	defer timer.Stop()
	select {
	case <-t.ended:
	case <-timer.C:
	}
}

// put hands a line to the writer. mu must be held.
func (t *tracer) put(line string) {
	if t.closed {
		return
	}
	if t.lost > 0 {
		line = fmt.Sprintf("(%d lines lost)\n%s", t.lost, line)
	}
	select {
	case t.lines <- line:
		t.lost = 0
	default:
		t.lost++
	}
}

// packet writes the line for one datagram.
func (t *tracer) packet(b []byte, addr netip.AddrPort, out bool) {
	if t == nil {
		return
	}
	now := time.Now()
	var pkt wire.Packet
	err := pkt.Parse(b)
	t.mu.Lock()
	defer t.mu.Unlock()
	direction := "<"
	if out {
		direction = ">"
	}
	var line strings.Builder
	fmt.Fprintf(&line, "%s %s %s ", now.Format("15:04:05.000000"), addr, direction)
	if err != nil {
		fmt.Fprintf(&line, "bad packet, %d bytes: %v", len(b), err)
	} else {
		t.describe(&line, &pkt, traceKey{addr: addr, out: out}, now, len(b))
	}
	line.WriteByte('\n')
	t.put(line.String())
}

// describe writes what a packet says. mu must be held.
func (t *tracer) describe(line *strings.Builder, pkt *wire.Packet, key traceKey, now time.Time, size int) {
	xid, hasXID := pkt.Transaction()
	key.xid = xid
	if !pkt.IsReply() {
		what := requestText(pkt)
		fmt.Fprintf(line, "%s xid %d %d bytes", what, xid, size)
		if len(t.sent) >= maxTraced {
			clear(t.sent)
		}
		if hasXID {
			if _, again := t.sent[key]; again {
				line.WriteString(" again")
			}
			t.sent[key] = traceEntry{now, what}
		}
		return
	}
	key.out = !key.out
	asked, ok := t.sent[key]
	delete(t.sent, key)
	what := asked.what
	if !ok {
		what = pkt.Cmd.String()
	}
	fmt.Fprintf(line, "%s xid %d %d bytes", what, xid, size)
	info, _ := pkt.Value(wire.Info)
	switch {
	case pkt.Has(wire.Error):
		fmt.Fprintf(line, " ! %s", shorten(pkt, wire.Error))
	case kindOf(info) == codec.KindMap:
		line.WriteString(" = a method")
	default:
		fmt.Fprintf(line, " = %s", shorten(pkt, wire.Result))
	}
	if ok {
		fmt.Fprintf(line, " in %v", now.Sub(asked.at).Round(time.Microsecond))
	}
}

// requestText names a request: what is to be done with what.
func requestText(pkt *wire.Packet) string {
	var b strings.Builder
	b.WriteString(pkt.Cmd.String())
	if op, ok := pkt.Text(wire.Op); ok {
		fmt.Fprintf(&b, " %s", op)
	}
	if pkt.Has(wire.Refs) && pkt.Cmd == wire.List {
		b.WriteString(" with references")
	}
	if v, err := pkt.Value(wire.OID); err == nil && v != nil {
		fmt.Fprintf(&b, " #%s", v)
	}
	for _, f := range [...]wire.Field{wire.Name, wire.Attr, wire.Item, wire.Args, wire.Kwargs, wire.Val} {
		if pkt.Has(f) {
			fmt.Fprintf(&b, " %s", shorten(pkt, f))
		}
	}
	return b.String()
}

// shorten returns the text of an attribute, as far as it fits a line.
func shorten(pkt *wire.Packet, f wire.Field) string {
	const most = 80 // bytes
	v, err := pkt.Value(f)
	if err != nil {
		return "?"
	}
	s := v.String()
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
