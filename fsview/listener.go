//go:build linux

package fsview

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"nomfs/codec"
)

// A listener is an open listen file: what is called, and what tells of it.
type listener struct {
	p       *peer
	m       member
	key     listenKey
	answers bool // calls are answered by what is written
	block   bool
	ino     uint64 // of the file
	session string
	s       *stream

	fn    codec.Ref       // the callable
	endFn func(why error) // ends it
	seen  codec.Ref       // what the peer says the attribute is while it is the callable
	prev  codec.Value     // the value from before, nil for none

	closed chan struct{} // closed when the file is
	gone   chan struct{} // closed when the attribute is as it was
	once   sync.Once

	mu    sync.Mutex // guards what follows
	tag   int        // of the last call
	calls map[int]chan reply
	over  bool   // no more calls are taken
	part  string // a line of an answer without its end
	shift int64  // how much of the file's offset was writing
}

// A reply is the answer to a call.
type reply struct {
	v   codec.Value
	err error
}

var (
	_ fs.FileReader   = (*listener)(nil)
	_ fs.FileWriter   = (*listener)(nil)
	_ fs.FileFlusher  = (*listener)(nil)
	_ fs.FileFsyncer  = (*listener)(nil)
	_ fs.FileReleaser = (*listener)(nil)
	_ fs.FileLseeker  = (*listener)(nil)
)

func newListener(p *peer, m member, session string, answers, block bool) *listener {
	return &listener{
		p: p, m: m, session: session, answers: answers, block: block, s: newStream(),
		closed: make(chan struct{}), gone: make(chan struct{}), calls: make(map[int]chan reply),
	}
}

// What the caller of a callback hears when the terminal does not play along.
var (
	errNotListening = codec.Exception{Class: "ReferenceError", Args: codec.Tuple{codec.StringValue("nobody listens any more")}}
	errNotReading   = codec.Exception{Class: "RuntimeError", Args: codec.Tuple{codec.StringValue("the listener does not keep up")}}
)

// called is one call: it becomes a line, and if somebody answers, waits for
// that.
func (l *listener) called(ctx context.Context, args []codec.Value, kwargs map[string]codec.Value) (codec.Value, error) {
	text := l.argText(ctx, args, kwargs)
	l.mu.Lock()
	if l.over {
		l.mu.Unlock()
		return nil, errNotListening
	}
	tag := l.tag + 1
	if len(l.calls) >= maxAwaiting || !l.s.add(tagWord+strconv.Itoa(tag)+" ["+text+"]\n") {
		l.mu.Unlock()
		return nil, errNotReading
	}
	l.tag = tag
	if !l.answers {
		l.mu.Unlock()
		return codec.None{}, nil
	}
	answer := make(chan reply, 1)
	l.calls[tag] = answer
	l.mu.Unlock()
	select {
	case r := <-answer:
		return r.v, r.err
	case <-ctx.Done():
		l.mu.Lock()
		delete(l.calls, tag)
		l.mu.Unlock()
		return nil, ctx.Err()
	}
}

// argText is the arguments as they are written to call.
func (l *listener) argText(ctx context.Context, args []codec.Value, kwargs map[string]codec.Value) string {
	pathText := l.m.dir.pathPrinter(ctx)
	literal := func(v codec.Value) string {
		v, err := codec.MapRefs(v, func(v codec.Value) (codec.Value, error) {
			if r, ok := v.(codec.Ref); ok {
				l.p.refs.got(r)
				l.p.makeRoom()
				return pathArg(pathText(r)), nil
			}
			return v, nil
		})
		if err != nil {
			return "None" // no key of a dict becomes unhashable by this
		}
		return v.String()
	}
	parts := make([]string, 0, len(args)+len(kwargs))
	for _, v := range args {
		parts = append(parts, literal(v))
	}
	for _, name := range slices.Sorted(maps.Keys(kwargs)) {
		parts = append(parts, codec.KeywordName(name)+"="+literal(kwargs[name]))
	}
	return strings.Join(parts, ", ")
}

// end takes no more calls, and fails those that wait for an answer.
func (l *listener) end(errno syscall.Errno) {
	l.s.end(errno)
	l.endFn(errNotListening)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
	for tag, answer := range l.calls {
		answer <- reply{err: errNotListening}
		delete(l.calls, tag)
	}
}

// Read returns calls and waits for more.
func (l *listener) Read(ctx context.Context, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	l.mu.Lock()
	off = max(0, off-l.shift)
	l.mu.Unlock()
	return l.p.readStream(ctx, l.s, dest, off, l.block)
}

// Write answers calls, a line each. Reading goes on where it was: what is
// written takes no room in what is read.
func (l *listener) Write(ctx context.Context, data []byte, _ int64) (uint32, syscall.Errno) {
	if !l.answers {
		return 0, syscall.EBADF
	}
	l.mu.Lock()
	l.shift += int64(len(data))
	text := l.part + string(data)
	end := strings.LastIndexByte(text, '\n') + 1
	text, l.part = text[:end], text[end:]
	long := len(l.part) > maxDatagram
	if long {
		l.part = ""
	}
	l.mu.Unlock()
	err := l.answerLines(ctx, text)
	if err == nil && long {
		err = errTooLarge(maxDatagram)
	}
	if err != nil {
		l.mu.Lock()
		l.shift -= int64(len(data)) // a write that fails moves nothing
		l.mu.Unlock()
		return 0, l.p.fail(ctx, "answer", l.m.path(), opSetValue, err)
	}
	return uint32(len(data)), 0
}

func (l *listener) answerLines(ctx context.Context, text string) error {
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		if err := l.answer(ctx, line); err != nil {
			return err
		}
	}
	return nil
}

func (l *listener) answer(ctx context.Context, line string) error {
	c, cancel := l.p.opContext(ctx)
	defer cancel()
	tag, v, exc, err := l.parseAnswer(c, line)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(tag)
	l.mu.Lock()
	defer l.mu.Unlock()
	answer, ok := l.calls[n]
	if err != nil || !ok {
		return &opError{syscall.EINVAL, "no call with the tag " + tag + " waits for an answer"}
	}
	delete(l.calls, n)
	answer <- reply{v, exc}
	return nil
}

// putBackWait is how long the last close(2) waits until the value from before is
// back, so that the next command finds it. Nothing ends that wait earlier: the
// process may be exiting, by the signal that would.
const putBackWait = 500 * time.Millisecond

// Flush answers with a line that has no end. With the last close(2), of whoever
// may have inherited the descriptor, it ends the listening: the kernel says so
// later.
func (l *listener) Flush(ctx context.Context) syscall.Errno {
	errno := l.Fsync(ctx, 0)
	if callerOf(ctx).holds(l.ino).may() || anyoneHolds(l.ino).may() {
		return errno
	}
	_ = l.Release(ctx)
	timer := time.NewTimer(putBackWait)
	defer timer.Stop()
	select {
	case <-l.gone:
	case <-timer.C:
	}
	return errno
}

// Fsync answers with a line that has no end.
func (l *listener) Fsync(ctx context.Context, _ uint32) syscall.Errno {
	l.mu.Lock()
	line := l.part
	l.part = ""
	l.mu.Unlock()
	return l.p.fail(ctx, "answer", l.m.path(), opSetValue, l.answerLines(ctx, line))
}

// Lseek knows no holes.
func (l *listener) Lseek(_ context.Context, off uint64, whence uint32) (uint64, syscall.Errno) {
	return seekData(uint64(l.s.size()), off, whence)
}

// Release ends the listening. It does not wait for that.
func (l *listener) Release(context.Context) syscall.Errno {
	l.once.Do(func() { close(l.closed) })
	return 0
}

// listeners are those of a mount: one for each attribute.
type listeners struct {
	mu  sync.Mutex
	all map[listenKey]*listener
}

// enter adds l. Where a listener is just ending it waits for that.
func (t *listeners) enter(ctx context.Context, key listenKey, l *listener) error {
	for {
		t.mu.Lock()
		other := t.all[key]
		if other == nil {
			if t.all == nil {
				t.all = make(map[listenKey]*listener)
			}
			l.key = key
			t.all[key] = l
			t.mu.Unlock()
			return nil
		}
		t.mu.Unlock()
		select {
		case <-other.closed:
		default:
			return errListening
		}
		select {
		case <-other.gone:
		case <-ctx.Done():
			return causeOf(ctx, ctx.Err())
		}
	}
}

// leave takes l out.
func (t *listeners) leave(l *listener) {
	t.mu.Lock()
	delete(t.all, l.key)
	t.mu.Unlock()
	close(l.gone)
}

// count returns how many there are.
func (t *listeners) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.all)
}
