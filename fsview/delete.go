package fsview

import (
	"fmt"
	"syscall"
)

// A Deletion says what may be deleted through a mount.
type Deletion int

const (
	// DeleteOne lets a name be deleted, but not to those who empty a
	// directory, as rm -r and find -delete do: forgotten mounts get deleted.
	DeleteOne Deletion = iota
	// DeleteNone refuses every deletion, and renaming with it.
	DeleteNone
	// DeleteRecursive lets rm -r delete what it finds.
	DeleteRecursive
)

var deletions = [...]string{DeleteOne: "one", DeleteNone: "none", DeleteRecursive: "recursive"}

// String returns the word for d.
func (d Deletion) String() string {
	if d < 0 || int(d) >= len(deletions) {
		return fmt.Sprintf("Deletion(%d)", int(d))
	}
	return deletions[d]
}

// ParseDeletion returns the Deletion that a word, one, none or recursive,
// stands for.
func ParseDeletion(word string) (Deletion, error) {
	for d, w := range deletions {
		if w == word {
			return Deletion(d), nil
		}
	}
	return 0, fmt.Errorf("want one, none or recursive, got %q", word)
}

// errNoDelete is the answer to any deletion where there is to be none.
var errNoDelete = &opError{syscall.EPERM, "this mount deletes nothing"}
