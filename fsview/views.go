//go:build linux

package fsview

import (
	"context"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"

	"nomfs/codec"
)

// views are the unlisted files ATTR.SUFFIX that show an attribute in another
// way. A new view is one more line.
var views = map[string]func(d *objectDir, m member, name string) entry{
	"err":     errView,
	"type":    typeView,
	exactView: reprView,
}

// exactView is the suffix of the view that sets any type.
const exactView = "repr"

// viewEntry returns a view of an attribute that exists, or that failed.
func (d *objectDir) viewEntry(ctx context.Context, m member, name, suffix string) (entry, error) {
	view := views[suffix]
	if view == nil {
		return entry{}, errNoEntry
	}
	if d.p.errors.ofPath(m.path()) != "" || m.info() != nil {
		return view(d, m, name), nil
	}
	if !d.mayExist(ctx, m.attr, m.fileName()) {
		return entry{}, errNoEntry
	}
	if _, ok := m.fresh(); ok {
		return view(d, m, name), nil
	}
	if _, _, err := m.look(ctx); err != nil && (isMissing(err) || !isException(err)) {
		return entry{}, err
	}
	return view(d, m, name), nil
}

// errView is the text of the last error on the attribute.
func errView(d *objectDir, m member, name string) entry {
	return localTextEntry(d.p, d.path, name, func(caller) string { return d.p.errors.ofPath(m.path()) })
}

// typeView is the type of the value.
func typeView(d *objectDir, m member, name string) entry {
	return textEntry(d.p, d.path, name, opGet, func(ctx context.Context, _ caller) ([]byte, error) {
		v, known := m.fresh()
		info := m.info()
		if !known {
			var told *codec.AttrInfo
			var err error
			if v, told, err = m.look(ctx); err != nil {
				return nil, err
			}
			if told != nil {
				info = told
			}
		}
		if (v == nil || v.Kind() == codec.KindRef) && info != nil && info.Type != "" {
			return line(info.Type), nil
		}
		if v == nil {
			return line(codec.KindRef.String()), nil
		}
		return line(describeKind(v)), nil
	})
}

// reprView is the exact literal, to read and to write: it sets any type.
func reprView(d *objectDir, m member, name string) entry {
	return entry{name, syscall.S_IFREG | fileMode, func(old fs.InodeEmbedder) treeNode {
		f, ok := old.(*valueFile)
		if !ok {
			f = &valueFile{node: node{p: d.p}, exact: true}
		}
		f.at.Store(&m)
		return f
	}}
}
