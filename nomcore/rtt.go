package nomcore

import (
	"math/rand/v2"
	"sync"
	"time"
)

// rttEstimator measures the round trip and derives the retransmission timeout
// from it (RFC 6298, section 2). The zero value has no sample.
type rttEstimator struct {
	mu     sync.Mutex
	srtt   time.Duration
	rttvar time.Duration
}

// sample enters one measured round trip.
func (e *rttEstimator) sample(rtt time.Duration) {
	// The weights are those of RFC 6298: alpha 1/8, beta 1/4.
	e.mu.Lock()
	defer e.mu.Unlock()
	rtt = max(rtt, 1)
	if e.srtt == 0 {
		e.srtt, e.rttvar = rtt, rtt/2
		return
	}
	e.rttvar += ((e.srtt - rtt).Abs() - e.rttvar) / 4
	e.srtt += (rtt - e.srtt) / 8
}

// timeout returns how long to wait before sending again.
func (e *rttEstimator) timeout() time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.srtt == 0 {
		return rtoInitial
	}
	return min(max(e.srtt+4*e.rttvar, rtoMin), rtoMax)
}

// smoothed returns the smoothed round trip, 0 while there is no sample.
func (e *rttEstimator) smoothed() time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.srtt
}

// jitter spreads a timeout by its random part.
func jitter(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (1 + rtoJitter*(2*rand.Float64()-1)))
}
