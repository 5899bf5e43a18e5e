package main

import (
	"errors"
	"fmt"
	"io"
	"net/rpc"
	"net/rpc/jsonrpc"
	"os"
	"os/exec"
	"time"
)

// proc is a process that is measured, seen from the one that measures.
type proc struct {
	cmd *exec.Cmd
	in  io.Closer
	c   *rpc.Client
}

// childCommand is the hidden command that makes a process a Child.
const childCommand = "child"

// replyWait bounds each thing that a process is told to do.
const replyWait = 60 * time.Second

var errNoReply = errors.New("a process that is measured does not reply")

// startProc starts a process.
func startProc() (*proc, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, childCommand)
	cmd.Env = append(os.Environ(), childVariable+"=1")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &proc{cmd: cmd, in: in, c: jsonrpc.NewClient(stdio{out, in})}, nil
}

// childVariable is set in the environment of a child: a test binary learns from
// it that it is to be one.
const childVariable = "NOMFS_BENCH_CHILD"

// do tells the process to do something.
func (p *proc) do(what string, arg, answer any) error {
	call := p.c.Go("Child."+what, arg, answer, make(chan *rpc.Call, 1))
	late := time.NewTimer(replyWait)
	defer late.Stop()
	select {
	case <-call.Done:
		return call.Error
	case <-late.C:
		return fmt.Errorf("%s: %w", what, errNoReply)
	}
}

// end kills the process: nobody needs what it would do at its end.
func (p *proc) end() {
	p.in.Close()
	_ = p.cmd.Process.Kill() // it may have ended
	_ = p.cmd.Wait()         // its status is that of a killed process
}

// pair is a server and a client that are connected.
type pair struct {
	system         string
	addr           string // of the server
	server, client *proc
}

// startPair starts both processes.
func startPair(system string) (*pair, error) {
	p := &pair{system: system}
	var err error
	if p.server, err = startProc(); err != nil {
		return nil, err
	}
	if err = p.server.do("Serve", system, &p.addr); err != nil {
		p.end()
		return nil, err
	}
	if p.client, err = startProc(); err != nil {
		p.end()
		return nil, err
	}
	if err = p.client.do("Dial", Target{system, p.addr}, &None{}); err != nil {
		p.end()
		return nil, err
	}
	return p, nil
}

func (p *pair) end() {
	if p.client != nil {
		p.client.end()
	}
	p.server.end()
}

// load makes calls. What both processes used for them is in the answer.
func (p *pair) load(l Load) (Loaded, error) {
	var before, after Usage
	var out Loaded
	if err := p.server.do("Usage", None{}, &before); err != nil {
		return out, err
	}
	if err := p.client.do("Load", l, &out); err != nil {
		return out, err
	}
	if err := p.server.do("Usage", None{}, &after); err != nil {
		return out, err
	}
	out.Used = out.Used.plus(after.minus(before))
	return out, nil
}
