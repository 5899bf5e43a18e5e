package main

import (
	"context"
	"errors"
	"io"
	"os"

	"github.com/urfave/cli/v2"

	"nomfs/codec"
	"nomfs/nomcore"
)

// traceFlagName is the flag that writes down every packet.
const traceFlagName = "trace"

func traceFlag() cli.Flag {
	return &cli.StringFlag{
		Name:  traceFlagName,
		Usage: "append a line for every packet to `FILE`; - is standard error",
	}
}

// traceMode lets only the user read a trace: it shows what was read and
// written.
const traceMode = 0o600

// traceOf opens what --trace names, nil where it is not given. It stays open
// as long as the process lives.
func (e *env) traceOf(c *cli.Context) (io.Writer, error) {
	switch name := c.String(traceFlagName); name {
	case "":
		return nil, nil
	case "-":
		return e.stderr, nil
	default:
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND|os.O_CREATE, traceMode)
		if err != nil {
			return nil, localf("cannot write the trace: %w", err)
		}
		return f, nil
	}
}

func (e *env) traceCommand() *cli.Command {
	return &cli.Command{
		Name: "trace", Usage: "ask a peer what it has, and show every packet", ArgsUsage: "PEER",
		Description: "Connects, lists the names, resolves each and asks for descriptions, and prints a\n" +
			"line for each packet: time, peer, > sent or < received, command and operation,\n" +
			"object, number, size, and = result or ! error with the time it took. Nothing is\n" +
			"changed or called. To see the packets of a mount or a server, give those --trace.",
		Flags: []cli.Flag{timeoutFlag(), plainFlag()},
		Action: func(c *cli.Context) error {
			words, err := e.words(c, "PEER")
			if err != nil {
				return err
			}
			t, err := e.targetOf(c, words[0])
			if err != nil {
				return err
			}
			t.config.Trace = e.stdout
			return t.withPeer(survey)
		},
	}
}

// survey asks a peer for all that can be asked without changing anything. That
// one question is refused does not end it: the trace shows the refusal.
func survey(ctx context.Context, peer *nomcore.Peer) error {
	names, cut := peer.List(ctx)
	if cut != nil && !isTruncated(cut) {
		return cut
	}
	for _, name := range names {
		v, err := peer.Resolve(ctx, name)
		if ref, ok := v.(codec.Ref); ok && err == nil {
			_, err = peer.Describe(ctx, ref)
		}
		if err != nil && !errors.Is(err, errors.ErrUnsupported) && exitCode(err) == exitUnreachable {
			return err
		}
	}
	return cut
}
