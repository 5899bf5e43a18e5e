//go:build linux

package fsview

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"nomfs/codec"
)

// Every listing that a peer answers with ends at maxListed entries and
// maxListedBytes, if it was not truncated before: then its result comes with a
// codec.ErrPartial.

// truncation returns the error of a listing that is truncated, nil for all others.
func truncation(err error) error {
	if errors.Is(err, codec.ErrPartial) {
		return err
	}
	return nil
}

func nameSize(name string) int { return stringSize + len(name) }

// truncatedAfter is the error of a listing that ends after so many entries and bytes.
func truncatedAfter(entries, bytes int) error {
	return fmt.Errorf("%w after %d entries, %d bytes", codec.ErrPartial, entries, bytes)
}

// truncate ends a listing at maxListed entries and maxListedBytes. It passes the
// error of a listing that is complete, or was truncated elsewhere, on.
func truncate[T any](list []T, size func(T) int, err error) ([]T, error) {
	bytes := 0
	for i, v := range list {
		n := size(v)
		if i == maxListed || bytes+n > maxListedBytes {
			return slices.Clone(list[:i]), truncatedAfter(i, bytes)
		}
		bytes += n
	}
	return list, err
}

func (c *router) List(ctx context.Context) ([]string, error) {
	names, err := c.Remote.List(ctx)
	return truncate(names, nameSize, err)
}

func (c *router) Roots(ctx context.Context) ([]string, map[string]codec.Ref, error) {
	names, refs, err := c.Remote.Roots(ctx)
	names, err = truncate(names, nameSize, err)
	named := make(map[string]codec.Ref, len(names))
	for _, name := range names {
		if r, ok := refs[name]; ok {
			c.refs.got(r)
			named[name] = r
		}
	}
	c.came()
	return names, named, err
}

// Describe returns the attributes sorted by name, each once.
func (c *router) Describe(ctx context.Context, r codec.Ref) (codec.Description, error) {
	d, err := c.of(r).Describe(ctx, r)
	d.Attrs, err = truncate(d.Attrs, func(a codec.AttrInfo) int { return attrSize(&a) }, err)
	for i := 1; i < len(d.Attrs); i++ {
		if d.Attrs[i-1].Name >= d.Attrs[i].Name {
			d.Attrs = slices.Clone(d.Attrs) // it may be somebody else's
			slices.SortStableFunc(d.Attrs, func(a, b codec.AttrInfo) int { return strings.Compare(a.Name, b.Name) })
			d.Attrs = slices.CompactFunc(d.Attrs, func(a, b codec.AttrInfo) bool { return a.Name == b.Name })
			break
		}
	}
	return d, err
}

func (c *router) Dir(ctx context.Context, r codec.Ref) ([]string, error) {
	names, err := c.of(r).Dir(ctx, r)
	return truncate(names, nameSize, err)
}

func (c *router) Keys(ctx context.Context, r codec.Ref) ([]codec.Value, error) {
	keys, _, err := c.KeysAndKinds(ctx, r)
	return keys, err
}

func (c *router) KeysAndKinds(ctx context.Context, r codec.Ref) ([]codec.Value, []codec.Kind, error) {
	keys, kinds, err := c.of(r).KeysAndKinds(ctx, r)
	advertised := len(kinds) == len(keys)
	keys, err = truncate(keys, memSize, err)
	for i := range keys {
		keys[i], _ = c.got(keys[i], nil)
	}
	if !advertised {
		return keys, nil, err
	}
	return keys, slices.Clone(kinds[:len(keys)]), err
}

func (c *router) Snapshot(ctx context.Context, r codec.Ref, names ...string) (map[string]codec.Value, error) {
	vals, err := c.of(r).Snapshot(ctx, r, names...)
	bytes, n := 0, 0
	for name, v := range vals {
		if bytes += nameSize(name) + memSize(v); bytes > maxListedBytes || n == maxListed {
			delete(vals, name)
			err = truncatedAfter(n, bytes)
			continue
		}
		n++
	}
	return vals, err
}
