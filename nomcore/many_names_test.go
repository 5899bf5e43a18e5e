package nomcore

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"nomfs/codec"
)

// Any number of names is listed, with references, between peers of ours. An
// original, which wants all in one packet, is told that they are too many.
func TestManyNames(t *testing.T) {
	const many = 100_000
	p := newPair(t, newBag(nil), noLog)
	shared := newBag(map[string]codec.Value{"a": codec.Int(1)})
	for i := range many - 1 {
		// Different objects, or they would have one reference.
		if err := p.server.Register(fmt.Sprintf("name_%d", i), &Object{Impl: shared}); err != nil {
			t.Fatal(err)
		}
	}
	want := func(what string, names []string, err error) {
		t.Helper()
		if err != nil || len(names) != many || names[0] != "x" || names[many-1] != fmt.Sprintf("name_%d", many-2) {
			t.Errorf("%s: %d names, %v", what, len(names), err)
		}
	}
	names, err := p.peer.List(t.Context())
	want("LIST", names, err)
	names, refs, err := p.peer.Roots(t.Context())
	want("Roots", names, err)
	if len(refs) != many {
		t.Errorf("Roots: %d references", len(refs))
	}
	for _, name := range []string{"x", "name_0", fmt.Sprintf("name_%d", many/2), fmt.Sprintf("name_%d", many-2)} {
		if v, err := p.peer.Resolve(t.Context(), name); err != nil || v != codec.Value(refs[name]) {
			t.Errorf("%s resolves to %v, %v; Roots has %v", name, v, err, refs[name])
		}
	}
	original := p.net.newService(t, "127.0.0.3:12074", noLog, plainOnly)
	peer, ref := connect(t, original, serverAddr, "name_7")
	if all, err := peer.List(t.Context()); !errors.As(err, new(*RemoteError)) || !strings.Contains(err.Error(), "the answer is too large") {
		t.Errorf("an original gets %d names, %v", len(all), err)
	}
	if v, err := peer.GetAttr(t.Context(), ref, "a"); err != nil || v != codec.Value(codec.Int(1)) {
		t.Errorf("an original is not served after that: %v, %v", v, err)
	}
}
