package main

import (
	"strings"
	"testing"

	"nomfs/nomcore/expose/demo"
)

// untilNone waits until nothing is assigned to on_change, and prints that, and
// how many listen.
const untilNone = `timeout 20 sh -c 'until [ "$(cat demo/on_change 2> /dev/null)" = None ]; do :; done' && echo None; timeout 20 sh -c 'until grep -q "^listening *0$" .nom/status; do :; done'`

// TestListenInterrupted opens a listen file, and gives up while the peer has
// not assigned yet: what it assigns in the end is put back.
func TestListenInterrupted(t *testing.T) {
	d := demo.New()
	s := serving(t, 0, map[string]any{"demo": d})
	dir := mounting(t, s)
	d.RLock() // it can be read
	out := inMount(t, dir, "cat demo/number; timeout 1 cat demo/on_change.listen; echo $?")
	d.RUnlock()
	if !strings.HasSuffix(out, "\n124\n") {
		t.Errorf("listening printed %q", out)
	}
	if out := inMount(t, dir, untilNone); out != "None\n" {
		t.Errorf("afterwards: %q", out)
	}
}
