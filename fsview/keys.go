//go:build linux

package fsview

import (
	"context"

	"nomfs/codec"
)

// guessKeys returns keys of an object that cannot tell them: 0 to len-1 where
// item 0 is there, and those that were looked up with success.
func (d *objectDir) guessKeys(ctx context.Context) ([]codec.Value, error) {
	n, err := d.length(ctx)
	if err != nil && !isException(err) && !unsupported(err) {
		return nil, err
	}
	seen := make(map[string]bool)
	var keys []codec.Value
	if n > 0 && err == nil {
		if _, err := (member{dir: d, key: codec.Int(0)}).value(ctx); err == nil {
			if n > maxGuessedKeys {
				d.p.log().Warn("listing cut", "path", d.path+"/index", "items", n, "listed", maxGuessedKeys)
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
	return keys, nil
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

// fetchKeys asks for the keys unless they are fresh.
func (d *objectDir) fetchKeys(ctx context.Context) error {
	return d.do(ctx, func(o *object) error {
		o.mu.Lock()
		known := o.keys != nil && o.peer.isFresh(o.keysAt)
		o.mu.Unlock()
		if known {
			return nil
		}
		at := o.peer.stamp()
		keys, kinds, err := o.peer.remote.KeysAndKinds(ctx, o.ref)
		if err != nil {
			return err
		}
		items := make([]toldItem, len(keys))
		for i, key := range keys {
			items[i].key = key
			if len(kinds) == len(keys) {
				items[i].kind = kinds[i]
			}
		}
		names := nameItems(items)
		o.mu.Lock()
		o.keys, o.keysAt = names, at
		o.mu.Unlock()
		return nil
	})
}

// toldKey returns the key that has a name, as the peer told its keys last. A
// name that it did not tell then may still be a key.
func (d *objectDir) toldKey(name string) (codec.Value, bool) {
	o := d.known()
	if o == nil {
		return nil, false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	item, ok := o.keys[name]
	return item.key, ok
}

// toldKind returns what the peer told of an item just now, KindInvalid for
// nothing.
func (d *objectDir) toldKind(name string) codec.Kind {
	o := d.known()
	if o == nil {
		return codec.KindInvalid
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.peer.isFresh(o.keysAt) {
		return codec.KindInvalid
	}
	return o.keys[name].kind
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
	if key, ok := d.toldKey(name); ok {
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
func nameItems(items []toldItem) map[string]toldItem {
	keys := make([]codec.Value, len(items))
	for i, it := range items {
		keys[i] = it.key
	}
	names := make(map[string]toldItem, len(items))
	for i, name := range KeyNames(keys) {
		if len(name) <= maxName {
			names[name] = items[i]
		}
	}
	return names
}
