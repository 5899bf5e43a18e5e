//go:build linux

package fsview

import (
	"context"

	"nomfs/codec"
)

// An answer is what an object advertises at once.
type answer interface {
	memory() int // about, in bytes
}

// A listing is the last answer of a kind, and when it was asked for.
type listing[T answer] struct {
	v     T
	at    stamp
	known bool // v is there
}

// memory is about how much memory the answer takes, in bytes.
func (l *listing[T]) memory() int {
	if !l.known {
		return 0
	}
	return l.v.memory()
}

// forget forgets the answer, but not how old it was.
func (l *listing[T]) forget() { *l = listing[T]{at: l.at} }

// A description is what an object advertises of itself, its attributes sorted by name.
type description struct {
	codec.Description
	size int
	cut  error // that attributes are missing (codec.ErrPartial), nil if none
}

// dirNames are the names that Dir listed.
type dirNames struct {
	set  map[string]bool
	size int
	cut  error // as that of a description
}

// advertisedKeys are the items that an object advertises, by file name.
type advertisedKeys struct {
	items map[string]advertisedItem
	size  int
	cut   error // as that of a description
}

// An advertisedItem is an item as the peer advertised it.
type advertisedItem struct {
	key  codec.Value
	kind codec.Kind // KindInvalid where it could not tell
}

func (d *description) memory() int    { return d.size }
func (n *dirNames) memory() int       { return n.size }
func (k *advertisedKeys) memory() int { return k.size }

// askListing returns a listing of the object, at most maxAge old. It is fetched once
// for all that ask meanwhile; a caller that asks after a write does not get the answer
// to a request from before it.
func askListing[T answer](ctx context.Context, d *objectDir, kind string, of func(*object) *listing[T], fetch func(context.Context, *object) (T, error)) (v T, err error) {
	err = d.do(ctx, func(o *object) error {
		o.mu.Lock()
		last := *of(o)
		o.mu.Unlock()
		if last.known && o.peer.isFresh(last.at) {
			v = last.v
			return nil
		}
		at := o.peer.stamp()
		var err error
		v, err = share(ctx, o.peer.tasks, &o.flights, kind+" "+itoa(int(at.writes)), func() (T, error) {
			ctx, cancel := context.WithTimeout(o.peer.base, o.peer.timeout())
			defer cancel()
			o.peer.refs.retain(o.ref)
			defer o.peer.refs.drop(o.ref)
			got, err := fetch(ctx, o)
			if err == nil {
				o.update(func(o *object) {
					if l := of(o); !l.known || at.writes >= l.at.writes {
						o.roomFor(got.memory())
						*l = listing[T]{got, at, true}
					}
				})
			}
			return got, err
		})
		return err
	})
	return v, err
}

// roomFor makes room for a listing of so many bytes: an object does not fill the table
// with several large ones. The mutex must be held.
func (o *object) roomFor(size int) {
	if o.memSize()+size > maxKept/2 {
		o.forgetListings()
	}
	if o.memSize()+size > maxKept/2 {
		o.dropValues(nil)
	}
}

// forgetListings forgets what the peer advertised. The mutex must be held.
func (o *object) forgetListings() {
	o.desc.forget()
	o.names.forget()
	o.keys.forget()
}

// describe returns what the object advertises of itself. The error is
// errors.ErrUnsupported where the peer cannot tell.
func (d *objectDir) describe(ctx context.Context) (*description, error) {
	return askListing(ctx, d, "description", func(o *object) *listing[*description] { return &o.desc },
		func(ctx context.Context, o *object) (*description, error) { return o.peer.describeRef(ctx, o.ref) })
}

// describeRef asks an object for its description. One that is truncated is no error.
func (p *peer) describeRef(ctx context.Context, r codec.Ref) (*description, error) {
	got, err := p.remote.Describe(ctx, r)
	cut := truncation(err)
	if err != nil && cut == nil {
		return nil, err
	}
	desc := &description{Description: got, cut: cut, size: stringSize + len(got.Class) + len(got.Doc) + paramsSize(got.Params)}
	for i := range got.Attrs {
		desc.size += attrSize(&got.Attrs[i])
	}
	return desc, nil
}

// knownDesc returns the description that the object sent last, at whatever age, nil
// where it sent none.
func (o *object) knownDesc() *description {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.desc.v
}

// anyDesc returns the description at whatever age, asking where there is none.
func (d *objectDir) anyDesc(ctx context.Context) (*description, error) {
	if o := d.known(); o != nil {
		if desc := o.knownDesc(); desc != nil {
			return desc, nil
		}
	}
	return d.describe(ctx)
}

// dirNames returns what the peer's Dir lists.
func (d *objectDir) dirNames(ctx context.Context) (*dirNames, error) {
	return askListing(ctx, d, "names", func(o *object) *listing[*dirNames] { return &o.names },
		func(ctx context.Context, o *object) (*dirNames, error) {
			list, err := o.peer.remote.Dir(ctx, o.ref)
			cut := truncation(err)
			if err != nil && cut == nil {
				return nil, err
			}
			names := &dirNames{set: make(map[string]bool, len(list)), cut: cut}
			for _, n := range list {
				names.set[n] = true
				names.size += stringSize + len(n) + mapEntry
			}
			return names, nil
		})
}

// keys returns the items that the object advertises.
func (d *objectDir) keys(ctx context.Context) (*advertisedKeys, error) {
	return askListing(ctx, d, "keys", func(o *object) *listing[*advertisedKeys] { return &o.keys },
		func(ctx context.Context, o *object) (*advertisedKeys, error) {
			keys, kinds, err := o.peer.remote.KeysAndKinds(ctx, o.ref)
			cut := truncation(err)
			if err != nil && cut == nil {
				return nil, err
			}
			items := nameItems(keys, kinds)
			items.cut = cut
			return items, nil
		})
}
