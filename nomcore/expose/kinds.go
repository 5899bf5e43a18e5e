package expose

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"nomfs/codec"
	"nomfs/nomcore"
)

// A member is one entry of a file at work. All methods but close may be called
// concurrently.
type member interface {
	// info tells about it, all but the name. It runs nothing.
	info() codec.AttrInfo
	// get returns the value, or a *nomcore.Object, always the same one.
	get(ctx context.Context) (codec.Value, error)
	// set changes the value.
	set(ctx context.Context, v codec.Value) error
	// close ends what it has running and waits for it. Whoever uses it later,
	// or an object that it was, gets an error.
	close()
}

// A still is a member whose value is at hand: reading it runs nothing and
// waits for nothing.
type still interface{ still() codec.Value }

// A clearable is a member that may be empty: then there is no such attribute.
type clearable interface {
	empty() bool
	clear()
}

// An heir is a member that goes on with what its predecessor had when a file
// with another definition of it is applied.
type heir interface{ inherit(old member) }

// A lasting is a member that stays the same object when a file with another
// definition of it is applied: become returns what makes it do as next would.
// It may return nil, where next has to take its place.
type lasting interface{ become(next member) func() }

// A kind is what an entry can be. The key that is its name decides.
type kind struct {
	key    string
	what   string // for messages: a file
	also   string // another key that decides for it, "" for none
	object bool   // it makes objects, which can be registered
	// read reads the keys, notes what is wrong with them, and fills in what
	// the definition has to tell. The maker is used only if nothing was wrong.
	read func(f *fields, d *def) maker
}

// A maker makes the member of an entry at a site.
type maker func(s *site) (member, error)

// site is where members work.
type site struct {
	name string // of the entry: limit
	path string // with those that it is in: app.limit
	doc  *docText
	ctx  context.Context // ends when everything is closed
	svc  *nomcore.Service
	log  *slog.Logger
	v    *Served
}

// docText is what a file says of an entry. It changes with the file, while the
// entry stays what it is.
type docText struct{ now atomic.Pointer[string] }

func newDoc(s string) *docText {
	d := new(docText)
	d.set(s)
	return d
}

func (d *docText) set(s string)   { d.now.Store(&s) }
func (d *docText) String() string { return *d.now.Load() }

// kinds is the one list of what an entry can be.
var kinds []*kind

func init() { // not a literal: tables hold entries of any kind
	kinds = []*kind{
		&valueKind, &slotKind, &fileKind, &commandKind, &propertyKind, &callKind, &envKind,
		&scriptKind, &dataKind, &mailboxKind, &builtinKind, &peerKind,
	}
}

// kindOf returns the kind that a key decides for, nil for none.
func kindOf(key string) *kind {
	for _, k := range kinds {
		if k.key == key || k.also == key && key != "" {
			return k
		}
	}
	return nil
}

func kindKeys() []string {
	keys := make([]string, len(kinds))
	for i, k := range kinds {
		keys[i] = k.key
	}
	return keys
}

const (
	// maxText is what is read from a file or a program at most, in bytes: what
	// fits a datagram of 65,507 bytes together with the rest of an answer.
	maxText = 60_000
	// readTimeout is how long a program may take that a read runs: readers
	// give up after 5 s by default, and should hear the reason before.
	readTimeout = 4 * time.Second
	// callTimeout is the same for a call, whose caller chose to wait.
	callTimeout = 30 * time.Second
	// maxTimeout bounds both: what takes longer is no answer to a request.
	maxTimeout = 24 * time.Hour
)

// constant is a part of members that cannot be set.
type constant struct{}

func (constant) set(context.Context, codec.Value) error {
	return exception("AttributeError", "it is read-only")
}

// idle is a part of members that have nothing running.
type idle struct{}

func (idle) close() {}
