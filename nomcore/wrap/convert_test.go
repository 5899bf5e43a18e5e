package wrap

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"nomfs/codec"
	"nomfs/nomcore/object"
)

// TestFromGo converts arguments for a call to a peer.
func TestFromGo(t *testing.T) {
	args, err := FromGo(1, "a", time.Second, []string{"b"}, func(n int) int { return n + 1 }, codec.Text("é"), nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"1", "'a'", "1.0", "['b']", "", "u'é'", "None"} {
		if want != "" {
			wantOutcome(t, args[i], nil, want)
		}
	}
	v, err := object.Call(t.Context(), args[4], []codec.Value{codec.Int(1)}, nil)
	wantOutcome(t, v, err, "2")
	if _, err := FromGo(1, &noLock{}); !errors.Is(err, ErrNoLock) || !strings.HasPrefix(err.Error(), "argument 2: ") {
		t.Errorf("an argument that is refused: %v", err)
	}
}

// TestTo converts a result of a call.
func TestTo(t *testing.T) {
	if n, err := To[int](codec.Int(5)); n != 5 || err != nil {
		t.Errorf("%v, %v", n, err)
	}
	if d, err := To[time.Duration](codec.Float(1.5)); d != 1500*time.Millisecond || err != nil {
		t.Errorf("%v, %v", d, err)
	}
	if m, err := To[map[string][]int](lit(t, "{'a': [1, 2]}")); fmt.Sprint(m) != "map[a:[1 2]]" || err != nil {
		t.Errorf("%v, %v", m, err)
	}
	if x, err := To[any](lit(t, "[1, None]")); fmt.Sprint(x) != "[1 <nil>]" || err != nil {
		t.Errorf("%v, %v", x, err)
	}
	_, err := To[int8](codec.Int(128))
	wantOutcome(t, nil, err, "!OverflowError: int 128 does not fit int8")
	_, err = To[[]int](lit(t, "[1, 'x']"))
	wantOutcome(t, nil, err, "!TypeError: item 1: expected int, got text 'x'")
	v, err := ToGo(codec.Bytes("x"), reflect.TypeFor[[]byte]())
	if err != nil || string(v.Bytes()) != "x" {
		t.Errorf("%v, %v", v, err)
	}
	f, err := To[func(int) (int, error)](Wrap(addUp))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f(1); err == nil || err.Error() != "TypeError: addUp() takes exactly 2 arguments (1 given)" {
		t.Errorf("a callback with a wrong signature: %v", err)
	}
}

// TestFuncOf returns the mistakes for which Func panics.
func TestFuncOf(t *testing.T) {
	o, err := FuncOf(addUp)
	if err != nil {
		t.Fatal(err)
	}
	v, err := callLine(t, t.Context(), o, "1, 2")
	wantOutcome(t, v, err, "3")
	for _, bad := range []any{5, nil, (func())(nil)} {
		if _, err := FuncOf(bad); err == nil {
			t.Errorf("%T is no error", bad)
		}
	}
	if _, err := FuncOf(addUp, "a"); err == nil {
		t.Error("too few names are no error")
	}
}
