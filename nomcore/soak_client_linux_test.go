package nomcore_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"runtime"
	"sync"
	"time"

	"nomfs/auth"
	"nomfs/codec"
	"nomfs/nomcore"
)

// The clients of the soak test. They run until their input brings a second
// request; then they report. Some are killed before.

func init() { roles["soak-client"] = soakClient }

// soakClientConfig is what a client is to do.
type soakClientConfig struct {
	Addr string // of the server
	Kind string // see soakKinds
	Name string // of this client, used by no other
	Seed uint64
	// Lenient: its operations may fail, since it is stopped, or others send
	// altered copies of its packets. Wrong results are wrong all the same.
	Lenient bool
	Pace    float64 // how much slower than usual the machine is
}

// soakReport is what a client has seen.
type soakReport struct {
	Done, Failed     int      // operations
	Wrong            []string // what was not right
	Goroutines, Left int      // before the work and after it
}

// soakKinds are what a client can be. Each function returns when ctx ends.
var soakKinds = map[string]func(ctx context.Context, w *soakWorker){
	"worker": func(ctx context.Context, w *soakWorker) { w.work(ctx) },
	"waiter": func(ctx context.Context, w *soakWorker) { w.waitMuch(ctx) },
	"hoard":  func(ctx context.Context, w *soakWorker) { w.hoard(ctx) },
	"fill":   func(ctx context.Context, w *soakWorker) { w.fill(ctx) },
	// What anybody can send in a client's name, and copies of what it sent.
	"forged": func(ctx context.Context, w *soakWorker) { w.besides(ctx, w.forge) },
	"mutant": func(ctx context.Context, w *soakWorker) { w.besides(ctx, w.mutate) },
}

// soakWorker is a client at work.
type soakWorker struct {
	soakClientConfig
	conn *net.UDPConn
	tap  *tapConn // the same, for a client that sends altered copies
	peer *nomcore.Peer
	refs map[string]codec.Ref

	mu sync.Mutex
	soakReport
}

// tapConn is a socket that remembers what was sent last.
type tapConn struct {
	*net.UDPConn
	mu   sync.Mutex
	sent [][]byte
}

func (c *tapConn) WriteTo(b []byte, to net.Addr) (int, error) {
	const most = 128 // packets
	c.mu.Lock()
	if len(c.sent) == most {
		c.sent = c.sent[:copy(c.sent, c.sent[1:])]
	}
	c.sent = append(c.sent, bytes.Clone(b))
	c.mu.Unlock()
	return c.UDPConn.WriteTo(b, to)
}

// packets returns the packets that were sent last for which keep holds.
func (c *tapConn) packets(keep func([]byte) bool) (out [][]byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, b := range c.sent {
		if keep(b) {
			out = append(out, b)
		}
	}
	return out
}

// soakClient connects and works until it is told to end.
func soakClient(in *json.Decoder, out *json.Encoder) error {
	w := &soakWorker{refs: make(map[string]codec.Ref)}
	if err := in.Decode(&w.soakClientConfig); err != nil {
		return err
	}
	var err error
	if w.conn, err = net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}); err != nil {
		return err
	}
	var pc net.PacketConn = w.conn
	if w.Kind == "mutant" {
		w.tap = &tapConn{UDPConn: w.conn}
		pc = w.tap
	}
	s, err := nomcore.New(pc, &nomcore.Config{Authenticator: auth.Default, Timeout: soakPatience})
	if err != nil {
		return err
	}
	defer s.Close()
	if w.peer, err = s.Connect(context.Background(), w.Addr); err != nil {
		return err
	}
	for _, name := range soakNames {
		v, err := w.peer.Resolve(context.Background(), name)
		if err != nil {
			return err
		}
		w.refs[name] = v.(codec.Ref)
	}
	w.Goroutines = runtime.NumGoroutine()
	ctx, end := context.WithCancel(context.Background())
	defer end()
	var work sync.WaitGroup
	work.Go(func() { soakKinds[w.Kind](ctx, w) })
	if err := out.Encode("ready"); err != nil {
		return err
	}
	var stop struct{}
	if err := in.Decode(&stop); err != nil {
		return err
	}
	end()
	work.Wait()
	w.Left = w.settled()
	return out.Encode(w.soakReport)
}

// goroutineSlack is how many goroutines may be left for a while: idle workers.
const goroutineSlack = 8

// settled returns the number of goroutines when it is back, or when it has had
// time to be.
func (w *soakWorker) settled() int {
	const patience = 15 * time.Second // cancelled calls are told the server for ten
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if n := runtime.NumGoroutine(); n <= w.Goroutines+goroutineSlack {
			return n
		}
		time.Sleep(100 * time.Millisecond)
	}
	return runtime.NumGoroutine()
}

// soakPatience is how long an operation may take that has to succeed, on a
// machine that is busy.
const soakPatience = 30 * time.Second

// note notes how an operation ended.
func (w *soakWorker) note(what string, err error, right bool) {
	const most = 20 // complaints
	w.mu.Lock()
	defer w.mu.Unlock()
	w.Done++
	if err != nil {
		w.Failed++
		right = w.Lenient
	}
	if w.Kind == "mutant" { // an altered copy may have been answered before the call
		right = true
	}
	if !right && len(w.Wrong) < most {
		w.Wrong = append(w.Wrong, fmt.Sprintf("%s of %s: error %v", what, w.Name, err))
	}
}

// work does what a well-meant client does, from a few callers.
func (w *soakWorker) work(ctx context.Context) {
	const callers = 4
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			c := &soakCaller{soakWorker: w, name: fmt.Sprintf("%s_%d", w.Name, i), random: rand.New(rand.NewPCG(w.Seed, uint64(i)))}
			for ctx.Err() == nil {
				c.step()
				time.Sleep(w.pause(c.random, 8*time.Millisecond))
			}
		})
	}
	wg.Wait()
}

// pause returns a random pause, on a machine of the usual speed below most.
func (w *soakWorker) pause(r *rand.Rand, most time.Duration) time.Duration {
	return time.Duration(w.Pace * r.Float64() * float64(most))
}

// soakCaller is one of the callers of a worker.
type soakCaller struct {
	*soakWorker
	name   string
	random *rand.Rand
	number int
}

// step does one thing.
func (c *soakCaller) step() {
	ctx, cancel := context.WithTimeout(context.Background(), soakPatience)
	defer cancel()
	switch c.random.IntN(12) {
	case 0, 1:
		v, err := c.peer.GetAttr(ctx, c.refs["plain"], "n")
		c.note("GetAttr", err, v == codec.Value(codec.Int(5)))
	case 2:
		c.number++
		err := c.peer.SetAttr(ctx, c.refs["numbers"], c.name, codec.Int(c.number))
		var v codec.Value
		if err == nil {
			v, err = c.peer.GetAttr(ctx, c.refs["numbers"], c.name)
		}
		c.note("SetAttr", err, v == codec.Value(codec.Int(c.number)))
	case 3, 4, 5:
		c.number++
		n := codec.Int(c.number)
		v, err := c.peer.Call(ctx, c.refs["once"], []codec.Value{codec.Bytes(onceMark + c.name), n}, nil)
		c.note("Call", err, v == codec.Value(n))
	case 6:
		cb := &nomcore.Object{Impl: &plain{}}
		v, err := c.peer.Call(ctx, c.refs["caller"], []codec.Value{cb, codec.Int(8)}, nil)
		c.note("callback", err, v == codec.Value(codec.Int(8)))
	case 7:
		c.reference(ctx)
	case 8:
		if c.Kind != "mutant" { // nobody could give up a copy that has lost its session
			c.giveUp()
		}
	case 9:
		c.reloaded(ctx)
	case 10:
		names, err := c.peer.List(ctx)
		c.note("LIST", err, len(names) >= len(soakNames))
	case 11:
		if c.random.IntN(20) == 0 {
			keys, err := c.peer.Keys(ctx, c.refs["many"])
			c.note("Keys", err, len(keys) == manyItems)
		}
	}
}

// onceMark begins the names of callers that must not be called again.
const onceMark = "once:"

// reference takes a reference, uses it, and gives it back.
func (c *soakCaller) reference(ctx context.Context) {
	v, err := c.peer.Call(ctx, c.refs["maker"], nil, nil)
	r, ok := v.(codec.Ref)
	c.note("maker", err, ok)
	if ok {
		v, err = c.peer.GetAttr(ctx, r, "n")
		c.note("use of a reference", err, v == codec.Value(codec.Int(5)))
		c.peer.Release(r)
	}
}

// giveUp waits for what never comes, and gives up.
func (c *soakCaller) giveUp() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(1+c.random.IntN(30))*time.Millisecond)
	defer cancel()
	what := "gate"
	if c.random.IntN(10) == 0 {
		what = "stubborn"
	}
	_, err := c.peer.Call(ctx, c.refs[what], []codec.Value{codec.Int(0)}, nil)
	if errors.Is(err, nomcore.ErrTimeout) {
		err = nil
	}
	c.note("giving up", err, true)
}

// reloaded uses an object that comes and goes.
func (c *soakCaller) reloaded(ctx context.Context) {
	v, err := c.peer.Resolve(ctx, "reloaded")
	if r, ok := v.(codec.Ref); ok {
		v, err = c.peer.GetAttr(ctx, r, "n")
	}
	var exc codec.Exception
	switch {
	case errors.Is(err, nomcore.ErrStale), errors.Is(err, fs.ErrNotExist),
		errors.Is(err, nomcore.ErrResultLost), // its answer may not be given any more
		errors.As(err, &exc) && exc.Class == "ReferenceError":
		c.note("reloaded", nil, true) // it was gone
		return
	}
	c.note("reloaded", err, v == codec.Value(codec.Int(5)))
}

// waitMuch has many calls waiting, of which some are cancelled now and then.
func (w *soakWorker) waitMuch(ctx context.Context) {
	const waiting = 300
	var wg sync.WaitGroup
	for i := range waiting {
		wg.Go(func() {
			for ctx.Err() == nil {
				wait := time.Minute
				if i%4 == 0 {
					wait = time.Second
				}
				ctx, cancel := context.WithTimeout(ctx, wait)
				_, _ = w.peer.Call(ctx, w.refs["gate"], []codec.Value{codec.Int(i)}, nil)
				cancel()
			}
		})
	}
	wg.Wait()
}

// hoard takes references and never gives one back, and leaves stubborn calls.
func (w *soakWorker) hoard(ctx context.Context) {
	const most, calls = 2000, 100
	var wg sync.WaitGroup
	for range calls {
		wg.Go(func() { _, _ = w.peer.Call(ctx, w.refs["stubborn"], nil, nil) })
	}
	for range most {
		_, _ = w.peer.Call(ctx, w.refs["maker"], nil, nil)
	}
	<-ctx.Done()
	wg.Wait()
}

// fill is many clients, each of which has a session and holds some references.
func (w *soakWorker) fill(ctx context.Context) {
	const clients, refs = 50, 10
	var all []*nomcore.Service
	for range clients {
		s, err := nomcore.Listen("127.0.0.1:0", &nomcore.Config{Authenticator: auth.Default})
		if err != nil {
			break
		}
		all = append(all, s)
		peer, err := s.Connect(ctx, w.Addr)
		for i := 0; err == nil && i < refs; i++ {
			_, err = peer.Call(ctx, w.refs["maker"], nil, nil)
		}
	}
	<-ctx.Done()
	for _, s := range all {
		s.Close()
	}
}

// besides works while hostile sends a packet now and then, from the socket of the
// client, which is what a forged source address looks like.
func (w *soakWorker) besides(ctx context.Context, hostile func(r *rand.Rand) []byte) {
	to, err := net.ResolveUDPAddr("udp4", w.Addr)
	if err != nil {
		panic(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() { w.work(ctx) })
	r := rand.New(rand.NewPCG(w.Seed, 1<<32))
	for ctx.Err() == nil {
		time.Sleep(w.pause(r, 40*time.Millisecond))
		if b := hostile(r); b != nil {
			_, _ = w.conn.WriteTo(b, to)
		}
	}
	wg.Wait()
}

// forge returns what anybody can send in the name of the client, who does not
// see what it receives.
func (w *soakWorker) forge(r *rand.Rand) []byte {
	switch xid := r.IntN(1000); r.IntN(4) {
	case 0:
		return rawPacket(cmdDesync, xid)
	case 1:
		return rawPacket(cmdSync, xid)
	case 2:
		return rawPacket(cmdSync, xid, nomxAttr(r.Uint64(), [16]byte{byte(r.Uint32()), 1}))
	default:
		return stray(r)
	}
}

// mutate returns a packet that the client sent, again or altered. Calls that
// must not run again are only sent again as they are, and if they belong to a
// session: altered, they would be other calls, which whoever knows a session may
// make, and without a session copies are known for two seconds.
func (w *soakWorker) mutate(r *rand.Rand) []byte {
	once := func(b []byte) bool { return bytes.Contains(b, []byte(onceMark)) }
	if r.IntN(2) == 0 {
		all := w.tap.packets(func(b []byte) bool { return once(b) && bytes.Contains(b, []byte("nomq")) })
		if len(all) > 0 {
			return all[r.IntN(len(all))]
		}
	}
	if all := w.tap.packets(func(b []byte) bool { return !once(b) }); len(all) > 0 {
		return nomcore.Mutate(r, all)
	}
	return nil
}
