package main

import (
	"fmt"
	"io"
	"time"
)

// bench is a run.
type bench struct {
	rounds int
	scale  scale
	nomfs  string // the command, for the group cold
	report *Report
	log    io.Writer // hears how far it is
}

// scale says how much is measured, and for how long.
type scale struct {
	warm      time.Duration // before a pair is measured
	loadTime  time.Duration // of one system with so many callers
	napTime   time.Duration // the same, where callees sleep
	codecTime time.Duration // of one codec with one value

	names             int // registered objects
	holders, held     int // clients, and references of each
	waiters, waits    int // clients, and calls of each that do not return
	newcomers         int // new clients in each round
	clients, each     int // of group memory, and references of each
	clientProcs       int // processes that these clients share
	starts            int // of a program in each round
	preparation       time.Duration
	preparationChecks time.Duration
}

// fullScale is what scripts/bench measures: all groups in less than six minutes.
var fullScale = scale{
	warm:      150 * time.Millisecond,
	loadTime:  400 * time.Millisecond,
	napTime:   600 * time.Millisecond, // 1 % of the calls of one caller in that time is a few
	codecTime: 30 * time.Millisecond,

	names:   100_000,
	holders: 100, held: 1000,
	waiters: 10, waits: 1000,
	newcomers: 10,
	clients:   10_000, each: 10,
	clientProcs:       4, // so that their sockets stay below the usual limit of files
	starts:            5,
	preparation:       15 * time.Second,
	preparationChecks: 20 * time.Millisecond,
}

// group is a group of rows.
type group struct {
	name string
	run  func(*bench) error
}

// groups are all groups, in the order of the table.
var groups = []group{
	{"codec", (*bench).codecGroup},
	{"call", (*bench).callGroup},
	{"bulk", (*bench).bulkGroup},
	{"growth", (*bench).growthGroup},
	{"memory", (*bench).memoryGroup},
	{"cold", (*bench).coldGroup},
}

func (b *bench) progress(what string, round int) {
	fmt.Fprintf(b.log, "%s: round %d of %d\n", what, round+1, b.rounds)
}

// inTurn goes through some things, each round from another one on.
func inTurn[T any](round int, things []T, do func(T)) {
	for i := range things {
		do(things[(i+round)%len(things)])
	}
}

// startPairs starts client and server of several systems, and lets them warm up.
func (b *bench) startPairs(names []string) ([]*pair, error) {
	var pairs []*pair
	for _, name := range names {
		p, err := startPair(name)
		if err == nil {
			pairs = append(pairs, p)
			_, err = p.load(Load{Op: opEcho, Size: smallSize, Callers: manyCallers, For: b.scale.warm})
		}
		if err != nil {
			endPairs(pairs)
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return pairs, nil
}

func endPairs(pairs []*pair) {
	for _, p := range pairs {
		p.end()
	}
}

// µs and ms return a duration as a number.
func µs(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// The units of the table.
const (
	callsPerSecond = "calls/s"
	p50µs          = "p50 µs"
	p99µs          = "p99 µs"
	p99ms          = "p99 ms"
	unitµs         = "µs"
	unitms         = "ms"
	unitMB         = "MB"
	unitAllocs     = "allocs"
	unitCPU        = "CPU µs"
)

// MB returns bytes as a number of 10⁶ of them.
func MB(bytes uint64) float64 { return float64(bytes) / 1e6 }
