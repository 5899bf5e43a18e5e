package main

import (
	"context"
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
	if name == "kept" {
		return k.kept, nil
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
