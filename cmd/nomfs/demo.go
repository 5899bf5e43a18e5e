package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"

	"github.com/urfave/cli/v2"

	"nomfs/auth"
	"nomfs/nomcore"
)

// tryInside are lines to type in the mount of the demo.
const tryInside = `   cat host/memory/available         live: type it twice
   ls host/processes/index           one directory for each process
   cat demo/number
   echo 5 > demo/number              writes it
   echo '2, b=3' > demo/add/call     calls it
   cat demo/add/call                 prints 5
   echo x > demo/number              refused
   cat .nom/error                    says why
`

// tryOutside are commands on the same objects without a mount. ADDR stands for
// the address.
var tryOutside = [][]string{
	{"get", "ADDR", "host/memory/available"},
	{"ls", "ADDR", "demo"},
	{"set", "ADDR", "demo/number", "5"},
	{"get", "ADDR", "demo/number"},
	{"call", "ADDR", "demo/add", "2", "b=3"},
}

func (e *env) demoCommand() *cli.Command {
	return &cli.Command{
		Name: "demo", Usage: "serve this machine and a demo object, and mount them", ArgsUsage: "[DIR]",
		Description: "Serves the objects host and demo on a free port of the loopback and mounts them\n" +
			"on DIR until it is told to end, by Ctrl-C or SIGTERM (status 0). Without DIR it\n" +
			"opens a shell inside a temporary mount, as nomfs sh does; if standard input is no\n" +
			"terminal, it mounts on a temporary directory instead. Where nothing can be\n" +
			"mounted, it shows the same objects through nomfs get, set and call.",
		Action: func(c *cli.Context) error {
			words, err := e.words(c, "[DIR]")
			if err != nil {
				return err
			}
			problem := fuseProblem()
			if len(words) == 1 && problem == nil {
				if err := checkMountPoint(words[0]); err != nil {
					return err
				}
			}
			svc, err := listen("127.0.0.1:0", []string{"demo", "host"}, &nomcore.Config{Authenticator: auth.Default})
			if err != nil {
				return err
			}
			defer svc.Close()
			addr := svc.Addr().String()
			t := &target{name: addr, addr: addr, config: nomcore.Config{Authenticator: auth.Default, Timeout: defaultTimeout}}
			opt := mountOptions{timeout: defaultTimeout}
			switch {
			case problem != nil:
				printError(e.stderr, problem)
				return e.demoUnmounted(addr)
			case len(words) == 1:
				return e.demoMounted(t, words[0], opt)
			case isTerminalFile(e.stdin):
				fmt.Fprintf(e.stdout, "serving on %s\nin this shell, try\n%s", addr, tryInside)
				return e.shell(t, "", opt)
			}
			dir, err := os.MkdirTemp("", "nomfs-demo-")
			if err != nil {
				return localf("cannot make a directory to mount on: %w", err)
			}
			defer os.Remove(dir)
			return e.demoMounted(t, dir, opt)
		},
	}
}

// demoMounted mounts the demo on dir until it is told to end.
func (e *env) demoMounted(t *target, dir string, opt mountOptions) error {
	return e.mountUntilEnd([]*target{t}, dir, opt, func() error {
		return e.println(fmt.Sprintf("mounted %s on %s\ncd %s, and try\n%s", t.name, dir, dir, strings.TrimSuffix(tryInside, "\n")))
	})
}

// demoUnmounted shows the demo where nothing can be mounted, and goes on
// serving it until it is told to end.
func (e *env) demoUnmounted(addr string) error {
	ctx, stop := signal.NotifyContext(context.Background(), endSignals()...)
	defer stop()
	if err := e.showUnmounted(addr); err != nil {
		return err
	}
	if err := e.println("serving on", addr, "until Ctrl-C"); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// showUnmounted runs a few commands on the demo and prints them as if they had
// been typed.
func (e *env) showUnmounted(addr string) error {
	for _, line := range tryOutside {
		args := []string{"nomfs"}
		for _, word := range line {
			args = append(args, strings.ReplaceAll(word, "ADDR", addr))
		}
		if err := e.println("$", strings.Join(args, " ")); err != nil {
			return err
		}
		if code := run(args, e.stdin, e.stdout, e.stderr); code != exitOK {
			return statusError(code)
		}
	}
	return nil
}
