package codec

import "errors"

// ErrPartial: a listing was not collected to its end, since it has more entries
// or takes more bytes than its reader wants to hold. What was collected is
// returned together with this error.
var ErrPartial = errors.New("the listing is truncated")
