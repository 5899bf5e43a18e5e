package host

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"testing"

	"nomfs/codec"
	"nomfs/nomcore"
)

// get reads one attribute of an object, or fails the test.
func get(t *testing.T, o codec.Value, name string) codec.Value {
	t.Helper()
	v, err := o.(*nomcore.Object).Impl.(nomcore.AttrGetter).GetAttr(context.Background(), name)
	if err != nil {
		t.Fatalf("%v.%s: %v", o, name, err)
	}
	return v
}

// item returns one item of an object, or fails the test.
func item(t *testing.T, o codec.Value, key codec.Value) codec.Value {
	t.Helper()
	v, err := o.(*nomcore.Object).Impl.(nomcore.ItemGetter).GetItem(context.Background(), key)
	if err != nil {
		t.Fatalf("%v[%v]: %v", o, key, err)
	}
	return v
}

func keys(t *testing.T, o codec.Value) []codec.Value {
	t.Helper()
	list, err := o.(*nomcore.Object).Impl.(nomcore.Keyer).Keys(context.Background())
	if err != nil {
		t.Fatalf("keys of %v: %v", o, err)
	}
	return list
}

// TestDescribedKinds reads every attribute of every object but the processes:
// each is what the description says.
func TestDescribedKinds(t *testing.T) {
	check(t, New(), 0)
	self := item(t, get(t, New(), "processes"), codec.Int(os.Getpid()))
	check(t, self, 0)
}

func check(t *testing.T, v codec.Value, depth int) {
	o, isObject := v.(*nomcore.Object)
	if !isObject {
		t.Fatalf("%v is no object", v)
	}
	ctx := context.Background()
	d, err := o.Impl.(nomcore.Describer).Describe(ctx)
	if err != nil {
		t.Fatal(err)
	}
	names, err := o.Impl.(nomcore.Direr).Dir(ctx)
	if err != nil || len(names) != len(d.Attrs) {
		t.Errorf("%v: Dir has %d names, Describe %d: %v", v, len(names), len(d.Attrs), err)
	}
	for i, a := range d.Attrs {
		if a.Write || a.Delete {
			t.Errorf("%v.%s: must not be written", v, a.Name)
		}
		if names[i] != a.Name || i > 0 && names[i-1] >= a.Name {
			t.Errorf("%v: names are not sorted: %q", v, names)
		}
		got, err := o.Impl.(nomcore.AttrGetter).GetAttr(ctx, a.Name)
		if err != nil {
			t.Errorf("%v.%s: %v", v, a.Name, err)
			continue
		}
		isText := a.Kind == codec.KindBytes && got.Kind() == codec.KindText
		if a.Kind != codec.KindInvalid && got.Kind() != a.Kind && !isText {
			t.Errorf("%v.%s is of kind %v, described as %v", v, a.Name, got.Kind(), a.Kind)
		}
		if a.Kind == codec.KindRef {
			check(t, got, depth+1)
		}
	}
	if !d.Indexable || d.Class == "Processes" {
		return
	}
	list := keys(t, v)
	if n, err := o.Impl.(nomcore.Lener).Len(ctx); err != nil || n != len(list) {
		t.Errorf("%v: Len is %d, there are %d keys: %v", v, n, len(list), err)
	}
	for _, key := range list {
		one := item(t, v, key)
		if again := item(t, v, key); one.(*nomcore.Object).Key != again.(*nomcore.Object).Key {
			t.Errorf("%v[%v] is another object each time", v, key)
		}
		check(t, one, depth+1)
	}
}

func TestMissing(t *testing.T) {
	root := New()
	processes := get(t, root, "processes")
	for _, tt := range []struct {
		name string
		ask  func() error
	}{
		{"attribute", func() error {
			_, err := root.Impl.(nomcore.AttrGetter).GetAttr(context.Background(), "nonesuch")
			return err
		}},
		{"process", missingKey(processes, codec.Int(-1))},
		{"process by text", missingKey(processes, codec.StringValue("init"))},
		{"process beyond 32 bits", missingKey(processes, codec.Int(1<<32+1))},
		{"disk", missingKey(get(t, root, "disks"), codec.StringValue("/nonesuch"))},
		{"interface", missingKey(get(t, root, "net"), codec.None{})},
	} {
		if err := tt.ask(); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v, want an error that is fs.ErrNotExist", tt.name, err)
		}
	}
}

func missingKey(o codec.Value, key codec.Value) func() error {
	return func() error {
		_, err := o.(*nomcore.Object).Impl.(nomcore.ItemGetter).GetItem(context.Background(), key)
		return err
	}
}

func TestProcessIdentity(t *testing.T) {
	processes := get(t, New(), "processes")
	self := item(t, processes, codec.Int(os.Getpid()))
	if again := item(t, processes, codec.Int(os.Getpid())); self != again {
		t.Error("one process, two objects")
	}
	parent := item(t, processes, codec.Int(os.Getppid()))
	if got := get(t, self, "parent"); got != parent {
		t.Errorf("the parent of this process is %v, want %v", got, parent)
	}
}

func TestProcessEnds(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(exe, "-test.run", "^TestHelperWaits$")
	child.Env = append(os.Environ(), waitForStdin+"=1")
	stdin, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	processes := get(t, New(), "processes")
	o := item(t, processes, codec.Int(child.Process.Pid))
	if pid, _ := codec.Int64Of(get(t, o, "pid")); pid != int64(child.Process.Pid) {
		t.Errorf("pid is %d, want %d", pid, child.Process.Pid)
	}
	stdin.Close()
	if err := child.Wait(); err != nil {
		t.Fatal(err)
	}
	_, err = o.(*nomcore.Object).Impl.(nomcore.AttrGetter).GetAttr(context.Background(), "name")
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("name of a process that has ended: %v, want AttributeError", err)
	}
}

const waitForStdin = "HOST_TEST_WAIT"

// TestHelperWaits is the process of TestProcessEnds: it lives until its
// standard input is closed.
func TestHelperWaits(t *testing.T) {
	if os.Getenv(waitForStdin) != "" {
		_, _ = os.Stdin.Read(make([]byte, 1))
	}
}

func TestMeter(t *testing.T) {
	m := new(meter)
	for _, tt := range []struct {
		what        string
		busy, whole float64
		want        float64
	}{
		{"since the beginning", 10, 100, 10},
		{"half of a second", 10.5, 101, 50},
		{"too soon: the number before", 10.9, 101.4, 50},
		{"from the last span that counted", 12.5, 103, 100},
		{"idle", 12.5, 104, 0},
		{"counters that went back begin anew", 1, 2, 0},
		{"and go on", 2, 4, 50},
	} {
		if got := m.read(tt.busy, tt.whole); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.what, got, tt.want)
		}
	}
}
