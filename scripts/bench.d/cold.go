package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// coldCommand is the hidden command that makes a process dial a server, call it
// once, and print how many nanoseconds both took.
const coldCommand = "cold"

// runCold is that command.
func runCold(out io.Writer, name, addr string) error {
	start := time.Now()
	s, err := systemOf(name)
	if err != nil {
		return err
	}
	c, err := s.dial(addr)
	if err != nil {
		return err
	}
	call, err := c.caller(opEcho, smallSize)
	if err != nil {
		return err
	}
	if err := call(false); err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, time.Since(start).Nanoseconds())
	return err
}

// coldGroup measures programs that start.
func (b *bench) coldGroup() error {
	var servers []*coldServer
	defer func() {
		for _, s := range servers {
			s.proc.end()
		}
	}()
	for _, name := range []string{nomfsName, netrpcName, grpcName} {
		p, err := startProc()
		if err != nil {
			return err
		}
		s := &coldServer{name: name, proc: p}
		servers = append(servers, s)
		if err := p.do("Serve", name, &s.addr); err != nil {
			return err
		}
	}
	get := What{Group: "cold", Name: "nomfs get", Unit: unitms}
	answer := What{Group: "cold", Name: "first answer", Unit: unitms}
	dial := What{Group: "cold", Name: "dial and call", Unit: unitms}
	for round := range b.rounds {
		b.progress("cold", round)
		var gets []float64
		starts, dials := make(map[string][]float64), make(map[string][]float64)
		for i := range b.scale.starts {
			took, err := timeCommand(b.nomfs, "get", servers[0].addr, appName+"/value")
			if err != nil {
				return err
			}
			gets = append(gets, ms(took))
			var failed error
			inTurn(round+i, servers, func(s *coldServer) {
				whole, inside, err := s.start()
				if err != nil {
					failed = fmt.Errorf("%s: %w", s.name, err)
				}
				starts[s.name], dials[s.name] = append(starts[s.name], ms(whole)), append(dials[s.name], ms(inside))
			})
			if failed != nil {
				return failed
			}
		}
		b.report.add(get, nomfsName, quantile(gets, .5), nil)
		for _, s := range servers {
			b.report.add(answer, s.name, quantile(starts[s.name], .5), nil)
			b.report.add(dial, s.name, quantile(dials[s.name], .5), nil)
		}
	}
	return nil
}

// coldServer is a server that programs are started to call.
type coldServer struct {
	name, addr string
	proc       *proc
}

// start starts a program, and returns the time until it had its answer and the
// part of that in its main.
func (s *coldServer) start() (whole, inside time.Duration, err error) {
	self, err := os.Executable()
	if err != nil {
		return 0, 0, err
	}
	cmd := exec.Command(self, coldCommand, s.name, s.addr)
	cmd.Env = append(os.Environ(), childVariable+"=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, 0, err
	}
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, 0, err
	}
	line := make([]byte, 32) // more than any number has
	n, err := io.ReadAtLeast(out, line, 1)
	whole = time.Since(start)
	if waitErr := cmd.Wait(); err == nil {
		err = waitErr
	}
	if err != nil {
		return 0, 0, err
	}
	ns, err := strconv.ParseInt(strings.TrimSpace(string(line[:n])), 10, 64)
	return whole, time.Duration(ns), err
}

// timeCommand returns how long a program ran.
func timeCommand(name string, args ...string) (time.Duration, error) {
	cmd := exec.Command(name, args...)
	cmd.Stderr = os.Stderr
	start := time.Now()
	err := cmd.Run()
	return time.Since(start), err
}
