//go:build linux

package fsview

import (
	"bufio"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// untilNone waits until the attribute is what it was.
const untilNone = `until [ "$(cat demo/nothing 2>&1)" = None ]; do :; done; cat demo/nothing`

// TestListenPutsBack: what a listener replaced comes back, even if the peer could
// not be heard when that began, or when it ended.
func TestListenPutsBack(t *testing.T) {
	spec := serveSpec{Fixture: "demo", Timeout: 500 * time.Millisecond}
	t.Run("assignment without an answer", func(t *testing.T) {
		t.Parallel()
		s := startServer(t, spec)
		s.ask("lose")
		out, status := s.sh("cat demo/nothing.listen; cat demo/nothing.err")
		if status != 0 || !strings.Contains(out, "ETIMEDOUT: no answer within 500ms; it may have run") {
			t.Errorf("opening: %s, status %d", out, status)
		}
		if out, _ := s.sh(untilNone); out != "None\n" {
			t.Errorf("it is %s", out)
		}
		// and it can be listened to again
		if out, status := s.sh("timeout 1 cat demo/nothing.listen"); status != 124 {
			t.Errorf("listening again: %s, status %d", out, status)
		}
	})
	t.Run("silent at the end", func(t *testing.T) {
		t.Parallel()
		s := startServer(t, spec)
		cmd := exec.Command("bash", "-c", "exec 3< demo/nothing.listen && echo ready; read -r _")
		cmd.Dir = s.dir
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if line, _ := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
			t.Fatalf("the terminal says %q", line)
		}
		s.ask("down")
		s.ask("reset")
		in.Close()
		_ = cmd.Wait() // read found the end of its input
		for deadline := time.Now().Add(patience); !slices.Contains(s.ops(), "GetAttr demo.nothing"); {
			if time.Now().After(deadline) {
				t.Fatal("nobody tried to put it back")
			}
		}
		s.ask("up")
		if out, _ := s.sh(untilNone); out != "None\n" {
			t.Errorf("it is %s", out)
		}
		if got := effects(s.ops()); got != "SetAttr demo.nothing=None" {
			t.Errorf("the peer was asked to %s", got)
		}
	})
}

// TestListenEndsWithClose: when the last descriptor is closed, the value from
// before is back, and somebody else can listen, before the next command runs.
func TestListenEndsWithClose(t *testing.T) {
	s := startServer(t, serveSpec{Fixture: "demo"})
	s.ask("delay 20ms")
	out, _ := s.sh(`cd demo; for i in 1 2 3; do
exec 3<>nothing.listen; test -d nothing && echo listening; exec 3>&-; cat nothing
cat nothing.listen & until test -d nothing; do :; done; kill $!; wait $! 2>/dev/null; cat nothing
exec 3<nothing.listen; sleep 600 & exec 3>&-; test -d nothing && echo inherited; kill $!; wait $! 2>/dev/null; cat nothing
done 2>&1`)
	if want := strings.Repeat("listening\nNone\nNone\ninherited\nNone\n", 3); out != want {
		t.Errorf("got %q, want %q", out, want)
	}
}
