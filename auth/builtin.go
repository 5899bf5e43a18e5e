package auth

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// ErrDenied is wrapped by the refusals of the authenticators of this package.
var ErrDenied = errors.New("access denied")

// Default is the policy of the original: every client is accepted, attributes
// that start with an underscore are denied.
var Default Authenticator = defaultAuth{}

// hidden starts the names of attributes that are nobody else's business.
const hidden = "_"

type defaultAuth struct{}

var _ Authenticator = defaultAuth{}

// Admit accepts everyone.
func (defaultAuth) Admit(context.Context, Identity) error { return nil }

// Allow denies attributes that start with an underscore, and requests that
// have no right.
func (defaultAuth) Allow(_ context.Context, _ Identity, req Request) error {
	if req.Right == RightNone {
		return fmt.Errorf("%w: %s has no right", ErrDenied, req.Op)
	}
	if strings.HasPrefix(req.Attr, hidden) {
		return fmt.Errorf("%w: attribute %q", ErrDenied, req.Attr)
	}
	return nil
}
