package nomcore

import (
	"bytes"
	"context"
	"sync"
	"testing"

	"nomfs/codec"
)

// echoer is what most calls are like: a method that takes and returns some bytes.
type echoer struct {
	sync.Mutex
	Value int
}

func (*echoer) Echo(b []byte) []byte { return b }

// maxCallAllocs bounds the allocations of an echo call, at both ends together:
// the values of the argument and the result on each side, the request, and its
// context.
const maxCallAllocs = 22

func TestCallAllocations(t *testing.T) {
	server, client := listenLoopback(t, noLog), listenLoopback(t, noLog)
	if err := server.Register("x", &echoer{Value: 1}); err != nil {
		t.Fatal(err)
	}
	peer, ref := connect(t, client, server.Addr().String(), "x")
	args := []codec.Value{codec.Bytes(bytes.Repeat([]byte("x"), 96))}
	ctx := context.Background()
	call := func() {
		if _, err := peer.CallAttr(ctx, ref, "echo", args, nil); err != nil {
			t.Error(err)
		}
	}
	for range 100 { // fill the pools
		call()
	}
	if n := testing.AllocsPerRun(2000, call); n > maxCallAllocs && !raced {
		t.Errorf("%.1f allocations for a call, want at most %d", n, maxCallAllocs)
	} else {
		t.Logf("%.1f allocations for a call", n)
	}
}
