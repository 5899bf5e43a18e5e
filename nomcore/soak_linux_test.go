package nomcore_test

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"nomfs/auth"
	"nomfs/codec"
	"nomfs/nomcore"
)

// The soak test: a server and its clients, as processes, and all that can go
// wrong at once. Clients are killed and stopped, packets are forged, altered and
// doubled, tables are filled, and names are given back and registered again.
// Meanwhile newcomers are served, nothing runs twice, and in the end everything
// is given back.

// soakSwitch is the environment variable with the duration. From soakWhole on
// the test also waits until leases and sessions have expired, and asserts that
// all is as it was:
//
//	NOMFS_TEST_SOAK=30m go test -timeout 40m -run TestSoak ./nomcore
const soakSwitch = "NOMFS_TEST_SOAK"

const (
	soakWhole = 3 * time.Minute
	// soakExpiry is when the last lease and session have expired: two minutes,
	// and a bit for who looks.
	soakExpiry = 150 * time.Second
)

const (
	// newcomerFactor and newcomerGrain bound the median of what a newcomer takes
	// for its operations: so many times what another server takes at the same
	// time, to which nobody else goes, and the time that handlers compute. Any
	// newcomer is served within soakPatience.
	newcomerFactor = 20
	newcomerGrain  = 100 * time.Millisecond
	// newcomerUsual is what the operations take on an idle machine of two cores.
	// On one that takes longer, everybody does less.
	newcomerUsual = 2 * time.Millisecond
)

// soak is a run of the test.
type soak struct {
	t      *testing.T
	span   time.Duration
	server *child
	addr   string
	idle   string // address of a server to which only newcomers go
	base   soakState
	pace   float64 // how much slower than usual the machine is

	again   []string // calls that ran again
	started int      // clients so far, for their names
	doomed  []*child // to be killed, oldest first
}

func TestSoak(t *testing.T) {
	span := 30 * time.Second
	if s := os.Getenv(soakSwitch); s != "" {
		var err error
		if span, err = time.ParseDuration(s); err != nil {
			t.Fatalf("%s: %v", soakSwitch, err)
		}
	}
	s := &soak{t: t, span: span}
	_, s.idle = s.startServer(soakRequest{Quiet: true})
	s.server, s.addr = s.startServer(soakRequest{})
	ids := s.objects()
	_, before := s.newcomers(time.Now().Add(2*time.Second), 100*time.Millisecond)
	s.base = s.state(soakRequest{})
	s.pace = max(1, float64(median(before))/float64(newcomerUsual))
	t.Logf("at first: %+v, newcomers take %v", s.base, median(before))

	end := make(chan struct{})
	to, err := net.ResolveUDPAddr("udp4", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	attacks := attack(t, to, ids, s.pace, end)
	var clients sync.WaitGroup
	clients.Go(func() { s.clients(end) })
	idle, times := s.newcomers(time.Now().Add(s.span), time.Second)
	close(end)
	attacks.Wait()
	clients.Wait()
	s.judge(idle, times)
	s.wait(len(times))
}

// startServer starts a server and returns its address.
func (s *soak) startServer(request soakRequest) (*child, string) {
	s.t.Helper()
	c, err := startChild("soak-server", request, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(c.kill)
	var st soakState
	if err := c.hear(&st, soakPatience); err != nil {
		s.t.Fatal(err)
	}
	return c, st.Addr
}

// state asks the server for its state.
func (s *soak) state(ask soakRequest) (st soakState) {
	s.t.Helper()
	if err := s.server.ask(ask, &st, soakPatience); err != nil {
		s.t.Fatal(err)
	}
	s.again, st.Again = st.Again, nil
	return st
}

// objects returns the ids of the server's objects.
func (s *soak) objects() map[string]codec.ID {
	s.t.Helper()
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	o := newOriginal(s.t, conn, netip.MustParseAddrPort(s.addr))
	ids := make(map[string]codec.ID)
	for i, name := range soakNames {
		ids[name] = o.resolve(i, name)
	}
	return ids
}

// newcomers has newcomers come until a moment, one after the other, and returns
// how long each of them took at the idle server and at the other.
func (s *soak) newcomers(until time.Time, every time.Duration) (idle, times []time.Duration) {
	s.t.Helper()
	const complaints = 5
	failed := 0
	for time.Now().Before(until) {
		next := time.Now().Add(every)
		took, err := s.visit(s.idle)
		if err != nil {
			s.t.Fatalf("the idle server: %v", err)
		}
		idle = append(idle, took)
		took, err = s.visit(s.addr)
		times = append(times, took)
		if err != nil {
			if failed++; failed <= complaints {
				s.t.Errorf("newcomer %d: %v after %v", len(times), err, took)
			}
		}
		time.Sleep(time.Until(next))
	}
	if failed > complaints {
		s.t.Errorf("%d of %d newcomers were not served", failed, len(times))
	}
	return idle, times
}

// visit has a newcomer connect to a server and do one operation of each kind.
func (s *soak) visit(addr string) (took time.Duration, err error) {
	service, err := nomcore.Listen("127.0.0.1:0", &nomcore.Config{Authenticator: auth.Default, Timeout: soakPatience})
	if err != nil {
		return 0, err
	}
	defer service.Close()
	start := time.Now()
	c, err := dial(s.t.Context(), service, addr)
	if err != nil {
		return time.Since(start), err
	}
	for name, do := range c.operations() {
		if err := do(s.t.Context()); err != nil {
			return time.Since(start), fmt.Errorf("%s: %w", name, err)
		}
	}
	return time.Since(start), nil
}

func median(times []time.Duration) time.Duration {
	times = slices.Clone(times)
	slices.Sort(times)
	return times[len(times)/2]
}

// start starts a client of some kind.
func (s *soak) start(kind string, lenient bool) *child {
	s.started++
	c, err := startChild("soak-client", soakClientConfig{
		Addr: s.addr, Kind: kind, Name: fmt.Sprintf("%s_%d", kind, s.started), Seed: uint64(s.started), Lenient: lenient, Pace: s.pace,
	}, nil)
	if err != nil {
		s.t.Error(err)
		return nil
	}
	s.t.Cleanup(c.kill)
	var ready string
	if err := c.hear(&ready, soakPatience); err != nil {
		s.t.Errorf("client %d, %s: %v", s.started, kind, err)
	}
	return c
}

// clients starts clients, stops and kills some of them, and ends the others.
func (s *soak) clients(end <-chan struct{}) {
	lasting := map[string]*child{
		"worker":  s.start("worker", false),
		"forged":  s.start("forged", false),
		"mutant":  s.start("mutant", true),
		"sleeper": s.start("worker", true),
	}
	tick := time.NewTicker(3 * time.Second)
	defer tick.Stop()
	kinds := []string{"waiter", "hoard", "worker", "fill"}
	const alive = 3 // of those that are to be killed
	for i := 0; ; i++ {
		select {
		case <-end:
			s.finish(lasting)
			return
		case <-tick.C:
		}
		if c := s.start(kinds[i%len(kinds)], false); c != nil {
			s.doomed = append(s.doomed, c)
		}
		if len(s.doomed) > alive {
			s.doomed[0].kill()
			s.doomed = s.doomed[1:]
		}
		if c := lasting["sleeper"]; c != nil {
			signal := syscall.SIGSTOP
			if i%2 == 1 {
				signal = syscall.SIGCONT
			}
			_ = c.cmd.Process.Signal(signal)
		}
	}
}

// finish ends the clients that are left and checks what the others saw.
func (s *soak) finish(lasting map[string]*child) {
	for _, c := range s.doomed {
		c.kill()
	}
	for name, c := range lasting {
		if c == nil {
			continue
		}
		_ = c.cmd.Process.Signal(syscall.SIGCONT)
		var r soakReport
		if err := c.ask(struct{}{}, &r, 2*soakPatience); err != nil {
			s.t.Errorf("%s: %v", name, err)
			continue
		}
		s.t.Logf("%s: %d operations, %d failed, %d goroutines, then %d", name, r.Done, r.Failed, r.Goroutines, r.Left)
		for _, w := range r.Wrong {
			s.t.Error(w)
		}
		if r.Done < 100 || r.Failed > r.Done/2 {
			s.t.Errorf("%s: %d of %d operations failed", name, r.Failed, r.Done)
		}
		if r.Left > r.Goroutines+goroutineSlack {
			s.t.Errorf("%s: %d goroutines, then %d", name, r.Goroutines, r.Left)
		}
		if err := c.stop(); err != nil {
			s.t.Errorf("%s: %v", name, err)
		}
	}
}

// judge checks the times of the newcomers.
func (s *soak) judge(idle, times []time.Duration) {
	s.t.Logf("%d newcomers: median %v, slowest %v; median %v at the idle server", len(times), median(times), slices.Max(times), median(idle))
	if most := newcomerFactor*median(idle) + newcomerGrain; median(times) > most {
		s.t.Errorf("a newcomer takes %v, want at most %v", median(times), most)
	}
}

// wait checks what is left. Of what killed clients had, a short run sees only
// that it is within bounds of their number; a long one waits until it has expired.
func (s *soak) wait(newcomers int) {
	st := s.state(soakRequest{Quiet: true})
	s.t.Logf("at the end: %+v", st)
	const (
		eachWaits  = 400     // calls
		eachHolds  = 2000    // references
		eachOpens  = 60      // sessions
		eachTakes  = 4 << 20 // bytes of memory for all that
		goroutines = 200     // besides those of the calls: workers, timers
	)
	killed := s.started // nearly all
	most := soakState{
		Goroutines: s.base.Goroutines + goroutines + killed*eachWaits,
		Heap:       s.base.Heap + uint64(killed)*eachTakes,
		Objects:    s.base.Objects + killed*eachHolds,
		Sessions:   s.base.Sessions + killed*eachOpens + newcomers,
		Waiting:    killed * eachWaits,
		Names:      len(soakNames),
	}
	if s.span >= soakWhole {
		const slack = 16 << 20 // bytes: tables that were empty have grown
		most = soakState{
			Goroutines: s.base.Goroutines + 20, Heap: s.base.Heap + slack,
			Objects: s.base.Objects, Sessions: s.base.Sessions, Names: len(soakNames),
		}
		for end := time.Now().Add(soakExpiry); st.exceeds(most) != nil && time.Now().Before(end); {
			time.Sleep(5 * time.Second)
			st = s.state(soakRequest{})
		}
		s.t.Logf("after all has expired: %+v", st)
	}
	for _, what := range slices.Concat(st.exceeds(most), s.again) {
		s.t.Error(what)
	}
	if st.Names != len(soakNames) || st.Sessions < 0 || st.Running < 0 {
		s.t.Errorf("counts went astray: %+v", st)
	}
	s.newcomers(time.Now().Add(time.Second), 100*time.Millisecond)
	if err := s.server.stop(); err != nil {
		s.t.Errorf("server: %v", err)
	}
}

// exceeds returns what of a state is more than it may be.
func (st soakState) exceeds(most soakState) (out []string) {
	for _, c := range []struct {
		what      string
		got, most int
	}{
		{"goroutines", st.Goroutines, most.Goroutines},
		{"bytes of heap", int(st.Heap), int(most.Heap)},
		{"objects", st.Objects, most.Objects},
		{"sessions", st.Sessions, most.Sessions},
		{"waiting calls", st.Waiting, most.Waiting},
		{"names", st.Names, most.Names},
	} {
		if c.got > c.most {
			out = append(out, fmt.Sprintf("%d %s are left, want at most %d", c.got, c.what, c.most))
		}
	}
	return out
}
