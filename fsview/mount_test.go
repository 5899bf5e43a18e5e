//go:build linux

package fsview

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestMountPoint checks what can be mounted on.
func TestMountPoint(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "none"): "no such file or directory",
		file:                       "not a directory",
		dir:                        "directory not empty",
	} {
		if _, err := Mount(path, []Peer{{Remote: newFake()}}, Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Mount(%s) = %v, want %s", path, err, want)
		}
	}
	s := startServer(t, serveSpec{Fixture: "demo"})
	if _, err := Mount(s.dir, []Peer{{Remote: newFake()}}, Options{}); err == nil || !strings.Contains(err.Error(), "mounted there already") {
		t.Errorf("Mount on a live mount = %v", err)
	}
	if out, _ := s.sh("cat demo/number"); out != "5\n" {
		t.Errorf("the live mount says %q", out)
	}
}

// TestDeadMount checks that what a killed server left behind hurts nobody and
// is replaced.
func TestDeadMount(t *testing.T) {
	s := startServer(t, serveSpec{Fixture: "demo"})
	// One process waits in the mount, another stands in it.
	waiting := exec.Command("bash", "-c", "echo 60 > "+s.dir+"/demo/slow/call; cat "+s.dir+"/demo/slow/call")
	if err := waiting.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- waiting.Wait() }()
	for len(effects(s.ops())) == 0 {
	}
	if err := s.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ended:
	case <-time.After(patience):
		t.Fatal("a killed server leaves its callers hanging")
	}
	_ = s.cmd.Wait()
	again := startServer(t, serveSpec{Fixture: "demo", Dir: s.dir})
	if out, _ := again.sh("cat demo/number"); out != "5\n" {
		t.Errorf("the mount that replaced a dead one says %q", out)
	}
}

// TestUnmount checks that unmounting wakes who waits and does not mind who
// stands in the tree.
func TestUnmount(t *testing.T) {
	s := startServer(t, serveSpec{Fixture: "demo"})
	cmd := exec.Command("bash", "-c", "cd "+s.dir+"/demo; echo 60 > slow/call; cat slow/call; echo read $?")
	out := make(chan string, 1)
	go func() {
		b, _ := cmd.CombinedOutput()
		out <- string(b)
	}()
	for len(effects(s.ops())) == 0 {
	}
	start := time.Now()
	if got := s.ask("unmount"); got != "bye" {
		t.Errorf("unmount: %s", got)
	}
	if took := time.Since(start); took > unmountTime+3*time.Second {
		t.Errorf("unmounting took %v", took)
	}
	select {
	case <-out:
	case <-time.After(patience):
		t.Error("who waited still waits")
	}
	if _, mounted := mountAt(s.dir); mounted {
		t.Error("it is still mounted")
	}
}

// TestUnmountOfDetached ends a mount that somebody else took away lazily, while
// somebody stood in it.
func TestUnmountOfDetached(t *testing.T) {
	if os.Geteuid() != 0 {
		return // fusermount does it in TestUser
	}
	s := startServer(t, serveSpec{Fixture: "demo"})
	in := exec.Command("bash", "-c", "cd "+s.dir+"/demo && echo in && read")
	wait, err := in.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := in.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := in.Start(); err != nil {
		t.Fatal(err)
	}
	defer in.Wait()
	defer wait.Close()
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if err := unix.Unmount(s.dir, unix.MNT_DETACH); err != nil {
		t.Fatal(err)
	}
	if got := s.ask("unmount"); got != "bye" {
		t.Errorf("unmounting what was taken away: %s", got)
	}
}

// TestChildrenDoNotHoldTheMount looks for the descriptor of /dev/fuse in a
// program that the server starts.
func TestChildrenDoNotHoldTheMount(t *testing.T) {
	s := startServer(t, serveSpec{Fixture: "demo"})
	if got := s.ask("child"); strings.Contains(got, "fuse") || !strings.Contains(got, "/") {
		t.Errorf("a child has %q open", got)
	}
}

// TestCyclicGraph walks objects that all know each other.
func TestCyclicGraph(t *testing.T) {
	s := startServer(t, serveSpec{Fixture: "ring"})
	out, status := s.sh("find . > /dev/null; echo $?; grep -r nothere .; echo $?; du -s . > /dev/null; echo $?; d=$(mktemp -d); cp -r start $d/; echo $?; tar cf $d/x.tar .; echo $?; rm -rf $d; readlink start/o1/o2/o3/o4 start/o1/o0 start/o1/o2/o1; cat start/o1/o2/o3/o4/v; test start/o1/o2/o3/o4 -ef start/o3/o2/o1/o4; echo $?; cat start/o1/.oid | cmp - start/o3/o2/o1/.oid; ls start/o1/o2/o3/o4/; readlink start/o1/o2/o3/o4/o5")
	want := "0\n1\n0\n0\n0\n../../../../.nom/obj/1005\n..\n..\n4\n0\no0\no1\no2\no3\no4\no5\nv\n../1006\n"
	if out != want || status != 0 {
		t.Errorf("got %q, status %d, want %q", out, status, want)
	}
}

// TestParallel runs many shells at once: nothing hangs, nothing gets lost.
func TestParallel(t *testing.T) {
	s := startServer(t, serveSpec{Fixture: "demo"})
	out, status := s.sh(`for i in {1..16}; do setsid -w bash -c '
for j in {1..10}; do
	echo $0 > demo/v$0; [ "$(cat demo/v$0)" = $0 ] || echo BAD set
	echo $0,$j > demo/add/call; [ "$(cat demo/add/call)" = $(($0+$j)) ] || echo BAD call
	ls -l demo demo/child > /dev/null || echo BAD ls
done' $i & done; wait; rm demo/v*; ls demo | grep -c ^v[0-9]; cat demo/calls`)
	if out != "0\n160\n" || status != 0 {
		t.Errorf("got %q, status %d", out, status)
	}
	if errs := s.ask("state"); errs != "running 0" {
		t.Errorf("afterwards: %s", errs)
	}
}
