//go:build linux

package fsview

import (
	"context"
	"errors"
	"fmt"

	"github.com/hanwen/go-fuse/v2/fs"
)

// A Peer is what a mount shows.
type Peer struct {
	// Alias is the name of the peer's directory. Empty, it is the root: then
	// there is no other peer.
	Alias string
	// Addr is its host:port, for people.
	Addr   string
	Remote Remote
}

// addPeers makes the peers of a mount.
func (f *fsys) addPeers(peers []Peer) error {
	if len(peers) == 0 {
		return errors.New("no peer to mount")
	}
	f.many = len(peers) > 1 || peers[0].Alias != ""
	for _, named := range peers {
		at := ""
		if f.many {
			if named.Alias == "" {
				return fmt.Errorf("peer %s of several needs a name", named.Addr)
			}
			if at = encodeName(named.Alias, plainNames); len(at) > maxName {
				return fmt.Errorf("name %q of a peer is longer than %d bytes", named.Alias, maxName)
			}
			if f.peerNamed(at) != nil {
				return fmt.Errorf("two peers are called %q", named.Alias)
			}
		}
		f.peers = append(f.peers, newPeer(f, named, at, f.opt.Local))
	}
	f.hub = f.peers[0]
	if f.many {
		f.hub = newPeer(f, Peer{}, "", nil) // never asked for anything
	}
	if f.opt.Local != nil {
		f.local = newPeer(f, Peer{Alias: viewLocal.name(), Remote: f.opt.Local}, viewLocal.name(), f.opt.Local)
	}
	return nil
}

// peerNamed returns the peer whose directory has that name, nil for none.
func (f *fsys) peerNamed(at string) *peer {
	for _, p := range f.peers {
		if p.at == at && !p.dropped.Load() {
			return p
		}
	}
	return nil
}

// rootNode returns the root of the tree.
func (f *fsys) rootNode() fs.InodeEmbedder {
	if !f.many {
		return f.peers[0].rootNode()
	}
	return &liveDir{node{p: f.hub}, "", f.listPeers, f.findPeer}
}

// listPeers lists the root of a mount of several peers. It asks none of them:
// one that is down slows nobody.
func (f *fsys) listPeers(ctx context.Context) ([]entry, error) {
	entries := f.ownEntries(ctx)
	for _, p := range f.peers {
		if !p.dropped.Load() {
			entries = append(entries, p.dirEntry())
		}
	}
	return entries, nil
}

func (f *fsys) findPeer(_ context.Context, name string) (entry, error) {
	if v, ok := viewIn(inTop, name); ok {
		return f.topEntry(v)
	}
	if p := f.peerNamed(name); p != nil {
		return p.dirEntry(), nil
	}
	return entry{}, errNoEntry
}

// dirEntry is the directory of one peer of several, or of this process.
func (p *peer) dirEntry() entry {
	return liveEntry(p.at, p.rootNode())
}

// ownEntries are what the root has beside the peers' objects.
func (f *fsys) ownEntries(ctx context.Context) []entry {
	entries := []entry{f.nomEntry()}
	if f.local == nil {
		return entries
	}
	if names, err := f.local.remote.List(ctx); err == nil && len(names) > 0 {
		entries = append(entries, f.local.dirEntry())
	}
	return entries
}

// topEntry returns a view of the root; .local where this process has objects.
func (f *fsys) topEntry(v view) (entry, error) {
	switch {
	case v == viewNom:
		return f.nomEntry(), nil
	case v == viewLocal && f.local != nil:
		return f.local.dirEntry(), nil
	}
	return entry{}, errNoEntry
}
