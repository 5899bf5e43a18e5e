package expose

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nomfs/codec"
	"nomfs/nomcore"
)

// TestDataComplains: what is wrong with a file is said once, and only if it
// stays wrong.
func TestDataComplains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "d.json")
		put := func(text string) {
			t.Helper()
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		put(`{"a": 1}`)
		log := new(lockedBuffer)
		tree := &tree{path: path, format: "json", log: slog.New(slog.NewTextHandler(log, nil))}
		if err := tree.refresh(); err != nil {
			t.Fatal(err)
		}
		said := func(what string, want int) {
			t.Helper()
			synctest.Wait()
			if n := strings.Count(log.String(), "data file"); n != want {
				t.Errorf("%s: the log has %d lines, want %d:\n%s", what, n, want, log)
			}
		}
		put("")
		tree.now()
		put(`{"a": 2}`)
		tree.now()
		time.Sleep(2 * sayAfter)
		said("one that was empty for a moment", 0)
		put(`{"a": `)
		if v := tree.now(); v.String() != "{'a': 2}" {
			t.Errorf("while it is written there is %v", v)
		}
		said("one that is being written", 0)
		time.Sleep(2 * sayAfter)
		said("one that stays like that, and nobody reads", 1)
		tree.now()
		said("one that stays like that", 1)
		put(`[]`)
		tree.now()
		said("another mistake", 2)
		put(`{"a": 3}`)
		tree.now()
		put("")
		tree.now()
		tree.close()
		time.Sleep(2 * sayAfter)
		said("one that was closed", 2)
	})
}

// TestYAMLVersion: the versions that say so are read alike.
func TestYAMLVersion(t *testing.T) {
	for _, head := range []string{"", "---\n", "%YAML 1.1\n---\n", "%YAML 1.2\n---\n", "# a comment\n\n%YAML  1.2 # 1.2\r\n---\n"} {
		v, err := dataValue([]byte(head+"a: '%YAML 1.2'\nb: 0o17\n"), "yaml")
		if err != nil || v.String() != "{'a': '%YAML 1.2', 'b': 15}" {
			t.Errorf("%q: %v, %v", head, v, err)
		}
	}
	if v, err := dataValue([]byte("%YAML 2.0\n---\na: 1\n"), "yaml"); err == nil {
		t.Errorf("another version: %v", v)
	}
}

func TestData(t *testing.T) {
	path := writeConfig(t, `
[objects.stock]
data = "stock.json"
[objects.yaml]
data = "d.yml"
[objects.toml]
data = "d.toml"
[objects.list]
data = "list"
format = "json"
`)
	dir := filepath.Dir(path)
	put := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("d.yml", "a: [1, 2.5, x, null, true]\nday: 2001-12-14\n5: five\nnest: {b: 1}\n")
	put("d.toml", "a = 1\nday = 1979-05-27T07:32:00Z\ntime = 07:32:00\n[nest]\nb = [1, 2]\n")
	put("list", `[1, {"a": null}]`)
	e := exposeFile(t, path)
	for _, tt := range []struct{ path, want string }{
		{"yaml.a", "[1, 2.5, 'x', None, True]"}, {"yaml.nest", "{'b': 1}"}, {"yaml.day", "'2001-12-14'"},
		{"toml.a", "1"}, {"toml.nest", "{'b': [1, 2]}"}, {"toml.day", "'1979-05-27T07:32:00Z'"}, {"toml.time", "'07:32:00'"},
		{"stock.apples", "3"}, {"list.x", "AttributeError"},
	} {
		v, err := e.get(tt.path)
		wants(t, tt.path, v, err, tt.want)
	}
	wants(t, "set", nil, e.set("stock.apples", codec.Int(4)), "AttributeError: attribute 'apples' is read-only")
	wants(t, "set what there is not", nil, e.set("stock.cherries", codec.Int(4)), "AttributeError: 'Data' object has no attribute 'cherries'")
	item := func(name string, key codec.Value, want string) {
		t.Helper()
		r, _ := e.at(name + ".x")
		v, err := e.peer.GetItem(context.Background(), r, key)
		wants(t, fmt.Sprintf("%s[%v]", name, key), v, err, want)
	}
	item("yaml", codec.Int(5), "'five'")
	item("stock", str("apples"), "3")
	item("stock", str("pears"), "KeyError")
	item("list", codec.Int(-1), "{'a': None}")
	item("list", codec.Int(2), "IndexError")
	item("list", str("x"), "TypeError")
	const fixed = "TypeError: the items of a 'Data' object are read-only: only the file changes them"
	for _, name := range []string{"stock", "list"} {
		r, _ := e.at(name + ".x")
		wants(t, "set an item of "+name, nil, e.peer.SetItem(context.Background(), r, codec.Int(0), codec.Int(1)), fixed)
		wants(t, "delete an item of "+name, nil, e.peer.DelItem(context.Background(), r, codec.Int(0)), fixed)
	}
	r, _ := e.at("stock.x")
	wants(t, "delete", nil, e.peer.DelAttr(context.Background(), r, "apples"), "AttributeError: can't delete attribute 'apples': only the file changes it")
	wants(t, "delete what there is not", nil, e.peer.DelAttr(context.Background(), r, "cherries"), "AttributeError: 'Data' object has no attribute 'cherries'")

	stock, _ := e.at("stock.x")
	for n := range 20 { // faster than the clock of any file system
		put("stock.json", fmt.Sprintf(`{"apples": %d}`, n%10))
		v, err := e.peer.GetAttr(context.Background(), stock, "apples")
		wants(t, "apples", v, err, fmt.Sprint(n%10))
	}
	put("stock.json", `{"apples": `)
	v, err := e.get("stock.apples")
	wants(t, "apples, while the file is being written", v, err, "9")
	put("stock.json", `[]`)
	v, err = e.get("stock.apples")
	wants(t, "apples, which the file has no more", v, err, "9")
	put("stock.json", `{"pears": 1}`)
	v, err = e.get("stock.pears")
	wants(t, "pears", v, err, "1")
	put("stock.json", `["plums"]`)
	if err := e.served.Reload(); err != nil {
		t.Fatal(err)
	}
	item("stock", codec.Int(0), "'plums'")
	if _, err := e.peer.GetAttr(context.Background(), stock, "pears"); !errors.Is(err, nomcore.ErrStale) {
		t.Errorf("the table that it was: %v", err)
	}
}
