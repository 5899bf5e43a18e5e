//go:build unix

package expose

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"syscall"
)

// keepOwner gives a new file the owner of the old one, where that is another.
func keepOwner(f *os.File, old fs.FileInfo) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	was, ok1 := old.Sys().(*syscall.Stat_t)
	is, ok2 := info.Sys().(*syscall.Stat_t)
	if !ok1 || !ok2 || was.Uid == is.Uid && was.Gid == is.Gid {
		return nil
	}
	return f.Chown(int(was.Uid), int(was.Gid))
}

// alive tells whether there is a process with that id.
func alive(pid int) bool { return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

// writable tells whether files can be made in a directory.
func writable(dir string) bool {
	const writing = 2 // W_OK
	return syscall.Access(dir, writing) == nil
}

// notSynced tells whether a file system does not synchronize directories.
func notSynced(err error) bool { return errors.Is(err, syscall.EINVAL) }

// ownGroup puts a program into a process group of its own.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// askGroup asks a program and what it has started to end.
func askGroup(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }

// killGroup ends them.
func killGroup(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }

// statusOf returns the exit status of a program, or the negative number of the
// signal that ended it.
func statusOf(state *os.ProcessState) int {
	if ws, ok := state.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return -int(ws.Signal())
	}
	return state.ExitCode()
}
