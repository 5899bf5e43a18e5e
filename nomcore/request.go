package nomcore

import (
	"nomfs/codec"
	"nomfs/nomcore/wire"
)

// request is one packet to be sent, and what may be done with it. Fields that
// are empty are left out, but for those that the operation needs.
type request struct {
	cmd  wire.Command
	op   *operation // of a PULL
	id   codec.ID   // object asked, "" for none
	attr string
	item codec.Value
	val  codec.Value
	args []codec.Value
	kw   map[string]codec.Value

	name  string      // of a RESOLVE
	paged bool        // from is sent
	from  int         // first entry wanted of a listing
	roots bool        // of a LIST: references, too
	look  bool        // of a GetAttr: see Peer.Look
	names []string    // of a Snapshot
	given codec.Value // of a Release
	seq   codec.Value // of Cancel and Running
	hello []byte      // of a SYNC: nomx
	home  codec.Home  // likewise

	resend bool // running it twice is harmless
	probe  bool // asks whether the peer lives: no window, no verdict of its own
	bare   bool // outside any session, which it opens or does without
}

// what names the request in messages.
func (r *request) what() string {
	if r.op != nil {
		return r.op.name
	}
	return r.cmd.String()
}

// needs reports whether the operation has that attribute.
func (r *request) needs(f wire.Field) bool {
	if r.op != nil {
		for _, need := range r.op.needs {
			if need == f {
				return true
			}
		}
	}
	return false
}

// encode writes the request. tag is nil outside a session.
func (r *request) encode(o *outbox, tag *wire.Tag, xid uint32) ([]byte, error) {
	out, enc := &o.out, &o.enc
	out.Begin(r.cmd)
	if err := r.encodeCall(out, enc); err != nil {
		return nil, err
	}
	if r.name != "" || r.cmd == wire.Resolve {
		out.Text(wire.Name, r.name)
	}
	if r.names != nil {
		out.Key(wire.Names)
		out.B = codec.AppendListHeader(out.B, len(r.names))
		for _, n := range r.names {
			out.B = codec.AppendBytes(out.B, n)
		}
	}
	if tag != nil {
		var room [256]byte // bytes; enough for the longest tag
		out.Bytes(wire.Nomq, tag.Append(room[:0]))
	}
	if r.hello != nil {
		out.Bytes(wire.Nomx, r.hello)
	}
	if r.id != "" {
		out.Key(wire.OID)
		out.B = codec.AppendLong(out.B, string(r.id))
	}
	if r.op != nil {
		out.Text(wire.Op, r.op.name)
	}
	for _, x := range [...]struct {
		f wire.Field
		v codec.Value
	}{{wire.Refs, r.given}, {wire.Seq, r.seq}, {wire.Val, r.val}} {
		if x.f == wire.Refs && r.roots {
			x.v = codec.Bool(true)
		}
		if x.v != nil {
			if err := out.Value(x.f, enc, x.v); err != nil {
				return nil, err
			}
		}
	}
	out.Int(wire.XID, int64(xid))
	return o.finished()
}

// encodeCall writes the attributes up to kwargs.
func (r *request) encodeCall(out *wire.Writer, enc *codec.Encoder) error {
	if r.needs(wire.Args) {
		out.Key(wire.Args)
		out.B = codec.AppendTupleHeader(out.B, len(r.args))
		for _, v := range r.args {
			var err error
			if out.B, err = enc.Append(out.B, v); err != nil {
				return err
			}
		}
	}
	if r.needs(wire.Attr) {
		out.Text(wire.Attr, r.attr)
	}
	if r.paged {
		out.Int(wire.From, int64(r.from))
	}
	if r.home != "" {
		out.Text(wire.Home, string(r.home))
	}
	if r.look {
		out.Key(wire.Info)
		out.B = codec.AppendBool(out.B, true)
	}
	if r.item != nil {
		if err := out.Value(wire.Item, enc, r.item); err != nil {
			return err
		}
	}
	if !r.needs(wire.Kwargs) {
		return nil
	}
	if len(r.kw) == 0 {
		out.Key(wire.Kwargs)
		out.B = codec.AppendMapHeader(out.B, 0)
		return nil
	}
	return out.Value(wire.Kwargs, enc, codec.MapOf(r.kw))
}
