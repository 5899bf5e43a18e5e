//go:build linux

package fsview

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// The kernel tells of a closed file some time after close(2), when the next
// command may be at work already, and asks for attributes without saying through
// which handle. Where it matters whether a process still has a file open, the
// process itself is looked at.

// maxDescriptors bounds how many descriptors of a process are looked at: far more
// than shells and tools have.
const maxDescriptors = 4096

// A holding tells how a process has an inode open.
type holding struct {
	any, writes bool
	unknown     bool // it could not be found out
	denied      bool // because the process may not be looked at
}

// may tells whether the process may have the inode open.
func (h holding) may() bool { return h.any || h.unknown }

// holds finds out how the process has an inode of the mount open. Another mount
// of the same names has the same numbers, which does no more harm than a file
// that is closed late.
func (c caller) holds(ino uint64) holding {
	if c.pid == 0 {
		return holding{unknown: true}
	}
	dir, err := unix.Open(fmt.Sprintf("/proc/%d/fdinfo", c.pid), unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return holding{unknown: !isGone(err), denied: errors.Is(err, fs.ErrPermission)}
	}
	defer unix.Close(dir)
	var all holding
	var buf [4096]byte
	for looked := 0; ; {
		n, err := unix.ReadDirent(dir, buf[:])
		if n <= 0 || err != nil {
			all.unknown = err != nil && !isGone(err)
			return all
		}
		_, _, names := unix.ParseDirent(buf[:n], maxDescriptors, nil)
		if looked += len(names); looked > maxDescriptors {
			return holding{unknown: true}
		}
		for _, name := range names {
			if !all.look(dir, name, ino) {
				return holding{unknown: true}
			}
		}
	}
}

// look looks at one descriptor of a process, and reports whether the kernel tells
// what is needed.
func (h *holding) look(dir int, name string, ino uint64) bool {
	fd, err := unix.Openat(dir, name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return true // closed meanwhile
	}
	defer unix.Close(fd)
	var buf [256]byte // pos, flags, mnt_id and ino come first, and are shorter
	n, err := unix.Read(fd, buf[:])
	if err != nil {
		return true
	}
	at, flags, ok := parseFdinfo(buf[:n])
	if ok && at == ino {
		h.any = true
		h.writes = h.writes || flags&syscall.O_ACCMODE != syscall.O_RDONLY
	}
	return ok
}

// anyoneHolds finds out whether any process has an inode of the mount open that
// only the owner may open. It looks at all that there are, which takes some
// milliseconds. A process that may not be looked at is of another user.
func anyoneHolds(ino uint64) holding {
	dir, err := os.Open("/proc")
	if err != nil {
		return holding{unknown: true}
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	all := holding{unknown: err != nil}
	for _, name := range names {
		pid, err := strconv.ParseUint(name, 10, 32)
		if err != nil {
			continue // no process
		}
		h := caller{pid: uint32(pid)}.holds(ino)
		if h.any {
			return h
		}
		all.unknown = all.unknown || h.unknown && !h.denied
	}
	return all
}

// isGone tells whether an error says that there is no such process any more.
func isGone(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) }

// parseFdinfo reads the text of a file below /proc/PID/fdinfo. Kernels before
// 5.14 do not tell the inode.
func parseFdinfo(info []byte) (ino uint64, flags int, ok bool) {
	var haveIno, haveFlags bool
	for line := range bytes.Lines(info) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		text := string(bytes.TrimSpace(value))
		switch string(name) {
		case "ino":
			n, err := strconv.ParseUint(text, 10, 64)
			ino, haveIno = n, err == nil
		case "flags":
			n, err := strconv.ParseInt(text, 8, 64)
			flags, haveFlags = int(n), err == nil
		}
	}
	return ino, flags, haveIno && haveFlags
}

// An openFile is a handle that shows a size.
type openFile interface {
	comparable
	// size returns the length that the handle shows, -1 where it knows no better
	// than its file; with empties, the file is empty because somebody is about to
	// write it anew.
	size() (n int64, empties bool)
	openedBy() caller
}

// openFiles are the open handles of one file.
type openFiles[T openFile] struct {
	mu   sync.Mutex
	list []T // the newest last
}

func (o *openFiles[T]) add(h T) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.list = append(o.list, h)
}

func (o *openFiles[T]) remove(h T) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if i := slices.Index(o.list, h); i >= 0 {
		o.list = slices.Delete(o.list, i, i+1)
	}
}

// newest returns the handle opened last, nil where there is none.
func (o *openFiles[T]) newest() (h T) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.list) > 0 {
		h = o.list[len(o.list)-1]
	}
	return h
}

// all returns the handles, the newest first.
func (o *openFiles[T]) all() []T {
	o.mu.Lock()
	defer o.mu.Unlock()
	list := slices.Clone(o.list)
	slices.Reverse(list)
	return list
}

// sizeFor returns the size that a process is told of a file whose own size is
// known, -1 where it is not. Tools ask right after they opened the file, and
// count on the answer (wc -c, tail -c): what the process has open itself decides,
// the newest first. To who is about to write it the file is empty, through a
// descriptor that it inherited as well: cat would not copy it onto itself
// otherwise. For everyone else the file has its own size, whoever has it open, or
// had it open until just now.
func (o *openFiles[T]) sizeFor(c caller, ino uint64, known int64) int64 {
	list := o.all()
	if !slices.ContainsFunc(list, func(h T) bool { n, _ := h.size(); return n >= 0 && n != known }) {
		return known
	}
	if known < 0 && len(list) == 1 {
		if n, empties := list[0].size(); !empties {
			return n // the best guess anyway
		}
	}
	held := c.holds(ino)
	newest, own := int64(-1), int64(-1)
	for _, h := range list {
		switch n, empties := h.size(); {
		case n < 0:
		case empties:
			if held.writes || held.unknown {
				return n
			}
		default:
			if newest < 0 {
				newest = n
			}
			if own < 0 && held.any && h.openedBy().sameProcess(c) {
				own = n
			}
		}
	}
	switch {
	case own >= 0:
		return own
	case known >= 0 && !held.unknown:
		return known
	case newest >= 0:
		return newest
	}
	return known
}
