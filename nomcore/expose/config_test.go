package expose

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// writeConfig writes a file, and those that the cases name, and returns its
// path.
func writeConfig(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"motd": "hello\n", "stock.json": `{"apples": 3}`, "bad.json": `{`, "scalar.json": "5",
		"two.yaml": "a: 1\n---\nb: 2\n", "list.json": "[1]", "s.star": "\"\"\"a script\"\"\"\nx = 1\n", "nomfs.toml": text,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "nomfs.toml")
}

// mistakes are files and what is wrong with them: line:column, key, and a part
// of the text, for each mistake, all of them.
var mistakes = []struct {
	name, file string
	want       []string
}{
	{"nothing", "", nil},
	{"an object without anything", "[objects.app]", nil},
	{"unknown key of the file", "listn = \"x\"", []string{`1:1: listn: the file has no such key; did you mean listen?`}},
	{"listen is no address", `listen = "here"`, []string{`1:10: listen: expected host:port`}},
	{"listen with a port that there is not", `listen = "127.0.0.1:99999"`, []string{`1:10: listen: expected host:port`}},
	{"peers without an address", "[objects.a]\npeer = \"a b\"\n[objects.b]\npeer = \"10.0.0.7:x\"\n[objects.c]\npeer = \":5\"", []string{
		`2:8: objects.a.peer: expected host or host:port`, `4:8: objects.b.peer: expected`, `6:8: objects.c.peer: expected`}},
	{"listen of the wrong type", `listen = 5`, []string{`1:10: listen: expected text in quotes, got an integer`}},
	{"no TOML", "[objects.app]\na = = 1", []string{`2:5: unexpected character`}},
	{"a key twice", "[objects.app]\na = 1\nb = 1\na = 2\nb = 2",
		[]string{`4:1: objects.app.a: it is there already, in line 2`, `5:1: objects.app.b: it is there already, in line 3`}},
	{"a table twice", "[objects.app]\n[objects.app]", []string{`2:10: objects.app: it is there already, in line 1`}},
	{"a table that is a value", "[objects]\napp = 1\n[objects.app.x]", []string{
		`2:7: objects.app: expected a table, got an integer`, `3:10: objects.app: it is an integer already, in line 2`}},
	{"a list of tables", "[[objects.app]]", []string{`1:11: objects.app: expected one table`}},
	{"objects is no table", "objects = 1", []string{`1:11: objects: expected tables`}},
	{"an object that is a value", "[objects.app]\nfile = \"motd\"",
		[]string{`2:1: objects.app.file: it makes this a value, not an object; an attribute that is called file belongs to [objects.app.attrs]`}},
	{"attributes called like keys", "[objects.app.attrs]\nfile = 1\ndoc = \"d\"\nattrs = 2", nil},
	{"a name that decides, below a header", "[objects.app]\nversion = 1\ncall = 5\nindex = 3\n[objects.app.a]\nb = { mailbox = 1, max = 5 }", []string{
		`2:1: objects.app.version: a call has no such key; it takes doc, hidden, readonly, args, call, stdin, type, timeout, dir, max, env; an attribute that is called call belongs to [objects.app.attrs]`,
		`3:8: objects.app.call: expected an array of words`, `4:1: objects.app.index: a call has no such key; did you mean hidden?`,
		`5:14: objects.app.a: a call has no such key`}},
	{"an attribute in two places", "[objects.app]\na = 1\n[objects.app.attrs]\na = 1", []string{`4:1: objects.app.attrs.a: there are two attributes a`}},
	{"two deciding keys", "[objects.app]\na = { value = 1, file = \"motd\", junk = 1 }",
		[]string{`2:18: objects.app.a.file: value and file cannot both be here`}},
	{"braces without a deciding key", "[objects.app]\na = { valeu = 1 }\nb = { }\nc = { zebra = 1 }", []string{
		`2:7: objects.app.a.valeu: there is no such key; did you mean value?`,
		`3:5: objects.app.b: nothing says what this is`, `4:5: objects.app.c: nothing says what this is`}},
	{"an option without what it is for", "[objects.app]\nwritable = true\nfiel = \"x\"", []string{
		`2:1: objects.app.writable: nothing here says what this is the writable of; did you mean file by fiel?`}},
	{"unknown options", "[objects.app]\na = { value = 1, writeable = true }\nb = { file = \"motd\", cache = \"1s\" }", []string{
		`2:18: objects.app.a.writeable: a value has no such key; did you mean writable?`,
		`3:22: objects.app.b.cache: a file has no such key; it takes`}},
	{"columns of no TOML count characters", "[objects.app]\n\"éé\" = = 1", []string{`2:8: unexpected character`}},
	{"a key twice, and no TOML", "[objects.app]\na = 1\na = 2\n\"é\" = 08", []string{
		`3:1: objects.app.a: it is there already, in line 2`, `4:7: integers cannot have leading zeroes`}},
	{"keys with too many parts", "[objects.app]\nx" + strings.Repeat(".a", 100_000) + " = 1\n[objects" + strings.Repeat(".a", 100_000) + "]\nx = 1", []string{
		`2:199: objects.app: the key has more than 100 parts`, `3:206: the key has more than 100 parts`}},
	{"numbers and dates that there are not", "[objects.app]\na = 1\na = 2\n\"é\" = 99999999999999999999\nb = { value = [1e999, \"é\", 2020-13-45] }\nc = 25:00:00", []string{
		`3:1: objects.app.a: it is there already, in line 2`, `4:7: objects.app.é: decimal number is too large`,
		`5:16: objects.app.b.value[0]: unable to parse float`, `5:28: objects.app.b.value[2]: impossible date`, `6:5: objects.app.c: hour cannot be greater 23`}},
	{"columns count characters", "[objects.app]\na = { doc = \"žluťoučký\", value = 1, writeable = true }", []string{`2:37: objects.app.a.writeable`}},
	{"wrong types", "[objects.app]\na = { value = 1, writable = \"yes\" }\nb = { mailbox = \"x\" }\nc = { command = \"ls\", cache = \"1s\" }\nd = { command = [\"ls\", 1] }\ndoc = 5", []string{
		`2:29: objects.app.a.writable: expected true or false, got text`, `3:17: objects.app.b.mailbox: expected an integer, got text`,
		`4:17: objects.app.c.command: expected an array of words`, `5:24: objects.app.d.command[1]: expected text in quotes, got an integer`,
		`6:7: objects.app.doc: expected text in quotes, got an integer`}},
	{"contradictions", "[objects.app]\na = { value = 1, writable = true, readonly = true }\nb = { value = 1, persist = true }\nc = { file = \"motd\", create = true }\nd = { value = 1, type = \"any\" }", []string{
		`2:35: objects.app.a.readonly: it is writable as well`, `3:18: objects.app.b.persist: what cannot be set`,
		`4:22: objects.app.c.create: it is about writing`, `5:18: objects.app.d.type: what cannot be set keeps its type`}},
	{"missing files", "[objects.app]\na = { file = \"nosuch\" }\nb = { file = \"nosuch\", writable = true }\nc = { file = \"nosuch\", writable = true, create = true }\nd = { file = \".\" }\ne = { data = \"nosuch.json\" }", []string{
		`2:14: objects.app.a.file: `, `3:14: objects.app.b.file: `, `5:14: objects.app.d.file: `, `6:14: objects.app.e.data: `}},
	{"data", "[objects.a]\ndata = \"stock.json\"\n[objects.b]\ndata = \"bad.json\"\n[objects.c]\ndata = \"motd\"\n[objects.d]\ndata = \"scalar.json\"\n[objects.e]\ndata = \"two.yaml\"", []string{
		`4:8: objects.b.data: `, `6:8: objects.c.data: the name does not tell the format`, `8:8: objects.d.data: `, `10:8: objects.e.data: `}},
	{"programs", "[objects.app]\na = { command = [\"nosuchprogram\"] }\nb = { command = [] }\nc = { command = [\"./nosuch\"] }\nd = { command = [\"{x}\"] }\ne = { command = [\"a\\u0000\"] }", []string{
		`2:17: objects.app.a.command: there is no program nosuchprogram in $PATH`, `3:17: objects.app.b.command: it is empty`,
		`4:17: objects.app.c.command: `, `5:17: objects.app.d.command: the program cannot be an argument`,
		`5:17: objects.app.d.command: there is no argument x`, `6:17: objects.app.e.command: there is no program`, `6:17: objects.app.e.command: word 1 has a zero byte`}},
	{"arguments", "[objects.app]\na = { call = [\"echo\", \"--x={n}\"], args = [\"n\"] }\nb = { call = [\"echo\", \"{m}\"] }\nc = { call = [\"echo\", \"{n}\"], args = [\"n\", \"n\"] }\nd = { call = [\"echo\", \"{n}\", \"{m}\"], args = [\"n=1\", \"m\"] }\ne = { call = [\"echo\", \"{n}\"], args = [\"n:number\"] }\nf = { call = [\"echo\", \"{n}\"], args = [\"n:int=x\"] }\ng = { call = [\"cat\"], stdin = \"x\" }", []string{
		`2:14: objects.app.a.call: {n} must be a word by itself, not a part of "--x={n}"`,
		`2:42: objects.app.a.args: n is not used`, `3:14: objects.app.b.call: there is no argument m; {{m}} is the text {m}`,
		`4:38: objects.app.c.args: there are two arguments n`, `5:45: objects.app.d.args: m needs a default`,
		`6:38: objects.app.e.args: n: expected one of`, `7:38: objects.app.f.args: the default of n: argument n: expected int, got text`, `8:31: objects.app.g.stdin: there is no argument x`}},
	{"braces that are text", "[objects.app]\na = { call = [\"awk\", \"{print $1}\", \"{{print}}\", \"{n}\"], args = [\"n\"] }", nil},
	{"a property", "[objects.app]\na = { get = [\"cat\"], set = [\"cat\"] }\nb = { set = [\"cat\", \"{value}\"] }\nc = { get = [\"cat\"], stdin = \"value\" }\nd = { set = [\"cat\", \"{value}\"], cache = \"1s\" }", []string{
		`2:28: objects.app.a.set: the value needs one place`, `4:22: objects.app.c.stdin: it is about set, which is missing`,
		`5:33: objects.app.d.cache: it is about get, which is missing`}},
	{"times and numbers", "[objects.app]\na = { command = [\"ls\"], cache = \"1\" }\nb = { command = [\"ls\"], timeout = \"-1s\" }\nc = { command = [\"ls\"], max = 0 }\nd = { command = [\"ls\"], dir = \"nosuch\" }\ne = { command = [\"ls\"], env = { A = 1 } }", []string{
		`2:33: objects.app.a.cache: expected a time such as`, `3:35: objects.app.b.timeout: expected a time above 0`,
		`4:31: objects.app.c.max: expected a number from 1`, `5:31: objects.app.d.dir: `, `6:37: objects.app.e.env.A: expected text`}},
	{"a builtin that there is not", "[objects.h]\nbuiltin = \"hots\"", []string{`2:11: objects.h.builtin: expected one of demo, host, got "hots"; did you mean host?`}},
	{"a hidden object", "[objects.h]\nbuiltin = \"host\"\nhidden = true", []string{`3:10: objects.h.hidden: a registered object is always listed`}},
	{"a slot", "[objects.app]\na = { slot = true }\nb = { slot = false }\nc = { slot = 1 }", []string{
		`3:14: objects.app.b.slot: expected true`, `4:14: objects.app.c.slot: expected true or false`}},
	{"an empty peer", "[objects.h]\npeer = \"\"", []string{`2:8: objects.h.peer: expected text, and it is empty`}},
}

func TestMistakes(t *testing.T) {
	for _, tt := range mistakes {
		t.Run(tt.name, func(t *testing.T) {
			path := writeConfig(t, tt.file)
			_, err := Load(path)
			var got []string
			if joined, ok := err.(interface{ Unwrap() []error }); ok {
				for _, e := range joined.Unwrap() {
					var one *Error
					if !errors.As(e, &one) {
						t.Fatalf("%v is no *Error", e)
					}
					got = append(got, strings.TrimPrefix(one.Error(), path+":"))
				}
			} else if err != nil {
				t.Fatalf("%v is no list", err)
			}
			ok := slices.EqualFunc(got, tt.want, func(got, want string) bool { return strings.HasPrefix(got, want) })
			if !ok {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

func TestFileMissing(t *testing.T) {
	_, err := Load(filepath.Join(t.TempDir(), "nosuch.toml"))
	var one *Error
	if !errors.As(err, &one) || !strings.HasSuffix(one.Error(), "nosuch.toml: no such file or directory") {
		t.Errorf("got %v", err)
	}
}

// TestExample: what nomfs init writes has no mistake, under any name.
func TestExample(t *testing.T) {
	for _, name := range []string{"nomfs.toml", `a "b" \c.toml`} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(Example(name)), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := Load(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Names(); !slices.Equal(got, []string{"app", "host"}) {
			t.Errorf("it has %v", got)
		}
	}
}

// FuzzLoad: whatever is in a file, the mistakes have places in it.
func FuzzLoad(f *testing.F) {
	for _, m := range mistakes {
		f.Add([]byte(m.file))
	}
	f.Add([]byte(example))
	f.Add([]byte(allKinds))
	f.Fuzz(func(t *testing.T, text []byte) {
		l := &loader{bad: &problems{file: "f", text: text}, dir: "/nonexistent"}
		root, whole := readTOML(text, l.bad)
		if whole {
			l.root(new(Config), root)
		}
		if err := l.bad.err(); !whole && err == nil {
			t.Error("the file ends early, without a reason")
		}
		for _, e := range l.bad.list {
			if e.Line < 1 || e.Column < 1 || e.Text == "" {
				t.Errorf("%#v", e)
			}
		}
	})
}
