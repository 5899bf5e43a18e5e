//go:build linux

package fsview

import (
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
)

// nodeCount is about how many files and directories of a mount the kernel knows, see
// maxNodes.
type nodeCount struct {
	n        atomic.Int64
	trimming atomic.Bool // the kernel is being asked to forget
}

// isFull tells whether a listing should make no nodes.
func (c *nodeCount) isFull() bool { return c.n.Load() >= maxNodes }

// errManyNodes is the answer to a lookup of one name too many.
var errManyNodes = &opError{syscall.ENFILE, "too many names are in use: some are free again in a moment"}

// refuses tells whether a lookup of a name that the kernel does not know is one too
// many.
func (c *nodeCount) refuses(dir *fs.Inode, name string) bool {
	return c.n.Load() >= maxNodes+maxNodes/4 && dir.GetChild(name) == nil
}

// counted counts the node, once.
func (n *node) counted() {
	if !n.isCounted.Swap(true) {
		n.p.nodes.n.Add(1)
	}
}

// OnForget counts the node no more.
func (n *node) OnForget() {
	if n.isCounted.Swap(false) {
		n.p.nodes.n.Add(-1)
	}
}

// A knownName is a name in a directory that the kernel knows.
type knownName struct {
	dir  *fs.Inode
	name string
}

// trimNodes makes the kernel forget a quarter of the nodes where there are too many,
// unless it is being asked to already. Whoever has one of them open keeps it, and
// names are looked up again at need.
func (f *fsys) trimNodes() {
	const keep = maxNodes / 4 * 3
	if !f.nodes.isFull() || f.top == nil || f.nodes.trimming.Swap(true) {
		return
	}
	all := f.knownNames(f.top, nil)
	f.nodes.n.Store(int64(len(all))) // of two lookups at once, one node was counted in vain
	trim := func() {
		defer f.nodes.trimming.Store(false)
		for _, forgettable := range []func(*fs.Inode) bool{isLeaf, isIdleDir} {
			for _, k := range all {
				if f.nodes.n.Load() <= keep || f.tasks.base.Err() != nil {
					return
				}
				if in := k.dir.GetChild(k.name); in != nil && forgettable(in) {
					_ = k.dir.NotifyEntry(k.name)
				}
			}
		}
	}
	if !f.tasks.spawn(trim) {
		f.nodes.trimming.Store(false)
	}
}

// knownNames appends the names below a directory, what is deeper first.
func (f *fsys) knownNames(dir *fs.Inode, names []knownName) []knownName {
	for name, in := range dir.Children() {
		names = append(f.knownNames(in, names), knownName{dir, name})
	}
	return names
}

func isLeaf(in *fs.Inode) bool { return in.Mode()&syscall.S_IFMT != syscall.S_IFDIR }

// isIdleDir tells whether a directory has nothing in it that the kernel knows, and its
// object was not used for a while. The kernel does not tell whether somebody stands
// in it: such a shell has to change into the directory once more.
func isIdleDir(in *fs.Inode) bool {
	d, ok := in.Operations().(*objectDir)
	if x, isIndex := in.Operations().(*indexDir); isIndex {
		d, ok = x.of, true
	}
	if !ok || len(in.Children()) > 0 {
		return false
	}
	d.mu.Lock()
	o := d.obj
	d.mu.Unlock()
	return o == nil || time.Now().UnixNano()-o.used.Load() > int64(nodeIdle)
}
