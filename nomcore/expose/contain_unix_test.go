//go:build unix

package expose

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"nomfs/codec"
)

// TestInjection: whatever an argument is, it reaches the program as the one
// word that it is, or not at all.
func TestInjection(t *testing.T) {
	e := expose(t, `
[objects.app]
# Prints each argument in hexadecimal, a line for each.
hex = { call = ["sh", "-c", 'for a; do printf %s "$a" | od -An -v -tx1 | tr -d " \n"; echo; done', "--", "{a}", "{b}"], args = ["a", "b='last'"], type = "lines" }
in = { call = ["od", "-An", "-v", "-tx1"], args = ["a"], stdin = "a" }
both = { call = ["echo", "{a}"], args = ["a"], stdin = "a" }
count = { call = ["sh", "-c", 'printf %s "$1" | wc -c', "sh", "{a}"], args = ["a"], type = "int" }
set = { set = ["sh", "-c", 'printf %s "$1" > set', "sh", "{value}"], get = ["cat", "set"], type = "bytes" }
`)
	for _, arg := range []string{
		"two words", " ", "", "\t", "'", `"`, `\`, `a\nb`, "line\nbreak\n", "\n", "$(touch pwned)", "`touch pwned`", "; touch pwned", "| cat", "&& true",
		"$HOME", "*", "?", "~", "{a}", "{b}", "{{a}}", "{rest}", "-n", "--", "--help", "-rf /", "\x01\x7f", "\xff\xfe", "ž", "\u202e", "%s%n", "!", "#", "<x", ">x",
	} {
		v, err := e.call("app.hex", str(arg))
		if err != nil {
			t.Errorf("%.40q: %v", arg, err)
			continue
		}
		want := codec.List{str(fmt.Sprintf("%x", arg)), str(fmt.Sprintf("%x", "last"))}
		if !codec.Equal(v, want) {
			t.Errorf("%q arrived as %v", arg, v)
		}
		v, err = e.call("app.in", str(arg))
		if s, _ := codec.StringOf(v); err != nil || strings.Join(strings.Fields(s), "") != fmt.Sprintf("%x", arg) {
			t.Errorf("%.40q arrived on standard input as %.40q, %v", arg, s, err)
		}
		if err := e.set("app.set", str(arg)); err != nil {
			t.Errorf("set %.40q: %v", arg, err)
		}
		if v, err := e.get("app.set"); err != nil || !codec.Equal(v, codec.Bytes(arg)) {
			t.Errorf("%.40q was set as %.40v, %v", arg, v, err)
		}
	}
	v, err := e.call("app.count", str(strings.Repeat("'", 50_000)))
	wants(t, "the size of a large argument", v, err, "50000")
	for _, path := range []string{"app.hex", "app.both"} {
		v, err := e.call(path, str("a\x00b"))
		wants(t, path+" with a zero byte", v, err, "ValueError")
	}
	v, err = e.call("app.in", str("a\x00b"))
	wants(t, "standard input with a zero byte", v, err, "' 61 00 62'")
	wants(t, "set with a zero byte", nil, e.set("app.set", str("a\x00b")), "ValueError")
	if _, err := os.Stat(filepath.Join(filepath.Dir(e.path), "pwned")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an argument was run: %v", err)
	}
}

// processes reads the process ids that a program has left in a file.
func processes(t *testing.T, file string) []int {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, word := range strings.Fields(string(text)) {
		pid, err := strconv.Atoi(word)
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	return pids
}

// awaitFile waits until a file has so many lines.
func awaitFile(t *testing.T, file string, lines int) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		if text, _ := os.ReadFile(file); bytes.Count(text, []byte("\n")) >= lines {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s has not %d lines", file, lines)
		}
	}
}

// awaitGone waits until none of the processes is there, zombies of others
// excepted.
func awaitGone(t *testing.T, pids []int) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		left := 0
		for _, pid := range pids {
			stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
			if err == nil && !bytes.Contains(stat, []byte(") Z ")) || err != nil && !errors.Is(err, os.ErrNotExist) && alive(pid) {
				left++
			}
		}
		if left == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d of %v are still there", left, pids)
		}
	}
}

// stubborn ignores that it is to end, and leaves others that do: they write
// their process ids.
const stubborn = `
[objects.app]
f = { call = ["sh", "-c", 'trap "" TERM; (trap "" TERM; sleep 1000) & echo $! >> pids; echo $$ >> pids; while :; do sleep 1000; done'], timeout = "%s" }
`

func TestTimeout(t *testing.T) {
	e := expose(t, fmt.Sprintf(stubborn, "300ms"))
	start := time.Now()
	v, err := e.call("app.f")
	wants(t, "what takes too long", v, err, "IOError")
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
	awaitGone(t, processes(t, filepath.Join(filepath.Dir(e.path), "pids")))
}

// What was ended has not done what it was asked for, even if it ends as if it
// had.
func TestTimeoutOfThePolite(t *testing.T) {
	e := expose(t, `
[objects.app]
call = { call = ["sh", "-c", 'trap "exit 0" TERM; echo half; while :; do sleep 0.01; done'], timeout = "300ms" }
read = { command = ["sh", "-c", 'trap "exit 0" TERM; echo half; while :; do sleep 0.01; done'], timeout = "300ms" }
fail = { command = ["sh", "-c", 'trap "exit 3" TERM; while :; do sleep 0.01; done'], timeout = "300ms" }
`)
	v, err := e.call("app.call")
	wants(t, "a call", v, err, "IOError")
	for _, path := range []string{"app.read", "app.fail"} {
		v, err := e.get(path)
		wants(t, path, v, err, "IOError")
	}
}

func TestCancelEndsTheProgram(t *testing.T) {
	e := expose(t, fmt.Sprintf(stubborn, "1h"))
	pids := filepath.Join(filepath.Dir(e.path), "pids")
	r, _ := e.at("app.f")
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		_, err := e.peer.CallAttr(ctx, r, "f", nil, nil)
		done <- err
	}()
	awaitFile(t, pids, 2)
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("the caller got %v", err)
	}
	awaitGone(t, processes(t, pids))
}

func TestCloseEndsThePrograms(t *testing.T) {
	e := expose(t, fmt.Sprintf(stubborn, "1h"))
	pids := filepath.Join(filepath.Dir(e.path), "pids")
	r, _ := e.at("app.f")
	done := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_, err := e.peer.CallAttr(ctx, r, "f", nil, nil)
		done <- err
	}()
	awaitFile(t, pids, 2)
	if err := e.served.Close(); err != nil {
		t.Error(err)
	}
	for _, pid := range processes(t, pids) {
		awaitGone(t, []int{pid})
	}
	wants(t, "the call", nil, <-done, "ReferenceError")
}

func TestContained(t *testing.T) {
	e := expose(t, `
[objects.app]
endless = { call = ["sh", "-c", 'echo $$ >> pids; exec yes'] }
errors = { call = ["sh", "-c", 'yes no >&2 & sleep 0.2; kill $!; wait $! 2>/dev/null; exit 4'] }
leaves = { call = ["sh", "-c", 'sleep 1000 & echo $! >> pids; echo done'] }
escapes = { call = ["sh", "-c", 'setsid sleep 20 & echo done'] }
deaf = { call = ["true"], args = ["text"], stdin = "text" }
killed = { call = ["sh", "-c", 'kill -9 $$'] }
`)
	pids := filepath.Join(filepath.Dir(e.path), "pids")
	v, err := e.call("app.endless")
	wants(t, "what prints for ever", v, err, "OverflowError")
	v, err = e.call("app.leaves")
	wants(t, "what leaves something running", v, err, "'done'")
	awaitGone(t, processes(t, pids))
	start := time.Now()
	v, err = e.call("app.escapes")
	wants(t, "what leaves its group", v, err, "'done'")
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("it was waited for, %v", took)
	}
	v, err = e.call("app.deaf", str(strings.Repeat("x", 50_000)))
	wants(t, "what does not read", v, err, "None")
	v, err = e.call("app.killed")
	wants(t, "what is killed", v, err, "CommandError: (-9, '')")
	_, err = e.call("app.errors")
	var exc codec.Exception
	if !errors.As(err, &exc) || exc.Class != "CommandError" || !codec.Equal(exc.Args[0], codec.Int(4)) {
		t.Fatalf("what complains for ever: %v", err)
	}
	if said, _ := codec.StringOf(exc.Args[1]); len(said) > maxStderr || !strings.HasSuffix(said, "no\nno") {
		t.Errorf("it has %d bytes of the complaint", len(said))
	}
}

// TestStartsForGood: a program that gives another a session of its own has the
// time to do so, though it ends at once.
func TestStartsForGood(t *testing.T) {
	const times = 20
	e := expose(t, `
[objects.app]
start = { call = ["setsid", "-f", "sh", "-c", "echo $$ >> pids; exec sleep 1000"] }
`)
	pids := filepath.Join(filepath.Dir(e.path), "pids")
	t.Cleanup(func() {
		for _, pid := range processes(t, pids) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	})
	for range times {
		v, err := e.call("app.start")
		wants(t, "what starts another", v, err, "None")
	}
	awaitFile(t, pids, times)
	for _, pid := range processes(t, pids) {
		if !alive(pid) {
			t.Errorf("%d is gone", pid)
		}
	}
}

// TestDirectoryGone: what is missing is said to be missing.
func TestDirectoryGone(t *testing.T) {
	path := writeConfig(t, "[objects.app]\nx = { command = [\"true\"], dir = \"sub\" }")
	sub := filepath.Join(filepath.Dir(path), "sub")
	if err := os.Mkdir(sub, 0o700); err != nil {
		t.Fatal(err)
	}
	e := exposeFile(t, path)
	if err := os.Remove(sub); err != nil {
		t.Fatal(err)
	}
	_, err := e.get("app.x")
	if err == nil || !strings.HasPrefix(err.Error(), "IOError: [Errno 2]") || !strings.Contains(err.Error(), sub) {
		t.Errorf("without its directory: %v", err)
	}
}

// TestMax: no more run at once than may.
func TestMax(t *testing.T) {
	e := expose(t, `
[objects.app]
f = { call = ["sh", "-c", 'mkdir lock || exit 7; sleep 0.05; rmdir lock'], max = 1 }
`)
	r, _ := e.at("app.f")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, err := e.peer.CallAttr(context.Background(), r, "f", nil, nil); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// TestFilesThatEndNever are refused, whatever they were when the file was
// loaded.
func TestFilesThatEndNever(t *testing.T) {
	e := expose(t, "[objects.app]\nf = { file = \"f\", writable = true, create = true }")
	dir := filepath.Dir(e.path)
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "f")
	for _, what := range []string{"/dev/zero", "pipe", dir} {
		os.Remove(name)
		if err := os.Symlink(what, name); err != nil {
			t.Fatal(err)
		}
		if v, err := e.get("app.f"); err == nil {
			t.Errorf("%s was read: %v", what, v)
		}
		if err := e.set("app.f", str("x")); err == nil {
			t.Errorf("%s was replaced", what)
		}
	}
	os.Remove(name)
	if err := os.WriteFile(name, bytes.Repeat([]byte("x"), maxText+1), 0o600); err != nil {
		t.Fatal(err)
	}
	v, err := e.get("app.f")
	wants(t, "a large file", v, err, "IOError")
}
