//go:build linux

package fsview

import (
	"fmt"
	"sort"
	"strings"
	"sync"
	"syscall"
	"time"
)

// awayTime is how long an attribute that was renamed to a scratch name
// stays out of sight. Editors and cp --backup write the new value within
// milliseconds; if nobody does, the attribute is back.
const awayTime = 10 * time.Second

var (
	errScratchBig  = &opError{syscall.EFBIG, fmt.Sprintf("a scratch file holds at most %d bytes", maxScratch)}
	errScratchFull = &opError{syscall.ENOSPC, fmt.Sprintf("scratch files: at most %d of them and %d bytes in all", maxScratchFiles, maxScratchTotal)}
)

// A scratch is a file, or a link, that a tool keeps for itself next to what it
// edits. It lives in memory and the peer never hears of it, unless it is
// renamed to an attribute.
type scratch struct {
	table *scratchTable
	ino   uint64
	link  string // the target of a link; "" for a file

	// The table's lock guards what follows.
	data  []byte
	mode  uint32 // permissions
	mtime time.Time
	uses  int // its name and the open files; its bytes count until 0
	// backupOf is the path of the attribute that was renamed to this name, as
	// long as nothing was written since.
	backupOf string
	// became is the attribute that the file was renamed to, dirty what was
	// written since then and must be assigned once more.
	became *setting
	dirty  bool
}

// scratchTable holds the scratch files of a mount.
type scratchTable struct {
	mu    sync.Mutex // never held during a request
	files map[string]*scratch
	total int
	made  uint64
	// away are the attributes, by path, that were renamed to a scratch name and
	// not written anew, and when they are back.
	away map[string]time.Time
	// moved counts the renames away from a path: what comes there next has
	// another inode.
	moved map[string]uint64
}

func (t *scratchTable) get(path string) *scratch {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.files[path]
}

// add makes a scratch under a path where none is.
func (t *scratchTable) add(path string, mode uint32, data []byte, link string) (*scratch, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(data) > maxScratch {
		return nil, errScratchBig
	}
	if len(t.files) >= maxScratchFiles || t.total+len(data) > maxScratchTotal {
		return nil, errScratchFull
	}
	if t.files == nil {
		t.files = make(map[string]*scratch)
	}
	t.made++
	s := &scratch{
		table: t, ino: inoOf(fmt.Sprintf("\x00scratch/%d", t.made)), link: link,
		data: data, mode: mode & 0o777, mtime: time.Now(), uses: 1,
	}
	t.total += len(data)
	t.drop(path)
	t.files[path] = s
	return s, nil
}

// drop takes a name away. The lock must be held.
func (t *scratchTable) drop(path string) bool {
	s := t.files[path]
	if s == nil {
		return false
	}
	delete(t.files, path)
	t.unuse(s)
	return true
}

func (t *scratchTable) unuse(s *scratch) {
	if s.uses--; s.uses == 0 {
		t.total -= len(s.data)
		s.data = nil
	}
}

// unlinked removes what lies under a path as far as the peer does not know of
// it: a scratch, or the new file that an editor could not write and removes
// before it puts its backup back.
func (t *scratchTable) unlinked(path string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.drop(path) || time.Now().Before(t.away[path])
}

// rename gives a scratch another name.
func (t *scratchTable) rename(from, to string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.files[from]
	if s == nil || from == to {
		return
	}
	t.drop(to)
	delete(t.files, from)
	t.files[to] = s
}

// settle ends a scratch that became an attribute. Who still has it open and
// writes more writes to the attribute.
func (t *scratchTable) settle(path string, s *scratch, to setting) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s.became, s.dirty = &to, false
	if t.files[path] == s {
		t.drop(path)
	}
}

// awayUntil hides an attribute, or with the zero time shows it again.
func (t *scratchTable) awayUntil(path string, until time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if until.IsZero() {
		delete(t.away, path)
		return
	}
	if t.away == nil {
		t.away = make(map[string]time.Time)
	}
	now := time.Now()
	for p, at := range t.away {
		if now.After(at) {
			delete(t.away, p)
		}
	}
	t.away[path] = until
}

func (t *scratchTable) isAway(path string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	until, ok := t.away[path]
	return ok && time.Now().Before(until)
}

// movedFrom notes that the inode of a path has gone elsewhere.
func (t *scratchTable) movedFrom(path string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.moved == nil {
		t.moved = make(map[string]uint64)
	}
	if len(t.moved) < maxMoved {
		t.made++
		t.moved[path] = t.made
	}
}

// inoAt returns the inode number of what lies at a path now.
func (t *scratchTable) inoAt(path string) uint64 {
	t.mu.Lock()
	n := t.moved[path]
	t.mu.Unlock()
	if n == 0 {
		return inoOf(path)
	}
	return inoOf(fmt.Sprintf("%s\x00%d", path, n))
}

// write writes p at off, or at the end where off is negative.
func (s *scratch) write(p []byte, off int64) error {
	t := s.table
	t.mu.Lock()
	defer t.mu.Unlock()
	if off < 0 {
		off = int64(len(s.data))
	}
	if off+int64(len(p)) > maxScratch {
		return errScratchBig
	}
	if err := s.resize(max(len(s.data), int(off)+len(p))); err != nil {
		return err
	}
	copy(s.data[off:], p)
	s.touched()
	return nil
}

func (s *scratch) truncate(size uint64) error {
	s.table.mu.Lock()
	defer s.table.mu.Unlock()
	if size > maxScratch {
		return errScratchBig
	}
	if int(size) == len(s.data) {
		return nil
	}
	if err := s.resize(int(size)); err != nil {
		return err
	}
	s.touched()
	return nil
}

// resize makes the data n bytes long, with zeros where nothing was. Readers may
// hold what was there before, so data that shrinks is copied.
func (s *scratch) resize(n int) error {
	grows := n - len(s.data)
	if grows > 0 && s.table.total+grows > maxScratchTotal {
		return errScratchFull
	}
	if grows < 0 {
		s.data = append([]byte(nil), s.data[:n]...)
	} else {
		s.data = append(s.data, make([]byte, grows)...)
	}
	s.table.total += grows
	return nil
}

func (s *scratch) touched() {
	s.mtime, s.backupOf = time.Now(), ""
	s.dirty = s.became != nil
}

// text returns a copy of the content.
func (s *scratch) text() []byte {
	s.table.mu.Lock()
	defer s.table.mu.Unlock()
	return append([]byte(nil), s.data...)
}

// read returns a copy of the part that fits dest.
func (s *scratch) read(dest []byte, off int64) []byte {
	s.table.mu.Lock()
	defer s.table.mu.Unlock()
	if off >= int64(len(s.data)) {
		return nil
	}
	return dest[:copy(dest, s.data[off:])]
}

// lines tells what is there, one a line, for .nom/status.
func (t *scratchTable) lines() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	paths := make([]string, 0, len(t.files))
	for path := range t.files {
		paths = append(paths, path)
	}
	sort.Strings(paths)
	var b strings.Builder
	for _, path := range paths {
		fmt.Fprintf(&b, "%-20s %s, %d bytes\n", "scratch_file", path, len(t.files[path].data))
	}
	return b.String()
}
