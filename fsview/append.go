//go:build linux

package fsview

import (
	"context"

	"nomfs/codec"
)

// joinAppended makes what was appended follow what the attribute holds by now,
// should anything have been written through this mount since the start of the
// text was taken: two shells that append at once both add their lines. The
// appending gate of the object must be held.
func (h *valueHandle) joinAppended(ctx context.Context) error {
	p := h.m.dir.p
	now := p.writes.Load()
	if now == h.writes || p.scratches.isAway(h.m.path()) {
		return nil
	}
	v, err := h.m.fetch(ctx)
	switch {
	case isException(err): // it was deleted, or can only be written
		return nil
	case err != nil:
		return err
	case v.Kind() != codec.KindText && v.Kind() != codec.KindBytes:
		return nil // what fits it is seen when the text is parsed
	}
	start, err := h.render(ctx, v)
	if err != nil {
		return err
	}
	h.writes = now
	return h.write.startAt(start)
}

// enterAppending waits until nobody else appends to the object, and returns
// what lets the next one in.
func (h *valueHandle) enterAppending(ctx context.Context) (leave func(), err error) {
	o := h.m.dir.known()
	if o == nil || h.form != nil || !h.write.joins {
		return func() {}, nil
	}
	gate := o.peer.appendGate(o.ref)
	if err := gate.enter(ctx); err != nil {
		return nil, err
	}
	if err := h.joinAppended(ctx); err != nil {
		gate.leave()
		return nil, err
	}
	return gate.leave, nil
}
