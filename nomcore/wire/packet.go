package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"nomfs/codec"
)

// MaxDatagram is the largest UDP payload over IPv4, in bytes: 65,535 less 20 of
// IP header and 8 of UDP header. A packet is one datagram.
const MaxDatagram = 65507

// ErrPacket is wrapped by the errors of everything that is not a packet.
var ErrPacket = errors.New("bad packet")

// Command is the first byte of a packet.
type Command byte

// The commands of the protocol. A request and its answer bear the same one.
const (
	Sync    Command = 0
	Desync  Command = 1
	Pull    Command = 2
	Resolve Command = 3
	List    Command = 4
	Push    Command = 5
)

var commandNames = [...]string{"SYNC", "DESYNC", "PULL", "RESOLVE", "LIST", "PUSH"}

// String returns the command's name in capitals.
func (c Command) String() string {
	if int(c) < len(commandNames) {
		return commandNames[c]
	}
	return fmt.Sprintf("command %d", byte(c))
}

// Field is an attribute that the protocol knows.
type Field uint8

// The attributes, in the order of the wire.
const (
	Args Field = iota
	Attr
	Error
	From // first entry wanted of a paged answer
	Home // how the sender calls itself, of SYNC
	Info // of a GetAttr: describe a method instead of exporting it
	Item
	Kwargs
	Name
	Names // attributes wanted of a Snapshot
	Next  // first entry of the next page, of an answer to LIST
	Nomq
	Nomx
	OID
	Op
	Refs // references given back: (oid, count) each; of a LIST, see the package comment
	Result
	Seq // numbers of requests, of Cancel and Running
	Val
	XID
	numFields
)

var fieldNames = [numFields]string{
	"args", "attr", "error", "from", "home", "info", "item", "kwargs", "name", "names", "next",
	"nomq", "nomx", "oid", "op", "refs", "result", "seq", "val", "xid",
}

// String returns the attribute's name on the wire.
func (f Field) String() string { return fieldNames[f] }

// fieldOf returns the field with that name; ok is false for a name that the
// protocol does not know. The switch is faster than a search of fieldNames.
func fieldOf(name []byte) (f Field, ok bool) {
	switch string(name) {
	case "args":
		return Args, true
	case "attr":
		return Attr, true
	case "error":
		return Error, true
	case "from":
		return From, true
	case "home":
		return Home, true
	case "info":
		return Info, true
	case "item":
		return Item, true
	case "kwargs":
		return Kwargs, true
	case "name":
		return Name, true
	case "names":
		return Names, true
	case "next":
		return Next, true
	case "nomq":
		return Nomq, true
	case "nomx":
		return Nomx, true
	case "oid":
		return OID, true
	case "op":
		return Op, true
	case "refs":
		return Refs, true
	case "result":
		return Result, true
	case "seq":
		return Seq, true
	case "val":
		return Val, true
	case "xid":
		return XID, true
	}
	return 0, false
}

// Packet is a datagram, taken apart and not decoded: the value of each field is
// a part of the datagram, and nil where the attribute is absent.
type Packet struct {
	Cmd    Command
	Fields [numFields][]byte
}

// Parse takes a datagram apart. It allocates nothing. Bytes after the attributes
// are ignored, and so are attributes that the protocol does not know; of several
// with one name the last counts. The values are not decoded: what is wrong
// inside of one shows when it is. An error wraps ErrPacket.
func (p *Packet) Parse(b []byte) error {
	if len(b) == 0 {
		return fmt.Errorf("%w: empty", ErrPacket)
	}
	*p = Packet{Cmd: Command(b[0])}
	if p.Cmd > Push {
		return fmt.Errorf("%w: unknown %v", ErrPacket, p.Cmd)
	}
	_, err := codec.WalkAttrs(b[1:], codec.Limits{Bytes: MaxDatagram}, func(name, value []byte) error {
		if f, ok := fieldOf(name); ok {
			p.Fields[f] = value
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrPacket, err)
	}
	return nil
}

// Has reports whether the packet has the attribute.
func (p *Packet) Has(f Field) bool { return p.Fields[f] != nil }

// Value decodes an attribute; it is nil where the attribute is absent.
func (p *Packet) Value(f Field) (codec.Value, error) {
	if p.Fields[f] == nil {
		return nil, nil
	}
	v, _, err := codec.Parse(p.Fields[f], codec.Limits{Bytes: MaxDatagram})
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrPacket, f, err)
	}
	return v, nil
}

// Text returns a string attribute, as a part of the datagram where it can.
func (p *Packet) Text(f Field) (text []byte, ok bool) { return codec.ReadString(p.Fields[f]) }

// Int returns a whole number.
func (p *Packet) Int(f Field) (n int64, ok bool) { return codec.ReadInt(p.Fields[f]) }

// IsReply reports whether the packet is an answer: any packet with a result or
// an error is, whatever its command.
func (p *Packet) IsReply() bool { return p.Fields[Result] != nil || p.Fields[Error] != nil }

// Transaction returns the xid as our requests use it, 0 to 2³¹−1.
func (p *Packet) Transaction() (xid uint32, ok bool) {
	n, ok := p.Int(XID)
	if !ok || n < 0 || n > math.MaxInt32 {
		return 0, false
	}
	return uint32(n), true
}

// The end of a packet whose xid is an INT: nothing sorts after it.
//
//	00 00 00 02 01  04 00 00 00 03 "xid"  01 xx xx xx xx
var xidTail = []byte("\x00\x00\x00\x02\x01\x04\x00\x00\x00\x03xid\x01")

// Keys as they stand in a packet; nothing else in a well-meant packet looks
// like them.
var (
	resultKey = []byte("\x00\x00\x00\x02\x01\x04\x00\x00\x00\x06result")
	errorKey  = []byte("\x00\x00\x00\x02\x01\x04\x00\x00\x00\x05error")
)

// Salvage finds out what can be known about a datagram that does not parse: its
// transaction, and whether it is a reply. Whoever waits for it can then be told
// at once instead of waiting for a timeout.
func Salvage(b []byte) (xid uint32, reply, ok bool) {
	const xidSize = 4
	at := len(b) - xidSize - len(xidTail)
	if at < 1 || Command(b[0]) > Push || !bytes.Equal(b[at:at+len(xidTail)], xidTail) {
		return 0, false, false
	}
	xid = binary.BigEndian.Uint32(b[len(b)-xidSize:])
	reply = bytes.Contains(b, resultKey) || bytes.Contains(b, errorKey)
	return xid, reply, xid <= math.MaxInt32
}

// Writer writes one packet after the other into B. Fields must be written in
// their order.
type Writer struct {
	B []byte // the packet so far

	n int // attributes
}

// The size of what stands before the attributes, and the place of their number,
// in bytes: the command, the tag of the MAP, and the number.
const (
	headerSize = 6
	countAt    = 2
)

// Begin starts a packet in place of what B holds.
func (w *Writer) Begin(cmd Command) {
	w.n = 0
	w.B = codec.AppendMapHeader(append(w.B[:0], byte(cmd)), 0)
}

// Key writes the name of an attribute. Its value must be appended to B next.
func (w *Writer) Key(f Field) {
	w.n++
	w.B = codec.AppendAttrName(w.B, fieldNames[f])
}

// Int writes an attribute that is a whole number.
func (w *Writer) Int(f Field, n int64) {
	w.Key(f)
	w.B = codec.AppendInt(w.B, n)
}

// Bytes writes an attribute that is BYTES.
func (w *Writer) Bytes(f Field, b []byte) {
	w.Key(f)
	w.B = codec.AppendBytes(w.B, b)
}

// Text writes an attribute that is BYTES, from a string.
func (w *Writer) Text(f Field, s string) {
	w.Key(f)
	w.B = codec.AppendBytes(w.B, s)
}

// Raw writes an attribute whose value is encoded already.
func (w *Writer) Raw(f Field, value []byte) {
	w.Key(f)
	w.B = append(w.B, value...)
}

// None writes an attribute that is NONE.
func (w *Writer) None(f Field) {
	w.Key(f)
	w.B = codec.AppendNone(w.B)
}

// Value encodes an attribute. On an error the packet is of no use.
func (w *Writer) Value(f Field, enc *codec.Encoder, v codec.Value) error {
	w.Key(f)
	b, err := enc.Append(w.B, v)
	w.B = b
	return err
}

// End finishes the packet and returns it.
func (w *Writer) End() []byte {
	binary.BigEndian.PutUint32(w.B[countAt:], uint32(w.n))
	return w.B
}
