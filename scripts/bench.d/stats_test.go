package main

import (
	"math"
	"slices"
	"testing"
	"time"
)

func near(a, b float64) bool { return math.Abs(a-b) < 1e-9 }

func TestSpread(t *testing.T) {
	tests := []struct {
		values []float64
		want   Spread
	}{
		{[]float64{5}, Spread{5, 5, 5}},
		{[]float64{4, 1}, Spread{2.5, 1, 4}},
		{[]float64{9, 1, 2}, Spread{2, 1, 9}},
		{[]float64{7, 1, 6, 2, 5, 3, 4}, Spread{4, 1, 7}},
		{[]float64{1, 1, 1, 100}, Spread{1, 1, 100}},
	}
	for _, test := range tests {
		before := slices.Clone(test.values)
		if got := spreadOf(test.values); got != test.want {
			t.Errorf("spreadOf(%v) = %v, want %v", test.values, got, test.want)
		}
		if !slices.Equal(test.values, before) {
			t.Errorf("spreadOf has changed %v to %v", before, test.values)
		}
	}
}

func TestQuantile(t *testing.T) {
	seven := []float64{7, 1, 6, 2, 5, 3, 4}
	tests := []struct {
		values []float64
		q      float64
		want   float64
	}{
		{[]float64{3}, .25, 3},
		{seven, 0, 1},
		{seven, .25, 2.5},
		{seven, .5, 4},
		{seven, .75, 5.5},
		{seven, 1, 7},
		{[]float64{10, 20}, .25, 12.5},
	}
	for _, test := range tests {
		if got := quantile(test.values, test.q); !near(got, test.want) {
			t.Errorf("quantile(%v, %v) = %v, want %v", test.values, test.q, got, test.want)
		}
	}
}

func TestRatios(t *testing.T) {
	tests := []struct{ a, b, want []float64 }{
		{[]float64{2, 9}, []float64{4, 3}, []float64{.5, 3}},
		{[]float64{2, 9, 8}, []float64{4}, []float64{.5}},
		{nil, []float64{4}, []float64{}},
	}
	for _, test := range tests {
		if got := ratios(test.a, test.b); !slices.Equal(got, test.want) {
			t.Errorf("ratios(%v, %v) = %v, want %v", test.a, test.b, got, test.want)
		}
	}
}

func TestGeomean(t *testing.T) {
	tests := []struct {
		values []float64
		want   float64
	}{
		{nil, 1},
		{[]float64{3}, 3},
		{[]float64{2, 8}, 4},
		{[]float64{.5, 2}, 1},
		{[]float64{1e300, 1e300, 1e300}, 1e300},
	}
	for _, test := range tests {
		if got := geomean(test.values); math.Abs(got/test.want-1) > 1e-9 {
			t.Errorf("geomean(%v) = %v, want %v", test.values, got, test.want)
		}
	}
}

func TestVerdict(t *testing.T) {
	steady := []float64{99, 100, 101, 100, 100, 99, 101}
	times := func(f float64) []float64 {
		out := slices.Clone(steady)
		for i := range out {
			out[i] *= f
		}
		return out
	}
	wild := []float64{50, 200, 90, 110, 100, 150, 60}
	tests := []struct {
		name          string
		before, after []float64
		less, more    string // verdict where smaller, or greater, values are better
	}{
		{"the same", steady, steady, "", ""},
		{"within 5 %", steady, times(1.04), "", ""},
		{"grew", steady, times(1.08), "worse", "better"},
		{"fell", steady, times(.92), "better", "worse"},
		{"grew within the noise", wild, times(1.2), "", ""},
		{"one round is far off", steady, []float64{100, 100, 300, 99, 101, 100, 100}, "", ""},
		{"grew beyond the noise", wild, times(3), "worse", "better"},
		{"measured once", []float64{100}, []float64{120}, "worse", "better"},
		{"measured once, nearly the same", []float64{100}, []float64{103}, "", ""},
	}
	for _, test := range tests {
		c := changeOf(test.before, test.after)
		if got := c.verdict(false); got != test.less {
			t.Errorf("%s: %q where less is better, want %q: %+v", test.name, got, test.less, c)
		}
		if got := c.verdict(true); got != test.more {
			t.Errorf("%s: %q where more is better, want %q: %+v", test.name, got, test.more, c)
		}
	}
}

func TestHistogram(t *testing.T) {
	tests := []struct {
		name  string
		times []time.Duration
		q     float64
		want  time.Duration
	}{
		{"nothing", nil, .5, 0},
		{"one", []time.Duration{time.Millisecond}, .99, time.Millisecond},
		{"zero", []time.Duration{0}, .5, 0},
		{"negative, as from a clock that was set", []time.Duration{-1}, .5, 0},
		{"short", []time.Duration{3}, .5, 3},
		{"middle", []time.Duration{1, 2, 3}, .5, 2},
		{"a long tail", append(slices.Repeat([]time.Duration{time.Microsecond}, 98), time.Second, time.Second), .5, time.Microsecond},
		{"99 of 100", append(slices.Repeat([]time.Duration{time.Microsecond}, 98), time.Second, time.Second), .99, time.Second},
		{"a minute", []time.Duration{time.Minute}, .5, time.Minute},
		{"a year, which is beyond all buckets", []time.Duration{365 * 24 * time.Hour}, .5, bucketMiddle(histogramBuckets - 1)},
	}
	const width = 1.0 / 128 // of a bucket
	for _, test := range tests {
		// Two histograms, to see that they are merged.
		var h, other histogram
		for i, d := range test.times {
			[]*histogram{&h, &other}[i%2].add(d)
		}
		h.merge(&other)
		got := h.quantile(test.q)
		if off := math.Abs(float64(got - test.want)); off > width*float64(test.want) {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

// TestBuckets walks over all buckets: each begins where the one before it ends.
func TestBuckets(t *testing.T) {
	for bucket := range histogramBuckets {
		if got := bucketOf(bucketMiddle(bucket)); got != bucket {
			t.Fatalf("the middle of bucket %d is in bucket %d", bucket, got)
		}
	}
	if longest := bucketMiddle(histogramBuckets - 1); longest < time.Minute {
		t.Errorf("durations end at %v", longest)
	}
}

func TestInTurn(t *testing.T) {
	tests := []struct {
		round int
		want  string
	}{{0, "abc"}, {1, "bca"}, {2, "cab"}, {3, "abc"}}
	for _, test := range tests {
		got := ""
		inTurn(test.round, []string{"a", "b", "c"}, func(s string) { got += s })
		if got != test.want {
			t.Errorf("round %d: %s, want %s", test.round, got, test.want)
		}
	}
}
