package expose

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"

	"nomfs/codec"
)

// A node is one value of a TOML file, and where it stands.
type node struct {
	at    int // byte of the file
	value codec.Value

	// Of a table; keys is nil for everything else.
	table    map[string]*node
	keys     []string // in the order of the file
	keyAt    map[string]int
	explicit bool // it has a header or braces, and cannot have another
	inline   bool // it has braces

	items []*node // of an array
	array bool
}

func newTable(at int) *node {
	return &node{at: at, table: make(map[string]*node), keyAt: make(map[string]int)}
}

func (n *node) isTable() bool { return n.table != nil }

// what tells what the node is, for messages.
func (n *node) what() string {
	switch {
	case n.isTable():
		return "a table"
	case n.array:
		return "an array"
	}
	switch n.value.Kind() {
	case codec.KindInt:
		return "an integer"
	case codec.KindFloat:
		return "a float"
	case codec.KindBool:
		return "true or false"
	}
	return "text"
}

// text returns the text of a string.
func (n *node) text() (string, bool) {
	if n.isTable() || n.array {
		return "", false
	}
	return codec.StringOf(n.value)
}

// plain returns the node as a value: arrays as lists, tables as dicts.
func (n *node) plain() codec.Value {
	switch {
	case n.isTable():
		pairs := make(map[string]codec.Value, len(n.table))
		for key, v := range n.table {
			pairs[key] = v.plain()
		}
		return codec.MapOf(pairs)
	case n.array:
		list := make(codec.List, len(n.items))
		for i, v := range n.items {
			list[i] = v.plain()
		}
		return list
	}
	return n.value
}

// tomlReader makes nodes of a file. It goes on after a key that is there twice,
// so that all such keys are told at once.
type tomlReader struct {
	p    unstable.Parser
	bad  *problems
	root *node
	cur  *node  // the table of the last header
	path string // its name
}

// readTOML returns the root table of a file. Mistakes go to bad; whole is false
// where the file ends early for the reader, which then knows nothing of what
// follows.
func readTOML(text []byte, bad *problems) (root *node, whole bool) {
	r := tomlReader{bad: bad, root: newTable(0)}
	r.cur = r.root
	r.p.Reset(text)
	before := len(bad.list)
	for r.p.NextExpression() {
		r.expression(r.p.Expression())
	}
	if err := r.p.Error(); err != nil {
		at := len(text)
		var where *unstable.ParserError
		if errors.As(err, &where) {
			at = int(r.p.Range(where.Highlight).Offset)
		}
		bad.add(at, "", "%v", err)
		return r.root, false
	}
	if len(bad.list) > before {
		return r.root, true
	}
	// The decoder has the last word on what is TOML, and words for it.
	var all map[string]any
	err := toml.Unmarshal(text, &all)
	var where *toml.DecodeError
	switch {
	case errors.As(err, &where):
		bad.add(offset(text, where), strings.Join(where.Key(), "."), "%s", words(where))
	case err != nil:
		bad.add(0, "", "%v", err)
	default:
		return r.root, true
	}
	return r.root, false
}

// words returns an error of the decoder without the name of the decoder.
func words(e *toml.DecodeError) string { return strings.TrimPrefix(e.Error(), "toml: ") }

// offset returns the byte at which the decoder found an error. Its columns are
// bytes, ours are characters.
func offset(text []byte, e *toml.DecodeError) int {
	line, column := e.Position()
	at := 0
	for ; line > 1; line-- {
		at += bytes.IndexByte(text[at:], '\n') + 1
	}
	return at + column - 1
}

func (r *tomlReader) expression(n *unstable.Node) {
	switch n.Kind {
	case unstable.Table, unstable.ArrayTable:
		r.header(n)
	case unstable.KeyValue:
		r.keyValue(r.cur, r.path, n)
	}
}

// A step is one part of a dotted key.
type step struct {
	name    string
	at, end int // bytes of the file
}

func steps(it unstable.Iterator) []step {
	var list []step
	for it.Next() {
		list = append(list, step{string(it.Node().Data), int(it.Node().Raw.Offset), int(it.Node().Raw.Offset + it.Node().Raw.Length)})
	}
	return list
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// header opens a table.
func (r *tomlReader) header(n *unstable.Node) {
	list := steps(n.Key())
	last := list[len(list)-1]
	parent, path, ok := r.descend(r.root, "", list[:len(list)-1])
	r.path = join(path, last.name)
	r.cur = newTable(last.at) // what follows belongs to nothing, if the header is wrong
	r.cur.explicit = true
	if !ok {
		return
	}
	if n.Kind == unstable.ArrayTable {
		r.bad.add(last.at, r.path, "expected one table, [%s], not a list of tables", r.path)
		return
	}
	old := parent.table[last.name]
	switch {
	case old == nil:
		parent.put(last, r.cur)
	case old.isTable() && !old.explicit:
		old.explicit, old.at = true, last.at
		r.cur = old
	default:
		r.twice(last, r.path, parent.keyAt[last.name])
	}
}

func (r *tomlReader) twice(s step, path string, first int) {
	line, _ := position(r.bad.text, first)
	r.bad.add(s.at, path, "it is there already, in line %d", line)
}

func (n *node) put(s step, v *node) {
	n.table[s.name] = v
	n.keys = append(n.keys, s.name)
	n.keyAt[s.name] = s.at
}

// maxSteps bounds the parts of a dotted key: more than a path in the file system
// can have names that tell anything.
const maxSteps = 100

// descend follows a dotted key through tables, making those that are missing.
func (r *tomlReader) descend(n *node, path string, list []step) (*node, string, bool) {
	if len(list) >= maxSteps {
		r.bad.add(list[maxSteps-1].at, path, "the key has more than %d parts", maxSteps)
		return nil, path, false
	}
	for _, s := range list {
		path = join(path, s.name)
		next := n.table[s.name]
		if next == nil {
			next = newTable(s.at)
			n.put(s, next)
		}
		if !next.isTable() {
			r.bad.add(s.at, path, "it is %s already, in line %d, and no table", next.what(), lineOf(r.bad.text, next.at))
			return nil, path, false
		}
		n = next
	}
	return n, path, true
}

func lineOf(text []byte, at int) int {
	line, _ := position(text, at)
	return line
}

// keyValue puts one key and its value into a table.
func (r *tomlReader) keyValue(into *node, path string, n *unstable.Node) {
	list := steps(n.Key())
	last := list[len(list)-1]
	parent, path, ok := r.descend(into, path, list[:len(list)-1])
	if !ok {
		return
	}
	path = join(path, last.name)
	if _, is := parent.table[last.name]; is {
		r.twice(last, path, parent.keyAt[last.name])
		return
	}
	parent.put(last, r.valueOf(n.Value(), path, r.valueAfter(last)))
}

// valueAfter returns where the value of a key begins: the parser does not tell
// of all.
func (r *tomlReader) valueAfter(key step) int {
	at := key.end
	for at < len(r.bad.text) && strings.IndexByte(" \t=", r.bad.text[at]) >= 0 {
		at++
	}
	return at
}

// valueOf makes the node of a value that begins at a byte, or in an array after
// it.
func (r *tomlReader) valueOf(n *unstable.Node, path string, at int) *node {
	if n.Raw.Length > 0 {
		at = int(n.Raw.Offset)
	}
	switch n.Kind {
	case unstable.InlineTable:
		t := newTable(at)
		t.explicit, t.inline = true, true
		for it := n.Children(); it.Next(); {
			r.keyValue(t, path, it.Node())
		}
		return t
	case unstable.Array:
		a := &node{at: at, array: true, value: codec.None{}}
		for it := n.Children(); it.Next(); {
			a.items = append(a.items, r.valueOf(it.Node(), fmt.Sprintf("%s[%d]", path, len(a.items)), at))
		}
		return a
	}
	r.check(n, path, at)
	return &node{at: at, value: scalar(n.Kind, string(n.Data))}
}

// check notes a number that is too large, or a date that there is not: the
// parser takes them, and the decoder refuses no more than one at a time.
func (r *tomlReader) check(n *unstable.Node, path string, at int) {
	if n.Kind == unstable.String || n.Kind == unstable.Bool {
		return
	}
	var one map[string]any
	var wrong *toml.DecodeError
	if errors.As(toml.Unmarshal(slices.Concat([]byte("x = "), n.Data), &one), &wrong) {
		r.bad.add(at, path, "%s", words(wrong))
	}
}

// scalar makes a value. What is no number was noted by check.
func scalar(kind unstable.Kind, text string) codec.Value {
	digits := strings.ReplaceAll(text, "_", "")
	switch kind {
	case unstable.Bool:
		return codec.Bool(text == "true")
	case unstable.Integer:
		n, _ := strconv.ParseInt(digits, 0, 64)
		return codec.Int(n)
	case unstable.Float:
		f, _ := strconv.ParseFloat(digits, 64)
		return codec.Float(f)
	}
	return codec.StringValue(text) // dates and times as they are written
}
