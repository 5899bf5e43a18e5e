//go:build linux

package fsview

import (
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// blockers are processes that wait in a mount, each in another operation, and
// what the fake must be told so that they do. The kernel keeps a directory to
// itself while a name in it comes or goes, so these have directories of their
// own.
var blockers = []struct {
	name   string
	hang   string // the request that never ends
	script string
}{
	{"lookup", "GetAttr child.v", "cat demo/child/v"},
	{"listing", "Describe child", "ls demo/child"},
	{"opening", "GetAttr demo.ratio", "exec 3< demo/ratio"},
	{"write", "SetAttr demo.long=8", "echo 8 > demo/long"},
	{"close", "SetAttr demo.values=[1, 2]", "printf '[1,\\n2]' | dd of=demo/values bs=3 2> /dev/null"},
	{"deleting", "DelItem table['a.b']", "rm -f demo/table/index/a.b"},
	{"renaming", "SetItem numbers[7]=20", "mv demo/numbers/index/1 demo/numbers/index/7"},
	{"linking", "SetAttr other.link=ref 1001", "ln -s ../demo other/link"},
	{"call, writing", "", "echo 60 > demo/slow/call; echo 60 > demo/slow/call; echo 60 > demo/slow/call"},
	{"call, reading", "", "exec 3<>demo/slow/call; echo 60 >&3; cat <&3"},
	{"call, closing", "", "echo 60 | dd of=demo/slow/call 2> /dev/null"},
}

// block starts all of them, and returns when the peer was asked for everything.
// Each sends its name when it ends.
func (s *server) block() (ended chan string) {
	s.t.Helper()
	ended = make(chan string, len(blockers))
	s.sh("ls -l demo") // so that opening is not looking up
	calls := 0
	for _, b := range blockers {
		if b.hang == "" {
			calls++
		} else {
			s.ask("hang " + b.hang)
		}
		cmd := exec.Command("setsid", "-w", "bash", "-c", b.script)
		cmd.Dir = s.dir
		if err := cmd.Start(); err != nil {
			s.t.Fatal(err)
		}
		pid := cmd.Process.Pid
		s.t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGKILL) }) // setsid takes its group's place
		go func() {
			_ = cmd.Wait()
			ended <- b.name
		}()
	}
	if !eventually(func() bool {
		ops := strings.Join(s.ops(), "\n")
		for _, b := range blockers {
			if b.hang != "" && !strings.Contains(ops, b.hang) {
				return false
			}
		}
		return strings.Count(ops, "Call slow(60)") >= calls
	}) {
		s.t.Fatalf("not everyone waits: %q", s.ops())
	}
	return ended
}

// allEnd waits for all of them.
func allEnd(t *testing.T, ended chan string, after time.Time) {
	t.Helper()
	// Far less than the time that they would wait for the peer.
	const bound = 10 * time.Second
	left := make(map[string]bool)
	for _, b := range blockers {
		left[b.name] = true
	}
	timer := time.After(bound)
	for len(left) > 0 {
		select {
		case name := <-ended:
			delete(left, name)
		case <-timer:
			t.Fatalf("%v later these still wait: %v", time.Since(after).Round(time.Second), left)
		}
	}
}

// longTimeout is so long that no operation ends by itself during a test.
const longTimeout = 5 * time.Minute

// TestCrash kills a server that many wait for, and that has started a program
// which stays.
func TestCrash(t *testing.T) {
	t.Parallel()
	s := startServer(t, serveSpec{Fixture: "demo", Timeout: longTimeout})
	child, err := strconv.Atoi(s.ask("spawn"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(child, syscall.SIGKILL) })
	stands := exec.Command("sleep", "300")
	stands.Dir = s.dir + "/other"
	if err := stands.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stands.Process.Kill(); _ = stands.Wait() })
	ended := s.block()
	start := time.Now()
	if err := s.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	allEnd(t, ended, start)
	t.Logf("everyone had ended after %v", time.Since(start).Round(time.Millisecond))
	if err := syscall.Kill(child, 0); err != nil {
		t.Fatalf("the program that the server started has ended: %v", err)
	}
	again := startServer(t, serveSpec{Fixture: "demo", Dir: s.dir})
	if out, _ := again.sh("cat demo/number; grep -c $M' ' /proc/self/mountinfo"); out != "5\n1\n" {
		t.Errorf("the mount that replaced a dead one says %q", out)
	}
}

// TestUnmountUnderWaiters unmounts while many wait.
func TestUnmountUnderWaiters(t *testing.T) {
	t.Parallel()
	s := startServer(t, serveSpec{Fixture: "demo", Timeout: longTimeout})
	ended := s.block()
	start := time.Now()
	if got := s.ask("unmount"); got != "bye" {
		t.Errorf("unmount: %s", got)
	}
	took := time.Since(start)
	t.Logf("unmounted after %v", took.Round(time.Millisecond))
	if took > unmountTime+3*time.Second {
		t.Errorf("unmounting took %v", took)
	}
	allEnd(t, ended, start)
	t.Logf("everyone had ended after %v", time.Since(start).Round(time.Millisecond))
	if _, mounted := mountAt(s.dir); mounted {
		t.Error("it is still mounted")
	}
}

// TestForcedUnmount takes the connection away, as people do when all else
// fails: nobody may hang, and the server ends.
func TestForcedUnmount(t *testing.T) {
	t.Parallel()
	if !isRoot {
		t.Log("only root can use force")
		return
	}
	s := startServer(t, serveSpec{Fixture: "demo", Timeout: longTimeout})
	ended := s.block()
	start := time.Now()
	s.force()
	allEnd(t, ended, start)
	t.Logf("everyone had ended after %v", time.Since(start).Round(time.Millisecond))
	if got := s.ask("unmount"); got != "bye" {
		t.Errorf("unmount: %s", got)
	}
}

// TestStoppedServer checks that a server which only does not answer is not
// taken for dead.
func TestStoppedServer(t *testing.T) {
	t.Parallel()
	s := startServer(t, serveSpec{Fixture: "demo"})
	if err := s.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.cmd.Process.Signal(syscall.SIGCONT) }()
	other := launch(t, serveSpec{Fixture: "demo", Dir: s.dir})
	if l := other.line(); !strings.Contains(l, "mounted there already") {
		t.Errorf("mounting on a mount that does not answer: %q", l)
	}
	if err := s.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if out, _ := s.sh("cat demo/number"); out != "5\n" {
		t.Errorf("the mount that did not answer says %q", out)
	}
}
