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
	via   codec.ID
	given []given // references to objects of ours in buf
}

var outboxes = sync.Pool{New: func() any {
	o := new(outbox)
	o.enc.Ref = o.ref
	return o
}}

// outbox returns one for a packet to that peer. References in it count as
// given out by the object via.
func (s *Service) outbox(to *Peer, via codec.ID) *outbox {
	o := outboxes.Get().(*outbox)
	o.s, o.to, o.via, o.buf, o.given = s, to, via, o.buf[:0], o.given[:0]
	return o
}

// release gives the outbox back. Its buffer must not be used afterwards.
func (o *outbox) release() {
	o.s, o.to = nil, nil
	clear(o.given)
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
		id := o.s.reg.export(v, o.via)
		o.given = append(o.given, given{id, v})
		return codec.Ref{ID: id, Home: home}, nil
	case *Proxy:
		return v.Ref, nil
	}
	return codec.Ref{}, fmt.Errorf("%w: %T", codec.ErrUnencodable, v)
}

// encode writes a packet into the buffer.
func (o *outbox) encode(pkt packet) error {
	o.given = o.given[:0]
	b, err := pkt.append(o.buf[:0], &o.enc)
	if err != nil {
		return err
	}
	if o.buf = b; len(b) > maxDatagram {
		return fmt.Errorf("%w: it has %d", ErrTooLarge, len(b))
	}
	return nil
}
