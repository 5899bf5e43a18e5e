package main

import (
	"context"
	"fmt"
	"io"
	"net/rpc"
	"net/rpc/jsonrpc"
	"sync"
	"time"

	"nomfs/nomcore"
)

// Child is what a process that is measured does when the one that measures says
// so. They talk over standard input and output; the end of the input ends the
// process.
type Child struct {
	addr    string // of the server that Dial has reached
	client  client
	holders []*nomfsClient
}

// runChild serves the parent until it goes away.
func runChild(in io.Reader, out io.Writer) error {
	s := rpc.NewServer()
	if err := s.Register(&Child{}); err != nil {
		return err
	}
	s.ServeCodec(jsonrpc.NewServerCodec(stdio{in, out}))
	return nil
}

// stdio is a connection made of two pipes.
type stdio struct {
	io.Reader
	io.Writer
}

func (stdio) Close() error { return nil }

// None stands for no argument or no answer.
type None struct{}

// Serve serves a system and answers with its address.
func (c *Child) Serve(name string, addr *string) error {
	s, err := systemOf(name)
	if err != nil {
		return err
	}
	*addr, err = s.serve()
	return err
}

// Target is a server.
type Target struct{ System, Addr string }

// Dial connects to a server. The loads after it go there.
func (c *Child) Dial(t Target, _ *None) error {
	s, err := systemOf(t.System)
	if err != nil {
		return err
	}
	c.addr = t.Addr
	c.client, err = s.dial(t.Addr)
	return err
}

// Load makes calls.
func (c *Child) Load(l Load, answer *Loaded) (err error) {
	*answer, err = load(c.client, l)
	return err
}

// Usage tells what the process has used.
func (c *Child) Usage(_ None, answer *Usage) error {
	*answer = used()
	return nil
}

// Memory tells what the process occupies.
func (c *Child) Memory(tidy bool, answer *Memory) (err error) {
	*answer, err = memory(tidy)
	return err
}

// Register registers so many further objects with the service of this process.
func (c *Child) Register(n int, _ *None) error {
	for i := range n {
		if err := served.Register(fmt.Sprintf("n%06d", i), &thing{number: i}); err != nil {
			return err
		}
	}
	return nil
}

// Clients says what further clients of nomfs do.
type Clients struct {
	Addr string
	N    int // clients
	Each int // references that each holds, or calls that each waits for
}

// dialers is how many clients connect at once: enough to keep a server busy.
const dialers = 16

// dialWait bounds how long one of them tries: a server that so many want to reach
// at once may let them try again.
const dialWait = 30 * time.Second

// Hold makes clients that hold references.
func (c *Child) Hold(a Clients, _ *None) error {
	return c.connect(a, func(n *nomfsClient) error { return n.hold(a.Each) })
}

// Wait makes clients that wait for calls that do not return.
func (c *Child) Wait(a Clients, _ *None) error {
	return c.connect(a, func(n *nomfsClient) error {
		n.wait(a.Each)
		return nil
	})
}

// connect makes clients, and does something with each.
func (c *Child) connect(a Clients, then func(*nomfsClient) error) error {
	var (
		mu     sync.Mutex
		failed error
		wg     sync.WaitGroup
	)
	turns := make(chan struct{}, dialers)
	for range a.N {
		turns <- struct{}{}
		wg.Go(func() {
			defer func() { <-turns }()
			ctx, cancel := context.WithTimeout(context.Background(), dialWait)
			defer cancel()
			n, err := newNomfsClient(ctx, a.Addr)
			if err == nil {
				err = then(n)
			}
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed = err
				return
			}
			c.holders = append(c.holders, n)
		})
	}
	wg.Wait()
	return failed
}

// WaitSelf makes so many calls of the measured client that do not return.
func (c *Child) WaitSelf(calls int, _ *None) error {
	n, ok := c.client.(*nomfsClient)
	if !ok {
		return errNoOp
	}
	n.wait(calls)
	return nil
}

// Waiting tells how many calls have not returned in the service of this process.
func (c *Child) Waiting(_ None, n *int64) error {
	*n = waiting.Load()
	return nil
}

// Newcomer is how long the first operations of a new client took: the medians
// of several clients, 0 where an operation failed.
type Newcomer struct {
	Sync, List, Resolve time.Duration
	SyncErr, ListErr    string
	ResolveErr          string
}

// Newcomers lets so many clients connect one after another, list the names and
// look one up.
func (c *Child) Newcomers(n int, answer *Newcomer) error {
	var syncs, lists, resolves []float64
	ctx := context.Background()
	for range n {
		start := time.Now()
		p, err := nomcore.Dial(ctx, c.addr, nomfsConfig())
		syncs, answer.SyncErr = timed(syncs, start, err)
		if err != nil {
			return nil
		}
		start = time.Now()
		_, err = p.List(ctx)
		lists, answer.ListErr = timed(lists, start, err)
		start = time.Now()
		_, err = p.Resolve(ctx, appName)
		resolves, answer.ResolveErr = timed(resolves, start, err)
		p.Close()
		if answer.ListErr+answer.ResolveErr != "" {
			break
		}
	}
	answer.Sync, answer.List, answer.Resolve = middle(syncs), middle(lists), middle(resolves)
	return nil
}

// timed adds the time since start to some times, or returns the error as text.
func timed(times []float64, start time.Time, err error) ([]float64, string) {
	if err != nil {
		return times, err.Error()
	}
	return append(times, float64(time.Since(start))), ""
}

// middle returns the median of some times, 0 for none.
func middle(times []float64) time.Duration {
	if len(times) == 0 {
		return 0
	}
	return time.Duration(quantile(times, .5))
}
