package main

import (
	"context"
	"fmt"
	"sync"

	"nomfs/codec"
	"nomfs/nomcore"
)

// A keeper is an object as peers without extensions have them: what it is given
// it keeps as an object of its own, and hands out that.
type keeper struct {
	mu   sync.Mutex
	kept codec.Value
}

func (k *keeper) GetAttr(_ context.Context, name string) (codec.Value, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch name {
	case "kept":
		return k.kept, nil
	case "count":
		return &nomcore.Object{Impl: counter{}}, nil
	}
	return nil, codec.Exception{Class: "AttributeError", Args: codec.Tuple{codec.StringValue(name)}}
}

func (k *keeper) SetAttr(_ context.Context, _ string, v codec.Value) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if f, ok := v.(nomcore.Caller); ok {
		v = &nomcore.Object{Impl: proxy{f}}
	}
	k.kept = v
	return nil
}

// A proxy passes calls on.
type proxy struct{ nomcore.Caller }

// counter returns an iterator.
type counter struct{}

func (counter) Call(context.Context, []codec.Value, map[string]codec.Value) (codec.Value, error) {
	return &nomcore.Object{Impl: &iterator{next: &nomcore.Object{Impl: &nextOf{}}}}, nil
}

// An iterator is one that the language has built in.
type iterator struct{ next *nomcore.Object }

func (i *iterator) GetAttr(_ context.Context, name string) (codec.Value, error) {
	if name == "next" {
		return i.next, nil
	}
	return nil, codec.Exception{Class: "AttributeError", Args: codec.Tuple{codec.StringValue(name)}}
}

// nextOf returns 1, 2 and no more.
type nextOf struct {
	mu sync.Mutex
	n  int
}

func (n *nextOf) Call(context.Context, []codec.Value, map[string]codec.Value) (codec.Value, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.n++; n.n > 2 {
		return nil, codec.Exception{Class: "StopIteration"}
	}
	return codec.Int(n.n), nil
}

func (n *nextOf) Repr(context.Context) (string, error) {
	return fmt.Sprintf("<method-wrapper 'next' of generator object at %p>", n), nil
}
