package main

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// mayImports is what each package may import besides the standard library.
var mayImports = map[string][]string{
	"codec": nil,
	"auth":  {"nomfs/codec"},
	"nomcore": {"nomfs/codec", "nomfs/auth", "nomfs/nomcore/object", "nomfs/nomcore/wrap", "nomfs/nomcore/wire",
		"nomfs/nomcore/transport", "github.com/hashicorp/golang-lru/v2/simplelru", "golang.org/x/time/rate"},
	"nomcore/object":    {"nomfs/codec"},
	"nomcore/wrap":      {"nomfs/codec", "nomfs/nomcore/object"},
	"nomcore/wire":      {"nomfs/codec"},
	"nomcore/transport": {"nomfs/auth", "golang.org/x/sys/..."},
	"nomcore/expose": {"nomfs/codec", "nomfs/nomcore", "nomfs/nomcore/expose/...", "github.com/pelletier/go-toml/v2/...",
		"github.com/pelletier/go-toml/v2", "github.com/fsnotify/fsnotify", "go.yaml.in/yaml/v3", "golang.org/x/sys/..."},
	"nomcore/expose/demo":   {"nomfs/codec", "nomfs/nomcore"},
	"nomcore/expose/host":   {"nomfs/codec", "nomfs/nomcore", "github.com/shirou/gopsutil/v4/..."},
	"nomcore/expose/script": {"nomfs/codec", "nomfs/nomcore", "go.starlark.net/..."},
	"fsview":                {"nomfs/codec", "github.com/hanwen/go-fuse/v2/...", "github.com/hashicorp/golang-lru/v2/simplelru", "golang.org/x/sync/...", "golang.org/x/sys/..."},
	"cmd/nomfs":             {"nomfs/...", "github.com/urfave/cli/v2", "golang.org/x/sys/..."},
}

// TestImportDirection keeps the packages in their order: each has a row in
// mayImports and imports what its row names, nothing else.
func TestImportDirection(t *testing.T) {
	root := filepath.Join("..", "..")
	checked := make(map[string]bool)
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if d.Name() == "testdata" || rel != "." && strings.HasPrefix(d.Name(), ".") {
			return filepath.SkipDir
		}
		if _, err := os.Stat(filepath.Join(path, "go.mod")); rel != "." && err == nil {
			return filepath.SkipDir // a module of its own
		}
		files, err := filepath.Glob(filepath.Join(path, "*.go"))
		if err != nil || len(files) == 0 {
			return err
		}
		pkg := filepath.ToSlash(rel)
		allowed, ok := mayImports[pkg]
		if !ok {
			t.Errorf("package %s has no row in the table of imports", pkg)
			return nil
		}
		checked[pkg] = true
		for _, file := range files {
			checkImports(t, file, allowed)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, pkg := range []string{"codec", "nomcore", "nomcore/object", "nomcore/wrap", "nomcore/wire", "nomcore/transport"} {
		if !checked[pkg] {
			t.Errorf("package %s was not found", pkg)
		}
	}
}

// checkImports reports what file, unless it is a test, imports beyond allowed.
func checkImports(t *testing.T, file string, allowed []string) {
	t.Helper()
	if strings.HasSuffix(file, "_test.go") {
		return
	}
	for _, imported := range importsOf(t, file) {
		if !mayImport(imported, allowed) {
			t.Errorf("%s must not import %s", file, imported)
		}
	}
}

func importsOf(t *testing.T, file string) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, spec := range f.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, path)
	}
	return list
}

func mayImport(path string, allowed []string) bool {
	first, _, _ := strings.Cut(path, "/")
	if first != "nomfs" && !strings.Contains(first, ".") {
		return true // the standard library
	}
	for _, a := range allowed {
		if prefix, tree := strings.CutSuffix(a, "..."); path == a || tree && strings.HasPrefix(path, prefix) {
			return true
		}
	}
	return false
}
