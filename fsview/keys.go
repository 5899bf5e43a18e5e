//go:build linux

package fsview

import (
	"context"
	"fmt"

	"nomfs/codec"
)

// guessKeys returns keys of an object that cannot tell them: 0 to len-1 where
// item 0 is there, and those that were looked up with success.
// The error is codec.ErrPartial where there are more.
func (d *objectDir) guessKeys(ctx context.Context) ([]codec.Value, error) {
	n, err := d.length(ctx)
	if err != nil && !isException(err) && !unsupported(err) {
		return nil, err
	}
	seen := make(map[string]bool)
	var keys []codec.Value
	var cut error
	if n > 0 && err == nil {
		if _, err := (member{dir: d, key: codec.Int(0)}).value(ctx); err == nil {
			if n > maxGuessedKeys {
				cut = fmt.Errorf("%w after %d entries", codec.ErrPartial, maxGuessedKeys)
			}
			for i := range min(n, maxGuessedKeys) {
				keys = append(keys, codec.Int(i))
				seen[codec.Int(i).String()] = true
			}
		} else if !isException(err) {
			return nil, err
		}
	}
	o, err := d.object(ctx)
	if err != nil {
		return nil, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for s, key := range o.learntKeys {
		if key.Kind() != codec.KindSlice && !seen[s] && !negative(key) {
			keys = append(keys, key)
		}
	}
	return keys, cut
}

// negative tells whether a key counts from the end: it is a second name of an
// item that has one already.
func negative(key codec.Value) bool {
	n, ok := codec.Int64Of(key)
	return ok && n < 0
}

func (d *objectDir) length(ctx context.Context) (int, error) {
	var n int
	err := d.do(ctx, func(o *object) error {
		var err error
		n, err = o.peer.remote.Len(ctx, o.ref)
		return err
	})
	return n, err
}

// knownKeys returns the items that the peer advertised last, at whatever age, nil for
// none, and whether they are fresh.
func (d *objectDir) knownKeys() (advertised *advertisedKeys, isFresh bool) {
	o := d.known()
	if o == nil {
		return nil, false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.keys.v, o.peer.isFresh(o.keys.at)
}

// key returns the key that has a name.
func (t *advertisedKeys) key(name string) (codec.Value, bool) {
	if t == nil {
		return nil, false
	}
	item, ok := t.items[name]
	return item.key, ok
}

// advertisedKey returns the key of that name among those that the peer advertised
// last. A name that it did not advertise may be a key all the same.
func (d *objectDir) advertisedKey(name string) (codec.Value, bool) {
	advertised, _ := d.knownKeys()
	return advertised.key(name)
}

// advertisedKind returns the kind of an item that the peer advertised just now,
// KindInvalid where it advertised none.
func (d *objectDir) advertisedKind(name string) codec.Kind {
	advertised, isFresh := d.knownKeys()
	if advertised == nil || !isFresh {
		return codec.KindInvalid
	}
	return advertised.items[name].kind
}

// guessedName is the file name of a key on a peer that does not tell its keys:
// the shortest spelling that means it.
func guessedName(key codec.Value) string {
	name := plainKeyName(key)
	if spelled, ok := spelledKey(name); ok && codec.Equal(spelled, key) {
		return name
	}
	return exactKeyName(key)
}

// keyFor returns the key that a name stands for.
func (d *objectDir) keyFor(ctx context.Context, name string) (codec.Value, error) {
	if key, ok := d.advertisedKey(name); ok {
		return key, nil
	}
	key, ok := spelledKey(name)
	if !ok {
		return nil, errNoEntry
	}
	return key, nil
}

// nameItems gives every item its name. One whose name is too long for a file
// has none.
func nameItems(keys []codec.Value, kinds []codec.Kind) *advertisedKeys {
	advertised := &advertisedKeys{items: make(map[string]advertisedItem, len(keys))}
	for i, name := range KeyNames(keys) {
		if len(name) > maxName {
			continue
		}
		item := advertisedItem{key: keys[i]}
		if len(kinds) == len(keys) {
			item.kind = kinds[i]
		}
		advertised.items[name] = item
		advertised.size += stringSize + len(name) + memSize(item.key) + wordSize + mapEntry
	}
	return advertised
}
