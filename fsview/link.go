//go:build linux

package fsview

import (
	"context"
	"path"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"nomfs/codec"
)

// maxDepth is how many objects may lie on one path. Below, every reference is
// a link: ten objects that know each other have millions of paths at sixteen.
const maxDepth = 4

// objPath is where every live object can be reached.
const objPath = ".nom/obj"

// valueEntry returns the entry of a member whose value is known.
func (d *objectDir) valueEntry(ctx context.Context, m member, name string, v codec.Value, info *codec.AttrInfo) entry {
	if r, ok := v.(codec.Ref); ok {
		return d.refEntry(ctx, m, name, r, info)
	}
	return d.fileEntry(m, name, info)
}

// fileEntry returns the entry of a member that holds a value.
func (d *objectDir) fileEntry(m member, name string, info *codec.AttrInfo) entry {
	mode := uint32(fileMode)
	if info != nil && !info.Write {
		mode = readMode
	}
	return entry{name, syscall.S_IFREG | mode, func(old fs.InodeEmbedder) treeNode {
		f, ok := old.(*valueFile)
		if !ok {
			f = &valueFile{node: node{p: d.p}}
		}
		f.at.Store(&m)
		f.unborn.Store(nil)
		f.deletions.Store(m.deletions())
		return f
	}}
}

// refEntry returns the entry of a member that is a reference: a directory,
// unless the object has a better place, in the root or above on this path, or
// lies too deep. So every path ends.
func (d *objectDir) refEntry(ctx context.Context, m member, name string, r codec.Ref, info *codec.AttrInfo) entry {
	isMethod := info != nil && info.Call
	if !isMethod {
		if root, ok := d.p.rootPath(ctx, r); ok {
			return linkEntry(d.p, name, &linkTarget{from: m, path: root})
		}
		for a := d; a != nil; a = a.up {
			if o := a.known(); o != nil && o.ref == r {
				return linkEntry(d.p, name, &linkTarget{from: m, path: a.path})
			}
		}
	}
	if d.depth >= depthLimit(isMethod) {
		return linkEntry(d.p, name, &linkTarget{from: m, ref: r})
	}
	return d.dirEntry(m, name, r, info)
}

// depthLimit is the depth from which on a reference is a link. A method is a
// part of its object and may lie one deeper.
func depthLimit(isMethod bool) int {
	if isMethod {
		return maxDepth + 1
	}
	return maxDepth
}

// lazyEntry returns the entry of a method whose reference nobody asked for
// yet.
func (d *objectDir) lazyEntry(m member, name string, info *codec.AttrInfo) entry {
	if d.depth >= depthLimit(true) {
		return linkEntry(d.p, name, &linkTarget{from: m})
	}
	return d.dirEntry(m, name, codec.Ref{}, info)
}

// dirEntry returns a directory for the object r; the zero Ref is one to be
// asked for when it is needed.
func (d *objectDir) dirEntry(m member, name string, r codec.Ref, info *codec.AttrInfo) entry {
	return entry{name, syscall.S_IFDIR | dirMode, func(old fs.InodeEmbedder) treeNode {
		var method *codec.AttrInfo
		if info != nil && info.Call {
			method = new(codec.AttrInfo)
			*method = *info // the whole description is not kept for it
		}
		x, ok := old.(*objectDir)
		if !ok {
			x = newObjectDir(d.p, d, m.path(), d.depth+1)
		}
		x.method.Store(method)
		x.from(m)
		if r != (codec.Ref{}) {
			x.adopt(r)
		}
		return x
	}}
}

// relative returns the path that leads from the directory from to the entry
// to, both given from the mount point. Links are relative, because absolute
// ones break under a bind mount.
func relative(from, to string) string {
	a, b := components(from), components(to)
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	parts := make([]string, 0, len(a)+len(b))
	for range a {
		parts = append(parts, "..")
	}
	parts = append(parts, b...)
	if len(parts) == 0 {
		return "."
	}
	return strings.Join(parts, "/")
}

func components(p string) []string {
	p = strings.Trim(path.Clean("/"+p), "/")
	if p == "" {
		return nil
	}
	return strings.Split(p, "/")
}

// A linkNode is a symbolic link inside the mount.
type linkNode struct {
	node
	at    atomic.Pointer[linkTarget]
	lease *lease // of the object that a link below .nom/obj leads to
}

// A linkTarget is where a link points: to a path from the mount point, or to
// the place below .nom/obj of an object, which the zero Ref says is still to be
// asked for.
type linkTarget struct {
	from member // whose link it is
	path string
	ref  codec.Ref
	text string // the link as it was assigned, instead of all that
}

var (
	_ fs.NodeReadlinker  = (*linkNode)(nil)
	_ fs.NodeOnForgetter = (*linkNode)(nil)
	_ fs.NodeGetattrer   = (*linkNode)(nil)
)

// linkEntry returns a link. Where it leads is made out for those who look it
// up: in a graph of objects that all know each other nearly everything is a
// link, and who lists asks for the names and kinds alone.
func linkEntry(p *peer, name string, t *linkTarget) entry {
	return entry{name, syscall.S_IFLNK | linkMode, func(old fs.InodeEmbedder) treeNode {
		l, ok := old.(*linkNode)
		if !ok {
			l = &linkNode{node: node{p: p}}
			l.lease = newLease(p, l)
		}
		if t.ref != (codec.Ref{}) {
			l.lease.set(t.ref)
		}
		l.at.Store(t)
		return l
	}}
}

// OnForget lets go of the object.
func (l *linkNode) OnForget() {
	l.node.OnForget()
	l.lease.end()
}

// target returns the text of the link.
func (t *linkTarget) target(p *peer) string {
	to := t.path
	if t.text != "" {
		return t.text
	}
	if t.ref != (codec.Ref{}) {
		to = objPath + "/" + p.idName(t.ref)
	} else if to == "" {
		return "" // not asked for yet
	}
	return relative(path.Dir(t.from.path()), to)
}

func (l *linkNode) fill(a *fuse.Attr) {
	l.p.fillAttr(a, syscall.S_IFLNK|linkMode, int64(len(l.at.Load().target(l.p))), l.p.started)
}

// Getattr answers from memory.
func (l *linkNode) Getattr(ctx context.Context, f fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	l.fill(&out.Attr)
	return 0
}

// Readlink returns where the object has its place.
func (l *linkNode) Readlink(ctx context.Context) ([]byte, syscall.Errno) {
	t := l.at.Load()
	if text := t.target(l.p); text != "" {
		return []byte(text), 0
	}
	c, cancel := l.p.opContext(ctx)
	defer cancel()
	v, err := t.from.value(c)
	if err != nil {
		return nil, errnoOf(err, opGet)
	}
	r, ok := v.(codec.Ref)
	if !ok {
		return nil, syscall.ESTALE
	}
	l.lease.set(r)
	asked := linkTarget{from: t.from, ref: r}
	return []byte(asked.target(l.p)), 0
}

// errOutside: only what lies in this mount can be assigned.
var errOutside = &opError{syscall.EPERM, "target is not an object in this mount"}

// walk returns the value at a path: absolute below the mount point, or
// relative to the directory dir of the tree.
func (f *fsys) walk(ctx context.Context, dir, target string) (codec.Value, error) {
	if path.IsAbs(target) {
		rest, ok := f.inside(target)
		if !ok {
			return nil, errOutside
		}
		target = rest
	} else {
		up := 0
		for c := range strings.SplitSeq(path.Clean(target), "/") {
			if c == ".." {
				up++ // after Clean these all come first
			}
		}
		if up > len(components(dir)) {
			return nil, errOutside
		}
		target = path.Join("/", dir, target)
	}
	parts := components(target)
	if len(parts) == 0 {
		return nil, errOutside
	}
	d, parts, err := f.walkRoot(ctx, parts)
	if err != nil {
		return nil, err
	}
	for len(parts) > 0 {
		m, rest, err := d.step(ctx, parts)
		if err != nil {
			return nil, err
		}
		v, err := m.value(ctx)
		if err != nil {
			return nil, err
		}
		r, ok := v.(codec.Ref)
		if !ok {
			return nil, errOutside // a value is a copy: write it instead
		}
		d = &objectDir{node: d.node.sibling(), up: d, src: m, path: m.path(), depth: d.depth + 1}
		d.adopt(r)
		parts = rest
	}
	o, err := d.object(ctx)
	if err != nil {
		return nil, err
	}
	return o.ref, nil
}

// walkRoot takes the first steps of a walk.
func (f *fsys) walkRoot(ctx context.Context, parts []string) (*objectDir, []string, error) {
	if len(parts) >= 3 && parts[0]+"/"+parts[1] == objPath {
		o, ok := f.byID(parts[2])
		if !ok {
			return nil, nil, errNoEntry
		}
		return o.p.objectByID(o.r, parts[2]), parts[3:], nil
	}
	p, parts := f.peerAt(parts)
	if p == nil || len(parts) == 0 {
		return nil, nil, errOutside
	}
	name, ok := decodeName(parts[0], plainNames)
	if !ok {
		return nil, nil, errOutside
	}
	d := &objectDir{node: node{p: p}, src: rootSource{p, name}, path: joinPath(p.at, parts[0]), depth: 1}
	if _, err := d.object(ctx); err != nil {
		return nil, nil, err
	}
	return d, parts[1:], nil
}

// peerAt returns the peer that a path leads to, and the rest of the path.
func (f *fsys) peerAt(parts []string) (*peer, []string) {
	if f.local != nil && parts[0] == f.local.at {
		return f.local, parts[1:]
	}
	if !f.many {
		return f.peers[0], parts
	}
	if p := f.peerNamed(parts[0]); p != nil {
		return p, parts[1:]
	}
	return nil, nil
}

// step takes one step of a walk: an attribute, or index and a key.
func (d *objectDir) step(ctx context.Context, parts []string) (member, []string, error) {
	if parts[0] == viewIndex.name() {
		if len(parts) < 2 {
			return member{}, nil, errOutside
		}
		key, err := d.keyFor(ctx, parts[1])
		return member{dir: d, key: key, name: parts[1]}, parts[2:], err
	}
	attr, ok := decodeName(parts[0], attrNames)
	if !ok {
		return member{}, nil, errOutside
	}
	return member{dir: d, attr: attr}, parts[1:], nil
}

// pathOf returns where a reference can be reached, from the mount point.
func (p *peer) pathOf(ctx context.Context, r codec.Ref) string {
	if root, ok := p.rootPath(ctx, r); ok {
		return root
	}
	p.refs.keep(r, resultRefTime)
	p.makeRoom()
	return objPath + "/" + p.idName(r)
}
