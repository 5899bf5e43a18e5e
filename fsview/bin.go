//go:build linux

package fsview

import (
	"context"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"nomfs/codec"
)

const (
	// callCommand is the command of the program that runs a script of .bin.
	callCommand = "call-file"
	// maxInterpreter is the longest first line of a script in bytes, with its
	// newline: the kernel reads no more of it.
	maxInterpreter = 255
	// absentAge is how long a description serves to say that a method, or an
	// attribute whose name is no identifier, does not exist. With .bin in its PATH, a
	// shell asks for every command it is given.
	absentAge = 10 * time.Second
)

// scriptText is what every file below .bin holds. The kernel runs the program
// with the path of the script and the arguments. It takes the text after the
// first blank as one argument, so a program whose path has blanks, or is too
// long, is run by a shell.
func scriptText(program string) string {
	line := "#!" + program + " " + callCommand + "\n"
	if len(line) <= maxInterpreter && !strings.ContainsAny(program, " \t\n\r") {
		return line
	}
	quoted := "'" + strings.ReplaceAll(program, "'", `'\''`) + "'"
	return "#!/bin/sh\nexec " + quoted + " " + callCommand + ` "$0" "$@"` + "\n"
}

// A liveDir is a directory that can only be read, made of what the peer tells.
type liveDir struct {
	node
	path string
	list func(ctx context.Context) ([]entry, error)
	find func(ctx context.Context, name string) (entry, error)
}

var (
	_ fs.NodeLookuper       = (*liveDir)(nil)
	_ fs.NodeOpendirHandler = (*liveDir)(nil)
	_ fs.NodeGetattrer      = (*liveDir)(nil)
)

func (l *liveDir) fill(a *fuse.Attr) { l.p.fillDir(a, rootMode) }

// Getattr answers from memory.
func (l *liveDir) Getattr(ctx context.Context, f fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	l.fill(&out.Attr)
	out.SetTimeout(cacheTime)
	return 0
}

// Lookup finds one entry.
func (l *liveDir) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	if len(name) > maxName {
		return nil, syscall.ENAMETOOLONG
	}
	c, cancel := l.p.opContext(ctx)
	defer cancel()
	if l.p.nodes.refuses(l.EmbeddedInode(), name) {
		return nil, l.p.fail(ctx, "look up", joinPath(l.path, name), opLookup, errManyNodes)
	}
	e, err := l.find(c, name)
	if err != nil {
		return nil, errnoOf(err, opLookup)
	}
	return attach(ctx, l.EmbeddedInode(), l.path, e, out), 0
}

// OpendirHandle lists.
func (l *liveDir) OpendirHandle(ctx context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	return newDirHandle(l.p, l.EmbeddedInode(), l.path, l.list, nil), 0, 0
}

// liveEntry returns the entry of a directory that n describes.
func liveEntry(name string, n *liveDir) entry {
	return entry{name, syscall.S_IFDIR | rootMode, func(old fs.InodeEmbedder) treeNode {
		if l, ok := old.(*liveDir); ok {
			return l
		}
		return n
	}}
}

// scriptEntry is one method as a command: a file that nobody may write, since a
// file that is open for writing cannot be run.
func scriptEntry(p *peer, dir, name string) entry {
	e := localTextEntry(p, dir, name, func(caller) string { return scriptText(p.opt.Program) })
	plain := e.node
	e.mode = syscall.S_IFREG | execMode
	e.node = func(old fs.InodeEmbedder) treeNode {
		n := plain(old)
		if old == nil {
			n.(*textFile).mode = execMode
		}
		return n
	}
	return e
}

// binEntry is the directory .bin of an object: its methods.
func (d *objectDir) binEntry() (entry, error) {
	if d.p.opt.Program == "" {
		return entry{}, errNoEntry
	}
	dir := joinPath(d.path, viewBin.name())
	return liveEntry(viewBin.name(), &liveDir{node{p: d.p}, dir,
		func(ctx context.Context) ([]entry, error) {
			if d.method.Load() != nil {
				return nil, nil
			}
			desc, err := d.describe(ctx)
			if err != nil {
				return nil, known(err)
			}
			var entries []entry
			for i := range desc.Attrs {
				if a := &desc.Attrs[i]; a.Call && listed(a.Name) {
					entries = append(entries, scriptEntry(d.p, dir, encodeName(a.Name, attrNames)))
				}
			}
			return entries, desc.cut
		},
		func(ctx context.Context, name string) (entry, error) {
			attr, ok := decodeName(name, attrNames)
			if !ok || d.method.Load() != nil {
				return entry{}, errNoEntry
			}
			if err := d.hasMethod(ctx, attr); err != nil {
				return entry{}, err
			}
			return scriptEntry(d.p, dir, name), nil
		},
	}), nil
}

// known passes an error on, unless it says that the peer cannot tell.
func known(err error) error {
	if unsupported(err) {
		return nil
	}
	return err
}

// hasMethod returns nil where the object has a method of that name, or where the
// peer cannot tell and the name may be one.
func (d *objectDir) hasMethod(ctx context.Context, attr string) error {
	desc, err := d.anyDesc(ctx)
	if err == nil && !isMethod(desc, attr) && d.descOlder(absentAge) {
		desc, err = d.describe(ctx)
	}
	switch {
	case err == nil && isMethod(desc, attr), unsupported(err) && isIdentifier(attr):
		return nil
	case err == nil && (mayRefer(desc, attr) || attrInfo(desc, attr) == nil && (d.advertised(attr) || desc.cut != nil)):
		return d.refersToCallable(ctx, attr)
	case err == nil, unsupported(err):
		return errNoEntry
	}
	return err
}

// mayRefer tells whether an attribute is, or may now be, a reference.
func mayRefer(desc *description, attr string) bool {
	info := attrInfo(desc, attr)
	return info != nil && (info.Kind == codec.KindRef || info.Kind == codec.KindInvalid || info.Kind == codec.KindNone)
}

// refersToCallable returns nil where an attribute is an object that can be
// called, such as a callback that somebody assigned.
func (d *objectDir) refersToCallable(ctx context.Context, attr string) error {
	v, err := member{dir: d, attr: attr}.value(ctx)
	if err != nil {
		return err
	}
	r, ok := v.(codec.Ref)
	if !ok {
		return errNoEntry
	}
	desc, err := d.p.describeRef(ctx, r)
	switch {
	case err == nil && desc.Callable, unsupported(err):
		return nil
	case err == nil:
		return errNoEntry
	}
	return err
}

func isMethod(desc *description, attr string) bool {
	info := attrInfo(desc, attr)
	return info != nil && info.Call
}

// descOlder tells whether what is known of the object is older than age.
func (d *objectDir) descOlder(age time.Duration) bool {
	o := d.known()
	if o == nil {
		return true
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return time.Since(o.desc.at.at) > age
}

// binEntry is the directory .bin of the root: the registered callables.
func (r *rootDir) binEntry() (entry, error) {
	if r.p.opt.Program == "" {
		return entry{}, errNoEntry
	}
	return liveEntry(viewPeerBin.name(), &liveDir{node{p: r.p}, r.binPath(), r.listBin, r.findBin}), nil
}

func (r *rootDir) binPath() string { return joinPath(r.p.at, viewPeerBin.name()) }

func (r *rootDir) listBin(ctx context.Context) ([]entry, error) {
	t := r.p.rootsListed(ctx)
	if t.err != nil {
		return nil, t.err
	}
	found := make([]entry, len(t.names))
	parallel(len(t.names), func(i int) {
		ref, ok := t.vals[t.names[i]].(codec.Ref)
		if !ok {
			return
		}
		name := encodeName(t.names[i], plainNames)
		desc, err := r.p.registered(t.names[i], ref).anyDesc(ctx)
		if err == nil && desc.Callable && len(name) <= maxName {
			found[i] = scriptEntry(r.p, r.binPath(), name)
		}
	})
	entries := found[:0]
	for _, e := range found {
		if e.name != "" {
			entries = append(entries, e)
		}
	}
	return entries, t.cut
}

func (r *rootDir) findBin(ctx context.Context, name string) (entry, error) {
	registered, ok := decodeName(name, plainNames)
	if !ok {
		return entry{}, errNoEntry
	}
	if t := r.p.rootsNow(ctx, absentAge, false); t != nil && t.err == nil && t.cut == nil && !t.at.IsZero() && !contains(t.names, registered) {
		return entry{}, errNoEntry
	}
	v, err := r.p.root(ctx, registered)
	if err != nil {
		return entry{}, err
	}
	ref, ok := v.(codec.Ref)
	if !ok {
		return entry{}, errNoEntry
	}
	desc, err := r.p.registered(registered, ref).anyDesc(ctx)
	switch {
	case err == nil && !desc.Callable:
		return entry{}, errNoEntry
	case err != nil && !unsupported(err):
		return entry{}, err
	}
	return scriptEntry(r.p, r.binPath(), name), nil
}

// contains searches sorted names.
func contains(names []string, name string) bool {
	_, ok := slices.BinarySearch(names, name)
	return ok
}

// registered is the directory of a registered object, for asking it something.
func (p *peer) registered(name string, ref codec.Ref) *objectDir {
	d := &objectDir{node: node{p: p}, src: rootSource{p, name}, path: joinPath(p.at, encodeName(name, plainNames)), depth: 1}
	d.adopt(ref)
	return d
}

// errNotCallable: there is no signature of what cannot be called.
var errNotCallable = &opError{syscall.ENOTSUP, "cannot be called"}

// sigText is how the object is called, in one line: add(a, b=2).
func (d *objectDir) sigText(ctx context.Context, _ caller) ([]byte, error) {
	if info := d.method.Load(); info != nil {
		return line(signature(info.Name, info.Params)), nil
	}
	name := path.Base(d.path)
	if attr, ok := decodeName(name, attrNames); ok {
		name = attr
	}
	desc, err := d.anyDesc(ctx)
	switch {
	case unsupported(err):
		return line(signature(name, nil)), nil
	case err != nil:
		return nil, err
	case !desc.Callable:
		return nil, errNotCallable
	}
	return line(signature(name, desc.Params)), nil
}

// signature is a call as Python would declare it; nil params are not known.
func signature(name string, params []codec.Param) string {
	if params == nil {
		return name + "(...)"
	}
	list := make([]string, len(params))
	for i, p := range params {
		list[i] = paramText(p)
	}
	return name + "(" + strings.Join(list, ", ") + ")"
}

func paramText(p codec.Param) string {
	name := p.Name
	if name == "" {
		name = "_"
	}
	if p.Rest {
		name = "*" + name
	}
	equals := "="
	if p.Type != "" {
		name += ": " + p.Type
		equals = " = "
	}
	if p.Default != nil {
		name += equals + p.Default.String()
	}
	return name
}

// Getxattr tells the caller's own last error: that of the path may be another
// process's by now.
func (f *callFile) Getxattr(ctx context.Context, attr string, dest []byte) (uint32, syscall.Errno) {
	if attr != xattrError {
		return 0, syscall.ENODATA
	}
	text := f.p.errors.ofCaller(f.path(), callerOf(ctx).process())
	if text == "" {
		text = f.p.errors.ofPath(f.d.path)
	}
	return xattrValue(text, dest)
}

// noteCaller keeps the error of a call for the process that made it.
func (f *callFile) noteCaller(c caller, text string) {
	if pid := c.process(); pid != 0 {
		f.p.errors.addCaller(f.path(), pid, text)
	}
}
