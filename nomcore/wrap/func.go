package wrap

import (
	"context"
	"fmt"
	"reflect"
	"runtime"
	"strings"

	"nomfs/codec"
	"nomfs/nomcore/object"
)

// Func makes an object of a Go func and gives its parameters the names that
// keyword arguments need, in order, a leading context.Context left out. A
// parameter may have a default, a Python literal; those after it need one too:
//
//	Func(add, "a", "b=2")
//
// Further arguments of a variadic func go by position alone; its last name
// may be written "*rest".
//
// Func panics on a mistake of the programmer: fn is no func, the names are too
// many or too few or appear twice, a default is no literal or does not fit its
// parameter.
func Func(fn any, params ...string) *object.Object {
	v := reflect.ValueOf(fn)
	if v.Kind() != reflect.Func || v.IsNil() {
		panic(fmt.Sprintf("wrap.Func: %T is not a func, or nil", fn))
	}
	name := funcName(v)
	sig, err := newSignature(name, v.Type(), 0, params)
	if err != nil {
		panic("wrap.Func: " + err.Error())
	}
	return &object.Object{Impl: &goFunc{class: "function", sig: sig, load: fixed(v)}}
}

// fixed returns a function that returns v.
func fixed(v reflect.Value) func() (reflect.Value, error) {
	return func() (reflect.Value, error) { return v, nil }
}

// funcName returns the name under which messages speak of a func.
func funcName(v reflect.Value) string {
	f := runtime.FuncForPC(v.Pointer())
	if f == nil {
		return "function"
	}
	name := strings.TrimSuffix(f.Name(), "-fm") // a method value
	name = name[strings.LastIndexByte(name, '/')+1:]
	parts := strings.Split(name, ".")
	for _, p := range parts[1:] {
		if digits := strings.TrimPrefix(p, "func"); digits != p && strings.Trim(digits, "0123456789") == "" {
			return "function" // one without a name
		}
	}
	return parts[len(parts)-1]
}

// param is one parameter that a caller fills.
type param struct {
	name string       // "" where only the position counts
	typ  reflect.Type // of a variadic one, the element's
	def  codec.Value  // nil where the argument is required
}

// signature is what a callable takes and returns.
type signature struct {
	name string
	ctx  bool // the first parameter is a context, which is filled in
	in   []param
	rest bool           // the last of in takes any number
	out  []reflect.Type // without the error
	err  bool           // the last result is an error
	skip int            // 1 for a method expression's receiver
}

// newSignature describes func type t, whose first skip parameters are not the
// caller's, with the parameter names of spec if there are any.
func newSignature(name string, t reflect.Type, skip int, spec []string) (*signature, error) {
	sig := &signature{name: name, rest: t.IsVariadic(), skip: skip}
	first := skip
	if t.NumIn() > first && t.In(first) == contextType {
		sig.ctx = true
		first++
	}
	for i := first; i < t.NumIn(); i++ {
		p := param{typ: t.In(i)}
		if sig.rest && i == t.NumIn()-1 {
			p.typ = p.typ.Elem()
		}
		sig.in = append(sig.in, p)
	}
	n := t.NumOut()
	if n > 0 && t.Out(n-1) == errorType {
		sig.err = true
		n--
	}
	for i := range n {
		sig.out = append(sig.out, t.Out(i))
	}
	if len(spec) == 0 {
		return sig, nil
	}
	return sig, sig.nameParams(spec)
}

// nameParams gives the parameters their names and defaults.
func (sig *signature) nameParams(spec []string) error {
	if len(spec) != len(sig.in) {
		return fmt.Errorf("%s: %d parameter names for %d parameters", sig.name, len(spec), len(sig.in))
	}
	seen := make(map[string]bool)
	optional := false
	for i, s := range spec {
		p := &sig.in[i]
		rest := sig.rest && i == len(sig.in)-1
		name, def, hasDef := strings.Cut(s, "=")
		name = strings.TrimSpace(name)
		if rest {
			name = strings.TrimPrefix(name, "*")
		}
		switch {
		case name == "" || strings.ContainsAny(name, "*,() \t\n"):
			return fmt.Errorf("%s: %q is no parameter name", sig.name, s)
		case seen[name]:
			return fmt.Errorf("%s: two parameters are called %s", sig.name, name)
		case rest && hasDef:
			return fmt.Errorf("%s: %s takes any number of arguments, it needs no default", sig.name, name)
		case optional && !hasDef && !rest:
			return fmt.Errorf("%s: %s needs a default, as the one before it has one", sig.name, name)
		}
		seen[name] = true
		p.name = name
		if !hasDef {
			continue
		}
		optional = true
		v, err := codec.ParseLiteral(strings.TrimSpace(def))
		if err != nil {
			return fmt.Errorf("%s: default of %s: %w", sig.name, name, err)
		}
		if _, err := toGo(v, p.typ); err != nil {
			return fmt.Errorf("%s: default of %s: %w", sig.name, name, err)
		}
		p.def = v
	}
	return nil
}

// params describes the parameters for people.
func (sig *signature) params() []codec.Param {
	out := make([]codec.Param, len(sig.in))
	for i, p := range sig.in {
		out[i] = codec.Param{Name: p.name, Type: typeName(p.typ), Default: p.def, Rest: sig.rest && i == len(sig.in)-1}
	}
	return out
}

// positional returns how many parameters take one argument each, and how many
// of them have no default.
func (sig *signature) positional() (n, required int) {
	n = len(sig.in)
	if sig.rest {
		n--
	}
	for required < n && sig.in[required].def == nil {
		required++
	}
	return n, required
}

// bind turns the arguments of a call into those of the Go func.
func (sig *signature) bind(ctx context.Context, args []codec.Value, kwargs map[string]codec.Value) ([]reflect.Value, error) {
	n, required := sig.positional()
	if len(args) > n && !sig.rest {
		return nil, sig.countError(len(args) + len(kwargs))
	}
	bound := make([]codec.Value, n, max(n, len(args)))
	copy(bound, args)
	if len(args) > n {
		bound = append(bound, args[n:]...)
	}
	if err := sig.bindKeywords(bound, kwargs); err != nil {
		return nil, err
	}
	for i := range n {
		if bound[i] != nil {
			continue
		}
		if i < required {
			return nil, sig.countError(len(args) + len(kwargs))
		}
		bound[i] = sig.in[i].def
	}
	in := make([]reflect.Value, 0, 1+len(bound))
	if sig.ctx {
		in = append(in, reflect.ValueOf(ctx))
	}
	for i, v := range bound {
		p := sig.in[min(i, len(sig.in)-1)]
		arg, err := toGo(v, p.typ)
		if err != nil {
			label := fmt.Sprintf("%s() argument %d", sig.name, i+1)
			if p.name != "" {
				label += " (" + p.name + ")"
			}
			return nil, conversionError(label, err)
		}
		in = append(in, arg)
	}
	return in, nil
}

// bindKeywords puts the keyword arguments in their places.
func (sig *signature) bindKeywords(bound []codec.Value, kwargs map[string]codec.Value) error {
	n, _ := sig.positional()
next:
	for name, v := range kwargs {
		for i := range n {
			if sig.in[i].name != name {
				continue
			}
			if bound[i] != nil {
				return object.Errorf("TypeError", "%s() got multiple values for keyword argument '%s'", sig.name, name)
			}
			bound[i] = v
			continue next
		}
		if len(sig.in) > 0 && sig.in[0].name == "" {
			return object.Errorf("TypeError", "%s() takes no keyword arguments", sig.name)
		}
		return object.Errorf("TypeError", "%s() got an unexpected keyword argument '%s'", sig.name, name)
	}
	return nil
}

// countError is the TypeError for a wrong number of arguments, in Python's
// words.
func (sig *signature) countError(given int) error {
	n, required := sig.positional()
	if n == 0 {
		return object.Errorf("TypeError", "%s() takes no arguments (%d given)", sig.name, given)
	}
	how, want := "exactly", n
	if sig.rest || n != required {
		how, want = "at least", required
		if given > n {
			how, want = "at most", n
		}
	}
	plural := "s"
	if want == 1 {
		plural = ""
	}
	return object.Errorf("TypeError", "%s() takes %s %d argument%s (%d given)", sig.name, how, want, plural, given)
}

// call runs fn as user code, without any lock, and returns its result.
// receiver is what the arguments begin with, for a method.
func (sig *signature) call(ctx context.Context, fn reflect.Value, args []reflect.Value, g guard) (codec.Value, error) {
	var out []reflect.Value
	err := object.RunUser(ctx, sig.name+"()", func() error {
		out = fn.Call(args)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if sig.err {
		last := len(out) - 1
		if err, _ := out[last].Interface().(error); err != nil {
			return nil, err
		}
		out = out[:last]
	}
	return sig.result(out, g)
}

// result converts what a func returned. Containers may belong to the object,
// so they are copied under its lock.
func (sig *signature) result(out []reflect.Value, g guard) (codec.Value, error) {
	results := make(codec.Tuple, len(out))
	for i, v := range out {
		value, err := snapshot(v, g)
		if err != nil {
			return nil, err
		}
		results[i] = value
	}
	switch len(results) {
	case 0:
		return codec.None{}, nil
	case 1:
		return results[0], nil
	default:
		return results, nil
	}
}

// goFunc is a Go func or method as an object.
type goFunc struct {
	class string // function or method
	sig   *signature
	load  func() (reflect.Value, error) // the func to call, now
	guard guard                         // covers what it returns
	attrs *goObject                     // methods of a named func type, or nil
}

var _ interface {
	object.AttrGetter
	object.AttrSetter
	object.AttrDeleter
	object.Caller
	object.Describer
	object.Direr
	object.Reprer
	object.Strer
} = (*goFunc)(nil)

func (f *goFunc) Call(ctx context.Context, args []codec.Value, kwargs map[string]codec.Value) (_ codec.Value, err error) {
	defer object.NoPanic(ctx, f.sig.name+"()", &err)
	fn, err := f.load()
	if err != nil {
		return nil, err
	}
	if !fn.IsValid() || fn.IsNil() {
		return nil, object.Errorf("TypeError", "'NoneType' object is not callable")
	}
	in, err := f.sig.bind(ctx, args, kwargs)
	if err != nil {
		return nil, err
	}
	return f.sig.call(ctx, fn, in, f.guard)
}

// Class returns function or method.
func (f *goFunc) Class() string { return f.class }

func (f *goFunc) GetAttr(ctx context.Context, name string) (codec.Value, error) {
	if f.attrs == nil {
		return nil, object.NoAttr(f.class, name)
	}
	return f.attrs.GetAttr(ctx, name)
}

func (f *goFunc) SetAttr(ctx context.Context, name string, v codec.Value) error {
	if f.attrs == nil {
		return object.NoAttr(f.class, name)
	}
	return f.attrs.SetAttr(ctx, name, v)
}

func (f *goFunc) DelAttr(ctx context.Context, name string) error {
	if f.attrs == nil {
		return object.NoAttr(f.class, name)
	}
	return f.attrs.DelAttr(ctx, name)
}

func (f *goFunc) Describe(ctx context.Context) (codec.Description, error) {
	d := codec.Description{Class: f.class}
	if f.attrs != nil {
		var err error
		if d, err = f.attrs.Describe(ctx); err != nil {
			return d, err
		}
	}
	d.Callable, d.Params = true, f.sig.params()
	return d, nil
}

func (f *goFunc) Dir(ctx context.Context) ([]string, error) {
	if f.attrs == nil {
		return nil, nil
	}
	return f.attrs.Dir(ctx)
}

func (f *goFunc) Repr(ctx context.Context) (string, error) {
	if f.attrs != nil {
		return f.attrs.Repr(ctx)
	}
	return "<" + f.class + " object>", nil
}

func (f *goFunc) Str(ctx context.Context) (string, error) {
	if f.attrs != nil {
		return f.attrs.Str(ctx)
	}
	return f.Repr(ctx)
}
