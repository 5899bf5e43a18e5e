//go:build linux

package fsview

import (
	"context"
	"fmt"
	"sync"
	"syscall"

	"nomfs/codec"
)

// A wholeJSON collects the attributes of an object for its JSON.
type wholeJSON struct {
	d    *objectDir
	refs func(codec.Ref) string

	mu      sync.Mutex
	members map[string]any // by attribute
	size    int            // of the values in memory, in bytes
}

// errLargeWhole is the answer where the JSON of an object would be too large.
var errLargeWhole = &opError{syscall.EFBIG, fmt.Sprintf("the object is larger than %d bytes: read its attributes", maxWholeText)}

// add adds an attribute; of one that is a reference its path.
func (w *wholeJSON) add(name string, v codec.Value) error {
	w.mu.Lock()
	w.size += nameSize(name) + memSize(v)
	tooLarge := w.size > maxWholeText
	w.mu.Unlock()
	if tooLarge {
		return errLargeWhole
	}
	var member any
	if _, isRef := v.(codec.Ref); isRef {
		member = map[string]any{markRef: encodeName(name, attrNames)}
	} else {
		member = jsonOf(v, w.refs) // may ask what is registered
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.members[name] = member
	return nil
}

// jsonText is the whole object: all plain attributes in one request, as they are
// at one moment, and of those that are references their paths. What does not
// come with the others, such as what is computed, or holds references, is asked
// for by itself. Methods are left out, and so is what cannot be read.
func (d *objectDir) jsonText(ctx context.Context, _ caller) ([]byte, error) {
	w := &wholeJSON{d: d, refs: d.refPath(ctx), members: make(map[string]any)}
	desc, err := d.describe(ctx)
	switch {
	case unsupported(err):
		var names []string
		if names, err = d.guessNames(ctx); err == nil {
			err = w.each(ctx, names)
		}
	case err == nil:
		err = w.described(ctx, desc)
	}
	if cut := truncation(err); cut != nil {
		return nil, &opError{syscall.EFBIG, cut.Error()} // a part of it would be taken for all
	}
	if err != nil {
		return nil, err
	}
	text, err := appendJSON(nil, w.members)
	if len(text) > maxWholeText {
		return nil, errLargeWhole
	}
	return text, err
}

// described adds the attributes of an object that tells them.
func (w *wholeJSON) described(ctx context.Context, desc *description) error {
	if desc.cut != nil {
		return desc.cut
	}
	err := w.d.do(ctx, func(o *object) error {
		at := o.peer.stamp()
		vals, err := o.peer.remote.Snapshot(ctx, o.ref)
		if err != nil && truncation(err) == nil {
			return err
		}
		for name, v := range vals {
			o.store(member{dir: w.d, attr: name}.id(), v, at)
			if listed(name) {
				if err := w.add(name, v); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	var rest []string
	for _, a := range desc.Attrs {
		switch _, ok := w.members[a.Name]; {
		case ok || a.Call:
		case a.Kind == codec.KindRef && listed(a.Name):
			if err := w.add(a.Name, codec.Ref{}); err != nil {
				return err
			}
		default:
			rest = append(rest, a.Name)
		}
	}
	return w.each(ctx, rest)
}

// each adds attributes that are each asked for by themselves.
func (w *wholeJSON) each(ctx context.Context, names []string) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	parallel(len(names), func(i int) {
		if !listed(names[i]) || ctx.Err() != nil {
			return
		}
		v, err := member{dir: w.d, attr: names[i]}.value(ctx)
		if err == nil {
			err = w.add(names[i], v)
		} else if isException(err) {
			return // it is left out
		}
		if err != nil {
			cancel(err)
		}
	})
	return context.Cause(ctx)
}
