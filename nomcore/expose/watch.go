package expose

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// settleAfter is how long the files must be left alone before they are
	// read again: what is being written may be right, but is not meant.
	settleAfter = 50 * time.Millisecond
	// settleMost bounds the wait for files that change all the time. Then they
	// need to be still only while they are read. An empty file, which most
	// often is about to be written, has to stay so for as long.
	settleMost = time.Second
	// pollEvery is how often the files are looked at all the same: of a
	// directory that was replaced, or that another machine writes to, nothing
	// is told.
	pollEvery = 2 * time.Second
)

// Watch applies the file again each time it has changed, until ctx ends or
// everything is closed. What is wrong with a file is logged. It returns an
// error only if the file cannot be watched.
func (v *Served) Watch(ctx context.Context) error {
	fs, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("cannot watch %s: %w", v.config().path, err)
	}
	defer fs.Close()
	w := &watcher{v: v, fs: fs, timer: time.NewTimer(settleAfter)}
	defer w.timer.Stop()
	if err := w.update(v.config()); err != nil {
		return err
	}
	// What changed before it was watched is found by the first look.
	w.changed()
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-v.ctx.Done():
			return nil
		case e := <-fs.Events:
			if e.Op != fsnotify.Chmod && w.concerns(e.Name) {
				w.changed()
			}
		case err := <-fs.Errors:
			// Events may be lost: look at everything.
			v.log.Warn("changes may have been missed", "err", err)
			w.changed()
		case <-poll.C:
			if w.since.IsZero() && !sameStamps(w.stamps(), w.read) {
				w.changed()
			}
		case <-w.timer.C:
			w.look()
		}
	}
}

// watcher watches the files that a configuration is made of. Their directories
// are watched, not they: most editors put another file in the place of the old
// one. Links are followed to where they lead.
type watcher struct {
	v     *Served
	fs    *fsnotify.Watcher
	timer *time.Timer
	since time.Time // of the first change that is not applied; zero for none
	seen  []stamp   // of the files, at the last change
	read  []stamp   // of the files, when they were read last
	empty time.Time // since when one of them is; zero while none is

	dirs  []string
	files []string
	said  string            // why not everything is watched, as it was logged
	links map[string]string // what was a link, and where it led
}

// changed notes a change, to be looked at when it has settled.
func (w *watcher) changed() {
	if w.since.IsZero() {
		w.since = time.Now()
	}
	w.seen = w.stamps()
	w.timer.Reset(settleAfter)
}

// look applies the file, if it has settled.
func (w *watcher) look() {
	before := w.stamps()
	switch {
	case !slices.ContainsFunc(before, stamp.empty):
		w.empty = time.Time{}
	case w.empty.IsZero():
		w.empty = time.Now()
	}
	unsettled := !sameStamps(before, w.seen) && time.Since(w.since) < settleMost
	if unsettled || !w.empty.IsZero() && time.Since(w.empty) < settleMost {
		w.changed()
		return
	}
	old := w.v.config()
	err := w.v.reload(func() bool { return sameStamps(before, w.stamps()) })
	if errors.Is(err, errUnsettled) {
		w.changed()
		return
	}
	w.since = time.Time{}
	w.v.tell(old, err)
	if err := w.update(w.v.config()); err != nil && err.Error() != w.said {
		w.said = err.Error()
		w.v.log.Warn("changes are seen later than usual", "err", err)
	}
	w.read = w.stamps()
	if len(w.read) == len(before) && !sameStamps(w.read, before) {
		w.changed() // meanwhile
	}
}

// stamps returns the state of the files.
func (w *watcher) stamps() []stamp {
	list := make([]stamp, len(w.files))
	for i, name := range w.files {
		if info, err := os.Stat(name); err == nil {
			list[i] = stamp{mod: info.ModTime(), size: info.Size(), file: info}
		}
	}
	return list
}

func (s stamp) empty() bool { return s.file != nil && s.size == 0 }

func sameStamps(a, b []stamp) bool { return slices.EqualFunc(a, b, stamp.same) }

// ReloadAndLog is Reload for those who have nobody to give the error to: how it
// went is logged, each mistake by itself.
func (v *Served) ReloadAndLog() {
	old := v.config()
	v.tell(old, v.Reload())
}

// tell logs how a change was applied, and that one was taken back which was not.
func (v *Served) tell(old *Config, err error) {
	v.mu.Lock()
	now, wrong := v.cfg, v.wrong
	v.wrong = err != nil
	v.mu.Unlock()
	switch {
	case err != nil:
		for _, e := range allErrors(err) {
			v.log.Error("the changed file is not applied", "err", e)
		}
	case !old.same(now):
		v.log.Info("the changed file is applied", "file", now.typed)
	case wrong:
		v.log.Info("the file is right again, and says what it said before", "file", now.typed)
	}
}

// same tells whether two files define the same.
func (c *Config) same(o *Config) bool {
	return slices.EqualFunc(c.objects, o.objects, (*def).same)
}

// same tells whether two entries are defined, and described, alike.
func (d *def) same(o *def) bool {
	return d.name == o.name && d.kind == o.kind && d.canon == o.canon && d.doc == o.doc && d.hidden == o.hidden &&
		slices.EqualFunc(d.entries, o.entries, (*def).same)
}

// allErrors takes joined errors apart.
func allErrors(err error) []error {
	if list, ok := err.(interface{ Unwrap() []error }); ok {
		return list.Unwrap()
	}
	return []error{err}
}

// update watches what a file is made of, and nothing else.
func (w *watcher) update(c *Config) error {
	led := w.links
	w.files, w.links = nil, make(map[string]string)
	var dirs []string
	for _, file := range append([]string{c.path}, c.watched()...) {
		names := []string{file}
		real, err := filepath.EvalSymlinks(file)
		if err != nil {
			real = led[file] // it leads nowhere now, and may come back
		}
		if real != "" && real != file {
			names = append(names, real)
			w.links[file] = real
		}
		for _, name := range names {
			w.files = append(w.files, name)
			if dir := filepath.Dir(name); !slices.Contains(dirs, dir) {
				dirs = append(dirs, dir)
			}
		}
	}
	for _, dir := range w.dirs {
		if !slices.Contains(dirs, dir) {
			_ = w.fs.Remove(dir) // it may be gone
		}
	}
	w.dirs = dirs
	var wrong error
	for _, dir := range dirs { // those that are watched, too: it may be another now
		if err := w.fs.Add(dir); err != nil && wrong == nil {
			wrong = fmt.Errorf("cannot watch %s: %w", dir, err)
		}
	}
	return wrong
}

// concerns tells whether a changed name is one of the files, or makes one of
// them another.
func (w *watcher) concerns(name string) bool {
	if slices.Contains(w.files, name) {
		return true
	}
	for file, was := range w.links {
		if real, err := filepath.EvalSymlinks(file); err == nil && real != was {
			return true
		}
	}
	return false
}
