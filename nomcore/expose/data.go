package expose

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"nomfs/codec"
	"nomfs/nomcore"
)

// dataKind is a file of data as an object that follows the file. The members of
// a table are attributes, and items as well, as not every key can be a name;
// those of a list are items. What is inside them are plain lists and dicts.
//
//	data    its path
//	format  json, yaml or toml; by default what the name ends with
var dataKind = kind{key: "data", what: "a data file", object: true, read: func(f *fields, d *def) maker {
	path := f.file("data")
	format := f.oneOf("format", formatOf(path), []string{"json", "yaml", "toml"})
	if path == "" {
		return nil
	}
	if format == "" {
		f.bad("data", `the name does not tell the format: format = "json", "yaml" or "toml"`)
		return nil
	}
	if v, err := parseData(path, format); err != nil {
		f.bad("data", "%v", err)
	} else {
		// A table and a list are different objects.
		d.canon = "a " + v.Kind().String() + "\n"
	}
	return func(s *site) (member, error) {
		t := &tree{path: path, format: format, log: s.log}
		if err := t.refresh(); err != nil {
			return nil, err
		}
		var impl any = t
		if _, isList := t.root.(codec.List); isList {
			impl = &listTree{t}
		}
		return s.fixed(&nomcore.Object{Impl: impl}, codec.AttrInfo{Kind: codec.KindRef}, t.close), nil
	}
}}

// maxData bounds a file of data, in bytes. Its members go out one by one, and
// each has to fit an answer.
const maxData = 64 << 20

// tree is a file of data as an object. Before each answer it looks whether the
// file has changed.
type tree struct {
	path, format string
	log          *slog.Logger

	mu     sync.Mutex
	root   codec.Value
	seen   stamp
	known  bool // seen is what was read last
	said   string
	since  time.Time   // since when it cannot be read; zero while it can
	again  *time.Timer // the look that tells whether it stays so, nil for none
	closed bool
}

// sayAfter is how long a file must be wrong before that is said: it is empty for
// a moment each time an editor or a shell writes it, and no worse for that.
const sayAfter = time.Second

// stamp tells one state of a file from the next.
type stamp struct {
	mod    time.Time
	size   int64
	file   os.FileInfo
	settle bool // it was read so soon after the change that another may hide behind it
}

// settleTime is how long after a change a file may change again without a
// change of its time: file systems count in steps, of 2 s at most.
const settleTime = 2 * time.Second

func (s stamp) same(o stamp) bool {
	if s.file == nil || o.file == nil { // it is not there
		return s.file == nil && o.file == nil
	}
	return !s.settle && s.mod.Equal(o.mod) && s.size == o.size && os.SameFile(s.file, o.file)
}

// refresh reads the file again if it has changed. What cannot be read leaves
// everything as it is, which is said once; it is an error only if nothing was
// ever read.
func (t *tree) refresh() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	info, err := os.Stat(t.path)
	var now stamp
	if err == nil {
		now = stamp{mod: info.ModTime(), size: info.Size(), file: info}
		if t.known && t.seen.same(now) {
			return nil
		}
	}
	now.settle = time.Since(now.mod) < settleTime
	v, err := parseData(t.path, t.format)
	if err == nil && t.root != nil && v.Kind() != t.root.Kind() {
		err = fmt.Errorf("%s: it was a %s and is a %s now, which takes effect when the configuration is read again", t.path, t.root.Kind(), v.Kind())
	}
	if err != nil {
		if t.root == nil {
			return err
		}
		t.known = false
		t.complain(err)
		return nil
	}
	t.root, t.seen, t.known, t.said, t.since = v, now, true, "", time.Time{}
	return nil
}

// complain logs why the file cannot be read, once, if that lasts. mu must be
// held.
func (t *tree) complain(err error) {
	if t.since.IsZero() {
		t.since = time.Now()
	}
	said := err.Error()
	switch wait := sayAfter - time.Since(t.since); {
	case said == t.said || t.closed:
	case wait > 0:
		if t.again == nil {
			t.again = time.AfterFunc(wait, func() {
				t.mu.Lock()
				t.again = nil
				t.mu.Unlock()
				_ = t.refresh()
			})
		}
	default:
		t.said = said
		t.log.Error("the data file cannot be read; what was read before stays", "why", said)
	}
}

// close ends the look that may be due.
func (t *tree) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	if t.again != nil {
		t.again.Stop()
	}
}

// now returns what is in the file.
func (t *tree) now() codec.Value {
	_ = t.refresh() // it cannot fail any more
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.root
}

func (t *tree) dict() *codec.Map {
	m, _ := t.now().(*codec.Map)
	return m
}

var _ interface {
	nomcore.AttrGetter
	nomcore.AttrSetter
	nomcore.AttrDeleter
	nomcore.ItemGetter
	nomcore.ItemSetter
	nomcore.ItemDeleter
	nomcore.KindKeyer
	nomcore.Lener
	nomcore.Describer
	nomcore.Direr
	nomcore.Snapshotter
	nomcore.Reprer
} = (*tree)(nil)

// treeClass is the class of files of data.
const treeClass = "Data"

func (t *tree) GetAttr(_ context.Context, name string) (codec.Value, error) {
	if v, ok := t.dict().Get(codec.StringValue(name)); ok {
		return v, nil
	}
	return nil, noAttr(treeClass, name)
}

// SetAttr says why it does not.
func (t *tree) SetAttr(ctx context.Context, name string, _ codec.Value) error {
	if _, err := t.GetAttr(ctx, name); err != nil {
		return err
	}
	return errReadOnly(name)
}

// DelAttr says why it does not.
func (t *tree) DelAttr(ctx context.Context, name string) error {
	if _, err := t.GetAttr(ctx, name); err != nil {
		return err
	}
	return exception("AttributeError", "can't delete attribute '%s': only the file changes it", name)
}

// errFixedItems is why no item is set or deleted.
var errFixedItems = exception("TypeError", "the items of a '%s' object are read-only: only the file changes them", treeClass)

func (t *tree) SetItem(context.Context, codec.Value, codec.Value) error { return errFixedItems }

func (t *tree) DelItem(context.Context, codec.Value) error { return errFixedItems }

func (t *tree) GetItem(_ context.Context, key codec.Value) (codec.Value, error) {
	if v, ok := t.dict().Get(key); ok {
		return v, nil
	}
	return nil, codec.Exception{Class: "KeyError", Args: codec.Tuple{key}}
}

func (t *tree) Len(context.Context) (int, error) { return t.dict().Len(), nil }

func (t *tree) Keys(ctx context.Context) ([]codec.Value, error) {
	keys, _, err := t.KeyKinds(ctx)
	return keys, err
}

func (t *tree) KeyKinds(context.Context) ([]codec.Value, []codec.Kind, error) {
	pairs := t.dict().Pairs()
	keys, kinds := make([]codec.Value, len(pairs)), make([]codec.Kind, len(pairs))
	for i, p := range pairs {
		keys[i], kinds[i] = p.Key, p.Value.Kind()
	}
	return keys, kinds, nil
}

func (t *tree) Describe(context.Context) (codec.Description, error) {
	d := codec.Description{Class: treeClass, Sized: true, Indexable: true}
	for _, p := range t.dict().Pairs() {
		if name, ok := codec.StringOf(p.Key); ok && name != "" {
			d.Attrs = append(d.Attrs, codec.AttrInfo{Name: name, Kind: p.Value.Kind()})
		}
	}
	return d, nil
}

func (t *tree) Dir(ctx context.Context) ([]string, error) {
	d, err := t.Describe(ctx)
	names := make([]string, len(d.Attrs))
	for i, a := range d.Attrs {
		names[i] = a.Name
	}
	return names, err
}

func (t *tree) Snapshot(_ context.Context, names []string) (map[string]codec.Value, error) {
	values, m := make(map[string]codec.Value, len(names)), t.dict()
	for _, name := range names {
		if v, ok := m.Get(codec.StringValue(name)); ok {
			values[name] = v
		}
	}
	return values, nil
}

func (t *tree) Repr(context.Context) (string, error) {
	return "<" + treeClass + " " + filepath.Base(t.path) + ">", nil
}

// listTree is a file whose data is a list.
type listTree struct{ t *tree }

var _ interface {
	nomcore.ItemGetter
	nomcore.ItemSetter
	nomcore.ItemDeleter
	nomcore.KindKeyer
	nomcore.Lener
	nomcore.Describer
	nomcore.Reprer
} = (*listTree)(nil)

func (l *listTree) list() codec.List {
	list, _ := l.t.now().(codec.List)
	return list
}

func (l *listTree) GetItem(_ context.Context, key codec.Value) (codec.Value, error) {
	list := l.list()
	n, ok := codec.Int64Of(key)
	if !ok || key.Kind() != codec.KindInt {
		return nil, exception("TypeError", "list indices must be integers, not %s", kindWord(key.Kind()))
	}
	if n < 0 {
		n += int64(len(list))
	}
	if n < 0 || n >= int64(len(list)) {
		return nil, exception("IndexError", "list index out of range")
	}
	return list[n], nil
}

func (l *listTree) SetItem(context.Context, codec.Value, codec.Value) error { return errFixedItems }

func (l *listTree) DelItem(context.Context, codec.Value) error { return errFixedItems }

func (l *listTree) Len(context.Context) (int, error) { return len(l.list()), nil }

func (l *listTree) Keys(ctx context.Context) ([]codec.Value, error) {
	keys, _, err := l.KeyKinds(ctx)
	return keys, err
}

func (l *listTree) KeyKinds(context.Context) ([]codec.Value, []codec.Kind, error) {
	list := l.list()
	keys, kinds := make([]codec.Value, len(list)), make([]codec.Kind, len(list))
	for i, v := range list {
		keys[i], kinds[i] = codec.Int(i), v.Kind()
	}
	return keys, kinds, nil
}

func (l *listTree) Describe(context.Context) (codec.Description, error) {
	return codec.Description{Class: treeClass, Sized: true, Indexable: true}, nil
}

func (l *listTree) Repr(ctx context.Context) (string, error) { return l.t.Repr(ctx) }
