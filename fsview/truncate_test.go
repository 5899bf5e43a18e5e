//go:build linux

package fsview

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"nomfs/codec"
)

// TestTruncate checks where a listing ends.
func TestTruncate(t *testing.T) {
	other := errors.New("other")
	for _, tt := range []struct {
		entries, bytes int
		err            error
		want           int
		wantErr        error
	}{
		{3, 1, nil, 3, nil},
		{3, 1, other, 3, other},
		{3, 1, codec.ErrPartial, 3, codec.ErrPartial},
		{maxListed, 1, nil, maxListed, nil},
		{maxListed + 1, 1, nil, maxListed, codec.ErrPartial},
		{10, maxListedBytes / 3, nil, 3, codec.ErrPartial},
		{1, maxListedBytes + 1, nil, 0, codec.ErrPartial},
	} {
		got, err := truncate(make([]int, tt.entries), func(int) int { return tt.bytes }, tt.err)
		if len(got) != tt.want || !errors.Is(err, tt.wantErr) || (err == nil) != (tt.wantErr == nil) {
			t.Errorf("of %d entries of %d bytes: %d, %v", tt.entries, tt.bytes, len(got), err)
		}
	}
}

// An endless peer has more keys, attributes, names and plain values than a listing may
// have.
type endless struct {
	*fakeRemote
	text    string
	ordered bool
	asked   atomic.Int64
}

const beyond = maxListed + 1000

func (e *endless) name(i int) string { return fmt.Sprintf("e%06d%s", i, e.text) }

func (e *endless) names() []string {
	names := make([]string, beyond)
	for i := range names {
		names[i] = e.name(i)
	}
	if !e.ordered {
		names[0], names[1], names[2] = names[1], names[0], names[3] // one twice
	}
	return names
}

func (e *endless) Roots(context.Context) ([]string, map[string]codec.Ref, error) {
	refs := make(map[string]codec.Ref)
	for i, name := range e.names() {
		refs[name] = numbered(i, 10)
	}
	return e.names(), refs, nil
}

func (e *endless) List(context.Context) ([]string, error) { return e.names(), nil }

func (e *endless) Dir(context.Context, codec.Ref) ([]string, error) { return e.names(), nil }

func (e *endless) Describe(context.Context, codec.Ref) (codec.Description, error) {
	e.asked.Add(1)
	d := codec.Description{Class: "Endless", Indexable: true, Sized: true}
	for _, name := range e.names() {
		d.Attrs = append(d.Attrs, codec.AttrInfo{Name: name, Kind: codec.KindInt})
	}
	return d, nil
}

func (e *endless) KeysAndKinds(context.Context, codec.Ref) ([]codec.Value, []codec.Kind, error) {
	keys, kinds := make([]codec.Value, beyond), make([]codec.Kind, beyond)
	for i, name := range e.names() {
		keys[i], kinds[i] = codec.Bytes(name), codec.KindInt
	}
	return keys, kinds, nil
}

func (e *endless) Snapshot(context.Context, codec.Ref, ...string) (map[string]codec.Value, error) {
	vals := make(map[string]codec.Value)
	for _, name := range e.names() {
		vals[name] = codec.Int(1)
	}
	return vals, nil
}

func (e *endless) Resolve(context.Context, string) (codec.Value, error) { return numbered(1, 10), nil }

func (e *endless) GetAttr(context.Context, codec.Ref, string) (codec.Value, error) {
	return codec.Int(7), nil
}

func (e *endless) Look(context.Context, codec.Ref, string) (codec.Value, *codec.AttrInfo, error) {
	return codec.Int(7), nil, nil
}

func (e *endless) GetItem(context.Context, codec.Ref, codec.Value) (codec.Value, error) {
	return codec.Int(8), nil
}

// Release does not keep what it is given.
func (e *endless) Release(...codec.Ref) {}

// TestEndlessListings asks a peer whose listings have no end for each kind of them.
func TestEndlessListings(t *testing.T) {
	for _, text := range []string{"", strings.Repeat("x", 200)} {
		synctest.Test(t, func(t *testing.T) { endlessListings(t, &endless{fakeRemote: newFake(), text: text}) })
	}
}

func endlessListings(t *testing.T, e *endless) {
	p := testPeer(t, e)
	want := maxListed
	if e.text != "" {
		want = maxListedBytes / (stringSize + len(e.name(0)))
	}
	d := p.registered(e.name(0), numbered(0, 10))
	for what, list := range map[string]func(context.Context) ([]entry, error){
		"names": (&rootDir{p}).list, "attributes": d.list, "items": (&indexDir{node: node{p: p}, of: d}).list,
	} {
		got, err := list(t.Context())
		if len(got) > want+2 || len(got) < want/8 || !errors.Is(err, codec.ErrPartial) {
			t.Errorf("%d bytes: %d %s are listed, %v", len(e.text), len(got), what, err)
		}
	}
	e.asked.Store(0)
	p.changed()
	for range 2 {
		got, err := d.list(t.Context())
		if n := e.asked.Load(); len(got) < want/8 || err == nil || n != 1 {
			t.Errorf("a listing has %d entries, %v, after %d requests", len(got), err, n)
		}
	}
	for _, name := range []string{e.name(beyond - 1), "no-identifier"} {
		if _, err := d.find(t.Context(), name); err != nil {
			t.Errorf("%.20s, which is left out, is not found: %v", name, err)
		}
	}
	if n, bytes := p.objects.usage(); n > maxObjects || bytes > maxKept {
		t.Errorf("%d objects, %d bytes", n, bytes)
	}
	if len(p.roots.vals) > maxListed || len(p.roots.byRef) > maxListed {
		t.Errorf("%d names are kept", len(p.roots.vals))
	}
	for i := range 2 * maxLearnt {
		if _, err := p.resolve(t.Context(), "new"+strconv.Itoa(i)); err != nil || len(p.roots.vals) > maxListed {
			t.Fatalf("%d names are kept, %v", len(p.roots.vals), err)
		}
	}
}

// TestPlainNames checks that of what is registered and is no object the value is not
// kept.
func TestPlainNames(t *testing.T) {
	f := newFake()
	f.plain = true
	for i := range 100 {
		f.names[strconv.Itoa(i)] = longText(60_000)
	}
	p := testPeer(t, f)
	entries, err := (&rootDir{p}).list(t.Context())
	if err != nil || len(entries) != 100+1 {
		t.Fatalf("%d entries, %v", len(entries), err)
	}
	for _, v := range p.roots.vals {
		if v != codec.Value(plainRoot) {
			t.Fatalf("%d bytes are kept of a value", memSize(v))
		}
	}
}

// TestTruncatedInMount lists what has no end in a mount: what is listed is shown, and
// .nom/error says that there is more.
func TestTruncatedInMount(t *testing.T) {
	s := startServer(t, serveSpec{Fixture: "endless", Timeout: patience})
	for _, tt := range []struct{ script, out string }{
		{"ls -U e000000/index | wc -l; cut -d' ' -f2- .nom/error", "131072\nlist e000000/index EFBIG: the listing is truncated after 131072 entries, 5111808 bytes\n"},
		{"ls -U e000000 | wc -l; cut -d' ' -f2-5 .nom/error; tail -n1 .nom/log | cut -d' ' -f2-5", "131074\nlist e000000 EFBIG: the\nlist e000000 EFBIG: the\n"},
		{"cat e000000/e000005 e000000/e131999 e000000/index/e131999", "7\n7\n8\n"},
		{"cat e000000/.json > /dev/null; cut -d' ' -f2-4 .nom/error", "cat: e000000/.json: File too large\nread e000000/.json EFBIG:\n"},
		{"wc -l < e000000/.dir; cut -d' ' -f2-4 .nom/error", "131072\nread e000000/.dir EFBIG:\n"},
	} {
		if out, _ := s.sh(tt.script); out != tt.out {
			t.Errorf("%s\nprinted %q, want %q", tt.script, out, tt.out)
		}
	}
	// The kernel is asked to forget what is too much.
	if !eventually(func() bool {
		out, _ := s.sh("sed -n 's/^nodes *//p' .nom/status")
		n, err := strconv.Atoi(strings.TrimSpace(out))
		return err == nil && n <= maxNodes/4*3
	}) {
		t.Error("too many nodes are known to the kernel")
	}
	kB := peakMemory(t, s.cmd.Process.Pid)
	t.Logf("the mount took %d kB", kB)
	if kB > maxPeak && !raceDetector() {
		t.Errorf("the mount took %d kB", kB)
	}
}

// maxPeak is how much memory the mount of an endless peer may take, in kB, the peer
// included, which is in the same process here.
const maxPeak = 640 << 10

// raceDetector tells whether the tests run under the race detector, which takes several
// times the memory.
func raceDetector() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.ContainsFunc(info.Settings, func(s debug.BuildSetting) bool { return s.Key == "-race" && s.Value == "true" })
}

// peakMemory returns the most memory that a process had at any time, in kB.
func peakMemory(t *testing.T, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(strings.TrimSuffix(statusField(status, "VmHWM"), " kB"))
	if err != nil {
		t.Fatal(err)
	}
	return n
}
