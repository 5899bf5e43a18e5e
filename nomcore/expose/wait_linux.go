package expose

import (
	"os/exec"

	"golang.org/x/sys/unix"
)

// waitGroup waits until a program has ended, and ends what it leaves in its
// process group. That happens before its status is taken: until then its
// process id, and so that of the group, belongs to nobody else. settle is called
// in between.
func waitGroup(cmd *exec.Cmd, settle func()) error {
	for unix.Waitid(unix.P_PID, cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil) == unix.EINTR {
	}
	settle()
	killGroup(cmd)
	return cmd.Wait()
}
