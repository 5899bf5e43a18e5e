//go:build linux

package fsview

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	iofs "io/fs"
	"strings"
	"syscall"

	"nomfs/codec"
)

// maxItemsText bounds the text that the items of an iterator fill, in bytes.
// What goes on for ever must be stopped somewhere.
const maxItemsText = 1 << 20

// iteratorMethods are the names of the method that returns the next item, in
// either dialect of the language that has them.
var iteratorMethods = []string{"next", "__next__"}

// iterMethod tells an iterator from an object that has a method next.
const iterMethod = "__iter__"

// stopIteration is the exception by which an iterator says that it is at its
// end.
const stopIteration = "StopIteration"

// items returns the items of an iterator, one a line; ok is false where r is
// none. Whoever calls a generator wants what it yields, and it can be had only
// once.
func (f *callFile) items(ctx context.Context, r codec.Ref) (text []byte, ok bool, err error) {
	next, err := f.nextMethod(ctx, r)
	if err != nil || next == "" {
		return nil, false, err
	}
	place := f.d.placeOf(ctx)
	var b bytes.Buffer
	for {
		c, cancel := context.WithTimeout(ctx, callTime)
		v, err := f.p.remote.CallAttr(c, r, next, nil, nil)
		cancel()
		var exc codec.Exception
		switch {
		case errors.As(err, &exc) && exc.Class == stopIteration:
			return b.Bytes(), true, nil
		case err != nil:
			return nil, true, err
		}
		b.WriteString(lineItem(v, "\n", place) + "\n")
		if b.Len() > maxItemsText {
			return nil, true, &opError{syscall.EMSGSIZE, fmt.Sprintf("the iterator has more than %d bytes of items", maxItemsText)}
		}
	}
}

// nextMethod returns the name of the method that returns the next item, "" where
// r is no iterator.
func (f *callFile) nextMethod(ctx context.Context, r codec.Ref) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, f.p.timeout())
	defer cancel()
	desc, err := f.p.remote.Describe(ctx, r)
	switch {
	case err == nil:
		for _, name := range iteratorMethods {
			if isMethod(&desc, iterMethod) && isMethod(&desc, name) {
				return name, nil
			}
		}
		return "", nil
	case !unsupported(err):
		return "", realError(err)
	}
	if ok, err := f.looksLikeIterator(ctx, r); !ok || err != nil {
		return "", err
	}
	for _, name := range iteratorMethods {
		if ok, err := f.hasObject(ctx, r, name); ok || err != nil {
			return name, err
		}
	}
	return "", nil
}

// looksLikeIterator asks a peer that cannot describe its objects. One that keeps
// names with underscores to itself is asked how the object calls itself, as
// Python's own do: <generator object f at 0x7f>, <listiterator object at 0x7f>.
func (f *callFile) looksLikeIterator(ctx context.Context, r codec.Ref) (bool, error) {
	_, err := f.p.remote.GetAttr(ctx, r, iterMethod)
	if !errors.Is(err, iofs.ErrPermission) {
		return err == nil, realError(err)
	}
	text, err := f.p.remote.Repr(ctx, r)
	return strings.HasPrefix(text, "<generator object") || strings.Contains(text, "iterator object"), realError(err)
}

func (f *callFile) hasObject(ctx context.Context, r codec.Ref, name string) (bool, error) {
	v, err := f.p.remote.GetAttr(ctx, r, name)
	return err == nil && v.Kind() == codec.KindRef, realError(err)
}

// realError is err, unless it is the peer's own word that there is nothing.
func realError(err error) error {
	if isException(err) {
		return nil
	}
	return err
}
