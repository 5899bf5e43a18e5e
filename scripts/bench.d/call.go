package main

import "fmt"

// The numbers of callers that are measured: a lone one, a few, many.
const (
	oneCaller   = 1
	someCallers = 8
	manyCallers = 64
)

// callers names a number of callers.
func callers(n int) string {
	if n == 1 {
		return "1 caller"
	}
	return fmt.Sprintf("%d callers", n)
}

// callGroup measures small calls, in processes that are new in each round.
func (b *bench) callGroup() error {
	var names []string
	for _, s := range systems {
		names = append(names, s.name)
	}
	for round := range b.rounds {
		b.progress("call", round)
		pairs, err := b.startPairs(names)
		if err != nil {
			return err
		}
		for _, n := range []int{oneCaller, someCallers, manyCallers} {
			inTurn(round, pairs, func(p *pair) { b.echo(p, n) })
		}
		inTurn(round, pairs, b.attribute)
		for _, n := range []int{someCallers, manyCallers} {
			inTurn(round, pairs, func(p *pair) { b.nap(p, n) })
		}
		endPairs(pairs)
	}
	return nil
}

// load makes calls, unless a row says that they have failed before. It enters the
// error in the row. ok says that there is an answer.
func (b *bench) load(p *pair, w What, l Load) (out Loaded, ok bool) {
	if b.report.failed(w, p.system) {
		return out, false
	}
	out, err := p.load(l)
	if err != nil {
		b.report.add(w, p.system, 0, err)
	}
	return out, err == nil
}

// echo measures the echo of small calls.
func (b *bench) echo(p *pair, n int) {
	row := func(unit string) What { return What{"call", "echo, " + callers(n), unit, unit == callsPerSecond} }
	out, ok := b.load(p, row(callsPerSecond), Load{opEcho, smallSize, n, b.scale.loadTime})
	if !ok {
		return
	}
	calls := float64(out.Calls)
	b.report.add(row(callsPerSecond), p.system, calls/out.Seconds, nil)
	b.report.add(row(p50µs), p.system, µs(out.P50), nil)
	b.report.add(row(p99µs), p.system, µs(out.P99), nil)
	b.report.add(row(unitCPU), p.system, µs(out.Used.CPU)/calls, nil)
	// UDP alone allocates nothing in a call, and nothing cannot be divided.
	if p.system != tableName && p.system != pingName {
		b.report.add(row(unitAllocs), p.system, float64(out.Used.Allocs)/calls, nil)
	}
}

// attribute measures reading an attribute. Of the others only UDP, which does not
// know what it carries, is beside it.
func (b *bench) attribute(p *pair) {
	if p.system == netrpcName || p.system == grpcName {
		return
	}
	w := What{Group: "call", Name: "attribute, " + callers(oneCaller), Unit: p50µs}
	if out, ok := b.load(p, w, Load{opRead, smallSize, oneCaller, b.scale.loadTime}); ok {
		b.report.add(w, p.system, µs(out.P50), nil)
	}
}

// nap measures the calls beside callees that sleep. UDP is left out: it has
// nobody who could sleep.
func (b *bench) nap(p *pair, n int) {
	if p.system == tableName || p.system == pingName {
		return
	}
	w := What{Group: "call", Name: "1 % sleep, " + callers(n), Unit: p99ms}
	if out, ok := b.load(p, w, Load{opNap, smallSize, n, b.scale.napTime}); ok {
		b.report.add(w, p.system, ms(out.P99), nil)
	}
}

// bulkGroup measures large calls.
func (b *bench) bulkGroup() error {
	for round := range b.rounds {
		b.progress("bulk", round)
		pairs, err := b.startPairs([]string{nomfsName, netrpcName})
		if err != nil {
			return err
		}
		for _, o := range []op{opPut, opGet, opEcho} {
			w := What{Group: "bulk", Name: string(o) + " 60 kB, " + callers(oneCaller), Unit: callsPerSecond, More: true}
			inTurn(round, pairs, func(p *pair) {
				if out, ok := b.load(p, w, Load{o, bulkSize, oneCaller, b.scale.loadTime}); ok {
					b.report.add(w, p.system, float64(out.Calls)/out.Seconds, nil)
				}
			})
		}
		endPairs(pairs)
	}
	return nil
}
