//go:build unix && !linux

package main

import "github.com/rogpeppe/go-internal/testscript"

// unmountAll has nothing to do where nothing can be mounted.
func unmountAll(*testscript.TestScript) {}
