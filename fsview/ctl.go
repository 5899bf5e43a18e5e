//go:build linux

package fsview

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// maxCommand bounds a line written to ctl, in bytes: far more than any command.
const maxCommand = 4096

// A ctlFile takes commands to the mount, one a line.
type ctlFile struct{ node }

var (
	_ fs.NodeOpener    = (*ctlFile)(nil)
	_ fs.NodeGetattrer = (*ctlFile)(nil)
	_ fs.FileWriter    = (*ctlHandle)(nil)
	_ fs.FileFlusher   = (*ctlHandle)(nil)
	_ fs.FileFsyncer   = (*ctlHandle)(nil)
)

func ctlEntry(p *peer) entry {
	return entry{viewNomCtl.name(), syscall.S_IFREG | ctlMode, func(old fs.InodeEmbedder) treeNode {
		if f, ok := old.(*ctlFile); ok {
			return f
		}
		return &ctlFile{node{p: p}}
	}}
}

func (f *ctlFile) fill(a *fuse.Attr) { f.p.fillAttr(a, syscall.S_IFREG|ctlMode, 0, f.p.started) }

// Getattr answers from memory.
func (f *ctlFile) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	f.fill(&out.Attr)
	return 0
}

// Open is for writing alone.
func (f *ctlFile) Open(_ context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	if flags&syscall.O_ACCMODE != syscall.O_WRONLY {
		return nil, 0, syscall.EACCES
	}
	return &ctlHandle{f: f.p.fsys, p: f.p, root: f.Root()}, fuse.FOPEN_DIRECT_IO, f.p.readOnly()
}

// A ctlHandle is an open ctl file. A command runs when its line is complete, so
// that write(2) tells what came of it; the last one may lack its end.
type ctlHandle struct {
	f    *fsys
	p    *peer
	root *fs.Inode

	mu   sync.Mutex
	part []byte
}

// Write runs the commands that data completes. After one that fails the rest is
// left out.
func (h *ctlHandle) Write(ctx context.Context, data []byte, _ int64) (uint32, syscall.Errno) {
	h.mu.Lock()
	defer h.mu.Unlock()
	text := append(h.part, data...)
	h.part = nil
	for {
		line, rest, ok := bytes.Cut(text, []byte("\n"))
		if len(line) > maxCommand {
			return 0, h.fail(ctx, &opError{syscall.EINVAL, "command is too long"})
		}
		if !ok {
			h.part = line
			return uint32(len(data)), 0
		}
		if err := h.run(ctx, string(line)); err != nil {
			return 0, h.fail(ctx, err)
		}
		text = rest
	}
}

// Flush runs a command whose line has no end.
func (h *ctlHandle) Flush(ctx context.Context) syscall.Errno {
	h.mu.Lock()
	defer h.mu.Unlock()
	line := string(h.part)
	h.part = nil
	return h.fail(ctx, h.run(ctx, line))
}

// Fsync runs like Flush.
func (h *ctlHandle) Fsync(ctx context.Context, _ uint32) syscall.Errno { return h.Flush(ctx) }

func (h *ctlHandle) fail(ctx context.Context, err error) syscall.Errno {
	return h.f.fail(ctx, "ctl", joinPath(nomDir, viewNomCtl.name()), opGet, err)
}

func (h *ctlHandle) run(ctx context.Context, line string) error {
	words := strings.Fields(line)
	if len(words) == 0 {
		return nil
	}
	c, cancel := h.p.opContext(ctx)
	defer cancel()
	switch verb, args := words[0], words[1:]; {
	case verb == "refresh" && len(args) == 0:
		h.f.refresh()
		return nil
	case verb == "reconnect" && len(args) <= 1:
		return h.f.reconnect(c, args)
	case verb == "timeout" && len(args) == 1:
		return h.f.setTimeoutText(args[0])
	case verb == "drop" && len(args) == 1:
		p, err := h.f.drop(c, args[0])
		if err == nil {
			h.f.forgetEntry(h.root, p.at)
		}
		return err
	}
	return &opError{syscall.EINVAL, fmt.Sprintf("no command %q: want refresh, reconnect [PEER], timeout SECONDS or drop PEER", line)}
}

// refresh forgets all that was fetched. What is in use goes on.
func (f *fsys) refresh() {
	f.changed()
	for _, p := range f.everyone() {
		p.rootsChanged()
		for _, o := range p.objects.all() {
			o.forget()
		}
	}
}

// reconnect synchronizes anew, with one peer or with all at once.
func (f *fsys) reconnect(ctx context.Context, which []string) error {
	var peers []*peer
	for _, p := range f.peers {
		if !p.dropped.Load() && (len(which) == 0 || p.called(which[0])) {
			peers = append(peers, p)
		}
	}
	if len(peers) == 0 {
		return noSuchPeer(which)
	}
	errs := make([]error, len(peers))
	parallel(len(peers), func(i int) {
		r, ok := peers[i].remote.Remote.(Reconnector)
		if !ok {
			errs[i] = &opError{syscall.ENOTSUP, "this peer is not reached by a connection"}
			return
		}
		errs[i] = causeOf(ctx, r.Reconnect(ctx))
	})
	f.refresh()
	return errors.Join(errs...)
}

func (p *peer) called(name string) bool { return p.addr == name || p.many && p.alias == name }

func noSuchPeer(which []string) error {
	words := strings.Join(append([]string{"no peer"}, which...), " ")
	return &opError{syscall.ENOENT, words + " in this mount; .nom/status names them"}
}

// minTimeout and maxTimeout are the bounds of what bounds one operation: shorter,
// and not even a peer on this machine answers in time; what takes longer than a
// day is a call, which has no bound.
const (
	minTimeout = 10 * time.Millisecond
	maxTimeout = 24 * time.Hour
)

func (f *fsys) setTimeoutText(s string) error {
	seconds, err := strconv.ParseFloat(s, 64)
	if d := seconds * float64(time.Second); err == nil && !math.IsNaN(d) && d >= float64(minTimeout) && d <= float64(maxTimeout) {
		f.setTimeout(time.Duration(d))
		return nil
	}
	return &opError{syscall.EINVAL, fmt.Sprintf("timeout %q: want a number of seconds from %v to %v", s, minTimeout.Seconds(), maxTimeout.Seconds())}
}

// drop takes a peer out of a mount of several: whoever waits for it is woken,
// and its directory is gone.
func (f *fsys) drop(ctx context.Context, name string) (*peer, error) {
	if !f.many {
		if f.peers[0].called(name) {
			return nil, &opError{syscall.EINVAL, "it is the only peer: unmount instead"}
		}
		return nil, noSuchPeer([]string{name})
	}
	for _, p := range f.peers {
		if !p.called(name) || p.dropped.Swap(true) {
			continue
		}
		p.cancel(errDropped)
		p.remote.Release(p.refs.all()...)
		if d, ok := p.remote.Remote.(Disconnecter); ok {
			// A courtesy: a peer that is away needs none.
			_ = d.Disconnect(ctx)
		}
		return p, nil
	}
	return nil, noSuchPeer([]string{name})
}
