//go:build linux

package fsview

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"

	"nomfs/codec"
)

// nomDir holds what tells of the mount itself.
const nomDir = ".nom"

// nomEntry is the directory .nom of the root. Nothing in it but README asks a
// peer, and that not for long.
func (f *fsys) nomEntry() entry {
	var list []entry
	for v := range numViews {
		if row := &viewTable[v]; row.in == inNom && row.listed {
			list = append(list, nomMakers[v](f))
		}
	}
	return localEntry(f.hub, "", nomDir, viewNom.perm(), list, func(name string) (entry, error) {
		if v, ok := viewIn(inNom, name); ok {
			return nomMakers[v](f), nil
		}
		return entry{}, errNoEntry
	})
}

// findID resolves a name below .nom/obj.
func (f *fsys) findID(name string) (entry, error) {
	o, ok := f.byID(name)
	if !ok {
		return entry{}, errNoEntry
	}
	return entry{name, syscall.S_IFDIR | dirMode, func(old fs.InodeEmbedder) treeNode {
		x, ok := old.(*objectDir)
		if !ok {
			x = newObjectDir(o.p, nil, objPath+"/"+name, maxDepth)
		}
		x.from(fixedSource{o.r})
		x.adopt(o.r)
		return x
	}}, nil
}

// objectByID is the directory of an object below .nom/obj. It counts as deep,
// so that what it refers to is a link to its neighbours.
func (p *peer) objectByID(r codec.Ref, name string) *objectDir {
	d := &objectDir{node: node{p: p}, src: fixedSource{r}, path: objPath + "/" + name, depth: maxDepth}
	d.adopt(r)
	return d
}

// status describes the mount for people, from memory.
func (f *fsys) status() string {
	var b strings.Builder
	objects, refs := 0, 0
	for _, p := range f.everyone() {
		n, _ := p.objects.usage()
		objects += n
		refs += p.refs.inUse()
		if p.dropped.Load() {
			continue
		}
		if p.alias != "" {
			fmt.Fprintf(&b, "%-20s %s\n", "name", p.alias)
		}
		if text := strings.TrimSuffix(p.remote.StatusText(), "\n"); text != "" {
			b.WriteString(text + "\n")
		}
		if f.many || p == f.local {
			b.WriteByte('\n')
		}
	}
	f.idsMu.Lock()
	ids := f.ids.len()
	f.idsMu.Unlock()
	access := "read and write"
	if f.opt.ReadOnly {
		access = "read only"
	}
	for _, line := range []struct {
		name  string
		value any
	}{
		{"mount", f.dir + ", " + access}, {"since", f.started.Format(time.RFC3339)}, {"timeout", f.timeout()},
		{"objects_known", objects}, {"objects_by_id", ids}, {"references_in_use", refs},
		{"calls_running", f.results.running()}, {"listening", f.listeners.count()}, {"nodes", f.nodes.n.Load()},
	} {
		fmt.Fprintf(&b, "%-20s %v\n", line.name, line.value)
	}
	b.WriteString(f.scratches.lines())
	return b.String()
}

// readme explains the tree with names that are really there.
func (f *fsys) readme(ctx context.Context, _ caller) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, maxAge) // a peer that is away does not keep its manual
	defer cancel()
	name := "NAME"
	names := make([]string, len(f.peers))
	parallel(len(f.peers), func(i int) { names[i] = f.peers[i].exampleName(ctx) })
	if i := slices.IndexFunc(names, func(s string) bool { return s != "" }); i >= 0 {
		name = names[i]
	}
	who := f.opt.Peer
	if f.many {
		who = "several peers (" + who + "), each in a directory of its own"
	}
	readOnly := ""
	if f.opt.ReadOnly {
		readOnly = "\nThe mount is read only: what sets, deletes, calls or listens is refused."
	}
	return []byte(strings.NewReplacer(
		"{who}", who, "{access}", readOnly, "{dir}", f.dir, "{name}", name,
		"{object views}", viewHelp(inObject, name+"/"),
		"{attribute views}", viewHelp(ofAttr, name+"/ATTR."),
		"{root views}", viewHelp(inTop, "")+viewHelp(inPeer, "")+viewHelp(inNom, nomDir+"/"),
	).Replace(readmeText)), nil
}

// exampleName returns the path of a registered object that is good for
// examples, "" where there is none.
func (p *peer) exampleName(ctx context.Context) string {
	if p.dropped.Load() {
		return ""
	}
	p.rootsNow(ctx, readmeAge, true)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.roots == nil {
		return ""
	}
	for _, n := range p.roots.names {
		if _, ok := p.roots.vals[n].(codec.Ref); ok && isIdentifier(n) {
			return joinPath(p.at, n)
		}
	}
	return ""
}

// readmeAge is how old the names in the examples may be.
const readmeAge = time.Hour

const readmeText = `This directory shows the objects of {who}, live.
A file is a value, a directory is an object.{access}

  cd {dir}
  ls {name}                       its attributes
  cat {name}/ATTR                 read one
  echo 5 > {name}/ATTR            set one; the text must fit its type
  rm {name}/ATTR                  delete one
  ln -sfn ../OBJECT {name}/ATTR   let it refer to an object; if it is a directory,
                                because it does so now, rmdir it first
  echo '1, b=2' > {name}/METHOD/call; cat {name}/METHOD/call     call a method
  {name}/.bin/METHOD 1 --b=2      the same as one command; --help explains it

The directory of an object also has, as far as they fit the object:
{object views}
Each attribute also has, though no listing names them:
{attribute views}
The root also has:
{root views}
Any attribute can be used by its name, listed or not. Directories are never
copied into a mount as they were: what a saved tree has in its "call" files
would be called.
`
