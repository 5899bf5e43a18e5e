package main

import (
	"errors"
	"time"
)

// An op is what the callers repeat.
type op string

const (
	opEcho op = "echo" // send bytes and get them back
	opNap  op = "nap"  // an echo that may sleep
	opRead op = "read" // read an attribute
	opPut  op = "put"  // send bytes, get a number
	opGet  op = "get"  // send a number, get bytes
)

const (
	// smallSize is what an echo carries, in bytes: a typical call.
	smallSize = 96
	// bulkSize is what a bulk call carries, in bytes: it fits one datagram
	// together with what goes around it.
	bulkSize = 60_000
	// napTime is how long a callee sleeps that sleeps.
	napTime = 50 * time.Millisecond
	// napOne in so many callees sleeps.
	napOne = 100
	// napByte is the first byte of an argument that makes a callee sleep.
	napByte = 1
)

// napIf sleeps if the argument says so.
func napIf(first byte) {
	if first == napByte {
		time.Sleep(napTime)
	}
}

// system is one way to call another process.
type system struct {
	name  string
	serve func() (addr string, err error)
	dial  func(addr string) (client, error)
}

// client is one end of a connection.
type client interface {
	// caller returns what one of several concurrent callers repeats: an
	// operation that carries so many bytes. sleep makes the callee of opNap
	// sleep. The error is errNoOp if the system does not have the operation.
	caller(o op, size int) (func(sleep bool) error, error)
	close()
}

// systems are all systems, in the order of the columns.
var systems = []system{
	{nomfsName, serveNomfs, dialNomfs},
	{tableName, serveUDP, dialTable},
	{pingName, serveUDP, dialPing},
	{netrpcName, serveNetrpc, dialNetrpc},
	{grpcName, serveGRPC, dialGRPC},
}

const (
	nomfsName  = "nomfs"
	tableName  = "udp table"
	pingName   = "udp ping"
	netrpcName = "net/rpc"
	grpcName   = "gRPC"
)

// systemOf returns a system by its name.
func systemOf(name string) (system, error) {
	for _, s := range systems {
		if s.name == name {
			return s, nil
		}
	}
	return system{}, errors.New("no system " + name)
}

var (
	errNoOp  = errors.New("the system does not have the operation")
	errWrong = errors.New("the answer is wrong")
)

// loopback is where all servers listen, on a free port.
const loopback = "127.0.0.1:0"
