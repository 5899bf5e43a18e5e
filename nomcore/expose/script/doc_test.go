package script

import (
	"os"
	"strings"
	"testing"

	"nomfs/codec"
	"nomfs/nomcore"
)

// docExample is the script of the package comment: its first block.
func docExample(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	var src strings.Builder
	for line := range strings.Lines(string(text)) {
		code, isCode := strings.CutPrefix(line, "//\t")
		switch {
		case isCode:
			src.WriteString(code)
		case src.Len() > 0 && line == "//\n":
			src.WriteString("\n")
		case src.Len() > 0:
			return src.String()
		}
	}
	t.Fatal("no example")
	return ""
}

func TestPackageComment(t *testing.T) {
	s := newScript("a.star", Env{})
	defer s.Close()
	if err := s.load([]byte(docExample(t))); err != nil {
		t.Fatal(err)
	}
	if v := get(t, s, "version"); !codec.Equal(v, literal(t, "'1.2'")) {
		t.Errorf("version is %v", v)
	}
	var heard codec.Value
	watcher := nomcore.Func(func(v codec.Value) { heard = v })
	if v, err := call(t, s, "move", codec.Bool(true), codec.Int(3)); err != nil || !codec.Equal(v, codec.Int(1)) {
		t.Errorf("move: %v, %v", v, err)
	}
	if v := get(t, s, "state"); !codec.Equal(v, literal(t, "{'open': True, 'moved': 1, 'watchers': []}")) {
		t.Errorf("state is %v", v)
	}
	if _, err := call(t, s, "watch", watcher); err != nil {
		t.Errorf("watch: %v", err)
	}
	if v, err := call(t, s, "move", codec.Bool(false)); err != nil || !codec.Equal(v, codec.Int(2)) || !codec.Equal(heard, codec.Bool(false)) {
		t.Errorf("move: %v, %v; the watcher heard %v", v, err, heard)
	}
	for _, tt := range []struct {
		args []codec.Value
		want string
	}{
		{[]codec.Value{codec.Bool(true), codec.Int(50)}, "RuntimeError: a gate is not a door: at most 30 (a.star:9:13 in move)"},
		{nil, "TypeError: move() takes at least 1 argument (0 given)"},
	} {
		if _, err := call(t, s, "move", tt.args...); err == nil || err.Error() != tt.want {
			t.Errorf("move%v: %v, want %s", tt.args, err, tt.want)
		}
	}
}
