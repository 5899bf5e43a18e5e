package expose

import (
	"context"
	"sync"

	"nomfs/codec"
)

// valueKind is a value that the file gives.
//
//	value     anything
//	writable  it can be set, to what is of the same type
//	persist   what it was set to survives a restart
//	type      "any": it can be set to anything
var valueKind = kind{key: "value", what: "a value", read: readValue}

func readValue(f *fields, d *def) maker {
	v := f.take("value").plain()
	m := value{declared: v, writable: f.flag("writable"), persist: f.flag("persist")}
	m.free = f.oneOf("type", "", []string{typeAny}) != ""
	switch {
	case m.persist && !m.writable:
		f.badKey("persist", "what cannot be set need not be kept; writable = true is missing")
	case m.free && !m.writable:
		f.badKey("type", "what cannot be set keeps its type; writable = true is missing")
	case m.writable && d.readonly:
		f.badKey("readonly", "it is writable as well; one of them has to go")
	}
	if m.writable {
		d.says = "writable"
	}
	return func(s *site) (member, error) {
		fresh := &value{declared: m.declared, writable: m.writable, persist: m.persist, free: m.free, now: v, site: s}
		if m.persist {
			if kept, ok := s.v.state.get(s.path, typed(v)); ok && fresh.fits(&kept) == nil {
				fresh.now = kept
			}
		}
		return fresh, nil
	}
}

// typeAny is the type of what can be set to anything.
const typeAny = "any"

// plainValue makes a value that cannot be set.
func plainValue(v codec.Value) maker {
	return func(s *site) (member, error) { return &value{declared: v, now: v, site: s}, nil }
}

type value struct {
	idle
	declared                codec.Value
	writable, persist, free bool
	site                    *site

	setting sync.Mutex // held while a value is set and saved
	next    *value     // that has taken over, nil for none; guarded by setting
	mu      sync.RWMutex
	now     codec.Value
}

func (m *value) info() codec.AttrInfo {
	return codec.AttrInfo{Kind: m.still().Kind(), Write: m.writable}
}

func (m *value) still() codec.Value {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.now
}

func (m *value) get(context.Context) (codec.Value, error) { return m.still(), nil }

func (m *value) set(ctx context.Context, v codec.Value) error {
	if !m.writable {
		return constant{}.set(ctx, v)
	}
	if err := m.fits(&v); err != nil {
		return err
	}
	m.setting.Lock()
	if next := m.next; next != nil {
		m.setting.Unlock()
		return next.set(ctx, v)
	}
	defer m.setting.Unlock()
	if m.persist {
		if err := m.site.v.state.put(m.site.path, typed(m.declared), v); err != nil {
			return err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = v
	return nil
}

// inherit takes over what an earlier value was set to, if the file still gives
// the same. What is set there from now on is set here.
func (m *value) inherit(old member) {
	o, ok := old.(*value)
	if !ok || !m.writable || typed(o.declared) != typed(m.declared) {
		return
	}
	o.setting.Lock()
	defer o.setting.Unlock()
	v := o.still()
	if m.fits(&v) != nil {
		return
	}
	if m.persist && !o.persist && !codec.Equal(v, m.declared) {
		if err := m.site.v.state.put(m.site.path, typed(m.declared), v); err != nil {
			m.site.log.Error("a value is not kept", "err", err)
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now, o.next = v, m
}

// fits checks that a value can be assigned, and makes an int a float where a
// float is wanted.
func (m *value) fits(v *codec.Value) error {
	if m.persist {
		// By their texts: no float that is no number equals itself.
		if back, err := parseKept((*v).String()); err != nil || typed(back) != typed(*v) {
			return exception("TypeError", "what is kept must be a plain value that has a literal, not this %s", (*v).Kind())
		}
	}
	have, want := (*v).Kind(), m.declared.Kind()
	switch {
	case m.free || have == want || isText(have) && isText(want):
		return nil
	case have == codec.KindInt && want == codec.KindFloat:
		if n, ok := codec.BigIntOf(*v); ok {
			f, _ := n.Float64()
			*v = codec.Float(f)
			return nil
		}
	}
	return exception("TypeError", "expected %s, got %s", kindWord(want), kindWord(have))
}

// isText tells whether a kind is one of the two that text has: ASCII travels
// as bytes.
func isText(k codec.Kind) bool { return k == codec.KindText || k == codec.KindBytes }

func kindWord(k codec.Kind) string {
	if isText(k) {
		return "text"
	}
	return k.String()
}
