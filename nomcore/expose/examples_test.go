package expose

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nomfs/codec"
)

// examples are the files in scripts/examples.
const examples = "../../scripts/examples"

// exampleAt copies the examples, so that they can write, and serves one. Pairs
// of texts replace each other in it.
func exampleAt(t *testing.T, name string, replace ...string) *exposed {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(examples)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, name)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(strings.NewReplacer(replace...).Replace(string(text))), 0o600); err != nil {
		t.Fatal(err)
	}
	return exposeFile(t, path)
}

func TestExampleService(t *testing.T) {
	e := exampleAt(t, "service.toml")
	for path, v := range map[string]codec.Value{"shop.level": str("debug"), "shop.notice": str("back soon"), "shop.opening.saturday": str("closed")} {
		if err := e.set(path, v); err != nil {
			t.Error(err)
		}
		got, err := e.get(path)
		wants(t, path, got, err, v.String())
	}
	wants(t, "workers", nil, e.set("shop.workers", str("many")), "TypeError")
	if v, err := e.get("shop.uptime"); err != nil || v.Kind() != codec.KindInt {
		t.Errorf("uptime is %v, %v", v, err)
	}
	v, err := e.call("shop.reload", str("new prices"))
	wants(t, "reload", v, err, "'reload: new prices'")
	v, err = e.call("shop.complaints", str("no bread"))
	wants(t, "complaints", v, err, "None")
}

func TestExampleSensor(t *testing.T) {
	e := exampleAt(t, "sensor.toml")
	for path, kind := range map[string]codec.Kind{"sensor.load": codec.KindFloat, "sensor.free": codec.KindInt, "sensor.threads": codec.KindInt, "sensor.all": codec.KindMap} {
		if v, err := e.get(path); err != nil || v.Kind() != kind {
			t.Errorf("%s is %v, %v, want a %v", path, v, err, kind)
		}
	}
	if err := e.set("sensor.limit", codec.Int(4)); err != nil {
		t.Error(err)
	}
	wants(t, "load", nil, e.set("sensor.load", codec.Int(4)), "AttributeError")
}

func TestExampleBuildBox(t *testing.T) {
	e := exampleAt(t, "buildbox.toml")
	v, err := e.get("builds.results.all")
	wants(t, "the last result", v, err, "'never built'")
	v, err = e.call("builds.run", str("docs"), codec.Int(3))
	wants(t, "run", v, err, "'building docs with 3 jobs'")
	v, err = e.get("builds.log")
	wants(t, "log", v, err, "'building docs with 3 jobs'")
	v, err = e.get("builds.results.docs")
	wants(t, "the result", v, err, "'ok'")
	v, err = e.call("builds.run", str("docs; rm -rf /"))
	wants(t, "run what there is not", v, err, "CommandError: (2, 'build: there is no target docs; rm -rf /')")
	v, err = e.call("builds.count", str("three little words"))
	wants(t, "count", v, err, "3")
}

func TestExampleGateway(t *testing.T) {
	shop, attic := exampleAt(t, "service.toml"), exampleAt(t, "sensor.toml")
	e := exampleAt(t, "gateway.toml", "127.0.0.1:12075", shop.svc.Addr().String(), "127.0.0.1:12076", attic.svc.Addr().String())
	v, err := e.get("house.shop.level")
	wants(t, "level", v, err, "'info'")
	if err := e.set("house.shop.opening.weekdays", str("8-18")); err != nil {
		t.Error(err)
	}
	v, err = shop.get("shop.opening.weekdays")
	wants(t, "weekdays", v, err, "'8-18'")
	wants(t, "prices", nil, e.set("house.prices.level", str("debug")), "AttributeError")
	v, err = e.call("house.shop.reload")
	wants(t, "reload", v, err, "'reload: by hand'")
	v, err = e.get("attic.limit")
	wants(t, "limit", v, err, "8.0")
}

// TestEveryExampleIsRun fails when a file is added without a test.
func TestEveryExampleIsRun(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(examples, "*.toml"))
	const tests = 4
	if err != nil || len(files) != tests {
		t.Errorf("there are %v (%v), and %d have a test", files, err, tests)
	}
}
