package script

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nomfs/codec"
	"nomfs/nomcore"
)

// write puts a script into a file of its own.
func write(t testing.TB, src string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "logic.star")
	if err := os.WriteFile(path, []byte(src), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// load loads a script, and closes it when the test ends.
func load(t testing.TB, src string, env Env) *Script {
	t.Helper()
	s, err := Load(write(t, src), env)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func get(t testing.TB, s *Script, name string) codec.Value {
	t.Helper()
	v, err := s.Object().Impl.(nomcore.AttrGetter).GetAttr(context.Background(), name)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return v
}

// function returns a method of a script.
func function(t testing.TB, s *Script, name string) nomcore.Caller {
	t.Helper()
	o, ok := get(t, s, name).(*nomcore.Object)
	if !ok {
		t.Fatalf("%s is no method", name)
	}
	return o.Impl.(nomcore.Caller)
}

func callIn(ctx context.Context, t testing.TB, s *Script, name string, args ...codec.Value) (codec.Value, error) {
	t.Helper()
	return function(t, s, name).Call(ctx, args, nil)
}

func call(t testing.TB, s *Script, name string, args ...codec.Value) (codec.Value, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return callIn(ctx, t, s, name, args...)
}

// literal reads a value from its Python text.
func literal(t testing.TB, text string) codec.Value {
	t.Helper()
	v, err := codec.ParseLiteral(text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestExpressions(t *testing.T) {
	for _, tt := range []struct{ expr, want string }{
		{`1 + 2 * 3`, `7`},
		{`2 * 3 - 10 // 3 % 2 + (7 & 5) + (1 << 4) + (256 >> 2) + (6 ^ 3) + (8 | 1)`, `104`},
		{`-x() + ~x() - (+x())`, `-16`},
		{`7 / 2`, `3.5`},
		{`1 << 100`, `1267650600228229401496703205376`},
		{`"a" + "b" * 3`, `'abbb'`},
		{`[1, 2] + [3] * 2`, `[1, 2, 3, 3]`},
		{`(1,) * 2 + ()`, `(1, 1)`},
		{`"%s is %d" % ("x", 5)`, `'x is 5'`},
		{`"{} {k}".format(1, k = "v")`, `'1 v'`},
		{`"a,b".split(",")`, `['a', 'b']`},
		{`",".join(["a", "b"]).replace("a", "xx")`, `'xx,b'`},
		{`{"a": 1} | {"b": 2}`, `{'a': 1, 'b': 2}`},
		{`{"a": [1, {"b": (2,)}]}["a"][1]["b"][-1]`, `2`},
		{`[1, 2, 3, 4][1:3] + list("abc".elems())[::-1]`, `[2, 3, 'c', 'b', 'a']`},
		{`[y * k for k, y in {2: 3}.items() if k in (2, 3)]`, `[6]`},
		{`{k: v for k, v in [("a", 1)]}`, `{'a': 1}`},
		{`(lambda a, b = 2, *c, d = 4, **e: [a, b, c, d, e])(1, 5, d = 7, z = 8, *[6])`, `[1, 5, (6,), 7, {'z': 8}]`},
		{`1 < 2 and not 3 <= 2 or None`, `True`},
		{`1 not in [1]`, `False`},
		{`"yes" if len([1]) == 1 else "no"`, `'yes'`},
		{`set([1, 2]) & set([2])`, `set([2])`},
		{`range(3)`, `[0, 1, 2]`},
		{`None`, `None`},
		{`float("inf") > 1e308`, `True`},
		{`"é"`, `'é'`},
		{`b"\xff\x00"`, `b'\xff\x00'`},
		{`str(1.5) + repr("a") + str([b"x"]) + str(True)`, `'1.5"a"[b"x"]True'`},
		{`type(x) + type(objects) + type(connect) + type(connect("127.0.0.1:1"))`, `'functionobjectsbuiltin_function_or_methodpeer'`},
		{`json.decode("[1, null]")`, `[1, None]`},
		{`json.encode({"a": (1,)})`, `'{"a":[1]}'`},
		{`math.floor(2.5) + int(math.pi)`, `5`},
		{`time.parse_duration("1500ms")`, `1.5`},
		{`time.from_timestamp(5)`, `5.0`},
		{`time.now().unix > 0`, `True`},
		{`getattr("a", "nope", 5)`, `5`},
		{`hasattr("a", "upper") and not hasattr("a", "nope")`, `True`},
		{`sorted([3, 1, 2], key = lambda v: -v, reverse = True)`, `[1, 2, 3]`},
		{`loops()`, `[45, [0, 2, 4]]`},
		{`places()`, `[[1, 12], {'n': 2, 'l': [1, 2]}, 3, [4, 5]]`},
		{`connect("127.0.0.1:1") == connect("127.0.0.1:1")`, `True`},
		{`(lambda l: [l.append(l), str(l)][1])([1])`, `'[1, [...]]'`},
		{`max([1, 5, 2]) + min(3, 4) + abs(-1)`, `9`},
		{`dir(1)`, `[]`},
	} {
		t.Run(tt.expr, func(t *testing.T) {
			s := load(t, `
def x(): return 5
def loops():
    n, even = 0, []
    for i in range(10):
        if i == 7: continue
        n += i
    i = 0
    while True:
        if i >= 6: break
        if i % 2 == 0: even.append(i)
        i += 1
    n += 7
    return [n, even]
def places():
    l = [1, 2]
    l[1] *= 6
    d = {"n": 1, "l": [1]}
    d["n"] += 1
    d["l"] += [2]
    (a, [b]) = (3, [[4]])
    b += [5]
    return [l, d, a, b]
def f(): return `+tt.expr+"\n", Env{Connect: noConnect})
			got, err := call(t, s, "f")
			if err != nil {
				t.Fatal(err)
			}
			if want := literal(t, tt.want); !codec.Equal(got, want) {
				t.Errorf("%v, want %v", got, want)
			}
		})
	}
}

func noConnect(context.Context, string) (*nomcore.Peer, error) {
	return nil, errors.New("nobody there")
}

func TestErrors(t *testing.T) {
	const at = " (logic.star:2:"
	for _, tt := range []struct{ body, class, text string }{
		{`fail("boom", 1)`, "RuntimeError", "boom 1" + at},
		{`{}["x"]`, "KeyError", `key "x" not in dict`},
		{`{}.pop("x")`, "KeyError", `missing key`},
		{`[1][5]`, "IndexError", "list index 5 out of range"},
		{`[][1 << 40]`, "IndexError", "out of range"},
		{`[].pop()`, "IndexError", "out of range"},
		{`[1]["a"]`, "TypeError", "want int"},
		{`1 + "a"`, "TypeError", "unknown binary op: int + string" + at},
		{`1 < "a"`, "TypeError", "int < string"},
		{`-"a"`, "TypeError", "unary"},
		{`1 // 0`, "ZeroDivisionError", "division by zero"},
		{`1.0 % 0`, "ZeroDivisionError", "modulo by zero"},
		{`1 << 1000`, "ValueError", "shift count"},
		{`5()`, "TypeError", "invalid call of non-function (int)"},
		{`len(5)`, "TypeError", "has no len"},
		{`int("x")`, "ValueError", "invalid literal"},
		{`int([])`, "ValueError", ""},
		{`"a".nope`, "AttributeError", "no .nope"},
		{`"a".nope()`, "AttributeError", "no .nope"},
		{`"a".index("b")`, "ValueError", "not found"},
		{`[x for x in 5]`, "TypeError", "not iterable"},
		{`json.decode("{")`, "ValueError", "json"},
		{`{[]: 1}`, "RuntimeError", "unhashable"},
		{`objects.nope`, "AttributeError", "stands alone"},
		{`connect("127.0.0.1:1").x`, "RuntimeError", "nobody there"},
		{`range(1 << 30)`, "ValueError", "at most"},
		{`(lambda a: a)()`, "TypeError", "lambda() takes exactly 1 argument (0 given)"},
		{`(lambda a: a)(b = 1)`, "TypeError", "unexpected keyword argument 'b'"},
		{`(lambda a: a)(1, a = 1)`, "TypeError", "multiple values for keyword argument 'a'"},
		{`(lambda: 1)(1)`, "TypeError", "takes no arguments (1 given)"},
		{`(lambda *, k: 1)()`, "TypeError", "needs keyword argument 'k'"},
		{`json`, "TypeError", "module cannot leave"},
		{`1[2:3]`, "TypeError", "invalid slice"},
		{`(lambda x: lambda: x)(1)`, "TypeError", "variables around it"},
	} {
		t.Run(tt.body, func(t *testing.T) {
			s := load(t, "def f():\n    return "+tt.body+"\n", Env{Connect: noConnect})
			v, err := call(t, s, "f")
			exc := nomcore.ExceptionOf(err)
			if err == nil || exc.Class != tt.class || !strings.Contains(exc.Error(), tt.text) {
				t.Errorf("%v, %v: want a %s with %q", v, err, tt.class, tt.text)
			}
		})
	}
}

func TestStatementErrors(t *testing.T) {
	for _, tt := range []struct{ body, class, text string }{
		{"a, b = 1, 2, 3", "ValueError", "too many values to unpack (got 3, want 2)"},
		{"a, b = (1,)", "ValueError", "too few values"},
		{"a, b = 5", "TypeError", "got int in sequence assignment"},
		{"frozen.append(1)", "TypeError", "frozen"},
		{"frozen[0] = 1", "TypeError", "frozen"},
		{"frozen[5] = 1", "IndexError", "out of range"},
		{"(1, 2)[0] = 1", "TypeError", "item assignment"},
		{"'a'.b = 1", "AttributeError", "can't assign to .b"},
		{"f()", "RuntimeError", "called recursively"},
		{"for x in 1: pass", "TypeError", "int value is not iterable (logic.star:3:"},
	} {
		t.Run(tt.body, func(t *testing.T) {
			s := load(t, "frozen = [1]\ndef f():\n    "+tt.body+"\n", Env{})
			_, err := call(t, s, "f")
			exc := nomcore.ExceptionOf(err)
			if err == nil || exc.Class != tt.class || !strings.Contains(exc.Error(), tt.text) {
				t.Errorf("%v: want a %s with %q", err, tt.class, tt.text)
			}
		})
	}
}

func TestBacktrace(t *testing.T) {
	s := load(t, "def inner(d):\n    return d['x']\ndef outer():\n    return [inner(d) for d in [{}]]\n", Env{})
	_, err := call(t, s, "outer")
	want := `key "x" not in dict (logic.star:2:13 in inner, called at logic.star:4:18 in outer)`
	if exc := nomcore.ExceptionOf(err); len(exc.Args) != 1 || !codec.Equal(exc.Args[0], codec.StringValue(want)) {
		t.Errorf("%v\nwant %s", err, want)
	}
}

func TestLoadErrors(t *testing.T) {
	for _, tt := range []struct {
		name, src string
		want      []string // one for each line, after the name of the file
	}{
		{"syntax", "x = 1\ny = (\n", []string{":3:1: got end of file"}},
		{"names", "def f():\n    return a + b\nx = c\n", []string{":2:12: undefined: a", ":2:16: undefined: b", ":3:5: undefined: c"}},
		{"twice", "x = 1\nx = 2\n", []string{":2:1: cannot reassign global x"}},
		{"load", "load('x.star', 'y')\nz = q\n", []string{":1:1: load: a script is one file", ":2:5: undefined: q"}},
		{"fails", "def f():\n    return 1 // 0\nx = f()\n", []string{":2:14: floored division by zero"}},
		{"module", "j = json\nx = 1\nl = [].append\n", []string{":1:1: j: a module cannot leave", ":3:1: l: a builtin_function_or_method cannot leave"}},
		{"number", "state = 1\n", []string{":1:1: state must be a dict, a list or a set, not int"}},
		{"shared", "x = [1]\nstate = {'x': x}\n", []string{":2:1: state shares a part with x"}},
		{"default", "state = []\ndef f(s = state): pass\n", []string{":1:1: state shares a part with f"}},
		{"unset", "if 1 == 2:\n    state = {}\n", []string{":2:5: state is not always set"}},
		{"recursive", "x = []\nx.append(x)\n", []string{":1:1: x: a value nests deeper"}},
		{"shared pairs", "def f():\n    t = ()\n    for i in range(60): t = (t, t)\n    return t\nt = f()\n", []string{":5:1: t is too large"}},
		{"deep", "def f():\n    t = []\n    for i in range(20000): t = [t]\n    return t\n_t = f()\n", []string{":5:1: _t is too large"}},
		{"endless", "while True: pass\n", []string{":1:1: the top level takes more than 1000000 steps"}},
		{"return", "return 1\n", []string{":1:1: return statement not within a function"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := write(t, tt.src)
			_, err := Load(path, Env{Steps: 1_000_000})
			if err == nil {
				t.Fatal("loaded")
			}
			lines := strings.Split(err.Error(), "\n")
			if len(lines) != len(tt.want) {
				t.Fatalf("%v\nwant %d lines", err, len(tt.want))
			}
			for i, want := range tt.want {
				if !strings.HasPrefix(lines[i], path+want) {
					t.Errorf("%s\nwant %s", lines[i], path+want)
				}
			}
			var e *Error
			if !errors.As(err, &e) || e.File != path || e.Line == 0 {
				t.Errorf("no place in %#v", err)
			}
		})
	}
}

func TestLoadOfNoFile(t *testing.T) {
	if _, err := Load(filepath.Join(t.TempDir(), "none.star"), Env{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	if _, err := Load(t.TempDir(), Env{}); err == nil {
		t.Error("a directory was loaded")
	}
	if _, err := Load(write(t, strings.Repeat("#", maxFile+1)), Env{}); err == nil {
		t.Error("a large file was loaded")
	}
	if _, err := Load(write(t, "x = "+strings.Repeat("(", maxFile-4)), Env{}); err == nil {
		t.Error("brackets were loaded")
	}
}

// FuzzLoad checks that no file ends the process or runs without end, and that
// whatever is wrong has a place.
func FuzzLoad(f *testing.F) {
	for _, src := range []string{
		"state = {}\ndef f(a, b = 1, *c, d, **e):\n    a.b.c[d:e] += f(*a, **b)\n    return lambda x = state: x[1] % 2\n",
		"for x in [y for y in range(3) if y]: (a, [b.c, d[0]]) = x, (1, 2)\n",
		"while 1: break\n", "x = {1: 2}['a'] if not -1 else ~+(2)\n", "load('a', 'b')\n", "state |= 1\n",
	} {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src string) {
		s := newScript("x.star", Env{Steps: 10_000, Timeout: 10 * time.Second})
		s.memory = 1 << 20
		defer s.Close()
		err := s.load([]byte(src))
		var e *Error
		if err != nil && !errors.As(err, &e) {
			t.Errorf("%v has no place", err)
		}
	})
}
