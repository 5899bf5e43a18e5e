package main

import (
	"fmt"
	"runtime"
	"syscall"
	"time"
)

// bestName is the column of the fastest of the other codecs.
const bestName = "best"

// streamName is gob on a stream. Its bytes cannot be read alone, so it is not among
// those of which one is the best.
const streamName = "gob stream"

// coder turns one value into bytes and bytes into it, again and again.
type coder struct {
	encode func() error
	decode func() error
	value  func() any // what was decoded last
}

// codecs are the libraries, in the order of the columns.
var codecs = []struct {
	name string
	make func(sample) (*coder, error)
}{
	{nomfsName, newNomCoder},
	{"cbor", newCBORCoder},
	{"msgpack", newMsgpackCoder},
	{"gob", newGobCoder},
	{"json", newJSONCoder},
	{streamName, newStreamCoder},
}

// codecGroup measures all codecs with all samples.
func (b *bench) codecGroup() error {
	var jobs []*codecJob
	for _, s := range samples() {
		for _, lib := range codecs {
			c, err := lib.make(s)
			if err != nil {
				return fmt.Errorf("%s: %s: %w", lib.name, s.name, err)
			}
			jobs = append(jobs, &codecJob{sample: s.name, codec: lib.name, coder: c})
		}
	}
	for _, way := range []string{"encode", "decode"} {
		for round := range b.rounds {
			b.progress("codec, "+way, round)
			rates := make(map[string][]float64) // of all samples, by codec
			for i := range jobs {
				// The codecs of one sample stand side by side. Each round begins
				// with another one.
				first := i - i%len(codecs)
				j := jobs[first+(i+round)%len(codecs)]
				rate, err := j.measure(way, b.scale.codecTime)
				if err != nil {
					return fmt.Errorf("%s: %s %s: %w", j.codec, way, j.sample, err)
				}
				b.report.add(codecRow(way, j.sample), j.codec, rate, nil)
				rates[j.codec] = append(rates[j.codec], rate)
			}
			for _, s := range samples() {
				b.addBest(codecRow(way, s.name))
			}
			mean := codecRow(way, "geometric mean")
			for _, lib := range codecs {
				b.report.add(mean, lib.name, geomean(rates[lib.name]), nil)
			}
			b.addBest(mean)
		}
	}
	return nil
}

func codecRow(way, sample string) What {
	return What{Group: "codec", Name: way + " " + sample, Unit: "per s", More: true}
}

// addBest enters the fastest of the others in the round that was measured last.
func (b *bench) addBest(w What) {
	best := 0.0
	for _, c := range b.report.row(w).Cells {
		if c.System != nomfsName && c.System != bestName && c.System != streamName {
			best = max(best, c.Values[len(c.Values)-1])
		}
	}
	b.report.add(w, bestName, best, nil)
}

// codecJob is one sample in one codec.
type codecJob struct {
	sample, codec string
	coder         *coder
}

// measure returns how often it is done in a second of the process's time. It
// takes about so long.
func (j *codecJob) measure(way string, about time.Duration) (float64, error) {
	do := j.coder.encode
	if way == "decode" {
		do = j.coder.decode
	}
	runtime.GC() // so that no other codec's garbage counts
	start := processorTime(syscall.RUSAGE_SELF)
	for n, batch := 0, 1; ; batch *= 2 {
		// The time is asked after 1, 3, 7, 15 … times.
		for range batch {
			if err := do(); err != nil {
				return 0, err
			}
		}
		n += batch
		if took := processorTime(syscall.RUSAGE_SELF) - start; took >= about/2 {
			return float64(n) / took.Seconds(), nil
		}
	}
}
