package main

import (
	"errors"
	"fmt"
	"time"
)

// emptyName is the column of the service that has nothing to remember.
const emptyName = "empty"

// burden is something that a service has to remember.
type burden struct {
	name string
	load func(*bench, *pair) (helper *proc, err error) // helper may be nil
}

var burdens = []burden{
	{emptyName, func(*bench, *pair) (*proc, error) { return nil, nil }},
	{"names", func(b *bench, p *pair) (*proc, error) {
		return nil, p.server.do("Register", b.scale.names, &None{})
	}},
	{"refs", func(b *bench, p *pair) (*proc, error) {
		return withHelper(func(h *proc) error {
			return h.do("Hold", Clients{p.addr, b.scale.holders, b.scale.held}, &None{})
		})
	}},
	{"waiting", func(b *bench, p *pair) (*proc, error) {
		return withHelper(func(h *proc) error {
			if err := h.do("Wait", Clients{p.addr, b.scale.waiters, b.scale.waits}, &None{}); err != nil {
				return err
			}
			return b.awaitCalls(p)
		})
	}},
	{"own", func(b *bench, p *pair) (*proc, error) {
		if err := p.client.do("WaitSelf", b.scale.waiters*b.scale.waits, &None{}); err != nil {
			return nil, err
		}
		return nil, b.awaitCalls(p)
	}},
}

// withHelper starts a process that does something. It goes on existing.
func withHelper(do func(*proc) error) (*proc, error) {
	h, err := startProc()
	if err != nil {
		return nil, err
	}
	if err := do(h); err != nil {
		h.end()
		return nil, err
	}
	return h, nil
}

// errNotRunning says that the service does not run what it should.
var errNotRunning = errors.New("not all calls run")

// awaitCalls waits until all calls that do not return run in the server.
func (b *bench) awaitCalls(p *pair) error {
	want := int64(b.scale.waiters * b.scale.waits)
	var n int64
	for end := time.Now().Add(b.scale.preparation); time.Now().Before(end); time.Sleep(b.scale.preparationChecks) {
		if err := p.server.do("Waiting", None{}, &n); err != nil {
			return err
		}
		if n == want {
			return nil
		}
	}
	return fmt.Errorf("%w at once: %d of %d", errNotRunning, n, want)
}

// burdened is a service with its burden.
type burdened struct {
	name   string
	pair   *pair
	helper *proc
	failed error // it does not take the burden
}

func (s *burdened) end() {
	if s.helper != nil {
		s.helper.end()
	}
	s.pair.end()
}

// growthGroup measures services that have much to remember.
func (b *bench) growthGroup() error {
	var all, alive []*burdened
	defer func() {
		for _, s := range alive {
			s.end()
		}
	}()
	for _, load := range burdens {
		fmt.Fprintf(b.log, "growth: preparing %s\n", load.name)
		p, err := startPair(nomfsName)
		if err != nil {
			return err
		}
		s := &burdened{name: load.name, pair: p}
		s.helper, s.failed = load.load(b, p)
		all = append(all, s)
		if s.failed != nil {
			s.end() // it would disturb the others
			continue
		}
		alive = append(alive, s)
	}
	for round := range b.rounds {
		b.progress("growth", round)
		inTurn(round, alive, func(s *burdened) { b.measureBurdened(s) })
	}
	for _, s := range all {
		if s.failed != nil {
			for _, r := range readings() {
				b.report.add(r.row(s.name), nomfsName, 0, s.failed)
			}
		}
	}
	b.sortGrowth()
	return nil
}

// reading is one row of each service.
type reading struct {
	name, unit string
	more       bool
	alone      bool // not to be divided by that of the empty service
	of         func(*measured) (float64, error)
}

// measured is what the readings of one service in one round are taken from.
type measured struct {
	b        *bench
	pair     *pair
	newcomer *Newcomer // nil until it is needed
}

func readings() []reading {
	return []reading{
		{"echo, 1 caller", p50µs, false, false, func(m *measured) (float64, error) {
			out, err := m.pair.load(Load{opEcho, smallSize, oneCaller, m.b.scale.loadTime / 2})
			return µs(out.P50), err
		}},
		{"echo, 64 callers", callsPerSecond, true, false, func(m *measured) (float64, error) {
			out, err := m.pair.load(Load{opEcho, smallSize, manyCallers, m.b.scale.loadTime})
			return float64(out.Calls) / out.Seconds, err
		}},
		{"attribute, 1 caller", p50µs, false, false, func(m *measured) (float64, error) {
			out, err := m.pair.load(Load{opRead, smallSize, oneCaller, m.b.scale.loadTime / 2})
			return µs(out.P50), err
		}},
		{"newcomer's SYNC", unitµs, false, false, func(m *measured) (float64, error) {
			return m.first(func(n *Newcomer) (time.Duration, string) { return n.Sync, n.SyncErr })
		}},
		{"newcomer's LIST", unitµs, false, false, func(m *measured) (float64, error) {
			return m.first(func(n *Newcomer) (time.Duration, string) { return n.List, n.ListErr })
		}},
		{"newcomer's RESOLVE", unitµs, false, false, func(m *measured) (float64, error) {
			return m.first(func(n *Newcomer) (time.Duration, string) { return n.Resolve, n.ResolveErr })
		}},
		{"RSS", unitMB, false, true, func(m *measured) (float64, error) {
			var mem Memory
			err := m.pair.server.do("Memory", false, &mem)
			return MB(mem.Resident), err
		}},
	}
}

// row is the row of a reading of the service with that burden.
func (r reading) row(burden string) What {
	return What{"growth", burden + ": " + r.name, r.unit, r.more}
}

// first lets new clients come, once in a round, and returns one of their times.
func (m *measured) first(of func(*Newcomer) (time.Duration, string)) (float64, error) {
	if m.newcomer == nil {
		m.newcomer = &Newcomer{}
		if err := m.pair.client.do("Newcomers", m.b.scale.newcomers, m.newcomer); err != nil {
			return 0, err
		}
	}
	took, failed := of(m.newcomer)
	if failed != "" {
		return 0, errors.New(failed)
	}
	return µs(took), nil
}

// measureBurdened takes all readings of one service. Those of the empty one go
// into the rows of all others, to divide by.
func (b *bench) measureBurdened(s *burdened) {
	m := &measured{b: b, pair: s.pair}
	for _, r := range readings() {
		own := s.name != emptyName || r.alone
		if own && b.report.failed(r.row(s.name), nomfsName) {
			continue
		}
		value, err := r.of(m)
		if own {
			b.report.add(r.row(s.name), nomfsName, value, err)
			continue
		}
		for _, other := range burdens {
			if other.name != emptyName {
				b.report.add(r.row(other.name), emptyName, value, err)
			}
		}
	}
}

// sortGrowth puts the rows of each burden together.
func (b *bench) sortGrowth() {
	var want []*Row
	for _, load := range burdens {
		for _, r := range readings() {
			if load.name != emptyName || r.alone {
				want = append(want, b.report.row(r.row(load.name)))
			}
		}
	}
	first := 0
	for b.report.Rows[first].Group != "growth" {
		first++
	}
	copy(b.report.Rows[first:], want)
}
