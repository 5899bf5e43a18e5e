package main

import (
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	// errorAttr is the extended attribute of a call file that holds the last
	// error of the process that asks.
	errorAttr = "user.nom.error"
	// maxAttr is the largest value of an extended attribute in bytes, as the
	// kernel has it.
	maxAttr = 64 << 10
)

// callError returns what went wrong in the last call that this process made
// through an open call file, "" where nothing is known. The descriptor is asked,
// since the path is not found any more once the peer is down.
func callError(f *os.File) string {
	buf := make([]byte, maxAttr)
	n, err := unix.Fgetxattr(int(f.Fd()), errorAttr, buf)
	if err != nil {
		n = 0
		if text, err := os.ReadFile(strings.TrimSuffix(f.Name(), "/call") + ".err"); err == nil {
			n = copy(buf, text)
		}
	}
	return strings.TrimSuffix(string(buf[:n]), "\n")
}

// flush closes a copy of the descriptor. The file stays open.
func flush(f *os.File) error {
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return err
	}
	return unix.Close(fd)
}

// errnoName is the name of an error number, EINVAL.
func errnoName(errno syscall.Errno) string { return unix.ErrnoName(errno) }
