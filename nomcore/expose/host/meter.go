package host

import "sync"

// minSpan is the shortest span, in seconds, that a percentage covers. The
// system counts processor time in steps of 10 ms, so half a second is good to
// two per cent.
const minSpan = 0.5

// meter turns two counters that only grow, time spent busy and time passed,
// into a percentage of the span since the reading before.
type meter struct {
	mu      sync.Mutex
	busy    float64 // seconds at the last reading
	whole   float64 // seconds at the last reading
	percent float64 // of the span that ended there
}

// read takes the counters of now and returns the percentage. Counters that
// went back, as after a suspend, start a new span.
func (m *meter) read(busy, whole float64) float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch span := whole - m.whole; {
	case span < 0:
		m.busy, m.whole = busy, whole
	case span >= minSpan:
		m.percent = max(0, 100*(busy-m.busy)/span)
		m.busy, m.whole = busy, whole
	}
	return m.percent
}
