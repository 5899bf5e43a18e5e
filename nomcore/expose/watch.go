package expose

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"
)

// settle is how long a file must be left alone before it is read again: editors
// write in several steps. It bounds neither how late nor how often, for that
// there is settleMost.
const (
	settle     = 50 * time.Millisecond
	settleMost = time.Second
)

// Watch applies the file again each time it has changed, until ctx ends or
// everything is closed. What is wrong with a file is logged. It returns an
// error only if the file cannot be watched.
func (v *Served) Watch(ctx context.Context) error {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("cannot watch %s: %w", v.config().path, err)
	}
	defer w.Close()
	// Directories are watched, not files: most editors put another file in
	// the place of the old one. Links are followed to where they lead.
	dirs := &watchedDirs{w: w}
	if err := dirs.update(v.config()); err != nil {
		return err
	}
	var first time.Time // of the changes that are not applied yet
	timer := time.NewTimer(0)
	<-timer.C
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-v.ctx.Done():
			return nil
		case e := <-w.Events:
			if !dirs.concerns(e.Name) || e.Op == fsnotify.Chmod {
				continue
			}
			if first.IsZero() {
				first = time.Now()
			}
			timer.Reset(max(min(settle, settleMost-time.Since(first)), 0))
		case err := <-w.Errors:
			// Events may be lost: look at everything.
			v.log.Warn("changes may have been missed", "err", err)
			first = time.Now()
			timer.Reset(settle)
		case <-timer.C:
			first = time.Time{}
			v.ReloadAndLog()
			if err := dirs.update(v.config()); err != nil {
				v.log.Warn("not everything is watched", "err", err)
			}
		}
	}
}

// ReloadAndLog is Reload for those who have nobody to give the error to: how it
// went is logged, each mistake by itself.
func (v *Served) ReloadAndLog() {
	before := v.config()
	if err := v.Reload(); err != nil {
		for _, e := range allErrors(err) {
			v.log.Error("the changed file is not applied", "err", e)
		}
		return
	}
	if !before.same(v.config()) {
		v.log.Info("the changed file is applied", "file", before.typed)
	}
}

// same tells whether two files define the same.
func (c *Config) same(o *Config) bool {
	return slices.EqualFunc(c.objects, o.objects, func(a, b *def) bool {
		return a.name == b.name && a.kind == b.kind && a.canon == b.canon
	})
}

// allErrors takes joined errors apart.
func allErrors(err error) []error {
	if list, ok := err.(interface{ Unwrap() []error }); ok {
		return list.Unwrap()
	}
	return []error{err}
}

// watchedDirs are the directories that are watched for the files in them.
type watchedDirs struct {
	w     *fsnotify.Watcher
	dirs  []string
	files []string
	links map[string]string // what was a link, and where it led
}

// update watches what a file is made of, and nothing else.
func (d *watchedDirs) update(c *Config) error {
	d.files, d.links = nil, make(map[string]string)
	var dirs []string
	for _, file := range append([]string{c.path}, c.watched()...) {
		names := []string{file}
		if real, err := filepath.EvalSymlinks(file); err == nil && real != file {
			names = append(names, real)
			d.links[file] = real
		}
		for _, name := range names {
			d.files = append(d.files, name)
			if dir := filepath.Dir(name); !slices.Contains(dirs, dir) {
				dirs = append(dirs, dir)
			}
		}
	}
	for _, dir := range d.dirs {
		if !slices.Contains(dirs, dir) {
			_ = d.w.Remove(dir) // it may be gone
		}
	}
	for _, dir := range dirs {
		if slices.Contains(d.dirs, dir) {
			continue
		}
		if err := d.w.Add(dir); err != nil {
			d.dirs = dirs
			return fmt.Errorf("cannot watch %s: %w", dir, err)
		}
	}
	d.dirs = dirs
	return nil
}

// concerns tells whether a changed name is one of the files, or makes one of
// them another.
func (d *watchedDirs) concerns(name string) bool {
	if slices.Contains(d.files, name) {
		return true
	}
	for file, was := range d.links {
		if real, err := filepath.EvalSymlinks(file); err == nil && real != was {
			return true
		}
	}
	return false
}
