package expose

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"nomfs/codec"
)

const (
	// maxStderr is how much of the end of what a program says on its standard
	// error goes into an exception, in bytes: some screens of text.
	maxStderr = 4096
	// termGrace is how long a program may take to end when it is asked to.
	// Then it is killed.
	termGrace = 500 * time.Millisecond
	// pipeGrace is how long the output of a program that has ended is read on:
	// what left its process group may hold it open for ever.
	pipeGrace = 200 * time.Millisecond
	// leaveGrace is how long a program that has ended may leave its output open
	// before what it left is killed. Another that it started for good, as
	// setsid -f does, needs a moment to get a session of its own.
	leaveGrace = 100 * time.Millisecond
	// defaultMax is how many copies of a program run at once; others wait.
	defaultMax = 4
	// maxMax bounds what a file may ask for.
	maxMax = 1000
)

// runner says how programs are run for one entry.
type runner struct {
	timeout time.Duration
	dir     string
	env     []string // all of it, nil for that of this process
	max     int

	places chan struct{} // of max; one is taken by each that runs
	ctx    context.Context
	cancel context.CancelFunc

	mu     sync.Mutex
	closed bool
	left   sync.WaitGroup // of those that run
}

// runner reads the options of those that run programs:
//
//	timeout  how long a program may take, waiting for its turn included
//	dir      where it runs; by default in the directory of the file
//	env      variables to be added to the environment
//	max      how many run at once
func (f *fields) runner(d *def, timeout time.Duration) *runner {
	r := &runner{timeout: f.duration("timeout", timeout, maxTimeout), dir: f.file("dir"), max: f.count("max", defaultMax, maxMax)}
	d.runs = true
	if r.dir == "" {
		r.dir = f.l.dir
	} else if info, err := os.Stat(r.dir); err != nil {
		f.bad("dir", "%s", whyNot(err))
	} else if !info.IsDir() {
		f.bad("dir", "%s is no directory", r.dir)
	}
	env := f.texts("env")
	for _, name := range slices.Sorted(maps.Keys(env)) {
		if name == "" || strings.ContainsAny(name, "=\x00") || strings.ContainsRune(env[name], 0) {
			f.bad("env", "%q cannot be a variable", name)
		}
		r.env = append(r.env, name+"="+env[name])
	}
	if r.env != nil {
		// PWD as for those without variables: some programs believe it.
		r.env = slices.Concat(os.Environ(), []string{"PWD=" + r.dir}, r.env)
	}
	return r
}

// start returns a runner with the same settings, at work.
func (r *runner) start(ctx context.Context) *runner {
	n := &runner{timeout: r.timeout, dir: r.dir, env: r.env, max: r.max, places: make(chan struct{}, r.max)}
	n.ctx, n.cancel = context.WithCancel(ctx)
	return n
}

// close ends what runs, and waits for that.
func (r *runner) close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.cancel()
	r.left.Wait()
}

// enter counts one more that runs, unless it is too late.
func (r *runner) enter() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return false
	}
	r.left.Add(1)
	return true
}

// program finds the first word of a command when the file is read, so that a
// program that is missing is known then.
func (f *fields) program(key string, argv []string) {
	switch {
	case !f.has(key) || argv == nil:
	case len(argv) == 0 || argv[0] == "":
		f.bad(key, "it is empty; the first word is the program")
	case strings.HasPrefix(argv[0], "{") && strings.HasSuffix(argv[0], "}"):
		f.bad(key, "the program cannot be an argument")
	case strings.ContainsRune(argv[0], os.PathSeparator):
		argv[0] = f.l.abs(argv[0])
		if _, err := exec.LookPath(argv[0]); err != nil {
			f.bad(key, "%s", whyNot(runError(err)))
		}
	default:
		found, err := exec.LookPath(argv[0])
		if err == nil {
			found, err = filepath.Abs(found)
		}
		if err != nil {
			f.bad(key, "there is no program %s in $PATH", argv[0])
		}
		_ = found // it is looked for again each time: it may be replaced meanwhile
	}
	for i, word := range argv {
		if strings.ContainsRune(word, 0) {
			f.bad(key, "word %d has a zero byte, which no argument can have", i+1)
		}
	}
}

// runError takes the name of the program out of an error that has it twice.
func runError(err error) error {
	var e *exec.Error
	if errors.As(err, &e) {
		return fmt.Errorf("%s: %w", e.Name, e.Err)
	}
	return err
}

// run runs a program to its end and returns what it printed. It ends with ctx,
// or after the timeout. A status other than 0 is a CommandError with the status
// and the end of what it said on standard error.
func (r *runner) run(ctx context.Context, argv []string, stdin []byte) ([]byte, error) {
	if !r.enter() {
		return nil, errGone
	}
	defer r.left.Done()
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	stop := context.AfterFunc(r.ctx, cancel)
	defer stop()
	select {
	case r.places <- struct{}{}:
		defer func() { <-r.places }()
	case <-ctx.Done():
		return nil, r.ended(ctx, argv[0], "has not begun: %d others run", r.max)
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir, cmd.Env = r.dir, r.env
	cmd.WaitDelay = pipeGrace
	if stdin != nil {
		cmd.Stdin = bytes.NewReader(stdin)
	}
	out := &limited{most: maxText, over: make(chan struct{}), end: make(chan struct{})}
	said := &tail{most: maxStderr, end: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = out, said
	ownGroup(cmd)
	if err := cmd.Start(); err != nil {
		return nil, startError(cmd, err)
	}
	exited := make(chan struct{}) // where the system tells that before the end
	ended := make(chan struct{})
	cut := make(chan bool, 1)
	go func() { cut <- contain(ctx, cmd, out.over, exited, ended) }()
	err := waitGroup(cmd, func() {
		close(exited)
		grace := time.NewTimer(leaveGrace)
		defer grace.Stop()
		for _, end := range []chan struct{}{out.end, said.end} {
			select {
			case <-end:
			case <-out.over:
			case <-grace.C:
				return
			}
		}
	})
	close(ended)
	switch early := <-cut; {
	case out.isOver():
		return nil, exception("OverflowError", "%s printed more than %d bytes", argv[0], maxText)
	case early: // whatever its status: some end well when they are asked to end
		return nil, r.ended(ctx, argv[0], "has not ended")
	case !cmd.ProcessState.Success():
		return nil, codec.Exception{Class: "CommandError", Args: codec.Tuple{
			codec.Int(statusOf(cmd.ProcessState)), codec.Bytes(said.text())}}
	case err != nil && !errors.Is(err, exec.ErrWaitDelay) && !errors.Is(err, syscall.EPIPE):
		return nil, err
	}
	return out.bytes(), nil
}

// contain ends a program when it is no longer wanted, or prints too much. It
// tells whether the program was still running when it was no longer wanted.
func contain(ctx context.Context, cmd *exec.Cmd, over, exited, ended <-chan struct{}) (cut bool) {
	select {
	case <-ended:
		return false
	case <-over:
		// Nothing that it could still say is read.
	case <-ctx.Done():
		select {
		case <-exited:
		case <-ended:
		default:
			cut = true
		}
		askGroup(cmd)
		grace := time.NewTimer(termGrace)
		defer grace.Stop()
		select {
		case <-ended:
			return cut
		case <-grace.C:
		}
	}
	killGroup(cmd)
	return cut
}

// ended tells why a program did not run to its end.
func (r *runner) ended(ctx context.Context, program, format string, args ...any) error {
	why := fmt.Sprintf(format, args...)
	switch {
	case r.ctx.Err() != nil:
		return errGone
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return codec.Exception{Class: "IOError", Args: codec.Tuple{codec.Int(int64(syscall.ETIMEDOUT)),
			codec.Bytes(fmt.Sprintf("%s %s after %v", program, why, r.timeout))}}
	}
	return context.Cause(ctx)
}

func startError(cmd *exec.Cmd, err error) error {
	if errors.Is(err, syscall.E2BIG) {
		return exception("ValueError", "the arguments of %s are too long", cmd.Args[0])
	}
	// The system says of a directory that is gone what it says of a program.
	if info, gone := os.Stat(cmd.Dir); gone != nil {
		return gone
	} else if !info.IsDir() {
		return &fs.PathError{Op: "chdir", Path: cmd.Dir, Err: syscall.ENOTDIR}
	}
	return runError(err)
}

// limited keeps what is written to it up to a limit, and tells when there is
// more.
type limited struct {
	mu   sync.Mutex
	buf  []byte
	most int
	over chan struct{} // closed when there is more
	end  chan struct{} // closed when nobody can write any more
	full bool
}

// ReadFrom is how a program's output is read.
func (w *limited) ReadFrom(r io.Reader) (int64, error) {
	defer close(w.end)
	return io.Copy(onlyWriter{w}, r)
}

// onlyWriter hides ReadFrom.
type onlyWriter struct{ io.Writer }

func (w *limited) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	room := w.most - len(w.buf)
	w.buf = append(w.buf, b[:min(len(b), room)]...)
	if len(b) > room && !w.full {
		w.full = true
		close(w.over)
	}
	return len(b), nil
}

func (w *limited) isOver() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.full
}

func (w *limited) bytes() []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	return bytes.Clone(w.buf)
}

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	buf  []byte
	most int
	end  chan struct{} // closed when nobody can write any more
}

// ReadFrom is how a program's standard error is read.
func (w *tail) ReadFrom(r io.Reader) (int64, error) {
	defer close(w.end)
	return io.Copy(onlyWriter{w}, r)
}

func (w *tail) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.buf = append(w.buf, b[max(len(b)-w.most, 0):]...)
	if n := len(w.buf) - w.most; n > 0 {
		w.buf = append(w.buf[:0], w.buf[n:]...)
	}
	return len(b), nil
}

func (w *tail) text() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.ToValidUTF8(strings.TrimRight(string(w.buf), "\n"), "?")
}
