package main

import "fmt"

// memoryRounds is how often this is measured at most: it takes long and hardly
// varies.
const memoryRounds = 3

// memoryGroup measures a server that many clients hold references of.
func (b *bench) memoryGroup() error {
	for round := range min(b.rounds, memoryRounds) {
		fmt.Fprintf(b.log, "memory: round %d of %d\n", round+1, min(b.rounds, memoryRounds))
		if err := b.measureMemory(); err != nil {
			return err
		}
	}
	return nil
}

// measureMemory measures a new server.
func (b *bench) measureMemory() error {
	name := fmt.Sprintf("%d clients × %d references", b.scale.clients, b.scale.each)
	heap := What{Group: "memory", Name: name, Unit: "heap MB"}
	resident := What{Group: "memory", Name: name, Unit: "RSS MB"}
	if b.report.failed(heap, nomfsName) {
		return nil
	}
	server, err := startProc()
	if err != nil {
		return err
	}
	defer server.end()
	var addr string
	if err := server.do("Serve", nomfsName, &addr); err != nil {
		return err
	}
	var now Memory
	err = b.holdAll(addr, func() error { return server.do("Memory", true, &now) })
	b.report.add(heap, nomfsName, MB(now.Heap), err)
	b.report.add(resident, nomfsName, MB(now.Resident), err)
	return nil
}

// holdAll does something while all clients hold their references.
func (b *bench) holdAll(addr string, do func() error) error {
	failed := make(chan error, b.scale.clientProcs)
	for range b.scale.clientProcs {
		h, err := startProc()
		if err != nil {
			return err
		}
		defer h.end()
		go func() {
			failed <- h.do("Hold", Clients{addr, b.scale.clients / b.scale.clientProcs, b.scale.each}, &None{})
		}()
	}
	var first error
	for range b.scale.clientProcs {
		if err := <-failed; err != nil && first == nil {
			first = err
		}
	}
	if first != nil {
		return first
	}
	return do()
}
