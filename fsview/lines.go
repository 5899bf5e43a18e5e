//go:build linux

package fsview

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"

	"nomfs/codec"
)

// linesView is a list, tuple, set or dict as lines, one for each item.
func linesView(d *objectDir, m member, name string) entry {
	return copyFile(d.p, d.path, name, m, func(ctx context.Context) ([]byte, error) {
		v, err := m.opened(ctx)
		if err != nil {
			return nil, err
		}
		return linesOf(v, d.pathPrinter(ctx))
	})
}

// pathPrinter returns what tells the path of a reference as a call would print it.
func (d *objectDir) pathPrinter(ctx context.Context) func(codec.Ref) string {
	return func(r codec.Ref) string { return d.p.dir + "/" + d.p.pathOf(ctx, r) }
}

// linesOf returns the items of a container, one a line: of a list or tuple in
// order, of a set or dict sorted. An entry of a dict is its key, a tab and its
// value.
func linesOf(v codec.Value, pathText func(codec.Ref) string) ([]byte, error) {
	var lines []string
	switch v := v.(type) {
	case codec.List:
		for _, item := range v {
			lines = append(lines, lineItem(item, "\n", pathText))
		}
	case codec.Tuple:
		return linesOf(codec.List(v), pathText)
	case codec.Set:
		for _, item := range v {
			lines = append(lines, lineItem(item, "\n", pathText))
		}
		slices.Sort(lines)
	case *codec.Map:
		for _, pair := range v.Pairs() {
			lines = append(lines, lineItem(pair.Key, "\n\t", pathText)+"\t"+lineItem(pair.Value, "\n", pathText))
		}
		slices.Sort(lines)
	default:
		return nil, errNoContainer
	}
	var b bytes.Buffer
	for _, l := range lines {
		b.WriteString(l + "\n")
	}
	return b.Bytes(), nil
}

// lineItem is an item in one line: its text as in a file of its own, or where
// that has one of the characters in stop or is no text, its literal.
func lineItem(v codec.Value, stop string, pathText func(codec.Ref) string) string {
	if r, ok := v.(codec.Ref); ok {
		return pathText(r)
	}
	s, ok := codec.StringOf(v)
	if !ok || strings.ContainsAny(s, stop) || isRaw(codec.Bytes(s)) {
		return v.String()
	}
	return s
}

// errNoContainer: the value was a list when the name was looked up.
var errNoContainer = &opError{syscall.ESTALE, "has no items now; look again"}

// isContainer tells whether a value of that kind has items.
func isContainer(k codec.Kind) bool {
	switch k {
	case codec.KindList, codec.KindTuple, codec.KindSet, codec.KindMap:
		return true
	}
	return false
}

// kindNow returns what kind of value the attribute has, asking where it is not
// known.
func (m member) kindNow(ctx context.Context) (codec.Kind, error) {
	if v, ok := m.fresh(); ok {
		return v.Kind(), nil
	}
	if info := m.info(); info != nil && info.Kind != codec.KindInvalid && (info.Call || m.dir.descIsFresh()) {
		return info.Kind, nil // an older description may be of what was there before
	}
	if !m.dir.mayExist(ctx, m.attr, m.fileName()) {
		return codec.KindInvalid, errNoEntry
	}
	v, _, err := m.look(ctx)
	if err != nil || v == nil {
		return codec.KindRef, err
	}
	return v.Kind(), nil
}

// copyFile returns a file made of the copy that a value is: who would write it
// is told what to write instead.
func copyFile(p *peer, dir, name string, m member, text func(context.Context) ([]byte, error)) entry {
	e := textEntry(p, dir, name, m.getOp(), func(ctx context.Context, _ caller) ([]byte, error) { return text(ctx) })
	plain := e.node
	e.node = func(old fs.InodeEmbedder) treeNode {
		n := plain(old)
		if old == nil {
			n.(*textFile).refuse = m.refuseCopy
		}
		return n
	}
	return e
}

// refuseCopy is the answer to whoever wants to write a copy.
func (m member) refuseCopy(ctx context.Context) syscall.Errno {
	return m.dir.p.fail(ctx, "write", m.path(), opSetValue, &opError{syscall.EROFS, "this is a copy; write " + m.fileName()})
}
