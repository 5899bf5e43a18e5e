package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"

	"nomfs/auth"
	"nomfs/nomcore"
	"nomfs/nomcore/expose/demo"
	"nomfs/nomcore/expose/host"
)

// defaultListen is reachable from this machine alone.
var defaultListen = fmt.Sprintf("127.0.0.1:%d", nomcore.DefaultPort)

// liveObjects are the objects that can be served, by name.
var liveObjects = map[string]func() any{
	"host": func() any { return host.New() },
	"demo": func() any { return demo.New() },
}

func (e *env) serveCommand() *cli.Command {
	return &cli.Command{
		Name: "serve", Usage: "serve live objects to other peers",
		Description: "Prints \"serving on ADDR\" when it is ready, and serves until it is interrupted,\n" +
			"which is its normal end (status 0). host is this machine; demo has something of\n" +
			"everything. With --config it serves what FILE says instead: nomfs init writes an\n" +
			"example, nomfs check looks for mistakes, and a change of FILE is applied at once,\n" +
			"or at a SIGHUP. An address beyond loopback needs --plain: clients from those\n" +
			"networks are served, without any protection.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "config", Usage: "serve the objects of `FILE`"},
			&cli.StringFlag{Name: "listen", Usage: "serve on `ADDR`, host:port; port 0 is any free one (default: what FILE says, or " + defaultListen + ")"},
			&cli.StringSliceFlag{Name: "object", Usage: "serve the object `NAME`, host or demo; can be repeated (default: both, with --config none)"},
			insecureFlag(),
			plainFlag(), traceFlag(),
		},
		Action: func(c *cli.Context) error {
			if _, err := e.words(c); err != nil {
				return err
			}
			names, err := objectNames(c.StringSlice("object"), c.IsSet("config"))
			if err != nil {
				return err
			}
			addr := c.String("listen")
			if c.IsSet("listen") {
				if err := checkListen(addr); err != nil {
					return err
				}
			}
			cfg := nomcore.Config{Authenticator: auth.Default}
			if cfg.Plain, err = plainPrefixes(c); err != nil {
				return err
			}
			if cfg.Trace, err = e.traceOf(c); err != nil {
				return err
			}
			if c.IsSet("config") {
				return e.serveConfig(configServer{c.String("config"), addr, names, &cfg, c.Bool("insecure")})
			}
			return e.serve(cmp.Or(addr, defaultListen), names, &cfg)
		},
	}
}

// objectNames checks the names of --object, sorts them and leaves each once.
// None means all, unless there is a file that says what to serve.
func objectNames(names []string, config bool) ([]string, error) {
	all := slices.Sorted(maps.Keys(liveObjects))
	if len(names) == 0 && !config {
		return all, nil
	}
	for _, name := range names {
		if liveObjects[name] == nil {
			return nil, withHint(usagef("there is no object %q to serve", name), "--object takes %s", strings.Join(all, " or "))
		}
	}
	return slices.Compact(slices.Sorted(slices.Values(names))), nil
}

// serve serves until the process is told to end.
func (e *env) serve(addr string, names []string, cfg *nomcore.Config) error {
	ctx, stop := signal.NotifyContext(context.Background(), endSignals()...)
	defer stop()
	svc, err := listen(addr, names, cfg)
	if err != nil {
		return err
	}
	defer svc.Close()
	fmt.Fprintf(e.stderr, "nomfs: serving %s; Ctrl-C ends it\n", strings.Join(names, " and "))
	if err := e.println("serving on", svc.Addr()); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// listen starts a service that has the named objects.
func listen(addr string, names []string, cfg *nomcore.Config) (*nomcore.Service, error) {
	if err := checkListen(addr); err != nil {
		return nil, err
	}
	svc, err := nomcore.Listen(addr, cfg)
	switch {
	case errors.Is(err, nomcore.ErrPlainRefused):
		return nil, withHint(&usageError{err}, "beyond loopback, say who may use plain NOM, which nothing protects: --plain 10.0.0.0/8")
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, withHint(localf("cannot serve on %s: the address is in use", addr), "another nomfs may be running; --listen 127.0.0.1:0 takes any free port")
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, withHint(localf("cannot serve on %s: this machine has no such address", addr), "--listen takes an address of this machine")
	case err != nil:
		return nil, localf("cannot serve on %s: %w", addr, err)
	}
	for _, name := range names {
		if err := svc.Register(name, liveObjects[name]()); err != nil {
			svc.Close()
			return nil, err
		}
	}
	return svc, nil
}

// checkListen refuses what cannot be an address to listen on.
func checkListen(addr string) error {
	bad := func(why string) error {
		return withHint(usagef("cannot serve on %q: %s", addr, why), "--listen takes host:port, for example %s", defaultListen)
	}
	if addr == "" {
		return bad("it is empty")
	}
	if !strings.Contains(addr, ":") {
		return nil
	}
	_, port, err := net.SplitHostPort(addr)
	if err != nil && !strings.Contains(addr, "::") {
		return bad("it is no host:port")
	}
	if err == nil && !isPort(port) {
		return bad("the port must be between 0 and 65535")
	}
	return nil
}
