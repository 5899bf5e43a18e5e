//go:build linux

package fsview

import (
	"strings"
	"testing"
)

func TestIsRemoveMany(t *testing.T) {
	for _, tt := range []struct {
		words string
		want  bool
	}{
		{"rm -rf a b", true},
		{"/bin/rm a b -R", true},
		{"rm --recursive a b", true},
		{"rm --recur --force a b", true},
		{"busybox rm -r a b", true},
		{"rm -f a b", false},
		{"rm -rf a", false},
		{"rm -r -- a", false},
		{"rm -- -r a", false},
		{"rm - a -r", true},
		{"rm", false},
		{"", false},
		{"rmdir a b", false},
		{"busybox", false},
		{"mv -r a b", false},
	} {
		if got := isRemoveMany(strings.Fields(tt.words)); got != tt.want {
			t.Errorf("%q: %v, want %v", tt.words, got, tt.want)
		}
	}
}
