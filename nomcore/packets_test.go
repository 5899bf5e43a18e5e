package nomcore

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"

	"nomfs/codec"
	"nomfs/nomcore/wire"
)

// The packets that tests make and read by hand, as attributes.

type command = wire.Command

const (
	cmdSync    = wire.Sync
	cmdDesync  = wire.Desync
	cmdPull    = wire.Pull
	cmdResolve = wire.Resolve
	cmdList    = wire.List
	cmdPush    = wire.Push
)

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
	attrNomq   = "nomq"
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
// error is wire.ErrPacket.
func parsePacket(b []byte) (packet, error) {
	if len(b) == 0 {
		return packet{}, fmt.Errorf("%w: empty", wire.ErrPacket)
	}
	p := packet{cmd: command(b[0])}
	if p.cmd > cmdPush {
		return p, fmt.Errorf("%w: unknown %v", wire.ErrPacket, p.cmd)
	}
	attrs, _, err := codec.ParseAttrs(b[1:], codec.Limits{Bytes: maxDatagram})
	if err != nil {
		return p, fmt.Errorf("%w: %w", wire.ErrPacket, err)
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

// unmap turns an IPv4 address in IPv6 clothes into the IPv4 address.
func unmap(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }
