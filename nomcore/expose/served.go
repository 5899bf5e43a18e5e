package expose

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"nomfs/nomcore"
)

// Options say how a file is served. The zero value is useful.
type Options struct {
	// Log receives what happens when the file is applied again, and what goes
	// wrong in the background. nil discards it.
	Log *slog.Logger
	// Builtins make the objects of the kind builtin, by name. What is missing
	// here comes from this package.
	Builtins map[string]func() any
	// State is the file that keeps what values were set to. "" is one next to
	// the configuration, see statePath.
	State string
	// Accept is asked before a changed file is applied; an error refuses it.
	// nil accepts all.
	Accept func(*Config) error
}

// Served is a file at work.
type Served struct {
	svc    *nomcore.Service
	opt    Options
	log    *slog.Logger
	state  *state
	listen string          // what the file said when it was first served
	ctx    context.Context // ends at Close
	cancel context.CancelFunc

	applying sync.Mutex // held while the file is applied, or everything closed

	mu     sync.Mutex
	cfg    *Config
	roots  map[string]*slot // what is registered, by name
	wrong  bool             // the file, when it was read last
	closed bool
}

// ErrClosed: the objects are not served any more.
var ErrClosed = errors.New("expose: closed")

// Serve makes the objects of a file and registers them with a service. If one
// cannot be made, none is registered.
func Serve(svc *nomcore.Service, c *Config, opt Options) (*Served, error) {
	v := &Served{svc: svc, opt: opt, log: opt.Log, cfg: &Config{typed: c.typed, path: c.path}, listen: c.listen, roots: make(map[string]*slot)}
	if v.log == nil {
		v.log = slog.New(slog.DiscardHandler)
	}
	before := ""
	if v.opt.State == "" {
		v.opt.State, before = statePath(c.path)
	}
	var err error
	if v.state, err = openState(v.opt.State, before, v.log); err != nil {
		return nil, err
	}
	v.ctx, v.cancel = context.WithCancel(context.Background())
	if err := v.apply(c); err != nil {
		return nil, errors.Join(err, v.Close())
	}
	return v, nil
}

// Names returns the names of the registered objects, in the order of the file.
func (v *Served) Names() []string { return v.config().Names() }

// Object returns the object that is registered under a name.
func (v *Served) Object(name string) (*nomcore.Object, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	s := v.roots[name]
	if s == nil {
		return nil, false
	}
	return objectOf(s.m), true
}

func (v *Served) config() *Config {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.cfg
}

// objectOf returns the object of a member that is one.
func objectOf(m member) *nomcore.Object {
	o, err := m.get(context.Background())
	if err != nil {
		return nil
	}
	object, _ := o.(*nomcore.Object)
	return object
}

// Reload reads the file again and applies what has changed: what has not stays
// as it is, the same object for all who hold it. If anything is wrong with the
// file, everything stays, and the error says what it is.
func (v *Served) Reload() error { return v.reload(func() bool { return true }) }

// errUnsettled: the file is still being written.
var errUnsettled = errors.New("the file is still changing")

// reload is Reload if, after the file was read, it is settled.
func (v *Served) reload(settled func() bool) error {
	v.applying.Lock()
	defer v.applying.Unlock()
	old := v.config()
	c, err := load(old.path, old.typed)
	if !settled() {
		return errUnsettled
	}
	if err != nil {
		return err
	}
	if v.opt.Accept != nil {
		if err := v.opt.Accept(c); err != nil {
			return err
		}
	}
	if c.listen != old.listen && c.listen != v.listen {
		v.log.Warn("the address to listen on has changed, which takes effect at the next start", "listen", c.listen)
	}
	return v.applyLocked(c)
}

func (v *Served) apply(c *Config) error {
	v.applying.Lock()
	defer v.applying.Unlock()
	return v.applyLocked(c)
}

// applyLocked changes what is served into what a file says: first everything
// new is made, and only when all of it works it takes the place of the old.
// applying must be held.
func (v *Served) applyLocked(c *Config) error {
	v.mu.Lock()
	old, closed := v.roots, v.closed
	v.mu.Unlock()
	if closed {
		return ErrClosed
	}
	b := &builder{v: v}
	roots, err := b.slots(c.objects, old)
	if err == nil {
		err = v.register(old, roots, c)
	}
	if err != nil {
		b.undo()
		return err
	}
	v.mu.Lock()
	v.cfg, v.roots = c, roots
	v.mu.Unlock()
	b.commit()
	return nil
}

// register brings the names of the service from one state to another. If a name
// is taken by somebody else, all names are as they were.
func (v *Served) register(old, roots map[string]*slot, c *Config) error {
	var gone, came []string
	for name, s := range old {
		if n := roots[name]; n == nil || objectOf(n.m) != objectOf(s.m) {
			gone = append(gone, name)
		}
	}
	for _, name := range gone {
		if err := v.svc.Unregister(name); err != nil {
			v.log.Warn("it was not registered any more", "object", name, "err", err)
		}
	}
	for _, d := range c.objects {
		if old[d.name] != nil && !slices.Contains(gone, d.name) {
			continue
		}
		if err := v.svc.Register(d.name, objectOf(roots[d.name].m)); err != nil {
			for _, name := range came {
				_ = v.svc.Unregister(name)
			}
			for _, name := range gone {
				_ = v.svc.Register(name, objectOf(old[name].m))
			}
			return err
		}
		came = append(came, d.name)
	}
	return nil
}

// Close withdraws the objects and ends all that they have running. It returns
// when that has ended.
func (v *Served) Close() error {
	v.cancel()
	v.applying.Lock()
	defer v.applying.Unlock()
	v.mu.Lock()
	roots := v.roots
	v.roots, v.closed = make(map[string]*slot), true
	v.mu.Unlock()
	var errs []error
	for name := range roots {
		errs = append(errs, v.svc.Unregister(name))
	}
	for _, s := range roots {
		s.m.close()
	}
	return errors.Join(errs...)
}

// builder makes the members that are new. Nothing that is old is touched before
// commit.
type builder struct {
	v     *Served
	fresh []member // made by us
	gone  []member // not in the file any more
	ready []func() // what puts the new in the place of the old
}

// slots makes the slots of a table, where possible out of the old ones.
func (b *builder) slots(defs []*def, old map[string]*slot) (map[string]*slot, error) {
	slots := make(map[string]*slot, len(defs))
	for _, d := range defs {
		s, err := b.slot(d, old[d.name])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", d.path, err)
		}
		slots[d.name] = s
	}
	for name, s := range old {
		if n := slots[name]; n == nil || n.m != s.m {
			b.gone = append(b.gone, s.m)
		}
	}
	return slots, nil
}

// slot makes one slot.
func (b *builder) slot(d *def, old *slot) (*slot, error) {
	if d.kind == "" {
		return b.table(d, old)
	}
	if old != nil && old.def.kind == d.kind && old.def.canon == d.canon {
		b.ready = append(b.ready, func() { old.doc.set(d.doc) })
		return &slot{def: d, m: old.m, doc: old.doc}, nil
	}
	doc := newDoc(d.doc)
	m, err := d.make(&site{name: d.name, path: d.path, doc: doc, ctx: b.v.ctx, svc: b.v.svc, log: b.v.log.With("entry", d.path), v: b.v})
	if err != nil {
		return nil, err
	}
	b.fresh = append(b.fresh, m)
	if old != nil {
		if l, ok := old.m.(lasting); ok {
			if become := l.become(m); become != nil {
				b.ready = append(b.ready, become, func() { old.doc.set(d.doc) })
				return &slot{def: d, m: old.m, doc: old.doc}, nil
			}
		}
	}
	if h, ok := m.(heir); ok && old != nil {
		b.ready = append(b.ready, func() { h.inherit(old.m) })
	}
	return &slot{def: d, m: m, doc: doc}, nil
}

// table makes the slot of a table. A table that was one before stays the same
// object, with other attributes.
func (b *builder) table(d *def, old *slot) (*slot, error) {
	var t *table
	var before map[string]*slot
	if old != nil {
		if t, _ = old.m.(*table); t != nil {
			before = t.o.slots // changed by commit alone, which is not now
		}
	}
	fresh := t == nil
	if fresh {
		t = &table{svc: b.v.svc, o: newObject(d.path)}
		b.fresh = append(b.fresh, t)
	}
	slots, err := b.slots(d.entries, before)
	if err != nil {
		return nil, err
	}
	order := make([]*slot, 0, len(slots))
	for _, s := range slots {
		order = append(order, s)
	}
	slices.SortFunc(order, func(a, b *slot) int { return strings.Compare(a.def.name, b.def.name) })
	fill := func() {
		t.o.mu.Lock()
		defer t.o.mu.Unlock()
		t.o.doc, t.o.slots, t.o.order = d.doc, slots, order
	}
	if fresh { // nobody sees it yet, and whoever does should see all of it
		fill()
	} else {
		b.ready = append(b.ready, fill)
	}
	return &slot{def: d, m: t}, nil
}

// commit puts the new in the place of the old, and ends the old.
func (b *builder) commit() {
	for _, f := range b.ready {
		f()
	}
	for _, m := range b.gone {
		m.close()
	}
}

// undo ends what was made in vain.
func (b *builder) undo() {
	for _, m := range b.fresh {
		if _, isTable := m.(*table); !isTable { // those have no more than is in the list
			m.close()
		}
	}
}
