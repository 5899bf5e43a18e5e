//go:build linux

package fsview

import (
	"bytes"
	"context"
	"sync"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// textLog is a text that grows by lines.
type textLog struct {
	mu    sync.Mutex
	text  []byte
	grown time.Time // when the last line came
}

// add appends a line, which ends with a newline.
func (l *textLog) add(line string, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.text)+len(line) > maxLog {
		rest := l.text[len(l.text)/2:]
		rest = rest[bytes.IndexByte(rest, '\n')+1:]
		l.text = append(make([]byte, 0, maxLog), rest...)
	}
	l.text = append(l.text, line...)
	l.grown = now
}

// size returns the length, and when the last line came.
func (l *textLog) size() (int64, time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return int64(len(l.text)), l.grown
}

// readAt fills buf from an offset and returns how much of it.
func (l *textLog) readAt(buf []byte, off int64) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if off < 0 || off >= int64(len(l.text)) {
		return 0
	}
	return copy(buf, l.text[off:])
}

// A logFile shows a log as a file that grows while it is open, with its exact
// size: that is what tail -f follows.
type logFile struct {
	node
	log *textLog
}

var (
	_ fs.NodeOpener    = (*logFile)(nil)
	_ fs.NodeGetattrer = (*logFile)(nil)
	_ fs.FileReader    = (*logHandle)(nil)
)

// logEntry is the file of a log.
func logEntry(p *peer, name string, log *textLog) entry {
	return entry{name, syscall.S_IFREG | readMode, func(old fs.InodeEmbedder) treeNode {
		if f, ok := old.(*logFile); ok {
			return f
		}
		return &logFile{node: node{p: p}, log: log}
	}}
}

func (f *logFile) fill(a *fuse.Attr) {
	size, grown := f.log.size()
	if grown.IsZero() {
		grown = f.p.started
	}
	f.p.fillAttr(a, syscall.S_IFREG|readMode, size, grown)
}

// Getattr tells the size as it is now.
func (f *logFile) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	f.fill(&out.Attr)
	return 0
}

// Open asks nothing.
func (f *logFile) Open(_ context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	if flags&syscall.O_ACCMODE != syscall.O_RDONLY {
		return nil, 0, syscall.EACCES
	}
	return &logHandle{f.log}, fuse.FOPEN_DIRECT_IO | fuse.FOPEN_NOFLUSH, 0
}

// A logHandle reads the log as it is at each read.
type logHandle struct{ log *textLog }

func (h *logHandle) Read(_ context.Context, buf []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	return fuse.ReadResultData(buf[:h.log.readAt(buf, off)]), 0
}
