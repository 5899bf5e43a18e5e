//go:build linux

package fsview

import (
	"context"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"nomfs/codec"
)

// A copyDir is a container below ATTR.items: the copy that came with the
// attribute, as a tree.
type copyDir struct {
	liveDir
	m member
}

var (
	_ fs.NodeCreater   = (*copyDir)(nil)
	_ fs.NodeMkdirer   = (*copyDir)(nil)
	_ fs.NodeMknoder   = (*copyDir)(nil)
	_ fs.NodeLinker    = (*copyDir)(nil)
	_ fs.NodeSymlinker = (*copyDir)(nil)
	_ fs.NodeUnlinker  = (*copyDir)(nil)
	_ fs.NodeRmdirer   = (*copyDir)(nil)
	_ fs.NodeRenamer   = (*copyDir)(nil)
)

// Create refuses, as do all that follow.
func (c *copyDir) Create(ctx context.Context, name string, flags, mode uint32, out *fuse.EntryOut) (*fs.Inode, fs.FileHandle, uint32, syscall.Errno) {
	return nil, nil, 0, c.m.refuseCopy(ctx)
}

// Mkdir refuses.
func (c *copyDir) Mkdir(ctx context.Context, name string, mode uint32, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	return nil, c.m.refuseCopy(ctx)
}

// Mknod refuses.
func (c *copyDir) Mknod(ctx context.Context, name string, mode, dev uint32, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	return nil, c.m.refuseCopy(ctx)
}

// Link refuses.
func (c *copyDir) Link(ctx context.Context, target fs.InodeEmbedder, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	return nil, c.m.refuseCopy(ctx)
}

// Symlink refuses.
func (c *copyDir) Symlink(ctx context.Context, target, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	return nil, c.m.refuseCopy(ctx)
}

// Unlink refuses.
func (c *copyDir) Unlink(ctx context.Context, name string) syscall.Errno { return c.m.refuseCopy(ctx) }

// Rmdir refuses.
func (c *copyDir) Rmdir(ctx context.Context, name string) syscall.Errno { return c.m.refuseCopy(ctx) }

// Rename refuses.
func (c *copyDir) Rename(ctx context.Context, name string, to fs.InodeEmbedder, newName string, flags uint32) syscall.Errno {
	return c.m.refuseCopy(ctx)
}

// itemsView is a list, tuple, set or dict as a directory.
func itemsView(d *objectDir, m member, name string) entry {
	return copyEntry(d, m, d.path, name, nil)
}

// copyEntry returns the directory of the container that the names in at lead
// to from the value of m.
func copyEntry(d *objectDir, m member, dir, name string, at []string) entry {
	self := joinPath(dir, name)
	child := func(ctx context.Context, name string, v codec.Value) entry {
		down := append(at[:len(at):len(at)], name)
		switch r, isRef := v.(codec.Ref); {
		case isRef:
			return linkEntry(d.p, name, &linkTarget{from: m, text: relative(self, d.p.pathOf(ctx, r))})
		case isContainer(v.Kind()):
			return copyEntry(d, m, self, name, down)
		}
		return copyFile(d.p, self, name, m, func(ctx context.Context) ([]byte, error) {
			v, err := m.part(ctx, down)
			if err != nil {
				return nil, err
			}
			return render(v), nil
		})
	}
	c := &copyDir{m: m, liveDir: liveDir{node: node{p: d.p}, path: self,
		list: func(ctx context.Context) ([]entry, error) {
			v, err := m.part(ctx, at)
			if err != nil {
				return nil, err
			}
			var entries []entry
			for name, item := range itemsOf(v) {
				entries = append(entries, child(ctx, name, item))
			}
			return entries, nil
		},
		find: func(ctx context.Context, name string) (entry, error) {
			v, err := m.part(ctx, append(at[:len(at):len(at)], name))
			if err != nil {
				return entry{}, err
			}
			return child(ctx, name, v), nil
		},
	}}
	return entry{name, syscall.S_IFDIR | rootMode, func(old fs.InodeEmbedder) treeNode {
		if same, ok := old.(*copyDir); ok {
			return same
		}
		return c
	}}
}

// part returns what the names in at lead to from the value of m: all names of
// one second see the same copy.
func (m member) part(ctx context.Context, at []string) (codec.Value, error) {
	v, err := m.opened(ctx)
	for _, name := range at {
		if err != nil {
			return nil, err
		}
		item, ok := itemsOf(v)[name]
		if !ok {
			return nil, errNoEntry
		}
		v = item
	}
	return v, err
}

// itemsOf returns the items of a container by name: of a list or tuple by
// position, of a dict by the key as in index/, and of a set by the item itself.
func itemsOf(v codec.Value) map[string]codec.Value {
	items := make(map[string]codec.Value)
	var keys []codec.Value
	vals := make(map[string]codec.Value)
	switch v := v.(type) {
	case codec.List:
		for i, item := range v {
			items[itoa(i)] = item
		}
	case codec.Tuple:
		return itemsOf(codec.List(v))
	case codec.Set:
		for _, item := range v {
			keys = append(keys, item)
			vals[item.String()] = item
		}
	case *codec.Map:
		for _, pair := range v.Pairs() {
			keys = append(keys, pair.Key)
			vals[pair.Key.String()] = pair.Value
		}
	}
	for name, it := range nameItems(keys, nil).items {
		items[name] = vals[it.key.String()]
	}
	return items
}
