package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"

	"github.com/urfave/cli/v2"

	"nomfs/auth"
	"nomfs/nomcore"
)

// target is a peer as the command line names it: checked, not yet asked.
type target struct {
	name   string // as it was typed
	alias  string // its directory in a mount of several, "" for none
	addr   string // host:port
	config nomcore.Config
}

// targetOf checks the peer's address and the flags that concern it.
func (e *env) targetOf(c *cli.Context, peer string) (*target, error) {
	addr, err := peerAddr(peer)
	if err != nil {
		return nil, err
	}
	t := &target{name: peer, addr: addr}
	if t.config.Timeout, err = timeoutOf(c); err != nil {
		return nil, err
	}
	if t.config.Plain, err = plainPrefixes(c); err != nil {
		return nil, err
	}
	if t.config.Trace, err = e.traceOf(c); err != nil {
		return nil, err
	}
	// Nothing is registered with a client; what it passes as an argument is
	// screened as the original does.
	t.config.Authenticator = auth.Default
	return t, nil
}

// dial connects to the peer, which the caller closes.
func (t *target) dial(ctx context.Context) (*nomcore.Peer, error) {
	// Finding the address of a name counts, too.
	ctx, cancel := context.WithTimeout(ctx, t.config.Timeout)
	defer cancel()
	peer, err := nomcore.Dial(ctx, t.addr, &t.config)
	if err != nil {
		return nil, t.explain(err)
	}
	return peer, nil
}

// explain adds to an error of the network what can be done about it.
func (t *target) explain(err error) error {
	switch {
	case errors.Is(err, nomcore.ErrPlainRefused):
		return withHint(fmt.Errorf("cannot talk to %s: %w", t.addr, err),
			"plain NOM is not protected; allow it where the network is trusted, for example with --plain %s", t.networkHint())
	case errors.Is(err, syscall.ECONNREFUSED):
		return withHint(err, "is the peer running? nomfs serve starts one")
	case is[*net.DNSError](err):
		return withHint(err, "is %s the right name?", t.name)
	case exitCode(err) == exitUnreachable:
		return withHint(err, "is the peer running, and is --timeout %v enough?", t.config.Timeout)
	}
	return err
}

// networkHint is a network that holds the peer, as --plain wants it.
func (t *target) networkHint() string {
	if ap, err := netip.ParseAddrPort(t.addr); err == nil {
		return netip.PrefixFrom(ap.Addr(), ap.Addr().BitLen()).String()
	}
	return "10.0.0.0/8"
}

// withPeer runs do with a connection to the peer, until it ends or is
// interrupted.
func (t *target) withPeer(do func(ctx context.Context, peer *nomcore.Peer) error) error {
	ctx, stop := interruptible()
	defer stop()
	peer, err := t.dial(ctx)
	if err != nil {
		return interruptedOr(ctx, err)
	}
	defer peer.Close()
	return interruptedOr(ctx, t.explain(do(ctx, peer)))
}

// interruptedOr returns err, unless the reason for it is an interrupt.
func interruptedOr(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return interruptedError{}
	}
	return err
}

// interruptedError is what ends a command that was interrupted.
type interruptedError struct{}

func (interruptedError) Error() string { return "interrupted" }
func (interruptedError) Unwrap() error { return context.Canceled }
