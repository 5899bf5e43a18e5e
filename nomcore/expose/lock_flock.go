//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

package expose

import (
	"errors"
	"os"
	"syscall"
)

// tryLock locks an open file if no other process has.
func tryLock(f *os.File) (locked bool, err error) {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return true, nil
		case errors.Is(err, syscall.EWOULDBLOCK):
			return false, nil
		case !errors.Is(err, syscall.EINTR):
			return false, err
		}
	}
}
