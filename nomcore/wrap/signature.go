package wrap

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"sync"

	"nomfs/codec"
	"nomfs/nomcore/object"
)

// param is one parameter that a caller fills.
type param struct {
	name string       // "" where only the position counts
	typ  reflect.Type // of a variadic one, the element's
	def  codec.Value  // nil where the argument is required
}

// signature is what a func or method takes and returns. It is made once for each.
type signature struct {
	name     string
	what     string // the name with (), for messages
	ctx      bool   // the first parameter is a context, which is filled in
	in       []param
	rest     bool // the last of in takes any number of arguments
	single   int  // how many of in take one argument each
	required int  // how many of those have no default
	out      []reflect.Type
	err      bool      // after out comes an error
	frames   sync.Pool // of *frame
}

// newSignature describes func type t, whose first skip parameters are not the
// caller's. Its parameters have no names.
func newSignature(name string, t reflect.Type, skip int) *signature {
	sig := &signature{name: name, what: name + "()", rest: t.IsVariadic()}
	if t.NumIn() > skip && t.In(skip) == contextType {
		sig.ctx = true
		skip++
	}
	for i := skip; i < t.NumIn(); i++ {
		p := param{typ: t.In(i)}
		if sig.rest && i == t.NumIn()-1 {
			p.typ = p.typ.Elem()
		} else {
			sig.single++
		}
		sig.in = append(sig.in, p)
	}
	for typ := range t.Outs() {
		sig.out = append(sig.out, typ)
	}
	if n := len(sig.out); n > 0 && sig.out[n-1] == errorType {
		sig.err, sig.out = true, sig.out[:n-1]
	}
	sig.required = sig.single
	return sig
}

// nameParams gives the parameters their names and defaults, if there are any.
func (sig *signature) nameParams(spec []string) error {
	if len(spec) == 0 {
		return nil
	}
	if len(spec) != len(sig.in) {
		return fmt.Errorf("%d parameter names for %d parameters", len(spec), len(sig.in))
	}
	seen := make(map[string]bool)
	for i, s := range spec {
		p, rest := &sig.in[i], i >= sig.single
		name, def, hasDef := strings.Cut(s, "=")
		name = strings.TrimSpace(name)
		if rest {
			name = strings.TrimPrefix(name, "*")
		}
		switch {
		case name == "" || strings.ContainsAny(name, "*,() \t\n"):
			return fmt.Errorf("%q is no parameter name", s)
		case seen[name]:
			return fmt.Errorf("two parameters are called %s", name)
		case rest && hasDef:
			return fmt.Errorf("%s takes any number of arguments, it needs no default", name)
		case i > sig.required && !hasDef && !rest:
			return fmt.Errorf("%s needs a default, as the one before it has one", name)
		}
		seen[name] = true
		p.name = name
		if !hasDef {
			continue
		}
		sig.required = min(sig.required, i)
		v, err := codec.ParseLiteral(strings.TrimSpace(def))
		if err == nil {
			_, err = writer{}.convert(v, p.typ)
		}
		if err != nil {
			return fmt.Errorf("default of %s: %w", name, err)
		}
		p.def = v
	}
	return nil
}

// described returns the parameters for people.
func (sig *signature) described() []codec.Param {
	out := make([]codec.Param, len(sig.in))
	for i, p := range sig.in {
		out[i] = codec.Param{Name: p.name, Type: typeName(p.typ), Default: p.def, Rest: i >= sig.single}
	}
	return out
}

// frame contains the arguments of one call.
type frame struct {
	slots []reflect.Value // variables for the context, and for each of the single parameters
	in    []reflect.Value // receiver, slots and further arguments
}

func (sig *signature) frame() *frame {
	if f, ok := sig.frames.Get().(*frame); ok {
		return f
	}
	f := &frame{slots: make([]reflect.Value, 0, 1+sig.single), in: make([]reflect.Value, 0, 2+len(sig.in))}
	if sig.ctx {
		f.slots = append(f.slots, reflect.New(contextType).Elem())
	}
	for _, p := range sig.in[:sig.single] {
		f.slots = append(f.slots, reflect.New(p.typ).Elem())
	}
	return f
}

// free returns a frame to the pool. It keeps no argument alive.
func (sig *signature) free(f *frame) {
	for _, s := range f.slots {
		s.SetZero()
	}
	clear(f.in)
	f.in = f.in[:0]
	sig.frames.Put(f)
}

// call runs fn as user code, without a lock, and converts its results. recv is the
// receiver of a method, or invalid; g is the lock of the object.
func (sig *signature) call(ctx context.Context, fn, recv reflect.Value, args []codec.Value, kwargs map[string]codec.Value, g guard) (_ codec.Value, err error) {
	defer object.Recover(ctx, sig.what, &err)
	f := sig.frame()
	defer sig.free(f)
	if recv.IsValid() {
		f.in = append(f.in, recv)
	}
	if err := sig.bind(ctx, f, args, kwargs, g); err != nil {
		return nil, err
	}
	out := fn.Call(f.in)
	if sig.err {
		last := len(out) - 1
		if !out[last].IsNil() {
			return nil, out[last].Interface().(error)
		}
		out = out[:last]
	}
	return sig.result(out, g)
}

// bind converts the arguments of a call to those of the Go func.
func (sig *signature) bind(ctx context.Context, f *frame, args []codec.Value, kwargs map[string]codec.Value, g guard) error {
	if len(args) > sig.single && !sig.rest {
		return sig.countError(len(args) + len(kwargs))
	}
	for name := range kwargs {
		if err := sig.checkKeyword(name, len(args)); err != nil {
			return err
		}
	}
	for i := len(args); i < sig.required; i++ {
		if kwargs[sig.in[i].name] == nil {
			return sig.countError(len(args) + len(kwargs))
		}
	}
	slots := f.slots
	if sig.ctx {
		slots[0].Set(reflect.ValueOf(ctx))
		slots = slots[1:]
	}
	for i, slot := range slots {
		v := sig.in[i].def
		if i < len(args) {
			v = args[i]
		} else if named := kwargs[sig.in[i].name]; named != nil {
			v = named
		}
		if err := (writer{g}).set(slot, v); err != nil {
			return sig.argumentError(i, err)
		}
	}
	f.in = append(f.in, f.slots...)
	for i := sig.single; i < len(args); i++ {
		v, err := writer{g}.convert(args[i], sig.in[sig.single].typ)
		if err != nil {
			return sig.argumentError(i, err)
		}
		f.in = append(f.in, v)
	}
	return nil
}

// checkKeyword checks the name of a keyword argument that comes after given
// arguments by position.
func (sig *signature) checkKeyword(name string, given int) error {
	for i, p := range sig.in[:sig.single] {
		switch {
		case p.name != name || name == "":
		case i < given:
			return object.Errorf("TypeError", "%s got multiple values for keyword argument '%s'", sig.what, name)
		default:
			return nil
		}
	}
	if len(sig.in) > 0 && sig.in[0].name == "" {
		return object.Errorf("TypeError", "%s takes no keyword arguments", sig.what)
	}
	return object.Errorf("TypeError", "%s got an unexpected keyword argument '%s'", sig.what, name)
}

// argumentError labels the error of an argument with its position and name.
func (sig *signature) argumentError(i int, err error) error {
	label := fmt.Sprintf("%s argument %d", sig.what, i+1)
	if name := sig.in[min(i, len(sig.in)-1)].name; name != "" {
		label += " (" + name + ")"
	}
	return labelled(label, err)
}

// countError is the TypeError for a wrong number of arguments, in Python's
// words.
func (sig *signature) countError(given int) error {
	if sig.single == 0 {
		return object.Errorf("TypeError", "%s takes no arguments (%d given)", sig.what, given)
	}
	how, want := "exactly", sig.single
	if sig.rest || sig.single != sig.required {
		how, want = "at least", sig.required
		if given > sig.single {
			how, want = "at most", sig.single
		}
	}
	plural := "s"
	if want == 1 {
		plural = ""
	}
	return object.Errorf("TypeError", "%s takes %s %d argument%s (%d given)", sig.what, how, want, plural, given)
}

// result converts what a func returned. Containers may belong to the object,
// so they are copied under its lock.
func (sig *signature) result(out []reflect.Value, g guard) (codec.Value, error) {
	switch len(out) {
	case 0:
		return codec.None{}, nil
	case 1:
		return snapshot(out[0], g)
	}
	results := make(codec.Tuple, len(out))
	for i, v := range out {
		var err error
		if results[i], err = snapshot(v, g); err != nil {
			return nil, err
		}
	}
	return results, nil
}
