package expose

import (
	"context"
	"sync"

	"nomfs/codec"
	"nomfs/nomcore"
)

// object is a table of a file as an object: its entries are the attributes.
// It stays the same object when the file is applied again.
type object struct {
	self *nomcore.Object
	path string

	mu     sync.RWMutex
	doc    string
	slots  map[string]*slot
	order  []*slot // by name
	closed bool    // the table is not in the file any more
}

// slot is one attribute.
type slot struct {
	def *def
	m   member
	doc *docText // of what was made with it; nil for a table
}

func (s *slot) empty() bool {
	m, ok := s.m.(clearable)
	return ok && m.empty()
}

var _ interface {
	nomcore.AttrGetter
	nomcore.AttrSetter
	nomcore.AttrDeleter
	nomcore.Describer
	nomcore.Direr
	nomcore.Snapshotter
	nomcore.Reprer
} = (*object)(nil)

func newObject(path string) *object {
	o := &object{path: path}
	o.self = &nomcore.Object{Impl: o, Scope: true}
	return o
}

// class is the name of the class that all tables have.
const class = "Object"

func noAttr(class, name string) error {
	return exception("AttributeError", "'%s' object has no attribute '%s'", class, name)
}

// find returns an attribute.
func (o *object) find(name string) (*slot, error) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	if o.closed {
		return nil, errGone
	}
	s := o.slots[name]
	if s == nil {
		return nil, noAttr(class, name)
	}
	return s, nil
}

// list returns all attributes that are not hidden.
func (o *object) list() ([]*slot, string, error) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	if o.closed {
		return nil, "", errGone
	}
	shown := make([]*slot, 0, len(o.order))
	for _, s := range o.order {
		if !s.def.hidden && !s.empty() {
			shown = append(shown, s)
		}
	}
	return shown, o.doc, nil
}

// GetAttr reads an attribute.
func (o *object) GetAttr(ctx context.Context, name string) (codec.Value, error) {
	s, err := o.find(name)
	if err != nil {
		return nil, err
	}
	v, err := s.m.get(ctx)
	if v == nil && err == nil { // it is empty
		err = noAttr(class, name)
	}
	return v, err
}

// SetAttr sets an attribute that can be set.
func (o *object) SetAttr(ctx context.Context, name string, v codec.Value) error {
	s, err := o.find(name)
	if err != nil {
		return err
	}
	if s.def.readonly || !s.m.info().Write {
		return errReadOnly(name)
	}
	return s.m.set(ctx, v)
}

// DelAttr empties what can be empty. What else there is, the file says.
func (o *object) DelAttr(_ context.Context, name string) error {
	s, err := o.find(name)
	if err != nil {
		return err
	}
	if m, ok := s.m.(clearable); ok {
		if m.empty() {
			return noAttr(class, name)
		}
		m.clear()
		return nil
	}
	return exception("AttributeError", "can't delete attribute '%s'", name)
}

// Describe lists the attributes. It runs nothing.
func (o *object) Describe(context.Context) (codec.Description, error) {
	shown, doc, err := o.list()
	d := codec.Description{Class: class, Doc: doc}
	for _, s := range shown {
		a := s.m.info()
		a.Name, a.Write = s.def.name, a.Write && !s.def.readonly
		if s.def.doc != "" {
			a.Doc = s.def.doc
		}
		d.Attrs = append(d.Attrs, a)
	}
	return d, err
}

// Dir returns the names of the attributes.
func (o *object) Dir(context.Context) ([]string, error) {
	shown, _, err := o.list()
	names := make([]string, len(shown))
	for i, s := range shown {
		names[i] = s.def.name
	}
	return names, err
}

// Snapshot returns the values that are at hand.
func (o *object) Snapshot(_ context.Context, names []string) (map[string]codec.Value, error) {
	values := make(map[string]codec.Value, len(names))
	for _, name := range names {
		s, err := o.find(name)
		if err != nil {
			continue
		}
		if m, ok := s.m.(still); ok {
			if v := m.still(); v != nil {
				values[name] = v
			}
		}
	}
	return values, nil
}

// Repr returns the class and the place in the file.
func (o *object) Repr(context.Context) (string, error) { return "<" + class + " " + o.path + ">", nil }

// table is a member that is a table of further members.
type table struct {
	constant
	svc *nomcore.Service
	o   *object
}

func (t *table) info() codec.AttrInfo {
	t.o.mu.RLock()
	defer t.o.mu.RUnlock()
	return codec.AttrInfo{Kind: codec.KindRef, Doc: t.o.doc}
}

func (t *table) get(context.Context) (codec.Value, error) { return t.o.self, nil }

// close ends all members.
func (t *table) close() {
	t.o.mu.Lock()
	slots := t.o.order
	t.o.slots, t.o.order, t.o.closed = nil, nil, true
	t.o.mu.Unlock()
	for _, s := range slots {
		s.m.close()
	}
	t.svc.Revoke(t.o.self)
}
