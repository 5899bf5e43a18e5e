package nomcore

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"nomfs/codec"
)

// wallClock are the functions and methods that read the wall clock, make a time
// of stored numbers, or take the monotonic reading off a time: what is compared
// with such a time is off by whatever the clock was set.
var wallClock = map[string]bool{
	"Unix": true, "UnixNano": true, "UnixMilli": true, "UnixMicro": true,
	"Date": true, "Parse": true, "ParseInLocation": true, "AddDate": true,
	"UTC": true, "In": true, "Round": true, "Truncate": true,
	"Clock": true, "YearDay": true, "Weekday": true,
	"Format": true, "AppendFormat": true, "GoString": true, "MarshalBinary": true, "MarshalText": true, "MarshalJSON": true,
}

// fromTime are those of them that are functions of package time, or both.
var fromTime = map[string]bool{
	"Unix": true, "UnixMilli": true, "UnixMicro": true, "Date": true, "Parse": true, "ParseInLocation": true,
}

// mayUseWallClock are the places where they are right, and why.
var mayUseWallClock = map[string]string{
	"sources.go take: time.Unix":      "a limiter wants a time.Time; this one is of Service.now",
	"sources.go takeHello: time.Unix": "likewise",
	"status.go StatusText: Round":     "of a duration, for people",
	"roundtrip.go ended: Truncate":    "of a duration, for people",
	"roundtrip.go notSent: Truncate":  "of a duration, for people",
	"trace.go packet: Format":         "for people",
	"trace.go describe: Round":        "of a duration, for people",
}

// notEngine are the directories that hold no part of the engine: there times are
// values that objects have.
var notEngine = map[string]bool{"expose": true, "object": true, "wrap": true, "testdata": true}

// Nothing in the engine keeps time by the wall clock.
func TestMonotonicTimeOnly(t *testing.T) {
	used := make(map[string]bool)
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && notEngine[d.Name()]:
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, 0)
		if err != nil {
			return err
		}
		if !importsTime(file) {
			return nil
		}
		for _, decl := range file.Decls {
			name := "var"
			if f, ok := decl.(*ast.FuncDecl); ok {
				name = f.Name.Name
			}
			ast.Inspect(decl, func(n ast.Node) bool {
				call, ok := n.(*ast.SelectorExpr)
				if !ok || !wallClock[call.Sel.Name] {
					return true
				}
				what := call.Sel.Name
				if of, ok := call.X.(*ast.Ident); ok && of.Name == "time" {
					what = "time." + what
				} else if fromTime[what] && what != "Unix" && what != "UnixMilli" && what != "UnixMicro" && what != "Date" {
					return true // Parse of something else
				}
				place := path + " " + name + ": " + what
				used[place] = true
				if mayUseWallClock[place] == "" {
					t.Errorf("%s: %s: Service.now and time.Since keep time whatever the wall clock is set to", set.Position(n.Pos()), what)
				}
				return true
			})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for place := range mayUseWallClock {
		if !used[place] {
			t.Errorf("%s is not there any more: take it off the list", place)
		}
	}
	if len(used) == 0 {
		t.Error("nothing was found: the test is wrong")
	}
}

func importsTime(f *ast.File) bool {
	for _, i := range f.Imports {
		if i.Path.Value == `"time"` {
			return true
		}
	}
	return false
}

// stepWallClock returns a time with the same monotonic reading, and a wall clock
// that was set by so much.
func stepWallClock(at time.Time, by time.Duration) time.Time {
	// As time.Time is laid out: a bit that says that there is a monotonic
	// reading, 33 bits of seconds, and 30 bits of nanoseconds.
	const nanosecondBits = 30
	wall := (*struct {
		wall uint64
		ext  int64
		loc  *time.Location
	})(unsafe.Pointer(&at))
	wall.wall += uint64(by/time.Second) << nanosecondBits
	return at
}

// The time of a Service does not move when the wall clock is set.
func TestTimeIgnoresTheWallClock(t *testing.T) {
	for _, step := range []time.Duration{1000 * time.Hour, -1000 * time.Hour} {
		// To set the clock forward is to have begun earlier by it.
		began := time.Now()
		s := &Service{born: stepWallClock(began, -step)}
		if s.born.Round(0).Equal(began.Round(0)) {
			t.Fatal("the wall clock was not set")
		}
		const most = time.Minute // for a busy machine
		if now := time.Duration(s.now()); now < 0 || now > most {
			t.Errorf("the time moves by %v when the clock is set by %v", now, step)
		}
		if at := time.Duration(s.sinceBorn(began)); at != 0 {
			t.Errorf("a moment moves by %v when the clock is set by %v", at, step)
		}
	}
}

// Leases and sessions end in their time, which any sign of life prolongs.
func TestLeasesEndInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, newFactory(echo), noLog)
		v, err := p.peer.GetAttr(t.Context(), p.ref, "m")
		if err != nil {
			t.Fatal(err)
		}
		expect := func(when string, objects, sessions int) {
			t.Helper()
			synctest.Wait()
			if n := p.server.Stats().Objects; n != objects {
				t.Errorf("%s: %d objects, want %d", when, n, objects)
			}
			if n := p.server.peers.known(clientAt).Status().Sessions; n != sessions {
				t.Errorf("%s: %d sessions, want %d", when, n, sessions)
			}
		}
		time.Sleep(10 * leaseTime) // the client keeps its references
		if _, err := p.peer.Call(t.Context(), v.(codec.Ref), nil, nil); err != nil {
			t.Errorf("after ten leases: %v", err)
		}
		p.client.Close()
		time.Sleep(leaseTime - housekeepEvery)
		expect("before the lease ends", 2, 1)
		time.Sleep(3 * housekeepEvery)
		expect("after the lease has ended", 1, 1)
		time.Sleep(sessionKept - leaseTime)
		expect("after the session has ended", 1, 0)
	})
}
