//go:build linux

package fsview

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// fullEnv makes the tests under load as long as they should be.
const fullEnv = "NOMFS_TEST_FULL"

// stressTime is how long the tests under load run, in seconds.
func stressTime() int {
	const short, full = 3, 30
	if os.Getenv(fullEnv) != "" {
		return full
	}
	return short
}

// goroutines returns how many goroutines the server has.
func (s *server) goroutines() int {
	s.t.Helper()
	n, err := strconv.Atoi(s.ask("goroutines"))
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

// eventually waits until ok, as long as a test waits for anything.
func eventually(ok func() bool) bool {
	const pause = 50 * time.Millisecond
	for end := time.Now().Add(patience); !ok(); time.Sleep(pause) {
		if time.Now().After(end) {
			return false
		}
	}
	return true
}

// nothingLeft waits until everything that was done for anyone is gone:
// goroutines, calls, and references. Root can make the kernel forget all names
// first; for others only unmounting does.
func (s *server) nothingLeft(goroutines int) {
	s.t.Helper()
	if isRoot {
		s.nothingKnown()
	}
	var n int
	// The library keeps a few readers more after a busy time.
	const readers = 16
	if !eventually(func() bool { n = s.goroutines(); return n <= goroutines+readers }) {
		s.t.Errorf("%d goroutines, there were %d", n, goroutines)
	}
	if bad := s.recorded(); bad != "" {
		s.t.Errorf("answers that nobody may get: %.1000s", bad)
	}
	if kept := s.ask("end"); kept != "[]" {
		s.t.Errorf("references that unmounting does not give back: %s", kept)
	}
}

// nothingKnown makes the kernel forget the names in this mount, and in no other,
// and waits until the mount has forgotten them too.
func (s *server) nothingKnown() {
	s.t.Helper()
	// With fsconfig(2), which newer versions of mount use, FUSE remounts nothing.
	if out, status := s.sh("cd /; LIBMOUNT_FORCE_MOUNT2=always mount -i -o remount $M"); status != 0 {
		s.t.Fatalf("remount: %s", out)
	}
	var status string
	if !eventually(func() bool {
		status, _ = s.sh("grep -E '^(references_in_use|calls_running) ' .nom/status | tr -s ' '")
		return status == "references_in_use 0\ncalls_running 0\n"
	}) {
		s.t.Errorf("what is left: %s", status)
	}
	var kept string
	if !eventually(func() bool { kept = s.ask("given"); return kept == "[]" }) {
		s.t.Errorf("references that are not given back: %s", kept)
	}
}

// bogoOps matches the line in which stress-ng tells how many files it read.
var bogoOps = regexp.MustCompile(`sysfs +(\d+) +\d`)

// TestStressNG lets stress-ng read a tree of cyclic and other objects in ways
// that no tool would. It takes the tree for /sys, in a mount namespace that
// nobody else sees.
func TestStressNG(t *testing.T) {
	t.Parallel()
	for _, fixture := range []string{"demo", "plain", "ring"} {
		t.Run(fixture, func(t *testing.T) {
			t.Parallel()
			s := startServer(t, serveSpec{Fixture: fixture, Record: recordBad})
			before := s.goroutines()
			unshare := "unshare -m --propagation private"
			if !isRoot {
				unshare += " -r"
			}
			s.sh("ls -R > /dev/null")
			out, status := s.sh(fmt.Sprintf("cd /; %s sh -c 'mount --bind '$M' /sys && exec stress-ng --temp-path %s --sysfs 4 --timeout %ds --metrics-brief' 2>&1", unshare, t.TempDir(), stressTime()))
			if status != 0 || !strings.Contains(out, "successful run completed") {
				t.Errorf("status %d: %s", status, out)
			}
			if files := bogoOps.FindStringSubmatch(out); files == nil || files[1] == "0" {
				t.Errorf("it read no file: %s", out)
			} else {
				t.Logf("%s files", files[1])
			}
			if got := effects(s.ops()); got != "" {
				t.Errorf("reading changed something: %.300s", got)
			}
			s.nothingLeft(before)
		})
	}
}

// stormShells is how many shells use the mount at once.
const stormShells = 32

// storm is what each of them does, until its time is over.
const storm = `
i=$1 end=$((SECONDS + $2)) n=0
exec 3<>demo/add/call
while [ $SECONDS -lt $end ]; do
	((n++))
	echo $n > demo/v$i || echo "BAD echo"
	read -r x < demo/v$i; [ "$x" = $n ] || echo "BAD value $x, want $n"
	echo $i,$n > demo/add/call || echo "BAD call"
	read -r x < demo/add/call; [ "$x" = $((i+n)) ] || echo "BAD result $x, want $((i+n))"
	echo $n,$n >&3; read -r x <&3; [ "$x" = $((n+n)) ] || echo "BAD answer $x, want $((n+n))"
	case $((n % 8)) in
	0) ls demo > /dev/null && ls -l demo/child demo/numbers/index other > /dev/null || echo "BAD ls";;
	1) find demo/child demo/numbers demo/table > /dev/null || echo "BAD find";;
	2) cat demo/numbers/index/* demo/child/v demo/.json > /dev/null || echo "BAD cat";;
	3) sed -i s/$n/0/ demo/v$i || echo "BAD sed";;
	4) echo text > demo/.v$i && mv demo/.v$i demo/w$i && rm demo/w$i || echo "BAD mv";;
	5) ln -s ../other demo/l$i && cat demo/l$i/x > /dev/null && rm demo/l$i || echo "BAD ln";;
	6) [ "$(demo/.bin/greet $i)" = "call-file demo/.bin/greet $i" ] || echo "BAD .bin";;
	7) echo x 2> /dev/null > demo/number && echo "BAD error"; read -r x < .nom/error;;
	esac
done
rm demo/v$i
echo rounds $n`

// TestStorm runs many shells that read, write and call at the same time.
func TestStorm(t *testing.T) {
	t.Parallel()
	s := startServer(t, serveSpec{Fixture: "demo", Record: recordBad})
	before := s.goroutines()
	out, status := s.sh(fmt.Sprintf("export T=%s\ncat > $T/storm <<'X'\n%s\nX\nfor i in {1..%d}; do setsid -w bash $T/storm $i %d & done; wait", t.TempDir(), storm, stormShells, stressTime()))
	lines := strings.Split(strings.TrimSpace(out), "\n")
	rounds := 0
	slices.Sort(lines)
	for i, l := range lines {
		if n, ok := strings.CutPrefix(l, "rounds "); ok {
			m, _ := strconv.Atoi(n)
			rounds += m
		} else if i == 0 || lines[i-1] != l {
			t.Errorf("a shell says %s", l)
		}
	}
	if status != 0 || len(lines) < stormShells {
		t.Errorf("status %d, %d of %d shells came to their end", status, len(lines), stormShells)
	}
	t.Logf("%d rounds", rounds)
	s.nothingLeft(before)
}
