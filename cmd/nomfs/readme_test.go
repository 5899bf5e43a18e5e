package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestReadmeFromGo builds the programs of the README in a module of their own,
// outside the checkout, which it makes as the README says. It needs no network.
func TestReadmeFromGo(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(readme), "\n## From Go\n")
	section, _, _ = strings.Cut(section, "\n## ")
	module := t.TempDir()
	run := func(args ...string) {
		t.Helper()
		cmd := exec.Command("go", args...)
		cmd.Dir = module
		cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOSUMDB=off", "GOWORK=off")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	run("mod", "init", "example.com/counter")
	var programs, commands int
	for i, block := range strings.Split(section, "```") {
		if i%2 == 0 {
			continue // text between the blocks
		}
		language, code, _ := strings.Cut(block, "\n")
		if language == "go" {
			programs++
			dir := filepath.Join(module, fmt.Sprintf("program%d", programs))
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(code), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		for line := range strings.Lines(code) {
			if command, ok := strings.CutPrefix(strings.TrimSpace(line), "$ go "); ok {
				commands++
				run(strings.Fields(strings.ReplaceAll(command, "../nomfs", root))...)
			}
		}
	}
	if programs != 2 || commands != 2 {
		t.Errorf("the README has %d programs and %d commands", programs, commands)
	}
	run("build", "./...")
}
