package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/urfave/cli/v2"
)

func main() {
	os.Exit(run(os.Args, os.Stdin, os.Stdout, os.Stderr))
}

// run is the whole program but for its end: it returns the exit code.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	// The library's own help flag takes an argument for a topic and chooses
	// exit codes; ours, which has the same name, does not.
	cli.HelpFlag = nil
	e := &env{args: args, stdin: stdin, stdout: stdout, stderr: stderr}
	err := e.app().Run(args)
	if err == nil || errors.Is(err, errHelped) {
		return exitOK
	}
	printError(stderr, err)
	return exitCode(err)
}

// env is what a command has of the world.
type env struct {
	args           []string // the whole command line
	stdin          io.Reader
	stdout, stderr io.Writer
}

// errHelped ends a command after its help was printed.
var errHelped = errors.New("help was printed")

func (e *env) app() *cli.App {
	app := &cli.App{
		Name:      "nomfs",
		Usage:     "mount the live objects of another process",
		UsageText: "nomfs COMMAND [flags] [arguments]",
		Writer:    e.stdout,
		ErrWriter: e.stderr,
		Flags: []cli.Flag{
			helpFlag(),
			&cli.BoolFlag{Name: "version", Usage: "print the version", DisableDefaultText: true},
		},
		HideHelp:                  true,
		HideVersion:               true,
		DisableSliceFlagSeparator: true,
		ExitErrHandler:            func(*cli.Context, error) {},
		OnUsageError:              onUsageError,
		Before:                    e.help,
		Action:                    e.noCommand,
		Commands: []*cli.Command{
			e.serveCommand(), e.initCommand(), e.checkCommand(), e.mountCommand(), e.shCommand(), e.umountCommand(), e.demoCommand(), e.whyCommand(), e.traceCommand(),
			e.lsCommand(), e.getCommand(), e.reprCommand(), e.strCommand(), e.lenCommand(),
			e.setCommand(), e.delCommand(), e.callCommand(), e.callFileCommand(),
			e.helpCommand(), e.versionCommand(),
		},
	}
	for _, cmd := range app.Commands {
		cmd.Flags = append(cmd.Flags, helpFlag())
		cmd.HideHelp = true
		cmd.OnUsageError = onUsageError
		cmd.Before = e.help
	}
	return app
}

func helpFlag() cli.Flag {
	return &cli.BoolFlag{Name: "help", Aliases: []string{"h"}, Usage: "print this help", DisableDefaultText: true}
}

// help runs before every command, and is all that runs if help is wanted.
func (e *env) help(c *cli.Context) error {
	if !c.Bool("help") {
		return nil
	}
	e.printHelp(c.App, c.Command)
	return errHelped
}

// noCommand is the action of the program without a command, or with one that
// does not exist.
func (e *env) noCommand(c *cli.Context) error {
	if c.Bool("version") {
		return e.printVersion()
	}
	if c.NArg() == 0 {
		return withHint(usagef("a command is missing"), "nomfs help lists the commands; nomfs demo shows what this is")
	}
	return withHint(usagef("unknown command %q", c.Args().First()), "nomfs help lists the commands")
}

func onUsageError(c *cli.Context, err error, isCommand bool) error {
	name := ""
	if isCommand {
		name = " " + c.Command.Name
	}
	return withHint(&usageError{err}, "nomfs%s --help lists the flags", name)
}

// interruptible returns a context that ends with the first interrupt. A
// second one ends the process, whatever it waits for.
func interruptible() (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}

// endSignals end what runs until it is told to end: an interrupt, a polite
// kill, a closed terminal unless that is to be ignored (nohup).
func endSignals() []os.Signal {
	list := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		list = append(list, syscall.SIGHUP)
	}
	return list
}

// println writes one line to standard output. What cannot be written is an
// error: the line was the point of the command.
func (e *env) println(args ...any) error {
	_, err := fmt.Fprintln(e.stdout, args...)
	return err
}
