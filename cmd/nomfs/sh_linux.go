package main

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// endGrace is how long what runs inside may take to end when it is told to.
// The mount goes away then, whatever still uses it.
const endGrace = 2 * time.Second

// signalBase is added to the number of a signal in the status of a process
// that it ended.
const signalBase = 128

// isTerminal tells whether f is a terminal.
func isTerminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

// enter changes the directory and becomes what follows. The change happens in
// the new program: a process that serves a mount must not enter it between
// fork and exec, while its own threads may stand still.
const enter = `cd "$1" || exit; shift; exec "$@"`

// runInside runs a command, or a shell, in dir, and returns its status.
func (e *env) runInside(dir, command string) error {
	args := []string{"-c", enter, "nomfs", dir}
	if command != "" {
		args = append(args, "/bin/sh", "-c", command)
	} else if shell := os.Getenv("SHELL"); shell != "" {
		args = append(args, shell)
	} else {
		args = append(args, "/bin/sh")
	}
	cmd := exec.Command("/bin/sh", args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = e.stdin, e.stdout, e.stderr

	// A person's interrupt goes from the terminal to what runs inside as well,
	// which knows what to do with it; any other signal comes to us alone.
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, endSignals()...)
	defer signal.Stop(signals)
	if err := cmd.Start(); err != nil {
		return localf("cannot run a shell: %w", err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	var grace <-chan time.Time
	var last os.Signal
	for {
		select {
		case last = <-signals:
			if last == os.Interrupt && isTerminalFile(e.stdin) {
				continue
			}
			// It may have ended just now, which is no error.
			_ = cmd.Process.Signal(last)
			if command == "" {
				_ = cmd.Process.Signal(syscall.SIGHUP) // interactive shells ignore the others
			}
			grace = time.After(endGrace)
		case <-grace:
			return statusError(signalBase + int(last.(syscall.Signal)))
		case err := <-done:
			var exit *exec.ExitError
			if errors.As(err, &exit) {
				return statusOf(exit.ProcessState)
			}
			if err != nil {
				return localf("cannot run a shell: %w", err)
			}
			return nil
		}
	}
}

// statusOf returns the status of a process as a shell would: 128 + n for one
// that signal n ended. nil stands for 0.
func statusOf(state *os.ProcessState) error {
	code := state.ExitCode()
	if ws, ok := state.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		code = signalBase + int(ws.Signal())
	}
	if code == 0 {
		return nil
	}
	return statusError(code)
}
