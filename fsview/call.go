//go:build linux

package fsview

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"nomfs/codec"
)

// writeWait is how long write(2) waits for the result of a call, so that a
// quick error reaches the shell. It holds the lock of the file, and nobody else
// could even write a call, so it must be short. The rest of the wait is in
// close(2) and read(2), which others do not notice and which can be killed.
const writeWait = time.Second

// A pendingCall is one request: the lines of one write, run one after the
// other, and what came of them. It runs whether or not anyone waits.
type pendingCall struct {
	key    resultKey // whose call it is
	done   chan struct{}
	cancel context.CancelCauseFunc

	mu       sync.Mutex // guards what follows
	all      []byte     // the results of all lines
	last     []byte     // the result of the last line
	err      error
	reported bool // somebody heard of err
	ended    time.Time
}

func (c *pendingCall) finished() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// expired tells whether the result is too old to be read.
func (c *pendingCall) expired(now time.Time) bool {
	if !c.finished() {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return now.Sub(c.ended) > resultTime
}

// report returns the error of a finished call to the first caller that asks: an error
// is reported once.
func (c *pendingCall) report() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.reported {
		return nil
	}
	c.reported = true
	return c.err
}

// A callFile is the control file through which an object is called. Writing a
// line calls, reading never does.
type callFile struct {
	node
	d *objectDir
}

var (
	_ fs.NodeOpener    = (*callFile)(nil)
	_ fs.NodeGetattrer = (*callFile)(nil)

	_ fs.NodeGetxattrer = (*callFile)(nil)
)

func (d *objectDir) callEntry() entry {
	return entry{viewCall.name(), syscall.S_IFREG | fileMode, func(old fs.InodeEmbedder) treeNode {
		if f, ok := old.(*callFile); ok {
			return f
		}
		return &callFile{node: node{p: d.p}, d: d}
	}}
}

func (f *callFile) path() string { return joinPath(f.d.path, viewCall.name()) }

func (f *callFile) fill(a *fuse.Attr) {
	f.p.fillAttr(a, syscall.S_IFREG|fileMode, 0, f.p.started)
}

// Getattr answers from memory. The size is that of the caller's own result.
func (f *callFile) Getattr(ctx context.Context, fh fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	f.fill(&out.Attr)
	c := f.p.results.get(resultKey{f.path(), callerOf(ctx).session()})
	switch {
	case c == nil:
	case !c.finished():
		f.p.setSize(&out.Attr, unknownSize)
	default:
		c.mu.Lock()
		f.p.setSize(&out.Attr, int64(len(c.last)))
		c.mu.Unlock()
	}
	return 0
}

// Open asks nothing and calls nothing.
func (f *callFile) Open(ctx context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	who := callerOf(ctx)
	h := &callHandle{f: f, who: who, key: resultKey{f.path(), who.session()}}
	if flags&syscall.O_ACCMODE == syscall.O_RDONLY {
		return h, fuse.FOPEN_DIRECT_IO | fuse.FOPEN_NOFLUSH, 0
	}
	return h, fuse.FOPEN_DIRECT_IO, f.p.readOnly()
}

// start runs the lines in the background, after what this handle began before.
func (f *callFile) start(lines []callLine, after *pendingCall, key resultKey, who caller) *pendingCall {
	ctx, cancel := context.WithCancelCause(f.p.base)
	c := &pendingCall{key: key, done: make(chan struct{}), cancel: cancel}
	if !f.p.results.begin(key, c) {
		f.finish(ctx, c, nil, nil, errManyCalls, who)
		cancel(nil)
		return c
	}
	cwd := "" // asked now: the caller may be gone when its turn comes
	if slices.ContainsFunc(lines, callLine.hasPath) {
		cwd = who.cwd()
	}
	run := func() {
		defer cancel(nil)
		if after != nil {
			select {
			case <-after.done:
			case <-ctx.Done():
			}
		}
		var all, last []byte
		var err error
		for _, l := range lines {
			if last, err = f.run(ctx, l, cwd); err != nil {
				last = nil
				break
			}
			if all = append(all, last...); len(all) > maxResult {
				all, last, err = nil, nil, errLargeResult
				break
			}
		}
		f.p.results.end(key, c, len(all)+len(last))
		f.finish(ctx, c, all, last, err, who)
	}
	if !f.p.tasks.spawn(run) {
		f.p.results.end(key, c, 0)
		f.finish(ctx, c, nil, nil, errUnmounted, who)
	}
	return c
}

// errLargeResult is the end of calls whose results are too large to be kept.
var errLargeResult = &opError{syscall.EFBIG, fmt.Sprintf("the results of what one write calls are more than %d bytes", maxResult)}

// finish records what came of a call.
func (f *callFile) finish(ctx context.Context, c *pendingCall, all, last []byte, err error, who caller) {
	err = causeOf(ctx, err)
	if err != nil && err != errUnmounted {
		text := f.p.errorText(err, opCall)
		f.p.errors.add(c.key.session, "call", f.path(), text, time.Now())
		f.p.errors.addPath(f.d.path, text)
		f.noteCaller(who, text)
		f.p.log().Info("operation failed", "op", "call", "path", f.path(), "error", text)
	}
	c.mu.Lock()
	c.all, c.last, c.err, c.ended = all, last, err, time.Now()
	c.mu.Unlock()
	close(c.done)
}

// run makes one call and returns its result as text.
func (f *callFile) run(ctx context.Context, l callLine, cwd string) ([]byte, error) {
	if err := f.resolvePaths(ctx, &l, cwd); err != nil {
		return nil, err
	}
	f.p.changed()
	defer f.p.changed()
	result, err := f.d.call(ctx, l)
	if err != nil {
		return nil, err
	}
	switch r := result.(type) {
	case nil, codec.None:
		return nil, nil
	case codec.Ref:
		if text, ok, err := f.items(ctx, r); ok || err != nil {
			return text, err
		}
		return line(f.p.dir + "/" + f.p.pathOf(ctx, r)), nil
	}
	return render(result), nil
}

// callTime bounds a call that nothing else ends. A call may take as long as it
// takes: the peer is probed meanwhile, and a peer that is gone ends it.
const callTime = 365 * 24 * time.Hour

// call calls the object: a method as an attribute of the object above, so that
// no reference to it is needed.
func (d *objectDir) call(ctx context.Context, l callLine) (codec.Value, error) {
	var result codec.Value
	d.mu.Lock()
	m, ok := d.src.(member)
	d.mu.Unlock()
	if ok && m.key == nil && d.method.Load() != nil {
		err := m.dir.doOnce(ctx, func(o *object) error {
			var err error
			ctx, cancel := context.WithTimeout(ctx, callTime)
			defer cancel()
			result, err = o.peer.remote.CallAttr(ctx, o.ref, m.attr, l.args, l.kwargs)
			return err
		})
		return result, err
	}
	err := d.doOnce(ctx, func(o *object) error {
		var err error
		ctx, cancel := context.WithTimeout(ctx, callTime)
		defer cancel()
		result, err = o.peer.remote.Call(ctx, o.ref, l.args, l.kwargs)
		return err
	})
	return result, err
}

// A callLine is one call as it was written.
type callLine struct {
	args   []codec.Value
	kwargs map[string]codec.Value
}

// hasPath tells whether an argument is @path.
func (l callLine) hasPath() bool {
	isPath := func(v codec.Value) bool { _, ok := v.(pathArg); return ok }
	return slices.ContainsFunc(l.args, isPath) || slices.ContainsFunc(slices.Collect(maps.Values(l.kwargs)), isPath)
}

// A pathArg is an argument @path: the object that lies there when the call is
// made.
type pathArg string

// Kind returns KindRef: a path leads to an object.
func (pathArg) Kind() codec.Kind { return codec.KindRef }

// String returns the argument as it was written.
func (p pathArg) String() string { return "@" + string(p) }

// parseCall reads one line. It asks the peer for nothing.
func (f *callFile) parseCall(s string) (callLine, error) {
	p := codec.ArgParser{Path: func(path string) (codec.Value, error) { return pathArg(path), nil }}
	args, named, err := p.Parse(s)
	if err != nil {
		return callLine{}, &textError{words: err.Error()}
	}
	l := callLine{args: args, kwargs: make(map[string]codec.Value, len(named))}
	for _, n := range named {
		l.kwargs[n.Name] = n.Value
	}
	return l, nil
}

// resolvePaths puts references in place of paths.
func (f *callFile) resolvePaths(ctx context.Context, l *callLine, cwd string) error {
	resolve := func(v codec.Value) (codec.Value, error) {
		path, ok := v.(pathArg)
		if !ok {
			return v, nil
		}
		found, err := f.resolvePath(ctx, string(path), cwd)
		if err != nil {
			return nil, &opError{errnoOf(err, opLookup), path.String() + ": " + err.Error()}
		}
		return found, nil
	}
	var err error
	for i := range l.args {
		if l.args[i], err = resolve(l.args[i]); err != nil {
			return err
		}
	}
	for name := range l.kwargs {
		if l.kwargs[name], err = resolve(l.kwargs[name]); err != nil {
			return err
		}
	}
	return nil
}

// resolvePath returns the object at a path: one from where the caller stands, or
// else from the root of the mount, whether or not it names the mount point first.
func (f *callFile) resolvePath(ctx context.Context, target, cwd string) (codec.Value, error) {
	if strings.HasPrefix(target, "/") {
		if rest, ok := f.p.inside(target); ok {
			target = rest
		}
		return f.p.walk(ctx, "", strings.TrimLeft(target, "/"))
	}
	var here error
	if rest, ok := f.p.inside(cwd + "/" + target); ok && cwd != "" {
		found, err := f.p.walk(ctx, "", strings.TrimLeft(rest, "/"))
		if err == nil {
			return found, nil
		}
		here = err
	}
	found, err := f.p.walk(ctx, "", target)
	if err != nil && here != nil && errnoOf(here, opLookup) != syscall.ENOENT {
		err = here // something is there, and it is no object
	}
	return found, err
}
