package expose

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"nomfs/auth"
	"nomfs/codec"
	"nomfs/nomcore"
)

const persistent = `
[objects.app]
limit = { value = %d, writable = true, persist = true }
loose = { value = 1, writable = true }
text = { value = "a", writable = true, persist = true, type = "any" }
`

func TestPersist(t *testing.T) {
	e := expose(t, fmt.Sprintf(persistent, 10))
	for path, v := range map[string]codec.Value{"app.limit": codec.Int(12), "app.loose": codec.Int(12), "app.text": codec.List{str("ž\n"), codec.None{}}} {
		if err := e.set(path, v); err != nil {
			t.Fatal(err)
		}
	}
	wants(t, "a reference", nil, e.set("app.text", &nomcore.Object{Impl: e}), "TypeError")
	e.served.Close()
	f := exposeFile(t, e.path)
	for path, want := range map[string]string{"app.limit": "12", "app.loose": "1", "app.text": `[u'ž\n', None]`} {
		v, err := f.get(path)
		if err != nil {
			t.Fatal(err)
		}
		if parsed, err := codec.ParseLiteral(want); err != nil || !codec.Equal(v, parsed) {
			t.Errorf("%s is %v, want %s", path, v, want)
		}
	}
	f.served.Close()
	// Whoever edits the file wins.
	f.write(fmt.Sprintf(persistent, 20))
	g := exposeFile(t, e.path)
	v, err := g.get("app.limit")
	wants(t, "limit", v, err, "20")
}

// TestPersistKinds: what is read after a restart is what was set, to the last
// bit and of the same kind.
func TestPersistKinds(t *testing.T) {
	e := expose(t, "[objects.app]\na = { value = 0, writable = true, persist = true, type = \"any\" }")
	for _, v := range []codec.Value{
		codec.Float(math.NaN()), codec.Float(math.Inf(1)), codec.Float(math.Inf(-1)), codec.Float(math.Copysign(0, -1)), codec.Float(5e-324),
		codec.IntValue(new(big.Int).Lsh(big.NewInt(3), 5000)), codec.Bool(true), codec.None{},
		codec.Bytes("\xff\x00"), codec.Bytes("nan"), codec.Text("inf"), codec.Text("\u2028<&>\x00"), codec.Bytes(""), codec.Text(""),
		codec.List{}, codec.Tuple{codec.Tuple{}}, codec.Set{codec.Int(1), codec.Tuple{}}, codec.MapOf(map[string]codec.Value{"": codec.List{codec.None{}}}),
	} {
		if err := e.set("app.a", v); err != nil {
			t.Errorf("%v: %v", v, err)
			continue
		}
		again := exposeFile(t, e.path)
		if got, err := again.get("app.a"); err != nil || typed(got) != typed(v) {
			t.Errorf("%s came back as %v, %v", typed(v), got, err)
		}
		again.served.Close()
	}
	wants(t, "no literal", nil, e.set("app.a", codec.List{codec.Float(math.NaN())}), "TypeError")
}

func TestDamagedState(t *testing.T) {
	for _, text := range []string{"{", "", `{"version": 99}`, `[]`} {
		path := writeConfig(t, fmt.Sprintf(persistent, 10))
		if err := os.WriteFile(path+".state", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		e := exposeFile(t, path)
		v, err := e.get("app.limit")
		wants(t, "limit", v, err, "10")
		aside, _ := filepath.Glob(path + ".state.bad-*")
		if len(aside) != 1 {
			t.Fatalf("%q was not put aside: %v", text, aside)
		}
		if kept, _ := os.ReadFile(aside[0]); string(kept) != text {
			t.Errorf("%q was kept as %q", text, kept)
		}
		if !strings.Contains(e.log.String(), aside[0]) {
			t.Errorf("the log does not say where it is: %s", e.log)
		}
	}
}

// TestSaveFails: what cannot be kept is not set.
func TestSaveFails(t *testing.T) {
	path := writeConfig(t, fmt.Sprintf(persistent, 10))
	c, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	svc := newService(t)
	v, err := Serve(svc, c, Options{State: filepath.Join(path, "below", "a", "file")})
	if err == nil {
		v.Close()
		t.Fatal("a state below a file could be read")
	}
	e := exposeFile(t, path)
	e.served.state.mu.Lock()
	e.served.state.path = filepath.Join(path, "state")
	e.served.state.mu.Unlock()
	if err := e.set("app.limit", codec.Int(11)); err == nil {
		t.Error("it was set, and not kept")
	}
	got, err := e.get("app.limit")
	wants(t, "limit", got, err, "10")
}

// TestSharedState: what one process has set is not lost when another sets
// something else, and both may do so at once.
func TestSharedState(t *testing.T) {
	const sets = 100
	path := writeConfig(t, `
[objects.app]
a = { value = 0, writable = true, persist = true }
b = { value = 0, writable = true, persist = true }
`)
	errs := make(chan error)
	first, second := exposeFile(t, path), exposeFile(t, path)
	for name, e := range map[string]*exposed{"app.a": first, "app.b": second} {
		go func() {
			var err error
			for n := 1; n <= sets && err == nil; n++ {
				err = e.set(name, codec.Int(n))
			}
			errs <- err
		}()
	}
	if err := errors.Join(<-errs, <-errs); err != nil {
		t.Fatal(err)
	}
	first.served.Close()
	second.served.Close()
	again := exposeFile(t, path)
	for _, name := range []string{"app.a", "app.b"} {
		v, err := again.get(name)
		wants(t, name, v, err, strconv.Itoa(sets))
	}
}

// TestStateLocked: a process that does not go on keeps others from writing, and
// is told of, but is not waited for.
func TestStateLocked(t *testing.T) {
	e := expose(t, fmt.Sprintf(persistent, 10))
	unlock, err := e.served.state.lock()
	if err != nil {
		t.Fatal(err)
	}
	err = e.set("app.limit", codec.Int(11))
	if err == nil || !strings.Contains(err.Error(), e.path+".state.lock") {
		t.Errorf("it was set while the state was locked, or for another reason not: %v", err)
	}
	unlock()
	if err := e.set("app.limit", codec.Int(12)); err != nil {
		t.Error(err)
	}
}

// TestStateLink: a state file that is a link stays one.
func TestStateLink(t *testing.T) {
	path, real := writeConfig(t, fmt.Sprintf(persistent, 10)), filepath.Join(t.TempDir(), "real")
	if err := errors.Join(os.WriteFile(real, []byte(`{"version": 1}`), 0o600), os.Symlink(real, path+".state")); err != nil {
		t.Fatal(err)
	}
	e := exposeFile(t, path)
	if err := e.set("app.limit", codec.Int(11)); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(real); err != nil || !strings.Contains(string(text), `"11"`) {
		t.Errorf("where the link leads is %q, %v", text, err)
	}
}

// TestStateElsewhere: where nobody may write next to the file, what was kept
// there counts until something is set.
func TestStateElsewhere(t *testing.T) {
	dir := t.TempDir()
	before, path := filepath.Join(dir, "before"), filepath.Join(dir, "below", "state")
	open := func() *state {
		s, err := openState(path, before, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	if err := os.WriteFile(before, []byte(`{"version": 1, "values": {"a": {"declared": "int 0", "value": "1"}, "b": {"declared": "int 0", "value": "1"}}}`), 0o400); err != nil {
		t.Fatal(err)
	}
	if err := open().put("a", "int 0", codec.Int(2)); err != nil {
		t.Fatal(err)
	}
	s := open()
	for name, want := range map[string]string{"a": "2", "b": "1"} {
		v, ok := s.get(name, "int 0")
		if !ok || v.String() != want {
			t.Errorf("%s is %v, want %s", name, v, want)
		}
	}
}

// setterEnv makes the test binary a process that sets a persistent value again
// and again, and says what it has set.
const setterEnv = "NOMFS_TEST_SETTER"

func TestMain(m *testing.M) {
	if path := os.Getenv(setterEnv); path != "" {
		setForEver(path)
	}
	os.Exit(m.Run())
}

func setForEver(path string) {
	fail := func(err error) {
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	}
	svc, err := nomcore.Listen("127.0.0.1:0", &nomcore.Config{Authenticator: auth.Default})
	fail(err)
	c, err := Load(path)
	fail(err)
	v, err := Serve(svc, c, Options{})
	fail(err)
	o, _ := v.Object("app")
	app := o.Impl.(*object)
	now, err := app.GetAttr(context.Background(), "limit")
	fail(err)
	fmt.Println("at", now)
	for n := int64(now.(codec.Int)) + 1; ; n++ {
		fail(app.SetAttr(context.Background(), "limit", codec.Int(n)))
		fmt.Println("set", n)
	}
}

// TestKilledWhileSaving: however the process ends, the state is what was set
// last, or what was about to be.
func TestKilledWhileSaving(t *testing.T) {
	const kills = 100
	path := writeConfig(t, fmt.Sprintf(persistent, 0))
	last := 0
	for n := range kills {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), setterEnv+"="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			what, number, _ := strings.Cut(lines.Text(), " ")
			at, err := strconv.Atoi(number)
			if err != nil {
				t.Fatalf("it says %q", lines.Text())
			}
			if what == "at" && at != last && at != last+1 {
				t.Errorf("after kill %d it is %d, and %d was set last", n, at, last)
			}
			last = at
			if what == "set" && at%(n%7+1) == 0 {
				// From one time to the next a bit later in the next one.
				time.Sleep(time.Duration(n) * 20 * time.Microsecond)
				_ = cmd.Process.Kill()
			}
		}
		_ = cmd.Wait()
		text, err := os.ReadFile(path + ".state")
		var f stateFile
		if err == nil {
			err = json.Unmarshal(text, &f)
		}
		if err != nil {
			t.Fatalf("after kill %d the file is %q: %v", n, text, err)
		}
		if got, _ := strconv.Atoi(f.Values["app.limit"].Value); got != last && got != last+1 {
			t.Fatalf("after kill %d the file has %d, and %d was set last", n, got, last)
		} else {
			last = got
		}
	}
	if bad, _ := filepath.Glob(path + ".state.bad-*"); len(bad) > 0 {
		t.Errorf("files were put aside: %v", bad)
	}
	// What the killed have left is tidied away by the next one that saves.
	e := exposeFile(t, path)
	if err := e.set("app.limit", codec.Int(-1)); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*"+tempMark+"*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
