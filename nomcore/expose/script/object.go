package script

import (
	"context"
	"maps"
	"slices"
	"strings"

	"go.starlark.net/starlark"

	"nomfs/codec"
	"nomfs/nomcore"
)

// module is a script as an object.
type module struct{ s *Script }

var _ interface {
	nomcore.AttrGetter
	nomcore.AttrSetter
	nomcore.AttrDeleter
	nomcore.Describer
	nomcore.Direr
	nomcore.Snapshotter
	nomcore.Reprer
} = (*module)(nil)

func noAttr(class, name string) error {
	return exception(classAttribute, "'%s' object has no attribute '%s'", class, name)
}

// find returns the attribute of a name, nil where there is none.
func (m *module) find(name string) *attribute {
	i, ok := slices.BinarySearchFunc(m.s.attrs, name, func(a attribute, name string) int { return strings.Compare(a.name, name) })
	if !ok {
		return nil
	}
	return &m.s.attrs[i]
}

func (m *module) GetAttr(ctx context.Context, name string) (codec.Value, error) {
	a := m.find(name)
	if a == nil {
		return nil, noAttr(m.s.class, name)
	}
	if a.value != nil {
		return a.value, nil
	}
	return m.s.copyState(ctx)
}

// copyState returns the state as it is between two calls.
func (s *Script) copyState(ctx context.Context) (v codec.Value, err error) {
	err = s.run(ctx, stateName, func(r *run) (err error) {
		if err := r.lock(); err != nil {
			return err
		}
		v, err = s.outward(s.state)
		return err
	})
	return v, err
}

func (m *module) SetAttr(_ context.Context, name string, _ codec.Value) error {
	if m.find(name) == nil {
		return noAttr(m.s.class, name)
	}
	return exception(classAttribute, "attribute '%s' is read-only", name)
}

func (m *module) DelAttr(_ context.Context, name string) error {
	if m.find(name) == nil {
		return noAttr(m.s.class, name)
	}
	return exception(classAttribute, "can't delete attribute '%s'", name)
}

func (m *module) Dir(context.Context) ([]string, error) {
	names := make([]string, len(m.s.attrs))
	for i, a := range m.s.attrs {
		names[i] = a.name
	}
	return names, nil
}

// Snapshot returns the plain values, and the state.
func (m *module) Snapshot(ctx context.Context, names []string) (map[string]codec.Value, error) {
	values := make(map[string]codec.Value, len(names))
	for _, name := range names {
		a := m.find(name)
		switch {
		case a == nil || a.fn != nil:
		case a.value != nil:
			values[name] = a.value
		default:
			if v, err := m.s.copyState(ctx); err == nil {
				values[name] = v
			}
		}
	}
	return values, ctx.Err()
}

func (m *module) Describe(context.Context) (codec.Description, error) {
	d := codec.Description{Class: m.s.class, Doc: m.s.doc, Attrs: make([]codec.AttrInfo, len(m.s.attrs))}
	for i, a := range m.s.attrs {
		info := codec.AttrInfo{Name: a.name}
		switch {
		case a.fn != nil:
			info.Kind, info.Type, info.Call = codec.KindRef, "method", true
			info.Doc, info.Params = cleanDoc(a.fn.Doc()), m.s.params(a.fn)
		case a.value != nil:
			info.Kind = a.value.Kind()
			info.Type = info.Kind.String()
		default:
			info.Kind = kindOfState(m.s.state)
			info.Type, info.Doc = info.Kind.String(), "what the functions remember; a copy"
		}
		d.Attrs[i] = info
	}
	return d, nil
}

func kindOfState(v starlark.Value) codec.Kind {
	switch v.(type) {
	case *starlark.List:
		return codec.KindList
	case *starlark.Set:
		return codec.KindSet
	}
	return codec.KindMap
}

func (m *module) Repr(context.Context) (string, error) { return "<" + m.s.class + " object>", nil }

// params describes the parameters of a function, in the order of its head.
func (s *Script) params(fn *starlark.Function) []codec.Param {
	sig := signatureOf(fn)
	out := make([]codec.Param, 0, fn.NumParams())
	for _, p := range sig.positional {
		out = append(out, s.param(p))
	}
	if sig.rest != "" {
		out = append(out, codec.Param{Name: sig.rest, Rest: true})
	}
	for _, p := range sig.keywords {
		out = append(out, s.param(p))
	}
	return out
}

// param describes one parameter. A default that has no value outside of the
// script is shown as Ellipsis: there is one.
func (s *Script) param(p parameter) codec.Param {
	if p.def == nil {
		return codec.Param{Name: p.name}
	}
	def, err := s.outward(p.def)
	if err != nil {
		def = codec.Ellipsis{}
	}
	return codec.Param{Name: p.name, Default: def}
}

// method is a function of a script as an object.
type method struct {
	s  *Script
	fn *starlark.Function
}

var _ interface {
	nomcore.Caller
	nomcore.Describer
	nomcore.Direr
	nomcore.Reprer
} = (*method)(nil)

func (m *method) Call(ctx context.Context, args []codec.Value, kwargs map[string]codec.Value) (result codec.Value, err error) {
	err = m.s.run(ctx, m.fn.Name()+"()", func(r *run) error {
		in := make(starlark.Tuple, len(args))
		for i, a := range args {
			var err error
			if in[i], err = m.s.inward(a); err != nil {
				return err
			}
		}
		named := make([]starlark.Tuple, 0, len(kwargs))
		for _, name := range slices.Sorted(maps.Keys(kwargs)) {
			v, err := m.s.inward(kwargs[name])
			if err != nil {
				return err
			}
			named = append(named, starlark.Tuple{starlark.String(name), v})
		}
		v, err := r.call(m.fn, in, named)
		if err != nil {
			return err
		}
		result, err = m.s.outward(v)
		return err
	})
	if err != nil {
		return nil, err
	}
	return result, nil
}

func (m *method) Describe(context.Context) (codec.Description, error) {
	return codec.Description{Class: "method", Doc: cleanDoc(m.fn.Doc()), Callable: true, Params: m.s.params(m.fn)}, nil
}

// Dir returns nothing: functions have no attributes.
func (m *method) Dir(context.Context) ([]string, error) { return nil, nil }

func (m *method) Repr(context.Context) (string, error) {
	return "<method " + m.fn.Name() + " of " + m.s.class + ">", nil
}
