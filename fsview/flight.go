//go:build linux

package fsview

import (
	"context"

	"golang.org/x/sync/singleflight"
)

// share runs fetch once for all who ask for the key at the same time, and returns
// its result to each of them. Fetch works for the mount, not for the caller that
// came first: it goes on when that caller leaves. Each caller leaves when its own
// context ends.
func share[T any](ctx context.Context, t *tasks, g *singleflight.Group, key string, fetch func() (T, error)) (T, error) {
	select {
	case r := <-startShared(t, g, key, fetch):
		v, _ := r.Val.(T)
		return v, r.Err
	case <-ctx.Done():
		var none T
		return none, causeOf(ctx, ctx.Err())
	}
}

// startShared is share for a caller that does not wait: the result comes on the
// channel.
func startShared[T any](t *tasks, g *singleflight.Group, key string, fetch func() (T, error)) <-chan singleflight.Result {
	return g.DoChan(key, func() (any, error) {
		if !t.enter() {
			return nil, errUnmounted
		}
		defer t.leave()
		return fetch()
	})
}
