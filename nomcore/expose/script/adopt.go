package script

import (
	"slices"
	"strings"

	"go.starlark.net/starlark"

	"nomfs/codec"
	"nomfs/nomcore"
)

// adopt freezes what the top level made, all but the state, and makes
// attributes of the public names.
func (s *Script) adopt(globals starlark.StringDict, p places) []error {
	var wrong []error
	frozen := newReach()
	frozen.functions = s.home
	statePos, stateful := p.assigned[stateName]
	for _, name := range globals.Keys() {
		if stateful && name == stateName {
			continue
		}
		frozen.name = name
		if !frozen.visit(globals[name], 0) {
			return []error{errorAt(p.bound[name], "%s is too large, or nests too deeply", name)}
		}
	}
	if stateful {
		s.state = globals[stateName] // nil if the top level did not come there
		if err := s.checkState(frozen); err != nil {
			return []error{errorAt(statePos, "%s", err.Error())}
		}
	}
	for name, v := range globals {
		if !stateful || name != stateName {
			v.Freeze()
		}
	}
	for _, name := range globals.Keys() {
		if strings.HasPrefix(name, "_") || strings.HasPrefix(name, tempMark) {
			continue
		}
		a, err := s.attribute(name, globals[name])
		if err != nil {
			wrong = append(wrong, errorAt(p.bound[name], "%s: %v; begin its name with _ to keep it", name, err))
			continue
		}
		s.attrs = append(s.attrs, a)
	}
	slices.SortFunc(s.attrs, func(a, b attribute) int { return strings.Compare(a.name, b.name) })
	return wrong
}

// attribute makes an attribute of a top-level name.
func (s *Script) attribute(name string, v starlark.Value) (attribute, error) {
	a := attribute{name: name}
	var err error
	if f, ok := v.(*starlark.Function); ok {
		a.fn = f
	}
	if s.state == nil || name != stateName { // which is read afresh
		a.value, err = s.outward(v)
	}
	return a, err
}

// checkState tells what is wrong with the state, which functions can change
// only from within, and which nothing frozen may be a part of.
func (s *Script) checkState(frozen reach) error {
	switch v := s.state.(type) {
	case nil:
		return raise(classValue, "state is not always set")
	case *starlark.Dict, *starlark.List, *starlark.Set:
	default:
		return raise(classType, "state must be a dict, a list or a set, not %s: functions change it in place", v.Type())
	}
	own := newReach()
	if !own.visit(s.state, 0) {
		return raise(classValue, "state is too large, or nests too deeply")
	}
	for c := range own.containers {
		if name, both := frozen.containers[c]; both {
			return raise(classValue, "state shares a part with %s, which never changes: give it a copy", name)
		}
	}
	return nil
}

// reach finds what values refer to. It goes where Freeze goes, which knows no
// bounds, so that it can be told beforehand whether that ends.
type reach struct {
	name       string                      // of the value being visited
	containers map[any]string              // those that can change: where each was found
	functions  map[*starlark.Function]bool // nil: functions are not looked into
	left       int                         // values that may still come
}

const (
	// maxReach is in values of the top level: more than a file of the size
	// that we read can list, and as many as memory bears.
	maxReach = 1 << 22
	// maxReachDepth is in levels: each takes some stack.
	maxReachDepth = 10_000
)

func newReach() reach { return reach{containers: make(map[any]string), left: maxReach} }

// visit reports whether all of v could be seen.
func (r *reach) visit(v starlark.Value, depth int) bool {
	if r.left--; r.left < 0 || depth > maxReachDepth {
		return false
	}
	depth++
	switch v := v.(type) {
	case *starlark.List, *starlark.Dict, *starlark.Set:
		return r.visitContainer(v, depth)
	case starlark.Tuple:
		for _, e := range v {
			if !r.visit(e, depth) {
				return false
			}
		}
	case *starlark.Builtin:
		return v.Receiver() == nil || r.visit(v.Receiver(), depth)
	case *starlark.Function:
		return r.visitFunction(v, depth)
	}
	return true
}

func (r *reach) visitContainer(v starlark.Value, depth int) bool {
	if _, seen := r.containers[v]; seen {
		return true
	}
	r.containers[v] = r.name
	if d, ok := v.(*starlark.Dict); ok {
		for k, e := range d.Entries() {
			if !r.visit(k, depth) || !r.visit(e, depth) {
				return false
			}
		}
		return true
	}
	for e := range starlark.Elements(v.(starlark.Iterable)) {
		if !r.visit(e, depth) {
			return false
		}
	}
	return true
}

func (r *reach) visitFunction(fn *starlark.Function, depth int) bool {
	if r.functions == nil || r.functions[fn] {
		return true
	}
	r.functions[fn] = true
	for i := range fn.NumParams() {
		if !r.visit(fn.ParamDefault(i), depth) {
			return false
		}
	}
	for i := range fn.NumFreeVars() {
		if _, e := fn.FreeVar(i); !r.visit(e, depth) {
			return false
		}
	}
	return true
}

// methodKey is the identity of a function as an object.
type methodKey struct {
	s  *Script
	fn *starlark.Function
}

// exported returns a function as an object that can leave the script. What a
// function was made with while a call ran belongs to that call, and may change
// under it.
func (s *Script) exported(fn *starlark.Function) (codec.Value, error) {
	if !s.home[fn] && !self(fn) {
		return nil, raise(classType, "function %s uses variables around it and cannot leave the script: give it what it needs as defaults (lambda x, y=y: …)", fn.Name())
	}
	return &nomcore.Object{Key: methodKey{s, fn}, Impl: &method{s, fn}}, nil
}

// self tells whether a function that a call made shares nothing with it that
// could change.
func self(fn *starlark.Function) bool {
	if fn.NumFreeVars() > 0 {
		return false
	}
	for i := range fn.NumParams() {
		if !constant(fn.ParamDefault(i)) {
			return false
		}
	}
	return true
}

// constant tells whether a value can never change.
func constant(v starlark.Value) bool {
	switch v := v.(type) {
	case *starlark.List, *starlark.Dict, *starlark.Set:
		return false
	case *starlark.Function:
		return self(v)
	case *starlark.Builtin:
		return v.Receiver() == nil || constant(v.Receiver())
	case starlark.Tuple:
		return !slices.ContainsFunc(v, func(e starlark.Value) bool { return !constant(e) })
	}
	return true
}
