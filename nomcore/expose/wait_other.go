//go:build !linux

package expose

import "os/exec"

// waitGroup waits until a program has ended, and ends what it leaves in its
// process group, where there is such a thing.
func waitGroup(cmd *exec.Cmd) error {
	err := cmd.Wait()
	killGroup(cmd)
	return err
}
