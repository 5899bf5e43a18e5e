package expose

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"nomfs/codec"
	"nomfs/nomcore"
)

// version is a file of which a part changes with n, and a part does not.
func version(n int) string {
	return fmt.Sprintf(`
[objects.app]
version = %d
calm = { command = ["echo", "calm"], cache = "1h" }
count = { value = 1, writable = true }
inbox = { mailbox = 10 }
n%d = { value = %d }
ping = { command = ["echo", "%d"] }
far = { peer = "127.0.0.1:9", object = "app%d" }
[objects.app.sub]
x = 1
[objects.other]
y = 2
run = { call = ["true"] }
stock = { data = "stock.json" }
grows = { mailbox = %d }
[objects.changing]
call = ["echo", "%d"]
`, n, n, n, n, n, n%5+1, n)
}

func TestReload(t *testing.T) {
	e := expose(t, version(1))
	app, _ := e.at("app.x")
	sub, _ := e.at("app.sub.x")
	other, _ := e.at("other.y")
	inbox, _ := e.at("app.inbox.x")
	changing, _ := e.at("changing.x")
	ctx := context.Background()
	if _, err := e.call("app.inbox", str("kept")); err != nil {
		t.Fatal(err)
	}
	if err := e.set("app.count", codec.Int(7)); err != nil {
		t.Fatal(err)
	}
	e.write(version(2))
	if err := e.served.Reload(); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		ref  codec.Ref
		name string
		want string
	}{
		{app, "version", "2"}, {app, "n2", "2"}, {app, "n1", "AttributeError"}, {app, "count", "7"}, {sub, "x", "1"},
		{other, "y", "2"}, {inbox, "total", "1"},
	} {
		v, err := e.peer.GetAttr(ctx, tt.ref, tt.name)
		wants(t, tt.name, v, err, tt.want)
	}
	if _, err := e.peer.GetAttr(ctx, changing, "total"); !errors.Is(err, nomcore.ErrStale) {
		t.Errorf("an object that was replaced: %v", err)
	}
	// What was said about a value is no reason to forget it, nor is another
	// option.
	e.write(strings.Replace(version(2), `writable = true`, `writable = true, doc = "a number", type = "any"`, 1))
	if err := e.served.Reload(); err != nil {
		t.Fatal(err)
	}
	v, err := e.get("app.count")
	wants(t, "count", v, err, "7")
	e.write("[objects.other]\ny = 2\n")
	if err := e.served.Reload(); err != nil {
		t.Fatal(err)
	}
	if got := e.served.Names(); !slices.Equal(got, []string{"other"}) {
		t.Errorf("what is left: %v", got)
	}
	if _, err := e.peer.GetAttr(ctx, app, "version"); !errors.Is(err, nomcore.ErrStale) {
		t.Errorf("an object that was taken away: %v", err)
	}
}

// TestReloadEnds: whoever holds what is not in the file any more is told so,
// in a table that is still there, too.
func TestReloadEnds(t *testing.T) {
	ctx := context.Background()
	e := expose(t, `
[objects.app]
here = 1
[objects.app.attrs]
a = { data = "stock.json" }
b = { data = "list.json" }
c = { mailbox = 5 }
d = { builtin = "host" }
e = { call = ["true"] }
f = { script = "s.star" }
[objects.app.g]
x = 1
`)
	names := []string{"a", "b", "c", "d", "e", "f", "g"}
	held := map[string]codec.Ref{}
	for _, name := range names {
		held[name], _ = e.at("app." + name + ".x")
	}
	held["d.memory"], _ = e.at("app.d.memory.total")
	app, _ := e.at("app.here")
	for name, r := range held {
		if _, err := e.peer.Repr(ctx, r); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	e.write("[objects.app]\nhere = 2\n")
	if err := e.served.Reload(); err != nil {
		t.Fatal(err)
	}
	v, err := e.peer.GetAttr(ctx, app, "here")
	wants(t, "what is still there", v, err, "2")
	for name, r := range held {
		_, err := e.peer.GetAttr(ctx, r, "x")
		_, callErr := e.peer.Call(ctx, r, nil, nil)
		for _, err := range []error{err, callErr} {
			var exc codec.Exception
			if !errors.Is(err, nomcore.ErrStale) && !(errors.As(err, &exc) && exc.Class == "ReferenceError") {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// TestReloadRefused: what is wrong changes nothing.
func TestReloadRefused(t *testing.T) {
	for _, text := range []string{"", "[objects.app]\nversion = 2\nbad = { valu = 1 }", "[objects.app]\nversion = = 2",
		"[objects.app]\nversion = 2\n[objects.taken]\nx = 1"} {
		e := expose(t, version(1))
		if err := e.svc.Register("taken", e); err != nil {
			t.Fatal(err)
		}
		refuse := errors.New("refused")
		if text == "" {
			text = version(2)
			e.served.opt.Accept = func(*Config) error { return refuse }
		}
		r, _ := e.at("app.version")
		e.write(text)
		if err := e.served.Reload(); err == nil || e.served.opt.Accept != nil && !errors.Is(err, refuse) {
			t.Errorf("%q: %v", text, err)
		}
		v, err := e.peer.GetAttr(context.Background(), r, "version")
		wants(t, "version", v, err, "1")
		names, err := e.peer.List(context.Background())
		if slices.Sort(names); !slices.Equal(names, []string{"app", "changing", "other", "taken"}) {
			t.Errorf("there is %v, %v", names, err)
		}
	}
}

// readWhile reads what does not change until ctx ends.
func readWhile(ctx context.Context, t *testing.T, p *nomcore.Peer) {
	app, _, err := follow(p, "app.version")
	sub, _, err2 := follow(p, "app.sub.x")
	other, _, err3 := follow(p, "other.y")
	if err := errors.Join(err, err2, err3); err != nil {
		t.Error(err)
		return
	}
	for ctx.Err() == nil {
		for _, at := range []struct {
			r    codec.Ref
			name string
		}{{app, "version"}, {app, "calm"}, {app, "count"}, {sub, "x"}, {other, "y"}} {
			if _, err := p.GetAttr(context.Background(), at.r, at.name); err != nil {
				t.Errorf("%s: %v", at.name, err)
				return
			}
		}
		if _, err := p.Describe(context.Background(), app); err != nil {
			t.Errorf("describe: %v", err)
			return
		}
		again, _, err := follow(p, "app.sub.x")
		if err != nil || again != sub {
			t.Errorf("app.sub is %v, was %v: %v", again, sub, err)
			return
		}
	}
}

// TestEditingWhileClientsRead: what did not change never fails, nor is it ever
// another object; what did is there in the end.
func TestEditingWhileClientsRead(t *testing.T) {
	const clients, edits = 8, 30
	e := expose(t, version(0))
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() {
		if err := e.served.Watch(ctx); err != nil {
			t.Error(err)
		}
	})
	for range clients {
		p := e.client()
		all.Go(func() { readWhile(ctx, t, p) })
	}
	for n := range edits {
		switch n % 4 {
		case 1:
			e.write("[objects.app]\nversion = ")
		case 2: // in two steps: for a while the file is empty
			f, err := os.Create(e.path)
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(3 * settleAfter)
			_, err = f.WriteString(version(n + 1))
			if err := errors.Join(err, f.Close()); err != nil {
				t.Fatal(err)
			}
			awaitVersion(t, e, n+1)
			continue
		}
		e.write(version(n + 1))
		if n%4 == 0 {
			awaitVersion(t, e, n+1)
		}
	}
	e.write(version(1000))
	awaitVersion(t, e, 1000)
	cancel()
	all.Wait()
	if !strings.Contains(e.log.String(), "the changed file is applied") {
		t.Errorf("the log does not tell that the file was applied:\n%s", e.log)
	}
}

// TestWatchFollowsLinks: the file may be a link, by itself or on its way, and be
// made to lead elsewhere; it may be gone for a while.
func TestWatchFollowsLinks(t *testing.T) {
	dir := filepath.Dir(writeConfig(t, ""))
	put := func(sub string, n int) {
		t.Helper()
		text := fmt.Sprintf("[objects.app]\nversion = %d\n", n)
		if err := errors.Join(os.MkdirAll(filepath.Join(dir, sub), 0o700),
			os.WriteFile(filepath.Join(dir, sub, "nomfs.toml"), []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	lead := func(to string) {
		t.Helper()
		if err := errors.Join(os.Symlink(to, filepath.Join(dir, "new")), os.Rename(filepath.Join(dir, "new"), filepath.Join(dir, "now"))); err != nil {
			t.Fatal(err)
		}
	}
	put("one", 1)
	put("two", 2)
	lead("one")
	link := filepath.Join(dir, "link.toml")
	if err := os.Symlink(filepath.Join("now", "nomfs.toml"), link); err != nil {
		t.Fatal(err)
	}
	e := exposeFile(t, link)
	ctx, cancel := context.WithCancel(context.Background())
	var watching sync.WaitGroup
	watching.Go(func() {
		if err := e.served.Watch(ctx); err != nil {
			t.Error(err)
		}
	})
	defer func() { cancel(); watching.Wait() }()
	awaitVersion(t, e, 1)
	lead("two")
	awaitVersion(t, e, 2)
	put("two", 3)
	awaitVersion(t, e, 3)
	if err := os.Remove(filepath.Join(dir, "two", "nomfs.toml")); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(patience); !strings.Contains(e.log.String(), "no such file"); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the log does not say that the file is gone:\n%s", e.log)
		}
	}
	awaitVersion(t, e, 3)
	put("two", 4)
	awaitVersion(t, e, 4)
	// Another directory in the place of the one that is watched.
	for n := 5; n < 7; n++ {
		put("three", n)
		if err := errors.Join(os.RemoveAll(filepath.Join(dir, "two")),
			os.Rename(filepath.Join(dir, "three"), filepath.Join(dir, "two"))); err != nil {
			t.Fatal(err)
		}
		awaitVersion(t, e, n)
	}
	put("two", 8)
	awaitVersion(t, e, 8)
}

func awaitVersion(t *testing.T, e *exposed, n int) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		if v, err := e.get("app.version"); err == nil && codec.Equal(v, codec.Int(n)) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("version %d was not applied after %v:\n%s", n, patience, e.log)
		}
	}
}

// TestReloadsLeakNothing: after 1000 reloads there is what there was before.
func TestReloadsLeakNothing(t *testing.T) {
	const reloads = 1000
	e := expose(t, version(0))
	ctx, cancel := context.WithCancel(context.Background())
	var watching sync.WaitGroup
	watching.Go(func() { _ = e.served.Watch(ctx) })
	apply := func(n int) {
		text := version(n)
		if n%10 == 3 {
			text = version(n) + "nosuch = { valeu = 1 }"
		}
		if err := os.WriteFile(e.path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := e.served.Reload(); (err != nil) != (n%10 == 3) {
			t.Fatal(err)
		}
	}
	for n := range 50 {
		apply(n)
	}
	if _, err := e.get("app.calm"); err != nil {
		t.Fatal(err)
	}
	before := usage(e)
	for n := range reloads {
		apply(n)
		if n%100 == 0 {
			v, err := e.get("app.ping")
			wants(t, "ping", v, err, fmt.Sprintf("'%d'", n))
			far, _ := e.at("app.far.x")
			_, err = e.peer.GetAttr(context.Background(), far, "x")
			wants(t, "what is not there", nil, err, "IOError")
			e.peer.Release(far)
		}
	}
	var after counts
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		runtime.GC()
		after = usage(e)
		if after.goroutines <= before.goroutines+2 && after.files <= before.files && after.objects <= before.objects && after.names == before.names {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("before %+v, after %+v", before, after)
		}
	}
	cancel()
	watching.Wait()
	if err := e.served.Close(); err != nil {
		t.Error(err)
	}
	if got := e.svc.Stats(); got.Names != 0 || got.Objects != 0 {
		t.Errorf("after closing %d names and %d objects are left", got.Names, got.Objects)
	}
}

type counts struct{ goroutines, files, objects, names int }

// usage counts what could leak. Watches of inotify are files' entries there.
func usage(e *exposed) counts {
	s := e.svc.Stats()
	c := counts{goroutines: runtime.NumGoroutine(), objects: s.Objects, names: s.Names}
	open, _ := filepath.Glob("/proc/self/fd/*")
	c.files = len(open)
	infos, _ := filepath.Glob("/proc/self/fdinfo/*")
	for _, name := range infos {
		text, _ := os.ReadFile(name)
		c.files += strings.Count(string(text), "inotify wd:")
	}
	return c
}

// TestReloadTellsNewWords changes what the file says of entries that stay as
// they are.
// TestReloadLogs: each reading of the file that matters to somebody is told once.
func TestReloadLogs(t *testing.T) {
	const right, wrong = "level=INFO msg=\"the file is right again", "level=ERROR msg=\"the changed file is not applied"
	const applied = "level=INFO msg=\"the changed file is applied"
	e := expose(t, version(1))
	lines := 0
	for _, tt := range []struct{ text, want string }{
		{version(1), ""}, {"x = = 1", wrong}, {version(1), right}, {version(1), ""}, {"x = = 1", wrong},
		{version(2), applied}, {version(2), ""}, {version(2) + "# more\n", ""},
	} {
		e.write(tt.text)
		e.served.ReloadAndLog()
		log := strings.Split(strings.TrimSuffix(e.log.String(), "\n"), "\n")
		fresh := log[lines:]
		if e.log.String() == "" {
			fresh = nil
		} else {
			lines = len(log)
		}
		if tt.want == "" && len(fresh) > 0 || tt.want != "" && (len(fresh) != 1 || !strings.Contains(fresh[0], tt.want)) {
			t.Errorf("%.20q: the log says %q, want %q", tt.text, fresh, tt.want)
		}
	}
}

func TestReloadTellsNewWords(t *testing.T) {
	const file = `
[objects.app]
box = { mailbox = 3, doc = "WORDS" }
run = { call = ["true"], doc = "WORDS" }
`
	e := expose(t, strings.ReplaceAll(file, "WORDS", "before"))
	ctx := context.Background()
	if _, err := e.call("app.box", str("kept")); err != nil {
		t.Fatal(err)
	}
	for _, words := range []string{"before", "after"} {
		e.write(strings.ReplaceAll(file, "WORDS", words))
		if err := e.served.Reload(); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"app.box.x", "app.run.x"} {
			r, _ := e.at(name)
			if d, err := e.peer.Describe(ctx, r); err != nil || d.Doc != words {
				t.Errorf("%s: %q, %v, want %q", name, d.Doc, err, words)
			}
		}
	}
	box, _ := e.at("app.box.x")
	v, err := e.peer.GetAttr(ctx, box, "total")
	wants(t, "calls", v, err, "1")
}

// TestListenChanged: that another address waits for the next start is said, and
// not of the one that is in use.
func TestListenChanged(t *testing.T) {
	const text = "listen = \"127.0.0.1:%d\"\n[objects.app]\n"
	e := expose(t, fmt.Sprintf(text, 1))
	for _, port := range []int{2, 1, 1} {
		e.write(fmt.Sprintf(text, port))
		if err := e.served.Reload(); err != nil {
			t.Fatal(err)
		}
	}
	if n := strings.Count(e.log.String(), "next start"); n != 1 {
		t.Errorf("it is said %d times, want once:\n%s", n, e.log)
	}
}
