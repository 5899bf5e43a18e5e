//go:build linux

package fsview

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A lineTest is a command line that has to work in a mounted demo.
type lineTest struct {
	line    string
	by      string           // the test in treeTests or editTests that runs it, or
	in      func(*testing.T) // the test that does, or
	file    string           // the test script that does, or
	script  string           // what to run here
	out     string
	effects string // "" is none, anyEffects is not compared
}

const anyEffects = "any"

// lines are what people type, all of it.
var lines = []lineTest{
	{line: "echo ok and bad, with their status",
		script: "cd demo; for s in bash dash; do $s -c 'echo 6 > number; echo $?; echo x > number; echo $?; printf x > ratio; echo $?; /bin/echo x > flag; echo $?' 2> /dev/null; done",
		out:    "0\n1\n1\n1\n0\n1\n1\n1\n", effects: "SetAttr demo.number=6; SetAttr demo.number=6"},
	{line: "60 kB through cat, cp, tee and dd",
		script: "cd demo; head -c 60000 /dev/zero | tr '\\0' x > $T/f; for c in 'cat $T/f > text' 'cp $T/f text' 'tee text < $T/f > /dev/null' 'dd if=$T/f of=text bs=64k status=none' 'dd if=$T/f of=text bs=4k status=none' 'dd if=$T/f of=text status=none'; do eval \"$c\"; echo $?; head -c 60000 text | cmp - $T/f; echo small > text; done",
		out:    strings.Repeat("0\n", 6), effects: anyEffects},
	{line: "300 kB through cat, cp, tee and dd",
		script: "cd demo; head -c 300000 /dev/zero | tr '\\0' x > $T/f; for c in 'cat $T/f > name' 'cp $T/f name' 'tee name < $T/f > /dev/null' 'dd if=$T/f of=name bs=64k status=none' 'dd if=$T/f of=name bs=4k status=none'; do eval \"$c\" 2>&1 | grep -c 'Message too long'; echo ${PIPESTATUS[0]}; done; cat name name.err",
		out:    strings.Repeat("1\n1\n", 5) + "hello\nEMSGSIZE: value is larger than 65507 bytes, the limit of one datagram\n"},
	{line: "rm -rf leaves the object whole",
		script: "all() { for o in demo demo/child demo/numbers demo/table other; do cat $o/.json; ls $o; done; }; all > $T/a; for c in 'rm -rf demo' 'rm -rf $M' 'rm -rf demo/child' 'find . -delete' 'find demo -type f -delete' 'python3 -c \"import shutil; shutil.rmtree(\\\"demo\\\")\"' 'cd demo; rm -rf ../demo' 'mv demo $T/moved' 'mv demo/child $T/moved'; do (eval \"$c\") > /dev/null 2>&1; echo $?; done; all > $T/b; cmp $T/a $T/b",
		out:    strings.Repeat("1\n", 9)},
	{line: "less, inside", script: press + `cd demo; python3 $T/press hello q less name; echo $?; python3 $T/press '(2, 3)' q less values; echo $?`, out: "0\n0\n"},
	{line: "bash completion, inside", script: press + `cd demo; python3 $T/press bash- 'cat nam\t> $T/out; cat child/pa\tnumb\t\t; cat ../de\tratio >> $T/out; exit\r' bash --norc --noprofile -i; cat $T/out`, out: "hello\n0.5\n"},
	{line: "two sessions at once, a thousand calls each",
		script: `for i in a b; do setsid -w bash -c 'for ((j = 0; j < 1000; j++)); do echo $0$j > demo/greet/call || echo BAD; read -r x < demo/greet/call; [ "$x" = "hello $0$j" ] || echo "BAD $x"; done; echo end' $i & done; wait`,
		out:    "end\nend\n", effects: anyEffects},
	{line: "many descriptors at once, a hundred calls each",
		script: `for i in {1..8}; do (exec 3<>demo/add/call; for ((j = 0; j < 100; j++)); do echo $i,$j >&3; read -r x <&3; [ "$x" = $((i+j)) ] || echo "BAD $x"; done; echo end) & done; wait`,
		out:    strings.Repeat("end\n", 8), effects: anyEffects},

	{line: "a reference as text", script: "cd demo; cat child.repr add.repr; cat child.repr > nothing.repr; ls nothing; cat other.repr > child.repr; readlink child",
		out: "@MNT/demo/child\n@MNT/demo/add\nme\nparent\nv\n../a.b c\n", effects: "SetAttr demo.nothing=ref 1003; SetAttr demo.child=ref 1002"},
	// Whoever inherits a descriptor flushes it when it closes its copy, and so
	// does a shell that puts another file in its place for a while.
	{line: "a literal written by several programs",
		script: "cd demo; { echo '['; echo \"$(echo 1),\"; echo note >&2; ls > /dev/null; echo '2]'; } > values; cat values; { echo '{'; printf '\"a\": %s\\n' $(echo 1); echo '}'; } > nested.json; cat nested; echo '[1,' > values; echo $?; cat values.err",
		out:    "note\n[1, 2]\n{'a': 1.0}\n0\nEINVAL: want list, got \"[1,\": column 4: expected a value, found the end\n", effects: "SetAttr demo.values=[1, 2]; SetAttr demo.nested={'a': 1.0}"},
	{line: "a call written by several programs",
		script: "cd demo; { printf '2, '; echo \"$(echo 3)\"; } > add/call; cat add/call; exec 3<>fail/call; python3 -c 'import os; os.write(3, b\"1\")'; ls > /dev/null; cat <&3; echo $?",
		out:    "5\ncat: -: Remote I/O error\n1\n", effects: "Call add(2, 3); Call fail(1)"},
	{line: ": >, truncate", by: "truncate only"},
	{line: "truncate to a size", by: "truncate to something"},
	{line: ">>", by: "append"},
	{line: "multi-line echo", by: "lines of echo"},
	{line: "multi-line echo of a literal", by: "incomplete literal"},
	{line: "heredoc", by: "heredoc"},
	{line: "vim :wq", by: "vim in a terminal"},
	{line: "sed -i", by: "sed -i"},
	{line: "mv onto", by: "mv from elsewhere"},
	{line: "mv", by: "mv inside"},
	{line: "ln -s", by: "ln -s"},
	{line: "rm", by: "rm"},
	{line: "rmdir", by: "rmdir"},
	{line: "rm -r", by: "rm -r"},
	{line: "[ -s f ], wc -c, tail -n1", by: "sizes"},
	{line: "tar c | tar t, cp -r", by: "cp -r and tar"},
	{line: "find, grep -r, du", by: "find"},
	{line: "find, grep -r, du, cp -r and tar of a cyclic graph", in: TestCyclicGraph},
	{line: "tail -f .nom/log", by: "follow the log"},
	{line: "call by echo and cat", by: "call"},
	{line: "call by <>", by: "same descriptor"},
	{line: "call by .bin, and by eight of them at once", file: "bin.txtar"},
	{line: "exit and kill -9 during a call", in: TestWaiting},
	{line: "a peer that stops, and comes back", file: "stopped.txtar"},
	{line: "a peer that is slow", in: TestSlowPeer},
	{line: "attributes called call, index, a b, a%b, a.b, é and %", by: "escaped names"},
	{line: "an attribute with 300 bytes", by: "300 bytes"},
	{line: "a program that gets signals calls once", in: TestCallUnderSignals},
	{line: "git status, inside", by: "git"},
}

// TestLines runs those lines that no other test runs, and makes sure that the
// other tests are there.
func TestLines(t *testing.T) {
	elsewhere := make(map[string]bool)
	for _, tt := range treeTests {
		elsewhere[tt.name] = true
	}
	for _, tt := range editTests {
		elsewhere[tt.name] = true
	}
	for _, tt := range lines {
		t.Run(tt.line, func(t *testing.T) {
			switch {
			case tt.by != "":
				if !elsewhere[tt.by] {
					t.Errorf("there is no test %q", tt.by)
				}
			case tt.file != "":
				if _, err := os.Stat(filepath.Join("../cmd/nomfs/testdata/mount", tt.file)); err != nil {
					t.Error(err)
				}
			case tt.in == nil:
				runLine(t, tt)
			}
		})
	}
}

func runLine(t *testing.T, tt lineTest) {
	t.Parallel()
	s := startServer(t, serveSpec{Fixture: "demo"})
	out, _ := s.sh("export T=" + t.TempDir() + "\n" + tt.script)
	if out != tt.out {
		t.Errorf("%s\nprinted %q\nwant    %q", tt.script, out, tt.out)
	}
	if got := effects(s.ops()); got != tt.effects && tt.effects != anyEffects {
		t.Errorf("%s\nthe peer was asked %q\nwant               %q", tt.script, got, tt.effects)
	}
}

// callerEnv makes the test binary a program that calls: its value is the file.
const callerEnv = "FSVIEW_TEST_CALLER"

// signalledCalls is how many calls that program makes.
const signalledCalls = 10

// callUnderSignals makes calls, each half a second long, while it is sent
// signals: those that the runtime sends to itself all the time, and one that the
// program handles. The standard library repeats a write that a signal ends.
func callUnderSignals(path string) error {
	got := make(chan os.Signal, 1)
	signal.Notify(got, syscall.SIGUSR1)
	end := make(chan struct{})
	go func() {
		for {
			select {
			case <-end:
				return
			case <-time.After(time.Millisecond):
				_ = syscall.Kill(os.Getpid(), syscall.SIGURG)
				_ = syscall.Kill(os.Getpid(), syscall.SIGUSR1)
			}
		}
	}()
	defer close(end)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	for range signalledCalls {
		if _, err := f.WriteString("0.1\n"); err != nil {
			return err
		}
		text := make([]byte, 99)
		n, err := f.Read(text)
		if err != nil || string(text[:n]) != "done\n" {
			return fmt.Errorf("read %q, %w", text[:n], err)
		}
	}
	return nil
}

// TestCallUnderSignals counts the calls of a Go program that gets signals.
func TestCallUnderSignals(t *testing.T) {
	s := startServer(t, serveSpec{Fixture: "demo"})
	out, status := s.sh(callerEnv + "=demo/slow/call " + os.Args[0])
	if out != "" || status != 0 {
		t.Errorf("printed %q, status %d", out, status)
	}
	want := strings.TrimSuffix(strings.Repeat("Call slow(0.1); ", signalledCalls), "; ")
	if got := effects(s.ops()); got != want {
		t.Errorf("the peer was asked %q, want %q", got, want)
	}
}

// TestSlowPeer works with a peer that takes 200 ms for each answer: nothing asks
// for one after the other where it need not, and what asks for nothing does not
// wait.
func TestSlowPeer(t *testing.T) {
	const (
		answer = 200 * time.Millisecond
		slack  = 10 * time.Second // of a busy machine
		again  = 4                // requests a second: what was told is told anew once it is a second old
	)
	for _, tt := range []struct {
		fixture, script, out string
		requests             int // at most
	}{
		{"demo", "cat demo/number", "5\n", 2},
		{"demo", "ls demo | wc -l", "36\n", 10},
		{"demo", "echo 6 > demo/number; cat demo/number", "6\n", 4},
		{"demo", "echo 2,3 > demo/add/call; cat demo/add/call", "5\n", 4},
		{"demo", "cat .nom/status .nom/log .nom/error | grep -c ^peer; df . | wc -l; ls .nom | wc -l", "1\n2\n5\n", 0},
		{"big", "ls -l wide | wc -l; ls wide | wc -l", "1001\n1000\n", 40},
		{"big", "cat wide/* | wc -l", "1000\n", 100},
	} {
		t.Run(tt.script, func(t *testing.T) {
			s := startServer(t, serveSpec{Fixture: tt.fixture})
			s.ask("delay " + answer.String())
			start := time.Now()
			out, _ := s.sh(tt.script)
			took := time.Since(start)
			most := tt.requests + again*int(took/time.Second)
			if n := len(s.ops()); out != tt.out || n > most || took > slack+time.Duration(most)*answer {
				t.Errorf("%s\nprinted %q after %v and %d requests, want %q and at most %d requests", tt.script, out, took, n, tt.out, most)
			}
		})
	}
}
