package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"nomfs/auth"
	"nomfs/codec"
	"nomfs/nomcore"
)

// The names that the server registers.
const (
	appName = "app"
	napName = "naps"
)

// app is what the server of nomfs serves.
type app struct {
	sync.Mutex
	Value string
	blob  []byte
}

func (a *app) Echo(b []byte) []byte { return b }

func (a *app) Put(b []byte) int { return len(b) }

func (a *app) Get(n int) []byte { return a.blob[:n] }

// Things makes so many objects.
func (a *app) Things(n int) []*thing {
	list := make([]*thing, n)
	for i := range list {
		list[i] = &thing{number: i}
	}
	return list
}

// waiting counts the calls of Wait that have not returned.
var waiting atomic.Int64

// Wait returns when the caller gives up.
func (a *app) Wait(ctx context.Context) error {
	waiting.Add(1)
	defer waiting.Add(-1)
	<-ctx.Done()
	return ctx.Err()
}

// thing is an object that clients hold references to.
type thing struct{ number int }

func (t *thing) Number() int { return t.number }

// naps has the method that may sleep.
type naps struct{ _ int }

func (*naps) Echo(b []byte) []byte {
	napIf(b[0])
	return b
}

// served is the service of this process, nil while it serves none.
var served *nomcore.Service

func serveNomfs() (string, error) {
	s, err := nomcore.Listen(loopback, nomfsConfig())
	if err != nil {
		return "", err
	}
	a := &app{Value: strings.Repeat("x", smallSize), blob: make([]byte, bulkSize)}
	if err := s.Register(appName, a); err != nil {
		return "", err
	}
	if err := s.Register(napName, &naps{}); err != nil {
		return "", err
	}
	served = s
	return s.Addr().String(), nil
}

func nomfsConfig() *nomcore.Config { return &nomcore.Config{Authenticator: auth.Default} }

// nomfsClient is a client of nomfs.
type nomfsClient struct {
	peer      *nomcore.Peer
	app, naps codec.Ref
}

func dialNomfs(addr string) (client, error) {
	c, err := newNomfsClient(context.Background(), addr)
	if err != nil {
		return nil, err
	}
	if c.naps, err = c.resolve(napName); err != nil {
		return nil, err
	}
	return c, nil
}

// newNomfsClient connects and finds the first object.
func newNomfsClient(ctx context.Context, addr string) (*nomfsClient, error) {
	c := &nomfsClient{}
	var err error
	if c.peer, err = nomcore.Dial(ctx, addr, nomfsConfig()); err != nil {
		return nil, err
	}
	if c.app, err = c.resolve(appName); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

func (c *nomfsClient) close() { c.peer.Close() }

func (c *nomfsClient) resolve(name string) (codec.Ref, error) {
	v, err := c.peer.Resolve(context.Background(), name)
	if err != nil {
		return codec.Ref{}, err
	}
	r, ok := v.(codec.Ref)
	if !ok {
		return codec.Ref{}, fmt.Errorf("%w: %s is %v", errWrong, name, v.Kind())
	}
	return r, nil
}

func (c *nomfsClient) caller(o op, size int) (func(bool) error, error) {
	ctx := context.Background()
	data := codec.Bytes(strings.Repeat("x", size))
	drowsy := codec.Bytes([]byte{napByte}) + data[1:]
	switch o {
	case opEcho:
		return func(bool) error {
			v, err := c.peer.CallAttr(ctx, c.app, "echo", []codec.Value{data}, nil)
			return checkBytes(v, err, size)
		}, nil
	case opNap:
		return func(sleep bool) error {
			arg := data
			if sleep {
				arg = drowsy
			}
			v, err := c.peer.CallAttr(ctx, c.naps, "echo", []codec.Value{arg}, nil)
			return checkBytes(v, err, size)
		}, nil
	case opRead:
		return func(bool) error {
			v, err := c.peer.GetAttr(ctx, c.app, "value")
			return checkBytes(v, err, smallSize)
		}, nil
	case opPut:
		return func(bool) error {
			v, err := c.peer.CallAttr(ctx, c.app, "put", []codec.Value{data}, nil)
			if err == nil && v != codec.Value(codec.Int(size)) {
				return fmt.Errorf("%w: %v", errWrong, v)
			}
			return err
		}, nil
	case opGet:
		return func(bool) error {
			v, err := c.peer.CallAttr(ctx, c.app, "get", []codec.Value{codec.Int(size)}, nil)
			return checkBytes(v, err, size)
		}, nil
	}
	return nil, errNoOp
}

// checkBytes checks an answer that should be so many bytes.
func checkBytes(v codec.Value, err error, size int) error {
	if err != nil {
		return err
	}
	if s, ok := codec.StringOf(v); !ok || len(s) != size {
		return fmt.Errorf("%w: %v", errWrong, v)
	}
	return nil
}

// thingsBatch is how many references one answer brings: some 30 kB.
const thingsBatch = 500

// hold gets so many references and keeps them.
func (c *nomfsClient) hold(refs int) error {
	for refs > 0 {
		n := min(refs, thingsBatch)
		v, err := c.peer.CallAttr(context.Background(), c.app, "things", []codec.Value{codec.Int(n)}, nil)
		if err != nil {
			return err
		}
		if list, ok := v.(codec.List); !ok || len(list) != n {
			return fmt.Errorf("%w: %v instead of %d objects", errWrong, v.Kind(), n)
		}
		refs -= n
	}
	return nil
}

// wait makes so many calls that do not return before the process ends.
func (c *nomfsClient) wait(calls int) {
	const long = time.Hour // longer than any run
	for range calls {
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), long)
			defer cancel()
			_, _ = c.peer.CallAttr(ctx, c.app, "wait", nil, nil)
		}()
	}
}
