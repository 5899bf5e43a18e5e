package expose

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"nomfs/codec"
	"nomfs/nomcore"
)

// mailboxKind is an object whose calls are kept for whoever follows them.
//
//	mailbox  how many are kept; older ones are dropped, and counted
var mailboxKind = kind{key: "mailbox", what: "a mailbox", object: true, read: func(f *fields, _ *def) maker {
	keep := f.count("mailbox", 1, maxMailbox)
	return func(s *site) (member, error) {
		m := &mailbox{keep: keep, more: make(chan struct{})}
		return &mailboxMember{s.fixed(&nomcore.Object{Impl: m}, codec.AttrInfo{Kind: codec.KindRef}, m.close), m}, nil
	}
}}

// maxMailbox bounds what a mailbox keeps: calls of a datagram each are 6.5 GB
// then, which nobody should ask for by accident.
const maxMailbox = 100_000

// mailboxMember is the entry.
type mailboxMember struct {
	*fixed
	box *mailbox
}

var _ lasting = (*mailboxMember)(nil)

// become makes it keep as many calls as another would. It goes on with its own
// calls, those who follow it, and those who call it.
func (m *mailboxMember) become(next member) func() {
	n, ok := next.(*mailboxMember)
	if !ok {
		return nil
	}
	return func() {
		m.box.mu.Lock()
		defer m.box.mu.Unlock()
		m.box.keep = n.box.keep
		m.box.trim()
	}
}

// mailbox is the object. Its calls are numbered from 1.
type mailbox struct {
	keep int

	mu     sync.Mutex
	lines  []string // the last calls, oldest first
	last   uint64   // number of the last of them
	more   chan struct{}
	closed bool
}

var _ interface {
	nomcore.Follower
	nomcore.Caller
	nomcore.AttrGetter
	nomcore.AttrSetter
	nomcore.Describer
	nomcore.Direr
	nomcore.Snapshotter
	nomcore.Reprer
} = (*mailbox)(nil)

// Call keeps what it is called with, and returns None at once.
func (m *mailbox) Call(ctx context.Context, args []codec.Value, kwargs map[string]codec.Value) (codec.Value, error) {
	now := time.Now().UTC().Format("2006-01-02T15:04:05.000Z")
	from := "-"
	if who, ok := nomcore.CallerFrom(ctx); ok {
		from = who.Addr.String()
	}
	words := argumentWords(args, kwargs)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, errGone
	}
	m.last++
	m.lines = append(m.lines, fmt.Sprintf("%d %s %s %s", m.last, now, from, words))
	m.trim()
	close(m.more)
	m.more = make(chan struct{})
	return codec.None{}, nil
}

// trim drops the calls that are too many. mu must be held.
func (m *mailbox) trim() {
	if n := len(m.lines) - m.keep; n > 0 {
		clear(m.lines[:n]) // append moves what is left once in a while
		m.lines = m.lines[n:]
	}
}

// argumentWords writes arguments as they are written to a call file: literals,
// separated by commas, all in one line.
func argumentWords(args []codec.Value, kwargs map[string]codec.Value) string {
	parts := make([]string, 0, len(args)+len(kwargs))
	for _, v := range args {
		parts = append(parts, v.String())
	}
	for _, name := range slices.Sorted(maps.Keys(kwargs)) {
		parts = append(parts, codec.KeywordName(name)+"="+kwargs[name].String())
	}
	return strings.ReplaceAll(strings.Join(parts, ", "), "\n", " ")
}

// Follow implements nomcore.Follower.
func (m *mailbox) Follow(ctx context.Context, after uint64) ([]string, uint64, error) {
	for {
		m.mu.Lock()
		lines, next := m.since(after)
		more, closed := m.more, m.closed
		m.mu.Unlock()
		switch {
		case len(lines) > 0:
			return lines, next, nil
		case closed:
			return nil, after, io.EOF
		}
		select {
		case <-more:
		case <-ctx.Done():
			return nil, after, ctx.Err()
		}
	}
}

// since returns the lines after a number. mu must be held.
func (m *mailbox) since(after uint64) ([]string, uint64) {
	if after >= m.last {
		return nil, after
	}
	oldest := m.last - uint64(len(m.lines)) + 1
	var lines []string
	if after+1 < oldest {
		lines = []string{fmt.Sprintf("lost %d: the calls %d to %d were dropped, it keeps the last %d",
			oldest-after-1, after+1, oldest-1, m.keep)}
		after = oldest - 1
	}
	return append(lines, m.lines[after+1-oldest:]...), m.last
}

// close wakes those who follow.
func (m *mailbox) close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.closed {
		m.closed = true
		close(m.more)
		m.more = make(chan struct{})
	}
}

// The attributes tell those who cannot follow.
var mailboxAttrs = []codec.AttrInfo{
	{Name: "calls", Kind: codec.KindList, Doc: "the last calls, as many as fit an answer: number, time, caller and arguments"},
	{Name: "dropped", Kind: codec.KindInt, Doc: "how many calls were dropped to make room"},
	{Name: "total", Kind: codec.KindInt, Doc: "how many calls there have been"},
}

func (m *mailbox) GetAttr(_ context.Context, name string) (codec.Value, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch name {
	case "calls":
		return m.recent(), nil
	case "dropped":
		return codec.Int(m.last - uint64(len(m.lines))), nil
	case "total":
		return codec.Int(m.last), nil
	}
	return nil, noAttr("Mailbox", name)
}

// SetAttr says why it does not.
func (m *mailbox) SetAttr(ctx context.Context, name string, _ codec.Value) error {
	if _, err := m.GetAttr(ctx, name); err != nil {
		return err
	}
	return errReadOnly(name)
}

// recent returns the last lines that fit an answer. mu must be held.
func (m *mailbox) recent() codec.List {
	const perLine = 8 // bytes that a line takes on the wire besides its text
	room, from := maxText, len(m.lines)
	for from > 0 && room >= len(m.lines[from-1])+perLine {
		from--
		room -= len(m.lines[from]) + perLine
	}
	list := make(codec.List, 0, len(m.lines)-from)
	for _, line := range m.lines[from:] {
		list = append(list, codec.StringValue(line))
	}
	return list
}

func (m *mailbox) Snapshot(ctx context.Context, names []string) (map[string]codec.Value, error) {
	values := make(map[string]codec.Value, len(names))
	for _, name := range names {
		if v, err := m.GetAttr(ctx, name); err == nil {
			values[name] = v
		}
	}
	return values, nil
}

func (m *mailbox) Describe(context.Context) (codec.Description, error) {
	return codec.Description{Class: "Mailbox", Callable: true,
		Params: []codec.Param{{Name: "args", Rest: true}}, Attrs: mailboxAttrs}, nil
}

func (m *mailbox) Dir(context.Context) ([]string, error) {
	names := make([]string, len(mailboxAttrs))
	for i, a := range mailboxAttrs {
		names[i] = a.Name
	}
	return names, nil
}

func (m *mailbox) Repr(context.Context) (string, error) { return "<Mailbox object>", nil }
