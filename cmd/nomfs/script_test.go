//go:build unix

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"nomfs/auth"
	"nomfs/codec"
	"nomfs/nomcore"
	"nomfs/nomcore/expose/demo"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"nomfs": main, "oldpeer": oldPeer})
}

// oldPeer is nomfs serve without the extensions: a peer as the original is.
func oldPeer() {
	svc, err := nomcore.Listen("127.0.0.1:0", &nomcore.Config{Authenticator: auth.Default, NoExtensions: true})
	if err == nil {
		err = svc.Register("demo", demo.New())
	}
	if err == nil {
		err = svc.Register("keeper", &nomcore.Object{Impl: &keeper{kept: codec.None{}}})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(exitFailure)
	}
	fmt.Println("serving on", svc.Addr())
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	<-ctx.Done()
	svc.Close()
}

// The scripts below testdata run nomfs as a process of its own. Besides the
// commands of testscript they have
//
//	start NAME READY PROG ARGS...   run in the background; wait for a line that begins with READY
//	peer ARGS...                    start a nomfs serve on a free port; $PEER is its address
//	old                             start a peer without extensions; $PEER is its address
//	signal NAME SIGNAL              send a signal to what was started
//	ended NAME STATUS               wait until it has ended, with that status
//	status N PROG ARGS...           run; the exit status must be N
//	within DURATION N PROG ARGS...  the same, in that time
//
// This process must not look into a mount itself: scripts use exec cat and the
// like for that.
var scriptCommands = map[string]func(*testscript.TestScript, bool, []string){
	"start":  cmdStart,
	"peer":   cmdPeer,
	"old":    cmdOld,
	"signal": cmdSignal,
	"ended":  cmdEnded,
	"status": cmdStatus,
	"within": cmdWithin,
}

func runScripts(t *testing.T, dir string) {
	testscript.Run(t, testscript.Params{
		Dir:  filepath.Join("testdata", dir),
		Cmds: scriptCommands,
		Setup: func(env *testscript.Env) error {
			env.Setenv("SHELL", "/bin/sh")
			env.Setenv("GORACE", "atexit_sleep_ms=0")
			env.Setenv("TMPDIR", env.Getenv("WORK")+"/tmp")
			env.Values[processesKey] = new(processTable)
			return os.Mkdir(env.Getenv("WORK")+"/tmp", 0o700)
		},
	})
}

// TestCommands runs what needs no mount.
func TestCommands(t *testing.T) { runScripts(t, "command") }

// processTable holds what a script has started.
type processTable struct {
	mu   sync.Mutex
	list map[string]*process
}

type processKeyType struct{}

var processesKey processKeyType

// process is something that runs in the background.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	err  error         // what Wait said
}

func cmdStart(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: start NAME READY PROG ARGS...")
	}
	start(ts, args[0], args[1], args[2:])
}

// patience is how long a script waits for anything before the test has failed.
const patience = 30 * time.Second

// start runs a program until the script ends, and returns the line with which
// it says that it is ready.
func start(ts *testscript.TestScript, name, ready string, args []string) string {
	cmd := exec.Command(lookPath(ts, args[0]), args[1:]...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = environ(ts)
	// A pipe of our own: what the program leaves running may hold it open when
	// the program has ended.
	out, in, err := os.Pipe()
	ts.Check(err)
	cmd.Stdout = in
	stderr, err := os.Create(filepath.Join(ts.Getenv("WORK"), name+".stderr"))
	ts.Check(err)
	defer stderr.Close()
	cmd.Stderr = stderr
	err = cmd.Start()
	in.Close()
	ts.Check(err)

	p := &process{cmd: cmd, done: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	lines := make(chan string, 1)
	go func() {
		defer out.Close()
		r := bufio.NewReader(out)
		for {
			line, err := r.ReadString('\n')
			if strings.Contains(line, ready) {
				lines <- strings.TrimSpace(line)
				break
			}
			if err != nil {
				break
			}
		}
		_, _ = io.Copy(io.Discard, r)
	}()
	table := ts.Value(processesKey).(*processTable)
	table.mu.Lock()
	if table.list == nil {
		table.list = make(map[string]*process)
		ts.Defer(func() { unmountAll(ts) })
	}
	table.list[name] = p
	table.mu.Unlock()
	ts.Defer(func() { stop(p) })

	select {
	case line := <-lines:
		return line
	case <-p.done:
		text, _ := os.ReadFile(stderr.Name())
		ts.Fatalf("%s ended before it was ready: %v\n%s", name, p.err, text)
	case <-time.After(patience):
		ts.Fatalf("%s is not ready after %v", name, patience)
	}
	return ""
}

// stop ends a process, asking first.
func stop(p *process) {
	_ = p.cmd.Process.Signal(syscall.SIGCONT)
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(patience / 3):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

// environ is the environment of a script.
func environ(ts *testscript.TestScript) []string {
	var list []string
	for _, name := range []string{"PATH", "HOME", "WORK", "TMPDIR", "SHELL", "GOCOVERDIR", "GORACE"} {
		if v := ts.Getenv(name); v != "" {
			list = append(list, name+"="+v)
		}
	}
	return list
}

// lookPath finds a program as the script would.
func lookPath(ts *testscript.TestScript, name string) string {
	if strings.ContainsRune(name, os.PathSeparator) {
		return name
	}
	for dir := range strings.SplitSeq(ts.Getenv("PATH"), string(os.PathListSeparator)) {
		if full := filepath.Join(dir, name); isExecutable(full) {
			return full
		}
	}
	ts.Fatalf("there is no program %s", name)
	return ""
}

func isExecutable(file string) bool {
	info, err := os.Stat(file)
	return err == nil && !info.IsDir() && info.Mode()&0o111 != 0
}

func cmdPeer(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("usage: peer ARGS...")
	}
	line := start(ts, "peer", "serving on ", append([]string{"nomfs", "serve", "--listen", "127.0.0.1:0"}, args...))
	ts.Setenv("PEER", strings.TrimPrefix(line, "serving on "))
}

func cmdOld(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: old")
	}
	ts.Setenv("PEER", strings.TrimPrefix(start(ts, "peer", "serving on ", []string{"oldpeer"}), "serving on "))
}

func started(ts *testscript.TestScript, name string) *process {
	table := ts.Value(processesKey).(*processTable)
	table.mu.Lock()
	defer table.mu.Unlock()
	p := table.list[name]
	if p == nil {
		ts.Fatalf("nothing was started as %s", name)
	}
	return p
}

var signalNames = map[string]syscall.Signal{
	"INT": syscall.SIGINT, "TERM": syscall.SIGTERM, "HUP": syscall.SIGHUP,
	"KILL": syscall.SIGKILL, "STOP": syscall.SIGSTOP, "CONT": syscall.SIGCONT,
}

func cmdSignal(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 || signalNames[args[1]] == 0 {
		ts.Fatalf("usage: signal NAME SIGNAL")
	}
	ts.Check(started(ts, args[0]).cmd.Process.Signal(signalNames[args[1]]))
}

func cmdEnded(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: ended NAME STATUS")
	}
	p := started(ts, args[0])
	select {
	case <-p.done:
	case <-time.After(patience):
		ts.Fatalf("%s has not ended after %v", args[0], patience)
	}
	checkStatus(ts, args[1], p.err)
}

func cmdStatus(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N PROG ARGS...")
	}
	checkStatus(ts, args[0], ts.Exec(args[1], args[2:]...))
}

func cmdWithin(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: within DURATION N PROG ARGS...")
	}
	limit, err := time.ParseDuration(args[0])
	ts.Check(err)
	begin := time.Now()
	// A loop that waits for what never comes is ended, with what it started.
	bounded := append([]string{"-s", "KILL", fmt.Sprint((limit + time.Second).Seconds())}, args[2:]...)
	err = ts.Exec("timeout", bounded...)
	if took := time.Since(begin); took > limit {
		ts.Fatalf("it took %v, longer than %v", took, limit)
	}
	checkStatus(ts, args[1], err)
}

// checkStatus compares an exit status with what Wait returned.
func checkStatus(ts *testscript.TestScript, want string, err error) {
	got := 0
	if err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if strconv.Itoa(got) != want {
		ts.Fatalf("the exit status is %d, want %s", got, want)
	}
}
