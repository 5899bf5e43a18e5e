package nomcore

import (
	"fmt"
	"sync"

	"nomfs/codec"
)

// outbox is what sending one packet needs, kept for the next.
type outbox struct {
	buf   []byte
	enc   codec.Encoder
	s     *Service
	to    *Peer
	refs  *refTable   // where the references in buf are counted
	from  source      // of the objects that they lead to
	given []*exported // what the references in buf lead to
}

var outboxes = sync.Pool{New: func() any {
	o := new(outbox)
	o.enc.Ref = o.ref
	return o
}}

// outbox returns one for a packet to that peer. References in it are counted in
// refs, the objects come from a source.
func (s *Service) outbox(to *Peer, refs *refTable, from source) *outbox {
	o := outboxes.Get().(*outbox)
	o.s, o.to, o.refs, o.from, o.buf, o.given = s, to, refs, from, o.buf[:0], o.given[:0]
	return o
}

// release gives the outbox back. Its buffer must not be used afterwards.
func (o *outbox) release() {
	clear(o.given)
	o.s, o.to, o.refs, o.from = nil, nil, nil, source{}
	outboxes.Put(o)
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

// encode writes a packet into the buffer. The references in it count as given,
// unless it fails.
func (o *outbox) encode(pkt packet) error {
	b, err := pkt.append(o.buf[:0], &o.enc)
	if err == nil {
		if o.buf = b; len(b) <= maxDatagram {
			return nil
		}
		err = fmt.Errorf("%w: it has %d", ErrTooLarge, len(b))
	}
	o.s.reg.abandon(o.refs, o.given)
	clear(o.given)
	o.given = o.given[:0]
	return err
}
