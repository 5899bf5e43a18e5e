package script

import (
	"slices"

	"go.starlark.net/starlark"
)

// call calls f: a function of the script, one of Starlark's, or an object.
func (r *run) call(f starlark.Value, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	switch f := f.(type) {
	case *starlark.Function:
		names := make([]string, len(kwargs))
		for i, kv := range kwargs {
			names[i] = string(kv[0].(starlark.String))
		}
		if err := checkArgs(f, len(args), names); err != nil {
			return nil, err
		}
		if err := r.charge(int64(len(args)) * sizeValue); err != nil {
			return nil, err
		}
	case *starlark.Builtin:
		if err := r.chargeCall(f, args, kwargs); err != nil {
			return nil, err
		}
		if len(kwargs) > 0 && len(args) == 1 && slices.Contains(orderers, f.Name()) {
			// The key may be an object: see iterable.
			if items, err := iterable(args[0]); err == nil {
				args = starlark.Tuple{items}
			}
		}
		v, err := f.CallInternal(r.thread, args, kwargs)
		return v, raiseAs(builtinClass(f, args), err)
	case starlark.Callable:
	default:
		return nil, raise(classType, "invalid call of non-function (%s)", f.Type())
	}
	return starlark.Call(r.thread, f, args, kwargs)
}

// parsers are functions that fail for what their argument says, where they
// take its type.
var parsers = []string{"int", "float", "chr", "ord", "max", "min"}

// orderers are functions that call another for each element.
var orderers = []string{"max", "min", "sorted"}

// seekers are methods that fail for what they do not find.
var seekers = []string{"index", "rindex", "remove"}

// builtinClass is the class of the error of one of Starlark's functions, of
// which it tells nothing else: TypeError, except where a right type can hold a
// wrong value.
func builtinClass(f *starlark.Builtin, args starlark.Tuple) string {
	name := f.Name()
	switch recv := f.Receiver().(type) {
	case nil:
		if moduleFuncs[f] {
			return classValue
		}
		if slices.Contains(parsers, name) && len(args) > 0 {
			switch args[0].(type) {
			case starlark.String, starlark.Bytes, starlark.Int, starlark.Float, starlark.Sequence:
				return classValue
			}
		}
	case *starlark.Dict, *starlark.Set:
		if name == "pop" || name == "popitem" || name == "remove" {
			return classKey
		}
	case *starlark.List:
		if name == "pop" && recv.Len() == 0 || name == "pop" && len(args) == 1 && args[0].Type() == "int" {
			return classIndex
		}
		if slices.Contains(seekers, name) {
			return classValue
		}
	case starlark.String:
		if slices.Contains(seekers, name) || name == "format" {
			return classValue
		}
	}
	return classType
}

// checkArgs tells whether a function takes so many arguments by position and
// those by name, in Python's words.
func checkArgs(f *starlark.Function, given int, names []string) error {
	sig := signatureOf(f)
	n := len(sig.positional)
	if given > n && !f.HasVarargs() {
		return sig.countError(given + len(names))
	}
	filled := min(given, n)
	seen := make(map[string]bool, len(names))
	for _, name := range names {
		i := slices.IndexFunc(sig.positional, func(p parameter) bool { return p.name == name })
		only := slices.ContainsFunc(sig.keywords, func(p parameter) bool { return p.name == name })
		switch {
		case i >= 0 && i < filled || seen[name]:
			return raise(classType, "%s() got multiple values for keyword argument '%s'", f.Name(), name)
		case i < 0 && !only && !f.HasKwargs():
			return raise(classType, "%s() got an unexpected keyword argument '%s'", f.Name(), name)
		}
		seen[name] = true
	}
	for _, p := range sig.positional[filled:] {
		if p.def == nil && !seen[p.name] {
			return sig.countError(given + len(names))
		}
	}
	for _, p := range sig.keywords {
		if p.def == nil && !seen[p.name] {
			return raise(classType, "%s() needs keyword argument '%s'", f.Name(), p.name)
		}
	}
	return nil
}

// parameter is one parameter of a function.
type parameter struct {
	name string
	def  starlark.Value // nil where the argument is required
}

// signature is what a function takes.
type signature struct {
	name       string
	positional []parameter
	keywords   []parameter // by name only
	rest       string      // what takes further arguments, "" for none
}

func signatureOf(f *starlark.Function) signature {
	n := f.NumParams()
	if f.HasKwargs() {
		n--
	}
	sig := signature{name: f.Name()}
	if f.HasVarargs() {
		n--
		sig.rest, _ = f.Param(n)
	}
	for i := range n {
		name, _ := f.Param(i)
		p := parameter{name, f.ParamDefault(i)}
		if i < n-f.NumKwonlyParams() {
			sig.positional = append(sig.positional, p)
		} else {
			sig.keywords = append(sig.keywords, p)
		}
	}
	return sig
}

// countError is the TypeError for a wrong number of arguments.
func (sig signature) countError(given int) error {
	n, required := len(sig.positional), 0
	for _, p := range sig.positional {
		if p.def == nil {
			required++
		}
	}
	if n == 0 {
		return raise(classType, "%s() takes no arguments (%d given)", sig.name, given)
	}
	how, want := "exactly", n
	if sig.rest != "" || n != required {
		how, want = "at least", required
		if given > n {
			how, want = "at most", n
		}
	}
	plural := "s"
	if want == 1 {
		plural = ""
	}
	return raise(classType, "%s() takes %s %d argument%s (%d given)", sig.name, how, want, plural, given)
}
