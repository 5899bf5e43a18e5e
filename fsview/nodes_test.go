//go:build linux

package fsview

import (
	"context"
	"syscall"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"

	"nomfs/codec"
)

// TestNodesAreBounded looks up and lists more names than the kernel may know.
func TestNodesAreBounded(t *testing.T) {
	fake := demoFake()
	p := testPeer(t, fake)
	root := p.rootNode()
	fs.NewNodeFS(root, &fs.Options{})
	p.top = root.EmbeddedInode()
	c := &p.nodes
	files := make([]*valueFile, maxNodes+maxNodes/4)
	for i := range files {
		if files[i] = (&valueFile{node: node{p: p}}); c.refuses(p.top, "x") {
			t.Fatalf("name %d is refused", i)
		}
		files[i].counted()
		files[i].counted() // when it is looked up again
		if full := i+1 >= maxNodes; c.isFull() != full {
			t.Fatalf("full with %d nodes: %v", i+1, c.isFull())
		}
	}
	if !c.refuses(p.top, "x") {
		t.Error("one name too many is not refused")
	}
	files[0].OnForget()
	if files[0].OnForget(); c.refuses(p.top, "x") || c.n.Load() != int64(len(files)-1) {
		t.Errorf("%d nodes after one was forgotten", c.n.Load())
	}
	p.trimNodes() // none of them is in the tree: they were counted in vain
	if !eventually(func() bool { return !c.trimming.Load() }) || c.isFull() {
		t.Errorf("%d nodes, of none", c.n.Load())
	}
}

// TestIdleDir checks which directories the kernel may be asked to forget.
func TestIdleDir(t *testing.T) {
	fake := demoFake()
	p := testPeer(t, fake)
	root := p.rootNode()
	fs.NewNodeFS(root, &fs.Options{})
	d := p.registered("demo", fake.names["demo"].(codec.Ref))
	dir := root.NewInode(t.Context(), d, fs.StableAttr{Mode: syscall.S_IFDIR})
	if isIdleDir(dir) || isIdleDir(root.EmbeddedInode()) || isLeaf(dir) {
		t.Error("a directory that was used just now is idle")
	}
	d.known().used.Store(time.Now().Add(-2 * nodeIdle).UnixNano())
	if !isIdleDir(dir) {
		t.Error("an old directory is in use")
	}
	file := dir.NewInode(t.Context(), &valueFile{node: node{p: p}}, fs.StableAttr{Mode: syscall.S_IFREG})
	dir.AddChild("number", file, true)
	if isIdleDir(dir) || !isLeaf(file) {
		t.Error("a directory with a file in it is idle")
	}
}

// TestOpenListingsAreBounded opens too many large directories.
func TestOpenListingsAreBounded(t *testing.T) {
	p := testPeer(t, newFake())
	list := func(context.Context) ([]entry, error) { return make([]entry, maxListed), nil }
	var open []*dirHandle
	for range maxOpenListed/maxListed + 1 {
		h := newDirHandle(p, nil, "x", list, nil)
		open = append(open, h)
		if errno := h.load(t.Context()); errno != 0 && len(open) <= maxOpenListed/maxListed || errno == 0 && len(open) > maxOpenListed/maxListed {
			t.Errorf("listing %d: %v", len(open), errno)
		}
	}
	open[0].Releasedir(t.Context(), 0)
	if errno := open[len(open)-1].load(t.Context()); errno != 0 {
		t.Errorf("after one was closed: %v", errno)
	}
	for _, h := range open {
		h.Releasedir(t.Context(), 0)
	}
	if n := p.listing.Load(); n != 0 {
		t.Errorf("%d entries of closed directories", n)
	}
}
