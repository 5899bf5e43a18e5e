//go:build linux

package fsview

import (
	"context"
	"errors"
	"syscall"
	"time"

	"nomfs/codec"
)

// Tools that save by deleting a file and writing it anew, as mv does from another
// file system, and install and tar do always, must not lose what was there when
// the peer refuses what they write then: it is put back.

// unlinkFor deletes an attribute or item for a caller. Of what such a tool
// deletes it remembers what it was.
func (m member) unlinkFor(ctx context.Context, by caller) error {
	if !by.replaces() {
		return m.unlink(ctx)
	}
	_, unread := m.fetch(ctx)
	if unread != nil && !isException(unread) {
		return unread // the peer does not answer
	}
	err := m.unlink(ctx)
	if o := m.dir.known(); err == nil && unread == nil && o != nil {
		o.replacing(m.id(), by.process())
	}
	return err
}

// remains tells whether an attribute is still there after it was deleted: of some
// objects deleting leaves an empty value behind, such as a Go slice. What it was
// before, and its type, stay remembered.
func (m member) remains(ctx context.Context) bool {
	return m.dir.do(ctx, func(o *object) error {
		_, err := o.peer.remote.GetAttr(ctx, o.ref, m.attr)
		return err
	}) == nil
}

// replacing notes which process deleted a value to write it anew.
func (o *object) replacing(id string, by int) {
	o.update(func(o *object) { o.cached(id).replacing = by })
}

// takeReplaced returns, once, the value that this caller has just deleted to
// write it anew, nil for none.
func (o *object) takeReplaced(id string, by caller) codec.Value {
	o.mu.Lock()
	c := o.vals[id]
	if c == nil || c.replacing == 0 || c.deleted.IsZero() || time.Since(c.deleted) > deletedMemory {
		o.mu.Unlock()
		return nil
	}
	process, v := c.replacing, c.last
	c.replacing = 0
	o.mu.Unlock()
	if by.process() != process {
		return nil
	}
	return v
}

// putBack undoes the deletion before a write of the caller of ctx that was
// refused with err.
func (h *valueHandle) putBack(ctx, op context.Context, err error) {
	if h.pending == nil || !isRefusal(err) {
		return
	}
	p := h.m.dir.p
	if callerOf(ctx).replaces() {
		p.scratches.awayUntil(h.m.path(), time.Time{})
	}
	v := h.replaced
	if v == nil {
		return
	}
	h.replaced = nil
	if err := h.m.set(op, v); err != nil {
		p.fail(ctx, "put back", h.m.path(), opSetValue, err)
		return
	}
	h.m.born(h.pending)
}

// isRefusal tells whether nothing was assigned, by decision of the peer or of
// this mount; other errors leave that open.
func isRefusal(err error) bool {
	var text *textError
	var op *opError
	return isException(err) || errors.As(err, &text) || errors.As(err, &op) || errors.Is(err, syscall.EMSGSIZE)
}
