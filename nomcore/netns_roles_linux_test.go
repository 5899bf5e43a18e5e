package nomcore_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"nomfs/auth"
	"nomfs/codec"
	"nomfs/nomcore"
)

func init() {
	roles["lossy-server"] = lossyServer
	roles["lossy-client"] = lossyClient
}

// isolatedConfig lets plain NOM go between the two namespaces. A callback, whose
// context has no deadline of its own, has as much time as the call.
func isolatedConfig() *nomcore.Config {
	return &nomcore.Config{Authenticator: auth.Default, Plain: []netip.Prefix{tunNet}, Timeout: patience}
}

// firstOfPhase is the span of the numbers of one phase: more than its calls.
const firstOfPhase = 1_000_000

// ledger is the object of the server. It counts its calls by their number, the
// first argument, and keeps attributes.
type ledger struct {
	mu    sync.Mutex
	runs  map[int]int
	attrs map[string]codec.Value
}

func (l *ledger) GetAttr(_ context.Context, name string) (codec.Value, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if name == "blob" {
		return blob(0), nil
	}
	return l.attrs[name], nil
}

func (l *ledger) SetAttr(_ context.Context, name string, v codec.Value) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.attrs[name] = v
	return nil
}

// Call counts a call. A second argument that is a number is how long it takes,
// in milliseconds. Bytes are answered by their length, "blob" by a blob, and a
// callback is called with the number. Otherwise the answer is the number.
func (l *ledger) Call(ctx context.Context, args []codec.Value, _ map[string]codec.Value) (codec.Value, error) {
	n, _ := codec.Int64Of(args[0])
	l.mu.Lock()
	l.runs[int(n)]++
	l.mu.Unlock()
	if len(args) < 2 {
		return args[0], nil
	}
	switch a := args[1].(type) {
	case codec.Int:
		time.Sleep(time.Duration(a) * time.Millisecond)
	case codec.Bytes:
		if a == "blob" {
			return blob(int(n)), nil
		}
		if !bytes.Equal([]byte(a), []byte(blob(int(n)))) {
			return nil, errors.New("not what was sent")
		}
		return codec.Int(len(a)), nil
	case nomcore.Caller:
		return a.Call(ctx, args[:1], nil)
	}
	return args[0], nil
}

// blob returns 60 kB that depend on a number: more than 40 IP packets.
func blob(n int) codec.Bytes {
	b := make([]byte, 60_000)
	for i := range b {
		b[i] = byte(n + i + i>>8)
	}
	return codec.Bytes(b)
}

// lossyServer serves a ledger, and tells how often each number ran.
func lossyServer(in *json.Decoder, out *json.Encoder) error {
	var tun tunConfig
	if err := in.Decode(&tun); err != nil {
		return err
	}
	if err := handOver(tun); err != nil {
		return err
	}
	s, err := nomcore.Listen(netip.AddrPortFrom(tun.Addr, nomcore.DefaultPort).String(), isolatedConfig())
	if err != nil {
		return err
	}
	defer s.Close()
	l := &ledger{runs: make(map[int]int), attrs: make(map[string]codec.Value)}
	if err := s.Register("ledger", &nomcore.Object{Impl: l}); err != nil {
		return err
	}
	if err := out.Encode(s.Addr().String()); err != nil {
		return err
	}
	for {
		var ask struct{}
		if err := in.Decode(&ask); err != nil {
			return err
		}
		l.mu.Lock()
		err := out.Encode(l.runs)
		l.mu.Unlock()
		if err != nil {
			return err
		}
	}
}

// loadConfig is what a client is to do.
type loadConfig struct {
	Span    time.Duration
	Callers int // that do small things
	Large   int // that send and fetch large ones
	First   int // number of the first call
	Seed    uint64
}

// outcome is how a numbered call ended, as the client saw it.
type outcome struct {
	N       int
	OK      bool
	Unknown bool   // the error was ErrOutcomeUnknown
	Lost    bool   // the error was ErrResultLost
	Hasty   bool   // it was given up early, so an error is right
	Large   bool   // it sent or fetched 60 kB
	Err     string `json:",omitempty"`
}

// loadReport is what a client has seen.
type loadReport struct {
	Calls     []outcome
	Callbacks map[int]int // runs of the callback by number
	Reads     int
	Wrong     []string // reads and results that were not right
}

// check compares what the client saw with what ran at the server.
func (r *loadReport) check(t *testing.T, phase string, first int, runs map[int]int) {
	t.Helper()
	const most = 10 // complaints
	for _, w := range r.Wrong[:min(most, len(r.Wrong))] {
		t.Errorf("%s: %s", phase, w)
	}
	ok, unknown, unsent, lost := 0, 0, 0, 0
	called := make(map[int]bool)
	bad := 0
	for _, c := range r.Calls {
		called[c.N] = true
		n := runs[c.N]
		right := false
		switch {
		case c.OK:
			ok++
			right = n == 1
		case c.Unknown:
			unknown++
			right = c.Hasty && n <= 1
		case c.Lost: // a server need not keep many large answers
			lost++
			right = c.Large && n == 1
		default: // it never ran
			unsent++
			right = c.Hasty && n == 0
		}
		if !right {
			if bad++; bad <= most {
				t.Errorf("%s: a call ran %d times: %+v", phase, n, c)
			}
		}
		if n := r.Callbacks[c.N]; n > 1 {
			t.Errorf("%s: callback %d ran %d times", phase, c.N, n)
		}
	}
	for n := range runs {
		if n >= first && !called[n] {
			t.Errorf("%s: call %d ran, and nobody called it", phase, n)
		}
	}
	t.Logf("%s: %d calls succeeded, %d have an unknown outcome, %d lost their result, %d were not sent; %d callbacks, %d reads", phase, ok, unknown, lost, unsent, len(r.Callbacks), r.Reads)
	if ok <= lost || r.Reads == 0 || phase == "small" && (unknown == 0 || len(r.Callbacks) == 0) {
		t.Errorf("%s: too little was done", phase)
	}
}

// load is a client at work.
type load struct {
	loadConfig
	peer *nomcore.Peer
	ref  codec.Ref
	next atomic.Int64
	mu   sync.Mutex
	loadReport
}

// lossyClient connects to a server and does what it is told.
func lossyClient(in *json.Decoder, out *json.Encoder) error {
	var tun tunConfig
	if err := in.Decode(&tun); err != nil {
		return err
	}
	if err := handOver(tun); err != nil {
		return err
	}
	var addr string
	if err := in.Decode(&addr); err != nil {
		return err
	}
	peer, err := nomcore.Dial(context.Background(), addr, isolatedConfig())
	if err != nil {
		return err
	}
	defer peer.Close()
	v, err := peer.Resolve(context.Background(), "ledger")
	if err != nil {
		return err
	}
	if err := out.Encode(peer.Service().Addr().String()); err != nil {
		return err
	}
	for {
		l := &load{peer: peer, ref: v.(codec.Ref)}
		if err := in.Decode(&l.loadConfig); err != nil {
			return err
		}
		l.run()
		if err := out.Encode(l.loadReport); err != nil {
			return err
		}
	}
}

// run does the work of all callers.
func (l *load) run() {
	l.Callbacks = make(map[int]int)
	l.next.Store(int64(l.First))
	until := time.Now().Add(l.Span)
	var wg sync.WaitGroup
	for i := range l.Callers + l.Large {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(l.Seed, uint64(i)))
			for round := 0; time.Now().Before(until); round++ {
				if i < l.Callers {
					l.small(i, round, random)
				} else {
					l.large(random)
				}
			}
		})
	}
	wg.Wait()
}

// patience is how long an operation may take that has to succeed.
const patience = time.Minute

// call makes one call with the next number and notes how it ended.
func (l *load) call(want func(n int) codec.Value, within time.Duration, args ...codec.Value) {
	n := int(l.next.Add(1))
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	for i, a := range args {
		if a == nil { // the blob of this number
			args[i] = blob(n)
		}
	}
	v, err := l.peer.Call(ctx, l.ref, append([]codec.Value{codec.Int(n)}, args...), nil)
	o := outcome{
		N: n, OK: err == nil, Hasty: within < patience,
		Unknown: errors.Is(err, nomcore.ErrOutcomeUnknown), Lost: errors.Is(err, nomcore.ErrResultLost),
	}
	if len(args) == 1 {
		_, o.Large = args[0].(codec.Bytes)
	}
	if err != nil {
		o.Err = err.Error()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.Calls = append(l.Calls, o)
	if err == nil && !codec.Equal(v, want(n)) {
		l.Wrong = append(l.Wrong, fmt.Sprintf("call %d returned %.40v", n, v))
	}
}

func itself(n int) codec.Value { return codec.Int(n) }

// small does one of the small things. Each caller has an attribute of its own,
// which nobody else writes.
func (l *load) small(caller, round int, random *rand.Rand) {
	const hasty = 40 // ms: some of such calls end in time
	switch random.IntN(6) {
	case 0, 1:
		l.call(itself, patience)
	case 2: // a call that takes its time
		l.call(itself, patience, codec.Int(random.IntN(30)))
	case 3: // one that is given up
		l.call(itself, time.Duration(random.IntN(hasty))*time.Millisecond, codec.Int(random.IntN(hasty)))
	case 4:
		l.call(itself, patience, &nomcore.Object{Impl: callback{l}})
	case 5:
		l.writeAndRead(fmt.Sprintf("of_caller_%d", caller), round)
	}
}

// callback counts its runs.
type callback struct{ l *load }

func (c callback) Call(_ context.Context, args []codec.Value, _ map[string]codec.Value) (codec.Value, error) {
	n, _ := codec.Int64Of(args[0])
	c.l.mu.Lock()
	defer c.l.mu.Unlock()
	c.l.Callbacks[int(n)]++
	return args[0], nil
}

// writeAndRead writes an attribute twice: it then has the second value, whatever
// copies of the first are still under way.
func (l *load) writeAndRead(name string, round int) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	second := codec.Int(2*round + 1)
	err := l.peer.SetAttr(ctx, l.ref, name, codec.Int(2*round))
	if err == nil {
		err = l.peer.SetAttr(ctx, l.ref, name, second)
	}
	for range 3 {
		var v codec.Value
		if err == nil {
			v, err = l.peer.GetAttr(ctx, l.ref, name)
		}
		l.noteRead(name, v, second, err)
	}
}

func (l *load) noteRead(name string, v, want codec.Value, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.Reads++
	if err != nil || !codec.Equal(v, want) {
		l.Wrong = append(l.Wrong, fmt.Sprintf("read of %s: %.40v, %v; want %.40v", name, v, err, want))
	}
}

// large sends or fetches 60 kB.
func (l *load) large(random *rand.Rand) {
	switch random.IntN(3) {
	case 0:
		l.call(func(int) codec.Value { return codec.Int(len(blob(0))) }, patience, nil)
	case 1:
		l.call(func(n int) codec.Value { return blob(n) }, patience, codec.Bytes("blob"))
	case 2:
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		v, err := l.peer.GetAttr(ctx, l.ref, "blob")
		l.noteRead("blob", v, blob(0), err)
	}
}
