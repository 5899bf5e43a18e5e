//go:build linux

package fsview

import (
	"context"
	"errors"
	"os"
	"path"
	"strings"
	"syscall"
	"time"
)

const (
	// maxLinks is how many symbolic links one path may lead through, as in the
	// kernel.
	maxLinks = 40
	// linkTime is how long following them may take: they lie in other file
	// systems, one of which may hang.
	linkTime = time.Second
	// maxFollowing is how many such paths are followed at the same time. One that
	// leads into a file system that hangs keeps a thread for good.
	maxFollowing = 16
)

// inside returns the path from the mount point of an absolute path, and whether
// it leads into the mount. People know their directories by symbolic links, the
// mount by where it really is, so links on the way to it are followed. Nothing
// in the mount itself is looked at: this process would wait for itself.
func (f *fsys) inside(target string) (rest string, ok bool) {
	clean := path.Clean(target)
	if rest, ok := cutDir(clean, f.dir); ok {
		return rest, true
	}
	type found struct {
		rest string
		ok   bool
	}
	done := make(chan found, 1)
	ctx, cancel := context.WithTimeout(f.tasks.base, linkTime)
	defer cancel()
	if f.following.Acquire(ctx, 1) != nil {
		return "", false
	}
	follow := func() {
		defer f.following.Release(1)
		rest, ok := followTo(f.dir, clean)
		done <- found{rest, ok}
	}
	if !f.tasks.spawn(follow) {
		f.following.Release(1)
		return "", false
	}
	select {
	case r := <-done:
		return r.rest, r.ok
	case <-ctx.Done():
		return "", false
	}
}

// cutDir takes the directory dir from the start of a clean path.
func cutDir(target, dir string) (rest string, ok bool) {
	rest, ok = strings.CutPrefix(target, dir)
	return rest, ok && (rest == "" || rest[0] == '/')
}

// followTo follows the symbolic links of an absolute path until it has reached
// dir, and returns what is left of the path then.
func followTo(dir, target string) (rest string, ok bool) {
	at, todo := "/", strings.Split(target, "/")
	for links := 0; len(todo) > 0; {
		name := todo[0]
		todo = todo[1:]
		next := path.Join(at, name) // of .. the directory above: at has no links
		if next == dir {
			return "/" + strings.Join(todo, "/"), true
		}
		if next == at || name == ".." {
			at = next
			continue
		}
		if m, mounted := mountAt(next); mounted && m.fsType == fsName {
			return "", false // another mount, or this one at another place
		}
		link, err := os.Readlink(next)
		switch {
		case errors.Is(err, syscall.EINVAL): // no link
			at = next
			continue
		case err != nil:
			return "", false
		}
		if links++; links > maxLinks {
			return "", false
		}
		if path.IsAbs(link) {
			at = "/"
		}
		todo = append(strings.Split(link, "/"), todo...)
	}
	return "", false
}
