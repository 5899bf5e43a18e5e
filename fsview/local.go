//go:build linux

package fsview

import (
	"context"
	"slices"
	"sort"
	"strings"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"nomfs/codec"
)

// A textFile is a file that only tells something. Its text is made when it is
// opened.
type textFile struct {
	node
	path string
	op   opSet
	text func(ctx context.Context, c caller) ([]byte, error)
	// local says that the text is made from memory, so that its size can be
	// told exactly at any time.
	local bool
	mode  uint32 // permissions; 0 is readMode
	// refuse says why it cannot be written; nil is EACCES.
	refuse func(ctx context.Context) syscall.Errno
	open   openFiles[*textHandle]
}

var (
	_ fs.NodeOpener    = (*textFile)(nil)
	_ fs.NodeGetattrer = (*textFile)(nil)
)

func (t *textFile) fill(a *fuse.Attr) {
	mode := t.mode
	if mode == 0 {
		mode = readMode
	}
	t.p.fillAttr(a, syscall.S_IFREG|mode, unknownSize, t.p.started)
}

// Getattr answers from memory: the text of now where that can be told, and of
// what somebody has open else, see openFiles.sizeFor.
func (t *textFile) Getattr(ctx context.Context, f fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	t.fill(&out.Attr)
	size, who := int64(-1), callerOf(ctx)
	if t.local {
		if text, err := t.text(ctx, who); err == nil {
			size = int64(len(text))
		}
	} else {
		size = t.open.sizeFor(who, t.StableAttr().Ino, -1)
	}
	if size >= 0 {
		t.p.setSize(&out.Attr, size)
	}
	return 0
}

// Open makes the text.
func (t *textFile) Open(ctx context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	if flags&syscall.O_ACCMODE != syscall.O_RDONLY {
		if t.p.opt.ReadOnly {
			return nil, 0, syscall.EROFS
		}
		if t.refuse != nil {
			return nil, 0, t.refuse(ctx)
		}
		return nil, 0, syscall.EACCES
	}
	c, cancel := t.p.opContext(ctx)
	defer cancel()
	text, err := t.text(c, callerOf(ctx))
	if err != nil {
		errno := t.p.fail(ctx, "read", t.path, t.op, err)
		if truncation(err) == nil { // what there is is shown
			return nil, 0, errno
		}
	}
	h := &textHandle{t, callerOf(ctx), text}
	t.open.add(h)
	return h, fuse.FOPEN_DIRECT_IO | fuse.FOPEN_NOFLUSH, 0
}

// A textHandle is an open text.
type textHandle struct {
	file   *textFile
	opener caller
	text   []byte
}

func (h *textHandle) openedBy() caller { return h.opener }

func (h *textHandle) size() (n int64, empties bool) { return int64(len(h.text)), false }

// Release forgets the handle.
func (h *textHandle) Release(ctx context.Context) syscall.Errno {
	h.file.open.remove(h)
	return 0
}

// Read returns a part of the text.
func (h *textHandle) Read(ctx context.Context, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	return readAt(h.text, dest, off), 0
}

// Lseek says that the file has no holes.
func (h *textHandle) Lseek(ctx context.Context, off uint64, whence uint32) (uint64, syscall.Errno) {
	return seekData(uint64(len(h.text)), off, whence)
}

func textEntry(p *peer, dir, name string, op opSet, text func(context.Context, caller) ([]byte, error)) entry {
	return entry{name, syscall.S_IFREG | readMode, func(old fs.InodeEmbedder) treeNode {
		if t, ok := old.(*textFile); ok {
			return t
		}
		return &textFile{node: node{p: p}, path: joinPath(dir, name), op: op, text: text}
	}}
}

// localTextEntry is a textEntry whose text never asks the peer.
func localTextEntry(p *peer, dir, name string, text func(caller) string) entry {
	e := textEntry(p, dir, name, opGet, func(_ context.Context, c caller) ([]byte, error) {
		return []byte(text(c)), nil
	})
	plain := e.node
	e.node = func(old fs.InodeEmbedder) treeNode {
		n := plain(old)
		if old == nil {
			n.(*textFile).local = true
		}
		return n
	}
	return e
}

// line is text as a file: with one newline, or nothing.
func line(s string) []byte {
	if s == "" {
		return nil
	}
	return []byte(strings.TrimSuffix(s, "\n") + "\n")
}

// textView is a view of the object that is made when it is opened.
func textView(v view, op opSet, text func(d *objectDir, ctx context.Context, c caller) ([]byte, error)) func(context.Context, *objectDir) (entry, error) {
	return func(_ context.Context, d *objectDir) (entry, error) {
		return textEntry(d.p, d.path, v.name(), op, func(ctx context.Context, c caller) ([]byte, error) { return text(d, ctx, c) }), nil
	}
}

func (d *objectDir) lenText(ctx context.Context, _ caller) ([]byte, error) {
	n, err := d.length(ctx)
	return line(itoa(n)), err
}

func (d *objectDir) reprText(ctx context.Context, _ caller) ([]byte, error) {
	return d.askText(ctx, Remote.Repr)
}

func (d *objectDir) strText(ctx context.Context, _ caller) ([]byte, error) {
	return d.askText(ctx, Remote.Str)
}

// askText asks the object for one of its texts.
func (d *objectDir) askText(ctx context.Context, ask func(Remote, context.Context, codec.Ref) (string, error)) ([]byte, error) {
	var s string
	err := d.do(ctx, func(o *object) error {
		var err error
		s, err = ask(o.peer.remote, ctx, o.ref)
		return err
	})
	return []byte(s + "\n"), err
}

func (d *objectDir) typeText(ctx context.Context, _ caller) ([]byte, error) {
	desc, err := d.anyDesc(ctx)
	if unsupported(err) {
		return line(codec.KindRef.String()), nil
	}
	if err != nil {
		return nil, err
	}
	return line(desc.Class), nil
}

func (d *objectDir) oidText(ctx context.Context, _ caller) ([]byte, error) {
	o, err := d.object(ctx)
	if err != nil {
		return nil, err
	}
	d.p.idName(o.ref) // whoever reads it may look below .nom/obj
	return line(string(o.ref.ID)), nil
}

// dirText lists the names of the attributes, one a line, spelled as files.
func (d *objectDir) dirText(ctx context.Context, _ caller) ([]byte, error) {
	var names []string
	var cut error
	desc, err := d.describe(ctx)
	switch {
	case err == nil:
		cut = desc.cut
		for _, a := range desc.Attrs {
			names = append(names, a.Name)
		}
	case unsupported(err):
		names, err = d.guessNames(ctx)
		if cut = truncation(err); err != nil && cut == nil {
			return nil, err
		}
	default:
		return nil, err
	}
	var b strings.Builder
	sort.Strings(names)
	for _, n := range names {
		if listed(n) {
			b.WriteString(encodeName(n, attrNames) + "\n")
		}
	}
	return []byte(b.String()), cut
}

func (d *objectDir) docText(ctx context.Context, _ caller) ([]byte, error) {
	if info := d.method.Load(); info != nil {
		return line(info.Doc), nil
	}
	desc, err := d.anyDesc(ctx)
	if unsupported(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return line(desc.Doc), nil
}

// A localDir is a directory that does not depend on the peer.
type localDir struct {
	node
	path string
	mode uint32
	list []entry
	// find resolves names that are not listed; nil where there are none.
	find func(name string) (entry, error)
}

var (
	_ fs.NodeLookuper       = (*localDir)(nil)
	_ fs.NodeOpendirHandler = (*localDir)(nil)
	_ fs.NodeGetattrer      = (*localDir)(nil)
)

func (l *localDir) fill(a *fuse.Attr) { l.p.fillDir(a, l.mode) }

// Getattr answers from memory.
func (l *localDir) Getattr(ctx context.Context, f fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	l.fill(&out.Attr)
	out.SetTimeout(cacheTime)
	return 0
}

// Lookup answers from memory.
func (l *localDir) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	for _, e := range l.list {
		if e.name == name {
			return attach(ctx, l.EmbeddedInode(), l.path, e, out), 0
		}
	}
	if l.find == nil {
		return nil, syscall.ENOENT
	}
	e, err := l.find(name)
	if err != nil {
		return nil, errnoOf(err, opLookup)
	}
	return attach(ctx, l.EmbeddedInode(), l.path, e, out), 0
}

// OpendirHandle lists from memory.
func (l *localDir) OpendirHandle(ctx context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	list := func(context.Context) ([]entry, error) { return slices.Clone(l.list), nil }
	return newDirHandle(l.p, l.EmbeddedInode(), l.path, list, nil), 0, 0
}

func localEntry(p *peer, dir, name string, mode uint32, list []entry, find func(string) (entry, error)) entry {
	return entry{name, syscall.S_IFDIR | mode, func(old fs.InodeEmbedder) treeNode {
		if l, ok := old.(*localDir); ok {
			return l
		}
		return &localDir{node: node{p: p}, path: joinPath(dir, name), mode: mode, list: list, find: find}
	}}
}
