package main

import (
	"math"
	"slices"
)

// Spread is a middle value and the values around it.
type Spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

// spreadOf returns the median, the least and the greatest of some values.
// There must be at least one.
func spreadOf(values []float64) Spread {
	return Spread{Median: quantile(values, .5), Min: slices.Min(values), Max: slices.Max(values)}
}

// quantile returns the value below which a part q of the values lies, between 0
// and 1. It interpolates between neighbours. There must be at least one value.
func quantile(values []float64, q float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	at := q * float64(len(sorted)-1)
	below := int(at)
	if below == len(sorted)-1 {
		return sorted[below]
	}
	part := at - float64(below)
	return sorted[below]*(1-part) + sorted[below+1]*part
}

// ratios divides the values of each round that both have.
func ratios(a, b []float64) []float64 {
	out := make([]float64, min(len(a), len(b)))
	for i := range out {
		out[i] = a[i] / b[i]
	}
	return out
}

// geomean returns the geometric mean of positive values, 1 for none.
func geomean(values []float64) float64 {
	if len(values) == 0 {
		return 1
	}
	sum := 0.0
	for _, v := range values {
		sum += math.Log(v)
	}
	return math.Exp(sum / float64(len(values)))
}

// change is how a value has changed between two files: new divided by old.
type change struct {
	Ratio     float64
	Low, High float64 // without the outer sixths of the rounds
}

// changeOf compares the rounds of two files. Both must have at least one.
func changeOf(before, after []float64) change {
	// Of seven rounds the lowest and the highest are left out.
	const lower, upper = 1. / 6, 5. / 6
	return change{
		Ratio: quantile(after, .5) / quantile(before, .5),
		Low:   quantile(after, lower) / quantile(before, upper),
		High:  quantile(after, upper) / quantile(before, lower),
	}
}

// noiseFloor is the part by which a median may move without being a change:
// what two runs of the same program differ by on a machine that is shared.
const noiseFloor = .05

// verdict says what a change means: "worse", "better", or "" for noise.
// more says that greater values are better.
func (c change) verdict(more bool) string {
	grew := c.Low > 1 && c.Ratio > 1+noiseFloor
	fell := c.High < 1 && c.Ratio < 1/(1+noiseFloor)
	switch {
	case grew == fell:
		return ""
	case grew == more:
		return "better"
	}
	return "worse"
}
