//go:build linux

package fsview

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"sync"
	"syscall"
	"time"

	"nomfs/codec"
)

// fakeHome is the home of all objects of the fake.
var fakeHome = codec.NewHome("127.0.0.1", 12074)

// A fakeObject is an object in memory.
type fakeObject struct {
	label    string // in the list of operations
	class    string
	doc      string
	attrs    map[string]codec.Value
	getters  map[string]func(ctx context.Context) (codec.Value, error)
	methods  map[string]*fakeObject
	readonly map[string]bool
	hidden   map[string]bool // attributes that work but are not told
	items    map[string]codec.Value
	keys     []codec.Value // order of items
	call     func(ctx context.Context, args []codec.Value, kw map[string]codec.Value) (codec.Value, error)
	sized    bool
	ref      codec.Ref
}

// A fakeRemote is a peer without a network. It counts what it is asked.
type fakeRemote struct {
	mu      sync.Mutex
	ops     []string
	names   map[string]codec.Value
	objects map[codec.Ref]*fakeObject
	next    int
	plain   bool // no extensions, as an original peer
	down    error
	delay   time.Duration
	hang    map[string]bool // operations that never answer
	lose    int             // how many assignments are done without an answer
	noKinds bool            // it does not tell what items are

	released []string       // ids, sorted
	given    map[string]int // ids of what was sent and not given back, how often
}

var _ Remote = (*fakeRemote)(nil)

func newFake() *fakeRemote {
	return &fakeRemote{
		names:   make(map[string]codec.Value),
		objects: make(map[codec.Ref]*fakeObject),
		next:    1000,
		hang:    make(map[string]bool),
		given:   make(map[string]int),
	}
}

// add gives an object its reference.
func (f *fakeRemote) add(o *fakeObject) codec.Ref {
	f.next++
	o.ref = codec.Ref{ID: codec.ID(fmt.Sprint(f.next)), Home: fakeHome}
	f.objects[o.ref] = o
	return o.ref
}

// give notes that v is sent. The mutex must be held.
func (f *fakeRemote) give(v codec.Value) codec.Value {
	if r, ok := v.(codec.Ref); ok {
		f.given[string(r.ID)]++
	}
	return v
}

func exc(class string, args ...codec.Value) error {
	return codec.Exception{Class: class, Args: args}
}

// begin notes an operation and waits as long as the fake is told to be slow.
func (f *fakeRemote) begin(ctx context.Context, format string, args ...any) error {
	op := fmt.Sprintf(format, args...)
	f.mu.Lock()
	f.ops = append(f.ops, op)
	down, delay, hang := f.down, f.delay, f.hang[op]
	f.mu.Unlock()
	if down != nil {
		return down
	}
	if hang {
		<-ctx.Done()
		return ctx.Err()
	}
	if delay > 0 {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(delay):
		}
	}
	return ctx.Err()
}

// object finds an object and notes the operation on it.
func (f *fakeRemote) object(ctx context.Context, r codec.Ref, format string, args ...any) (*fakeObject, error) {
	f.mu.Lock()
	o := f.objects[r]
	f.mu.Unlock()
	label := "?" + string(r.ID)
	if o != nil {
		label = o.label
	}
	if err := f.begin(ctx, "%s", fmt.Sprintf(format, append([]any{label}, args...)...)); err != nil {
		return nil, err
	}
	if o == nil {
		return nil, fmt.Errorf("%w: %w", syscall.ESTALE, exc("KeyError", codec.Long(r.ID)))
	}
	return o, nil
}

func (f *fakeRemote) List(ctx context.Context) ([]string, error) {
	if err := f.begin(ctx, "List"); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var names []string
	for n := range f.names {
		names = append(names, n)
	}
	return names, nil
}

func (f *fakeRemote) Resolve(ctx context.Context, name string) (codec.Value, error) {
	if err := f.begin(ctx, "Resolve %s", name); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if v, ok := f.names[name]; ok {
		return f.give(v), nil
	}
	return nil, exc("NameError", codec.Bytes("No such name"))
}

func (f *fakeRemote) GetAttr(ctx context.Context, r codec.Ref, name string) (codec.Value, error) {
	o, err := f.object(ctx, r, "GetAttr %s.%s", name)
	if err != nil {
		return nil, err
	}
	if get := o.getters[name]; get != nil {
		return get(ctx)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(name) > 0 && name[0] == '_' {
		return nil, exc("RuntimeError", codec.Bytes("Access denied"))
	}
	if v, ok := o.attrs[name]; ok {
		return f.give(v), nil
	}
	if m, ok := o.methods[name]; ok {
		return f.give(m.ref), nil
	}
	return nil, exc("AttributeError", codec.StringValue(name))
}

func (f *fakeRemote) SetAttr(ctx context.Context, r codec.Ref, name string, v codec.Value) error {
	o, err := f.object(ctx, r, "SetAttr %s.%s=%s", name, short(v))
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if o.readonly[name] {
		return exc("AttributeError", codec.Bytes("can't set attribute"))
	}
	if o.attrs == nil {
		o.attrs = make(map[string]codec.Value)
	}
	if len(render(v)) > 65000 {
		return fmt.Errorf("packet too large: %w", syscall.EMSGSIZE)
	}
	o.attrs[name] = v
	if f.lose > 0 {
		f.lose--
		f.mu.Unlock()
		<-ctx.Done()
		f.mu.Lock()
		return ctx.Err()
	}
	return nil
}

func short(v codec.Value) string {
	if r, ok := v.(codec.Ref); ok {
		return "ref " + string(r.ID)
	}
	if s := v.String(); len(s) > 40 {
		return fmt.Sprintf("%d bytes", len(s))
	}
	return v.String()
}

func (f *fakeRemote) DelAttr(ctx context.Context, r codec.Ref, name string) error {
	o, err := f.object(ctx, r, "DelAttr %s.%s", name)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := o.attrs[name]; !ok || o.readonly[name] {
		return exc("AttributeError", codec.StringValue(name))
	}
	delete(o.attrs, name)
	return nil
}

func (f *fakeRemote) GetItem(ctx context.Context, r codec.Ref, key codec.Value) (codec.Value, error) {
	o, err := f.object(ctx, r, "GetItem %s[%s]", key.String())
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if v, ok := o.items[key.String()]; ok {
		return f.give(v), nil
	}
	if sl, ok := key.(codec.Slice); ok && len(o.keys) > 0 {
		var l codec.List
		for i := int(sl.Start); i < len(o.keys) && i < int(sl.Stop); i += int(sl.Step) {
			l = append(l, o.items[codec.Int(i).String()])
		}
		return l, nil
	}
	if o.items == nil {
		return nil, exc("TypeError", codec.Bytes("not subscriptable"))
	}
	return nil, exc("KeyError", key)
}

func (f *fakeRemote) SetItem(ctx context.Context, r codec.Ref, key, v codec.Value) error {
	o, err := f.object(ctx, r, "SetItem %s[%s]=%s", key.String(), short(v))
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := o.items[key.String()]; !ok {
		o.keys = append(o.keys, key)
	}
	o.items[key.String()] = v
	return nil
}

func (f *fakeRemote) DelItem(ctx context.Context, r codec.Ref, key codec.Value) error {
	o, err := f.object(ctx, r, "DelItem %s[%s]", key.String())
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := o.items[key.String()]; !ok {
		return exc("KeyError", key)
	}
	delete(o.items, key.String())
	for i, k := range o.keys {
		if k.String() == key.String() {
			o.keys = append(o.keys[:i:i], o.keys[i+1:]...)
			break
		}
	}
	if o.class == "list" {
		f.closeGap(o)
	}
	return nil
}

// closeGap moves what follows a deleted item of a list. The mutex must be held.
func (f *fakeRemote) closeGap(o *fakeObject) {
	items := make(map[string]codec.Value, len(o.keys))
	for i, k := range o.keys {
		items[codec.Int(i).String()] = o.items[k.String()]
		o.keys[i] = codec.Int(i)
	}
	o.items = items
}

func (f *fakeRemote) Len(ctx context.Context, r codec.Ref) (int, error) {
	o, err := f.object(ctx, r, "Len %s")
	if err != nil {
		return 0, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if !o.sized {
		return 0, exc("TypeError", codec.Bytes("object has no len()"))
	}
	return len(o.items), nil
}

func (f *fakeRemote) Repr(ctx context.Context, r codec.Ref) (string, error) {
	o, err := f.object(ctx, r, "Repr %s")
	if err != nil {
		return "", err
	}
	return "<" + o.class + " object>", nil
}

func (f *fakeRemote) Str(ctx context.Context, r codec.Ref) (string, error) {
	o, err := f.object(ctx, r, "Str %s")
	if err != nil {
		return "", err
	}
	return "the " + o.label, nil
}

func (f *fakeRemote) Call(ctx context.Context, r codec.Ref, args []codec.Value, kw map[string]codec.Value) (codec.Value, error) {
	o, err := f.object(ctx, r, "Call %s%s", callText(args, kw))
	if err != nil {
		return nil, err
	}
	if o.call == nil {
		return nil, exc("TypeError", codec.Bytes("not callable"))
	}
	v, err := o.call(ctx, args, kw)
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.give(v), err
}

func callText(args []codec.Value, kw map[string]codec.Value) string {
	s := "("
	for i, a := range args {
		if i > 0 {
			s += ", "
		}
		s += short(a)
	}
	var names []string
	for n := range kw {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, n := range names {
		s += " " + n + "=" + short(kw[n])
	}
	return s + ")"
}

func (f *fakeRemote) Describe(ctx context.Context, r codec.Ref) (codec.Description, error) {
	if f.plain {
		return codec.Description{}, errors.ErrUnsupported
	}
	o, err := f.object(ctx, r, "Describe %s")
	if err != nil {
		return codec.Description{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	d := codec.Description{Class: o.class, Doc: o.doc, Callable: o.call != nil, Sized: o.sized, Indexable: o.items != nil}
	for n, v := range o.attrs {
		if !o.hidden[n] {
			d.Attrs = append(d.Attrs, codec.AttrInfo{Name: n, Kind: v.Kind(), Write: !o.readonly[n], Delete: true})
		}
	}
	for n := range o.getters {
		d.Attrs = append(d.Attrs, codec.AttrInfo{Name: n, Kind: codec.KindInt})
	}
	for n, m := range o.methods {
		d.Attrs = append(d.Attrs, codec.AttrInfo{Name: n, Kind: codec.KindRef, Call: true, Doc: m.doc})
	}
	sort.Slice(d.Attrs, func(i, j int) bool { return d.Attrs[i].Name < d.Attrs[j].Name })
	return d, nil
}

func (f *fakeRemote) Dir(ctx context.Context, r codec.Ref) ([]string, error) {
	if f.plain {
		return nil, errors.ErrUnsupported
	}
	d, err := f.Describe(ctx, r)
	var names []string
	for _, a := range d.Attrs {
		names = append(names, a.Name)
	}
	return names, err
}

func (f *fakeRemote) KeysAndKinds(ctx context.Context, r codec.Ref) ([]codec.Value, []codec.Kind, error) {
	if f.plain {
		return nil, nil, errors.ErrUnsupported
	}
	o, err := f.object(ctx, r, "Keys %s")
	if err != nil {
		return nil, nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var kinds []codec.Kind
	for _, key := range o.keys {
		if f.noKinds {
			kinds = append(kinds, codec.KindInvalid)
			continue
		}
		kinds = append(kinds, o.items[key.String()].Kind())
	}
	return append([]codec.Value(nil), o.keys...), kinds, nil
}

func (f *fakeRemote) Keys(ctx context.Context, r codec.Ref) ([]codec.Value, error) {
	keys, _, err := f.KeysAndKinds(ctx, r)
	return keys, err
}

func (f *fakeRemote) Roots(ctx context.Context) ([]string, map[string]codec.Ref, error) {
	if f.plain {
		return nil, nil, errors.ErrUnsupported
	}
	if err := f.begin(ctx, "Roots"); err != nil {
		return nil, nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var names []string
	refs := make(map[string]codec.Ref)
	for n, v := range f.names {
		names = append(names, n)
		if r, ok := f.give(v).(codec.Ref); ok {
			refs[n] = r
		}
	}
	return names, refs, nil
}

func (f *fakeRemote) Look(ctx context.Context, r codec.Ref, name string) (codec.Value, *codec.AttrInfo, error) {
	f.mu.Lock()
	o := f.objects[r]
	f.mu.Unlock()
	if f.plain || o == nil || o.methods[name] == nil {
		v, err := f.GetAttr(ctx, r, name)
		return v, nil, err
	}
	if err := f.begin(ctx, "Look %s.%s", o.label, name); err != nil {
		return nil, nil, err
	}
	return nil, &codec.AttrInfo{Name: name, Kind: codec.KindRef, Type: "method", Call: true, Doc: o.methods[name].doc, Params: fakeParams}, nil
}

// fakeParams are what the methods take.
var fakeParams = []codec.Param{{Name: "a"}, {Name: "b", Type: "int", Default: codec.Int(2)}, {Name: "rest", Rest: true}}

// CallAttr counts as the call that it makes, and as one request.
func (f *fakeRemote) CallAttr(ctx context.Context, r codec.Ref, name string, args []codec.Value, kw map[string]codec.Value) (codec.Value, error) {
	f.mu.Lock()
	o := f.objects[r]
	var m *fakeObject
	if o != nil {
		m = o.methods[name]
	}
	f.mu.Unlock()
	if m == nil {
		_, err := f.object(ctx, r, "CallAttr %s.%s", name)
		if err == nil {
			err = exc("AttributeError", codec.StringValue(name))
		}
		return nil, err
	}
	return f.Call(ctx, m.ref, args, kw)
}

func (f *fakeRemote) Snapshot(ctx context.Context, r codec.Ref, names ...string) (map[string]codec.Value, error) {
	if f.plain {
		return nil, errors.ErrUnsupported
	}
	o, err := f.object(ctx, r, "Snapshot %s")
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	vals := make(map[string]codec.Value)
	for n, v := range o.attrs {
		if !codec.HasRef(v) && !o.hidden[n] {
			vals[n] = v
		}
	}
	return vals, nil
}

// Release notes what was given back, sorted.
func (f *fakeRemote) Release(refs ...codec.Ref) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range refs {
		f.released = append(f.released, string(r.ID))
		delete(f.given, string(r.ID))
	}
	sort.Strings(f.released)
}

func (f *fakeRemote) StatusText() string { return "peer      fake, up\n" }

// method makes a callable object.
func (f *fakeRemote) method(label string, call func(ctx context.Context, args []codec.Value, kw map[string]codec.Value) (codec.Value, error)) *fakeObject {
	o := &fakeObject{label: label, class: "method", call: call, doc: "documentation of " + label}
	f.add(o)
	return o
}

// list makes an object with items 0, 1, ….
func (f *fakeRemote) list(label string, vals ...codec.Value) *fakeObject {
	o := &fakeObject{label: label, class: "list", sized: true, items: make(map[string]codec.Value)}
	for i, v := range vals {
		o.keys = append(o.keys, codec.Int(i))
		o.items[codec.Int(i).String()] = v
	}
	f.add(o)
	return o
}

// demoFake is the peer of most tests.
func demoFake() *fakeRemote {
	f := newFake()
	calls := codec.Int(0)
	demo := &fakeObject{label: "demo", class: "Demo", doc: "A demo."}
	f.add(demo)
	other := &fakeObject{label: "other", class: "Other", attrs: map[string]codec.Value{"x": codec.Int(1)}}
	f.add(other)
	child := &fakeObject{label: "child", class: "Child", attrs: map[string]codec.Value{
		"v": codec.Int(7), "parent": demo.ref,
	}}
	f.add(child)
	child.attrs["me"] = child.ref
	m, _ := codec.NewMap(codec.Pair{Key: codec.Bytes("a"), Value: codec.Float(1.5)})
	demo.attrs = map[string]codec.Value{
		"number": codec.Int(5), "long": codec.Long("7"), "ratio": codec.Float(0.5), "flag": codec.Bool(true),
		"name": codec.Bytes("hello"), "text": codec.Text("café"), "blob": codec.Bytes("\xff\x00\x01"),
		"nothing": codec.None{}, "values": codec.List{codec.Int(1), codec.Tuple{codec.Int(2), codec.Int(3)}},
		"nested": m, "self": demo.ref, "other": other.ref, "child": child.ref,
		"fixed": codec.Int(1), "a b": codec.Int(2), "a%b": codec.Int(3), "a.b": codec.Int(4), "é": codec.Int(5),
		"": codec.Int(6), "call": codec.Int(8), "index": codec.Int(9), "empty": codec.Bytes(""),
		"secret": codec.Int(42), "pair": codec.Tuple{codec.Int(1), codec.Bytes("x")},
		"numbers":         f.list("numbers", codec.Int(10), codec.Int(20), codec.Int(30)).ref,
		string(make300()): codec.Int(1),
	}
	demo.readonly = map[string]bool{"fixed": true}
	demo.hidden = map[string]bool{"secret": true}
	demo.getters = map[string]func(context.Context) (codec.Value, error){
		"broken": func(context.Context) (codec.Value, error) {
			return nil, exc("ZeroDivisionError", codec.Bytes("division"))
		},
		"calls": func(context.Context) (codec.Value, error) {
			f.mu.Lock()
			defer f.mu.Unlock()
			return calls, nil
		},
	}
	demo.methods = demoMethods(f, child, &calls)
	table := &fakeObject{label: "table", class: "dict", sized: true, items: map[string]codec.Value{}}
	for _, k := range []codec.Value{codec.Bytes("a.b"), codec.Bytes("5"), codec.Int(6), codec.Bytes("6"), codec.Bytes("x/y"), codec.Tuple{codec.Int(1), codec.Int(2)}} {
		table.keys = append(table.keys, k)
		table.items[k.String()] = codec.Int(len(table.keys))
	}
	demo.attrs["table"] = f.add(table)
	f.names["demo"], f.names["other"], f.names["plain"] = demo.ref, other.ref, codec.Int(7)
	f.names["a.b c"] = other.ref
	return f
}

func make300() []byte {
	b := make([]byte, 300)
	for i := range b {
		b[i] = 'n'
	}
	return b
}

func demoMethods(f *fakeRemote, child *fakeObject, calls *codec.Int) map[string]*fakeObject {
	type args = []codec.Value
	type kwargs = map[string]codec.Value
	return map[string]*fakeObject{
		"add": f.method("add", func(_ context.Context, a args, kw kwargs) (codec.Value, error) {
			f.mu.Lock()
			*calls++
			f.mu.Unlock()
			var sum codec.Int
			for _, v := range a {
				n, ok := codec.Int64Of(v)
				if !ok {
					return nil, exc("TypeError", codec.Bytes("argument 1 must be int"))
				}
				sum += codec.Int(n)
			}
			for _, v := range kw {
				n, _ := codec.Int64Of(v)
				sum += codec.Int(n)
			}
			return sum, nil
		}),
		"greet": f.method("greet", func(_ context.Context, a args, kw kwargs) (codec.Value, error) {
			if len(a) == 0 {
				return codec.Bytes("hello world"), nil
			}
			s, _ := codec.StringOf(a[0])
			return codec.Bytes("hello " + s), nil
		}),
		"fail": f.method("fail", func(context.Context, args, kwargs) (codec.Value, error) {
			return nil, exc("Oops", codec.Bytes("it failed"))
		}),
		"make": f.method("make", func(context.Context, args, kwargs) (codec.Value, error) {
			f.mu.Lock()
			defer f.mu.Unlock()
			return child.ref, nil
		}),
		// Two errors that must not make anyone call again.
		"liar": f.method("liar", func(context.Context, args, kwargs) (codec.Value, error) {
			return nil, exc("KeyError", codec.Long("1001")) // as if demo were not known
		}),
		"reset": f.method("reset", func(context.Context, args, kwargs) (codec.Value, error) {
			return nil, fmt.Errorf("peer was restarted; it may have run: %w", syscall.ECONNRESET)
		}),
		// A generator of that many items.
		"yields": f.method("yields", func(_ context.Context, a args, _ kwargs) (codec.Value, error) {
			f.mu.Lock()
			defer f.mu.Unlock()
			return f.generator(int(a[0].(codec.Int))), nil
		}),
		"none": f.method("none", func(context.Context, args, kwargs) (codec.Value, error) { return codec.None{}, nil }),
		"slow": f.method("slow", func(ctx context.Context, a args, _ kwargs) (codec.Value, error) {
			n := 1.0
			if len(a) > 0 {
				switch v := a[0].(type) {
				case codec.Int:
					n = float64(v)
				case codec.Float:
					n = float64(v)
				}
			}
			select {
			case <-ctx.Done():
				_ = f.begin(context.Background(), "cancelled slow")
				return nil, ctx.Err()
			case <-time.After(time.Duration(n * float64(time.Second))):
				return codec.Bytes("done"), nil
			}
		}),
	}
}

// generator makes an iterator whose items are numbers and texts. The mutex must
// be held.
func (f *fakeRemote) generator(n int) codec.Ref {
	at := 0
	next := f.method("next", func(context.Context, []codec.Value, map[string]codec.Value) (codec.Value, error) {
		f.mu.Lock()
		defer f.mu.Unlock()
		if at++; at > n {
			return nil, exc("StopIteration")
		}
		if at%2 == 0 {
			return codec.Bytes("two\nlines"), nil
		}
		return codec.Int(at), nil
	})
	next.class = "method-wrapper 'next' of generator"
	return f.add(&fakeObject{label: "generator", class: "generator", methods: map[string]*fakeObject{"next": next, "__iter__": next}})
}

// graphFake is n objects that all refer to each other, one of them registered.
func graphFake(n int) *fakeRemote {
	f := newFake()
	var all []*fakeObject
	for i := range n {
		o := &fakeObject{label: fmt.Sprintf("o%d", i), class: "Node", attrs: map[string]codec.Value{"v": codec.Int(i)}}
		f.add(o)
		all = append(all, o)
	}
	for _, o := range all {
		for _, p := range all {
			o.attrs[p.label] = p.ref
		}
	}
	f.names["start"] = all[0].ref
	return f
}

type fakeRef = codec.Ref

func renumber(v codec.Value, moved map[string]string) codec.Value {
	if r, ok := v.(codec.Ref); ok {
		if id, ok := moved[string(r.ID)]; ok {
			r.ID = codec.ID(id)
			return r
		}
	}
	return v
}

// bigFake has an object with a thousand attributes and a list of five thousand
// items.
func bigFake() *fakeRemote {
	f := newFake()
	o := &fakeObject{label: "wide", class: "Wide", attrs: make(map[string]codec.Value)}
	for i := range 1000 {
		o.attrs[fmt.Sprintf("a%03d", i)] = codec.Int(i)
	}
	vals := make([]codec.Value, 5000)
	for i := range vals {
		vals[i] = codec.Int(i)
	}
	f.names["wide"] = f.add(o)
	f.names["long"] = f.list("long", vals...).ref
	return f
}
