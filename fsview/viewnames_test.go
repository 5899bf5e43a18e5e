//go:build linux

package fsview

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestViewTable checks that each view has one name, and what makes its file.
func TestViewTable(t *testing.T) {
	seen := make(map[string]bool)
	for v := range numViews {
		row := viewTable[v]
		key := fmt.Sprint(row.in, " ", row.name)
		if row.name == "" || row.perm == 0 || row.help == "" || seen[key] {
			t.Errorf("view %d has a row of its own: %+v", v, row)
		}
		seen[key] = true
		makers := 0
		for _, has := range []bool{viewMakers[v].object != nil, viewMakers[v].attr != nil, nomMakers[v] != nil} {
			if has {
				makers++
			}
		}
		if byTree := row.in == inTop || row.in == inPeer; makers != 1 != byTree {
			t.Errorf("%d functions make the file of %s", makers, row.name)
		}
		if got, ok := viewIn(row.in, row.name); !ok || got != v {
			t.Errorf("%s is not found", row.name)
		}
	}
	if viewNom.name() != nomDir || objPath != nomDir+"/"+viewNomObj.name() {
		t.Errorf("the paths of %s and %s are others", nomDir, objPath)
	}
}

// TestViewNames checks how the names of views are told from those of attributes, and
// of tools' files.
func TestViewNames(t *testing.T) {
	for v := range numViews {
		row := viewTable[v]
		file := row.name
		switch row.in {
		case inObject:
		case ofAttr:
			file = "number." + row.name
		default:
			continue
		}
		if got, _, ok := objectView(file); !ok || got != v {
			t.Errorf("%s means view %d, %v", file, got, ok)
		}
		if !isOurs(file) || !IsView(file) || isScratch(file) || isScratch(file) != isScratch("number") {
			t.Errorf("%s is not kept for the tree", file)
		}
		if _, ok := decodeName(file, attrNames); ok {
			t.Errorf("%s is also an attribute", file)
		}
		if name := encodeName(row.name, attrNames); isOurs(name) || strings.HasPrefix(name, ".") || isWord(row.name) && name != row.name+"%" {
			t.Errorf("the attribute %s is spelled %s", row.name, name)
		}
		if !isScratch(file+"~") || !isScratch(file+".swp") {
			t.Errorf("%s~ is no tool's file", file)
		}
	}
	for _, file := range []string{".git", "x.tmp", "x~.json", "number", "call%", ".", ".x", "a.b", ".err", ".json.json"} {
		if isOurs(file) {
			t.Errorf("%s is kept for the tree", file)
		}
	}
}

// viewOps tries everything on a file that is a view: each line of its output is a
// path, an operation, and what came of it. With -absent the view is not there.
const viewOps = `
import os, errno, sys
def tell(op, f):
    try: r = f()
    except OSError as e: r = errno.errorcode[e.errno]
    print(path, op, 'ok' if r is None else r)
def closed(flags):
    os.close(os.open(path, flags | os.O_NONBLOCK))
def scratch(f):
    with open('demo/.scratch', 'w') as s: s.write('5\n')
    try: f()
    finally:
        if os.path.exists('demo/.scratch'): os.remove('demo/.scratch')
def see():
    s = os.lstat(path); return '%o' % s.st_mode
for path in sys.argv[1:]:
    dir, name = os.path.split(path)
    tell('list', lambda: None if name in os.listdir(dir or '.') else 'unlisted')
    tell('stat', see)
    tell('read', lambda: closed(os.O_RDONLY))
    tell('write', lambda: closed(os.O_WRONLY))
    tell('create', lambda: closed(os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    tell('mkdir', lambda: os.mkdir(path))
    tell('mknod', lambda: os.mknod(path))
    tell('symlink', lambda: os.symlink('../other', path))
    tell('link', lambda: os.link('demo/number', path))
    tell('unlink', lambda: os.unlink(path))
    tell('rmdir', lambda: os.rmdir(path))
    tell('rename from', lambda: os.rename(path, 'demo/renamed'))
    tell('attribute onto', lambda: os.rename('demo/other', path) if dir == 'demo/nothing' else os.rename('demo/text', path))
    tell('tool file onto', lambda: scratch(lambda: os.rename('demo/.scratch', path)))
    tell('stat again', see)
`

// viewPaths are where each view is there, and where it is not; "" where it always
// is.
func viewPaths(v view) (there, absent string) {
	switch row := viewTable[v]; row.in {
	case inObject:
		switch {
		case v == viewCalls:
			return ".local/" + ownName + "/.calls", "demo/.calls"
		case row.needs == needCall:
			return "demo/add/" + row.name, "demo/child/" + row.name
		case row.needs != 0:
			return "demo/numbers/" + row.name, "demo/child/" + row.name
		}
		return "demo/add/" + row.name, ""
	case ofAttr:
		switch {
		case row.container:
			return "demo/values." + row.name, "demo/number." + row.name
		case row.creates:
			return "demo/nothing." + row.name, ""
		}
		return "demo/number." + row.name, "demo/no-" + row.name + "." + row.name
	case inNom:
		return nomDir + "/" + row.name, ""
	}
	return viewTable[v].name, ""
}

// TestViewsOfAllKinds does everything to every view in a mount: it is what the
// table says before and after, and the peer is asked to change nothing.
func TestViewsOfAllKinds(t *testing.T) {
	s := startServer(t, serveSpec{Fixture: "demo", Own: true})
	script := filepath.Join(t.TempDir(), "ops.py")
	if err := os.WriteFile(script, []byte(viewOps), 0o600); err != nil {
		t.Fatal(err)
	}
	var there, absent []string
	for v := range numViews {
		path, no := viewPaths(v)
		there = append(there, path)
		if no != "" {
			absent = append(absent, no)
		}
	}
	got := viewResults(t, s, script, there)
	readme, _ := s.sh("cat .nom/README")
	for v := range numViews {
		for op, want := range wantOfView(v) {
			if have := got[there[v]+" "+op]; !strings.Contains(" "+want+" ", " "+have+" ") {
				t.Errorf("%s: %s is %s, want %s", there[v], op, have, want)
			}
		}
		if row := viewTable[v]; !strings.Contains(readme, row.name) || !strings.Contains(readme, row.help) {
			t.Errorf("the README does not tell of %s", row.name)
		}
	}
	got = viewResults(t, s, script, absent)
	for _, file := range absent {
		for _, op := range []string{"create", "mkdir", "mknod", "symlink", "link", "tool file onto", "attribute onto"} {
			if have := got[file+" "+op]; have != "EPERM" && !(op == "tool file onto" && isForm(file)) {
				t.Errorf("%s, which is not there: %s is %s", file, op, have)
			}
		}
		for _, op := range []string{"stat", "stat again", "read", "unlink", "rmdir", "rename from"} {
			if have := got[file+" "+op]; have != "ENOENT" && !(op == "stat again" && isForm(file)) {
				t.Errorf("%s, which is not there: %s is %s", file, op, have)
			}
		}
	}
	for _, op := range strings.Split(effects(s.ops()), "; ") {
		if !strings.HasPrefix(op, "SetAttr demo.nothing=") && op != "SetAttr demo.number=5" && op != "SetAttr demo.no-json=5" && op != "SetAttr demo.no-repr=5" {
			t.Errorf("the peer was asked: %s", op)
		}
	}
	if out, _ := s.sh("grep scratch_file .nom/status; cat demo/add/.sig demo/number demo/text"); !strings.HasPrefix(out, "add(") || !strings.HasSuffix(out, ")\n5\ncafé\n") {
		t.Errorf("afterwards: %s", out)
	}
}

// isForm tells whether a file is a view in which an attribute can be written, or
// made.
func isForm(file string) bool {
	v, _, ok := objectView(filepath.Base(file))
	return ok && viewMakers[v].form != nil
}

// viewResults runs the script for paths and returns what came of each operation, by
// path and operation.
func viewResults(t *testing.T, s *server, script string, paths []string) map[string]string {
	t.Helper()
	out, status := s.sh("python3 " + script + " '" + strings.Join(paths, "' '") + "'")
	if status != 0 {
		t.Fatalf("status %d: %s", status, out)
	}
	got := make(map[string]string)
	for line := range strings.Lines(out) {
		line = strings.TrimSuffix(line, "\n")
		i := strings.LastIndexByte(line, ' ')
		got[line[:i]] = line[i+1:]
	}
	return got
}

// wantOfView is what comes of each operation on a view that is there: one of the
// words.
func wantOfView(v view) map[string]string {
	row := viewTable[v]
	mode := row.perm | 0o100000
	if row.dir {
		mode = row.perm | 0o040000
	}
	want := map[string]string{
		"stat": fmt.Sprintf("%o", mode), "stat again": fmt.Sprintf("%o", mode), "list": "unlisted",
		"read": "ok", "write": "EACCES EROFS", "create": "EEXIST", "mkdir": "EEXIST", "mknod": "EEXIST", "symlink": "EEXIST", "link": "EEXIST",
		"unlink": "EPERM", "rmdir": "ENOTDIR", "rename from": "EPERM", "attribute onto": "EPERM", "tool file onto": "EPERM",
	}
	if row.listed {
		want["list"] = "ok"
	}
	if row.perm&0o222 != 0 && !row.creates { // opening that one is reading, or both
		want["write"] = "ok"
	}
	if row.perm&0o444 == 0 {
		want["read"] = "EACCES"
	}
	if row.dir {
		for _, op := range []string{"write", "unlink", "attribute onto", "tool file onto"} {
			want[op] = "EISDIR"
		}
		want["rmdir"] = "EPERM"
	}
	if viewMakers[v].form != nil {
		want["tool file onto"] = "ok" // it is a way to write the attribute
	}
	return want
}
