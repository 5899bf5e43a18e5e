//go:build linux

package fsview

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"nomfs/codec"
)

// serveEnv makes the test binary a mount server: a process that uses its own
// mount can hang where even SIGKILL does not reach it, so the tests never do.
const serveEnv = "FSVIEW_TEST_SERVE"

func TestMain(m *testing.M) {
	if spec := os.Getenv(serveEnv); spec != "" {
		os.Exit(serveFake(spec))
	}
	if path := os.Getenv(callerEnv); path != "" {
		if err := callUnderSignals(path); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// serveSpec says what the server child mounts.
type serveSpec struct {
	Dir        string
	Fixture    string
	AllowOther bool
	User       *syscall.Credential `json:"-"` // who mounts, nil for whoever runs the tests
	Binary     string              `json:"-"` // this program, where that user can run it
	Timeout    time.Duration
	ReadOnly   bool
	Delete     Deletion
	Attrs      map[string][]string
	Own        bool   // the process has an object of its own
	Record     string // recordAll, recordBad or nothing
}

// serveFake mounts a fake and obeys one command a line: ops, reset, hang OP,
// lose, down, up, delay D, quit.
func serveFake(spec string) int {
	var s serveSpec
	if err := json.Unmarshal([]byte(spec), &s); err != nil {
		fmt.Println("error", err)
		return 2
	}
	f := fixtures[s.Fixture]()
	remote := Remote(f)
	if s.Fixture == "endless" {
		remote = &endless{fakeRemote: f, ordered: true}
	}
	local := newFakeLocal()
	if s.Own {
		local.register()
	}
	before := runtime.NumGoroutine()
	m, err := Mount(s.Dir, []Peer{{Addr: "fake", Remote: remote}}, Options{
		Peer: "fake", Timeout: s.Timeout, ReadOnly: s.ReadOnly, AllowOther: s.AllowOther, Delete: s.Delete, Attrs: s.Attrs, Program: "/bin/echo",
		Local: local,
		Log:   slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})), // panics
	})
	if err != nil {
		fmt.Println("error", err)
		return 1
	}
	rec := recorder{badOnly: s.Record == recordBad}
	if s.Record != "" {
		record(m, &rec)
	}
	fmt.Println("ready")
	signal.Ignore(syscall.SIGINT)
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		cmd, arg, _ := strings.Cut(in.Text(), " ")
		f.mu.Lock()
		switch cmd {
		case "ops":
			out, _ := json.Marshal(f.ops)
			fmt.Println(string(out))
		case "reset":
			f.ops = nil
			rec.take()
			fmt.Println("ok")
		case "fuse":
			out, _ := json.Marshal(rec.take())
			fmt.Println(string(out))
		case "hang":
			f.hang[arg] = true
			fmt.Println("ok")
		case "lose":
			f.lose++
			fmt.Println("ok")
		case "down":
			f.down = syscall.EHOSTDOWN
			fmt.Println("ok")
		case "up":
			f.down = nil
			fmt.Println("ok")
		case "restart":
			f.restart()
			fmt.Println("ok")
		case "child":
			out, _ := exec.Command("sh", "-c", "readlink /proc/self/fd/* | tr '\\n' ' '").Output()
			fmt.Println(string(out))
		case "goroutines":
			fmt.Println(runtime.NumGoroutine())
		case "given":
			fmt.Println(f.givenText())
		case "spawn":
			cmd := exec.Command("sleep", "300")
			if err := cmd.Start(); err != nil {
				fmt.Println(err)
				break
			}
			fmt.Println(cmd.Process.Pid)
		case "state":
			fmt.Println("running", m.f.results.running())
		case "delay":
			f.delay, _ = time.ParseDuration(arg)
			fmt.Println("ok")
		}
		f.mu.Unlock()
		if cmd == "unmount" || cmd == "quit" || cmd == "end" {
			break
		}
	}
	err = m.Unmount()
	if err == nil && in.Text() == "end" {
		m.Wait()
		f.mu.Lock()
		fmt.Println(f.givenText())
		f.mu.Unlock()
	}
	if err != nil {
		fmt.Println("error", err)
		return 1
	}
	fmt.Println("bye")
	after := 0
	eventually(func() bool { after = runtime.NumGoroutine(); return after <= before })
	fmt.Println("goroutines", before, after)
	return 0
}

// givenText lists what is not registered and was not given back. The mutex must
// be held.
func (f *fakeRemote) givenText() string {
	given := maps.Clone(f.given)
	for _, v := range f.names {
		if r, ok := v.(fakeRef); ok {
			delete(given, string(r.ID))
		}
	}
	return fmt.Sprint(slices.Sorted(maps.Keys(given)))
}

// restart gives every object a new id, as a peer does that was started anew.
func (f *fakeRemote) restart() {
	moved := make(map[string]string)
	objects := f.objects
	f.objects = make(map[fakeRef]*fakeObject)
	for _, o := range objects {
		old := o.ref
		f.add(o)
		moved[string(old.ID)] = string(o.ref.ID)
	}
	for name, v := range f.names {
		f.names[name] = renumber(v, moved)
	}
	for _, o := range f.objects {
		for name, v := range o.attrs {
			o.attrs[name] = renumber(v, moved)
		}
		for name, v := range o.items {
			o.items[name] = renumber(v, moved)
		}
	}
}

var fixtures = map[string]func() *fakeRemote{
	"demo": demoFake,
	"plain": func() *fakeRemote {
		f := demoFake()
		f.plain = true
		return f
	},
	"graph":   func() *fakeRemote { return graphFake(30) },
	"ring":    func() *fakeRemote { return graphFake(6) },
	"big":     bigFake,
	"endless": newFake,
	"told": func() *fakeRemote {
		f := demoFake()
		f.objects[f.names["other"].(fakeRef)].attrs["tmpx"] = codec.Int(2)
		return f
	},
}
