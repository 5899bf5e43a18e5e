//go:build linux

package fsview

import (
	"context"
	"io"

	"nomfs/codec"
)

// fakeLocalHome is the home of the objects of the process that mounts.
var fakeLocalHome = codec.NewHome("127.0.0.1", 12075)

// A fakeLocal is the process itself, which has nothing registered.
type fakeLocal struct{ *fakeRemote }

var _ Local = fakeLocal{}

func newFakeLocal() fakeLocal { return fakeLocal{newFake()} }

// Own knows no values: a reference goes to the fake and comes back as it is.
func (fakeLocal) Own(codec.Value) (codec.Ref, bool) { return codec.Ref{}, false }

func (fakeLocal) Object(r codec.Ref) (codec.Value, bool, error) {
	return r, r.Home == fakeLocalHome, nil
}

func (fakeLocal) Follows(codec.Ref) bool { return false }

func (fakeLocal) Follow(context.Context, codec.Ref, uint64) ([]string, uint64, error) {
	return nil, 0, io.EOF
}

func (f fakeLocal) Func(call func(ctx context.Context, args []codec.Value, kwargs map[string]codec.Value) (codec.Value, error)) (codec.Ref, func(error)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	o := &fakeObject{label: "callable", class: "function", call: call}
	r := f.add(o)
	delete(f.objects, r)
	r.Home = fakeLocalHome
	o.ref, f.objects[r] = r, o
	return r, func(why error) {
		f.mu.Lock()
		defer f.mu.Unlock()
		o.call = func(context.Context, []codec.Value, map[string]codec.Value) (codec.Value, error) { return nil, why }
	}
}

func (fakeLocal) StatusText() string { return "serving   fake\n" }
