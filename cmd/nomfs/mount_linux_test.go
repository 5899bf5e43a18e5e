package main

import (
	"slices"
	"strings"
	"testing"
)

func TestDetachedArgs(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"mount --detach peer dir", "mount --detached peer /abs"},
		{"mount -detach=true --plain 10.0.0.0/8 peer dir", "mount --detached --plain 10.0.0.0/8 peer /abs"},
		{"mount --timeout 1s --detach --ro peer dir", "mount --timeout 1s --detached --ro peer /abs"},
		{"mount --detach -- peer dir", "mount --detached -- peer /abs"},
		{"mount --detach detach dir", "mount --detached detach /abs"},
	} {
		if got := detachedArgs(strings.Fields(tt.in), "/abs"); !slices.Equal(got, strings.Fields(tt.want)) {
			t.Errorf("%s becomes %q, want %q", tt.in, got, tt.want)
		}
	}
}
