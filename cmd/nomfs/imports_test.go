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
	"codec":   nil,
	"auth":    {"nomfs/codec"},
	"nomcore": {"nomfs/codec", "nomfs/auth", "github.com/hashicorp/golang-lru/v2/...", "golang.org/x/sys/..."},
	"nomcore/expose": {"nomfs/codec", "nomfs/nomcore", "nomfs/nomcore/expose/...", "github.com/pelletier/go-toml/v2/...",
		"github.com/pelletier/go-toml/v2", "github.com/fsnotify/fsnotify", "go.yaml.in/yaml/v3", "golang.org/x/sys/..."},
	"nomcore/expose/demo":   {"nomfs/codec", "nomfs/nomcore"},
	"nomcore/expose/host":   {"nomfs/codec", "nomfs/nomcore", "github.com/shirou/gopsutil/v4/..."},
	"nomcore/expose/script": {"nomfs/codec", "nomfs/nomcore", "go.starlark.net/..."},
	"fsview":                {"nomfs/codec", "github.com/hanwen/go-fuse/v2/...", "golang.org/x/sys/..."},
	"cmd/nomfs":             {"nomfs/...", "github.com/urfave/cli/v2", "golang.org/x/sys/..."},
}

// TestImportDirection keeps the packages in their order: each imports what
// its row names, nothing else.
func TestImportDirection(t *testing.T) {
	for dir, allowed := range mayImports {
		t.Run(dir, func(t *testing.T) {
			files, err := filepath.Glob(filepath.Join("..", "..", filepath.FromSlash(dir), "*.go"))
			if err != nil || len(files) == 0 {
				t.Fatalf("no source files: %v", err)
			}
			for _, file := range files {
				if strings.HasSuffix(file, "_test.go") {
					continue
				}
				for _, imported := range importsOf(t, file) {
					if !mayImport(imported, allowed) {
						t.Errorf("%s must not import %s", file, imported)
					}
				}
			}
		})
	}
}

// TestEveryPackageHasARow fails when a package is added without a row in
// mayImports.
func TestEveryPackageHasARow(t *testing.T) {
	root := filepath.Join("..", "..")
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
		files, err := filepath.Glob(filepath.Join(path, "*.go"))
		if _, ok := mayImports[filepath.ToSlash(rel)]; len(files) > 0 && !ok {
			t.Errorf("package %s has no row in the table of imports", rel)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
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
