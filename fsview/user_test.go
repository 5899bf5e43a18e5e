//go:build linux

package fsview

import (
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// Two users that every system has. fusermount wants to know the name of who
// mounts.
var (
	nobody = &syscall.Credential{Uid: 65534, Gid: 65534}
	daemon = &syscall.Credential{Uid: 1, Gid: 1}
)

// userMounts gives this test mounts of its own, in which every user may use
// /dev/fuse and let others in, and returns a directory of nobody's, and this
// program where nobody can run it. Outside, nothing of this can be seen.
func userMounts(t *testing.T) (dir, binary string) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	const everyone = 0o666
	// The thread is given up with the test, and its mounts with it.
	runtime.LockOSThread()
	must(unix.Unshare(unix.CLONE_FS | unix.CLONE_NEWNS))
	must(unix.Mount("none", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))

	const tmp = "/media" // every system has it, and lets everyone in
	must(unix.Mount("none", tmp, "tmpfs", 0, "mode=711"))
	t.Cleanup(func() { _ = unix.Unmount(tmp, unix.MNT_DETACH) })
	info, err := os.Stat("/dev/fuse")
	must(err)
	if info.Mode().Perm()&everyone != everyone {
		device := filepath.Join(tmp, "fuse")
		must(unix.Mknod(device, unix.S_IFCHR, int(info.Sys().(*syscall.Stat_t).Rdev)))
		must(os.Chmod(device, everyone))
		must(unix.Mount(device, "/dev/fuse", "", unix.MS_BIND, ""))
	}
	conf := filepath.Join(tmp, "fuse.conf")
	must(os.WriteFile(conf, []byte("user_allow_other\n"), 0o644))
	must(unix.Mount(conf, "/etc/fuse.conf", "", unix.MS_BIND, ""))

	binary = filepath.Join(tmp, "fsview.test")
	in, err := os.Open(os.Args[0])
	must(err)
	defer in.Close()
	out, err := os.OpenFile(binary, os.O_CREATE|os.O_WRONLY, 0o755)
	must(err)
	_, err = io.Copy(out, in)
	must(err)
	must(out.Close())
	dir = filepath.Join(tmp, "mnt")
	must(os.Mkdir(dir, 0o755))
	for _, path := range []string{conf, binary, dir} { // whatever the umask is
		must(os.Chmod(path, 0o755))
	}
	must(os.Chown(dir, int(nobody.Uid), int(nobody.Gid)))
	return dir, binary
}

// useAsUser is what whoever mounted a demo can do with it.
const useAsUser = `cat demo/number; echo 6 > demo/number; cat demo/number; echo 2,3 > demo/add/call; cat demo/add/call; sed -i s/6/7/ demo/number; cat demo/number; find . > /dev/null && echo found
[ $(stat -c %u demo/number) = $(id -u) ] && echo mine; df . | tail -n1 | cut -d' ' -f1`

const usedAsUser = "5\n6\n5\n7\nfound\nmine\nfake\n"

// TestUser mounts as a user who is not root.
func TestUser(t *testing.T) {
	if !isRoot {
		// What others see takes another user; the rest can be tested.
		s := startServer(t, serveSpec{Fixture: "demo"})
		if out, _ := s.sh(useAsUser); out != usedAsUser {
			t.Errorf("printed %q, want %q", out, usedAsUser)
		}
		if got := s.ask("unmount"); got != "bye" {
			t.Errorf("unmount: %s", got)
		}
		return
	}
	dir, binary := userMounts(t)
	spec := serveSpec{Fixture: "demo", Dir: dir, User: nobody, Binary: binary}
	mounted := func() bool {
		text, err := os.ReadFile("/proc/thread-self/mountinfo")
		return err != nil || strings.Contains(string(text), " "+dir+" ")
	}

	t.Log("alone")
	s := startServer(t, spec)
	if out, _ := s.shAs(nobody, useAsUser); out != usedAsUser {
		t.Errorf("printed %q, want %q", out, usedAsUser)
	}
	for who, user := range map[string]*syscall.Credential{"another user": daemon, "root": nil} {
		if out, status := s.shAs(user, ""); status != 99 || !strings.Contains(out, "Permission denied") {
			t.Errorf("%s gets in: %q, status %d", who, out, status)
		}
	}
	if got := s.ask("unmount"); got != "bye" || mounted() {
		t.Errorf("unmount: %s, still mounted: %v", got, mounted())
	}

	t.Log("with others")
	spec.AllowOther = true
	s = startServer(t, spec)
	for _, tt := range []struct {
		who         string
		user        *syscall.Credential
		script, out string
	}{
		{"the owner", nobody, useAsUser, usedAsUser},
		{"another user", daemon, `cat demo/number demo/child/v demo/add/.doc; ls demo/numbers/index; for c in 'echo 8 > demo/number' 'echo 8 > demo/new' 'echo 1 > demo/add/call' 'rm demo/number' 'mv demo/number demo/n' 'ln -s ../other demo/l' 'mkdir demo/x' 'echo 1 > demo/.x' 'sed -i s/7/8/ demo/number' 'chmod 666 demo/number' 'echo 1 > demo/numbers/index/0' 'rm demo/numbers/index/0' 'cat demo/nothing.listen'; do (eval "$c") 2>&1 | grep -c -e 'Permission denied' -e 'Operation not permitted'; done; cat demo/number`,
			"7\n7\ndocumentation of add\n0\n1\n2\n" + strings.Repeat("1\n", 13) + "7\n"},
		{"root", nil, "cat demo/number; echo 9 > demo/number; cat demo/number", "7\n9\n"},
	} {
		if out, _ := s.shAs(tt.user, tt.script); out != tt.out {
			t.Errorf("%s: %s\nprinted %q\nwant    %q", tt.who, tt.script, out, tt.out)
		}
	}
	want := "SetAttr demo.number=6; Call add(2, 3); SetAttr demo.number=7; SetAttr demo.number=9"
	if got := effects(s.ops()); got != want {
		t.Errorf("the peer was asked %q, want %q", got, want)
	}
	if got := s.ask("unmount"); got != "bye" || mounted() {
		t.Errorf("unmount: %s, still mounted: %v", got, mounted())
	}

	t.Log("read only, and killed")
	spec.AllowOther, spec.ReadOnly = false, true
	s = startServer(t, spec)
	if out, _ := s.shAs(nobody, "echo 8 > demo/number; cat demo/number"); out != "bash: line 2: demo/number: Read-only file system\n5\n" {
		t.Errorf("a mount that is read only says %q", out)
	}
	if err := s.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = s.cmd.Wait()
	spec.ReadOnly = false
	s = startServer(t, spec)
	if out, _ := s.shAs(nobody, "cat demo/number"); out != "5\n" {
		t.Errorf("the mount that replaced a dead one says %q", out)
	}

	t.Log("unmounted by hand")
	if out, status := s.shAs(nobody, "cd /; fusermount3 -u $M"); status != 0 || mounted() {
		t.Errorf("fusermount3: %q, status %d, still mounted: %v", out, status, mounted())
	}
	if got := s.ask("unmount"); got != "bye" {
		t.Errorf("unmounting what is unmounted: %s", got)
	}
}
