package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"
)

func (e *env) helpCommand() *cli.Command {
	return &cli.Command{
		Name: "help", Usage: "print this list, or the help of one command", ArgsUsage: "[COMMAND]",
		Action: func(c *cli.Context) error {
			words, err := e.words(c, "[COMMAND]")
			if err != nil {
				return err
			}
			if len(words) == 0 {
				e.printHelp(c.App, nil)
				return nil
			}
			cmd := c.App.Command(words[0])
			if cmd == nil {
				return withHint(usagef("unknown command %q", words[0]), "nomfs help lists the commands")
			}
			e.printHelp(c.App, cmd)
			return nil
		},
	}
}

// printHelp prints the help of a command, or of the program.
func (e *env) printHelp(app *cli.App, cmd *cli.Command) {
	w := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
	defer w.Flush()
	if cmd == nil || app.Command(cmd.Name) == nil {
		fmt.Fprintf(w, "nomfs: %s\n\nUsage: %s\n\nCommands:\n", app.Usage, app.UsageText)
		for _, c := range app.VisibleCommands() {
			fmt.Fprintf(w, "   %s\t%s\n", strings.TrimSpace(c.Name+" "+c.ArgsUsage), c.Usage)
		}
		fmt.Fprint(w, "\nPEER is host or host:port. PATH is a path in the tree, such as host/memory/total\n"+
			"or demo/numbers/index/3. Flags go before the arguments: nomfs COMMAND --help lists them.\n")
		fmt.Fprintf(w, "\nExit codes:\n%s", exitHelp())
		return
	}
	synopsis := "nomfs " + cmd.Name + " [flags]"
	if cmd.ArgsUsage != "" {
		synopsis += " " + cmd.ArgsUsage
	}
	fmt.Fprintf(w, "nomfs %s: %s\n\nUsage: %s\n", cmd.Name, cmd.Usage, synopsis)
	if cmd.Description != "" {
		fmt.Fprintf(w, "\n%s\n", strings.TrimSpace(cmd.Description))
	}
	fmt.Fprint(w, "\nFlags:\n")
	for _, f := range cmd.VisibleFlags() {
		fmt.Fprintf(w, "   %s\n", f)
	}
	fmt.Fprintf(w, "\nExit codes:\n%s", exitHelp())
}

func (e *env) versionCommand() *cli.Command {
	return &cli.Command{
		Name: "version", Usage: "print the version",
		Action: func(c *cli.Context) error {
			if _, err := e.words(c); err != nil {
				return err
			}
			return e.printVersion()
		},
	}
}

func (e *env) printVersion() error {
	version, revision := "unknown", ""
	if info, ok := debug.ReadBuildInfo(); ok {
		version = info.Main.Version
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				revision = " " + s.Value
			}
		}
	}
	return e.println("nomfs", version+revision, runtime.GOOS+"/"+runtime.GOARCH, runtime.Version())
}
