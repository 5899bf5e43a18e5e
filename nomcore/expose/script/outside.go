package script

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"sync"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"nomfs/codec"
	"nomfs/nomcore"
)

// outsider is a value whose attributes are found outside of the script.
type outsider interface {
	starlark.Value
	attr(r *run, name string) (starlark.Value, error)
	names(r *run) (starlark.Value, error)
}

var (
	_ outsider = siblings{}
	_ outsider = (*server)(nil)

	_ starlark.Comparable = (*server)(nil)
)

// siblings is objects: the other objects of the same file.
type siblings struct{ s *Script }

func (siblings) String() string        { return "<objects>" }
func (siblings) Type() string          { return "objects" }
func (siblings) Freeze()               {}
func (siblings) Truth() starlark.Bool  { return true }
func (siblings) Hash() (uint32, error) { return 0, raise(classType, "unhashable type: objects") }

func (o siblings) attr(r *run, name string) (starlark.Value, error) {
	if o.s.env.Objects == nil {
		return nil, raise(classAttribute, "objects: this script stands alone")
	}
	x, ok := o.s.env.Objects(name)
	if !ok {
		return nil, raise(classAttribute, "objects: there is no object '%s'", name)
	}
	v, err := nomcore.ValueOf(x)
	if err != nil {
		return nil, err
	}
	return r.s.inward(v)
}

func (siblings) names(*run) (starlark.Value, error) {
	return nil, raise(classType, "objects: name the one you mean")
}

// server is what connect returns: another process, which is connected to when
// it is first used. Its attributes are the objects it has registered.
type server struct {
	s    *Script
	addr string
}

func (p *server) String() string        { return "<peer " + p.addr + ">" }
func (*server) Type() string            { return "peer" }
func (*server) Freeze()                 {}
func (*server) Truth() starlark.Bool    { return true }
func (p *server) Hash() (uint32, error) { return starlark.String(p.addr).Hash() }

// CompareSameType tells whether two peers have the same address.
func (p *server) CompareSameType(tok syntax.Token, y starlark.Value, _ int) (bool, error) {
	same := p.addr == y.(*server).addr
	switch tok {
	case syntax.EQL:
		return same, nil
	case syntax.NEQ:
		return !same, nil
	}
	return false, raise(classType, "peers have no order")
}

func (p *server) attr(r *run, name string) (starlark.Value, error) {
	var v codec.Value
	err := r.outside(func(ctx context.Context) (err error) {
		v, err = p.GetAttr(ctx, name)
		return err
	})
	if err != nil {
		return nil, err
	}
	return r.s.inward(v)
}

func (p *server) names(r *run) (starlark.Value, error) {
	var names []string
	err := r.outside(func(ctx context.Context) (err error) {
		names, err = p.Dir(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	return r.s.inward(nameList(names))
}

// A server that leaves the script, such as by a public name, is an object with
// the same attributes.
var (
	_ nomcore.AttrGetter = (*server)(nil)
	_ nomcore.Direr      = (*server)(nil)
	_ nomcore.Reprer     = (*server)(nil)
)

// GetAttr returns what is registered with the peer under a name.
func (p *server) GetAttr(ctx context.Context, name string) (codec.Value, error) {
	peer, err := p.s.connect(ctx, p.addr)
	if err != nil {
		return nil, err
	}
	v, err := peer.Resolve(ctx, name)
	if errors.Is(err, fs.ErrNotExist) { // the peer does not say of what
		err = exception(className, "there is no object '%s' at %s", name, p.addr)
	}
	if err != nil {
		return nil, err
	}
	return peer.Adopt(v), nil
}

// Dir returns the registered names.
func (p *server) Dir(ctx context.Context) ([]string, error) {
	peer, err := p.s.connect(ctx, p.addr)
	if err != nil {
		return nil, err
	}
	names, err := peer.List(ctx)
	slices.Sort(names)
	return names, err
}

func (p *server) Repr(context.Context) (string, error) { return p.String(), nil }

// serverKey is the identity of a server as an object.
type serverKey struct {
	s    *Script
	addr string
}

// connectTo is connect(addr).
func connectTo(r *run, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var addr string
	if err := starlark.UnpackArgs("connect", args, kwargs, "addr", &addr); err != nil {
		return nil, err
	}
	if r.s.env.Connect == nil {
		return nil, raise(classRuntime, "connect: this script may not connect to peers")
	}
	return &server{r.s, addr}, nil
}

// maxServers bounds the addresses that a script can connect to, so that one
// that makes them up does not fill memory and sockets.
const maxServers = 256

// link is the connection to one address.
type link struct {
	turn chan struct{} // one place: held while it is being made
	peer *nomcore.Peer // nil until it is made; needs the turn

	// Guarded by Script.mu.
	users int  // calls that want it now
	made  bool // peer is there
}

// connect returns the peer at addr, connecting to it if that has not been done.
func (s *Script) connect(ctx context.Context, addr string) (*nomcore.Peer, error) {
	if s.ctx.Err() != nil {
		return nil, errClosed
	}
	s.mu.Lock()
	l := s.links[addr]
	if l == nil {
		if len(s.links) >= maxServers {
			s.mu.Unlock()
			return nil, exception(classRuntime, "connect: more than %d peers", maxServers)
		}
		l = &link{turn: make(chan struct{}, 1)}
		s.links[addr] = l
	}
	l.users++
	s.mu.Unlock()
	made := false
	defer func() { s.leave(addr, l, made) }()
	select {
	case l.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-l.turn }()
	if l.peer != nil {
		made = true
		return l.peer, nil
	}
	p, err := s.env.Connect(ctx, addr)
	if err != nil {
		return nil, err
	}
	if p == nil {
		return nil, exception(classRuntime, "connect: no peer at %s", addr)
	}
	users.take(p)
	l.peer, made = p, true
	return p, nil
}

// leave ends the use of a link. One that could not be made, and that nobody else
// is making, is forgotten: it is not among those that count.
func (s *Script) leave(addr string, l *link, made bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l.users--
	l.made = l.made || made
	if l.users == 0 && !l.made && s.links[addr] == l {
		delete(s.links, addr)
	}
}

// disconnect leaves the peers that no other script uses. No call may run.
func (s *Script) disconnect() {
	s.mu.Lock()
	links := s.links
	s.links = make(map[string]*link)
	s.mu.Unlock()
	for addr, l := range links {
		select {
		case l.turn <- struct{}{}:
		default:
			continue // a call that did not end in time; the peer's lease does the rest
		}
		if l.peer == nil || !users.leave(l.peer) {
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), closeWait)
		if err := l.peer.Disconnect(ctx); err != nil && !errors.Is(err, nomcore.ErrClosed) {
			s.log.Warn("not disconnected", "script", s.path, "peer", addr, "error", err)
		}
		cancel()
	}
}

// users counts the links to each peer: those of one service share their peers.
var users = peerUsers{links: make(map[*nomcore.Peer]int)}

type peerUsers struct {
	mu    sync.Mutex
	links map[*nomcore.Peer]int
}

func (u *peerUsers) take(p *nomcore.Peer) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.links[p]++
}

// leave reports whether the link was the last.
func (u *peerUsers) leave(p *nomcore.Peer) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.links[p]--; u.links[p] > 0 {
		return false
	}
	delete(u.links, p)
	return true
}

// isNoAttr tells whether err says that there is no such attribute, here or at
// the object that was asked.
func isNoAttr(err error) bool {
	var known *raised
	if errors.As(err, &known) {
		return known.class == classAttribute
	}
	var exc codec.Exception
	return errors.As(err, &exc) && (exc.Class == classAttribute || exc.Class == className)
}
