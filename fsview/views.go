//go:build linux

package fsview

import (
	"cmp"
	"context"
	"errors"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"

	"nomfs/codec"
)

// A viewMaker makes the entry of a view: of an object, or of an attribute.
type viewMaker struct {
	object func(ctx context.Context, d *objectDir) (entry, error)
	attr   func(d *objectDir, m member, name string) entry
	form   *form // in which the attribute can be written, nil for none
}

// viewMakers makes what viewTable names in the directory of an object.
var viewMakers = [numViews]viewMaker{
	viewCall:       {object: func(_ context.Context, d *objectDir) (entry, error) { return d.callEntry(), nil }},
	viewLen:        {object: textView(viewLen, opLen, (*objectDir).lenText)},
	viewIndex:      {object: func(_ context.Context, d *objectDir) (entry, error) { return d.indexEntry(), nil }},
	viewRepr:       {object: textView(viewRepr, opText, (*objectDir).reprText)},
	viewStr:        {object: textView(viewStr, opText, (*objectDir).strText)},
	viewBin:        {object: func(_ context.Context, d *objectDir) (entry, error) { return d.binEntry() }},
	viewCalls:      {object: func(ctx context.Context, d *objectDir) (entry, error) { return d.callsEntry(ctx) }},
	viewDir:        {object: textView(viewDir, opGet, (*objectDir).dirText)},
	viewDoc:        {object: textView(viewDoc, opGet, (*objectDir).docText)},
	viewObjectJSON: {object: textView(viewObjectJSON, opGet, (*objectDir).jsonText)},
	viewOID:        {object: textView(viewOID, opGet, (*objectDir).oidText)},
	viewSig:        {object: textView(viewSig, opGet, (*objectDir).sigText)},
	viewType:       {object: textView(viewType, opGet, (*objectDir).typeText)},

	viewAttrErr:    {attr: errView},
	viewAttrItems:  {attr: itemsView},
	viewAttrJSON:   {attr: formView(jsonForm), form: jsonForm},
	viewAttrLines:  {attr: linesView},
	viewAttrListen: {attr: listenView},
	viewAttrRepr:   {attr: formView(reprForm), form: reprForm},
	viewAttrType:   {attr: typeView},
	viewAttrWatch:  {attr: watchView},
}

// nomMakers makes what viewTable names in .nom.
var nomMakers = map[view]func(f *fsys) entry{
	viewNomREADME: func(f *fsys) entry { return textEntry(f.hub, nomDir, viewNomREADME.name(), opGet, f.readme) },
	viewNomCtl:    func(f *fsys) entry { return ctlEntry(f.hub) },
	viewNomError: func(f *fsys) entry {
		return localTextEntry(f.hub, nomDir, viewNomError.name(), func(c caller) string { return f.errors.ofSession(c.session()) })
	},
	viewNomLog: func(f *fsys) entry { return logEntry(f.hub, viewNomLog.name(), &f.errors.all) },
	viewNomObj: func(f *fsys) entry {
		return localEntry(f.hub, nomDir, viewNomObj.name(), viewNomObj.perm(), nil, f.findID)
	},
	viewNomStatus: func(f *fsys) entry {
		return localTextEntry(f.hub, nomDir, viewNomStatus.name(), func(caller) string { return f.status() })
	},
}

// viewEntry returns a view of the object, or of an attribute that exists or that
// failed.
func (d *objectDir) viewEntry(ctx context.Context, v view, attr, name string) (entry, error) {
	row := &viewTable[v]
	if row.in == inObject {
		if row.needs != 0 {
			if can, err := d.can(ctx); err != nil || row.needs&^can != 0 {
				return entry{}, cmp.Or(err, error(errNoEntry))
			}
		}
		return viewMakers[v].object(ctx, d)
	}
	m := member{dir: d, attr: attr}
	if err := d.hasView(ctx, row, m); err != nil {
		return entry{}, err
	}
	return viewMakers[v].attr(d, m, name), nil
}

// hasView returns nil where an attribute has a view.
func (d *objectDir) hasView(ctx context.Context, row *viewName, m member) error {
	switch {
	case row.creates && isIdentifier(m.attr):
		return nil
	case row.container:
		kind, err := m.kindNow(ctx)
		if err == nil && !isContainer(kind) {
			err = errNoEntry
		}
		return err
	case d.p.errors.ofPath(m.path()) != "" || m.info() != nil:
		return nil
	case !d.mayExist(ctx, m.attr, m.fileName()):
		return errNoEntry
	}
	if _, ok := m.fresh(); ok {
		return nil
	}
	if _, _, err := m.look(ctx); err != nil && (isMissing(err) || !isException(err)) {
		return err
	}
	return nil
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
			var advertised *codec.AttrInfo
			var err error
			if v, advertised, err = m.look(ctx); err != nil {
				return nil, err
			}
			if advertised != nil {
				info = advertised
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

// A form is a way to show any value, and to write it.
type form struct {
	render func(ctx context.Context, m member, v codec.Value) ([]byte, error)
	parse  func(ctx context.Context, m member, text []byte) (codec.Value, error)
	refs   bool // it shows references, too
}

// reprForm is the exact literal: it sets any type. A reference is its path, as
// it can be written.
var reprForm = &form{
	render: func(_ context.Context, m member, v codec.Value) ([]byte, error) {
		if v.Kind() == codec.KindRef {
			return line("@" + joinPath(m.dir.p.dir, m.path())), nil
		}
		return append([]byte(v.String()), '\n'), nil
	},
	parse: func(_ context.Context, _ member, text []byte) (codec.Value, error) {
		v, err := codec.ParseLiteral(string(text))
		if err != nil {
			return nil, &textError{words: "want a literal: " + err.Error(), incomplete: errors.Is(err, codec.ErrIncomplete)}
		}
		return v, nil
	},
	refs: true,
}

// jsonForm is JSON: it sets any type, too.
var jsonForm = &form{
	render: func(ctx context.Context, m member, v codec.Value) ([]byte, error) {
		if v.Kind() == codec.KindRef {
			return appendJSON(nil, map[string]any{markRef: m.fileName()})
		}
		return appendJSON(nil, jsonOf(v, m.dir.refPath(ctx)))
	},
	parse: func(ctx context.Context, m member, text []byte) (codec.Value, error) {
		cur, err := m.current(ctx)
		if err != nil {
			return nil, err
		}
		return parseJSON(text, cur, func(path string) (codec.Value, error) {
			v, err := m.dir.p.walk(ctx, m.dir.path, path)
			if err != nil {
				return nil, &opError{errnoOf(err, opLookup), "@" + path + ": " + err.Error()}
			}
			return v, nil
		})
	},
	refs: true,
}

// refPath returns what tells the path of a reference from the directory of the
// object.
func (d *objectDir) refPath(ctx context.Context) func(codec.Ref) string {
	return func(r codec.Ref) string { return relative(d.path, d.p.pathOf(ctx, r)) }
}

// formView is a view that can be read and written.
func formView(form *form) func(d *objectDir, m member, name string) entry {
	return func(d *objectDir, m member, name string) entry {
		return entry{name, syscall.S_IFREG | fileMode, func(old fs.InodeEmbedder) treeNode {
			f, ok := old.(*valueFile)
			if !ok {
				f = &valueFile{node: node{p: d.p}, form: form}
			}
			f.at.Store(&m)
			return f
		}}
	}
}
