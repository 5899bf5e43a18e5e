package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"nomfs/codec"
	"nomfs/fsview"
)

// maxItems is how many items of an object are listed where the peer cannot
// tell its keys and each has to be tried.
const maxItems = 10_000

// place is where a path of the tree leads.
type place struct {
	what  placeKind
	path  string      // as it was typed, cleaned
	owner codec.Ref   // the object that holds it, or whose control entry it is
	name  string      // registered name, attribute, or control entry
	key   codec.Value // of an item
}

type placeKind int

const (
	atRoot    placeKind = iota // the list of registered names
	atName                     // a registered name
	atAttr                     // an attribute
	atItem                     // an item
	atIndex                    // the items of an object
	atControl                  // call, len, repr, str, .dir, .type, .oid
)

// controls are the views of an object that the commands know, too; the others, and
// the views of attributes, exist in a mount only.
var controls = map[string]placeKind{
	"call": atControl, "len": atControl, "repr": atControl, "str": atControl, "index": atIndex,
	".dir": atControl, ".type": atControl, ".oid": atControl,
}

// noSuch is the error for a path that leads nowhere.
func noSuch(p, why string) error {
	return &noSuchError{p, why}
}

type noSuchError struct{ path, why string }

func (e *noSuchError) Error() string { return e.path + ": " + e.why }
func (e *noSuchError) Unwrap() error { return fs.ErrNotExist }

// walk follows a path from the root of a peer's tree. The last step is not
// asked for: it may be something to create.
func walk(ctx context.Context, peer fsview.Remote, typed string) (place, error) {
	clean := strings.TrimPrefix(path.Clean("/"+typed), "/")
	at := place{what: atRoot, path: "/"}
	if clean == "" {
		return at, nil
	}
	for file := range strings.SplitSeq(clean, "/") {
		next, err := at.step(ctx, peer, file)
		if err != nil {
			return place{}, err
		}
		next.path = strings.TrimPrefix(path.Join(at.path, file), "/")
		at = next
	}
	return at, nil
}

// step goes from a place to the entry called file.
func (p place) step(ctx context.Context, peer fsview.Remote, file string) (place, error) {
	full := strings.TrimPrefix(path.Join(p.path, file), "/")
	switch p.what {
	case atRoot:
		if strings.HasPrefix(file, ".") {
			return place{}, withHint(noSuch(full, "exists in a mount only"), "nomfs mount or nomfs sh make one")
		}
		name, ok := fsview.DecodeKey(file)
		if !ok {
			return place{}, noSuch(full, "is no possible name; % must be written %25")
		}
		return place{what: atName, name: name}, nil
	case atIndex:
		key, err := findKey(ctx, peer, p.owner, file)
		if err != nil {
			return place{}, errorAt(full, err)
		}
		return place{what: atItem, owner: p.owner, key: key}, nil
	case atControl:
		return place{}, noSuch(full, "there is nothing inside "+p.path)
	}
	v, err := p.value(ctx, peer)
	if err != nil {
		return place{}, err
	}
	ref, ok := v.(codec.Ref)
	if !ok {
		return place{}, noSuch(full, fmt.Sprintf("%s is a value (%s), there is nothing inside", p.path, v.Kind()))
	}
	if kind, ok := controls[file]; ok {
		return place{what: kind, owner: ref, name: file}, nil
	}
	if fsview.IsView(file) {
		return place{}, withHint(noSuch(full, "exists in a mount only"), "nomfs mount or nomfs sh make one")
	}
	name, ok := fsview.DecodeAttr(file)
	if !ok {
		return place{}, noSuch(full, "is no possible name; in names of attributes . is written %2E and % is written %25")
	}
	return place{what: atAttr, owner: ref, name: name}, nil
}

// value asks the peer for what is at the place, which must be a name, an
// attribute or an item.
func (p place) value(ctx context.Context, peer fsview.Remote) (codec.Value, error) {
	var v codec.Value
	var err error
	switch p.what {
	case atName:
		v, err = peer.Resolve(ctx, p.name)
	case atAttr:
		v, err = peer.GetAttr(ctx, p.owner, p.name)
	case atItem:
		v, err = peer.GetItem(ctx, p.owner, p.key)
	default:
		return nil, localf("%s is no value", p.path)
	}
	return v, errorAt(p.path, err)
}

// isMember tells whether the place belongs to an object, so that it could be
// set or deleted.
func (p place) isMember() bool { return p.what == atAttr || p.what == atItem }

// errorAt says where an error happened. It keeps nil nil.
func errorAt(p string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", p, err)
}

// findKey returns the key that a file name below index/ stands for: the key
// whose spelling it is, as far as the peer tells its keys, else what the name
// says by itself.
func findKey(ctx context.Context, peer fsview.Remote, owner codec.Ref, file string) (codec.Value, error) {
	keys, err := peer.Keys(ctx, owner)
	if err != nil && !errors.Is(err, errors.ErrUnsupported) && !is[codec.Exception](err) && !isTruncated(err) {
		return nil, err
	}
	key, ok := fsview.KeyOf(file, keys)
	if !ok {
		return nil, noSuch(file, "is no possible name; % must be written %25")
	}
	return key, nil
}

// isTruncated tells whether err is that of a listing that ended at a bound. What was
// listed until then is right.
func isTruncated(err error) bool { return errors.Is(err, codec.ErrPartial) }

// list returns the file names inside a place, sorted, and whether the peer
// could tell all of them. For a value it returns nil: it is a file. A listing that is
// truncated comes with its error.
func (p place) list(ctx context.Context, peer fsview.Remote) (names []string, complete bool, err error) {
	switch p.what {
	case atRoot:
		roots, err := peer.List(ctx)
		for _, name := range roots {
			names = append(names, fsview.EncodeKey(name))
		}
		slices.Sort(names)
		return names, true, err
	case atIndex:
		names, complete, err = listItems(ctx, peer, p.owner)
	case atControl:
		return nil, true, nil
	default:
		v, valueErr := p.value(ctx, peer)
		if valueErr != nil {
			return nil, false, valueErr
		}
		ref, ok := v.(codec.Ref)
		if !ok {
			return nil, true, nil
		}
		names, complete, err = listAttrs(ctx, peer, ref)
	}
	if names == nil {
		names = []string{}
	}
	slices.Sort(names)
	return slices.Compact(names), complete, errorAt(p.path, err)
}

// listAttrs returns the file names in an object's directory.
func listAttrs(ctx context.Context, peer fsview.Remote, ref codec.Ref) (names []string, complete bool, err error) {
	add := func(attr string) {
		if strings.HasPrefix(attr, "_") {
			return // private by convention, and mostly refused
		}
		if file := fsview.EncodeAttr(attr); len(file) <= fsview.MaxName {
			names = append(names, file)
		}
	}
	d, err := peer.Describe(ctx, ref)
	if err == nil || isTruncated(err) {
		for _, a := range d.Attrs {
			add(a.Name)
		}
		for control, works := range map[string]bool{"call": d.Callable, "len": d.Sized, "index": d.Indexable} {
			if works {
				names = append(names, control)
			}
		}
		return names, true, err
	}
	if !errors.Is(err, errors.ErrUnsupported) {
		return nil, false, err
	}
	// An object that cannot describe itself may do anything.
	names = append(names, "call", "index", "len")
	v, err := peer.GetAttr(ctx, ref, "__dict__")
	if err != nil && !is[codec.Exception](err) {
		return nil, false, err
	}
	dict, ok := v.(*codec.Map)
	if !ok {
		return names, false, nil
	}
	for _, pair := range dict.Pairs() {
		if attr, ok := codec.StringOf(pair.Key); ok {
			add(attr)
		}
	}
	return names, true, nil
}

// listItems returns the file names in an object's index directory.
func listItems(ctx context.Context, peer fsview.Remote, ref codec.Ref) (names []string, complete bool, err error) {
	keys, err := peer.Keys(ctx, ref)
	if err == nil || isTruncated(err) {
		for _, file := range fsview.KeyNames(keys) {
			if len(file) <= fsview.MaxName {
				names = append(names, file)
			}
		}
		return names, true, err
	}
	if !errors.Is(err, errors.ErrUnsupported) {
		return nil, false, err
	}
	n, err := peer.Len(ctx, ref)
	if err == nil && n > 0 {
		_, err = peer.GetItem(ctx, ref, codec.Int(0))
	}
	switch {
	case is[codec.Exception](err):
		return nil, false, nil // no list: any key still works
	case err != nil:
		return nil, false, err
	}
	for i := range min(n, maxItems) {
		names = append(names, fmt.Sprint(i))
	}
	return names, n <= maxItems, nil
}
