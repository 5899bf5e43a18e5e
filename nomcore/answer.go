package nomcore

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"nomfs/codec"
	"nomfs/nomcore/wire"
)

// answer is the outcome of a request.
type answer struct {
	result codec.Value // nil for none, where err says why
	err    error
	both   bool        // unknown operations are answered with both, as ever
	from   source      // of the objects in it
	info   codec.Value // of a GetAttr: what describes a method
	next   codec.Value // of a LIST: where the next page starts
	refs   codec.Value // of a LIST: references of the names
	hello  []byte      // of a SYNC: nomx
	flags  byte        // of the acknowledgement, within a session
	ready  []byte      // the answer that was given before
}

// outbox is what sending one packet needs, kept for the next.
type outbox struct {
	out   wire.Writer
	enc   codec.Encoder
	s     *Service
	to    *Peer
	refs  *refTable   // where the references in the packet are counted
	from  source      // of the objects that they lead to
	given []*exported // what the references in the packet lead to
}

// outbox returns one for a packet to that peer. References in it are counted in
// refs, and the objects come from a source.
func (s *Service) outbox(to *Peer, refs *refTable, from source) *outbox {
	o, ok := s.pools.outboxes.Get().(*outbox)
	if !ok {
		o = &outbox{s: s}
		o.enc.Ref = o.ref
	}
	o.to, o.refs, o.from, o.given = to, refs, from, o.given[:0]
	return o
}

// release gives the outbox back. Its buffer must not be used afterwards.
func (o *outbox) release() {
	clear(o.given)
	o.to, o.refs, o.from = nil, nil, source{}
	if cap(o.out.B) <= recvBuffer {
		o.s.pools.outboxes.Put(o)
	}
}

// ref turns what is not a plain value into a reference: a local object into
// one that leads here, a proxy into the one it was made from.
func (o *outbox) ref(v codec.Value) (codec.Ref, error) {
	switch v := v.(type) {
	case *Object:
		home, err := o.s.homeFor(o.to)
		if err != nil {
			return codec.Ref{}, err
		}
		e, err := o.s.reg.give(o.refs, v, o.from)
		if err != nil {
			return codec.Ref{}, err
		}
		o.given = append(o.given, e)
		return codec.Ref{ID: e.id.text(), Home: home}, nil
	case *Proxy:
		return v.Ref, nil
	}
	return codec.Ref{}, fmt.Errorf("%w: %T", codec.ErrUnencodable, v)
}

// abandon takes back the references of a packet that is not sent after all.
func (o *outbox) abandon() {
	o.s.reg.abandon(o.refs, o.given)
	clear(o.given)
	o.given = o.given[:0]
}

// finished returns the packet, if it is not too large.
func (o *outbox) finished() ([]byte, error) {
	b := o.out.End()
	if len(b) > maxDatagram {
		return b, fmt.Errorf("%w: it has %d", ErrTooLarge, len(b))
	}
	return b, nil
}

// answer sends the outcome of a request and keeps it for copies of the request.
// What cannot be sent becomes an error that can. It returns a copy of the packet
// where the request is kept outside a session.
func (s *Service) answer(j *job, a answer) []byte {
	if len(j.xid) == 0 {
		return nil
	}
	b := a.ready
	if b == nil {
		out := s.outbox(j.p, j.p.refs, a.from)
		defer out.release()
		b = s.encodeAnswer(out, j, a)
		if j.sess != nil {
			j.sess.finish(j.seq, b)
		}
	}
	if err := j.p.sendAnswer(b); err != nil && !errors.Is(err, ErrClosed) {
		s.log.Warn("answer not sent", "client", j.p.addr, "err", err)
	}
	if j.dup != nil {
		return slices.Clone(b)
	}
	return nil
}

// answerUntold answers a request of a session without a note of it there.
func (s *Service) answerUntold(j *job, a answer) {
	untold := *j
	untold.sess = nil
	s.answer(&untold, a)
}

// answerStateless answers a request of an address of which nothing is kept.
func (s *Service) answerStateless(pkt *wire.Packet, to netip.AddrPort, at netip.Addr, a answer) {
	p := Peer{s: s, addr: to} // nothing but an address
	p.isOurs.Store(true)
	out := s.outbox(&p, nil, source{})
	defer out.release()
	b, err := out.encodeOutcome(pkt.Cmd, pkt.Fields[wire.XID], seqOf(pkt), a)
	if err != nil {
		return
	}
	s.stats.sent.Add(1)
	s.trace.packet(b, to, true)
	_ = s.conn.Write(b, to, at) // lost like any datagram: the client asks again
}

// seqOf returns the number of a request, 0 where it has none.
func seqOf(pkt *wire.Packet) uint64 {
	if !pkt.Has(wire.Nomq) {
		return 0
	}
	tag, err := tagIn(pkt)
	if err != nil {
		return 0
	}
	return tag.Seq
}

// unknownSession is the answer to a request whose session is not known.
func (s *Service) unknownSession(uint64) answer {
	return answer{err: exception("RuntimeError", "the session is not known"), flags: wire.AckUnknown}
}

// sendAck answers a request of a session by flags alone.
func (s *Service) sendAck(p *Peer, xid []byte, seq uint64, flags byte) {
	var room [128]byte // bytes; enough for the packet
	out := wire.Writer{B: room[:0]}
	out.Begin(wire.Pull)
	s.writeAck(&out, seq, flags)
	out.None(wire.Result)
	out.Raw(wire.XID, xid)
	_ = p.sendAnswer(out.End()) // lost like any datagram: the client asks again
}

// writeAck writes nomq of an answer.
func (s *Service) writeAck(out *wire.Writer, seq uint64, flags byte) {
	var room [32]byte
	ack := wire.Ack{Seq: seq, Flags: flags, Memory: s.memory()}
	out.Bytes(wire.Nomq, ack.Append(room[:0]))
}

// encodeAnswer writes the answer: to an original the request and its outcome; if
// that is too large, and to our own peers, the outcome alone; if that is too
// large, or cannot be encoded, an error instead of it.
func (s *Service) encodeAnswer(out *outbox, j *job, a answer) []byte {
	cmd := j.w.pkt.Cmd
	if j.raw != nil && cmd != wire.Sync {
		if b, err := out.encodeEcho(j.raw, a); err == nil {
			return b
		}
		out.abandon()
	}
	b, err := out.encodeOutcome(cmd, j.xid, j.seq, a)
	if err == nil {
		return b
	}
	out.abandon()
	var exc codec.Exception
	switch {
	case errors.As(err, &exc): // errRevoked or errTooManyReferences
	case errors.Is(err, ErrTooLarge):
		exc = ExceptionOf(fmt.Errorf("the answer is too large: %w", err))
	case a.err != nil: // an exception whose arguments cannot be sent
		e := ExceptionOf(a.err)
		exc = exception(e.Class, clip(e.Error()))
	default:
		exc = exception("TypeError", "the result cannot be sent: "+clip(err.Error()))
	}
	if b, err = out.encodeOutcome(cmd, j.xid, j.seq, answer{err: exc}); err != nil {
		b, _ = out.encodeOutcome(cmd, j.xid, j.seq, answer{err: exception("RuntimeError", "the answer cannot be sent")})
	}
	return b
}

// encodeOutcome writes the outcome and the xid, and seq if it is not 0.
func (o *outbox) encodeOutcome(cmd wire.Command, xid []byte, seq uint64, a answer) ([]byte, error) {
	out := &o.out
	out.Begin(cmd)
	if a.err != nil {
		if err := out.Value(wire.Error, &o.enc, ExceptionOf(a.err)); err != nil {
			return nil, err
		}
	}
	if a.hello != nil {
		if home, err := o.s.homeFor(o.to); err == nil {
			out.Text(wire.Home, string(home))
		}
	}
	for _, x := range [...]struct {
		f wire.Field
		v codec.Value
	}{{wire.Info, a.info}, {wire.Next, a.next}} {
		if x.v != nil {
			if err := out.Value(x.f, &o.enc, x.v); err != nil {
				return nil, err
			}
		}
	}
	if seq != 0 {
		o.s.writeAck(out, seq, a.flags)
	}
	if a.hello != nil {
		out.Bytes(wire.Nomx, a.hello)
	}
	if a.refs != nil {
		if err := out.Value(wire.Refs, &o.enc, a.refs); err != nil {
			return nil, err
		}
	}
	switch {
	case a.err != nil && !a.both:
	case a.result == nil:
		out.None(wire.Result)
	default:
		if err := out.Value(wire.Result, &o.enc, a.result); err != nil {
			return nil, err
		}
	}
	out.Raw(wire.XID, xid)
	return o.finished()
}

// encodeEcho writes the request and its outcome, as the original does. A
// request's own result or error never comes back.
func (o *outbox) encodeEcho(request []byte, a answer) ([]byte, error) {
	asked, _, err := codec.ParseAttrs(request[1:], codec.Limits{Bytes: maxDatagram})
	if err != nil {
		return nil, err
	}
	attrs := make([]codec.Attr, 0, len(asked)+2)
	for _, x := range asked {
		switch x.Name {
		case wire.Result.String(), wire.Error.String(), wire.Nomx.String(), wire.Nomq.String():
		default:
			attrs = append(attrs, x)
		}
	}
	if a.err != nil {
		attrs = append(attrs, codec.Attr{Name: wire.Error.String(), Value: ExceptionOf(a.err)})
	}
	if a.err == nil || a.both {
		v := a.result
		if v == nil {
			v = codec.None{}
		}
		attrs = append(attrs, codec.Attr{Name: wire.Result.String(), Value: v})
	}
	slices.SortStableFunc(attrs, func(a, b codec.Attr) int { return strings.Compare(a.Name, b.Name) })
	b, err := o.enc.AppendAttrs(append(o.out.B[:0], request[0]), attrs)
	o.out.B = b
	if err == nil && len(b) > maxDatagram {
		err = fmt.Errorf("%w: it has %d", ErrTooLarge, len(b))
	}
	return b, err
}

// clip bounds a text that goes into an error.
func clip(s string) string {
	const most = 1000 // bytes; enough for a person
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
