package expose

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
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
type state struct {
	path string
	log  *slog.Logger

	mu     sync.Mutex
	values map[string]kept
}

type kept struct {
	Declared string `json:"declared"` // with its kind, see typed
	Value    string `json:"value"`    // a literal
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

// statePath is where the state of a file is kept: next to it, as FILE.state,
// or where nobody may write there, below the user's directory for such things.
func statePath(config string) string {
	beside := config + ".state"
	if _, err := os.Lstat(beside); err == nil || writable(filepath.Dir(config)) {
		return beside
	}
	base := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(base) {
		home, err := os.UserHomeDir()
		if err != nil {
			return beside
		}
		base = filepath.Join(home, ".local", "state")
	}
	sum := fnv.New64a()
	sum.Write([]byte(config))
	return filepath.Join(base, "nomfs", fmt.Sprintf("%s-%016x.state", filepath.Base(config), sum.Sum64()))
}

// openState reads a state file. One that cannot be understood is kept aside,
// and what it held is as if it had never been set.
func openState(path string, log *slog.Logger) (*state, error) {
	s := &state{path: path, log: log, values: make(map[string]kept)}
	text, err := readLimited(path, maxState)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read what was kept: %w", err)
	}
	var f stateFile
	err = json.Unmarshal(text, &f)
	if err == nil && f.Version != stateVersion {
		err = fmt.Errorf("it is of version %d", f.Version)
	}
	if err != nil {
		aside := fmt.Sprintf("%s.bad-%s", path, time.Now().UTC().Format("20060102T150405.000000000"))
		if err := os.Rename(path, aside); err != nil {
			return nil, fmt.Errorf("cannot put a damaged state file aside: %w", err)
		}
		log.Error("the state file is damaged: kept values are lost", "file", path, "why", err, "kept as", aside)
		return s, nil
	}
	if f.Values != nil {
		s.values = f.Values
	}
	return s, nil
}

// get returns what a value was set to while the file declared the same as now.
func (s *state) get(path, declared string) (codec.Value, bool) {
	s.mu.Lock()
	k, ok := s.values[path]
	s.mu.Unlock()
	if !ok || k.Declared != declared {
		return nil, false
	}
	v, err := codec.ParseLiteral(k.Value)
	if err != nil {
		s.log.Warn("a kept value cannot be read", "file", s.path, "value", path, "err", err)
	}
	return v, err == nil
}

// put keeps a value. When it returns nil the value is safe.
func (s *state) put(path, declared string, v codec.Value) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	old, had := s.values[path]
	s.values[path] = kept{Declared: declared, Value: v.String()}
	if err := s.save(); err != nil {
		if had {
			s.values[path] = old
		} else {
			delete(s.values, path)
		}
		return fmt.Errorf("it cannot be kept, so it was not set: %w", err)
	}
	return nil
}

// save writes all values. mu must be held.
func (s *state) save() error {
	text, err := json.MarshalIndent(stateFile{stateVersion, s.values}, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(s.path), 0o700); err != nil {
		return err
	}
	return replaceAt(s.path, append(text, '\n'), nil, stateMode)
}
