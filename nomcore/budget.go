package nomcore

import "sync/atomic"

// budget bounds what all clients together use of something. One client may take
// at most what is still free, so that clients that take all they can leave half
// of the rest to the next one each time. However many do that, every client may
// have a little.
type budget struct {
	most   int64
	always int64 // what every client may have
	used   atomic.Int64
}

// take takes n for a client, whose own share it counts. It reports false, and
// takes nothing, where the client would then have more than is free.
func (b *budget) take(own *atomic.Int64, n int64) bool {
	mine, all := own.Add(n), b.used.Add(n)
	if mine <= b.always || mine <= b.most-all {
		return true
	}
	b.give(own, n)
	return false
}

// force takes n although there may be no room: it is used already.
func (b *budget) force(own *atomic.Int64, n int64) {
	own.Add(n)
	b.used.Add(n)
}

// overdrawn reports whether a client has more than it may take.
func (b *budget) overdrawn(own *atomic.Int64) bool {
	mine := own.Load()
	return mine > b.always && mine > b.most-b.used.Load()
}

// give gives n back.
func (b *budget) give(own *atomic.Int64, n int64) {
	own.Add(-n)
	b.used.Add(-n)
}
