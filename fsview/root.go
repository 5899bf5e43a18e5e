//go:build linux

package fsview

import (
	"context"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"

	"nomfs/codec"
)

// A rootDir tells what is in the directory of one peer: what it has registered.
type rootDir struct{ p *peer }

// rootNode returns the directory as a node of the tree.
func (p *peer) rootNode() *liveDir {
	r := &rootDir{p}
	return &liveDir{node{p: p}, p.at, r.list, r.find}
}

func (r *rootDir) find(ctx context.Context, name string) (entry, error) {
	if r.p.at == "" {
		if v, ok := viewIn(inTop, name); ok {
			return r.p.topEntry(v)
		}
	}
	if r.p.dropped.Load() {
		return entry{}, errDropped
	}
	if name == viewPeerBin.name() {
		return r.binEntry()
	}
	registered, ok := decodeName(name, plainNames)
	if !ok {
		return entry{}, errNoEntry
	}
	v, err := r.p.root(ctx, registered)
	if err != nil {
		return entry{}, err
	}
	return r.entry(registered, name, v), nil
}

// entry returns what lies under a registered name.
func (r *rootDir) entry(registered, name string, v codec.Value) entry {
	src := rootSource{r.p, registered}
	ref, ok := v.(codec.Ref)
	if !ok {
		return textEntry(r.p, r.p.at, name, opLookup, func(ctx context.Context, _ caller) ([]byte, error) {
			v, err := src.fetch(ctx)
			if err != nil {
				return nil, err
			}
			if v.Kind() == codec.KindRef {
				return nil, errBecameObject
			}
			return render(v), nil
		})
	}
	return entry{name, syscall.S_IFDIR | dirMode, func(old fs.InodeEmbedder) treeNode {
		x, ok := old.(*objectDir)
		if !ok {
			x = newObjectDir(r.p, nil, joinPath(r.p.at, name), 1)
		}
		x.from(src)
		x.adopt(ref)
		return x
	}}
}

// list lists the registered names.
func (r *rootDir) list(ctx context.Context) ([]entry, error) {
	if r.p.dropped.Load() {
		return nil, errDropped
	}
	t := r.p.rootsListed(ctx)
	if t.err != nil {
		return nil, t.err
	}
	var entries []entry
	if r.p.at == "" {
		entries = r.p.ownEntries(ctx)
	}
	for _, registered := range t.names {
		name := encodeName(registered, plainNames)
		if len(name) > maxName {
			continue
		}
		if v, ok := t.vals[registered]; ok {
			entries = append(entries, r.entry(registered, name, v))
		} else if !t.failed[registered] {
			entries = append(entries, entry{name: name})
		}
	}
	return entries, t.cut
}
