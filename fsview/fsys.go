//go:build linux

package fsview

import (
	"context"
	"fmt"
	"hash/fnv"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sync/semaphore"

	"nomfs/codec"
)

const (
	// maxAge is how long a fetched value may be used again: a lookup and the
	// open that follows it are one request, and no reader sees a value that
	// is older than a second.
	maxAge = time.Second
	// cacheTime is how long the kernel keeps names, absent names and the
	// attributes of directories.
	cacheTime = time.Second
	// defaultTimeout bounds one operation where Options does not say.
	defaultTimeout = 5 * time.Second
	// unknownSize is the size in bytes of a file that was never read. Zero
	// would make it empty to `[ -s ]` and tar, a huge number would make wc -c
	// lie and tail print nothing.
	unknownSize = 4096
	// blockSize is what tools are told to read and write at once, in bytes.
	// With less, they would write a large value in pieces.
	blockSize = 128 << 10
	// janitorPeriod is how often what nobody used lately is dropped.
	janitorPeriod = 5 * time.Second
)

// fsys is what all nodes of a mount share.
type fsys struct {
	opt     Options
	dir     string        // mount point, absolute
	maxWait time.Duration // longest wait inside one request, 0: none
	started time.Time
	uid     uint32
	gid     uint32

	tasks *tasks // the goroutines of the mount, and the context that ends at unmount

	errors  *errorLog
	results *resultTable
	peers   []*peer // as they were named, never changed
	many    bool    // each peer has a directory of its own
	hub     *peer   // for nodes that are of no peer; the only one if there is one
	local   *peer   // the process itself, nil where it has no objects

	following *semaphore.Weighted // see inside
	nodes     nodeCount
	top       *fs.Inode    // the root, nil before it is mounted
	listing   atomic.Int64 // entries of all open directories
	scratches scratchTable
	listeners listeners

	// limit bounds one operation, in nanoseconds.
	limit atomic.Int64
	// writes counts what this mount did that may have changed values: what
	// was fetched before is not used again.
	writes atomic.Uint64

	idsMu sync.Mutex
	ids   *bounded[string, idOwner] // directory names below .nom/obj
}

// An idOwner is what lies under a name below .nom/obj.
type idOwner struct {
	p *peer
	r codec.Ref
}

// changed says that something was written or called: nothing fetched before
// is fresh any more, whosever it is, since peers may share objects.
func (f *fsys) changed() { f.writes.Add(1) }

// timeout bounds one operation.
func (f *fsys) timeout() time.Duration { return time.Duration(f.limit.Load()) }

// setTimeout changes it, to no more than the kernel allows one request.
func (f *fsys) setTimeout(d time.Duration) {
	if f.maxWait > 0 {
		d = min(d, f.maxWait)
	}
	f.limit.Store(int64(d))
}

// everyone returns all peers, the process itself last.
func (f *fsys) everyone() []*peer {
	if f.local == nil {
		return f.peers
	}
	return append(slices.Clone(f.peers), f.local)
}

// opContext returns the context of one remote operation on behalf of the
// request ctx, and of its caller. It ends when the operation's time is over,
// when a signal wants the caller back, and at unmount.
func (p *peer) opContext(ctx context.Context) (context.Context, context.CancelFunc) {
	base := p.base
	if who, ok := fuse.FromContext(ctx); ok {
		base = fuse.NewContext(base, who)
	}
	c, cancelTime := context.WithTimeout(base, p.timeout())
	c, cancel := context.WithCancelCause(c)
	stop := watchSignals(ctx, func(pending) { cancel(errInterrupted) })
	return c, func() {
		stop()
		cancel(nil)
		cancelTime()
	}
}

// causeOf replaces an error that says only that a context ended by the reason.
func causeOf(ctx context.Context, err error) error {
	if err == nil || ctx.Err() == nil {
		return err
	}
	if cause := context.Cause(ctx); cause == errInterrupted || cause == errUnmounted || cause == errDropped {
		return cause
	}
	return err
}

// errorText is how an error is shown: Type: text.
func (f *fsys) errorText(err error, op opSet) string {
	errno := errnoOf(err, op)
	var text string
	switch {
	case isException(err):
		text = err.Error()
	case errno == syscall.ETIMEDOUT:
		text = fmt.Sprintf("%s: no answer within %v", errnoName(errno), f.timeout())
		if op&(opSetValue|opDelete|opCall) != 0 {
			text += "; it may have run"
		}
	default:
		text = errnoName(errno) + ": " + err.Error()
	}
	return strings.ReplaceAll(cutText(text, maxErrorText), "\n", " ")
}

// fail records the error of an operation on path and returns its number. What
// a lookup says is not recorded: completion and editors look up all the time
// and would bury the error that matters.
func (f *fsys) fail(ctx context.Context, verb, path string, op opSet, err error) syscall.Errno {
	if err == nil {
		return 0
	}
	errno := errnoOf(err, op)
	text := f.errorText(err, op)
	f.errors.add(callerOf(ctx).session(), verb, path, text, time.Now())
	f.log().Info("operation failed", "op", verb, "path", path, "errno", errnoName(errno), "error", text)
	return errno
}

func (f *fsys) log() *slog.Logger { return f.opt.Log }

// readOnly returns EROFS on a mount that may not write.
func (f *fsys) readOnly() syscall.Errno {
	if f.opt.ReadOnly {
		return syscall.EROFS
	}
	return 0
}

// janitor drops what is over until the mount ends.
func (f *fsys) janitor() {
	tick := time.NewTicker(janitorPeriod)
	defer tick.Stop()
	for {
		select {
		case <-f.tasks.base.Done():
			return
		case now := <-tick.C:
			for _, p := range f.everyone() {
				p.objects.sweep(now)
				p.giveBack(now)
			}
			f.results.sweep(now)
			f.trimNodes()
		}
	}
}

// A treeNode is a node of the tree; fill tells its attributes from memory.
type treeNode interface {
	fs.InodeEmbedder
	fill(a *fuse.Attr)
	counted()
	mount() *fsys
}

// An entry is what a directory holds under one name. Its mode is 0 where the
// kind could not be learnt: it is listed, and asked again when looked up.
type entry struct {
	name string
	mode uint32
	// node returns the node: old, the one that has this name and kind so far,
	// brought up to date, or a new one. Old may be nil.
	node func(old fs.InodeEmbedder) treeNode
}

// attach makes e the child of parent and fills out. Every path keeps its inode
// and its number as long as the kind stays: one inode under two parents would
// confuse everyone who stands in it.
func attach(ctx context.Context, parent *fs.Inode, path string, e entry, out *fuse.EntryOut) *fs.Inode {
	kind := e.mode & syscall.S_IFMT
	var old fs.InodeEmbedder
	if ch := parent.GetChild(e.name); ch != nil && ch.Mode() == kind {
		old = ch.Operations()
	}
	n := e.node(old)
	n.fill(&out.Attr)
	n.counted()
	out.SetEntryTimeout(cacheTime)
	if kind == syscall.S_IFDIR {
		out.SetAttrTimeout(cacheTime)
	}
	if old != nil && n == old {
		return n.EmbeddedInode()
	}
	return parent.NewInode(ctx, n, fs.StableAttr{Mode: kind, Ino: n.mount().scratches.inoAt(joinPath(path, e.name))})
}

// inoOf returns the inode number of a path: the same as long as the mount
// lives, whatever the kernel forgets.
func inoOf(path string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(path))
	const topBits, minIno = 1<<63 | 1<<62, 16
	return h.Sum64()&^topBits | minIno // positive for everyone, and never one of the low numbers
}

func joinPath(dir, name string) string {
	if dir == "" {
		return name
	}
	return dir + "/" + name
}

// describeKind is a kind as `.type` and ATTR.type print it.
func describeKind(v codec.Value) string { return v.Kind().String() }
