//go:build !(darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd)

package expose

import (
	"errors"
	"os"
)

// tryLock says that files cannot be locked.
func tryLock(*os.File) (bool, error) { return false, errors.ErrUnsupported }
