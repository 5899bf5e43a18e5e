package codec

import (
	"errors"
	"fmt"
)

// ErrListTruncated: a listing ended at a bound before its own end. What was listed
// until then comes with the error, and is right.
var ErrListTruncated = errors.New("listing truncated")

// A TruncatedError is an ErrListTruncated that tells where the listing ended.
type TruncatedError struct {
	Entries int // listed
	Bytes   int // of them, as far as they were counted
}

// Error tells how much was listed.
func (e *TruncatedError) Error() string {
	return fmt.Sprintf("%v after %d entries and %d bytes", ErrListTruncated, e.Entries, e.Bytes)
}

// Is makes the error an ErrListTruncated to errors.Is.
func (e *TruncatedError) Is(target error) bool { return target == ErrListTruncated }
