//go:build linux

package fsview

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// Why a wait ended before its answer came.
var (
	errInterrupted = errors.New("interrupted")
	errUnmounted   = errors.New("unmounted")
	errDropped     = errors.New("this peer was taken out of the mount")
)

const (
	// signalPoll is how often a waiting operation looks for the signal that
	// the kernel announced. The kernel announces only once for each request,
	// and what it announces may be a signal that the program ignores.
	signalPoll = 50 * time.Millisecond
	// exitPoll is how often a wait that cannot be interrupted looks whether
	// its caller is exiting.
	exitPoll = 50 * time.Millisecond
	// pfExiting is the flag of a task that is on its way out, in the flags of
	// /proc/PID/stat.
	pfExiting = 0x4
)

// harmlessSignals never end a wait: programs get them all the time without
// anyone wishing to stop anything.
var harmlessSignals = sigMask(unix.SIGCHLD, unix.SIGCONT, unix.SIGURG, unix.SIGWINCH, unix.SIGIO, unix.SIGPROF, unix.SIGVTALRM)

// stopSignals are how people ask a program to stop.
var stopSignals = sigMask(unix.SIGINT, unix.SIGQUIT, unix.SIGTERM, unix.SIGHUP, unix.SIGKILL)

func sigMask(sigs ...unix.Signal) uint64 {
	var m uint64
	for _, s := range sigs {
		m |= 1 << (uint(s) - 1)
	}
	return m
}

// A caller is the process behind a request. Its pid is a thread's, or 0 where
// the process lives in another pid namespace.
type caller struct{ pid, uid uint32 }

func callerOf(ctx context.Context) caller {
	if c, ok := fuse.FromContext(ctx); ok {
		return caller{pid: c.Pid, uid: c.Uid}
	}
	return caller{}
}

// session names the login session of the caller: what it called and what went
// wrong belong to it alone. A caller that cannot be seen shares one session
// with its user.
func (c caller) session() string {
	if c.pid != 0 {
		if sid, err := unix.Getsid(int(c.pid)); err == nil {
			return "sid " + strconv.Itoa(sid)
		}
	}
	return "uid " + strconv.Itoa(int(c.uid))
}

// maxProc bounds how much of a file below /proc/PID is read, in bytes. Of those
// that can be longer, command lines, the beginning is enough.
const maxProc = 16 << 10

// proc returns what a file below /proc/PID says of the caller, see proc(5); not
// ok where the caller is gone or cannot be seen.
func (c caller) proc(name string) (text []byte, ok bool) {
	if c.pid == 0 {
		return nil, false
	}
	f, err := os.Open(fmt.Sprintf("/proc/%d/%s", c.pid, name))
	if err != nil {
		return nil, false
	}
	defer f.Close()
	text, err = io.ReadAll(io.LimitReader(f, maxProc))
	return text, err == nil
}

// process returns the id of the process that the thread belongs to, or 0.
func (c caller) process() int {
	status, ok := c.proc("status")
	if !ok {
		return 0
	}
	n, _ := strconv.Atoi(statusField(status, "Tgid"))
	return n
}

// sameProcess tells whether two threads are of one process.
func (c caller) sameProcess(other caller) bool {
	if c.pid == other.pid {
		return true
	}
	process := c.process()
	return process != 0 && process == other.process()
}

// bystander tells whether the caller closes a copy of a descriptor that somebody
// else still writes through: writer is the process that wrote last, 0 for
// unknown. The writer's own flush is yet to come.
func (c caller) bystander(writer int) bool {
	if writer == 0 {
		return false
	}
	process := c.process()
	return process != 0 && process != writer && unix.Kill(writer, 0) != unix.ESRCH
}

// cwd returns where the caller stands, "" where that cannot be told.
func (c caller) cwd() string {
	if c.pid == 0 {
		return ""
	}
	dir, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", c.pid))
	if err != nil {
		return ""
	}
	return dir
}

// exiting tells whether the caller is on its way out. Nothing can end its
// waits, so nobody may make it wait.
func (c caller) exiting() bool {
	if c.pid == 0 {
		return false
	}
	stat, ok := c.proc("stat")
	if !ok {
		return true
	}
	// The name in parentheses may hold spaces: count from its end. The flags
	// are the ninth field, the seventh after the name.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	const flagsField = 6
	if len(fields) <= flagsField {
		return true
	}
	flags, err := strconv.ParseUint(string(fields[flagsField]), 10, 64)
	return err == nil && flags&pfExiting != 0
}

// pending is what signals wait for the caller's thread.
type pending struct {
	any  bool // one that ends a wait
	stop bool // one by which someone asks to stop
	kill bool // one that will end the process
}

// signals looks for pending signals that are neither blocked nor ignored nor
// harmless.
func (c caller) signals() pending {
	status, ok := c.proc("status")
	if !ok {
		return pending{any: true, stop: true, kill: true} // gone, or cannot be asked: believe the kernel
	}
	mask := func(name string) uint64 {
		n, _ := strconv.ParseUint(statusField(status, name), 16, 64)
		return n
	}
	sigs := (mask("SigPnd") | mask("ShdPnd")) &^ mask("SigBlk") &^ mask("SigIgn") &^ harmlessSignals
	return pending{any: sigs != 0, stop: sigs&stopSignals != 0, kill: sigs&^mask("SigCgt") != 0}
}

func statusField(status []byte, name string) string {
	for line := range strings.Lines(string(status)) {
		if v, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// watchSignals calls f once a signal that counts is pending for the caller of
// the request ctx. Stop ends the watching.
func watchSignals(ctx context.Context, f func(pending)) (stop func() bool) {
	done := make(chan struct{})
	c := callerOf(ctx)
	cancel := context.AfterFunc(ctx, func() {
		tick := time.NewTicker(signalPoll)
		defer tick.Stop()
		for {
			if p := c.signals(); p.any {
				f(p)
				return
			}
			select {
			case <-done:
				return
			case <-tick.C:
			}
		}
	})
	return func() bool {
		close(done)
		return cancel()
	}
}
