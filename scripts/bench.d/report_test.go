package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// values are what one row has for the systems.
type values map[string][]float64

// reportOf makes a report. A system with nil values has failed.
func reportOf(rows ...struct {
	What
	values
}) *Report {
	r := &Report{Date: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Commit: "abc", Machine: "a machine", Rounds: 3, Others: .123}
	for _, row := range rows {
		for system, list := range row.values {
			for _, v := range list {
				r.add(row.What, system, v, nil)
			}
			if list == nil {
				r.add(row.What, system, 0, errors.New("it is "+row.Name))
			}
		}
	}
	r.finish()
	return r
}

type testRow = struct {
	What
	values
}

var (
	rateRow   = What{"call", "echo", "calls/s", true}
	timeRow   = What{"call", "echo", "p50 µs", false}
	brokenRow = What{"call", "broken", "p50 µs", false}
	aloneRow  = What{"memory", "clients", "MB", false}
)

func TestTable(t *testing.T) {
	r := reportOf(
		testRow{rateRow, values{grpcName: {1000, 2000, 4000}, nomfsName: {2000, 3000, 4000}}},
		testRow{timeRow, values{nomfsName: {1234, 1240, 1230}, tableName: {100, 100, 100}}},
		testRow{brokenRow, values{nomfsName: nil, tableName: {1}}},
		testRow{aloneRow, values{nomfsName: {52.25}}},
	)
	var b strings.Builder
	r.print(&b)
	const want = `2026-01-02, commit abc, rounds: 3, a machine, other programs took 12 % of it

call                 nomfs       ÷ udp table            ÷ gRPC
echo, calls/s        3.00k                    1.50 (1.00-2.00)
echo, p50 µs         1.23k  12.3 (12.3-12.4)
broken, p50 µs  failed [1]                 -

memory       nomfs
clients, MB   52.2

[1] it is broken
`
	if got := b.String(); got != want {
		t.Errorf("the table is\n%s\nwant\n%s", got, want)
	}
}

func TestShort(t *testing.T) {
	tests := map[float64]string{
		.004: "0.00", .126: "0.13", 1: "1.00", 9.994: "9.99", 9.996: "10.0", 12.34: "12.3", 99.96: "100", 999.4: "999",
		999.6: "1.00k", 12_345: "12.3k", 999_600: "1.00M", 123_456_789: "123M", 2e9: "2.00G", 3e13: "30000G",
	}
	for x, want := range tests {
		if got := short(x); got != want {
			t.Errorf("short(%v) = %s, want %s", x, got, want)
		}
	}
}

func TestOthers(t *testing.T) {
	const before = "cpu  100 0 50 1000 50 0 0 0 0 0\ncpu0 7 7\n"
	tests := []struct {
		after string
		ours  time.Duration
		want  float64
	}{
		{"cpu  100 0 50 1000 50 0 0 0 0 0\n", 0, 0},
		{"cpu  100 0 50 1080 70 0 0 0 0 0\n", 0, 0},                      // idle, or waiting for a disk
		{"cpu  150 0 50 1050 50 0 0 0 0 0\n", 500 * time.Millisecond, 0}, // all ours
		{"cpu  150 0 50 1050 50 0 0 0 0 0\n", 100 * time.Millisecond, .4},
		{"cpu  110 10 60 1050 50 10 5 5 9 9\n", 0, .5}, // what guests took is in the user time, too
		{"cpu  100 0 50 1100 50 0 0 0 0 0\n", time.Second, 0},
	}
	for _, test := range tests {
		a, err := readProcessorTimes(before)
		if err != nil {
			t.Fatal(err)
		}
		b, err := readProcessorTimes(test.after)
		if err != nil {
			t.Fatal(err)
		}
		if got := others(a, b, test.ours); !near(got, test.want) {
			t.Errorf("%q, %v: %v, want %v", test.after, test.ours, got, test.want)
		}
	}
	for _, bad := range []string{"", "cpu 1 2 3", "intr 1 2 3 4 5 6 7 8 9", "cpu 1 2 3 4 x 6 7 8 9"} {
		if _, err := readProcessorTimes(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

// TestFailed tells when a value counts as failed, and that it stays so.
func TestFailed(t *testing.T) {
	for _, bad := range []float64{0, -1, inf()} {
		r := &Report{}
		r.add(rateRow, nomfsName, 5, nil)
		if r.failed(rateRow, nomfsName) {
			t.Error("5 is a failure")
		}
		r.add(rateRow, nomfsName, bad, nil)
		r.add(rateRow, nomfsName, 5, nil)
		if c := r.Rows[0].cell(nomfsName); !r.failed(rateRow, nomfsName) || len(c.Values) > 0 {
			t.Errorf("after %v the cell is %+v", bad, c)
		}
	}
}

func inf() float64 { zero := 0.0; return 1 / zero }

func TestCompare(t *testing.T) {
	tests := []struct {
		name              string
		old, new          []testRow
		worse             int
		want, wantAnother string // lines
	}{
		{
			"a slower machine changes nothing",
			[]testRow{{rateRow, values{nomfsName: {200, 200, 200}, grpcName: {100, 100, 100}, netrpcName: {400, 400, 400}}}},
			[]testRow{{rateRow, values{nomfsName: {20, 20, 20}, grpcName: {10, 10, 10}, netrpcName: {40, 40, 40}}}},
			0, "call: echo, calls/s 200 20.0 1.00 (1.00-1.00)", "",
		},
		{
			"slower than before beside the others",
			[]testRow{{rateRow, values{nomfsName: {200, 200, 200}, grpcName: {100, 100, 100}}}},
			[]testRow{{rateRow, values{nomfsName: {200, 200, 200}, grpcName: {200, 200, 200}}}},
			1, "call: echo, calls/s 200 200 0.50 (0.50-0.50) worse", "",
		},
		{
			"less is better",
			[]testRow{{timeRow, values{nomfsName: {200, 200, 200}}}},
			[]testRow{{timeRow, values{nomfsName: {100, 100, 100}}}},
			0, "call: echo, p50 µs 200 100 0.50 (0.50-0.50) better", "",
		},
		{
			"a yardstick that the other file does not have",
			[]testRow{{rateRow, values{nomfsName: {200}, grpcName: {100}}}},
			[]testRow{{rateRow, values{nomfsName: {200}, netrpcName: {100}}}},
			0, "call: echo, calls/s 200 200 1.00 (1.00-1.00)", "",
		},
		{
			"fails now, and another row is new",
			[]testRow{{rateRow, values{nomfsName: {200}}}},
			[]testRow{{rateRow, values{nomfsName: nil}}, {aloneRow, values{nomfsName: {5}}}},
			1, "call: echo, calls/s 200 failed fails now", "memory: clients, MB 5.00 added",
		},
		{
			"works now, and another row is gone",
			[]testRow{{rateRow, values{nomfsName: nil}}, {aloneRow, values{nomfsName: {5}}}},
			[]testRow{{rateRow, values{nomfsName: {200}}}},
			0, "call: echo, calls/s failed 200 works now", "memory: clients, MB 5.00 not measured",
		},
		{
			"still fails",
			[]testRow{{rateRow, values{nomfsName: nil}}},
			[]testRow{{rateRow, values{nomfsName: nil}}},
			0, "call: echo, calls/s failed failed still fails", "",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var b strings.Builder
			worse := compare(&b, reportOf(test.old...), reportOf(test.new...))
			var lines []string
			for line := range strings.Lines(b.String()) {
				lines = append(lines, strings.Join(strings.Fields(line), " "))
			}
			if worse != test.worse || !slices.Contains(lines, test.want) || !slices.Contains(lines, test.wantAnother) {
				t.Errorf("%d worse, want %d; want %q, %q in\n%s", worse, test.worse, test.want, test.wantAnother, &b)
			}
		})
	}
}

// TestRun gives the command arguments and looks at its exit status.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	file := func(name string, rows ...testRow) string {
		name = filepath.Join(dir, name)
		if err := reportOf(rows...).write(name); err != nil {
			t.Fatal(err)
		}
		return name
	}
	slow := file("slow", testRow{rateRow, values{nomfsName: {1, 1, 1}}})
	fast := file("fast", testRow{rateRow, values{nomfsName: {2, 2, 2}}})
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		args   string
		status int
		says   string
	}{
		{"compare " + slow + " " + fast, exitOK, "better"},
		{"compare " + fast + " " + slow, exitFailure, "worse"},
		{"compare " + fast, exitUsage, "usage:"},
		{"compare " + fast + " " + filepath.Join(dir, "none"), exitFailure, "no such file"},
		{"compare " + text + " " + slow, exitFailure, "text: unexpected EOF"},
		{"-rows call,nonsense", exitUsage, `no group "nonsense", only codec, call, bulk,`},
		{"-rounds 0", exitUsage, "usage:"},
		{"-rounds x", exitUsage, "invalid value"},
		{"-no-such-flag", exitUsage, "flag provided but not defined"},
		{"something", exitUsage, "usage:"},
		{"-h", exitOK, "usage:"},
	}
	for _, test := range tests {
		var out strings.Builder
		if status := run(strings.Fields(test.args), nil, &out, &out); status != test.status || !strings.Contains(out.String(), test.says) {
			t.Errorf("%s: status %d, want %d; want %q in %s", test.args, status, test.status, test.says, &out)
		}
	}
}
