package expose

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
)

// Files that are about to replace others are called .NAME.nomfs-PID-N: what a
// process leaves that was killed can be told from what a living one is writing.
const tempMark = ".nomfs-"

var tempCount atomic.Uint64

// createTemp makes such a file, with what the umask leaves of a mode.
func createTemp(dir, base string, mode fs.FileMode) (*os.File, error) {
	for {
		name := fmt.Sprintf(".%s%s%d-%d", base, tempMark, os.Getpid(), tempCount.Add(1))
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
		if !errors.Is(err, fs.ErrExist) {
			return f, err
		}
	}
}

// removeLeftovers removes what processes that are gone have left of writing a
// file. It is a courtesy: what fails is left.
func removeLeftovers(dir, base string) {
	prefix := "." + base + tempMark
	d, err := os.Open(dir)
	if err != nil {
		return
	}
	defer d.Close()
	names, _ := d.Readdirnames(-1)
	for _, name := range names {
		rest, ok := strings.CutPrefix(name, prefix)
		if !ok {
			continue
		}
		pid, _, _ := strings.Cut(rest, "-")
		if n, err := strconv.Atoi(pid); err == nil && n > 0 && n != os.Getpid() && !alive(n) {
			os.Remove(filepath.Join(dir, name))
		}
	}
}

// syncDir makes a new name in a directory last. Where directories cannot be
// synchronized, the name is as safe as it gets.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, fs.ErrInvalid) && !notSynced(err) {
		return err
	}
	return nil
}
