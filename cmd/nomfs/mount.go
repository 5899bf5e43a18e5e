package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"nomfs/nomcore"
	"nomfs/nomcore/expose"
)

// mounted is a mount that this process serves. This process must not touch
// the files in it: it would wait for itself.
type mounted interface {
	Unmount() error
	Wait()
}

// mountOptions are the flags of mount.
type mountOptions struct {
	attrs      map[string][]string // by path of the object in the mount
	timeout    time.Duration
	allowOther bool
	readOnly   bool
	config     string // what .local exposes, "" for nothing
	insecure   bool   // even programs, to everyone
	deletion   string // one of deletions, "" for the default
}

// deletions are the values of --delete, the default first.
var deletions = []string{"one", "none", "recursive"}

func deleteFlag() cli.Flag {
	return &cli.StringFlag{
		Name:        "delete",
		Usage:       "`WHAT` rm and rmdir may delete: one name at a time, none, or recursive, what rm -r finds",
		Value:       deletions[0],
		DefaultText: deletions[0],
	}
}

// checkDeletion checks --delete.
func checkDeletion(c *cli.Context) error {
	if word := c.String("delete"); !slices.Contains(deletions, word) {
		return usagef("--delete wants one of %s, not %q", strings.Join(deletions, ", "), word)
	}
	return nil
}

func allowOtherFlag() cli.Flag {
	return &cli.BoolFlag{Name: "allow-other", Usage: "let other users of this machine use the mount", DisableDefaultText: true}
}

func readOnlyFlag() cli.Flag {
	return &cli.BoolFlag{Name: "ro", Usage: "refuse everything that could change the peer, calls included", DisableDefaultText: true}
}

func (e *env) mountCommand() *cli.Command {
	return &cli.Command{
		Name: "mount", Usage: "mount the objects of one or more peers on a directory", ArgsUsage: "[NAME=]PEER... DIR",
		Description: "Prints \"mounted PEER on DIR\" when it is ready, and serves the mount until it is\n" +
			"told to end, by Ctrl-C, SIGTERM or nomfs umount DIR; that is its normal end\n" +
			"(status 0). With --detach it returns when the mount is ready and leaves it\n" +
			"running. DIR must be an empty directory.\n\n" +
			"Several peers, and one that is given a NAME, have a directory each. Of several,\n" +
			"one must answer; the others come to life when they do.",
		Flags: []cli.Flag{
			timeoutFlag(), allowOtherFlag(), readOnlyFlag(), deleteFlag(), attrsFlag(),
			&cli.StringFlag{Name: "config", Usage: "expose what `FILE` says as .local in the mount, and to the peers (see nomfs init)"},
			insecureFlag(),
			&cli.BoolFlag{Name: "detach", Usage: "return when the mount is ready, and leave it running", DisableDefaultText: true},
			&cli.BoolFlag{Name: detachedFlag, Hidden: true},
			plainFlag(), traceFlag(),
		},
		Action: func(c *cli.Context) error {
			peers, dir, err := e.mountWords(c)
			if err != nil {
				return err
			}
			if err := checkDeletion(c); err != nil {
				return err
			}
			ts, err := e.targetsOf(c, peers)
			if err != nil {
				return err
			}
			opt, err := mountOptionsOf(c, ts)
			if err != nil {
				return err
			}
			if err := checkMountPoint(dir); err != nil {
				return err
			}
			if c.Bool("detach") {
				return e.mountDetached(namesOf(ts), dir)
			}
			return e.mountUntilEnd(ts, dir, opt, func() error {
				if err := e.println("mounted", namesOf(ts), "on", dir); err != nil || !c.Bool(detachedFlag) {
					return err
				}
				return dropTerminal()
			})
		},
	}
}

// detachedFlag tells the process that runs a detached mount what it is.
const detachedFlag = "detached"

func mountOptionsOf(c *cli.Context, ts []*target) (mountOptions, error) {
	attrs, err := parseAttrs(c.StringSlice("attrs"), ts)
	return mountOptions{
		attrs:      attrs,
		timeout:    ts[0].config.Timeout,
		allowOther: c.Bool("allow-other"),
		readOnly:   c.Bool("ro"),
		config:     c.String("config"),
		insecure:   c.Bool("insecure"),
		deletion:   c.String("delete"),
	}, err
}

// mountUntilEnd mounts peers, calls ready, and serves the mount until it is told
// to end.
func (e *env) mountUntilEnd(ts []*target, dir string, opt mountOptions, ready func() error) error {
	ctx, stop := signal.NotifyContext(context.Background(), endSignals()...)
	defer stop()
	// A reader of our output that goes away must not end us before the mount
	// is gone: with this, it is an error of the write.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	exposing, err := e.exposing(ts, opt)
	if err != nil {
		return err
	}
	g, err := e.attach(ctx, ts)
	if err != nil {
		return interruptedOr(ctx, err)
	}
	defer g.close()
	end, err := exposing(g.svc)
	if err != nil {
		return err
	}
	defer end()
	m, err := mountPeers(dir, g, opt)
	if err != nil {
		return err
	}
	if err := ready(); err != nil {
		return errors.Join(err, m.Unmount())
	}
	return untilEnd(ctx, m)
}

// exposing checks the file of --config, before anyone is asked for anything, and
// returns what makes a service serve it.
func (e *env) exposing(ts []*target, opt mountOptions) (func(*nomcore.Service) (end func(), err error), error) {
	if opt.config == "" {
		return func(*nomcore.Service) (func(), error) { return func() {}, nil }, nil
	}
	c, err := loadConfig(opt.config)
	if err != nil {
		return nil, e.configErrors(err)
	}
	accept := func(c *expose.Config) error { return refuseRisk(c, farthest(ts), opt.insecure) }
	if err := accept(c); err != nil {
		return nil, err
	}
	return func(svc *nomcore.Service) (func(), error) {
		_, end, err := e.expose(svc, c, accept)
		return end, err
	}, nil
}

// farthest returns an address from which the objects of this process can be
// reached: that of a peer beyond the loopback, if there is one.
func farthest(ts []*target) string {
	for _, t := range ts {
		if !isLoopback(t.addr) {
			return t.addr
		}
	}
	return ts[0].addr
}

// untilEnd waits until the mount is to end, or has been unmounted by someone
// else.
func untilEnd(ctx context.Context, m mounted) error {
	gone := make(chan struct{})
	go func() {
		m.Wait()
		close(gone)
	}()
	select {
	case <-gone:
		return nil
	case <-ctx.Done():
	}
	if err := m.Unmount(); err != nil {
		return localf("%w", err)
	}
	return nil
}

func (e *env) umountCommand() *cli.Command {
	return &cli.Command{
		Name: "umount", Usage: "end a mount", ArgsUsage: "DIR",
		Description: "Unmounts DIR, which must be the root of a nomfs mount; the nomfs that served it\n" +
			"ends. A mount that is in use stays.",
		Action: func(c *cli.Context) error {
			words, err := e.words(c, "DIR")
			if err != nil {
				return err
			}
			return unmountDir(words[0])
		},
	}
}

func (e *env) whyCommand() *cli.Command {
	return &cli.Command{
		Name: "why", Usage: "tell what failed last in the mount one stands in",
		Description: "Prints the last error of this login session in the mount that holds the working\n" +
			"directory: when, which operation, which path, and what the peer said. A missing\n" +
			"file is no error here.",
		Action: func(c *cli.Context) error {
			if _, err := e.words(c); err != nil {
				return err
			}
			// Not by the name that the shell has for it, which may be a link.
			dir, err := syscall.Getwd()
			if err != nil {
				return localf("cannot tell the working directory: %w", err)
			}
			root, err := mountRoot(dir)
			if err != nil {
				return err
			}
			text, err := os.ReadFile(filepath.Join(root, ".nom", "error"))
			if err != nil {
				return localf("%w", err)
			}
			if strings.TrimSpace(string(text)) == "" {
				fmt.Fprintln(e.stderr, "nomfs: nothing has failed in this session")
				return nil
			}
			_, err = e.stdout.Write(text)
			return err
		},
	}
}
