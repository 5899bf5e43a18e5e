//go:build linux

package fsview

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"

	"nomfs/codec"
)

// listenView is the file ATTR.listen. Opening it makes an object that can be
// called and assigns it to the attribute; each call is a line to read. Where
// somebody else has just closed the file it waits until the value from before is
// back.
func listenView(d *objectDir, m member, name string) entry {
	return streamEntry(d.p, name, viewAttrListen.perm(), func(ctx context.Context, flags uint32) (fs.FileHandle, syscall.Errno) {
		if e := d.p.readOnly(); e != 0 {
			return nil, e
		}
		c, cancel := d.p.opContext(ctx)
		defer cancel()
		l, err := d.p.listen(c, m, callerOf(ctx).session(), flags)
		if err != nil {
			return nil, d.p.fail(ctx, "listen", m.path(), opSetValue, err)
		}
		return l, 0
	})
}

var (
	errNoLocal   = &opError{syscall.ENOTSUP, "this mount has no objects of its own"}
	errNotListen = &opError{syscall.EACCES, "open it for reading, or for reading and writing"}
	errListening = &opError{syscall.EBUSY, "somebody listens there already"}
)

// listenKey says what is listened to, whatever path leads there.
type listenKey struct {
	ref codec.Ref
	id  string
}

// listen makes a listener for an attribute that is nothing, or can be called:
// a number must not become a function.
func (p *peer) listen(ctx context.Context, m member, session string, flags uint32) (*listener, error) {
	if p.opt.Local == nil {
		return nil, errNoLocal
	}
	mode := flags & syscall.O_ACCMODE
	if mode == syscall.O_WRONLY {
		return nil, errNotListen
	}
	o, err := m.dir.object(ctx)
	if err != nil {
		return nil, err
	}
	l := newListener(p, m, session, mode == syscall.O_RDWR, flags&syscall.O_NONBLOCK == 0)
	if err := p.listeners.enter(ctx, listenKey{o.ref, m.id()}, l); err != nil {
		return nil, err
	}
	if err := l.remember(ctx); err != nil {
		p.listeners.leave(l)
		return nil, err
	}
	assigned := make(chan error, 1)
	if !p.tasks.spawn(func() { l.run(assigned) }) {
		l.letGo()
		p.listeners.leave(l)
		return nil, errUnmounted
	}
	select {
	case err := <-assigned:
		return l, err
	case <-ctx.Done():
		_ = l.Release(ctx) // run puts the value from before back
		return nil, causeOf(ctx, ctx.Err())
	}
}

// remember keeps the value that the attribute has now.
func (l *listener) remember(ctx context.Context) error {
	p := l.p
	prev, err := l.m.fetch(ctx)
	switch {
	case isMissing(err):
		prev = nil
	case err != nil:
		return err
	}
	switch v := prev.(type) {
	case nil, codec.None:
	case codec.Ref:
		desc, err := p.describeRef(ctx, v)
		if err != nil && !unsupported(err) && !homeless(err) {
			return err
		}
		if err == nil && !desc.Callable {
			return &opError{syscall.EBUSY, "it is an object that cannot be called; only nothing, or a callable, is replaced"}
		}
		p.refs.retain(v)
	default:
		return &opError{syscall.EBUSY, "it holds " + v.Kind().String() + "; only nothing, or a callable, is replaced"}
	}
	l.prev = prev
	return nil
}

// run is the life of a listener: it assigns the callable, tells how that ended,
// and puts the value from before back when the file is closed.
func (l *listener) run(assigned chan<- error) {
	err := l.assign()
	if isException(err) || isStale(err, codec.Ref{}) {
		l.letGo()
		l.p.listeners.leave(l)
		assigned <- err
		return
	}
	if err != nil {
		// The answer is missing: it may have been assigned all the same.
		_ = l.Release(l.p.base)
	}
	assigned <- err
	l.guard(err == nil)
}

// assign makes the callable and assigns it. Nothing ends it but its own time: the
// process that opens the file may be interrupted meanwhile.
func (l *listener) assign() error {
	l.fn, l.endFn = l.p.opt.Local.Func(l.called)
	l.seen = l.fn
	l.p.refs.retain(l.fn)
	l.p.refs.retain(l.seen)
	ctx, cancel := context.WithTimeout(l.p.base, l.p.timeout())
	defer cancel()
	if err := l.m.set(ctx, l.fn); err != nil {
		return err
	}
	l.learnSeen(ctx)
	l.m.changedKind()
	return nil
}

// homeless tells whether err says that nobody can use the object any more, or at
// the moment: what a listener left behind whose process was killed.
func homeless(err error) bool {
	return isStale(err, codec.Ref{}) || errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.EHOSTDOWN)
}

// learnSeen asks what the peer makes of the callable. One that describes nothing
// keeps what it is given as an object of its own, and hands out that.
func (l *listener) learnSeen(ctx context.Context) {
	o, err := l.m.dir.object(ctx)
	if err != nil {
		return
	}
	if _, err := l.p.describeRef(ctx, o.ref); !unsupported(err) {
		return
	}
	v, err := l.m.fetch(ctx)
	if r, ok := v.(codec.Ref); err == nil && ok && r.Home == o.ref.Home && v != l.prev {
		l.p.refs.retain(r)
		l.p.refs.drop(l.seen)
		l.seen = r
	}
}

// letGo drops the references that remember and assign retained.
func (l *listener) letGo() {
	if l.endFn != nil {
		l.p.refs.drop(l.fn)
		l.p.refs.drop(l.seen)
	}
	if r, ok := l.prev.(codec.Ref); ok {
		l.p.refs.drop(r)
	}
}

// guardPeriod is how often it is asked whether the attribute still is ours: a
// peer that was restarted has forgotten it, and nobody would ever call. It is
// also how long a peer that did not answer is left alone.
const guardPeriod = 5 * time.Second

// guard ends the listener when the attribute is not ours any more, and puts the
// value from before back when the file is closed. Where the answer to the
// assignment was lost, answered is false: the file never opened.
func (l *listener) guard(answered bool) {
	tick := time.NewTicker(guardPeriod)
	defer tick.Stop()
	ours := true
	for waiting := true; waiting; {
		select {
		case <-l.closed:
			waiting = false
		case <-l.p.base.Done():
			l.s.end(0)
			waiting = false
		case <-tick.C:
			if !ours {
				continue
			}
			if ours = l.stillOurs(l.p.base); !ours {
				l.p.errors.add(l.session, "listen", l.m.path(), "ESTALE: it was assigned anew, or the peer was restarted", time.Now())
				l.end(syscall.ESTALE)
			}
		}
	}
	l.end(0)
	if ours {
		l.putBack(tick.C, answered)
	}
	l.letGo()
	l.p.listeners.leave(l)
}

// stillOurs tells whether the attribute is the callable. A peer that does not
// answer has said nothing to the contrary.
func (l *listener) stillOurs(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, l.p.timeout())
	defer cancel()
	v, err := l.m.fetch(ctx)
	if err != nil {
		return !isMissing(err) && !isStale(err, codec.Ref{})
	}
	return v == codec.Value(l.seen)
}

// putBack restores the value from before, as soon as the peer answers, or tells
// that it was not possible until the mount ended.
func (l *listener) putBack(tick <-chan time.Time, answered bool) {
	err := l.restore(!answered)
	for err != nil && !isException(err) && l.p.base.Err() == nil {
		select {
		case <-tick:
		case <-l.p.base.Done():
		}
		err = l.restore(!answered)
	}
	if err != nil {
		l.p.errors.add(l.session, "listen", l.m.path(), "not put back: "+l.p.errorText(err, opSetValue), time.Now())
	}
}

// restore puts the value from before back, if the attribute still is ours. The
// mount may have ended, which is no reason to leave it behind. With learn it is
// not known yet what the peer makes of the callable.
func (l *listener) restore(learn bool) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(l.p.base), l.p.timeout())
	defer cancel()
	if learn {
		l.learnSeen(ctx)
	}
	v, err := l.m.fetch(ctx)
	switch {
	case isMissing(err), err == nil && v != codec.Value(l.seen):
		return nil
	case err != nil:
		return err
	case l.prev == nil:
		err = l.m.del(ctx)
	case l.prevIsGone(ctx):
		err = l.m.set(ctx, codec.None{})
	default:
		err = l.m.set(ctx, l.prev)
	}
	l.m.changedKind()
	return err
}

// prevIsGone tells whether nobody will ever use the value from before again: it
// was the callable of another listener, which is over. Put back, it would fail
// whoever calls it.
func (l *listener) prevIsGone(ctx context.Context) bool {
	r, ok := l.prev.(codec.Ref)
	if !ok {
		return false
	}
	_, err := l.p.describeRef(ctx, r)
	return isStale(err, r) || errors.Is(err, syscall.ECONNREFUSED)
}

// parseAnswer reads a line that answers a call: tag=N, and a value, or error and
// a text.
func (l *listener) parseAnswer(ctx context.Context, line string) (tag string, v codec.Value, exc error, err error) {
	tag, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	rest = strings.TrimSpace(rest)
	if !strings.HasPrefix(tag, tagWord) {
		return "", nil, nil, &opError{syscall.EINVAL, "want tag=N and a value, or tag=N error and a text; the line that was read has the tag"}
	}
	tag = strings.TrimPrefix(tag, tagWord)
	if text, ok := strings.CutPrefix(rest, errorWord); ok && (text == "" || text[0] == ' ') {
		return tag, nil, codec.Exception{Class: "RuntimeError", Args: codec.Tuple{codec.Bytes(strings.TrimSpace(text))}}, nil
	}
	if rest == "" {
		return tag, codec.None{}, nil, nil
	}
	if target, ok := l.p.referenceText([]byte(rest), nil); ok {
		v, err := l.p.walk(ctx, "", target)
		if err != nil {
			return "", nil, nil, &opError{errnoOf(err, opLookup), rest + ": " + err.Error()}
		}
		return tag, v, nil, nil
	}
	v, err = parseText([]byte(rest), nil)
	return tag, v, nil, err
}

// The words of an answer.
const (
	tagWord   = "tag="
	errorWord = "error"
)
