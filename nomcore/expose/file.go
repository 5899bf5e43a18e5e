package expose

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"nomfs/codec"
)

// fileKind is what is in a file, read to its end each time, so that files of
// /proc and /sys work.
//
//	file      its path
//	writable  setting it replaces the file
//	create    it may be missing; setting it makes it
//	direct    it is written in place, as files of /sys must be, not replaced
//	type      what its text stands for, see output
var fileKind = kind{key: "file", what: "a file", read: readFile}

func readFile(f *fields, d *def) maker {
	m := file{path: f.file("file"), writable: f.flag("writable"), create: f.flag("create"), direct: f.flag("direct"), of: f.output()}
	for key, set := range map[string]bool{"create": m.create, "direct": m.direct} {
		if set && !m.writable {
			f.badKey(key, "it is about writing, and writable = true is missing")
		}
	}
	switch {
	case m.writable && d.readonly:
		f.badKey("readonly", "it is writable as well; one of them has to go")
	case m.writable:
		d.says = "writable"
	}
	if m.path == "" {
		return nil
	}
	_, err := readLimited(m.path, maxText)
	if missing := errors.Is(err, fs.ErrNotExist); err != nil && !(missing && m.create) {
		hint := ""
		if missing && m.writable {
			hint = "; create = true lets a write make it"
		}
		f.bad("file", "%s%s", whyNot(err), hint)
	}
	return func(*site) (member, error) {
		return &file{path: m.path, writable: m.writable, create: m.create, direct: m.direct, of: m.of}, nil
	}
}

type file struct {
	idle
	path                     string
	writable, create, direct bool
	of                       output

	mu sync.Mutex // one write at a time
}

func (m *file) info() codec.AttrInfo { return codec.AttrInfo{Kind: m.of.kind(), Write: m.writable} }

func (m *file) get(context.Context) (codec.Value, error) {
	text, err := readLimited(m.path, maxText)
	if err != nil {
		return nil, err
	}
	return m.of.value(text)
}

func (m *file) set(ctx context.Context, v codec.Value) error {
	if !m.writable {
		return constant{}.set(ctx, v)
	}
	text, err := m.of.text(v)
	if err != nil {
		return err
	}
	if len(text) > maxText {
		return exception("OverflowError", "it has %d bytes, and %d are the most that can be read again", len(text), maxText)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.direct {
		return writeInPlace(m.path, text, m.create)
	}
	return replaceFile(m.path, text, m.create)
}

func writeInPlace(path string, text []byte, create bool) error {
	flags := os.O_WRONLY | os.O_TRUNC
	if create {
		flags |= os.O_CREATE
	}
	f, err := os.OpenFile(path, flags, newFileMode)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}

// newFileMode is the mode of a file that did not exist, before the umask.
const newFileMode = 0o666

// replaceFile puts a new file in the place of an old one, in one step: whoever
// reads gets the old or the new one, whole, even if the machine stops. Mode and
// owner stay. A symbolic link stays, and the file that it leads to is replaced.
func replaceFile(path string, text []byte, create bool) error {
	real, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) && create {
		return replaceAt(leadsTo(path), text, nil, newFileMode)
	}
	if err != nil {
		return err
	}
	info, err := os.Stat(real)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return &fs.PathError{Op: "write", Path: real, Err: errNotRegular}
	}
	return replaceAt(real, text, info, privateMode)
}

// maxLinks bounds the links that are followed one after the other, as the
// system does.
const maxLinks = 40

// leadsTo follows links to a file that may be missing.
func leadsTo(path string) string {
	for range maxLinks {
		to, err := os.Readlink(path)
		if err != nil {
			break
		}
		if !filepath.IsAbs(to) {
			dir, _ := filepath.Split(path)
			to = dir + to // not cleaned: what is before .. may be a link
		}
		path = to
	}
	return path
}

// privateMode keeps others from reading what is not finished.
const privateMode = 0o600

// replaceAt does it for a path that is no link. The new file gets mode, and
// then the mode and owner of old; nil where there is nothing yet.
func replaceAt(path string, text []byte, old fs.FileInfo, mode fs.FileMode) (err error) {
	dir, base := filepath.Split(path)
	if dir == "" {
		dir = "."
	}
	removeLeftovers(dir, base)
	tmp, err := createTemp(dir, base, mode)
	var why *fs.PathError
	if errors.As(err, &why) { // nobody knows the new file by its name
		return &fs.PathError{Op: "replace", Path: path, Err: why.Err}
	} else if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(tmp.Name())
		}
	}()
	err = write(tmp, text, old)
	if err = errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	if err = os.Rename(tmp.Name(), path); err != nil {
		return err
	}
	return syncDir(dir)
}

func write(f *os.File, text []byte, old fs.FileInfo) error {
	if old != nil {
		if err := keepOwner(f, old); err != nil {
			return err
		}
		if err := f.Chmod(old.Mode().Perm()); err != nil {
			return err
		}
	}
	if _, err := f.Write(text); err != nil {
		return err
	}
	return f.Sync()
}
