//go:build linux

package fsview

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"

	"nomfs/codec"
)

// TestTasks checks what an owner of goroutines promises.
func TestTasks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		own, why := newTasks(), errors.New("why")
		slow := make(chan struct{})
		if !own.spawn(func() { <-own.base.Done(); <-slow }) {
			t.Fatal("an open owner starts nothing")
		}
		own.close(why)
		own.close(errors.New("later"))
		if got := context.Cause(own.base); got != why {
			t.Errorf("the context ended because of %v", got)
		}
		if own.spawn(func() { t.Error("it runs") }) {
			t.Error("a closed owner starts goroutines")
		}
		if own.wait(time.Second) {
			t.Error("it did not wait for the goroutine that runs")
		}
		close(slow)
		if !own.wait(time.Second) {
			t.Error("it waits for nobody")
		}
		if empty := newTasks(); true {
			empty.close(why)
			if !empty.wait(time.Second) {
				t.Error("it waits although nothing ever ran")
			}
		}
	})
}

// TestShare checks that one request serves all who ask, and that nobody waits
// longer than its own context lasts.
func TestShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := testPeer(t, newFake())
		fetched := 0
		fetch := func() (int, error) {
			fetched++
			time.Sleep(time.Second)
			return fetched, p.base.Err()
		}
		ask := func(ctx context.Context) (int, error) { return share(ctx, p.tasks, &p.flights, "key", fetch) }
		hurried, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		var wg sync.WaitGroup
		wg.Go(func() {
			if n, err := ask(hurried); n != 0 || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the hurried caller hears %d, %v", n, err)
			}
		})
		synctest.Wait() // the hurried caller came first
		for range 8 {
			wg.Go(func() {
				if n, err := ask(t.Context()); n != 1 || err != nil {
					t.Errorf("a caller hears %d, %v", n, err)
				}
			})
		}
		wg.Wait()
		p.tasks.close(errUnmounted)
		if n, err := ask(t.Context()); n != 0 || err != errUnmounted || fetched != 1 {
			t.Errorf("after the end: %d, %v, fetched %d times", n, err, fetched)
		}
	})
}

// TestStartWhileMountEnds starts all that has goroutines of its own while the mount
// ends: each either runs, and is waited for, or is told that the mount has ended.
func TestStartWhileMountEnds(t *testing.T) {
	const rounds, each = 200, 4
	before := runtime.NumGoroutine()
	for range rounds {
		f, starts := startsOf(t)
		f.tasks.spawn(f.janitor)
		var wg sync.WaitGroup
		begin := make(chan struct{})
		for _, start := range starts {
			for range each {
				wg.Go(func() {
					<-begin
					start()
				})
			}
		}
		close(begin)
		f.tasks.close(errUnmounted)
		if !f.tasks.wait(patience) {
			t.Fatal("the mount does not end")
		}
		running := f.results.running()
		wg.Wait()
		if n := f.results.running(); n > running {
			t.Fatalf("%d calls run after the end, there were %d", n, running)
		}
		if n := f.listeners.count(); n != 0 {
			t.Fatalf("%d listeners are left", n)
		}
	}
	n := 0
	if !eventually(func() bool { n = runtime.NumGoroutine(); return n <= before }) {
		t.Errorf("%d goroutines are left, there were %d", n, before)
	}
}

// startsOf makes a mount without a kernel, and what starts goroutines in it.
func startsOf(t *testing.T) (*fsys, []func()) {
	t.Helper()
	fake := demoFake()
	f, err := newFsys("/mnt", []Peer{{Remote: fake}}, Options{Local: newFakeLocal()})
	if err != nil {
		t.Fatal(err)
	}
	p := f.peers[0]
	d := p.registered("demo", fake.names["demo"].(codec.Ref))
	root := f.rootNode()
	fs.NewNodeFS(root, &fs.Options{})
	root.EmbeddedInode().NewInode(t.Context(), d, fs.StableAttr{Mode: syscall.S_IFDIR})
	call := &callFile{node: node{p: p}, d: d}
	m := member{dir: d, attr: "number"}
	return f, []func(){
		func() { call.start([]callLine{{}}, nil, resultKey{"demo/call", "x"}, caller{}) },
		func() { p.rootsNow(context.Background(), 0, true) },
		func() { p.refreshRoots() },
		func() { openStreamOf(d, "number", watchView) },
		func() { openStreamOf(d, "nothing", listenView) },
		func() {
			d.atOnce(context.Background(), attrBurst, "test", func(context.Context, *object) error { return nil })
		},
		func() { p.inside("/proc/self") },
		func() { m.changedKind() },
	}
}

// openStreamOf opens a view of an attribute.
func openStreamOf(d *objectDir, attr string, view func(*objectDir, member, string) entry) (fs.FileHandle, syscall.Errno) {
	e := view(d, member{dir: d, attr: attr}, attr)
	h, _, errno := e.node(nil).(fs.NodeOpener).Open(context.Background(), syscall.O_RDONLY)
	return h, errno
}

// TestUnmountUnderLoad unmounts while shells begin calls, watches, listeners and
// listings. The server of the race detector ends at the first race. Afterwards
// there are as many goroutines as before the mount.
func TestUnmountUnderLoad(t *testing.T) {
	const shells = 8
	s := startServer(t, serveSpec{Fixture: "demo"})
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.sh(fmt.Sprintf(`for i in {1..%d}; do (while [ -d demo ]; do
			echo $i,1 > demo/add/call; echo 60 > demo/slow/call & ls -l demo .; timeout 0.1 cat demo/number.watch
			timeout 0.1 cat demo/nothing.listen; mv demo/v$i demo/w$i; echo $i > demo/v$i
		done) & done; wait`, shells) + " > /dev/null 2>&1")
	}()
	if !eventually(func() bool { return strings.Count(effects(s.ops()), "Call") > 2*shells }) {
		t.Error("nothing happens")
	}
	var before, after int
	if got := s.ask("unmount"); got != "bye" {
		t.Errorf("unmount: %s", got)
	}
	if _, err := fmt.Sscanf(s.line(), "goroutines %d %d", &before, &after); err != nil || after > before {
		t.Errorf("%d goroutines are left, there were %d (%v)", after, before, err)
	}
	<-done
	for range s.lines { // until it closes its output
	}
	if err := s.cmd.Wait(); err != nil {
		t.Errorf("the server ended with %v", err)
	}
}
