package auth

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// ErrDenied is the kind of all refusals by the authenticators of this package.
var ErrDenied = errors.New("access denied")

// Default is the policy of the original: it admits every client and denies
// attributes that start with an underscore.
var Default Authenticator = defaultAuth{}

// hidden is the first character of the names that Default denies.
const hidden = "_"

type defaultAuth struct{}

var _ Authenticator = defaultAuth{}

// Admit accepts everyone.
func (defaultAuth) Admit(context.Context, Identity) error { return nil }

// Allow denies attributes that start with an underscore and requests without a
// right.
func (defaultAuth) Allow(_ context.Context, _ Identity, req Request) error {
	if req.Right == RightNone {
		return fmt.Errorf("%w: %s has no right", ErrDenied, req.Op)
	}
	if strings.HasPrefix(req.Attr, hidden) {
		return fmt.Errorf("%w: attribute %q", ErrDenied, req.Attr)
	}
	return nil
}
