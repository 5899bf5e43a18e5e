//go:build linux

package fsview

import (
	"context"
	"time"

	"nomfs/codec"
)

const (
	// burstLookups is how many values of one object are asked for one by one
	// in burstTime; then the others are asked for at once, since whoever reads
	// so many reads all. The time that the peer takes to answer does not
	// count, so that the distance does not matter.
	burstLookups = 8
	burstTime    = 100 * time.Millisecond
	// burstPause is how long an object that could not give all its values
	// within a second is not asked for them again.
	burstPause = 10 * time.Second
)

// A burst counts the requests for single values of one object. The mutex of the
// object guards it.
type burst struct {
	since  time.Time
	waited time.Duration // for answers, since then
	waits  int           // how many answers these were
	depth  int           // of the directory through which the object is read
	writes uint64        // as they were then: who also writes wants the one value
	count  int
	last   stamp     // when all were fetched last
	pause  time.Time // not before
}

// wants counts one more and tells whether all should be asked for.
func (b *burst) wants(p *peer) bool {
	now, writes := time.Now(), p.writes.Load()
	if b.own(now) > burstTime || b.writes != writes {
		*b = burst{since: now, writes: writes, depth: b.depth, pause: b.pause, last: b.last}
		if b.last.writes == writes && now.Sub(b.last.at) < maxAge+burstTime {
			b.count = burstLookups // it goes on; what was fetched is too old just now
		}
	}
	b.count++
	if p.isFresh(b.last) {
		return false // what is asked for did not come with the others
	}
	return b.count > burstLookups && now.After(b.pause)
}

// own returns how much time the reader took for itself. Once in cacheTime the
// kernel asks for each directory on the path again, which nobody counts: it is
// taken to be as long as the other answers were.
func (b *burst) own(now time.Time) time.Duration {
	elapsed := now.Sub(b.since)
	if b.waits == 0 {
		return elapsed
	}
	walks := 1 + int(elapsed/cacheTime)
	return elapsed - b.waited - b.waited/time.Duration(b.waits)*time.Duration(walks*b.depth)
}

// takes notes how long an answer took.
func (o *object) takes(b *burst, start time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	b.waited += time.Since(start)
	b.waits++
}

// snapshot fetches all plain attributes at once if the value is one of many that
// are asked for, and waits for them; false if it is not.
func (d *objectDir) snapshot(ctx context.Context) bool {
	return d.atOnce(ctx, attrBurst, "attributes", func(ctx context.Context, o *object) error {
		at := o.peer.stamp()
		vals, err := o.peer.remote.Snapshot(ctx, o.ref)
		for name, v := range vals {
			o.store(member{dir: d, attr: name}.id(), v, at)
		}
		if truncation(err) != nil {
			return nil // who needs the others asks for them
		}
		return err
	})
}

// snapshotItems does for the items that are references what snapshot does for
// attributes: there is no one request for them, but they need not wait for each
// other.
func (d *objectDir) snapshotItems(ctx context.Context) bool {
	return d.atOnce(ctx, itemBurst, "items", func(ctx context.Context, o *object) error {
		var members []member
		advertised, _ := d.knownKeys()
		if advertised == nil {
			return nil
		}
		for name, k := range advertised.items {
			if k.kind == codec.KindRef && len(members) < maxAsked {
				members = append(members, member{dir: d, key: k.key, name: name})
			}
		}
		parallel(len(members), func(i int) { _, _ = members[i].value(ctx) }) // who needs it hears why
		return ctx.Err()
	})
}

// atOnce runs fetch if the burst is one, once for all who ask meanwhile, and
// reports whether it was and all went well.
func (d *objectDir) atOnce(ctx context.Context, of func(*object) *burst, key string, fetch func(context.Context, *object) error) bool {
	o := d.known()
	if o == nil {
		return false
	}
	o.mu.Lock()
	b := of(o)
	b.depth = d.depth
	wants := b.wants(o.peer)
	o.mu.Unlock()
	if !wants {
		return false
	}
	asked := time.Now()
	_, err := share(ctx, d.p.tasks, &o.flights, key, func() (struct{}, error) {
		return struct{}{}, o.fetchAll(b, fetch)
	})
	o.takes(b, asked)
	return err == nil
}

// fetchAll runs fetch for a burst, unless another one has just done so.
func (o *object) fetchAll(b *burst, fetch func(context.Context, *object) error) error {
	start := o.peer.stamp()
	o.mu.Lock()
	done := o.peer.isFresh(b.last)
	o.mu.Unlock()
	if done {
		return nil
	}
	// What takes longer than the answer may be used is of no use.
	ctx, cancel := context.WithTimeout(o.peer.base, maxAge)
	defer cancel()
	o.peer.refs.retain(o.ref)
	defer o.peer.refs.drop(o.ref)
	err := fetch(ctx, o)
	o.mu.Lock()
	defer o.mu.Unlock()
	if err == nil {
		b.last = start
	} else {
		b.pause = time.Now().Add(burstPause)
	}
	return err
}
