package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"time"
)

const (
	exitOK = iota
	exitFailure
	exitUsage
)

const usage = `usage:
  scripts/bench [-rows GROUP,...] [-rounds N] [-o FILE]
  scripts/bench compare OLD NEW
  scripts/bench go [ARGUMENT OF GO TEST]...

Without a command it measures, prints a table, and writes a file for compare.
compare tells what has changed between two such files; its status is 1 if
something became worse. go runs the benchmarks of single functions.

`

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// run does what the arguments say and returns the exit status.
func run(args []string, in io.Reader, out, log io.Writer) int {
	command := ""
	if len(args) > 0 {
		command = args[0]
	}
	var err error
	switch command {
	case childCommand:
		err = runChild(in, out)
	case coldCommand:
		if len(args) != 3 {
			return exitUsage
		}
		err = runCold(out, args[1], args[2])
	case "compare":
		return runCompare(args[1:], out, log)
	default:
		return runBench(args, out, log)
	}
	return fail(log, err)
}

func fail(log io.Writer, err error) int {
	if err != nil {
		fmt.Fprintln(log, "bench: error:", err)
		return exitFailure
	}
	return exitOK
}

func runCompare(args []string, out, log io.Writer) int {
	if len(args) != 2 {
		fmt.Fprint(log, usage)
		return exitUsage
	}
	before, err := readReport(args[0])
	if err != nil {
		return fail(log, err)
	}
	after, err := readReport(args[1])
	if err != nil {
		return fail(log, err)
	}
	if compare(out, before, after) > 0 {
		return exitFailure
	}
	return exitOK
}

func runBench(args []string, out, log io.Writer) int {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(log)
	flags.Usage = func() {
		fmt.Fprint(log, usage)
		flags.PrintDefaults()
	}
	rows := flags.String("rows", strings.Join(groupNames(), ","), "the `groups` of rows to measure")
	rounds := flags.Int("rounds", 7, "how often everything is measured")
	file := flags.String("o", "bench.json", "the `file` to write")
	commit := flags.String("commit", "unknown", "the `commit` that is measured")
	nomfs := flags.String("nomfs", "nomfs", "the `command` that the group cold starts")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		return exitUsage
	}
	chosen, err := groupsOf(*rows)
	if err != nil || flags.NArg() > 0 || *rounds < 1 {
		fmt.Fprint(log, usage)
		if err != nil {
			fmt.Fprintln(log, "bench: error:", err)
		}
		return exitUsage
	}
	b := &bench{
		rounds: *rounds, scale: fullScale, nomfs: *nomfs, log: log,
		report: &Report{Commit: *commit, Machine: machine(), Rounds: *rounds},
	}
	if err := b.measure(chosen); err != nil {
		return fail(log, err)
	}
	b.report.print(out)
	return fail(log, b.report.write(*file))
}

// measure measures some groups and completes the report.
func (b *bench) measure(chosen []group) error {
	start := time.Now()
	before, err := processorTimesNow()
	if err != nil {
		return err
	}
	for _, g := range chosen {
		if err := g.run(b); err != nil {
			return fmt.Errorf("%s: %w", g.name, err)
		}
	}
	after, err := processorTimesNow()
	if err != nil {
		return err
	}
	ours := processorTime(syscall.RUSAGE_SELF) + processorTime(syscall.RUSAGE_CHILDREN)
	b.report.Others = others(before, after, ours)
	b.report.Date, b.report.Seconds = start.UTC().Truncate(time.Second), int(time.Since(start).Seconds())
	b.report.finish()
	return nil
}

func groupNames() []string {
	var names []string
	for _, g := range groups {
		names = append(names, g.name)
	}
	return names
}

// groupsOf returns the groups that a list names, in their order.
func groupsOf(list string) ([]group, error) {
	wanted := make(map[string]bool)
	for name := range strings.SplitSeq(list, ",") {
		wanted[name] = true
	}
	var out []group
	for _, g := range groups {
		if wanted[g.name] {
			out = append(out, g)
			delete(wanted, g.name)
		}
	}
	for name := range wanted {
		return nil, fmt.Errorf("no group %q, only %s", name, strings.Join(groupNames(), ", "))
	}
	return out, nil
}
