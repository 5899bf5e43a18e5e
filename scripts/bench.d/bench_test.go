package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestMain makes the test binary a process that is measured, if it was started as
// one.
func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// tinyScale is enough to see that everything is measured, not what comes out.
var tinyScale = scale{
	warm:      10 * time.Millisecond,
	loadTime:  20 * time.Millisecond,
	napTime:   100 * time.Millisecond,
	codecTime: time.Millisecond,
	names:     50,
	holders:   3, held: 20,
	waiters: 2, waits: 10,
	newcomers: 2,
	clients:   20, each: 3, clientProcs: 2,
	starts:            1,
	preparation:       20 * time.Second,
	preparationChecks: time.Millisecond,
}

// wantRows are all rows, each with the systems that it has.
func wantRows() []string {
	const (
		all    = "nomfs, udp table, udp ping, net/rpc, gRPC"
		udp    = "nomfs, udp table, udp ping"
		remote = "nomfs, net/rpc, gRPC"
	)
	var rows []string
	for _, way := range []string{"encode", "decode"} {
		for _, value := range []string{"int", "text", "bytes", "reference", "list", "map", "record", "geometric mean"} {
			rows = append(rows, "codec: "+way+" "+value+", per s: nomfs, cbor, msgpack, gob, json, best, gob stream")
		}
	}
	for _, n := range []string{"1 caller", "8 callers", "64 callers"} {
		for _, unit := range []string{"calls/s", "p50 µs", "p99 µs", "CPU µs"} {
			rows = append(rows, "call: echo, "+n+", "+unit+": "+all)
		}
		rows = append(rows, "call: echo, "+n+", allocs: "+remote)
	}
	rows = append(rows,
		"call: attribute, 1 caller, p50 µs: "+udp,
		"call: 1 % sleep, 8 callers, p99 ms: "+remote,
		"call: 1 % sleep, 64 callers, p99 ms: "+remote,
		"bulk: put 60 kB, 1 caller, calls/s: nomfs, net/rpc",
		"bulk: get 60 kB, 1 caller, calls/s: nomfs, net/rpc",
		"bulk: echo 60 kB, 1 caller, calls/s: nomfs, net/rpc",
	)
	for _, burden := range []string{"names", "refs", "waiting", "own"} {
		for _, what := range []string{
			"echo, 1 caller, p50 µs", "echo, 64 callers, calls/s", "attribute, 1 caller, p50 µs",
			"newcomer's SYNC, µs", "newcomer's LIST, µs", "newcomer's RESOLVE, µs",
		} {
			rows = append(rows, "growth: "+burden+": "+what+": nomfs, empty")
		}
		rows = append(rows, "growth: "+burden+": RSS, MB: nomfs")
	}
	return append(rows,
		"growth: empty: RSS, MB: nomfs",
		"memory: 20 clients × 3 references, heap MB: nomfs",
		"memory: 20 clients × 3 references, RSS MB: nomfs",
		"cold: nomfs get, ms: nomfs",
		"cold: first answer, ms: "+remote,
		"cold: dial and call, ms: "+remote,
	)
}

// TestAllRows measures everything, a little, and finds a value in each cell.
func TestAllRows(t *testing.T) {
	nomfs := filepath.Join(t.TempDir(), "nomfs")
	build := exec.Command("go", "build", "-C", filepath.Join("..", ".."), "-o", nomfs, "./cmd/nomfs")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	const rounds = 2
	b := &bench{rounds: rounds, scale: tinyScale, nomfs: nomfs, log: io.Discard, report: &Report{Rounds: rounds}}
	if err := b.measure(groups); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "bench.json")
	if err := b.report.write(file); err != nil {
		t.Fatal(err)
	}
	r, err := readReport(file)
	if err != nil {
		t.Fatal(err)
	}
	var rows []string
	for _, row := range r.Rows {
		var names []string
		for _, c := range row.Cells {
			names = append(names, c.System)
			if c.Error != "" || len(c.Values) != rounds || c.Spread == nil || (c.Ratio == nil) != (c.System == nomfsName) {
				t.Errorf("%v: the cell is %+v", row.What, c)
			}
		}
		rows = append(rows, label(row)+": "+strings.Join(names, ", "))
	}
	want := wantRows()
	if !slices.Equal(slices.Sorted(slices.Values(rows)), slices.Sorted(slices.Values(want))) {
		t.Errorf("the rows are\n%s\nwant\n%s", strings.Join(rows, "\n"), strings.Join(want, "\n"))
	}
}

// fakeClient is a client whose calls all do the same.
type fakeClient func(sleep bool) error

func (f fakeClient) caller(op, int) (func(bool) error, error) {
	if f == nil {
		return nil, errNoOp
	}
	return f, nil
}

func (fakeClient) close() {}

// TestLoad makes calls of which some go wrong. Its clock is that of a bubble.
func TestLoad(t *testing.T) {
	const callTime, sleepTime = time.Millisecond, time.Second
	steady := func(bool) error {
		time.Sleep(callTime)
		return nil
	}
	tests := map[string]struct {
		client fakeClient
		load   Load
		err    error
		calls  uint64
	}{
		"one caller": {client: steady, load: Load{Op: opEcho, Callers: 1, For: time.Second}, calls: 1000},
		"8 callers":  {client: steady, load: Load{Op: opEcho, Callers: 8, For: time.Second}, calls: 8000},
		"an echo does not sleep": {client: func(sleep bool) error {
			if sleep {
				return errWrong
			}
			return steady(false)
		}, load: Load{Op: opEcho, Callers: 2, For: time.Second}, calls: 2000},
		"it lacks the operation": {load: Load{Op: opPut, Callers: 1, For: time.Second}, err: errNoOp},
		"the calls fail":         {client: func(bool) error { return errWrong }, load: Load{Op: opEcho, Callers: 2, For: time.Second}, err: errWrong},
		"the calls take too long": {client: func(bool) error {
			time.Sleep(time.Minute)
			return nil
		}, load: Load{Op: opEcho, Callers: 2, For: time.Second}, err: errStuck},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				out, err := load(test.client, test.load)
				if !errors.Is(err, test.err) || out.Calls != test.calls {
					t.Errorf("%d calls, %v; want %d, %v", out.Calls, err, test.calls, test.err)
				}
				if test.err == nil && (out.Seconds != 1 || abs(out.P50-callTime) > callTime/100) {
					t.Errorf("%v s, p50 %v", out.Seconds, out.P50)
				}
				time.Sleep(time.Hour) // all callers end
			})
		})
	}
	t.Run("some callees sleep", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var slept atomic.Uint64
			out, err := load(fakeClient(func(sleep bool) error {
				if sleep {
					slept.Add(1)
					time.Sleep(sleepTime)
				}
				return steady(sleep)
			}), Load{Op: opNap, Callers: 10, For: 100 * time.Second})
			if err != nil {
				t.Fatal(err)
			}
			if part := float64(slept.Load()) / float64(out.Calls); part < .005 || part > .02 {
				t.Errorf("%v of the callees slept", part)
			}
			if abs(out.P99-callTime) > callTime/100 {
				t.Errorf("p99 of the others is %v", out.P99)
			}
		})
	})
}

func abs(d time.Duration) time.Duration { return max(d, -d) }

// BenchmarkEcho has both ends in one process, which a profile can show.
func BenchmarkEcho(b *testing.B) {
	for _, s := range systems {
		for _, n := range []int{oneCaller, someCallers, manyCallers} {
			b.Run(fmt.Sprintf("%s/%d", s.name, n), func(b *testing.B) {
				addr, err := s.serve()
				if err != nil {
					b.Fatal(err)
				}
				c, err := s.dial(addr)
				if err != nil {
					b.Fatal(err)
				}
				defer c.close()
				benchmarkCallers(b, c, n)
			})
		}
	}
}

// benchmarkCallers lets so many callers share the calls.
func benchmarkCallers(b *testing.B, c client, n int) {
	calls := make([]func(bool) error, n)
	for i := range calls {
		var err error
		if calls[i], err = c.caller(opEcho, smallSize); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	b.ResetTimer()
	var left atomic.Int64
	left.Store(int64(b.N))
	var wg sync.WaitGroup
	for _, call := range calls {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				if err := call(false); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}
