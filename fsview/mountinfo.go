//go:build linux

package fsview

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// fsName is the name of the file system type as mountinfo shows it.
const fsName = "fuse.nomfs"

// A mountEntry is one line of mountinfo.
type mountEntry struct {
	point  string
	fsType string
	source string
}

// parseMountinfo reads a mountinfo of proc(5), oldest mount first.
func parseMountinfo(text string) []mountEntry {
	var mounts []mountEntry
	for l := range strings.Lines(text) {
		left, right, ok := strings.Cut(strings.TrimSpace(l), " - ")
		if !ok {
			continue
		}
		a, b := strings.Fields(left), strings.Fields(right)
		const pointField = 4
		if len(a) <= pointField || len(b) < 2 {
			continue
		}
		mounts = append(mounts, mountEntry{point: unescapeOctal(a[pointField]), fsType: b[0], source: unescapeOctal(b[1])})
	}
	return mounts
}

// unescapeOctal undoes the \040 of mountinfo.
func unescapeOctal(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		const digits = 3
		if s[i] == '\\' && i+digits < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+1+digits], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += digits
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// mountAt returns the mount on top of dir, if there is one, as the calling thread
// sees it: the first thread of the process may live in another namespace.
func mountAt(dir string) (mountEntry, bool) {
	text, err := os.ReadFile("/proc/thread-self/mountinfo")
	if err != nil {
		return mountEntry{}, false
	}
	var found mountEntry
	ok := false
	for _, m := range parseMountinfo(string(text)) {
		if m.point == dir {
			found, ok = m, true
		}
	}
	return found, ok
}

// checkDir makes sure that dir can be mounted on, and returns its absolute
// path. What a nomfs that died left behind is unmounted first; a live one is
// refused, because mounts would stack without a word.
func checkDir(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	// The last component may be a dead mount, which cannot be resolved.
	if parent, err := filepath.EvalSymlinks(filepath.Dir(abs)); err == nil {
		abs = filepath.Join(parent, filepath.Base(abs))
	}
	if err := clearDead(abs); err != nil {
		return "", err
	}
	if abs, err = filepath.EvalSymlinks(abs); err != nil {
		return "", fmt.Errorf("mount point: %w", err)
	}
	if err := clearDead(abs); err != nil {
		return "", err
	}
	info, err := os.Stat(abs)
	if err != nil {
		return "", fmt.Errorf("mount point: %w", err)
	}
	if !info.IsDir() {
		return "", fmt.Errorf("mount point %s: %w", abs, syscall.ENOTDIR)
	}
	f, err := os.Open(abs)
	if err != nil {
		return "", fmt.Errorf("mount point: %w", err)
	}
	defer f.Close()
	if names, _ := f.Readdirnames(1); len(names) > 0 {
		return "", fmt.Errorf("mount point %s: %w", abs, syscall.ENOTEMPTY)
	}
	return abs, nil
}

// clearDead unmounts dead nomfs mounts on dir and refuses a live one.
func clearDead(dir string) error {
	const maxStacked = 16 // dead mounts on one directory
	for range maxStacked {
		m, ok := mountAt(dir)
		if !ok || m.fsType != fsName {
			return nil
		}
		if !isDead(dir) {
			return fmt.Errorf("mount point %s: %s is mounted there already: %w", dir, m.source, syscall.EBUSY)
		}
		if err := detach(dir); err != nil {
			return fmt.Errorf("mount point %s: a dead mount of %s is in the way: %w", dir, m.source, err)
		}
	}
	return nil
}

// aliveTime is how long a mount may take to say that it lives. One that does
// not answer at all, because its server is stopped, is not dead.
const aliveTime = 2 * time.Second

// isDead tells whether the server behind a mount is gone: then the kernel
// answers in its place. statfs is asked, because it is never answered from the
// kernel's cache, and by a live server from memory.
func isDead(dir string) bool {
	dead := make(chan bool, 1)
	// No mount owns this goroutine: there is none yet. It ends when the server answers
	// or dies, and nothing can end it earlier.
	go func() {
		var st unix.Statfs_t
		err := unix.Statfs(dir, &st)
		dead <- errors.Is(err, unix.ENOTCONN) || errors.Is(err, unix.ECONNABORTED)
	}()
	select {
	case d := <-dead:
		return d
	case <-time.After(aliveTime):
		return false
	}
}

// maxRequestTimeout returns the kernel's bound on one request in seconds, 0
// where there is none: a longer request would abort the whole mount.
func maxRequestTimeout() int {
	text, err := os.ReadFile("/proc/sys/fs/fuse/max_request_timeout")
	if err != nil {
		return 0
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0
	}
	return n
}
