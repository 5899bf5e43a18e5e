package script

import (
	"maps"
	"strings"

	"go.starlark.net/lib/json"
	"go.starlark.net/lib/math"
	startime "go.starlark.net/lib/time"
	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
)

// modules are those of Starlark that reach nothing outside of the script, but
// for the clock and the machine's list of time zones.
var modules = []*starlarkstruct.Module{json.Module, math.Module, startime.Module}

// moduleFuncs are their functions.
var moduleFuncs = func() map[*starlark.Builtin]bool {
	funcs := make(map[*starlark.Builtin]bool)
	for _, m := range modules {
		for _, v := range m.Members {
			if f, ok := v.(*starlark.Builtin); ok {
				funcs[f] = true
			}
		}
	}
	return funcs
}()

// functions are those that a script finds by name, besides Starlark's own or
// instead of them: they know references, and cannot run without end.
var functions = map[string]operator{
	"attempt": attempt,
	"connect": connectTo,
	"dir":     dirOf,
	"fail":    fail,
	"getattr": getAttrOf,
	"hasattr": hasAttrOf,
	"len":     lenOf,
	"range":   rangeOf,
	"repr": func(r *run, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		return r.textOf("repr", args, kwargs)
	},
	"str": func(r *run, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		return r.textOf("str", args, kwargs)
	},
}

// shared is what all scripts see.
var shared = func() starlark.StringDict {
	names := make(starlark.StringDict)
	for _, m := range modules {
		names[m.Name] = m
	}
	for name, f := range functions {
		names[name] = builtin(name, f)
	}
	return names
}()

// builtin makes a function of ours one of Starlark's.
func builtin(name string, f operator) *starlark.Builtin {
	return starlark.NewBuiltin(name, func(t *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		return f(runOf(t), args, kwargs)
	})
}

// predeclared is what the script sees, the operators included.
func (s *Script) predeclared() starlark.StringDict {
	names := maps.Clone(shared)
	for name, f := range operators {
		names[name] = builtin(name, f)
	}
	names["objects"] = siblings{s}
	return names
}

// original calls Starlark's own function of that name.
func (r *run) original(name string, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	return starlark.Universe[name].(*starlark.Builtin).CallInternal(r.thread, args, kwargs)
}

// fail ends the call with a RuntimeError.
func fail(r *run, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	sep := " "
	if err := starlark.UnpackArgs("fail", nil, kwargs, "sep?", &sep); err != nil {
		return nil, raise(classType, "%v", err)
	}
	words := make([]string, len(args))
	for i, a := range args {
		var ok bool
		if words[i], ok = starlark.AsString(a); !ok {
			words[i] = r.shown(a)
		}
	}
	return nil, raise(classRuntime, "%s", strings.Join(words, sep))
}

func dirOf(r *run, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	if len(args) == 1 && len(kwargs) == 0 {
		switch x := args[0].(type) {
		case *ref:
			return r.attrNames(x)
		case outsider:
			return x.names(r)
		}
	}
	return r.original("dir", args, kwargs)
}

func lenOf(r *run, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	if len(args) == 1 && len(kwargs) == 0 {
		if x, ok := args[0].(*ref); ok {
			return r.length(x)
		}
	}
	return r.original("len", args, kwargs)
}

// rangeOf is range with a bound: functions that go through a range take no
// steps, so that nothing else would stop them.
func rangeOf(r *run, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	v, err := r.original("range", args, kwargs)
	if err != nil {
		return nil, err
	}
	if n := v.(starlark.Sequence).Len(); n > maxRange {
		return nil, raise(classValue, "a range of %d elements: at most %d, use while", n, maxRange)
	}
	return v, nil
}

func getAttrOf(r *run, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var x, def starlark.Value
	var name string
	if err := starlark.UnpackPositionalArgs("getattr", args, kwargs, 2, &x, &name, &def); err != nil {
		return nil, err
	}
	v, err := r.attr(x, name)
	if def != nil && isNoAttr(err) {
		return def, nil
	}
	return v, err
}

func hasAttrOf(r *run, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var x starlark.Value
	var name string
	if err := starlark.UnpackPositionalArgs("hasattr", args, kwargs, 2, &x, &name); err != nil {
		return nil, err
	}
	_, err := r.attr(x, name)
	if isNoAttr(err) {
		return starlark.False, nil
	}
	return starlark.Bool(err == nil), err
}

// textOf is str or repr. A reference is asked; what a container shows of it is
// the reference.
func (r *run) textOf(name string, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	if len(args) != 1 || len(kwargs) != 0 {
		return nil, raise(classType, "%s() takes exactly 1 argument (%d given)", name, len(args)+len(kwargs))
	}
	switch x := args[0].(type) {
	case *ref:
		return r.text(x, name == "str")
	case starlark.String:
		if name == "str" {
			return x, nil
		}
	}
	if err := r.chargeTexts(args); err != nil {
		return nil, err
	}
	return r.original(name, args, nil)
}
