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
)

// mounted is a mount that this process serves. This process must not touch
// the files in it: it would wait for itself.
type mounted interface {
	Unmount() error
	Wait()
}

// mountOptions are the flags of mount.
type mountOptions struct {
	peer       string
	timeout    time.Duration
	allowOther bool
	readOnly   bool
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
		Name: "mount", Usage: "mount a peer's objects on a directory", ArgsUsage: "PEER DIR",
		Description: "Prints \"mounted PEER on DIR\" when it is ready, and serves the mount until it is\n" +
			"told to end, by Ctrl-C, SIGTERM or nomfs umount DIR; that is its normal end\n" +
			"(status 0). With --detach it returns when the mount is ready and leaves it\n" +
			"running. DIR must be an empty directory.",
		Flags: []cli.Flag{
			timeoutFlag(), allowOtherFlag(), readOnlyFlag(), deleteFlag(),
			&cli.BoolFlag{Name: "detach", Usage: "return when the mount is ready, and leave it running", DisableDefaultText: true},
			&cli.BoolFlag{Name: detachedFlag, Hidden: true},
			plainFlag(), traceFlag(),
		},
		Action: func(c *cli.Context) error {
			words, err := e.words(c, "PEER", "DIR")
			if err != nil {
				return err
			}
			if err := checkDeletion(c); err != nil {
				return err
			}
			t, err := e.targetOf(c, words[0])
			if err != nil {
				return err
			}
			if err := checkMountPoint(words[1]); err != nil {
				return err
			}
			if c.Bool("detach") {
				return e.mountDetached(words[0], words[1])
			}
			return e.mountUntilEnd(t, words[1], mountOptionsOf(c, t), func() error {
				if err := e.println("mounted", t.name, "on", words[1]); err != nil || !c.Bool(detachedFlag) {
					return err
				}
				return dropTerminal()
			})
		},
	}
}

// detachedFlag tells the process that runs a detached mount what it is.
const detachedFlag = "detached"

func mountOptionsOf(c *cli.Context, t *target) mountOptions {
	return mountOptions{
		peer:       t.addr,
		timeout:    t.config.Timeout,
		allowOther: c.Bool("allow-other"),
		readOnly:   c.Bool("ro"),
		deletion:   c.String("delete"),
	}
}

// mountUntilEnd mounts a peer, calls ready, and serves the mount until it is
// told to end.
func (e *env) mountUntilEnd(t *target, dir string, opt mountOptions, ready func() error) error {
	ctx, stop := signal.NotifyContext(context.Background(), endSignals()...)
	defer stop()
	// A reader of our output that goes away must not end us before the mount
	// is gone: with this, it is an error of the write.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	svc, peer, err := t.dial(ctx)
	if err != nil {
		return interruptedOr(ctx, err)
	}
	defer svc.Close()
	m, err := mountPeer(dir, peer, opt)
	if err != nil {
		return err
	}
	e.hintNames(peer)
	if err := ready(); err != nil {
		return errors.Join(err, m.Unmount())
	}
	return untilEnd(ctx, m)
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

// hintNames prints the one thing to know about a peer that cannot list the
// attributes of its objects.
func (e *env) hintNames(peer *nomcore.Peer) {
	if !peer.Extended() {
		printHint(e.stderr, "this peer cannot list attributes: a listing shows what was used before, but any name works when typed")
	}
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
			dir, err := os.Getwd()
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
