//go:build linux

package fsview

import (
	"context"
	"io"

	"nomfs/codec"
)

// fakeLocalHome is the home of the objects of the process that mounts.
var fakeLocalHome = codec.NewHome("127.0.0.1", 12075)

// A fakeLocal is the process itself, which has nothing registered unless a test
// says so.
type fakeLocal struct{ *fakeRemote }

var _ Local = fakeLocal{}

func newFakeLocal() fakeLocal { return fakeLocal{newFake()} }

// Own knows no values: a reference goes to the fake and comes back as it is.
func (fakeLocal) Own(codec.Value) (codec.Ref, bool) { return codec.Ref{}, false }

func (fakeLocal) Object(r codec.Ref) (codec.Value, bool, error) {
	return r, r.Home == fakeLocalHome, nil
}

// ownName is the name of the object that register registers.
const ownName = "mine"

// register registers an object that tells what happens to it.
func (f fakeLocal) register() {
	f.names[ownName] = f.addOwn(&fakeObject{label: ownName, class: "Mine", attrs: map[string]codec.Value{"x": codec.Int(1)}})
}

// addOwn gives an object a reference of this process.
func (f fakeLocal) addOwn(o *fakeObject) codec.Ref {
	r := f.add(o)
	delete(f.objects, r)
	r.Home = fakeLocalHome
	o.ref, f.objects[r] = r, o
	return r
}

func (f fakeLocal) Follows(r codec.Ref) bool { return f.names[ownName] == codec.Value(r) }

// Follow tells one line and ends.
func (f fakeLocal) Follow(_ context.Context, _ codec.Ref, after uint64) ([]string, uint64, error) {
	if after > 0 {
		return nil, 0, io.EOF
	}
	return []string{"called"}, 1, nil
}

func (f fakeLocal) Func(call func(ctx context.Context, args []codec.Value, kwargs map[string]codec.Value) (codec.Value, error)) (codec.Ref, func(error)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	o := &fakeObject{label: "callable", class: "function", call: call}
	return f.addOwn(o), func(why error) {
		f.mu.Lock()
		defer f.mu.Unlock()
		o.call = func(context.Context, []codec.Value, map[string]codec.Value) (codec.Value, error) { return nil, why }
	}
}

func (fakeLocal) StatusText() string { return "serving   fake\n" }
