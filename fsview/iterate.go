//go:build linux

package fsview

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"

	"nomfs/codec"
)

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
	pathText := f.d.pathPrinter(ctx)
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
		b.WriteString(lineItem(v, "\n", pathText) + "\n")
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
	has := func(string) (bool, error) { return false, nil }
	desc, descErr := f.p.describeRef(ctx, r)
	switch {
	case descErr == nil:
		has = func(name string) (bool, error) { return isMethod(desc, name), nil }
	case unsupported(descErr):
		has = func(name string) (bool, error) {
			v, err := f.p.remote.GetAttr(ctx, r, name)
			if isException(err) {
				return false, nil
			}
			return err == nil && v.Kind() == codec.KindRef, err
		}
	case !isException(descErr):
		return "", descErr
	}
	ok, err := has(iterMethod)
	if unsupported(descErr) && !ok && err == nil {
		return f.builtinNext(ctx, r)
	}
	if !ok || err != nil {
		return "", err
	}
	for _, name := range iteratorMethods {
		if ok, err := has(name); ok || err != nil {
			return name, err
		}
	}
	return "", nil
}

// builtinNext is nextMethod for a peer that keeps names with an underscore to
// itself, as peers do that describe nothing. There the method next of a generator,
// and of all that the language itself iterates with, says what it is.
func (f *callFile) builtinNext(ctx context.Context, r codec.Ref) (string, error) {
	const name = "next"
	v, err := f.p.remote.GetAttr(ctx, r, name)
	next, ok := v.(codec.Ref)
	if err == nil && ok {
		var text string
		if text, err = f.p.remote.Repr(ctx, next); err == nil && strings.HasPrefix(text, builtinNextRepr) {
			return name, nil
		}
	}
	if isException(err) {
		err = nil // it is no iterator, and that is no error
	}
	return "", err
}

// builtinNextRepr is how the repr begins of a method next that is built in.
const builtinNextRepr = "<method-wrapper 'next' of "
