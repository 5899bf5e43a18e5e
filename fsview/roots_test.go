//go:build linux

package fsview

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nomfs/codec"
)

// TestNamesOneByOne checks what is asked when registered names are looked up
// after the table of them became too old, as ls -l does on a slow machine.
func TestNamesOneByOne(t *testing.T) {
	for _, tt := range []struct {
		name  string
		pause time.Duration // before each lookup
		names string
		want  string
	}{
		{"at once", 0, "a b c a", "Roots"},
		{"one, now and then", 2 * maxAge, "a b a", "Roots Resolve b Resolve a"},
		{"one after the other", maxAge / 3, "a b c d e f g h i j k l", "Roots Roots Roots"},
		{"one of them often", maxAge / 3, "a b b b b b b", "Roots Resolve b Resolve b Resolve b"},
		{"what is not there", 0, "a x x", "Roots Resolve x Resolve x"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				for n := 'a'; n <= 'l'; n++ {
					f.names[string(n)] = f.add(&fakeObject{label: string(n)})
				}
				p := testPeer(t, f)
				for i, name := range strings.Fields(tt.names) {
					if i > 0 {
						time.Sleep(tt.pause)
					}
					v, err := p.root(t.Context(), name)
					if want, ok := f.names[name]; ok && (v != want || err != nil) {
						t.Errorf("%s is %v, %v", name, v, err)
					} else if !ok && err == nil {
						t.Errorf("%s is %v", name, v)
					}
				}
				if got := strings.Join(f.ops, " "); got != tt.want {
					t.Errorf("asked %q, want %q", got, tt.want)
				}
			})
		})
	}
}

// TestNameRegisteredAnew checks that a name is never known longer than other
// values are.
func TestNameRegisteredAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		for i := range 3 {
			f.names[fmt.Sprint(i)] = f.add(&fakeObject{})
		}
		p := testPeer(t, f)
		look := func(name string) codec.Value {
			v, err := p.root(context.Background(), name)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		for i := range 20 {
			name := fmt.Sprint(i % 3)
			look(name)
			next := f.add(&fakeObject{})
			f.names[name] = next
			time.Sleep(maxAge + time.Millisecond)
			look(fmt.Sprint((i + 1) % 3)) // so that the next one goes on
			if got := look(name); got != next {
				t.Fatalf("%d: %s is %v, want %v", i, name, got, next)
			}
		}
	})
}
