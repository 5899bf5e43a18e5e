package expose

import (
	"context"
	"sync"

	"nomfs/codec"
)

// slotKind is a place for whatever clients put there, a callback most often. As
// long as it is empty there is no such attribute, so that a link can be made in
// a mount; deleting it makes it empty.
//
//	slot  true
var slotKind = kind{key: "slot", what: "a slot", read: func(f *fields, d *def) maker {
	if before := len(f.l.bad.list); !f.flag("slot") && len(f.l.bad.list) == before {
		f.bad("slot", "expected true")
	}
	if d.readonly {
		f.badKey("readonly", "nothing could be put there")
	}
	d.says = "writable"
	return func(*site) (member, error) { return new(slotMember), nil }
}}

type slotMember struct {
	idle
	mu sync.RWMutex
	v  codec.Value // nil while it is empty
}

var _ clearable = (*slotMember)(nil)

func (m *slotMember) info() codec.AttrInfo {
	info := codec.AttrInfo{Write: true, Delete: true}
	if v := m.still(); v != nil {
		info.Kind = v.Kind()
	}
	return info
}

func (m *slotMember) still() codec.Value {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.v
}

func (m *slotMember) empty() bool { return m.still() == nil }

func (m *slotMember) get(context.Context) (codec.Value, error) { return m.still(), nil }

func (m *slotMember) set(_ context.Context, v codec.Value) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.v = v
	return nil
}

func (m *slotMember) clear() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.v = nil
}
