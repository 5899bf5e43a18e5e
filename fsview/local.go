//go:build linux

package fsview

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strings"
	"syscall"
	"time"

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

// Getattr answers from memory: exactly where somebody has the file open.
func (t *textFile) Getattr(ctx context.Context, f fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	t.fill(&out.Attr)
	if h, ok := f.(*textHandle); ok {
		t.p.setSize(&out.Attr, int64(len(h.text)))
	} else if t.local {
		if text, err := t.text(ctx, callerOf(ctx)); err == nil {
			t.p.setSize(&out.Attr, int64(len(text)))
		}
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
		return nil, 0, t.p.fail(ctx, "read", t.path, t.op, err)
	}
	return &textHandle{text}, fuse.FOPEN_DIRECT_IO | fuse.FOPEN_NOFLUSH, 0
}

// A textHandle is an open text.
type textHandle struct{ text []byte }

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

// textControl returns len, repr or str.
func (d *objectDir) textControl(name string) entry {
	op := opText
	if name == "len" {
		op = opLen
	}
	return textEntry(d.p, d.path, name, op, func(ctx context.Context, _ caller) ([]byte, error) {
		if name == "len" {
			n, err := d.length(ctx)
			return line(itoa(n)), err
		}
		var s string
		err := d.do(ctx, func(o *object) error {
			var err error
			if name == "repr" {
				s, err = o.peer.remote.Repr(ctx, o.ref)
			} else {
				s, err = o.peer.remote.Str(ctx, o.ref)
			}
			return err
		})
		return []byte(s + "\n"), err
	})
}

// dotEntry returns one of the entries that begin with a dot.
func (d *objectDir) dotEntry(name string) (entry, error) {
	var text func(context.Context, caller) ([]byte, error)
	switch name {
	case binName:
		return d.binEntry()
	case ".json":
		text = d.jsonText
	case ".sig":
		text = d.sigText
	case ".dir":
		text = d.dirText
	case ".type":
		text = func(ctx context.Context, _ caller) ([]byte, error) {
			desc, err := d.anyDesc(ctx)
			if unsupported(err) {
				return line(codec.KindRef.String()), nil
			}
			if err != nil {
				return nil, err
			}
			return line(desc.Class), nil
		}
	case ".doc":
		text = d.docText
	case ".oid":
		text = func(ctx context.Context, _ caller) ([]byte, error) {
			o, err := d.object(ctx)
			if err != nil {
				return nil, err
			}
			return line(string(o.ref.ID)), nil
		}
	default:
		return entry{}, errNoEntry
	}
	return textEntry(d.p, d.path, name, opGet, text), nil
}

// dirText lists the names of the attributes, one a line, spelled as files.
func (d *objectDir) dirText(ctx context.Context, _ caller) ([]byte, error) {
	var names []string
	desc, err := d.describe(ctx)
	switch {
	case err == nil:
		for _, a := range desc.Attrs {
			names = append(names, a.Name)
		}
	case unsupported(err):
		if names, err = d.guessNames(ctx); err != nil {
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
	return []byte(b.String()), nil
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

// nomEntry is the directory .nom of the root.
func (p *peer) nomEntry() entry {
	const dir = ".nom"
	return localEntry(p, "", dir, rootMode, []entry{
		textEntry(p, dir, "README", opGet, p.readme),
		localTextEntry(p, dir, "error", func(c caller) string { return p.errors.ofSession(c.session()) }),
		logEntry(p, "log", &p.errors.all),
		localTextEntry(p, dir, "status", func(caller) string { return p.status() }),
		localEntry(p, dir, "obj", rootMode, nil, p.findID),
	}, nil)
}

// findID resolves a name below .nom/obj.
func (p *peer) findID(name string) (entry, error) {
	r, ok := p.byID(name)
	if !ok {
		return entry{}, errNoEntry
	}
	return entry{name, syscall.S_IFDIR | dirMode, func(old fs.InodeEmbedder) treeNode {
		x, ok := old.(*objectDir)
		if !ok {
			x = newObjectDir(p, nil, objPath+"/"+name, maxDepth)
		}
		x.from(fixedSource{r})
		x.adopt(r)
		return x
	}}, nil
}

// objectByID is the directory of an object below .nom/obj. It counts as deep,
// so that what it refers to is a link to its neighbours.
func (p *peer) objectByID(r codec.Ref, name string) *objectDir {
	d := &objectDir{node: node{p: p}, src: fixedSource{r}, path: objPath + "/" + name, depth: maxDepth}
	d.adopt(r)
	return d
}

// status describes the mount for people, from memory.
func (p *peer) status() string {
	p.mu.Lock()
	objects, ids := len(p.objects), len(p.ids)
	p.mu.Unlock()
	var b strings.Builder
	b.WriteString(p.remote.StatusText())
	if s := b.String(); s != "" && !strings.HasSuffix(s, "\n") {
		b.WriteByte('\n')
	}
	access := "read and write"
	if p.opt.ReadOnly {
		access = "read only"
	}
	for _, line := range []struct {
		name  string
		value any
	}{
		{"mount", p.dir + ", " + access}, {"since", p.started.Format(time.RFC3339)}, {"timeout", p.timeout},
		{"objects_known", objects}, {"objects_by_id", ids}, {"references_in_use", p.refs.inUse()},
		{"calls_running", p.results.running()},
	} {
		fmt.Fprintf(&b, "%-20s %v\n", line.name, line.value)
	}
	b.WriteString(p.scratches.lines())
	return b.String()
}

// readme explains the tree with names that are really there.
func (p *peer) readme(ctx context.Context, _ caller) ([]byte, error) {
	name := "NAME"
	ctx, cancel := context.WithTimeout(ctx, fresh) // a peer that is away does not keep its manual
	defer cancel()
	p.rootsNow(ctx, readmeAge, true)
	p.mu.Lock()
	if t := p.roots; t != nil {
		for _, n := range t.names {
			if _, ok := t.vals[n].(codec.Ref); ok && isIdentifier(n) {
				name = n
				break
			}
		}
	}
	p.mu.Unlock()
	return []byte(strings.ReplaceAll(fmt.Sprintf(readmeText, p.opt.Peer, p.dir), "NAME", name)), nil
}

// readmeAge is how old the names in the examples may be.
const readmeAge = time.Hour

const readmeText = `This directory shows the objects of %s, live.
A file is a value, a directory is an object.

  cd %s
  ls NAME                       its attributes
  cat NAME/ATTR                 read one
  echo 5 > NAME/ATTR            set one; the text must fit its type
  rm NAME/ATTR                  delete one
  echo '1, b=2' > NAME/METHOD/call; cat NAME/METHOD/call     call a method
  NAME/.bin/METHOD 1 --b=2      the same as one command; --help explains it
  cat NAME/len; ls NAME/index   length and items, where it has them
  cat NAME/repr NAME/str NAME/.type NAME/.doc NAME/.dir NAME/.oid
  cat NAME/.json NAME/ATTR.json as JSON; ATTR.json can be written
  cat NAME/ATTR.err             the last error of one attribute or method
  cat .nom/error                the last error of your login session
  tail -f .nom/log              all that fails, as it comes
  cat .nom/status               the connection

Any attribute can be used by its name, listed or not. Directories are never
copied into a mount as they were: what a saved tree has in its "call" files
would be called.
`
