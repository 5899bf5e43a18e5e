package nomcore

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"

	"nomfs/codec"
)

// command is the first byte of a datagram.
type command byte

// The commands of the protocol. A request and its reply bear the same one.
const (
	cmdSync    command = 0
	cmdDesync  command = 1
	cmdPull    command = 2
	cmdResolve command = 3
	cmdList    command = 4
	cmdPush    command = 5
)

var commandNames = [...]string{"SYNC", "DESYNC", "PULL", "RESOLVE", "LIST", "PUSH"}

// String returns the command's name in capitals.
func (c command) String() string {
	if int(c) < len(commandNames) {
		return commandNames[c]
	}
	return fmt.Sprintf("command %d", byte(c))
}

// The attribute names of packets.
const (
	attrXID    = "xid"
	attrResult = "result"
	attrError  = "error"
	attrName   = "name"
	attrOID    = "oid"
	attrOp     = "op"
	attrAttr   = "attr"
	attrItem   = "item"
	attrVal    = "val"
	attrArgs   = "args"
	attrKwargs = "kwargs"
	attrNomx   = "nomx"
	attrFrom   = "from"  // first entry wanted of a paged answer
	attrNames  = "names" // attributes wanted of a Snapshot
	attrRefs   = "refs"  // references given back: (oid, count) each; of a LIST, see roots.go
	attrInfo   = "info"  // of a GetAttr: tell of a method instead of exporting it
	attrSeq    = "seq"   // number of the request to cancel
)

// packet is one datagram, parsed. Attributes are in the order of the wire;
// ours are sorted by name.
type packet struct {
	cmd   command
	attrs []codec.Attr
}

// parsePacket reads a datagram. Bytes after the attributes are ignored. An
// error is errBadPacket.
func parsePacket(b []byte) (packet, error) {
	if len(b) == 0 {
		return packet{}, fmt.Errorf("%w: empty", errBadPacket)
	}
	p := packet{cmd: command(b[0])}
	if p.cmd > cmdPush {
		return p, fmt.Errorf("%w: unknown %v", errBadPacket, p.cmd)
	}
	attrs, _, err := codec.ParseAttrs(b[1:], codec.Limits{Bytes: maxDatagram})
	if err != nil {
		return p, fmt.Errorf("%w: %w", errBadPacket, err)
	}
	p.attrs = attrs
	return p, nil
}

// get returns the attribute called name. Of several the last counts, as in a
// map.
func (p *packet) get(name string) (codec.Value, bool) {
	for i := len(p.attrs) - 1; i >= 0; i-- {
		if p.attrs[i].Name == name {
			return p.attrs[i].Value, true
		}
	}
	return nil, false
}

// text returns a string attribute.
func (p *packet) text(name string) (string, bool) {
	v, ok := p.get(name)
	if !ok {
		return "", false
	}
	return codec.StringOf(v)
}

// isReply reports whether the packet answers one of ours: any packet with a
// result or an error does, whatever its command.
func (p *packet) isReply() bool {
	for i := range p.attrs {
		if n := p.attrs[i].Name; n == attrResult || n == attrError {
			return true
		}
	}
	return false
}

// xid returns the transaction number as our calls use it, 0 to 2³¹−1.
func (p *packet) xid() (uint32, bool) {
	v, ok := p.get(attrXID)
	if !ok {
		return 0, false
	}
	n, ok := codec.Int64Of(v)
	if !ok || n < 0 || n > math.MaxInt32 {
		return 0, false
	}
	return uint32(n), true
}

// append encodes the packet. On an error b is returned as it was.
func (p *packet) append(b []byte, enc *codec.Encoder) ([]byte, error) {
	n := len(b)
	b = append(b, byte(p.cmd))
	out, err := enc.AppendAttrs(b, p.attrs)
	if err != nil {
		return b[:n], err
	}
	return out, nil
}

// sortAttrs puts attributes into the order of the wire.
func sortAttrs(attrs []codec.Attr) {
	slices.SortFunc(attrs, func(a, b codec.Attr) int { return strings.Compare(a.Name, b.Name) })
}

// reply makes the answer to p. With echo it repeats the attributes of the
// request, as the original does, and adds extra; a request's own result or
// error never comes back. Without echo, or for SYNC, it has the xid and extra
// alone, which every peer accepts.
func (p *packet) reply(echo bool, extra ...codec.Attr) packet {
	attrs := make([]codec.Attr, 0, len(p.attrs)+len(extra))
	if echo && p.cmd != cmdSync {
		seen := make(map[string]int, len(p.attrs))
		for _, a := range p.attrs {
			if a.Name == attrResult || a.Name == attrError || a.Name == attrNomx || a.Name == attrNomq {
				continue
			}
			if i, dup := seen[a.Name]; dup {
				attrs[i] = a
				continue
			}
			seen[a.Name] = len(attrs)
			attrs = append(attrs, a)
		}
	} else if xid, ok := p.get(attrXID); ok {
		attrs = append(attrs, codec.Attr{Name: attrXID, Value: xid})
	}
	attrs = append(attrs, extra...)
	sortAttrs(attrs)
	return packet{cmd: p.cmd, attrs: attrs}
}

// The last 18 bytes of a packet whose xid is an INT: nothing sorts after it.
//
//	00 00 00 02 01  04 00 00 00 03 "xid"  01 xx xx xx xx
var xidTail = []byte("\x00\x00\x00\x02\x01\x04\x00\x00\x00\x03xid\x01")

// Keys as they stand in a packet; nothing else in a well-meant packet looks
// like them.
var (
	resultKey = []byte("\x00\x00\x00\x02\x01\x04\x00\x00\x00\x06result")
	errorKey  = []byte("\x00\x00\x00\x02\x01\x04\x00\x00\x00\x05error")
)

// salvage finds out what can be known about a datagram that does not parse:
// its transaction, and whether it is a reply. Whoever waits for it can then be
// told at once instead of waiting for a timeout.
func salvage(b []byte) (xid uint32, reply, ok bool) {
	const xidSize = 4
	at := len(b) - xidSize - len(xidTail)
	if at < 1 || command(b[0]) > cmdPush || !bytes.Equal(b[at:at+len(xidTail)], xidTail) {
		return 0, false, false
	}
	xid = binary.BigEndian.Uint32(b[len(b)-xidSize:])
	reply = bytes.Contains(b, resultKey) || bytes.Contains(b, errorKey)
	return xid, reply, xid <= math.MaxInt32
}
