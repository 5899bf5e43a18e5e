package main

import "fmt"

// memoryGroup measures a server that many clients hold references of.
func (b *bench) memoryGroup() error {
	fmt.Fprintf(b.log, "memory: %d clients\n", b.scale.clients)
	server, err := startProc()
	if err != nil {
		return err
	}
	defer server.end()
	var addr string
	if err := server.do("Serve", nomfsName, &addr); err != nil {
		return err
	}
	name := fmt.Sprintf("%d clients × %d references", b.scale.clients, b.scale.each)
	heap := What{Group: "memory", Name: name, Unit: "heap MB"}
	resident := What{Group: "memory", Name: name, Unit: "RSS MB"}
	var now Memory
	if err := b.holdAll(addr, func() error { return server.do("Memory", true, &now) }); err != nil {
		b.report.add(heap, nomfsName, 0, err)
		b.report.add(resident, nomfsName, 0, err)
		return nil
	}
	b.report.add(heap, nomfsName, MB(now.Heap), nil)
	b.report.add(resident, nomfsName, MB(now.Resident), nil)
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
