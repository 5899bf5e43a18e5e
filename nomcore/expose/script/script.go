package script

import (
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"go.starlark.net/starlark"

	"nomfs/codec"
	"nomfs/nomcore"
)

// Env is what a script finds around it, and what bounds it.
type Env struct {
	// Objects returns another object of the same file by its name: a
	// *nomcore.Object, or any value that nomcore.ValueOf takes. nil means
	// that there are none.
	Objects func(name string) (any, bool)
	// Connect connects to the peer at host:port. nil means that scripts may
	// not connect.
	Connect func(ctx context.Context, addr string) (*nomcore.Peer, error)
	// Log receives what scripts print. nil discards it.
	Log *slog.Logger
	// Steps bounds one call, in steps of the interpreter. 0 means 50 million.
	Steps uint64
	// Timeout bounds one call. 0 means 10 s.
	Timeout time.Duration
}

const (
	// defaultTimeout bounds a call: longer than the 5 s that a client waits
	// by default, so that it is the client that decides.
	defaultTimeout = 10 * time.Second
	// closeWait bounds the wait for calls that are ended, and for a farewell
	// to a peer.
	closeWait = time.Second
	// stateName is the one top-level name whose value may change.
	stateName = "state"
)

// Script is a loaded script. Its methods may be called concurrently.
type Script struct {
	env     Env
	path    string
	class   string // of the object: the file's name without .star
	doc     string
	log     *slog.Logger
	steps   uint64
	memory  int64 // bytes that one call may allocate
	timeout time.Duration
	ctx     context.Context // ends with Close
	cancel  context.CancelFunc

	// What the file says; never changes once it is loaded.
	object *nomcore.Object
	attrs  []attribute // sorted by name
	state  starlark.Value
	home   map[*starlark.Function]bool // functions that were frozen with the file

	stateLock chan struct{} // one place: held by the call that may use the state

	running sync.WaitGroup // calls; added to under mu

	mu     sync.Mutex
	loaded bool             // the top level has ended
	links  map[string]*link // by address
}

// attribute is a public top-level name.
type attribute struct {
	name  string
	value codec.Value        // the value, or the method as an object; nil for the state
	fn    *starlark.Function // of a method, else nil
}

// newScript returns a script that is not loaded yet.
func newScript(path string, env Env) *Script {
	s := &Script{
		env: env, path: path,
		class:     strings.TrimSuffix(filepath.Base(path), ".star"),
		log:       env.Log,
		steps:     env.Steps,
		memory:    maxMemory,
		timeout:   env.Timeout,
		home:      make(map[*starlark.Function]bool),
		stateLock: make(chan struct{}, 1),
		links:     make(map[string]*link),
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.steps == 0 {
		s.steps = defaultSteps
	}
	if s.timeout <= 0 {
		s.timeout = defaultTimeout
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.object = &nomcore.Object{Impl: &module{s}}
	return s
}

// Object returns the script as an object: always the same.
func (s *Script) Object() *nomcore.Object { return s.object }

// Close ends running calls, waiting up to a second for them, and disconnects
// the peers that the script connected to and no other script uses. Calls after
// it, also of functions that were given out, are a ReferenceError.
func (s *Script) Close() {
	s.mu.Lock()
	s.cancel()
	s.mu.Unlock()
	ended := make(chan struct{})
	go func() {
		s.running.Wait()
		close(ended)
	}()
	timer := time.NewTimer(closeWait)
	defer timer.Stop()
	select {
	case <-ended:
	case <-timer.C:
		s.log.Warn("calls of a closed script still run", "script", s.path)
	}
	s.disconnect()
}
