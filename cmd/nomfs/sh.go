package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"

	"github.com/urfave/cli/v2"
)

func (e *env) shCommand() *cli.Command {
	return &cli.Command{
		Name: "sh", Usage: "run a shell, or one command, inside a mount of a peer", ArgsUsage: "PEER",
		Description: "Mounts PEER in a temporary directory, runs $SHELL there, or CMD by /bin/sh,\n" +
			"unmounts, and ends with the status of what ran (128 + n after signal n). The exit\n" +
			"codes below are those of what fails before.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "c", Usage: "run `CMD` instead of a shell"},
			timeoutFlag(), readOnlyFlag(), attrsFlag(), plainFlag(), traceFlag(),
		},
		Action: func(c *cli.Context) error {
			words, err := e.words(c, "PEER")
			if err != nil {
				return err
			}
			t, err := e.targetOf(c, words[0])
			if err != nil {
				return err
			}
			if c.IsSet("c") && c.String("c") == "" {
				return withHint(usagef("-c wants a command"), "for example nomfs sh -c 'ls host' %s", words[0])
			}
			if err := fuseProblem(); err != nil {
				return err
			}
			opt, err := mountOptionsOf(c, []*target{t})
			if err != nil {
				return err
			}
			return e.shell(t, c.String("c"), opt)
		},
	}
}

// shell mounts a peer in a temporary directory and runs a shell there.
func (e *env) shell(t *target, command string, opt mountOptions) (err error) {
	ctx, stop := signal.NotifyContext(context.Background(), endSignals()...)
	defer stop()
	g, err := e.attach(ctx, []*target{t})
	if err != nil {
		return interruptedOr(ctx, err)
	}
	defer g.close()
	dir, err := os.MkdirTemp("", "nomfs-")
	if err != nil {
		return localf("cannot make a directory to mount on: %w", err)
	}
	// os.Remove takes an empty directory alone: should the unmount have
	// failed, nothing of the peer is deleted.
	defer os.Remove(dir)
	m, err := mountPeers(dir, g, opt)
	if err != nil {
		return err
	}
	defer func() {
		if failed := m.Unmount(); failed != nil {
			err = errors.Join(err, localf("%w", failed))
		}
	}()
	if command == "" && isTerminalFile(e.stdin) {
		fmt.Fprintf(e.stderr, "nomfs: a shell inside %s; exit ends it\n", t.name)
	}
	return e.runInside(dir, command)
}

// isTerminalFile tells whether what a command reads from or writes to is a
// person.
func isTerminalFile(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && isTerminal(f)
}
