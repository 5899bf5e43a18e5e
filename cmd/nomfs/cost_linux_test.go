package main

import (
	"bufio"
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"nomfs/auth"
	"nomfs/codec"
	"nomfs/nomcore"
	"nomfs/nomcore/expose/demo"
	"nomfs/nomcore/expose/host"
)

// What a mount costs the peer: datagrams and references, counted at the peer.
// The mount is a process of its own.

// serving is a Service with many names besides those given.
func serving(t *testing.T, names int, objects map[string]any) *nomcore.Service {
	t.Helper()
	s, err := nomcore.Listen("127.0.0.1:0", &nomcore.Config{Authenticator: auth.Default})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	for i := range names {
		if err := s.Register(fmt.Sprintf("filler%d", i), &struct{ N int }{i}); err != nil {
			t.Fatal(err)
		}
	}
	for name, o := range objects {
		if err := s.Register(name, o); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// mounting mounts a peer in a process of its own until the test ends, and
// returns the directory.
func mounting(t *testing.T, s *nomcore.Service) string {
	t.Helper()
	return mountingWith(t, "nomfs", s)
}

func mountingWith(t *testing.T, program string, s *nomcore.Service) string {
	t.Helper()
	if err := fuseProblem(); err != nil {
		t.Fatalf("this test mounts: %v", err)
	}
	dir := t.TempDir()
	cmd := exec.Command(program, "mount", s.Addr().String(), dir)
	cmd.Stderr = os.Stderr
	cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
		_ = exec.Command("umount", "-l", dir).Run() // where it failed
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "mounted ") {
		t.Fatalf("mount says %q, %v", line, err)
	}
	return dir
}

// inMount runs a script in the mount.
func inMount(t *testing.T, dir, script string) string {
	t.Helper()
	const limit = 60 * time.Second
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", "cd "+dir+" || exit 99\n"+script)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C.UTF-8"} // what else a machine sets may change what tools print
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		_ = exec.Command("umount", "-l", dir).Run()
		t.Fatalf("%s: not done after %v", script, limit)
	}
	if err != nil && cmd.ProcessState == nil {
		t.Fatalf("%s: %v", script, err)
	}
	return strings.ReplaceAll(string(out), dir, "MNT")
}

// wide returns a pointer to a struct with n small fields.
func wide(n int) any {
	fields := make([]reflect.StructField, n)
	for i := range fields {
		fields[i] = reflect.StructField{Name: fmt.Sprintf("Attribute%04d", i), Type: reflect.TypeFor[int]()}
	}
	v := reflect.New(reflect.StructOf(fields))
	for i := range n {
		v.Elem().Field(i).SetInt(int64(i))
	}
	return v.Interface()
}

type (
	level1 struct{ B level2 }
	level2 struct{ C level3 }
	level3 struct{ D string }
)

// worker has a method that is called on it.
type worker struct {
	sync.Mutex
	Calls int
}

func (w *worker) Work(n int) int {
	w.Lock()
	defer w.Unlock()
	w.Calls++
	return n + 1
}

func TestCostOfMount(t *testing.T) {
	w := &worker{}
	for _, tt := range []struct {
		name, script, out string
		requests          int // at most; 0 for no bound of its own
		datagrams         int // both ways
		objects           int // that the peer gave out, besides the registered ones
	}{
		{name: "cold path", script: "cat a/b/c/d", out: "deep\n", requests: 5, objects: 2},
		{name: "a thousand attributes, ls -l", script: "ls -l wide | grep -c attribute", out: "1000\n", datagrams: 100},
		{name: "a thousand attributes, cat", script: "cat wide/* | wc -l", out: "1000\n", datagrams: 100},
		{name: "a thousand attributes by name", script: "for i in {0000..0999}; do echo wide/attribute$i; done | xargs cat | wc -l", out: "1000\n", datagrams: 100},
		{name: "a cold call", script: "echo 2 > w/work/call; cat w/work/call", out: "3\n", requests: 3},
		{name: "another call", script: "echo 3 > w/work/call; cat w/work/call; echo 4 > w/work/call; cat w/work/call; cat w/calls", out: "4\n5\n3\n", requests: 6},
		{name: "many calls", script: "for i in {1..100}; do echo $i; done > w/work/call; cat w/work/call", out: "101\n", requests: 110},
		{name: "processes", script: "ls host/processes/index | grep -c '^1$'", out: "1\n", requests: 8, objects: 3},
		{name: "items", script: "ls -l demo/numbers/index > /dev/null; ls demo/numbers/index | wc -l", out: "5\n", requests: 10, objects: 2},
		{name: "listing the root", script: "ls | wc -l; ls -l | grep -c ^d", out: "306\n306\n", requests: 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.name == "a cold call" {
				w.Calls = 0
			}
			s := serving(t, 300, map[string]any{
				"a": &level1{level2{level3{"deep"}}}, "wide": wide(1000), "w": w,
				"host": host.New(), "demo": demo.New(), "z": &worker{},
			})
			dir := mounting(t, s)
			before, start := s.Stats(), time.Now()
			if out := inMount(t, dir, tt.script); out != tt.out {
				t.Errorf("%s\nprinted %q, want %q", tt.script, out, tt.out)
			}
			after, took := s.Stats(), time.Since(start)
			requests, datagrams := int(after.Received-before.Received), int(after.Received-before.Received+after.Sent-before.Sent)
			// A busy machine sends copies, some of which are answered.
			dropped, answered := int(after.DupDropped-before.DupDropped), int(after.DupReplayed-before.DupReplayed)
			requests, datagrams = requests-dropped-answered, datagrams-dropped-2*answered
			given := after.Objects - after.Names
			t.Logf("%d requests, %d datagrams, %d objects", requests, datagrams, given)
			// A busy machine asks again for what a mount remembers for a second.
			if most := tt.requests + int(took/time.Second); tt.requests > 0 && requests > most {
				t.Errorf("%s\ncosts %d requests, want at most %d", tt.script, requests, most)
			}
			const again = 20 // datagrams for a thousand values, generously
			if most := tt.datagrams + again*int(took/time.Second); tt.datagrams > 0 && datagrams > most {
				t.Errorf("%s\ncosts %d datagrams, want at most %d", tt.script, datagrams, most)
			}
			if given > tt.objects {
				t.Errorf("%s\nleaves %d objects with the mount, want at most %d", tt.script, given, tt.objects)
			}
		})
	}
}

// TestReferencesGoBack checks that the peer gets back what the kernel forgets.
func TestReferencesGoBack(t *testing.T) {
	s := serving(t, 10, map[string]any{"demo": demo.New(), "host": host.New(), "a": &level1{}})
	dir := mounting(t, s)
	held := func() int {
		n, err := strconv.Atoi(strings.TrimSpace(inMount(t, dir, "awk '$1 == \"references_held\" { print $2 }' .nom/status")))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	const slack = 16
	names := s.Stats().Names
	inMount(t, dir, "find . -ls > /dev/null; cat demo/.oid a/b/c/d demo/add/.oid > /dev/null")
	if given, most := s.Stats().Objects, held(); given < names+slack || most < names+slack {
		t.Fatalf("%d objects given and %d references held after find, with %d names", given, most, names)
	}
	deadline := time.Now().Add(60 * time.Second)
	mounted := true
	for tick := time.NewTicker(5 * time.Second); ; <-tick.C {
		if err := os.WriteFile("/proc/sys/vm/drop_caches", []byte("2"), 0); err != nil && mounted {
			// It may not be told to forget, as in a container: it does at the end.
			if out, err := exec.Command("nomfs", "umount", dir).CombinedOutput(); err != nil {
				t.Fatalf("umount: %v\n%s", err, out)
			}
			mounted = false
		}
		given, most := s.Stats().Objects, 0
		if mounted {
			most = held()
		}
		if given <= names+slack && most <= names+slack {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("still %d objects given and %d references held, with %d names", given, most, names)
		}
	}
	if !mounted {
		dir = mounting(t, s)
	}
	// What was given back is asked for again.
	if out := inMount(t, dir, "cat demo/numbers/index/0 demo/number; echo '2, b=3' > demo/add/call; cat demo/add/call; test -d a/b/c && echo yes"); !strings.HasSuffix(out, "5\nyes\n") {
		t.Errorf("afterwards: %q", out)
	}
}

// knot is an object that refers to others, wherever they are.
type knot struct {
	name string

	mu sync.Mutex
	to map[string]codec.Value
}

// tie makes the knot refer to others.
func (k *knot) tie(to map[string]codec.Value) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.to = to
}

func (k *knot) GetAttr(_ context.Context, name string) (codec.Value, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if name == "name" {
		return codec.StringValue(k.name), nil
	}
	if v, ok := k.to[name]; ok {
		return v, nil
	}
	return nil, codec.Exception{Class: "AttributeError", Args: codec.Tuple{codec.StringValue(name)}}
}

func (k *knot) Describe(context.Context) (codec.Description, error) {
	d := codec.Description{Class: "Knot", Attrs: []codec.AttrInfo{{Name: "name", Kind: codec.KindText}}}
	k.mu.Lock()
	defer k.mu.Unlock()
	for name := range k.to {
		d.Attrs = append(d.Attrs, codec.AttrInfo{Name: name, Kind: codec.KindRef})
	}
	return d, nil
}

// reference returns what peer a gets when it asks b for a name.
func reference(t *testing.T, a, b *nomcore.Service, name string) codec.Value {
	t.Helper()
	ctx := context.Background()
	p, err := a.Connect(ctx, b.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	v, err := p.Resolve(ctx, name)
	if err != nil {
		t.Fatal(err)
	}
	return &nomcore.Proxy{Peer: p, Ref: v.(codec.Ref)}
}

// TestGraphOverThreePeers walks a cycle through three peers.
func TestGraphOverThreePeers(t *testing.T) {
	a, b, c := &knot{name: "a"}, &knot{name: "b"}, &knot{name: "c"}
	a2 := &nomcore.Object{Impl: &knot{name: "a2"}}
	sa := serving(t, 0, map[string]any{"a": &nomcore.Object{Impl: a}, "also": a2})
	sb := serving(t, 0, map[string]any{"b": &nomcore.Object{Impl: b}})
	sc := serving(t, 0, map[string]any{"c": &nomcore.Object{Impl: c}})
	refB, refC := reference(t, sa, sb, "b"), reference(t, sb, sc, "c")
	a.tie(map[string]codec.Value{"b": refB, "c": reference(t, sa, sc, "c"), "a2": a2})
	b.tie(map[string]codec.Value{"c": refC, "a": reference(t, sb, sa, "a"), "b": refB})
	c.tie(map[string]codec.Value{"a": reference(t, sc, sa, "a"), "b": reference(t, sc, sb, "b"), "c": refC})
	dir := mounting(t, sa)
	out := inMount(t, dir, `find . > /dev/null; echo $?
cat a/b/name a/b/c/name a/c/b/name a/b/c/a/name
cat a/b/.oid a/c/b/.oid a/b/c/b/.oid | uniq | wc -l; cat a/c/.oid a/b/c/.oid | uniq | wc -l; cat a/.oid a/b/a/.oid a/c/b/a/.oid | uniq | wc -l
test a/b/a -ef a && test a/c/a -ef a/b/c/a && test a/a2 -ef also && test a/b/c/b -ef a/b; echo $?
readlink a/b/a a/a2 a/b/c/b; grep -r nothere a; echo $?`)
	if want := "0\nb\nc\nb\na\n1\n1\n1\n0\n..\n../also\n..\n1\n"; out != want {
		t.Errorf("printed %q, want %q", out, want)
	}
}

// TestThirdAddress checks what a reference to an address that may not be asked
// looks like.
func TestThirdAddress(t *testing.T) {
	far := codec.Ref{ID: "123456789012345678901234567890", Home: codec.NewHome(netip.MustParseAddr("203.0.113.7").String(), 12074)}
	near := &knot{name: "near", to: map[string]codec.Value{"far": far}}
	s := serving(t, 0, map[string]any{"near": &nomcore.Object{Impl: near}})
	dir := mounting(t, s)
	out := inMount(t, dir, "ls near; ls -l near | grep -c far; cat near/name; ls near/far; cat near/far/x; cat near/far/.oid; echo > near/far/call")
	want := "far\nname\n1\nnear\n" +
		"ls: reading directory 'near/far': Permission denied\ncat: near/far/x: Permission denied\n123456789012345678901234567890\nbash: line 2: near/far/call: Permission denied\n"
	if out != want {
		t.Errorf("printed %q, want %q", out, want)
	}
}

// TestFindInTheDensestGraph walks 30 objects that all refer to each other. The
// bound is for the program as people build it, whatever this test is built with.
func TestFindInTheDensestGraph(t *testing.T) {
	program := filepath.Join(t.TempDir(), "nomfs")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	const n = 30
	all := make([]*nomcore.Object, n)
	for i := range all {
		all[i] = &nomcore.Object{Impl: &knot{name: fmt.Sprint(i)}}
	}
	to := make(map[string]codec.Value, n)
	for i, o := range all {
		to[fmt.Sprintf("to%d", i)] = o
	}
	for _, o := range all {
		o.Impl.(*knot).tie(to)
	}
	s := serving(t, 0, map[string]any{"start": all[0]})
	dir := mountingWith(t, program, s)
	start := time.Now()
	out := inMount(t, dir, "find . | wc -l; test start/to1/to2/to3/to4 -ef start/to3/to2/to1/to4; echo $?")
	t.Logf("%v, %d datagrams", time.Since(start), s.Stats().Received+s.Stats().Sent)
	// Three levels of directories below the start, 31 entries in each, and
	// those of .nom: who refers to itself, or to what lies above, is a link.
	const dirs = 1 + (n - 1) + (n-1)*(n-2) + (n-1)*(n-2)*(n-3)
	entries, err := strconv.Atoi(strings.SplitN(out, "\n", 2)[0])
	if err != nil || entries < dirs*(n+1) || entries > dirs*(n+1)+20 || !strings.HasSuffix(out, "\n0\n") {
		t.Errorf("printed %q, want about %d entries and 0", out, dirs*(n+1))
	}
}
