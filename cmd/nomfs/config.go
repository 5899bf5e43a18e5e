package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"github.com/urfave/cli/v2"

	"nomfs/nomcore"
	"nomfs/nomcore/expose"
)

// defaultConfig is the file that nomfs init writes when none is named.
const defaultConfig = "nomfs.toml"

func insecureFlag() cli.Flag {
	return &cli.BoolFlag{Name: "insecure", Usage: "let FILE run programs, or open peers of this machine, for clients on others", DisableDefaultText: true}
}

func (e *env) checkCommand() *cli.Command {
	return &cli.Command{
		Name: "check", Usage: "check a file for nomfs serve --config", ArgsUsage: "FILE",
		Description: "Prints \"FILE: ok\" and what the file exposes, or every mistake in it, each with line,\n" +
			"column and key (status 2). Nothing is run, and nobody is asked.",
		Action: func(c *cli.Context) error {
			words, err := e.words(c, "FILE")
			if err != nil {
				return err
			}
			cfg, err := loadConfig(words[0])
			if err != nil {
				return e.configErrors(err)
			}
			if err := e.println(fmt.Sprintf("%s: ok: %s", words[0], counted(len(cfg.Names()), "object"))); err != nil {
				return err
			}
			for _, line := range cfg.Summary() {
				if err := e.println("  " + printable(line)); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// counted is a number and what it counts.
func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func (e *env) initCommand() *cli.Command {
	return &cli.Command{
		Name: "init", Usage: "write an example for nomfs serve --config", ArgsUsage: "[FILE]",
		Description: "Writes a commented file that works as it stands, " + defaultConfig + " where none is named.\n" +
			"A file that exists is left alone (status 1).",
		Action: func(c *cli.Context) error {
			words, err := e.words(c, "[FILE]")
			if err != nil {
				return err
			}
			path := strings.Join(words, "")
			switch {
			case len(words) == 0:
				path = defaultConfig
			case path == "":
				return usagef("the name of the file is empty")
			}
			return e.writeExample(path)
		},
	}
}

// exampleMode is that of any text that a person writes.
const exampleMode = 0o666

func (e *env) writeExample(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, exampleMode)
	if errors.Is(err, fs.ErrExist) {
		return withHint(localf("%s exists already", path), "nomfs init FILE writes another one")
	}
	if err != nil {
		return localf("cannot write the example: %w", err)
	}
	_, err = f.WriteString(expose.Example(filepath.Base(path)))
	if err = errors.Join(err, f.Close()); err != nil {
		os.Remove(path)
		return localf("cannot write the example: %w", err)
	}
	return e.println(fmt.Sprintf("wrote %s; nomfs serve --config %s serves it", path, path))
}

// loadConfig reads a file. What is wrong in it is told with the name that the
// user typed.
func loadConfig(path string) (*expose.Config, error) {
	if path == "" {
		return nil, usagef("the name of the file is empty")
	}
	return expose.Load(path)
}

// configErrors prints all mistakes in a file, a line for each, and ends with
// the status of a mistake in what the user wrote.
func (e *env) configErrors(err error) error {
	var first *expose.Error
	if !errors.As(err, &first) {
		return err
	}
	list := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		list = joined.Unwrap()
	}
	for _, one := range list {
		printError(e.stderr, one)
	}
	if len(list) > 1 {
		printHint(e.stderr, fmt.Sprintf("these are all %d mistakes that were found", len(list)))
	}
	return statusError(exitUsage)
}

// configServer is what nomfs serve --config was asked for.
type configServer struct {
	path     string
	addr     string   // "" for the one in the file, or the default
	names    []string // objects besides those of the file
	cfg      *nomcore.Config
	insecure bool
}

// serveConfig serves the objects of a file until the process is told to end. A
// hangup makes it read the file again.
func (e *env) serveConfig(o configServer) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	c, err := loadConfig(o.path)
	if err != nil {
		return e.configErrors(err)
	}
	addr := cmp.Or(o.addr, c.Listen(), defaultListen)
	accept := func(c *expose.Config) error { return refuseRisk(c, addr, o.insecure) }
	if err := accept(c); err != nil {
		return err
	}
	svc, err := listen(addr, o.names, o.cfg)
	if err != nil {
		return err
	}
	defer svc.Close()
	served, end, err := e.expose(svc, c, accept)
	if err != nil {
		return err
	}
	defer end()
	if risk := c.Risk(); risk != "" && !isLoopback(addr) {
		fmt.Fprintf(e.stderr, "nomfs: warning: %s %s for whoever reaches %s\n", c.Path(), risk, addr)
	}
	for _, name := range o.names {
		fmt.Fprintf(e.stderr, "nomfs: exposing %s\n", name)
	}
	fmt.Fprintf(e.stderr, "nomfs: serving %s; Ctrl-C ends it\n", o.path)
	if err := e.println("serving on", svc.Addr()); err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-hangup:
			served.ReloadAndLog()
		}
	}
}

// expose makes a service serve the objects of a file, and says which. Changes of
// the file are applied until end is called.
func (e *env) expose(svc *nomcore.Service, c *expose.Config, accept func(*expose.Config) error) (served *expose.Served, end func(), err error) {
	log := slog.New(slog.NewTextHandler(e.stderr, nil))
	hinted := func(c *expose.Config) error { // in the log nothing follows an error
		err := accept(c)
		for _, hint := range hintsOf(err) {
			err = fmt.Errorf("%w; %s", err, hint)
		}
		return err
	}
	served, err = expose.Serve(svc, c, expose.Options{Log: log, Accept: hinted})
	if err != nil {
		return nil, nil, localf("cannot serve %s: %w", c.Path(), err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var watching sync.WaitGroup
	watching.Go(func() {
		if err := served.Watch(ctx); err != nil {
			log.Warn("changes of the file are applied at a hangup (SIGHUP) only", "err", err)
		}
	})
	for _, line := range c.Summary() {
		fmt.Fprintf(e.stderr, "nomfs: exposing %s\n", printable(line))
	}
	return served, func() {
		stop()
		watching.Wait()
		if err := served.Close(); err != nil {
			log.Error("not everything was closed", "err", err)
		}
	}, nil
}

// refuseRisk refuses to let other machines run programs on this one, or use what
// is for this one alone, unless that is spelled out: whoever reaches the address
// may.
func refuseRisk(c *expose.Config, addr string, insecure bool) error {
	risk := c.Risk()
	if insecure || risk == "" || isLoopback(addr) {
		return nil
	}
	return withHint(usagef("%s %s for whoever reaches %s, and nothing says who may", c.Path(), risk, addr),
		"serve on 127.0.0.1, or add --insecure where that is for everybody in the network")
}

// isLoopback tells whether only this machine reaches an address. A name other
// than localhost may lead anywhere.
func isLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		host = strings.Trim(addr, "[]")
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}
