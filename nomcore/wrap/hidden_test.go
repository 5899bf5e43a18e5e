package wrap

import (
	"context"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"nomfs/nomcore/object"
)

// Types that embed what no peer may call, at first hand and at second.
type (
	waiter    struct{ sync.WaitGroup }
	signaller struct{ *sync.Cond }
	deep      struct {
		Fine int
		waiter
		*signaller
	}
	// shadowed has a field of the name of a deeper one, whose methods are
	// promoted nevertheless.
	shadowed struct {
		deep
		Cond int
	}
	// loop embeds itself. The checker thinks that nothing uses that.
	//lint:ignore U1000 it is the embedding that is tested
	loop struct {
		*loop
		sync.Mutex
	}
	job interface {
		context.Context
		Run() int
	}
	task     struct{ job }
	twice    struct{ sync.Once }
	table    struct{ sync.Map }
	pool     struct{ sync.Pool }
	counter  struct{ atomic.Int64 }
	pointer  struct{ atomic.Pointer[int] }
	lockable struct{ sync.Locker }
	reader2  struct{ rlocker }
	mirror   struct{ reflect.Value }
	tagged   struct {
		deep `nom:"inside"`
	}
	event struct {
		time.Time
		netip.Prefix
		Name string
	}
)

// decoder has every method that decodes into it, and one of its own.
type decoder struct{}

func (*decoder) UnmarshalText([]byte) error             { return nil }
func (*decoder) UnmarshalBinary([]byte) error           { return nil }
func (*decoder) UnmarshalJSON([]byte) error             { return nil }
func (*decoder) UnmarshalYAML(func(any) error) error    { return nil }
func (*decoder) UnmarshalSomethingNew(int)              {}
func (*decoder) GobDecode([]byte) error                 { return nil }
func (*decoder) Scan(any) error                         { return nil }
func (*decoder) Set(string) error                       { return nil }
func (*decoder) String() string                         { return "decoder" }
func (*decoder) MarshalText() ([]byte, error)           { return nil, nil }
func (*decoder) GobEncode() ([]byte, error)             { return nil, nil }
func (*decoder) Format(time.Time, string, ...any) error { return nil }

type formatScanner struct{}

func (*formatScanner) Scan(fmt.ScanState, rune) error { return nil }

// scanner has methods that bear such names and are for peers.
type scanner struct{}

func (*scanner) Scan(from, to int) []int { return nil }
func (*scanner) Set(string) error        { return nil }
func (*scanner) Lock(code int) bool      { return true }
func (*scanner) Done() bool              { return true }

// TestHiddenMethods: peers see of each type what is said here, and nothing
// else under any name.
func TestHiddenMethods(t *testing.T) {
	for _, c := range []struct {
		x    any
		want []string
	}{
		{&waiter{}, nil},
		{&signaller{sync.NewCond(&sync.Mutex{})}, nil},
		{&deep{}, []string{"fine"}},
		{&shadowed{}, []string{"cond", "fine"}},
		{&loop{}, nil},
		{&task{}, []string{"run"}},
		{task{}, []string{"run"}},
		{&twice{}, nil},
		{&table{}, nil},
		{&pool{}, nil},
		{&counter{}, nil},
		{&pointer{}, nil},
		{&lockable{}, nil},
		{&reader2{}, nil},
		{&mirror{}, nil},
		{&tagged{}, nil},
		{&struct{ Inner tagged }{}, []string{"inner"}},
		{&struct {
			M   *sync.Mutex
			N   atomic.Int32
			C   context.Context
			End context.CancelFunc
			L   sync.Locker
		}{}, nil},
		{&event{}, []string{"name", "prefix", "time"}},
		{&decoder{}, []string{"format", "gob_encode", "marshal_text", "string"}},
		{&formatScanner{}, nil},
		{&scanner{}, []string{"done", "lock", "scan", "set"}},
		{&sync.WaitGroup{}, nil},
		{sync.NewCond(nil), nil},
		{&sync.Map{}, nil},
		{new(atomic.Int64), nil},
		{context.Background(), nil},
	} {
		o := Wrap(c.x).Impl.(*goObject)
		names, err := o.Dir(t.Context())
		if err != nil || !slices.Equal(names, c.want) {
			t.Errorf("%T shows %v, want %v, %v", c.x, names, c.want, err)
		}
		typ := reflect.TypeOf(c.x)
		for m := range typ.Methods() {
			name := snakeCase(m.Name)
			if slices.Contains(c.want, name) {
				continue
			}
			for _, name := range []string{m.Name, name} {
				if _, err := o.GetAttr(t.Context(), name); err == nil {
					t.Errorf("%T has a method %s", c.x, name)
				}
				if _, err := o.CallAttr(t.Context(), name, nil, nil); err == nil {
					t.Errorf("%T: %s was called", c.x, name)
				}
			}
		}
	}
}

// TestOpaqueResults: a lock that a method returns shows no method.
func TestOpaqueResults(t *testing.T) {
	mu := &sync.Mutex{}
	v, err := ValueOf(mu)
	if err != nil {
		t.Fatal(err)
	}
	o := v.(*object.Object).Impl.(*goObject)
	for _, name := range []string{"unlock", "Unlock", "lock", "try_lock"} {
		if _, err := o.CallAttr(t.Context(), name, nil, nil); err == nil {
			t.Errorf("%s was called", name)
		}
	}
}
