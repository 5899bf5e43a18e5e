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

// codecLib is a library.
type codecLib struct {
	name string
	make func(sample) (*coder, error)
}

// codecs are the libraries, in the order of the columns.
var codecs = []codecLib{
	{nomfsName, newNomCoder},
	{"cbor", newCBORCoder},
	{"msgpack", newMsgpackCoder},
	{"gob", newGobCoder},
	{"json", newJSONCoder},
	{streamName, newStreamCoder},
}

// codecGroup measures all codecs with all samples.
func (b *bench) codecGroup() error {
	for round := range b.rounds {
		b.progress("codec", round)
		p, err := startProc()
		if err != nil {
			return err
		}
		var rates []CodecRate
		err = p.do("Codecs", CodecArgs{Round: round, About: b.scale.codecTime}, &rates)
		p.end()
		if err != nil {
			return err
		}
		b.addRates(rates)
	}
	return nil
}

// CodecArgs says how codecs are measured.
type CodecArgs struct {
	Round int
	About time.Duration // of one codec with one sample
}

// CodecRate is how fast one codec was with one sample.
type CodecRate struct {
	Way, Sample, Codec string
	Rate               float64 // per second
}

// Codecs measures all codecs with all samples, once.
func (c *Child) Codecs(a CodecArgs, answer *[]CodecRate) error {
	for _, way := range codecWays {
		for _, s := range samples() {
			var failed error
			inTurn(a.Round, codecs, func(lib codecLib) {
				rate, err := measureCodec(lib, s, way, a.About)
				if err != nil {
					failed = fmt.Errorf("%s: %s %s: %w", lib.name, way, s.name, err)
				}
				*answer = append(*answer, CodecRate{way, s.name, lib.name, rate})
			})
			if failed != nil {
				return failed
			}
		}
	}
	return nil
}

const (
	encode = "encode"
	decode = "decode"
)

var codecWays = []string{encode, decode}

// measureCodec returns how often it is done in a second of the process's time. It
// takes about so long.
func measureCodec(lib codecLib, s sample, way string, about time.Duration) (float64, error) {
	c, err := lib.make(s)
	if err != nil {
		return 0, err
	}
	do := c.encode
	if way == decode {
		do = c.decode
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

// addRates enters the rates of one round, their geometric means, and the best of
// the others.
func (b *bench) addRates(rates []CodecRate) {
	for _, way := range codecWays {
		all := make(map[string][]float64) // by codec
		for _, r := range rates {
			if r.Way == way {
				b.report.add(codecRow(way, r.Sample), r.Codec, r.Rate, nil)
				all[r.Codec] = append(all[r.Codec], r.Rate)
			}
		}
		for _, s := range samples() {
			b.addBest(codecRow(way, s.name))
		}
		mean := codecRow(way, "geometric mean")
		for _, lib := range codecs {
			b.report.add(mean, lib.name, geomean(all[lib.name]), nil)
		}
		b.addBest(mean)
	}
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
