package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"nomfs/auth"
	"nomfs/codec"
	"nomfs/fsview"
	"nomfs/nomcore"
)

func TestExitCode(t *testing.T) {
	remote := func(class string, args ...codec.Value) error {
		return fmt.Errorf("demo/x: %w", &nomcore.RemoteError{Exception: codec.Exception{Class: class, Args: args}})
	}
	for _, tt := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{errors.New("anything else"), 1},
		{localf("mount point: %w", fs.ErrNotExist), 1},
		{localf("mount point: %w", fs.ErrPermission), 1},
		{usagef("PATH is missing"), 2},
		{withHint(usagef("PATH is missing"), "a hint"), 2},
		{remote("ValueError"), 3},
		{remote("KeyError"), 4},
		{remote("AttributeError"), 4},
		{remote("NameError"), 4},
		{remote("IndexError"), 4},
		{raised(remote("KeyError")), 3},
		{raised(remote("PermissionError")), 3},
		{noSuch("demo/x", "is a value"), 4},
		{remote("PermissionError"), 5},
		{remote("RuntimeError", codec.StringValue("Access denied")), 5},
		{raised(remote("RuntimeError", codec.StringValue("Access denied"))), 5},
		{remote("RuntimeError", codec.StringValue("access denied")), 3},
		{nomcore.ErrPlainRefused, 5},
		{nomcore.ErrRefused, 5},
		{nomcore.ErrTimeout, 6},
		{nomcore.ErrDown, 6},
		{nomcore.ErrUnreachable, 6},
		{context.DeadlineExceeded, 6},
		{os.ErrDeadlineExceeded, 6},
		{syscall.ENETUNREACH, 6},
		{&net.DNSError{Err: "no such host"}, 6},
		{fmt.Errorf("interrupted: %w", context.Canceled), 130},
		{statusError(77), 77},
		{errors.Join(statusError(77), localf("cannot unmount")), 77},
	} {
		if got := exitCode(tt.err); got != tt.want {
			t.Errorf("exitCode(%v) = %d, want %d", tt.err, got, tt.want)
		}
	}
}

func TestPrintError(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want string
	}{
		{errors.New("it failed"), "nomfs: error: it failed\n"},
		{withHint(errors.New("it failed"), "try %s", "harder"), "nomfs: error: it failed\nnomfs: hint: try harder\n"},
		{withHint(fmt.Errorf("all: %w", withHint(errors.New("one"), "inner")), "outer"), "nomfs: error: all: one\nnomfs: hint: inner\nnomfs: hint: outer\n"},
		{errors.New("\x1b[31mred\nand more\x00"), "nomfs: error: \\x1b[31mred; and more\\x00\n"},
		{errors.New("café"), "nomfs: error: café\n"},
		{statusError(3), ""},
	} {
		var b strings.Builder
		printError(&b, tt.err)
		if b.String() != tt.want {
			t.Errorf("printError(%v) prints %q, want %q", tt.err, b.String(), tt.want)
		}
	}
}

func TestPeerAddr(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"127.0.0.1", "127.0.0.1:12074"},
		{"127.0.0.1:7", "127.0.0.1:7"},
		{"localhost", "localhost:12074"},
		{"localhost:65535", "localhost:65535"},
		{"::1", "[::1]:12074"},
		{"[::1]", "[::1]:12074"},
		{"[::1]:7", "[::1]:7"},
		{"", ""},
		{":7", ""},
		{"host:", ""},
		{"host:0", ""},
		{"host:65536", ""},
		{"host:-1", ""},
		{"host:nom", ""},
		{"a:b:c", ""},
		{"two words", ""},
		{"/dir", ""},
	} {
		got, err := peerAddr(tt.in)
		if (err != nil) != (tt.want == "") || got != tt.want {
			t.Errorf("peerAddr(%q) = %q, %v, want %q", tt.in, got, err, tt.want)
		}
		if err != nil && exitCode(err) != exitUsage {
			t.Errorf("peerAddr(%q): %v is no usage error", tt.in, err)
		}
	}
}

func TestParseWords(t *testing.T) {
	str := codec.StringValue
	for _, tt := range []struct {
		words  string // separated by |
		args   []codec.Value
		kwargs map[string]codec.Value
	}{
		{"1|-5|2.5", []codec.Value{codec.Int(1), codec.Int(-5), codec.Float(2.5)}, nil},
		{"bob|two words|'5'", []codec.Value{str("bob"), str("two words"), str("5")}, nil},
		{"None|True|[1]|(1,)", []codec.Value{codec.None{}, codec.Bool(true), codec.List{codec.Int(1)}, codec.Tuple{codec.Int(1)}}, nil},
		{"=5|==|=", []codec.Value{str("5"), str("="), str("")}, nil},
		{"12:30|a b=c|1=2|-x=1", []codec.Value{str("12:30"), str("a b=c"), str("1=2"), str("-x=1")}, nil},
		{"a=1|b==1|c=x y|_d=", nil, map[string]codec.Value{"a": codec.Int(1), "b": str("1"), "c": str("x y"), "_d": str("")}},
		{"a=1|--|b=2|--|=5", []codec.Value{str("b=2"), str("--"), str("5")}, map[string]codec.Value{"a": codec.Int(1)}},
		{"café|--x", []codec.Value{codec.Text("café"), str("--x")}, nil},
	} {
		args, kwargs, err := parseWords(strings.Split(tt.words, "|"))
		if err != nil || !codec.Equal(codec.Tuple(args), codec.Tuple(tt.args)) || !codec.Equal(codec.MapOf(kwargs), codec.MapOf(tt.kwargs)) {
			t.Errorf("%s: %v %v, %v, want %v %v", tt.words, args, kwargs, err, tt.args, tt.kwargs)
		}
	}
	if _, _, err := parseWords([]string{"a=1", "a=2"}); exitCode(err) != exitUsage {
		t.Errorf("a keyword given twice: %v", err)
	}
}

func TestKeyNames(t *testing.T) {
	str := codec.StringValue
	for _, tt := range []struct {
		keys  []codec.Value
		names []string
	}{
		{[]codec.Value{codec.Int(1), codec.Int(-2)}, []string{"1", "-2"}},
		{[]codec.Value{str("a"), str("a b"), str("a.b"), str("/"), str("")}, []string{"a", "a b", "a.b", "%2F", "%"}},
		{[]codec.Value{str("1"), codec.Int(1)}, []string{"'1'", "1"}},
		{[]codec.Value{str("1")}, []string{"1"}},
		{[]codec.Value{codec.None{}, str("None")}, []string{"None", "'None'"}},
		{[]codec.Value{codec.Tuple{codec.Int(1), str("x")}}, []string{"(1, 'x')"}},
		{[]codec.Value{codec.Bytes("\xff"), str("é")}, []string{"%FF", "é"}},
	} {
		names := fsview.KeyNames(tt.keys)
		for i, name := range names {
			if name != tt.names[i] {
				t.Errorf("%v is called %q, want %q", tt.keys[i], name, tt.names[i])
			}
			if key, ok := fsview.KeyOf(name, tt.keys); !ok || !codec.Equal(key, tt.keys[i]) {
				t.Errorf("%q is the key %v, want %v", name, key, tt.keys[i])
			}
		}
	}
}

// TestControlsAreViews checks that what the commands know beside attributes has the
// same name in a mount.
func TestControlsAreViews(t *testing.T) {
	for name := range controls {
		if !fsview.IsView(name) {
			t.Errorf("%s is an attribute in a mount", name)
		}
	}
}

// truncatedPeer answers with the beginning of each listing.
type truncatedPeer struct{ fsview.Remote }

var errCut = fmt.Errorf("x: %w after 2 entries", codec.ErrPartial)

func (truncatedPeer) List(context.Context) ([]string, error) { return []string{"b", "a"}, errCut }

func (truncatedPeer) Resolve(context.Context, string) (codec.Value, error) {
	return codec.Ref{ID: "1"}, nil
}

func (truncatedPeer) Keys(context.Context, codec.Ref) ([]codec.Value, error) {
	return []codec.Value{codec.Int(1), codec.Int(0)}, errCut
}

func (truncatedPeer) Describe(context.Context, codec.Ref) (codec.Description, error) {
	return codec.Description{Attrs: []codec.AttrInfo{{Name: "a"}, {Name: "b"}}}, errCut
}

// TestTruncatedListing checks that the beginning of a listing is shown, and that it is
// not taken for all of it.
func TestTruncatedListing(t *testing.T) {
	for path, want := range map[string]string{"": "a b", "x": "a b", "x/index": "0 1"} {
		at, err := walk(t.Context(), truncatedPeer{}, path)
		if err != nil {
			t.Fatal(err)
		}
		names, _, err := at.list(t.Context(), truncatedPeer{})
		if got := strings.Join(names, " "); got != want || !isTruncated(err) || exitCode(err) != exitFailure {
			t.Errorf("%q: %s, %v", path, got, err)
		}
	}
	if _, err := walk(t.Context(), truncatedPeer{}, "x/index/7"); err != nil {
		t.Errorf("an item that is left out: %v", err)
	}
}

func TestParseKey(t *testing.T) {
	for _, tt := range []struct {
		file string
		want codec.Value // nil: no possible name
	}{
		{"5", codec.Int(5)},
		{"-1", codec.Int(-1)},
		{"'5'", codec.StringValue("5")},
		{"apples", codec.StringValue("apples")},
		{"1.5", codec.StringValue("1.5")},
		{"True", codec.StringValue("True")},
		{"(1, 2)", codec.Tuple{codec.Int(1), codec.Int(2)}},
		{"1, 2", codec.StringValue("1, 2")},
		{"1:3", codec.Slice{Start: 1, Stop: 3, Step: 1}},
		{"::2", codec.Slice{Start: 0, Stop: 1<<31 - 1, Step: 2}},
		{"a:b", codec.StringValue("a:b")},
		{"%2Fhome", codec.StringValue("/home")},
		{"%", codec.StringValue("")},
		{"100%", nil},
		{"%41", nil},
	} {
		got, ok := fsview.KeyOf(tt.file, nil)
		if ok != (tt.want != nil) || ok && !codec.Equal(got, tt.want) {
			t.Errorf("%q is the key %v, %v, want %v", tt.file, got, ok, tt.want)
		}
	}
}

func TestParseValue(t *testing.T) {
	for _, tt := range []struct {
		text string
		cur  codec.Value
		want codec.Value // nil: refused
	}{
		{"5", codec.Int(1), codec.Int(5)},
		{"x", codec.Int(1), nil},
		{"5", codec.Float(1), codec.Float(5)},
		{"yes", codec.Bool(false), codec.Bool(true)},
		{"5", codec.StringValue("x"), codec.StringValue("5")},
		{"a\n", codec.StringValue("x"), codec.StringValue("a\n")},
		{"a\n", codec.Bytes("\xff"), codec.Bytes("a\n")},
		{"[1]", codec.List{}, codec.List{codec.Int(1)}},
		{"(1,)", codec.List{}, nil},
		{"5", nil, codec.Int(5)},
		{"five", codec.None{}, codec.StringValue("five")},
	} {
		got, err := parseValue(tt.text, tt.cur)
		if (err == nil) != (tt.want != nil) || err == nil && !codec.Equal(got, tt.want) {
			t.Errorf("%q over %v is %v, %v, want %v", tt.text, tt.cur, got, err, tt.want)
		}
	}
}

// TestDemoUnmounted shows the demo as on a machine that cannot mount.
func TestDemoUnmounted(t *testing.T) {
	svc, err := listen("127.0.0.1:0", []string{"demo", "host"}, &nomcore.Config{Authenticator: auth.Default})
	if err != nil {
		t.Fatal(err)
	}
	defer svc.Close()
	var stdout, stderr strings.Builder
	e := &env{stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr}
	addr := svc.Addr().String()
	if err := e.showUnmounted(addr); err != nil || stderr.Len() > 0 {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	for _, want := range []string{
		"$ nomfs get " + addr + " host/memory/available\n",
		"\nnumbers\n",
		"$ nomfs get " + addr + " demo/number\n5\n",
		"$ nomfs call " + addr + " demo/add 2 b=3\n5\n",
	} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("%q is missing in\n%s", want, stdout.String())
		}
	}
}
