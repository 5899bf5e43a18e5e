package expose

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"nomfs/codec"
)

// state holds what values were set to that are to survive a restart. It is one
// JSON file:
//
//	{"version": 1, "values": {"app.limit": {"declared": "int 10", "value": "12"}}}
//
// A value counts only as long as the file declares what it declared when the
// value was set: whoever edits the file wins. What is not in the file any more
// is kept, in case it comes back.
//
// Several processes may share it, one that serves and one that mounts with the
// same configuration: each takes over what the others have written before it
// writes, and a file FILE.lock keeps them from doing so at the same time.
type state struct {
	path string
	log  *slog.Logger

	mu     sync.Mutex
	values map[string]kept
	wrote  fs.FileInfo // of the file as this process left it, nil if it never wrote
}

type kept struct {
	Declared string `json:"declared"` // with its kind, see typed
	Value    string `json:"value"`    // see parseKept
}

type stateFile struct {
	Version int             `json:"version"`
	Values  map[string]kept `json:"values"`
}

// stateVersion is that of the format. A file of another one is kept aside.
const stateVersion = 1

// maxState bounds what is read back, in bytes: a thousand large values.
const maxState = 64 << 20

// stateMode keeps others out: what was set may be a secret.
const stateMode = 0o600

// lockWait is how long a value waits for other processes to write theirs: less
// than whoever sets it waits.
const lockWait = 2 * time.Second

// lockEvery is how often is looked whether they have.
const lockEvery = 2 * time.Millisecond

// statePath is where the state of a file is kept: next to it, as FILE.state,
// or where nobody may write there, below the user's directory for such things.
// Then before is what was kept next to it when that was possible, else "".
func statePath(config string) (path, before string) {
	beside := config + ".state"
	if writable(filepath.Dir(config)) {
		return beside, ""
	}
	base := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(base) {
		home, err := os.UserHomeDir()
		if err != nil {
			return beside, ""
		}
		base = filepath.Join(home, ".local", "state")
	}
	sum := fnv.New64a()
	sum.Write([]byte(config))
	return filepath.Join(base, "nomfs", fmt.Sprintf("%s-%016x.state", filepath.Base(config), sum.Sum64())), beside
}

// openState reads a state file. One that cannot be understood is kept aside,
// and what it held is as if it had never been set. Where there is none, what is
// in the file before counts, if that may be read.
func openState(path, before string, log *slog.Logger) (*state, error) {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real // a link stays one
	}
	s := &state{path: path, log: log, values: make(map[string]kept)}
	values, err := s.read()
	if err != nil {
		return nil, fmt.Errorf("cannot read what was kept: %w", err)
	}
	if values == nil && before != "" {
		text, err := readLimited(before, maxState)
		if err == nil {
			values, err = parseState(text)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
			log.Error("values that were kept are not used", "file", before, "why", err)
		}
	}
	maps.Copy(s.values, values)
	return s, nil
}

// read returns what is in the file, nil where there is none. It puts a damaged
// one aside.
func (s *state) read() (map[string]kept, error) {
	text, err := readLimited(s.path, maxState)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	values, err := parseState(text)
	if err == nil {
		return values, nil
	}
	aside := fmt.Sprintf("%s.bad-%s", s.path, time.Now().UTC().Format("20060102T150405.000000000"))
	if err := os.Rename(s.path, aside); errors.Is(err, fs.ErrNotExist) {
		return nil, nil // another process did it
	} else if err != nil {
		return nil, fmt.Errorf("cannot put a damaged state file aside: %w", err)
	}
	s.log.Error("the state file is damaged: what only it kept is lost", "file", s.path, "why", err, "kept as", aside)
	return nil, nil
}

func parseState(text []byte) (map[string]kept, error) {
	var f stateFile
	err := json.Unmarshal(text, &f)
	if err == nil && f.Version != stateVersion {
		err = fmt.Errorf("it is of version %d", f.Version)
	}
	return f.Values, err
}

// get returns what a value was set to while the file declared the same as now.
func (s *state) get(path, declared string) (codec.Value, bool) {
	s.mu.Lock()
	k, ok := s.values[path]
	s.mu.Unlock()
	if !ok || k.Declared != declared {
		return nil, false
	}
	v, err := parseKept(k.Value)
	if err != nil {
		s.log.Warn("a kept value cannot be read", "file", s.path, "value", path, "err", err)
	}
	return v, err == nil
}

// parseKept reads a value: a literal, or a float that has none.
func parseKept(s string) (codec.Value, error) {
	switch s {
	case "nan", "inf", "-inf":
		f, err := strconv.ParseFloat(s, 64)
		return codec.Float(f), err
	}
	return codec.ParseLiteral(s)
}

// put keeps a value. When it returns nil the value is safe.
func (s *state) put(path, declared string, v codec.Value) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.save(path, kept{Declared: declared, Value: v.String()}); err != nil {
		return fmt.Errorf("it cannot be kept, so it was not set: %w", err)
	}
	return nil
}

// save writes all values, of which one is new. mu must be held.
func (s *state) save(path string, k kept) error {
	if err := os.MkdirAll(filepath.Dir(s.path), 0o700); err != nil {
		return err
	}
	unlock, err := s.lock()
	if err != nil {
		return err
	}
	defer unlock()
	values := maps.Clone(s.values)
	if info, err := os.Stat(s.path); s.wrote == nil || err != nil || !sameFile(info, s.wrote) {
		others, err := s.read()
		if err != nil {
			return err
		}
		maps.Copy(values, others)
	}
	values[path] = k
	text, err := json.MarshalIndent(stateFile{stateVersion, values}, "", "  ")
	if err != nil {
		return err
	}
	if err := replaceAt(s.path, append(text, '\n'), nil, stateMode); err != nil {
		return err
	}
	s.values = values
	if s.wrote, err = os.Stat(s.path); err != nil {
		s.wrote = nil // it is read the next time
	}
	return nil
}

// sameFile tells whether a file is what it was.
func sameFile(a, b fs.FileInfo) bool {
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// lock keeps other processes from writing until unlock is called. The lock is a
// file of its own: the state file is another one each time. It goes with the
// process, however that ends.
func (s *state) lock() (unlock func(), err error) {
	f, err := os.OpenFile(s.path+".lock", os.O_RDWR|os.O_CREATE, stateMode)
	if err != nil {
		return nil, err
	}
	for until := time.Now().Add(lockWait); ; time.Sleep(lockEvery) {
		locked, err := tryLock(f)
		switch {
		case err != nil || locked: // where nothing can be locked, nothing is
			return func() { _ = f.Close() }, nil
		case time.Now().After(until):
			return nil, errors.Join(fmt.Errorf("another process keeps %s locked: %w", f.Name(), syscall.EBUSY), f.Close())
		}
	}
}
