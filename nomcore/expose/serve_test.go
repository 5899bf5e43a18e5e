package expose

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"nomfs/auth"
	"nomfs/codec"
	"nomfs/nomcore"
)

// patience is how long anything may take before the test has failed.
const patience = 20 * time.Second

// exposed is a file at work, and a client of it.
type exposed struct {
	t      *testing.T
	path   string
	svc    *nomcore.Service
	served *Served
	peer   *nomcore.Peer
	log    *lockedBuffer
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func newService(t *testing.T) *nomcore.Service {
	t.Helper()
	s, err := nomcore.Listen("127.0.0.1:0", &nomcore.Config{Authenticator: auth.Default})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// expose serves a file with that text.
func expose(t *testing.T, text string) *exposed {
	t.Helper()
	return exposeFile(t, writeConfig(t, text))
}

func exposeFile(t *testing.T, path string) *exposed {
	t.Helper()
	c, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	e := &exposed{t: t, path: path, svc: newService(t), log: new(lockedBuffer)}
	if e.served, err = Serve(e.svc, c, Options{Log: slog.New(slog.NewTextHandler(e.log, nil))}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.served.Close() })
	e.peer = e.client()
	return e
}

// client is another process, as far as the objects know.
func (e *exposed) client() *nomcore.Peer {
	e.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	p, err := newService(e.t).Connect(ctx, e.svc.Addr().String())
	if err != nil {
		e.t.Fatal(err)
	}
	return p
}

// write puts another text in the place of the file.
func (e *exposed) write(text string) {
	e.t.Helper()
	if err := replaceFile(e.path, []byte(text), false); err != nil {
		e.t.Fatal(err)
	}
}

// at follows a dotted path to an object.
func (e *exposed) at(path string) (codec.Ref, string) {
	e.t.Helper()
	r, name, err := follow(e.peer, path)
	if err != nil {
		e.t.Fatalf("%s: %v", path, err)
	}
	return r, name
}

// follow returns the object that holds the last part of a path, and that part.
func follow(p *nomcore.Peer, path string) (codec.Ref, string, error) {
	parts := strings.Split(path, ".")
	v, err := p.Resolve(context.Background(), parts[0])
	for _, part := range parts[1:max(len(parts)-1, 1)] {
		if err != nil {
			return codec.Ref{}, "", err
		}
		v, err = p.GetAttr(context.Background(), v.(codec.Ref), part)
	}
	if err != nil {
		return codec.Ref{}, "", err
	}
	return v.(codec.Ref), parts[len(parts)-1], nil
}

func (e *exposed) get(path string) (codec.Value, error) {
	e.t.Helper()
	r, name := e.at(path)
	return e.peer.GetAttr(context.Background(), r, name)
}

func (e *exposed) set(path string, v codec.Value) error {
	e.t.Helper()
	r, name := e.at(path)
	return e.peer.SetAttr(context.Background(), r, name, v)
}

func (e *exposed) call(path string, args ...codec.Value) (codec.Value, error) {
	e.t.Helper()
	r, name := e.at(path)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return e.peer.CallAttr(ctx, r, name, args, nil)
}

// wants checks a value, or the class of an exception.
func wants(t *testing.T, what string, v codec.Value, err error, want string) {
	t.Helper()
	var exc codec.Exception
	switch {
	case errors.As(err, &exc):
		if exc.Class != want && exc.Error() != want {
			t.Errorf("%s: %v, want %s", what, err, want)
		}
	case err != nil:
		t.Errorf("%s: %v, want %s", what, err, want)
	case v.String() != want:
		t.Errorf("%s is %s, want %s", what, v, want)
	}
}

func str(s string) codec.Value { return codec.StringValue(s) }

const allKinds = `
[objects.app]
doc = "everything"
version = "1.4.2"
list = [1, 2.5, true, "x"]
dict = { value = { a = 1, b = [1] } }
day = 1979-05-27
limit = { value = 10, writable = true, doc = "most" }
ratio = { value = 0.5, writable = true }
flag = { value = true, writable = true }
any = { value = 1, writable = true, type = "any" }
motd = { file = "motd", writable = true }
slot = { slot = true }
raw = { file = "motd", type = "bytes" }
new = { file = "new", writable = true, create = true, type = "int" }
proc = { file = "/proc/self/stat" }
load = { command = ["cat", "/proc/loadavg"] }
words = { command = ["printf", "a\\nb\\n"], type = "lines" }
json = { command = ["echo", '{"a": [1, 2.5, null, 123456789012345678901234567890]}'], type = "json" }
number = { command = ["echo", " 42 "], type = "int" }
wrong = { command = ["echo", "x"], type = "int" }
pwd = { command = ["printenv", "PWD"], dir = "/", env = { A = "x" } }
lines = { file = "lines", writable = true, create = true, type = "lines" }
nowhere = { file = "none/x", writable = true, create = true }
power = { get = ["cat", "motd"], set = ["cp", "/dev/stdin", "motd"], stdin = "value" }
only = { set = ["true", "{value}"], type = "int" }
echo = { call = ["printf", "<%s>", "{a}", "{{b}}", "{rest}"], args = ["a", "*rest"] }
add = { call = ["expr", "{a}", "+", "{b}"], args = ["a:int", "b:int=2"], type = "int" }
either = { call = ["printf", "%s,%s,%s", "{a}", "{b}", "{c}"], args = ["a:bool=true", "b:bool=False", "c:bool=no"] }
upper = { call = ["tr", "a-z", "A-Z"], args = ["text"], stdin = "text" }
where = { call = ["sh", "-c", "pwd; echo $A"], dir = "/", env = { A = "it's" } }
quiet = { call = ["true"] }
fails = { call = ["sh", "-c", "echo to stdout; echo no such thing >&2; exit 3"] }
unset = { env = "NOMFS_TEST_NOT_SET" }
path = { env = "PATH", hidden = true }
[objects.app.sub]
x = 1
[objects.stock]
data = "stock.json"
[objects.host]
builtin = "host"
[objects.inbox]
mailbox = 2
`

func TestKinds(t *testing.T) {
	e := expose(t, allKinds)
	for _, tt := range []struct{ path, want string }{
		{"app.version", "'1.4.2'"}, {"app.list", "[1, 2.5, True, 'x']"}, {"app.dict", "{'a': 1, 'b': [1]}"},
		{"app.day", "'1979-05-27'"}, {"app.limit", "10"}, {"app.sub.x", "1"},
		{"app.slot", "AttributeError"}, {"app.motd", "'hello'"}, {"app.raw", `'hello\n'`}, {"app.new", "IOError"},
		{"app.words", "['a', 'b']"}, {"app.number", "42"}, {"app.wrong", "ValueError"}, {"app.pwd", "'/'"},
		{"app.json", "{'a': [1, 2.5, None, 123456789012345678901234567890]}"},
		{"app.power", "'hello'"}, {"app.only", "AttributeError"}, {"app.unset", "None"},
		{"app.nosuch", "AttributeError"}, {"stock.apples", "3"}, {"stock.nosuch", "AttributeError"},
		{"inbox.total", "0"}, {"inbox.nosuch", "AttributeError"},
	} {
		v, err := e.get(tt.path)
		wants(t, tt.path, v, err, tt.want)
	}
	for _, path := range []string{"app.load", "app.proc", "app.path", "host.hostname"} {
		if v, err := e.get(path); err != nil || v.String() == "''" {
			t.Errorf("%s: %v, %v", path, v, err)
		}
	}
	for _, tt := range []struct {
		path string
		v    codec.Value
		want string // what it is then, or the exception
	}{
		{"app.slot", str("x"), "'x'"}, {"app.slot", codec.Int(1), "1"}, {"app.limit", codec.Int(20), "20"}, {"app.limit", str("x"), "TypeError"}, {"app.limit", codec.Bool(true), "TypeError"},
		{"app.limit", codec.Float(1), "TypeError"}, {"app.ratio", codec.Int(2), "2.0"}, {"app.flag", codec.Bool(false), "False"},
		{"app.any", codec.List{str("x")}, "['x']"}, {"app.version", str("2"), "AttributeError"},
		{"app.motd", str("one\ntwo"), `'one\ntwo'`}, {"app.motd", codec.Int(1), "TypeError"}, {"app.raw", str("x"), "AttributeError"},
		{"app.motd", str(strings.Repeat("x", maxText)), "OverflowError"}, {"app.new", codec.Int(7), "7"},
		{"app.lines", codec.List{str("a"), str("")}, "['a', '']"}, {"app.lines", codec.List{str("a\nb")}, "ValueError: a line cannot have a newline in it, as \"a\\nb\" has"},
		{"app.lines", codec.List{codec.Int(1)}, "TypeError"}, {"app.nowhere", str("x"), "IOError: [Errno 2] replace %DIR%/none/x: no such file or directory"},
		{"app.power", str("from stdin"), "'from stdin'"}, {"app.only", str("x"), "TypeError"},
		{"app.load", str("x"), "AttributeError"}, {"app.echo", str("x"), "AttributeError"}, {"app.sub", str("x"), "AttributeError"},
		{"app.nosuch", str("x"), "AttributeError"}, {"app.path", str("x"), "AttributeError"},
	} {
		err := e.set(tt.path, tt.v)
		var v codec.Value
		if err == nil {
			v, err = e.get(tt.path)
		}
		wants(t, "set "+tt.path, v, err, strings.ReplaceAll(tt.want, "%DIR%", filepath.Dir(e.path)))
	}
	for _, tt := range []struct {
		path string
		args []codec.Value
		want string
	}{
		{"app.echo", []codec.Value{str("a"), codec.Int(1), codec.Bool(true)}, "'<a><{b}><1><true>'"},
		{"app.echo", []codec.Value{str("a")}, "'<a><{b}>'"}, {"app.echo", nil, "TypeError"},
		{"app.add", []codec.Value{codec.Int(3)}, "5"}, {"app.add", []codec.Value{codec.Int(3), codec.Int(4)}, "7"},
		{"app.add", []codec.Value{codec.Int(3), codec.Int(4), codec.Int(5)}, "TypeError"},
		{"app.add", []codec.Value{str("3")}, "TypeError"}, {"app.upper", []codec.Value{str("x y")}, "'X Y'"},
		{"app.upper", []codec.Value{codec.Ellipsis{}}, "'ELLIPSIS'"},
		{"app.either", nil, "'true,false,false'"}, {"app.either", []codec.Value{codec.Bool(false)}, "'false,false,false'"},
		{"app.where", nil, `"/\nit's"`}, {"app.quiet", nil, "None"}, {"app.quiet", []codec.Value{str("x")}, "TypeError"},
		{"app.fails", nil, "CommandError: (3, 'no such thing')"}, {"app.version", nil, "TypeError"},
	} {
		v, err := e.call(tt.path, tt.args...)
		wants(t, fmt.Sprintf("%s%v", tt.path, tt.args), v, err, tt.want)
	}
}

func TestSlot(t *testing.T) {
	e := expose(t, "[objects.app]\nslot = { slot = true }\nn = 1")
	app, _ := e.at("app.slot")
	for range 2 {
		if names, err := e.peer.Dir(context.Background(), app); len(names) != 1 || err != nil {
			t.Errorf("with an empty slot there are %v, %v", names, err)
		}
		v, err := e.get("app.slot")
		wants(t, "an empty slot", v, err, "AttributeError")
		wants(t, "deleting it", nil, e.peer.DelAttr(context.Background(), app, "slot"), "AttributeError")
		heard := make(chan []codec.Value, 1)
		if err := e.set("app.slot", &nomcore.Object{Impl: callFunc(func(args []codec.Value) { heard <- args })}); err != nil {
			t.Fatal(err)
		}
		if names, err := e.peer.Dir(context.Background(), app); len(names) != 2 || err != nil {
			t.Errorf("with a slot in use there are %v, %v", names, err)
		}
		other := e.client()
		r, _, err := follow(other, "app.slot")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := other.CallAttr(context.Background(), r, "slot", []codec.Value{str("hello")}, nil); err != nil {
			t.Fatal(err)
		}
		if args := <-heard; len(args) != 1 || !codec.Equal(args[0], str("hello")) {
			t.Errorf("it was called with %v", args)
		}
		if err := e.peer.DelAttr(context.Background(), app, "slot"); err != nil {
			t.Error(err)
		}
	}
}

// TestDescribe: what is told without running anything.
// TestDoc: what the file says that an object is is told of each kind, and goes
// with the file.
func TestDoc(t *testing.T) {
	ctx := context.Background()
	kinds := map[string]string{"script": `"s.star"`, "data": `"stock.json"`, "mailbox": "5", "builtin": `"demo"`, "call": `["true"]`, "peer": ""}
	other := expose(t, "[objects.app]\ndoc = 'from there'\n")
	config := func(doc string) string {
		text := ""
		for kind, value := range kinds {
			if kind == "peer" {
				value = fmt.Sprintf("%q\nobject = 'app'", other.svc.Addr())
			}
			text += fmt.Sprintf("[objects.%s]\n%[1]s = %s\n%s\n", kind, value, doc)
		}
		return text
	}
	e := expose(t, config(""))
	own := map[string]string{"script": "a script", "peer": "from there"} // what they say themselves
	for _, doc := range []string{"", "first", "second"} {
		if doc != "" {
			e.write(config("doc = '" + doc + "'"))
			if err := e.served.Reload(); err != nil {
				t.Fatal(err)
			}
		}
		for kind := range kinds {
			want := doc
			if doc == "" {
				want = own[kind]
			}
			r, _ := e.at(kind + ".x")
			if d, err := e.peer.Describe(ctx, r); err != nil || d.Doc != want {
				t.Errorf("%s: %q, %v, want %q", kind, d.Doc, err, want)
			}
			local, err := e.svc.Self().Resolve(ctx, kind)
			if err != nil {
				t.Fatal(err)
			}
			if d, err := e.svc.Self().Describe(ctx, local.(codec.Ref)); err != nil || d.Doc != want {
				t.Errorf("%s here: %q, %v, want %q", kind, d.Doc, err, want)
			}
		}
	}
}

func TestDescribe(t *testing.T) {
	e := expose(t, `
[objects.app]
doc = "an object"
mark = { command = ["touch", "ran"], doc = "leaves a mark" }
json = { command = ["touch", "ran"], type = "json" }
limit = { value = 10, writable = true }
shut = { value = 10, readonly = true }
hidden = { value = 1, hidden = true }
call = { call = ["touch", "{name}"], args = ["name='ran'"] }
[objects.app.sub]
doc = "inside"
`[1:])
	r, _ := e.at("app")
	d, err := e.peer.Describe(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	want := codec.Description{Class: class, Doc: "an object", Attrs: []codec.AttrInfo{
		{Name: "call", Kind: codec.KindRef, Type: "method", Call: true, Params: []codec.Param{{Name: "name", Default: str("ran")}}},
		{Name: "json", Type: "json"},
		{Name: "limit", Kind: codec.KindInt, Write: true},
		{Name: "mark", Kind: codec.KindText, Type: "text", Doc: "leaves a mark"},
		{Name: "shut", Kind: codec.KindInt},
		{Name: "sub", Kind: codec.KindRef, Doc: "inside"},
	}}
	if !codec.Equal(d.Value(), want.Value()) {
		t.Errorf("got  %v\nwant %v", d.Value(), want.Value())
	}
	values, err := e.peer.Snapshot(context.Background(), r)
	if err != nil || len(values) != 2 {
		t.Errorf("the snapshot is %v, %v", values, err)
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(e.path), "ran")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a program has run: %v", err)
	}
	if v, err := e.get("app.hidden"); err != nil || v.String() != "1" {
		t.Errorf("what is hidden is %v, %v", v, err)
	}
}

// TestCache: one run answers all, until it is old or something was set.
func TestCache(t *testing.T) {
	e := expose(t, `
[objects.app]
n = { get = ["sh", "-c", "echo x >> runs; wc -l < runs"], set = ["true", "{value}"], type = "int", cache = "1h" }
each = { command = ["sh", "-c", "echo x >> each; wc -l < each"], type = "int" }
`)
	r, _ := e.at("app.n")
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			v, err := e.peer.GetAttr(context.Background(), r, "n")
			wants(t, "n", v, err, "1")
		})
	}
	all.Wait()
	if err := e.set("app.n", codec.Int(5)); err != nil {
		t.Error(err)
	}
	for _, tt := range []struct{ path, want string }{{"app.n", "2"}, {"app.n", "2"}, {"app.each", "1"}, {"app.each", "2"}} {
		v, err := e.get(tt.path)
		wants(t, tt.path, v, err, tt.want)
	}
}

func TestFileKeepsModeAndLink(t *testing.T) {
	e := expose(t, "[objects.app]\nmotd = { file = \"link\", writable = true, create = true }")
	dir := filepath.Dir(e.path)
	for _, step := range []error{
		os.Chmod(filepath.Join(dir, "motd"), 0o640),
		os.Symlink("motd", filepath.Join(dir, "link")),
		e.set("app.motd", str("new")),
	} {
		if step != nil {
			t.Fatal(step)
		}
	}
	info, err := os.Stat(filepath.Join(dir, "motd"))
	text, _ := os.ReadFile(filepath.Join(dir, "motd"))
	if err != nil || info.Mode().Perm() != 0o640 || string(text) != "new\n" {
		t.Errorf("the file is %v %q, %v", info.Mode(), text, err)
	}
	if to, err := os.Readlink(filepath.Join(dir, "link")); to != "motd" {
		t.Errorf("the link leads to %q, %v", to, err)
	}
}

// TestFileMadeThroughLinks: a file that is made is made where links lead.
func TestFileMadeThroughLinks(t *testing.T) {
	e := expose(t, "[objects.app]\nnote = { file = \"link\", writable = true, create = true }")
	dir := filepath.Dir(e.path)
	if err := errors.Join(
		os.Mkdir(filepath.Join(dir, "sub"), 0o700),
		os.Symlink("sub/link", filepath.Join(dir, "link")),
		os.Symlink("../sub/note", filepath.Join(dir, "sub", "link")),
	); err != nil {
		t.Fatal(err)
	}
	if err := e.set("app.note", str("new")); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "sub", "note")); string(text) != "new\n" {
		t.Errorf("where the links lead is %q, %v", text, err)
	}
	if to, err := os.Readlink(filepath.Join(dir, "link")); to != "sub/link" {
		t.Errorf("the link leads to %q, %v", to, err)
	}
}
