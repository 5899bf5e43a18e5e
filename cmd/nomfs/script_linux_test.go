package main

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMounts runs what needs real mounts.
func TestMounts(t *testing.T) {
	if err := fuseProblem(); err != nil {
		t.Fatalf("these tests mount: %v", err)
	}
	runScripts(t, "mount")
}

// unmountAll takes away what a script that failed has left mounted, without
// touching what is in it.
func unmountAll(ts *testscript.TestScript) {
	mounts, err := nomfsMounts()
	if err != nil {
		ts.Logf("cannot list the mounts: %v", err)
	}
	for dir, isNomfs := range mounts {
		if isNomfs && strings.HasPrefix(dir, ts.Getenv("WORK")+"/") {
			if out, err := exec.Command("umount", "-l", dir).CombinedOutput(); err != nil {
				ts.Logf("umount -l %s: %v: %s", dir, err, out)
			}
		}
	}
}
