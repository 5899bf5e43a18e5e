//go:build linux

package fsview

import (
	"context"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"golang.org/x/sys/unix"

	"nomfs/codec"
)

// A memberDir is a directory whose names are members: an object, or its index.
type memberDir interface {
	fs.InodeEmbedder
	owner() *objectDir
	where() string // its path from the mount point
	// setting returns what a file of this name sets.
	setting(ctx context.Context, name string) (setting, error)
	// isScratch tells whether a name here is a tool's own.
	isScratch(name string) bool
	// findEntry returns what lies under a name.
	findEntry(ctx context.Context, name string) (entry, error)
}

// A setting is what a file sets: a member, by text that fits its type, or by an
// exact literal.
type setting struct {
	m    member
	form *form // of a view; nil is the text
}

// assign sets the member to what a whole file says.
func (s setting) assign(ctx context.Context, text []byte) error {
	if len(text) > maxDatagram {
		return errTooLarge(maxDatagram)
	}
	v, err := s.parse(ctx, text)
	if err != nil {
		return err
	}
	return s.m.set(ctx, v)
}

// errNoRename is the answer to a rename of what is no attribute.
var errNoRename = &opError{syscall.EPERM, "only attributes, items and scratch files can be renamed"}

// errNoExchange is the answer to a rename with flags that mean nothing here.
var errNoExchange = &opError{syscall.EINVAL, "two names are never exchanged: rename one after the other"}

// Rename renames an attribute or a scratch file.
func (d *objectDir) Rename(ctx context.Context, name string, to fs.InodeEmbedder, newName string, flags uint32) syscall.Errno {
	return rename(ctx, d, name, to, newName, flags)
}

// Rename renames an item or a scratch file.
func (x *indexDir) Rename(ctx context.Context, name string, to fs.InodeEmbedder, newName string, flags uint32) syscall.Errno {
	return rename(ctx, x, name, to, newName, flags)
}

func rename(ctx context.Context, from memberDir, name string, to fs.InodeEmbedder, newName string, flags uint32) syscall.Errno {
	p := from.owner().p
	if e := p.readOnly(); e != 0 {
		return e
	}
	path := joinPath(from.where(), name)
	if flags&^uint32(unix.RENAME_NOREPLACE) != 0 {
		return p.fail(ctx, "rename", path, opSetValue, errNoExchange)
	}
	dst, ok := to.(memberDir)
	if !ok {
		return p.fail(ctx, "rename", path, opSetValue, errNoRename)
	}
	if len(newName) > maxName {
		return syscall.ENAMETOOLONG
	}
	c, cancel := p.opContext(ctx)
	defer cancel()
	r := &renaming{p: p, from: from, name: name, to: dst, newName: newName, path: path}
	if flags&unix.RENAME_NOREPLACE != 0 {
		exists, err := r.targetExists(c)
		if err != nil {
			return p.fail(ctx, "rename", path, opLookup, err)
		}
		if exists {
			return syscall.EEXIST
		}
	}
	return p.fail(ctx, "rename", path, opSetValue, r.run(c))
}

// A renaming is one rename under way.
type renaming struct {
	p             *peer
	from, to      memberDir
	name, newName string
	path          string // of the old name
}

func (r *renaming) newPath() string { return joinPath(r.to.where(), r.newName) }

func (r *renaming) targetExists(ctx context.Context) (bool, error) {
	if r.p.scratches.get(r.newPath()) != nil {
		return true, nil
	}
	if r.to.isScratch(r.newName) {
		return false, nil
	}
	_, err := r.to.findEntry(ctx, r.newName)
	switch {
	case err == nil:
		return true, nil
	case isMissing(err) || isException(err):
		return false, nil
	}
	return false, err
}

func (r *renaming) run(ctx context.Context) error {
	s := r.p.scratches.get(r.path)
	toScratch := r.to.isScratch(r.newName)
	switch {
	case s != nil && toScratch:
		r.p.scratches.rename(r.path, r.newPath())
		return nil
	case s != nil:
		return r.commit(ctx, s)
	case toScratch:
		return r.backup(ctx)
	}
	return r.move(ctx)
}

// commit makes a scratch an attribute. If the peer or the text refuses, the
// scratch stays as it was.
func (r *renaming) commit(ctx context.Context, s *scratch) error {
	to, err := r.to.setting(ctx, r.newName)
	if err != nil {
		return err
	}
	t := &r.p.scratches
	t.mu.Lock()
	unchanged := s.backupOf == r.newPath()
	t.mu.Unlock()
	switch {
	case unchanged && t.isAway(r.newPath()):
		// An editor that could not save puts its backup back: the peer
		// still has that value.
		t.awayUntil(r.newPath(), time.Time{})
	case s.link != "":
		var v codec.Value
		if v, err = r.p.walk(ctx, r.to.where(), s.link); err != nil {
			// What is missing is the target: no error of the assignment.
			return &opError{errnoOf(err, opLookup), s.link + ": " + err.Error()}
		}
		err = to.m.set(ctx, v)
	default:
		err = to.assign(ctx, s.text())
	}
	if err != nil {
		return err
	}
	t.settle(r.path, s, to)
	if ch := r.from.EmbeddedInode().GetChild(r.name); ch != nil {
		if f, ok := ch.Operations().(*valueFile); ok && f.moved.Load() == s { // a backup comes back
			f.at.Store(&to.m)
			f.moved.Store(nil)
			r.lookAgain()
		}
	}
	return nil
}

// backup makes a scratch of an attribute's value. The peer is not told: nobody
// who renames a file to name~ wants it gone, they are about to write it anew.
// Until then it is out of sight, so that creating it succeeds.
func (r *renaming) backup(ctx context.Context) error {
	from, err := r.from.setting(ctx, r.name)
	if err != nil {
		return err
	}
	v, err := from.m.value(ctx)
	if err != nil {
		return err
	}
	if v.Kind() == codec.KindRef {
		return &opError{syscall.EPERM, "a reference cannot be kept in a scratch file"}
	}
	text, err := from.render(ctx, v)
	if err != nil {
		return err
	}
	s, err := r.p.scratches.add(r.newPath(), fileMode, text, "")
	if err != nil {
		return err
	}
	if from.form == nil {
		s.table.mu.Lock()
		s.backupOf = r.path
		s.table.mu.Unlock()
		r.p.scratches.awayUntil(r.path, time.Now().Add(awayTime))
	}
	// The kernel takes the old name's inode along.
	if ch := r.from.EmbeddedInode().GetChild(r.name); ch != nil {
		if f, ok := ch.Operations().(*valueFile); ok {
			s.ino = ch.StableAttr().Ino
			f.moved.Store(s)
		}
	}
	r.p.scratches.movedFrom(r.path)
	return nil
}

// move sets the new name to what the old one holds, reference or value, and
// deletes the old one.
func (r *renaming) move(ctx context.Context) error {
	from, err := r.from.setting(ctx, r.name)
	if err != nil {
		return err
	}
	to, err := r.to.setting(ctx, r.newName)
	if err != nil {
		return err
	}
	if from.form != nil || to.form != nil {
		return errNoRename
	}
	same, err := sameMember(ctx, from.m, to.m)
	if err != nil || same {
		return err
	}
	if from.m.key == nil {
		if _, err := from.m.dir.anyDesc(ctx); err != nil && !unsupported(err) {
			return err
		}
	}
	if info := from.m.info(); info != nil && !info.Delete {
		return &opError{syscall.EPERM, "the old name cannot be deleted"}
	}
	if r.p.opt.Delete == DeleteNone {
		return errNoDelete
	}
	v, err := from.m.fetch(ctx)
	if err != nil {
		return err
	}
	_, err = to.m.value(ctx)
	isNew := err != nil && isMissing(err)
	if err := to.m.set(ctx, v); err != nil {
		return err
	}
	if err := from.m.del(ctx); err != nil {
		if isNew {
			_ = to.m.del(ctx) // as it was; the first error is what matters
		}
		return err
	}
	r.carry(to.m)
	return nil
}

// sameMember tells whether two paths lead to one attribute of one object.
func sameMember(ctx context.Context, a, b member) (bool, error) {
	ao, err := a.dir.object(ctx)
	if err != nil {
		return false, err
	}
	bo, err := b.dir.object(ctx)
	if err != nil {
		return false, err
	}
	return ao.ref == bo.ref && a.id() == b.id(), nil
}

// carry tells the inode, which the kernel takes along to the new name, what it
// is now, and asks the kernel to look again.
func (r *renaming) carry(to member) {
	r.p.scratches.movedFrom(r.path)
	if ch := r.from.EmbeddedInode().GetChild(r.name); ch != nil {
		switch n := ch.Operations().(type) {
		case *valueFile:
			n.at.Store(&to)
		case *objectDir:
			n.from(to)
		case *linkNode:
			t := *n.at.Load()
			if t.from = to; r.from.where() != r.to.where() {
				t.text = "" // it was relative to the other directory
			}
			n.at.Store(&t)
		}
	}
	r.lookAgain() // below a directory the old path is remembered in many places
}

// lookAgain makes the kernel let go of the new name, which it can only when the
// rename is answered.
func (r *renaming) lookAgain() {
	r.p.lookAgain(r.to.EmbeddedInode(), r.newName)
}
