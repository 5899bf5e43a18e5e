//go:build unix

package expose

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// What has no end, or waits for somebody, is no script.
func TestScriptsAreFiles(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe.star")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{pipe, "/dev/zero", dir} {
		_, err := Load(writeConfig(t, "[objects.a]\nscript = \""+path+"\"\n"))
		if err == nil || !strings.Contains(err.Error(), "2:10: objects.a.script: "+path) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// A file whose reader waits for news, as that of the kernel's messages, ends the
// reading all the same.
func TestFilesThatWait(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(pipe, os.O_RDWR|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := readToEnd(f, maxText, readWait/20); !os.IsTimeout(err) {
		t.Errorf("reading what never ends: %v", err)
	}
}

func TestByteOrderMark(t *testing.T) {
	path := writeConfig(t, "\ufeff[objects.app]\nstock = { data = \"stock.json\" }\n")
	stock := filepath.Join(filepath.Dir(path), "stock.json")
	if err := os.WriteFile(stock, []byte("\ufeff{\"apples\": 3}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); err != nil {
		t.Error(err)
	}
}
