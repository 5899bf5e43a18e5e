//go:build linux

package fsview

import (
	"bytes"
	"path"
	"strings"
)

// Some tools do in two steps what cannot be told from something else by either:
// there the program itself is looked at.

// program returns the name of the caller's program, "" where it cannot be told.
func (c caller) program() string {
	comm, _ := c.proc("comm")
	return strings.TrimSpace(string(comm))
}

// replacers are programs that delete a file only to write it anew.
var replacers = map[string]bool{"mv": true, "cp": true, "install": true, "tar": true, "bsdtar": true, "cpio": true, "git": true}

// replaces tells whether the caller is such a program. It decides about no more
// than the moment between the two: what cannot be deleted comes back by itself.
func (c caller) replaces() bool {
	return replacers[c.program()]
}

// removesMany tells whether the caller is rm -r of more than one name.
func (c caller) removesMany() bool {
	line, ok := c.proc("cmdline")
	return ok && isRemoveMany(strings.Split(string(line), "\x00"))
}

// isRemoveMany tells whether words are the command rm, options that make it
// recursive, and more than one name.
func isRemoveMany(words []string) bool {
	for len(words) > 0 && path.Base(words[0]) != "rm" { // busybox rm
		if path.Base(words[0]) != "busybox" {
			return false
		}
		words = words[1:]
	}
	if len(words) == 0 {
		return false
	}
	recursive, names, options := false, 0, true
	for _, w := range words[1:] {
		switch {
		case w == "":
		case options && w == "--":
			options = false
		case options && strings.HasPrefix(w, "--"):
			recursive = recursive || strings.HasPrefix("--recursive", w)
		case options && len(w) > 1 && w[0] == '-':
			recursive = recursive || strings.ContainsAny(w, "rR")
		default:
			names++
		}
	}
	return recursive && names > 1
}

// inventors are programs that make names of two letters and six random ones, for
// files that they rename at once, and the two letters.
var inventors = map[string]string{"ln": "Cu", "perl": "XX"}

// invented tells whether the caller made up a name that looks like a word, as one
// in two hundred of those names does: it was not told that name.
func (c caller) invented(name string) bool {
	if !isWordLike(name) || inventors[c.program()] != name[:2] {
		return false
	}
	args, _ := c.proc("cmdline")
	return 0 < len(args) && len(args) < maxProc && !bytes.Contains(args, []byte(name))
}
