//go:build !linux

package main

import (
	"os"
	"runtime"
	"syscall"
)

// errNoMount is the answer of everything that needs a mount.
var errNoMount = withHint(localf("mounting needs Linux; this is %s", runtime.GOOS),
	"nomfs ls, get, set and call work without a mount")

func fuseProblem() error                                         { return errNoMount }
func checkMountPoint(string) error                               { return errNoMount }
func mountPeers(string, *peerSet, mountOptions) (mounted, error) { return nil, errNoMount }
func unmountDir(string) error                                    { return errNoMount }
func mountRoot(string) (string, error)                           { return "", errNoMount }
func dropTerminal() error                                        { return errNoMount }
func (e *env) mountDetached(string, string) error                { return errNoMount }
func (e *env) runInside(string, string) error                    { return errNoMount }
func isTerminal(*os.File) bool                                   { return false }
func flush(*os.File) error                                       { return errNoMount }
func callError(*os.File) string                                  { return "" }
func errnoName(errno syscall.Errno) string                       { return errno.Error() }
