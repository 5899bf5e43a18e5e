//go:build linux

package fsview

import (
	"context"
	"path"
	"strings"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"

	"nomfs/codec"
)

// render returns the text of the file that holds v.
func (s setting) render(ctx context.Context, v codec.Value) ([]byte, error) {
	if s.form != nil {
		return s.form.render(ctx, s.m, v)
	}
	return render(v), nil
}

// parse makes a value of text, of the type that the member has now.
func (s setting) parse(ctx context.Context, text []byte) (codec.Value, error) {
	var cur codec.Value
	if s.form == nil {
		var err error
		if cur, err = s.m.current(ctx); err != nil {
			return nil, err
		}
	}
	if target, ok := s.m.dir.p.referenceText(text, cur); ok {
		v, err := s.m.dir.p.walk(ctx, "", target)
		if err != nil {
			return nil, &opError{errnoOf(err, opLookup), "@" + target + ": " + err.Error()}
		}
		return v, nil
	}
	if s.form != nil {
		return s.form.parse(ctx, s.m, text)
	}
	return parseText(text, cur)
}

// referenceText tells whether text written over cur is @ and a path in this
// mount, and returns the path. What holds text keeps holding text.
func (p *peer) referenceText(text []byte, cur codec.Value) (target string, ok bool) {
	if cur != nil && (cur.Kind() == codec.KindText || cur.Kind() == codec.KindBytes) {
		return "", false
	}
	s, ok := strings.CutPrefix(strings.TrimSuffix(string(text), "\n"), "@")
	if !ok || !path.IsAbs(s) {
		return "", false
	}
	rest, ok := p.inside(s)
	rest = strings.TrimLeft(rest, "/")
	return rest, ok && rest != ""
}

// notifyWait is how long an operation waits for the kernel to let go of a name.
const notifyWait = 100 * time.Millisecond

// seenAsOther tells whether the kernel knows the member as a directory or a link.
func (m member) seenAsOther() bool {
	dir := m.kernelDir()
	if dir == nil {
		return false
	}
	in := dir.GetChild(m.fileName())
	return in != nil && in.Mode()&syscall.S_IFMT != syscall.S_IFREG
}

// kernelDir is the directory in which the kernel knows the member, nil for none.
func (m member) kernelDir() *fs.Inode {
	dir := m.dir.EmbeddedInode()
	if m.key != nil {
		return dir.GetChild("index")
	}
	return dir
}

// changedKind makes the kernel forget that the member was a file, or a
// directory, so that whoever comes next finds what it is now.
func (m member) changedKind() {
	if dir := m.kernelDir(); dir != nil {
		m.dir.p.forgetEntry(dir, m.fileName())
	}
}

// forgetEntry makes the kernel look a name up anew, and waits a moment until it
// does.
func (f *fsys) forgetEntry(dir *fs.Inode, name string) {
	select {
	case <-f.lookAgain(dir, name):
	case <-time.After(notifyWait):
	}
}

// lookAgain makes the kernel look names of a directory up anew, and returns what is
// closed when it does. The kernel can let go of a name when no other request works
// in the directory, so that a request must not wait for it without a bound.
func (f *fsys) lookAgain(dir *fs.Inode, names ...string) <-chan struct{} {
	done := make(chan struct{})
	notify := func() {
		defer close(done)
		for _, name := range names {
			if f.tasks.base.Err() != nil {
				return
			}
			_ = dir.NotifyEntry(name) // ENOENT: the kernel does not know it
		}
	}
	if len(names) == 0 || !f.tasks.spawn(notify) {
		close(done)
	}
	return done
}
