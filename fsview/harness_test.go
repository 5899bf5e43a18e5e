//go:build linux

package fsview

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience bounds everything a test waits for, in a loaded machine too.
const patience = 3 * time.Minute

// isRoot tells whether root runs the tests. Other users may, through fusermount3.
var isRoot = os.Geteuid() == 0

// A server is a child process that mounts a fake.
type server struct {
	t     *testing.T
	dir   string
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines chan string
}

func startServer(t *testing.T, spec serveSpec) *server {
	t.Helper()
	s := launch(t, spec)
	if l := s.line(); l != "ready" {
		t.Fatalf("server says %q", l)
	}
	return s
}

// launch starts a server, which says "ready", or why it is not.
func launch(t *testing.T, spec serveSpec) *server {
	t.Helper()
	if spec.Dir == "" {
		spec.Dir = t.TempDir()
	}
	s := &server{t: t, dir: spec.Dir, lines: make(chan string, 16)}
	text, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	s.cmd = exec.Command(cmp.Or(spec.Binary, os.Args[0]))
	if spec.User != nil {
		s.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: spec.User}
		s.cmd.Dir = "/"
	}
	s.cmd.Env = append(os.Environ(), serveEnv+"="+string(text), "GORACE=atexit_sleep_ms=0 halt_on_error=1") // do not linger
	s.cmd.Stderr = os.Stderr
	if s.in, err = s.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		sc := bufio.NewScanner(out)
		sc.Buffer(nil, 16<<20)
		for sc.Scan() {
			s.lines <- sc.Text()
		}
		close(s.lines)
	}()
	t.Cleanup(s.stop)
	return s
}

func (s *server) line() string {
	s.t.Helper()
	select {
	case l := <-s.lines:
		return l
	case <-time.After(patience):
		s.force()
		s.t.Fatal("the server does not answer")
		return ""
	}
}

// ask sends one command and returns the answer.
func (s *server) ask(cmd string) string {
	s.t.Helper()
	if _, err := io.WriteString(s.in, cmd+"\n"); err != nil {
		s.t.Fatal(err)
	}
	return s.line()
}

// ops returns what the fake was asked since the last reset.
func (s *server) ops() []string {
	s.t.Helper()
	var ops []string
	if err := json.Unmarshal([]byte(s.ask("ops")), &ops); err != nil {
		s.t.Fatal(err)
	}
	return ops
}

// effects returns those operations that change something.
func effects(ops []string) string {
	var out []string
	for _, op := range ops {
		for _, verb := range []string{"Set", "Del", "Call"} {
			if strings.HasPrefix(op, verb) {
				out = append(out, op)
			}
		}
	}
	return strings.Join(out, "; ")
}

// force takes the mount away from whoever hangs in it.
func (s *server) force() {
	_ = exec.Command("umount", "-f", s.dir).Run()
	_ = exec.Command("umount", "-l", s.dir).Run()
}

func (s *server) stop() {
	_, _ = io.WriteString(s.in, "unmount\n")
	s.in.Close()
	timer := time.AfterFunc(patience, func() {
		s.t.Error("the server does not end")
		s.force()
		_ = s.cmd.Process.Kill()
	})
	defer timer.Stop()
	for range s.lines { // until it closes its output
	}
	_ = s.cmd.Wait()
	s.force()
}

// sh runs a script in the mount with bash, in a session of its own, and
// returns what it printed and its status.
func (s *server) sh(script string) (out string, status int) {
	s.t.Helper()
	return s.shAs(nil, script)
}

// bareEnv is the environment of what runs in a mount. What else a machine sets may
// change what tools print.
func bareEnv() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir(), "LC_ALL=C.UTF-8"}
}

// shAs is sh for a user, nil for whoever runs the tests.
func (s *server) shAs(user *syscall.Credential, script string) (out string, status int) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "setsid", "-w", "bash", "-c", "cd "+s.dir+" || exit 99\n"+script)
	cmd.Env = append(bareEnv(), "M="+s.dir, "HOME="+s.t.TempDir())
	if user != nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: user}
		cmd.Dir = "/"
	}
	cmd.WaitDelay = time.Second
	b, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		s.force()
		s.t.Fatalf("%s: hangs; so far: %s", script, b)
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		s.t.Fatalf("%s: %v", script, err)
	}
	return strings.ReplaceAll(string(b), s.dir, "MNT"), cmd.ProcessState.ExitCode()
}
