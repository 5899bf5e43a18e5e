package main

import (
	"fmt"
	"net"
	"net/rpc"
)

// NetRPC is what the server of net/rpc serves.
type NetRPC struct{ blob []byte }

// Echo answers with its argument.
func (*NetRPC) Echo(b []byte, answer *[]byte) error {
	*answer = b
	return nil
}

// Nap is an Echo that may sleep.
func (*NetRPC) Nap(b []byte, answer *[]byte) error {
	napIf(b[0])
	*answer = b
	return nil
}

// Put takes bytes.
func (*NetRPC) Put(b []byte, answer *int) error {
	*answer = len(b)
	return nil
}

// Get answers with so many bytes.
func (s *NetRPC) Get(n int, answer *[]byte) error {
	*answer = s.blob[:n]
	return nil
}

func serveNetrpc() (string, error) {
	s := rpc.NewServer()
	if err := s.RegisterName(appName, &NetRPC{blob: make([]byte, bulkSize)}); err != nil {
		return "", err
	}
	l, err := net.Listen("tcp", loopback)
	if err != nil {
		return "", err
	}
	go s.Accept(l)
	return l.Addr().String(), nil
}

type netrpcClient struct{ c *rpc.Client }

func dialNetrpc(addr string) (client, error) {
	c, err := rpc.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	return netrpcClient{c}, nil
}

func (c netrpcClient) close() { c.c.Close() }

func (c netrpcClient) caller(o op, size int) (func(bool) error, error) {
	data := make([]byte, size)
	drowsy := make([]byte, size)
	drowsy[0] = napByte
	bytesOf := func(method string, arg any) error {
		var answer []byte
		if err := c.c.Call(method, arg, &answer); err != nil {
			return err
		}
		return checkSize(len(answer), size)
	}
	switch o {
	case opEcho:
		return func(bool) error { return bytesOf(appName+".Echo", data) }, nil
	case opNap:
		return func(sleep bool) error {
			if sleep {
				return bytesOf(appName+".Nap", drowsy)
			}
			return bytesOf(appName+".Nap", data)
		}, nil
	case opGet:
		return func(bool) error { return bytesOf(appName+".Get", size) }, nil
	case opPut:
		return func(bool) error {
			var answer int
			if err := c.c.Call(appName+".Put", data, &answer); err != nil {
				return err
			}
			return checkSize(answer, size)
		}, nil
	}
	return nil, errNoOp
}

// checkSize checks how many bytes an answer has.
func checkSize(got, want int) error {
	if got != want {
		return fmt.Errorf("%w: %d bytes instead of %d", errWrong, got, want)
	}
	return nil
}
