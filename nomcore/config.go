package nomcore

import (
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"time"

	"nomfs/auth"
)

// Config says how a Service behaves. Only Authenticator is required.
type Config struct {
	// Authenticator screens every client and every access. nil is an error:
	// it would mean either everyone or nobody.
	Authenticator auth.Authenticator
	// Plain lists the networks that plain NOM, which is neither encrypted nor
	// authenticated, may come from and go to. nil means loopback only.
	Plain []netip.Prefix
	// Timeout bounds every operation whose context has no deadline.
	// 0 means 5 s.
	Timeout time.Duration
	// Log receives what an operator wants to know. nil discards it.
	Log *slog.Logger
	// Trace receives a line for every packet that is sent or received.
	// nil means none.
	Trace io.Writer
	// NoExtensions makes the service speak exactly as the original does.
	NoExtensions bool
}

// Loopback is where plain NOM goes by default.
func Loopback() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("127.0.0.0/8"),
		netip.MustParsePrefix("::1/128"),
	}
}

// withDefaults returns a checked copy of c.
func (c *Config) withDefaults() (Config, error) {
	var out Config
	if c != nil {
		out = *c
	}
	if out.Authenticator == nil {
		return out, ErrNoAuthenticator
	}
	if out.Timeout < 0 {
		return out, fmt.Errorf("nomcore: timeout %v is negative", out.Timeout)
	}
	if out.Timeout == 0 {
		out.Timeout = defaultTimeout
	}
	if out.Plain == nil {
		out.Plain = Loopback()
	}
	if out.Log == nil {
		out.Log = slog.New(slog.DiscardHandler)
	}
	return out, nil
}

// plainAllowed reports whether plain NOM may be exchanged with a.
func plainAllowed(nets []netip.Prefix, a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	for _, p := range nets {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// mayListen reports whether a service may be reachable at a.
func mayListen(nets []netip.Prefix, a netip.Addr) bool {
	if !a.IsUnspecified() {
		return plainAllowed(nets, a)
	}
	for _, p := range nets {
		if !p.Addr().IsLoopback() {
			return true
		}
	}
	return false
}
