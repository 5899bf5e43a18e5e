package main

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"nomfs/nomcore"
)

// defaultTimeout is how long one operation waits for its answer: long enough
// for a few lost datagrams, short enough for a person.
const defaultTimeout = 5 * time.Second

func plainFlag() cli.Flag {
	return &cli.StringSliceFlag{
		Name:  "plain",
		Usage: "plain NOM, which nothing protects, may go to and come from `CIDR`; can be repeated (default: loopback only)",
	}
}

func timeoutFlag() cli.Flag {
	return &cli.DurationFlag{
		Name:        "timeout",
		Usage:       "wait `DURATION` for the answer to one operation",
		Value:       defaultTimeout,
		DefaultText: "5s",
	}
}

// plainPrefixes returns what --plain allows, nil for the default.
func plainPrefixes(c *cli.Context) ([]netip.Prefix, error) {
	var list []netip.Prefix
	for _, s := range c.StringSlice("plain") {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			addr, addrErr := netip.ParseAddr(s)
			if addrErr != nil {
				return nil, withHint(usagef("--plain wants addresses, not %q", s), "for example --plain 10.0.0.0/8")
			}
			p = netip.PrefixFrom(addr, addr.BitLen())
		}
		list = append(list, p)
	}
	return list, nil
}

// timeoutOf returns --timeout, which must be positive.
func timeoutOf(c *cli.Context) (time.Duration, error) {
	d := c.Duration("timeout")
	if d <= 0 {
		return 0, withHint(usagef("--timeout wants a positive duration, not %s", d), "for example --timeout 2s")
	}
	return d, nil
}

// words returns the arguments, of which there must be as many as names; a
// name in brackets may be missing. Anything that looks like a flag is refused:
// after an argument it would not be read as one.
func (e *env) words(c *cli.Context, names ...string) ([]string, error) {
	got := c.Args().Slice()
	need := 0
	for _, name := range names {
		if !strings.HasPrefix(name, "[") {
			need++
		}
	}
	synopsis := strings.TrimSpace("nomfs " + c.Command.Name + " [flags] " + strings.Join(names, " "))
	if err := e.refuseFlags(c, got, synopsis); err != nil {
		return nil, err
	}
	if len(got) < need {
		return nil, withHint(usagef("%s is missing", names[len(got)]), "usage: %s", synopsis)
	}
	if len(got) > len(names) {
		return nil, withHint(usagef("too many arguments: %q", got[len(names)]), "usage: %s", synopsis)
	}
	return got, nil
}

// wordsAndRest is words for commands whose further arguments are taken as they
// are, whatever they look like.
func (e *env) wordsAndRest(c *cli.Context, rest string, names ...string) (words, more []string, err error) {
	got := c.Args().Slice()
	synopsis := "nomfs " + c.Command.Name + " [flags] " + strings.Join(names, " ") + " " + rest
	if err := e.refuseFlags(c, got[:min(len(got), len(names))], synopsis); err != nil {
		return nil, nil, err
	}
	if len(got) < len(names) {
		return nil, nil, withHint(usagef("%s is missing", names[len(got)]), "usage: %s", synopsis)
	}
	return got[:len(names)], got[len(names):], nil
}

// refuseFlags refuses words that look like flags, unless `--` came before
// them.
func (e *env) refuseFlags(c *cli.Context, words []string, synopsis string) error {
	if e.endOfFlags(c) {
		return nil
	}
	for _, w := range words {
		if len(w) > 1 && w[0] == '-' {
			name, _, _ := strings.Cut(strings.TrimLeft(w, "-"), "=")
			if hasFlag(c, name) {
				return withHint(usagef("the flag %s comes too late", w), "flags go before the arguments: %s", synopsis)
			}
			return withHint(usagef("%q looks like a flag", w),
				"flags go before the arguments, and -- before the first argument ends them: %s",
				strings.Replace(synopsis, "[flags]", "--", 1))
		}
	}
	return nil
}

// endOfFlags tells whether the flags were ended by `--`, which the flag
// parser swallows: then the arguments are the words after it.
func (e *env) endOfFlags(c *cli.Context) bool {
	at := len(e.args) - c.NArg() - 1
	return at >= 0 && e.args[at] == "--"
}

func hasFlag(c *cli.Context, name string) bool {
	for _, f := range c.Command.Flags {
		for _, n := range f.Names() {
			if n == name {
				return true
			}
		}
	}
	return false
}

// peerAddr checks a peer's address, host[:port], without asking anyone, and
// returns it with its port.
func peerAddr(s string) (string, error) {
	bad := func(why string) error {
		return withHint(usagef("%q is no address of a peer: %s", s, why), "host or host:port, for example 127.0.0.1:%d", nomcore.DefaultPort)
	}
	if s == "" {
		return "", bad("it is empty")
	}
	if addr, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return netip.AddrPortFrom(addr, nomcore.DefaultPort).String(), nil
	}
	if !strings.Contains(s, ":") {
		s += fmt.Sprintf(":%d", nomcore.DefaultPort)
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil || host == "" {
		return "", bad("the host is missing")
	}
	if strings.ContainsAny(host, "/ \t\n") {
		return "", bad("a host has no such characters")
	}
	if port == "0" || !isPort(port) {
		return "", bad("the port must be between 1 and 65535")
	}
	return s, nil
}

func isPort(s string) bool {
	_, err := strconv.ParseUint(s, 10, 16)
	return err == nil
}
