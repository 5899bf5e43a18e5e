package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"nomfs/fsview"
)

const (
	fuseDevice = "/dev/fuse"
	// fuseType is the type of a nomfs mount in the kernel's list.
	fuseType = "fuse.nomfs"
)

// fuseProblem tells why this machine or this user cannot mount, nil if nothing
// speaks against it.
func fuseProblem() error {
	f, err := os.OpenFile(fuseDevice, os.O_RDWR, 0)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return withHint(localf("mounting needs %s, which is missing", fuseDevice),
			"load the module with modprobe fuse; in a container, pass --device %s --cap-add SYS_ADMIN", fuseDevice)
	case err != nil:
		return withHint(localf("mounting needs %s: %w", fuseDevice, err), "your user must be allowed to open %s", fuseDevice)
	}
	f.Close()
	if os.Geteuid() == 0 {
		if !mayMount() {
			return withHint(localf("mounting needs CAP_SYS_ADMIN, which root lacks here"), "in a container, pass --cap-add SYS_ADMIN")
		}
		return nil
	}
	if _, err := exec.LookPath("fusermount3"); err != nil {
		if _, err := exec.LookPath("fusermount"); err != nil {
			return withHint(localf("mounting as a user needs fusermount3, which is missing"), "on Debian: apt-get install fuse3")
		}
	}
	return nil
}

// mayMount tells whether this process may mount by itself, as root in a
// container often may not. If the kernel does not say, the mount will.
func mayMount() bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return true
	}
	return data[0].Effective&(1<<unix.CAP_SYS_ADMIN) != 0
}

// checkMountPoint tells what speaks against mounting on dir, before anyone is
// asked for anything. A mount that lost its process passes: it is replaced.
func checkMountPoint(dir string) error {
	if abs, err := absolute(dir); err == nil {
		if mounts, err := nomfsMounts(); err == nil && mounts[abs] {
			if isDead(abs) {
				return fuseProblem()
			}
			return withHint(localf("cannot mount on %s: a nomfs is mounted there", dir), "nomfs umount %s ends it", dir)
		}
	}
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return withHint(localf("cannot mount on %s: it does not exist", dir), "mkdir %s", dir)
	case err != nil:
		return localf("cannot mount on %s: %w", dir, err)
	case !info.IsDir():
		return localf("cannot mount on %s: it is no directory", dir)
	}
	f, err := os.Open(dir)
	if err != nil {
		return localf("cannot mount on %s: %w", dir, err)
	}
	defer f.Close()
	if _, err := f.Readdirnames(1); err == nil {
		return withHint(localf("cannot mount on %s: it is not empty", dir), "a mount would hide what is in it; take an empty directory")
	} else if err != io.EOF {
		return localf("cannot mount on %s: %w", dir, err)
	}
	return fuseProblem()
}

// aliveTime is how long a mount may take to say that it lives. One whose
// process is stopped says nothing, and is not dead.
const aliveTime = 2 * time.Second

// isDead tells whether the process that served a mount is gone. The kernel
// answers stat from memory for a while, but never statfs.
func isDead(dir string) bool {
	answer := make(chan error, 1)
	go func() {
		var st unix.Statfs_t
		answer <- unix.Statfs(dir, &st)
	}()
	select {
	case err := <-answer:
		return errors.Is(err, unix.ENOTCONN) || errors.Is(err, unix.ECONNABORTED)
	case <-time.After(aliveTime):
		return false
	}
}

// mountPeers mounts peers on dir.
func mountPeers(dir string, g *peerSet, opt mountOptions) (mounted, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, localf("cannot find the program that .bin runs: %w", err)
	}
	deletion, err := fsview.ParseDeletion(cmp.Or(opt.deletion, deletions[0]))
	if err != nil {
		return nil, localf("cannot mount on %s: %w", dir, err)
	}
	peers := make([]fsview.Peer, len(g.peers))
	for i, t := range g.targets {
		peers[i] = fsview.Peer{Alias: t.alias, Addr: t.addr, Remote: g.peers[i]}
	}
	m, err := fsview.Mount(dir, peers, fsview.Options{
		Local:      g.svc.Self(),
		Program:    program,
		Timeout:    opt.timeout,
		AllowOther: opt.allowOther,
		ReadOnly:   opt.readOnly,
		Delete:     deletion,
		Attrs:      opt.attrs,
	})
	if err != nil {
		err = localf("cannot mount on %s: %w", dir, err)
		if opt.allowOther && os.Geteuid() != 0 {
			err = withHint(err, "--allow-other needs user_allow_other in /etc/fuse.conf")
		}
		return nil, err
	}
	return m, nil
}

// unmountDir ends the mount on dir. It never goes through the mount itself,
// which may have lost its process.
func unmountDir(dir string) error {
	abs, err := absolute(dir)
	if err != nil {
		return localf("cannot unmount %s: %w", dir, err)
	}
	mounts, err := nomfsMounts()
	if err != nil {
		return localf("cannot unmount %s: %w", dir, err)
	}
	if !mounts[abs] {
		return withHint(localf("cannot unmount %s: no nomfs is mounted there", dir), "findmnt -t %s lists the mounts", fuseType)
	}
	if os.Geteuid() == 0 {
		err = unix.Unmount(abs, unix.UMOUNT_NOFOLLOW)
	} else {
		err = fusermount(abs)
	}
	if errors.Is(err, syscall.EBUSY) {
		return withHint(localf("cannot unmount %s: it is in use", dir), busyHint, dir)
	}
	if err != nil {
		return withHint(localf("cannot unmount %s: %w", dir, err), busyHint, dir)
	}
	return nil
}

// busyHint is what to do about a mount that stays. fusermount gives its reason
// in words alone, so it comes with every failure.
const busyHint = "if it is in use, fuser -vm %s lists by whom"

// fusermount unmounts for a user who is not root.
func fusermount(dir string) error {
	program, err := exec.LookPath("fusermount3")
	if err != nil {
		if program, err = exec.LookPath("fusermount"); err != nil {
			return err
		}
	}
	out, err := exec.Command(program, "-u", "--", dir).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}

// mountRoot returns the root of the nomfs mount that holds dir.
func mountRoot(dir string) (string, error) {
	mounts, err := nomfsMounts()
	if err != nil {
		return "", localf("cannot list the mounts: %w", err)
	}
	for root := dir; ; root = filepath.Dir(root) {
		if mounts[root] {
			return root, nil
		}
		if root == filepath.Dir(root) {
			return "", withHint(localf("%s is in no nomfs mount", dir), "cd into the mount first")
		}
	}
}

// nomfsMounts returns the places where a nomfs is mounted.
func nomfsMounts() (map[string]bool, error) {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	mounts := make(map[string]bool)
	for lines := bufio.NewScanner(f); lines.Scan(); {
		// id parent major:minor root MOUNTPOINT options optional… - TYPE …
		before, after, ok := strings.Cut(lines.Text(), " - ")
		fields := strings.Fields(before)
		if !ok || len(fields) < 5 {
			continue
		}
		fstype, _, _ := strings.Cut(after, " ")
		mounts[unescapeMount(fields[4])] = fstype == fuseType // the last one mounted is on top
	}
	return mounts, nil
}

// unescapeMount undoes the kernel's spelling of blanks and backslashes.
func unescapeMount(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}

// absolute returns dir without symbolic links, as the kernel lists it. The last
// component is not looked at: it may be a mount that does not answer.
func absolute(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if target, err := os.Readlink(abs); err == nil {
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(abs), target)
		}
		return absolute(target)
	}
	parent, err := filepath.EvalSymlinks(filepath.Dir(abs))
	if err != nil {
		return "", err
	}
	return filepath.Join(parent, filepath.Base(abs)), nil
}

// mountDetached runs the same command again in a session of its own and waits
// until that process has let go of its output: then the mount is ready, or has
// failed with its own words and status.
func (e *env) mountDetached(name, dir string) error {
	abs, err := absolute(dir)
	if err != nil {
		return localf("cannot mount on %s: %w", dir, err)
	}
	self, err := os.Executable()
	if err != nil {
		return localf("cannot find the program to run: %w", err)
	}
	cmd := exec.Command(self, detachedArgs(e.args[1:], abs)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	ready, err := cmd.StdoutPipe()
	if err != nil {
		return localf("cannot start a process: %w", err)
	}
	words, err := cmd.StderrPipe()
	if err != nil {
		return localf("cannot start a process: %w", err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), endSignals()...)
	defer stop()
	if err := cmd.Start(); err != nil {
		return localf("cannot start a process: %w", err)
	}
	// Until the mount is ready, an interrupt is meant for both.
	leave := context.AfterFunc(ctx, func() { _ = cmd.Process.Signal(syscall.SIGTERM) })
	defer leave()
	relayed := make(chan struct{})
	go func() {
		defer close(relayed)
		_, _ = io.Copy(e.stderr, words)
	}()
	said, _ := io.ReadAll(ready)
	<-relayed
	if len(said) > 0 && ctx.Err() == nil {
		return e.println("mounted", name, "on", dir)
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); errors.As(err, &exit) {
		return statusOf(exit.ProcessState)
	}
	return interruptedOr(ctx, localf("the process that was to serve the mount has ended"))
}

// detachedArgs turns the arguments of mount --detach into those of the process
// that runs the mount: the directory is last.
func detachedArgs(args []string, dir string) []string {
	var out []string
	for i, arg := range args {
		switch {
		case i == len(args)-1:
			out = append(out, dir)
		case strings.HasPrefix(strings.TrimLeft(arg, "-"), "detach") && strings.HasPrefix(arg, "-"):
			out = append(out, "--"+detachedFlag)
		default:
			out = append(out, arg)
		}
	}
	return out
}

// dropTerminal lets go of standard input and output, for which the process
// that started this one waits.
func dropTerminal() error {
	// A process that stays should keep no file system busy. Only now, since
	// paths in the flags were relative to where it was started.
	if err := os.Chdir("/"); err != nil {
		return err
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return localf("cannot let go of the terminal: %w", err)
	}
	defer null.Close()
	for _, std := range []*os.File{os.Stdin, os.Stdout, os.Stderr} {
		if err := unix.Dup3(int(null.Fd()), int(std.Fd()), 0); err != nil {
			return localf("cannot let go of the terminal: %w", err)
		}
	}
	return nil
}
