//go:build linux

package fsview

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sync/semaphore"
	"golang.org/x/sys/unix"
)

// Options are the options of a mount. The zero value is usable.
type Options struct {
	// Local is what this process itself exposes, shown as .local; nil for
	// nothing.
	Local Local
	// Peer names the peers in df, mount and .nom; "" is their addresses.
	Peer string
	// Timeout bounds every operation but a call; 0 means 5 s.
	Timeout time.Duration
	// AllowOther lets other users in, as far as the modes permit.
	AllowOther bool
	// ReadOnly refuses everything that changes something, calls included.
	ReadOnly bool
	// Delete says what rm and rmdir may delete.
	Delete Deletion
	// Log gets failed operations; nil discards them.
	Log *slog.Logger
	// Attrs are attributes to list on a peer that cannot tell them, by the
	// path of the object from the mount point.
	Attrs map[string][]string
	// Program is the absolute path of the program that the commands in .bin
	// are run by: as PROGRAM call-file SCRIPT ARG... Without one there is no
	// .bin.
	Program string
}

const (
	// maxWrite is the largest write in one request, in bytes.
	maxWrite = 1 << 20
	// unmountTime is how long Unmount waits for what is under way, and taskTime how
	// much of it the goroutines of the mount have: then the references are given back.
	unmountTime = 2 * time.Second
	taskTime    = unmountTime * 3 / 4
	// requestSlack is kept free of the kernel's bound on a request.
	requestSlack = 2 * time.Second
)

// Mounted is a mounted tree.
type Mounted struct {
	f      *fsys
	server *fuse.Server
	once   sync.Once
	err    error
	ended  chan struct{}
}

// normal fills in the defaults.
func (opt Options) normal(peers []Peer) Options {
	if opt.Timeout <= 0 {
		opt.Timeout = defaultTimeout
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.Peer == "" {
		addrs := make([]string, len(peers))
		for i, p := range peers {
			addrs[i] = p.Addr
		}
		opt.Peer = cmp.Or(strings.Join(addrs, ","), "peer")
	}
	return opt
}

func newFsys(dir string, peers []Peer, opt Options) (*fsys, error) {
	opt = opt.normal(peers)
	f := &fsys{
		opt:       opt,
		dir:       dir,
		started:   time.Now(),
		uid:       uint32(os.Geteuid()),
		gid:       uint32(os.Getegid()),
		errors:    newErrorLog(),
		results:   newResultTable(),
		tasks:     newTasks(),
		following: semaphore.NewWeighted(maxFollowing),
		ids:       newBounded[string, idOwner](maxIDs, maxRefBytes, nil),
	}
	if limit := time.Duration(maxRequestTimeout()) * time.Second; limit > 0 {
		f.maxWait = max(limit-requestSlack, limit/2)
	}
	f.setTimeout(opt.Timeout)
	if err := f.addPeers(peers); err != nil {
		f.tasks.close(err)
		return nil, err
	}
	return f, nil
}

// Mount shows peers on the directory dir and returns when it can be used. The
// directory must exist and be empty. What a nomfs that died left mounted there
// is unmounted; a live mount is an error (syscall.EBUSY). Nothing is asked of
// the peers.
func Mount(dir string, peers []Peer, opt Options) (*Mounted, error) {
	abs, err := checkDir(dir)
	if err != nil {
		return nil, err
	}
	f, err := newFsys(abs, peers, opt)
	if err != nil {
		return nil, fmt.Errorf("mount %s: %w", abs, err)
	}
	second := cacheTime
	root := f.rootNode()
	f.top = root.EmbeddedInode()
	server, err := fs.Mount(abs, root, &fs.Options{
		MountOptions: mountOptions(f.opt),
		// No EntryTimeout: with one, no name could be kept for no time at all,
		// see attach.
		NegativeTimeout: &second,
		NullPermissions: true,
		UID:             f.uid,
		GID:             f.gid,
		RootStableAttr:  &fs.StableAttr{Ino: 1},
	})
	if err != nil {
		f.tasks.close(errUnmounted)
		return nil, fmt.Errorf("mount %s: %w", abs, err)
	}
	closeOnExec()
	m := &Mounted{f: f, server: server, ended: make(chan struct{})}
	f.tasks.spawn(f.janitor)
	go m.serve()
	return m, nil
}

// serve waits until the kernel is done with the tree, ends what works for the
// mount, and gives all references back. It is the one goroutine that tasks does not
// own: Unmount and Wait wait for its end.
func (m *Mounted) serve() {
	defer close(m.ended)
	m.server.Wait()
	m.f.tasks.close(errUnmounted)
	m.f.tasks.wait(taskTime)
	for _, p := range m.f.everyone() {
		p.remote.Release(p.refs.all()...)
	}
}

func mountOptions(opt Options) fuse.MountOptions {
	o := fuse.MountOptions{
		AllowOther:        opt.AllowOther,
		Options:           []string{"default_permissions"},
		FsName:            opt.Peer,
		Name:              "nomfs",
		MaxWrite:          maxWrite,
		ExtraCapabilities: fuse.CAP_ATOMIC_O_TRUNC | fuse.CAP_READDIRPLUS_AUTO,
		DirectMount:       os.Geteuid() == 0,
		Logger:            log.New(io.Discard, "", 0),
	}
	if opt.ReadOnly {
		if o.DirectMount {
			o.DirectMountFlags = syscall.MS_NOSUID | syscall.MS_NODEV | syscall.MS_RDONLY
		} else {
			o.Options = append(o.Options, "ro")
		}
	}
	o.PanicHandler = func(what any) fuse.Status {
		opt.Log.Error("panic in a file system operation", "panic", what)
		return fuse.EIO
	}
	return o
}

// closeOnExec keeps the connection to the kernel out of programs that this
// process starts: one that outlives it would keep a dead mount hanging.
func closeOnExec() {
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return
	}
	for _, e := range fds {
		if target, err := os.Readlink(filepath.Join("/proc/self/fd", e.Name())); err == nil && target == "/dev/fuse" {
			if fd, err := strconv.Atoi(e.Name()); err == nil {
				syscall.CloseOnExec(fd)
			}
		}
	}
}

// Unmount takes the tree away: whoever waits in it is woken, then it is
// unmounted, at once if nobody uses it, lazily if somebody does. It is bounded
// in time and may be called more than once.
func (m *Mounted) Unmount() error {
	m.once.Do(func() { m.err = m.unmount() })
	return m.err
}

func (m *Mounted) unmount() error {
	m.f.tasks.close(errUnmounted)
	select {
	case <-m.ended:
		return nil
	default:
	}
	if err := detach(m.f.dir); err != nil {
		select {
		case <-m.ended: // somebody else was faster
		case <-time.After(unmountTime):
			if there, mounted := mountAt(m.f.dir); mounted && there.fsType == fsName {
				return fmt.Errorf("unmount %s: %w", m.f.dir, err)
			}
			return nil // somebody else did, lazily, and somebody stands in the tree
		}
	}
	select {
	case <-m.ended:
	case <-time.After(unmountTime):
		// Somebody stands in the tree. The name is gone already; the rest
		// goes when the last one leaves, or with this process.
	}
	return nil
}

// Wait returns when the tree is unmounted, by whoever, and what worked for it has
// ended or had taskTime to do so.
func (m *Mounted) Wait() { <-m.ended }

// detach unmounts dir, lazily if it is busy.
func detach(dir string) error {
	if os.Geteuid() != 0 {
		return detachUser(dir)
	}
	err := unix.Unmount(dir, unix.UMOUNT_NOFOLLOW)
	if errors.Is(err, unix.EBUSY) {
		err = unix.Unmount(dir, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW)
	}
	return err
}

// detachUser does what only fusermount may do for a user who is not root.
func detachUser(dir string) error {
	ctx, cancel := context.WithTimeout(context.Background(), unmountTime)
	defer cancel()
	var out []byte
	err := exec.ErrNotFound
	for _, name := range []string{"fusermount3", "fusermount"} {
		if _, lookErr := exec.LookPath(name); lookErr != nil {
			continue
		}
		if out, err = exec.CommandContext(ctx, name, "-u", "-z", "--", dir).CombinedOutput(); err == nil {
			return nil
		}
	}
	if len(out) > 0 {
		return fmt.Errorf("%w: %s", err, out)
	}
	return err
}
