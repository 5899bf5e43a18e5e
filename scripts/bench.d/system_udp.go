package main

import (
	"encoding/binary"
	"net"
	"net/netip"
	"sync"
)

const (
	// udpBuffer is asked for as the kernel's buffers of a socket, in bytes: as
	// much as nomfs asks for, so that no burst is lost.
	udpBuffer = 4 << 20
	// udpMax is more than any datagram has, in bytes.
	udpMax = 1 << 16
	// xidSize is the number of a request, in bytes.
	xidSize = 4
)

// listenUDP opens an unconnected socket.
func listenUDP() (*net.UDPConn, error) {
	c, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.MustParseAddrPort(loopback)))
	if err != nil {
		return nil, err
	}
	return c, enlarge(c)
}

func enlarge(c *net.UDPConn) error {
	if err := c.SetReadBuffer(udpBuffer); err != nil {
		return err
	}
	return c.SetWriteBuffer(udpBuffer)
}

// serveUDP answers each datagram with itself.
func serveUDP() (string, error) {
	c, err := listenUDP()
	if err != nil {
		return "", err
	}
	go func() {
		b := make([]byte, udpMax)
		for {
			n, from, err := c.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			if _, err := c.WriteToUDPAddrPort(b[:n], from); err != nil {
				return
			}
		}
	}()
	return c.LocalAddr().String(), nil
}

// tableClient sends the requests of all callers over one socket. One goroutine
// reads the answers and hands them out by their number.
type tableClient struct {
	c  *net.UDPConn
	to netip.AddrPort

	mu      sync.Mutex
	next    uint32
	pending map[uint32]chan int // gets the size of the answer
}

func dialTable(addr string) (client, error) {
	to, err := netip.ParseAddrPort(addr)
	if err != nil {
		return nil, err
	}
	socket, err := listenUDP()
	if err != nil {
		return nil, err
	}
	c := &tableClient{c: socket, to: to, pending: make(map[uint32]chan int)}
	go c.read()
	return c, nil
}

func (c *tableClient) close() { c.c.Close() }

func (c *tableClient) read() {
	b := make([]byte, udpMax)
	for {
		n, _, err := c.c.ReadFromUDPAddrPort(b)
		if err != nil {
			return
		}
		if n < xidSize {
			continue
		}
		xid := binary.BigEndian.Uint32(b)
		c.mu.Lock()
		answered := c.pending[xid]
		delete(c.pending, xid)
		c.mu.Unlock()
		if answered != nil {
			answered <- n - xidSize
		}
	}
}

func (c *tableClient) caller(o op, size int) (func(bool) error, error) {
	if o != opEcho && o != opRead { // which is the same to UDP
		return nil, errNoOp
	}
	packet := make([]byte, xidSize+size)
	answered := make(chan int, 1)
	return func(bool) error {
		c.mu.Lock()
		c.next++
		xid := c.next
		c.pending[xid] = answered
		c.mu.Unlock()
		binary.BigEndian.PutUint32(packet, xid)
		if _, err := c.c.WriteToUDPAddrPort(packet, c.to); err != nil {
			return err
		}
		return checkSize(<-answered, size)
	}, nil
}

// pingClient has a socket for each caller.
type pingClient struct {
	addr string

	mu      sync.Mutex
	sockets []*net.UDPConn
}

func dialPing(addr string) (client, error) { return &pingClient{addr: addr}, nil }

func (c *pingClient) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.sockets {
		s.Close()
	}
}

func (c *pingClient) caller(o op, size int) (func(bool) error, error) {
	if o != opEcho && o != opRead { // which is the same to UDP
		return nil, errNoOp
	}
	to, err := netip.ParseAddrPort(c.addr)
	if err != nil {
		return nil, err
	}
	s, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(to))
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	c.sockets = append(c.sockets, s)
	c.mu.Unlock()
	packet, answer := make([]byte, size), make([]byte, size+1)
	return func(bool) error {
		if _, err := s.Write(packet); err != nil {
			return err
		}
		n, err := s.Read(answer)
		if err != nil {
			return err
		}
		return checkSize(n, size)
	}, nil
}
