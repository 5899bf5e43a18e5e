package main

import (
	"math/bits"
	"time"
)

const (
	// histogramBits is how many bits of a duration count: a bucket is at most
	// 1/128 of its value wide.
	histogramBits = 7
	// histogramBuckets reaches beyond a minute.
	histogramBuckets = 30 << histogramBits
)

// histogram counts durations. It allocates nothing, so that it does not count
// among the allocations of what it measures.
type histogram struct {
	total   uint64
	buckets [histogramBuckets]uint32
}

func (h *histogram) add(d time.Duration) {
	h.total++
	h.buckets[min(bucketOf(d), histogramBuckets-1)]++
}

// bucketOf returns the bucket of a duration: the duration itself while it has no
// more bits than count, then so many leading bits behind their exponent.
func bucketOf(d time.Duration) int {
	n := uint64(max(d, 0))
	shift := max(bits.Len64(n)-histogramBits-1, 0)
	return shift<<histogramBits + int(n>>shift)
}

// bucketMiddle returns the duration in the middle of a bucket.
func bucketMiddle(bucket int) time.Duration {
	if bucket < 2<<histogramBits {
		return time.Duration(bucket)
	}
	shift := bucket>>histogramBits - 1
	leading := bucket&(1<<histogramBits-1) | 1<<histogramBits
	return time.Duration(leading<<shift + 1<<shift/2)
}

func (h *histogram) merge(other *histogram) {
	h.total += other.total
	for i, n := range other.buckets {
		h.buckets[i] += n
	}
}

// quantile returns the duration that a part q of all did not exceed, 0 for none.
func (h *histogram) quantile(q float64) time.Duration {
	rank := uint64(q * float64(h.total))
	seen := uint64(0)
	for bucket, n := range h.buckets {
		if seen += uint64(n); seen > rank {
			return bucketMiddle(bucket)
		}
	}
	return 0
}
