package nomcore_test

import (
	"encoding/binary"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"nomfs/codec"
)

// The commands of the protocol, as they stand in the first byte.
const (
	cmdSync byte = iota
	cmdDesync
	cmdPull
	cmdResolve
	cmdList
)

// rawPacket encodes a packet as any program could send it.
func rawPacket(cmd byte, xid int, attrs ...codec.Attr) []byte {
	attrs = append(attrs, codec.Attr{Name: "xid", Value: codec.Int(xid)})
	slices.SortFunc(attrs, func(a, b codec.Attr) int { return strings.Compare(a.Name, b.Name) })
	b, err := new(codec.Encoder).AppendAttrs([]byte{cmd}, attrs)
	if err != nil {
		panic(err) // a mistake of the test
	}
	return b
}

// rawPull encodes an operation on an object.
func rawPull(xid int, id codec.ID, op string, attrs ...codec.Attr) []byte {
	return rawPacket(cmdPull, xid, append(attrs,
		codec.Attr{Name: "oid", Value: codec.Long(id)},
		codec.Attr{Name: "op", Value: codec.Bytes(op)})...)
}

// rawCall encodes a call.
func rawCall(xid int, id codec.ID, args ...codec.Value) []byte {
	return rawPull(xid, id, "Call",
		codec.Attr{Name: "args", Value: codec.Tuple(args)},
		codec.Attr{Name: "kwargs", Value: codec.MapOf(nil)})
}

// rawResolve encodes a RESOLVE.
func rawResolve(xid int, name string) []byte {
	return rawPacket(cmdResolve, xid, codec.Attr{Name: "name", Value: codec.Bytes(name)})
}

// nomxAttr is the attribute with which a SYNC offers all extensions and opens a
// session: magic, version, flags, key, boot id, nonce, a zero.
func nomxAttr(boot uint64, nonce [16]byte) codec.Attr {
	const version, allFlags = 1, 0x7f
	b := append([]byte("nom/1\x00"), version)
	b = binary.BigEndian.AppendUint32(b, allFlags)
	b = append(b, make([]byte, 32)...)
	b = binary.BigEndian.AppendUint64(b, boot)
	b = append(b, nonce[:]...)
	return codec.Attr{Name: "nomx", Value: codec.Bytes(append(b, 0))}
}

// rawTag is the attribute of a request in a session: session, boot id, number,
// acknowledged below, cookie.
func rawTag(session, boot, cookie, number, below uint64) codec.Attr {
	b := binary.BigEndian.AppendUint64(nil, session)
	for _, part := range []uint64{session, boot, number, below, cookie} {
		b = binary.BigEndian.AppendUint64(b, part)
	}
	return codec.Attr{Name: "nomq", Value: codec.Bytes(b)}
}

// rawReply is a datagram, parsed.
type rawReply struct {
	cmd   byte
	attrs []codec.Attr
}

// get returns an attribute, or nil.
func (r *rawReply) get(name string) codec.Value {
	for _, a := range r.attrs {
		if a.Name == name {
			return a.Value
		}
	}
	return nil
}

// parseRaw parses a datagram. It reports whether it is one.
func parseRaw(b []byte) (rawReply, bool) {
	if len(b) == 0 {
		return rawReply{}, false
	}
	attrs, _, err := codec.ParseAttrs(b[1:], codec.Limits{})
	return rawReply{b[0], attrs}, err == nil
}

// rawClient is a socket that speaks to a server as the original does: it sends
// each packet once and answers a LIST, by which a server validates its address.
type rawClient struct {
	conn   net.PacketConn
	to     net.Addr
	answer func(xid int64, r rawReply) // takes the answers; called by one goroutine
}

// start receives until the test ends.
func (c *rawClient) start(t testing.TB) {
	var loop sync.WaitGroup
	loop.Go(func() { c.receive(t) })
	t.Cleanup(func() {
		c.conn.Close()
		loop.Wait()
	})
}

func (c *rawClient) receive(t testing.TB) {
	buf := make([]byte, 1<<16)
	for {
		n, _, err := c.conn.ReadFrom(buf)
		if err != nil {
			return
		}
		r, ok := parseRaw(slices.Clone(buf[:n]))
		if !ok {
			t.Errorf("an answer that does not parse: %.100x", buf[:n])
			continue
		}
		xid, _ := codec.Int64Of(r.get("xid"))
		switch {
		case r.get("result") != nil || r.get("error") != nil:
			c.answer(xid, r)
		case r.cmd == cmdList:
			c.send(rawPacket(cmdList, int(xid), codec.Attr{Name: "result", Value: codec.List{}}))
		}
	}
}

// send sends a packet. One that cannot be sent is lost like any other.
func (c *rawClient) send(b []byte) { _, _ = c.conn.WriteTo(b, c.to) }

// original is a rawClient that waits for the answers.
type original struct {
	rawClient
	t testing.TB

	mu      sync.Mutex
	answers map[int64][]rawReply // by xid
	arrived chan struct{}        // closed with each answer, and replaced
}

// newOriginal speaks over conn until the test ends.
func newOriginal(t testing.TB, conn net.PacketConn, to netip.AddrPort) *original {
	o := &original{t: t, answers: make(map[int64][]rawReply), arrived: make(chan struct{})}
	o.rawClient = rawClient{conn: conn, to: net.UDPAddrFromAddrPort(to), answer: func(xid int64, r rawReply) {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.answers[xid] = append(o.answers[xid], r)
		close(o.arrived)
		o.arrived = make(chan struct{})
	}}
	o.start(t)
	return o
}

// answered returns the answers to xid so far.
func (o *original) answered(xid int) []rawReply {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.answers[int64(xid)])
}

// askWait bounds the wait for an answer.
const askWait = 10 * time.Second

// ask sends a request and returns the first answer to it.
func (o *original) ask(xid int, b []byte) rawReply {
	o.t.Helper()
	o.send(b)
	late := time.After(askWait)
	for {
		o.mu.Lock()
		answers, arrived := o.answers[int64(xid)], o.arrived
		o.mu.Unlock()
		if len(answers) > 0 {
			return answers[0]
		}
		select {
		case <-arrived:
		case <-late:
			o.t.Fatalf("no answer to request %d within %v", xid, askWait)
		}
	}
}

// resolve asks for the id of a registered object.
func (o *original) resolve(xid int, name string) codec.ID {
	o.t.Helper()
	r := o.ask(xid, rawResolve(xid, name))
	ref, ok := r.get("result").(codec.Ref)
	if !ok {
		o.t.Fatalf("%s is %v", name, r.attrs)
	}
	return ref.ID
}
