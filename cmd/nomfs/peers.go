package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/urfave/cli/v2"

	"nomfs/nomcore"
)

func attrsFlag() cli.Flag {
	return &cli.StringSliceFlag{
		Name:  "attrs",
		Usage: "list attributes of an object whose peer cannot tell them, as `OBJECT=a,b,c`; can be repeated",
	}
}

// parseAttrs reads the values of --attrs. Of several peers each must begin with
// the name of one: anything else would list nothing, without a word.
func parseAttrs(flags []string, ts []*target) (map[string][]string, error) {
	aliases := make([]string, len(ts))
	for i, t := range ts {
		aliases[i] = t.alias
	}
	attrs := make(map[string][]string)
	for _, flag := range flags {
		object, list, ok := strings.Cut(flag, "=")
		object = strings.Trim(strings.TrimSpace(object), "/")
		names := strings.Split(list, ",")
		for i := range names {
			names[i] = strings.TrimSpace(names[i])
			ok = ok && names[i] != ""
		}
		if !ok || object == "" {
			return nil, withHint(usagef("--attrs %q is no object and names", flag), "for example --attrs app=name,limit; of several peers, --attrs PEER/app=name")
		}
		peer, rest, _ := strings.Cut(object, "/")
		if aliases[0] != "" && (rest == "" || !slices.Contains(aliases, peer)) {
			return nil, withHint(usagef("--attrs %q does not begin with a peer of this mount", flag),
				"--attrs %s/OBJECT=a,b,c, where the peer is one of %s", aliases[0], strings.Join(aliases, ", "))
		}
		attrs[object] = append(attrs[object], names...)
	}
	return attrs, nil
}

// mountWords returns the arguments of mount.
func (e *env) mountWords(c *cli.Context) (peers []string, dir string, err error) {
	names := []string{"PEER", "DIR"}
	for i := 2; i < c.NArg(); i++ {
		names = append([]string{"PEER"}, names...)
	}
	words, err := e.words(c, names...)
	if err != nil {
		return nil, "", err
	}
	return words[:len(words)-1], words[len(words)-1], nil
}

// targetsOf checks the peers of a mount, [NAME=]PEER each.
func (e *env) targetsOf(c *cli.Context, peers []string) ([]*target, error) {
	var ts []*target
	seen := make(map[string]bool)
	for _, word := range peers {
		alias, addr, named := strings.Cut(word, "=")
		if !named {
			alias, addr = "", word
		}
		t, err := e.targetOf(c, addr)
		if err != nil {
			return nil, err
		}
		switch {
		case !named && len(peers) > 1:
			alias = t.addr
		case named && (alias == "" || alias[0] == '.' || strings.ContainsAny(alias, "/\x00")):
			return nil, withHint(usagef("%q cannot be the name of a directory", alias), "NAME=PEER, for example lab=10.0.0.7")
		}
		if seen[alias] && !named {
			return nil, withHint(usagef("the same peer twice: %s", t.addr), "name each peer once")
		}
		if seen[alias] {
			return nil, withHint(usagef("two peers are called %q", alias), "give each a name: NAME=PEER")
		}
		seen[alias] = true
		t.alias, t.name = alias, word
		ts = append(ts, t)
	}
	return ts, nil
}

// namesOf is how the peers of a mount were typed.
func namesOf(ts []*target) string {
	names := make([]string, len(ts))
	for i, t := range ts {
		names[i] = t.name
	}
	return strings.Join(names, " ")
}

// A peerSet is the peers of a mount, and the service that they are used from.
type peerSet struct {
	svc     *nomcore.Service
	targets []*target
	peers   []*nomcore.Peer

	cancel context.CancelFunc
	wg     sync.WaitGroup // who still tries to connect
}

// attach connects to the peers. One of them must answer. The others are waited
// for in the background: they work when they come.
func (e *env) attach(ctx context.Context, ts []*target) (*peerSet, error) {
	addrs := make([]string, len(ts))
	for i, t := range ts {
		addrs[i] = t.addr
	}
	// Finding the address of a name counts, too.
	dialing, cancel := context.WithTimeout(ctx, ts[0].config.Timeout)
	svc, peers, err := nomcore.Attach(dialing, addrs, &ts[0].config)
	if err != nil {
		cancel()
		if errors.Is(err, nomcore.ErrSamePeer) {
			return nil, withHint(&usageError{err}, "name each peer once")
		}
		return nil, ts[0].explain(err)
	}
	g := &peerSet{svc: svc, targets: ts, peers: peers, cancel: cancel}
	outcomes := make(chan error, len(ts))
	for i, t := range ts {
		g.wg.Go(func() {
			err := t.explain(peers[i].Reconnect(dialing))
			if err == nil {
				e.hintNames(t, peers[i])
			} else if len(ts) > 1 && ctx.Err() == nil {
				printHint(e.stderr, fmt.Sprintf("%s does not answer yet (%v); it works when it does", t.name, err))
			}
			outcomes <- err
		})
	}
	var failed error
	for range ts {
		err := <-outcomes
		if err == nil {
			return g, nil
		}
		if failed == nil {
			failed = err
		}
	}
	g.close()
	return nil, failed
}

// close says good-bye to nobody and ends the service.
func (g *peerSet) close() {
	g.cancel()
	g.svc.Close()
	g.wg.Wait()
}

// hintNames prints the one thing to know about a peer that cannot list the
// attributes of its objects.
func (e *env) hintNames(t *target, peer *nomcore.Peer) {
	if !peer.Extended() {
		printHint(e.stderr, subject(t)+" cannot list attributes: a listing shows what was used before and what --attrs names, but any name works when typed")
	}
}

func subject(t *target) string {
	if t.alias == "" {
		return "this peer"
	}
	return fmt.Sprintf("peer %s", t.alias)
}
