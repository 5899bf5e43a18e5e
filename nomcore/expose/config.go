package expose

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"nomfs/codec"
)

// maxConfig bounds the size of a file, in bytes: a thousand times what a
// person writes.
const maxConfig = 4 << 20

// byteOrderMark begins what some editors save as UTF-8.
var byteOrderMark = []byte("\ufeff")

// Config is a file that was read and found to be right.
type Config struct {
	typed   string // the path as it was given
	path    string // absolute
	listen  string
	objects []*def
}

// A def is one entry of a file: a table of entries, or something of a kind.
type def struct {
	name             string
	path             string // dotted, from below objects: app.limit
	kind             string // the key that decides, "" for a table
	doc              string
	hidden, readonly bool
	canon            string // the definition as one text, all but doc and hidden: equal if nothing has changed
	entries          []*def // of a table
	make             maker  // of a kind
	says             string // for the summary: what there is to know about it, "" for nothing
	runs             bool   // it runs programs
	opens            bool   // it leads to a peer of this machine
	watch            string // a file whose change is a change of the entry, "" for none
}

// Path returns the path of the file as it was given to Load.
func (c *Config) Path() string { return c.typed }

// Listen returns the address to serve on, "" where the file names none.
func (c *Config) Listen() string { return c.listen }

// Risk tells what the file does that is not for everybody: "runs programs", or
// "opens a peer of this machine", which may run them, since it takes this
// process for a user of the machine; "" for nothing of that kind.
func (c *Config) Risk() string {
	switch {
	case slices.ContainsFunc(c.objects, func(d *def) bool { return d.has((*def).isProgram) }):
		return "runs programs"
	case slices.ContainsFunc(c.objects, func(d *def) bool { return d.has((*def).isOpening) }):
		return "opens a peer of this machine"
	}
	return ""
}

// has tells whether an entry, or one below it, is of some kind.
func (d *def) has(is func(*def) bool) bool {
	return is(d) || slices.ContainsFunc(d.entries, func(e *def) bool { return e.has(is) })
}

func (d *def) isProgram() bool { return d.runs }
func (d *def) isOpening() bool { return d.opens }

// Names returns the names of the objects, in the order of the file.
func (c *Config) Names() []string {
	names := make([]string, len(c.objects))
	for i, d := range c.objects {
		names[i] = d.name
	}
	return names
}

// Summary returns a line for each object, for people: its name, what is in it,
// and of each entry whether it can be written and which program it runs.
func (c *Config) Summary() []string {
	lines := make([]string, len(c.objects))
	for i, d := range c.objects {
		lines[i] = d.summary()
	}
	return lines
}

func (d *def) summary() string {
	if d.kind != "" {
		if d.says == "" {
			return d.name
		}
		return d.name + " (" + d.says + ")"
	}
	parts := make([]string, len(d.entries))
	for i, e := range d.entries {
		parts[i] = e.summary()
		if e.kind == "" {
			parts[i] = e.name + "/ {" + strings.TrimPrefix(parts[i], e.name+": ") + "}"
		}
	}
	if len(parts) == 0 {
		return d.name + ": nothing"
	}
	return d.name + ": " + strings.Join(parts, ", ")
}

// watched returns the files besides the configuration whose change matters.
func (c *Config) watched() []string {
	var files []string
	var walk func(list []*def)
	walk = func(list []*def) {
		for _, d := range list {
			if d.watch != "" {
				files = append(files, d.watch)
			}
			walk(d.entries)
		}
	}
	walk(c.objects)
	return files
}

// Load reads and checks the file. The error tells all mistakes at once: its
// Unwrap() []error lists an *Error for each.
func Load(path string) (*Config, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, errors.Join(&Error{File: path, Text: err.Error()})
	}
	return load(abs, path)
}

// load reads the file at an absolute path, and speaks of it as path.
func load(abs, path string) (*Config, error) {
	text, err := readLimited(abs, maxConfig)
	if err != nil {
		var at *fs.PathError
		if errors.As(err, &at) {
			err = at.Err
		}
		return nil, errors.Join(&Error{File: path, Text: err.Error()})
	}
	text = bytes.TrimPrefix(text, byteOrderMark) // no editor shows it
	l := &loader{bad: &problems{file: path, text: text}, dir: filepath.Dir(abs)}
	root, whole := readTOML(text, l.bad)
	c := &Config{typed: path, path: abs}
	if whole {
		l.root(c, root)
	}
	if err := l.bad.err(); err != nil {
		return nil, err
	}
	return c, nil
}

// readLimited reads a file to its end, which must come within limit bytes. A
// pipe or a device, where the end may never come, is refused.
func readLimited(path string, limit int) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	switch {
	case info.IsDir():
		return nil, &fs.PathError{Op: "read", Path: path, Err: syscall.EISDIR}
	case !info.Mode().IsRegular():
		return nil, &fs.PathError{Op: "read", Path: path, Err: errNotRegular}
	}
	return readToEnd(f, limit, readWait)
}

// readToEnd reads an open file. Some files of the kernel never end and have
// nothing now, such as /proc/kmsg: they are waited for no longer than wait. The
// others take no deadline.
func readToEnd(f *os.File, limit int, wait time.Duration) ([]byte, error) {
	_ = f.SetReadDeadline(time.Now().Add(wait))
	text, err := io.ReadAll(io.LimitReader(f, int64(limit)+1))
	if err == nil && len(text) > limit {
		err = &fs.PathError{Op: "read", Path: f.Name(), Err: fmt.Errorf("it has more than %d bytes: %w", limit, syscall.EFBIG)}
	}
	return text, err
}

// readWait is how long a file may keep whoever reads it waiting: less than a
// reader of an attribute waits.
const readWait = 2 * time.Second

var errNotRegular = errors.New("it is no regular file")

// whyNot returns an error of a file without the name of the operation.
func whyNot(err error) string {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Path + ": " + at.Err.Error()
	}
	return err.Error()
}

// loader reads one file.
type loader struct {
	bad *problems
	dir string // of the file; relative paths begin there
}

func (l *loader) root(c *Config, n *node) {
	f := &fields{l: l, n: n}
	if c.listen = f.name("listen"); c.listen != "" {
		_, port, err := net.SplitHostPort(c.listen)
		if err == nil {
			_, err = strconv.ParseUint(port, 10, 16)
		}
		if err != nil {
			f.bad("listen", `expected host:port such as "127.0.0.1:12074", got %q`, c.listen)
		}
	}
	objects := f.take("objects")
	f.finish("the file", "")
	if objects == nil {
		return
	}
	if !objects.isTable() {
		f.want("objects", "tables, [objects.NAME]")
		return
	}
	for _, name := range objects.keys {
		v := objects.table[name]
		at, path := objects.keyAt[name], join("objects", name)
		switch {
		case name == "":
			l.bad.add(at, path, "the name of an object is empty")
		case !v.isTable():
			l.bad.add(v.at, path, "expected a table, got %s: an object is a table, and this value a key in it", v.what())
		default:
			if found, first := deciding(v); len(found) > 0 && !found[0].object {
				l.bad.add(v.keyAt[first[0]], join(path, first[0]),
					"it makes this a value, not an object; an attribute that is called %s belongs to [%s.attrs]", first[0], path)
				continue
			}
			d := l.entry(name, quoted(name), path, v)
			if d.hidden {
				l.bad.add(v.table["hidden"].at, path+".hidden", "a registered object is always listed; what is in it can be hidden")
			}
			c.objects = append(c.objects, d)
		}
	}
}

// quoted returns a name as a part of a dotted path that is like no other.
func quoted(name string) string {
	if strings.ContainsAny(name, `."`) {
		return strconv.Quote(name)
	}
	return name
}

// entry reads what one key defines: name is the key, path the attribute below
// objects, key the same as the file has it.
func (l *loader) entry(name, path, key string, n *node) *def {
	d := &def{name: name, path: path}
	if !n.isTable() {
		v := n.plain()
		d.kind, d.canon, d.make = "value", canonOf(n), plainValue(v)
		return d
	}
	f := &fields{l: l, n: n, path: key}
	k, first := l.decide(f)
	about := func(key string) bool { return k != nil || !f.has(key) || !n.table[key].isTable() }
	if about("doc") { // else it is an attribute of that name
		d.doc = f.text("doc")
	}
	if about("hidden") {
		d.hidden = f.flag("hidden")
	}
	if k == nil {
		if n.inline {
			l.undecided(f)
		} else {
			l.table(d, f)
		}
		return d
	}
	d.kind, d.readonly = k.key, f.flag("readonly")
	d.make = k.read(f, d)
	if !f.torn {
		f.finish(k.what, first)
	}
	d.canon = canonOf(n) + d.canon
	return d
}

// deciding returns the kinds that the keys of a table decide for, and those
// keys. One kind is what there should be, none makes a table of entries. A key
// that holds a table decides nothing: it is an attribute, or an option. Only a
// value can be a dict, in braces.
func deciding(n *node) (found []*kind, first []string) {
	for _, key := range n.keys {
		k, v := kindOf(key), n.table[key]
		if k == nil || slices.Contains(found, k) || v.isTable() && !(k == &valueKind && v.inline) {
			continue
		}
		found, first = append(found, k), append(first, key)
	}
	return found, first
}

// decide returns the kind of a table, and the key that decides; or nil for a
// table of entries.
func (l *loader) decide(f *fields) (*kind, string) {
	found, first := deciding(f.n)
	if len(found) == 0 {
		return nil, ""
	}
	if len(found) > 1 {
		f.torn = true
		f.badKey(first[1], "%s and %s cannot both be here: either decides what this is; an attribute that is called %s belongs to [%s.attrs]",
			first[0], first[1], first[1], f.path)
	}
	return found[0], first[0]
}

// undecided explains that nothing in braces says what they are. They are never
// a table of entries: most often a key is misspelled.
func (l *loader) undecided(f *fields) {
	for _, key := range f.n.keys {
		if near := nearest(key, kindKeys()); len(near) > 0 {
			f.badKey(key, "there is no such key; did you mean %s?", strings.Join(near, " or "))
			return
		}
	}
	l.bad.add(f.n.at, f.path, "nothing says what this is: one of %s must be in it; an object with attributes has a header, [%s]",
		strings.Join(kindKeys(), ", "), f.path)
}

// table reads the entries of a table. Those in its table attrs count as well:
// there every key is the name of an attribute.
func (l *loader) table(d *def, f *fields) {
	canon := []string{}
	add := func(n *node, path string, reserved ...string) {
		for _, name := range n.keys {
			key := join(path, name)
			switch {
			case slices.Contains(reserved, name) && (name == "attrs" || !n.table[name].isTable()):
				continue
			case name == "":
				l.bad.add(n.keyAt[name], key, "the name of an attribute is empty")
				continue
			case slices.ContainsFunc(d.entries, func(e *def) bool { return e.name == name }):
				l.bad.add(n.keyAt[name], key, "there are two attributes %s, here and outside of attrs", name)
				continue
			}
			if option := misplaced(n, name); option != "" {
				l.bad.add(n.keyAt[name], key, "%s", option)
				continue
			}
			d.entries = append(d.entries, l.entry(name, d.path+"."+quoted(name), key, n.table[name]))
		}
	}
	add(f.n, f.path, "doc", "hidden", "attrs")
	if attrs := f.take("attrs"); attrs != nil {
		if !attrs.isTable() {
			f.want("attrs", "a table of attributes")
		} else {
			add(attrs, f.path+".attrs")
		}
	}
	slices.SortFunc(d.entries, func(a, b *def) int { return strings.Compare(a.name, b.name) })
	for _, e := range d.entries {
		canon = append(canon, fmt.Sprintf("%q: %s", e.name, e.canon))
	}
	d.canon = fmt.Sprintf("table {%s}", strings.Join(canon, ", "))
}

// misplaced explains a key that only makes sense next to a key that decides,
// where none is: most often that one is misspelled. Everywhere else it is the
// name of an attribute.
func misplaced(n *node, name string) string {
	if name != "writable" && name != "persist" && name != "cache" && name != "timeout" && name != "readonly" {
		return ""
	}
	if n.table[name].isTable() {
		return "" // an attribute with a definition of its own
	}
	for _, other := range n.keys {
		if near := nearest(other, kindKeys()); other != name && len(near) > 0 {
			return fmt.Sprintf("nothing here says what this is the %s of; did you mean %s by %s?", name, strings.Join(near, " or "), other)
		}
	}
	return fmt.Sprintf("nothing here says what this is the %s of: one of %s must; an attribute that is called %s belongs to attrs",
		name, strings.Join(kindKeys(), ", "), name)
}

// canonOf writes a definition in one way, whatever the order of its keys and
// what is said about it.
func canonOf(n *node) string {
	if !n.isTable() {
		return typed(n.plain())
	}
	var b strings.Builder
	for _, key := range slices.Sorted(slices.Values(n.keys)) {
		if key != "doc" && key != "hidden" {
			fmt.Fprintf(&b, "%q = %s\n", key, typed(n.table[key].plain()))
		}
	}
	return b.String()
}

// typed is a literal that also tells 1 from 1.0 and from True.
func typed(v codec.Value) string { return v.Kind().String() + " " + v.String() }
