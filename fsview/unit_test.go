//go:build linux

package fsview

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"nomfs/codec"
)

func TestNames(t *testing.T) {
	for _, tt := range []struct {
		s     string
		style nameStyle
		name  string
	}{
		{"plain", attrNames, "plain"},
		{"", attrNames, "%"},
		{"%", attrNames, "%25"},
		{"a.b", attrNames, "a%2Eb"},
		{"a.b", plainNames, "a.b"},
		{".git", plainNames, "%2Egit"},
		{"..", attrNames, "%2E%2E"},
		{"a/b", plainNames, "a%2Fb"},
		{"a b é", attrNames, "a b é"},
		{"\n\x1b\x7f\x00", attrNames, "%0A%1B%7F%00"},
		{"\xff\xc3", attrNames, "%FF%C3"},
		{"index", attrNames, "index%"},
		{"index", plainNames, "index"},
		{"index%", attrNames, "index%25"},
		{"-rf", attrNames, "-rf"},
	} {
		if got := encodeName(tt.s, tt.style); got != tt.name {
			t.Errorf("encodeName(%q) = %q, want %q", tt.s, got, tt.name)
		}
		if got, ok := decodeName(tt.name, tt.style); !ok || got != tt.s {
			t.Errorf("decodeName(%q) = %q, %v, want %q", tt.name, got, ok, tt.s)
		}
	}
	for _, bad := range []string{"a%62", "a%2eb", "a%", "a%4", "%zz", "a.b", "call", "x%"} {
		if s, ok := decodeName(bad, attrNames); ok {
			t.Errorf("decodeName(%q) = %q, want refused", bad, s)
		}
	}
}

func FuzzNames(f *testing.F) {
	for _, s := range []string{"", "call", "a.b", "%", ".", "\xff", "a/b", "index%", "é\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, style := range []nameStyle{plainNames, attrNames} {
			name := encodeName(s, style)
			if back, ok := decodeName(name, style); !ok || back != s {
				t.Errorf("%q -> %q -> %q, %v", s, name, back, ok)
			}
			if strings.ContainsAny(name, "/\x00\n") || name == "" || name[0] == '.' || !utf8.ValidString(name) {
				t.Errorf("%q -> %q cannot be a file name", s, name)
			}
			if style == attrNames && (isWord(name) || strings.Contains(name, ".")) {
				t.Errorf("%q -> %q is taken", s, name)
			}
			if d, ok := decodeName(s, style); ok && encodeName(d, style) != s {
				t.Errorf("file name %q means %q, which is spelled %q", s, d, encodeName(d, style))
			}
		}
	})
}

func TestScratch(t *testing.T) {
	for name, want := range map[string]bool{
		".x.swp": true, "x~": true, "#x#": true, "4913": true, "sedAbCdEf": true, "tmpx": true, "a.tmp": true,
		".dir": false, "x.repr": false, "x.json": false, "x~.repr": true, "x.repr~": true, "x.json.tmp": true,
		"XXwfS6PD": true, "XXlarger": false, "CuwfS6PD": false,
		"number": false, "sedation": false, "sed": false, "x1": false, "%": false, "index%": false,
	} {
		if got := isScratch(name); got != want {
			t.Errorf("isScratch(%q) = %v", name, got)
		}
	}
}

func TestErrno(t *testing.T) {
	ex := func(class string, args ...codec.Value) error {
		return fmt.Errorf("peer: %w", codec.Exception{Class: class, Args: args})
	}
	for _, tt := range []struct {
		err  error
		op   opSet
		want syscall.Errno
	}{
		{nil, opGet, 0},
		{ex("AttributeError"), opGet, syscall.ENOENT},
		{ex("AttributeError"), opDelete, syscall.ENOENT},
		{ex("AttributeError"), opSetValue, syscall.EPERM},
		{ex("AttributeError"), opCall, syscall.EREMOTEIO},
		{ex("AttributeError"), opLen, syscall.ENOTSUP},
		{ex("NameError"), opLookup, syscall.ENOENT},
		{ex("KeyError"), opItem, syscall.ENOENT},
		{ex("IndexError"), opDelete, syscall.ENOENT},
		{ex("KeyError"), opCall, syscall.EREMOTEIO},
		{ex("PermissionError"), opSetValue, syscall.EACCES},
		{ex("RuntimeError", codec.Bytes("Access denied")), opGet, syscall.EACCES},
		{ex("RuntimeError", codec.Bytes("other")), opGet, syscall.EREMOTEIO},
		{ex("TypeError"), opCall, syscall.EINVAL},
		{ex("ValueError"), opSetValue, syscall.EINVAL},
		{ex("TypeError"), opLen, syscall.ENOTSUP},
		{ex("TypeError"), opItem, syscall.ENOTSUP},
		{ex("NotImplementedError"), opGet, syscall.ENOTSUP},
		{ex("OverflowError"), opGet, syscall.ERANGE},
		{ex("ZeroDivisionError"), opGet, syscall.EDOM},
		{ex("MemoryError"), opGet, syscall.ENOMEM},
		{ex("RecursionError"), opGet, syscall.ELOOP},
		{ex("OSError", codec.Int(28), codec.Bytes("full")), opSetValue, syscall.ENOSPC},
		{ex("IOError", codec.Int(5)), opGet, syscall.EREMOTEIO},
		{ex("OSError", codec.Int(38)), opGet, syscall.ENOTSUP},
		{ex("OSError", codec.Int(4)), opGet, syscall.EREMOTEIO},
		{ex("OSError", codec.Int(99999)), opGet, syscall.EREMOTEIO},
		{ex("OSError", codec.Bytes("x")), opGet, syscall.EREMOTEIO},
		{ex("ReferenceError"), opGet, syscall.ESTALE},
		{ex("Oops"), opCall, syscall.EREMOTEIO},
		{context.DeadlineExceeded, opGet, syscall.ETIMEDOUT},
		{os.ErrDeadlineExceeded, opGet, syscall.ETIMEDOUT},
		{fmt.Errorf("down: %w", syscall.EHOSTDOWN), opGet, syscall.EHOSTDOWN},
		{fmt.Errorf("big: %w", syscall.EMSGSIZE), opSetValue, syscall.EMSGSIZE},
		{syscall.ENOSYS, opGet, syscall.ENOTSUP},
		{syscall.EIO, opGet, syscall.EREMOTEIO},
		{errors.ErrUnsupported, opLen, syscall.ENOTSUP},
		{fs.ErrPermission, opGet, syscall.EACCES},
		{fs.ErrNotExist, opGet, syscall.ENOENT},
		{errInterrupted, opGet, syscall.EINTR},
		{errors.New("what"), opGet, syscall.EREMOTEIO},
	} {
		if got := errnoOf(tt.err, tt.op); got != tt.want {
			t.Errorf("errnoOf(%v, %d) = %v, want %v", tt.err, tt.op, got, tt.want)
		}
	}
	r := codec.Ref{ID: "42"}
	for err, want := range map[error]bool{
		&wrapped{ex("KeyError", codec.Long("42"))}: true,
		&wrapped{ex("KeyError", codec.Int(42))}:    true,
		&wrapped{ex("KeyError", codec.Int(41))}:    false,
		&wrapped{ex("KeyError", codec.Bytes("x"))}: false,
		&wrapped{ex("ReferenceError")}:             true,
		syscall.ESTALE:                             true,
		syscall.EINVAL:                             false,
	} {
		if got := isStale(err, r); got != want {
			t.Errorf("isStale(%v) = %v", err, got)
		}
	}
}

// wrapped makes any error a map key.
type wrapped struct{ error }

func (w *wrapped) Unwrap() error { return w.error }

func TestText(t *testing.T) {
	for _, tt := range []struct {
		cur  codec.Value
		text string
		want string // repr of the value, or the error after "!"
	}{
		{codec.Int(1), "5\n", "5"},
		{codec.Int(1), " 0x10 \n", "16"},
		{codec.Int(1), "x\n", "!want int"},
		{codec.Int(1), "5.0", "!want int, got float"},
		{codec.Int(1), "True", "!want int, got bool"},
		{codec.Float(1), "5", "5.0"},
		{codec.Float(1), "inf", "inf"},
		{codec.Float(1), "1e400", "inf"},
		{codec.Bool(true), "off\n", "False"},
		{codec.Bool(true), "maybe", "!want bool"},
		{codec.Bytes("a"), "b\n\n", `'b\n'`},
		{codec.Bytes("a"), "é\n", `b'\xc3\xa9'`},
		{codec.Bytes("\xff"), "b\n", `'b\n'`},
		{codec.Text("a"), "b", "u'b'"},
		{codec.Text("a"), "\xff", "!want text"},
		{codec.None{}, "5", "5"},
		{codec.None{}, "a b", "'a b'"},
		{nil, "[1, 'x']\n", "[1, 'x']"},
		{nil, "it's\n", `"it's"`},
		{codec.List{}, "(1,)", "!want list, got tuple"},
		{codec.List{}, "[1,", "!want list"},
		{codec.Ref{}, "1", "!reference"},
	} {
		v, err := parseText([]byte(tt.text), tt.cur)
		got := ""
		if err != nil {
			got = "!" + err.Error()
		} else {
			got = v.String()
		}
		if want, bad := strings.CutPrefix(tt.want, "!"); got != tt.want && !(bad && err != nil && strings.HasPrefix(err.Error(), want)) {
			t.Errorf("parseText(%q, %v) = %s, want %s", tt.text, tt.cur, got, tt.want)
		}
		if err != nil && !errors.Is(err, syscall.EINVAL) {
			t.Errorf("parseText(%q): %v is not EINVAL", tt.text, err)
		}
	}
	// What reading shows is what writing makes.
	m, _ := codec.NewMap(codec.Pair{Key: codec.Int(1), Value: codec.Text("é")})
	for _, v := range []codec.Value{
		codec.None{}, codec.Bool(true), codec.Int(-5), codec.Long("5"), codec.Long("99999999999999999999"), codec.Float(0.1),
		codec.Float(math.Inf(-1)), codec.Float(math.NaN()), codec.Bytes(""), codec.Bytes("a\n"), codec.Bytes("\x00"), codec.Text("é\n"), codec.Text("a"),
		codec.List{codec.Bytes("\xff"), codec.Tuple{}}, codec.Tuple{codec.Int(1)}, codec.Set{codec.Int(1)}, m,
	} {
		back, err := parseText(render(v), v)
		if err != nil || !codec.Equal(v, back) || fmt.Sprintf("%T", v) != fmt.Sprintf("%T", back) {
			t.Errorf("%T %v became %T %v, %v", v, v, back, back, err)
		}
	}
}

func TestWriteState(t *testing.T) {
	page := strings.Repeat("x", pageSize)
	for _, tt := range []struct {
		name  string
		start string
		app   bool
		steps string // w TEXT, W (a page), f flush, t truncate, e (the commit fails), d (it is deferred), 0 (write at the start)
		want  string // the commits, in order, and errors as !
	}{
		{"echo", "", false, "f|w a\n|f|f", "a\n"},
		{"two lines", "", false, "w a\n|w b\n|f", "a\n,a\nb\n"},
		{"empty flush", "", false, "f|t|f", ""},
		{"pages then rest", "", false, "W|w r|f", "4097"},
		{"only pages", "", false, "W|W|f", "8192"},
		{"append", "old\n", true, "w new\n|f", "old\nnew\n"},
		{"append, refused, then good", "old\n", true, "ew new\n|w good\n|f", "old\nnew\n,old\ngood\n"},
		{"append, refused at the flush", "old\n", true, "W|ef|w good\n|f", "4100,old\ngood\n"},
		{"refused", "", false, "ew a\n|f", "a\n"},
		{"refused, then good", "", false, "ew a\n|w b\n|f", "a\n,b\n"},
		{"deferred", "", false, "dw [1,\n|w 2]\n|f", "[1,\n,[1,\n2]\n"},
		{"deferred to the end", "", false, "dw [1,\n|f", "[1,\n,[1,\n"},
		{"deferred, then again from the start", "", false, "dw [1,\n|0 [2]\n|f", "[1,\n,[2]\n"},
		{"deferred, then truncated", "", false, "dw [1,\n|t|f|w [2]\n", "[1,\n,[2]\n"},
		{"incomplete at a flush, then complete", "", false, "dw [1,\n|df|w 2]\n|f", "[1,\n,[1,\n,[1,\n2]\n"},
		{"again from the start", "", false, "w a\n|0 b\n|f", "a\n,b\n"},
		{"from the start too early", "", false, "W|0 b\n", "!"},
	} {
		w := newWriteState([]byte(tt.start), tt.app)
		var got []string
		for step := range strings.SplitSeq(tt.steps, "|") {
			fail := strings.HasPrefix(step, "e")
			later := strings.HasPrefix(step, "d")
			step = strings.TrimLeft(step, "ed")
			var commit bool
			var err error
			switch {
			case step == "f":
				commit = w.flush()
			case step == "t":
				err = w.truncate(0)
			case step == "W":
				commit, err = w.write([]byte(page), int64(len(w.buf)))
			case step[0] == '0':
				commit, err = w.write([]byte(step[2:]), 0)
			default:
				commit, err = w.write([]byte(step[2:]), int64(len(w.buf)))
			}
			if err != nil {
				got = append(got, "!")
			}
			if !commit {
				continue
			}
			if text := string(w.text()); len(text) < pageSize {
				got = append(got, text)
			} else {
				got = append(got, fmt.Sprint(len(text)))
			}
			switch {
			case fail:
				w.failed()
			case later:
				w.deferCommit()
			default:
				w.committed()
			}
		}
		if strings.Join(got, ",") != tt.want {
			t.Errorf("%s: committed %q, want %q", tt.name, got, tt.want)
		}
	}
	w := newWriteState(nil, false)
	for off := 0; ; off += pageSize {
		_, err := w.write([]byte(page), int64(off))
		if err == nil {
			continue
		}
		if !errors.Is(err, syscall.EMSGSIZE) || w.flush() || off+pageSize < maxDatagram {
			t.Errorf("at %d: %v, then flush %v", off, err, w.flush())
		}
		break
	}
	if _, err := w.write([]byte("x"), 5); !errors.Is(err, syscall.EINVAL) {
		t.Errorf("write with a hole: %v", err)
	}
	if err := w.truncate(7); !errors.Is(err, syscall.EINVAL) {
		t.Errorf("truncate to 7: %v", err)
	}
}

func TestRelative(t *testing.T) {
	for _, tt := range [][3]string{
		{"demo", "demo", "."},
		{"demo/a", "demo", ".."},
		{"demo/a/index", "demo", "../.."},
		{"demo", "other", "../other"},
		{"demo/a/b", ".nom/obj/1", "../../../.nom/obj/1"},
		{".nom/obj/1", ".nom/obj/2", "../2"},
		{"", "demo", "demo"},
	} {
		if got := relative(tt[0], tt[1]); got != tt[2] {
			t.Errorf("relative(%q, %q) = %q, want %q", tt[0], tt[1], got, tt[2])
		}
	}
}

func TestKeys(t *testing.T) {
	for name, want := range map[string]codec.Value{
		"5": codec.Int(5), "-1": codec.Int(-1), "'5'": codec.Bytes("5"), "foo": codec.Bytes("foo"), "a.b": codec.Bytes("a.b"),
		"(1, 2)": codec.Tuple{codec.Int(1), codec.Int(2)}, "1:3": codec.Slice{Start: 1, Stop: 3, Step: 1},
		"::2":  codec.Slice{Start: 0, Stop: math.MaxInt32, Step: 2},
		"::-1": codec.Slice{Start: math.MaxInt32, Stop: math.MinInt32, Step: -1},
		"%":    codec.Bytes(""), "b'\\xff'": codec.Bytes("\xff"), "1:x": codec.Bytes("1:x"), "None": codec.Bytes("None"),
	} {
		got, ok := spelledKey(name)
		if !ok || !codec.Equal(got, want) {
			t.Errorf("spelledKey(%q) = %v, %v, want %v", name, got, ok, want)
		}
	}
	for _, key := range []codec.Value{codec.Int(5), codec.Bytes("5"), codec.Bytes("a/b"), codec.Bytes("1:2"), codec.Text("é"), codec.Bytes("\xff"), codec.Bytes("'q'")} {
		name := guessedName(key)
		if got, ok := spelledKey(name); !ok || !codec.Equal(got, key) {
			t.Errorf("key %v is named %q, which means %v", key, name, got)
		}
	}
}

func TestMountinfo(t *testing.T) {
	text := `22 1 0:5 / / rw,relatime - ext4 /dev/root rw
36 22 0:50 / /mnt/a\040b rw,nosuid shared:1 master:2 - fuse.nomfs 127.0.0.1:12074 rw,user_id=0
bogus
`
	got := parseMountinfo(text)
	if len(got) != 2 || got[1] != (mountEntry{"/mnt/a b", "fuse.nomfs", "127.0.0.1:12074"}) {
		t.Errorf("got %+v", got)
	}
}

// testPeer returns the only peer of a mount that is mounted nowhere.
func testPeer(t *testing.T, r Remote) *peer {
	t.Helper()
	f, err := newFsys("/", []Peer{{Remote: r}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.tasks.close(errUnmounted) })
	return f.peers[0]
}

// TestReferences follows a reference from where it came to where it goes back.
func TestReferences(t *testing.T) {
	f := newFake()
	var refs []codec.Ref
	for i := range 4 {
		o := &fakeObject{label: string(rune('a' + i))}
		refs = append(refs, f.add(o))
	}
	p := testPeer(t, f)
	later := func(d time.Duration) time.Time { return time.Now().Add(d) }
	nested, _ := codec.NewMap(codec.Pair{Key: codec.Int(1), Value: codec.List{refs[2], codec.Tuple{refs[3]}}})
	p.refs.got(codec.List{refs[0], refs[1], nested})
	h := newLease(p, new(int))
	h.set(refs[0])
	h.set(refs[0])
	id := p.idName(refs[2])
	p.refs.keep(refs[3], resultRefTime)
	p.giveBack(time.Now())
	if len(f.released) != 0 {
		t.Fatalf("given back at once: %v", f.released)
	}
	p.giveBack(later(2 * refIdle))
	if got := strings.Join(f.released, " "); got != "1002 1003" {
		t.Errorf("given back %q, want those that nobody uses", got)
	}
	if _, ok := p.byID(id); ok {
		t.Error("what was given back still has a place")
	}
	h.set(refs[1])
	h.end()
	h.end()
	p.giveBack(later(2 * refIdle))
	p.giveBack(later(4 * refIdle))
	if got := strings.Join(f.released, " "); got != "1001 1002 1002 1003" {
		t.Errorf("given back %q; each time that it was got, once", got)
	}
	if all := p.refs.all(); len(all) != 1 || all[0] != refs[3] {
		t.Errorf("kept %v, want the result of a call", all)
	}
}

// TestBurst checks when single requests become one for all.
func TestBurst(t *testing.T) {
	p := testPeer(t, newFake())
	b := new(burst)
	for i := range burstLookups {
		if b.wants(p) {
			t.Fatalf("after %d", i)
		}
	}
	if !b.wants(p) {
		t.Errorf("not after %d", burstLookups)
	}
	b.since = b.since.Add(-time.Second)
	b.waited, b.waits = time.Second, burstLookups // for answers
	if !b.wants(p) {
		t.Error("not on a slow line")
	}
	b.since = b.since.Add(-time.Second)
	if b.depth = burstLookups / 2; !b.wants(p) { // two walks of four directories
		t.Error("not on a slow line with a long path")
	}
	b.last = p.stamp()
	if b.wants(p) {
		t.Error("again, while the answer is fresh")
	}
	b.last.at = b.last.at.Add(-maxAge)
	b.since = b.since.Add(-time.Minute)
	if !b.wants(p) {
		t.Error("not while it goes on")
	}
	p.changed()
	if b.wants(p) {
		t.Error("although something was written")
	}
	*b = burst{pause: time.Now().Add(time.Minute)}
	for range 2 * burstLookups {
		if b.wants(p) {
			t.Fatal("although it failed")
		}
	}
}
