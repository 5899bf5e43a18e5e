//go:build !linux

package expose

import "os/exec"

// waitGroup waits until a program has ended, and ends what it leaves in its
// process group, where there is such a thing. That it waits for its output gives
// it the time that settle would.
func waitGroup(cmd *exec.Cmd, _ func()) error {
	err := cmd.Wait()
	killGroup(cmd)
	return err
}
