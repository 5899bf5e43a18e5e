package object

import (
	"context"
	"reflect"

	"nomfs/codec"
)

// What an object can do, each capability a small interface of its own. An
// object that lacks one answers the operation as Python would: AttributeError
// for a missing attribute, TypeError for items, len and call. Repr and Str have
// a default.
//
// All methods may be called concurrently. The context carries the caller (see
// CallerFrom) and ends when nobody waits for the answer any more. Values may
// contain *Object (a local object, sent as a reference) and *Proxy (an object
// of another peer). An error becomes the remote error: a codec.Exception as it
// is, others as ExceptionOf says.
type (
	AttrGetter interface {
		GetAttr(ctx context.Context, name string) (codec.Value, error)
	}
	AttrSetter interface {
		SetAttr(ctx context.Context, name string, v codec.Value) error
	}
	AttrDeleter interface {
		DelAttr(ctx context.Context, name string) error
	}
	ItemGetter interface {
		GetItem(ctx context.Context, key codec.Value) (codec.Value, error)
	}
	ItemSetter interface {
		SetItem(ctx context.Context, key, v codec.Value) error
	}
	ItemDeleter interface {
		DelItem(ctx context.Context, key codec.Value) error
	}
	Lener interface {
		Len(ctx context.Context) (int, error)
	}
	Reprer interface {
		Repr(ctx context.Context) (string, error)
	}
	Strer interface {
		Str(ctx context.Context) (string, error)
	}
	Caller interface {
		Call(ctx context.Context, args []codec.Value, kwargs map[string]codec.Value) (codec.Value, error)
	}
	// AttrCaller calls a method without making an object of it first. It does
	// what GetAttr and Call do, one after the other.
	AttrCaller interface {
		CallAttr(ctx context.Context, name string, args []codec.Value, kwargs map[string]codec.Value) (codec.Value, error)
	}
	// Describer tells what there is without touching it: no getter runs.
	// Write, Delete and names are cut down by the authenticator afterwards.
	Describer interface {
		Describe(ctx context.Context) (codec.Description, error)
	}
	// PageDescriber is a Describer that can start at any attribute, so that one
	// page of a wide object costs no more than that. DescribeFrom yields the
	// attributes from number from on, in the order of their names, until yield
	// returns false; it returns the rest of the description. It holds no lock
	// while yield runs. If the object is a Direr too, Dir has the same names.
	PageDescriber interface {
		Describer
		DescribeFrom(ctx context.Context, from int, yield func(codec.AttrInfo) bool) (codec.Description, error)
	}
	// Direr returns the attribute names, sorted.
	Direr interface {
		Dir(ctx context.Context) ([]string, error)
	}
	// Snapshotter returns the values of some attributes as they are at one
	// moment. Those that cannot be read, or whose getter would run code that
	// may block, may be left out.
	Snapshotter interface {
		Snapshot(ctx context.Context, names []string) (map[string]codec.Value, error)
	}
	// AttrNamer returns the one name of an attribute that goes by several, as
	// listings have it. Access is screened under that name.
	AttrNamer interface {
		AttrName(name string) string
	}
	// Follower is an object whose past can be read and whose future awaited,
	// by the process that has it: no operation of the protocol does that.
	// Follow returns what came after number after, a line without a newline
	// for each event, and the number to go on with; 0 is the beginning. It
	// waits until there is something. The error is that of ctx, or io.EOF when
	// nothing more will come.
	Follower interface {
		Follow(ctx context.Context, after uint64) (lines []string, next uint64, err error)
	}
	// Keyer returns the keys of the items, in the object's own order.
	Keyer interface {
		Keys(ctx context.Context) ([]codec.Value, error)
	}
	// KindKeyer is a Keyer that also tells the kind of each item, KindInvalid
	// where only a read can tell. It touches no item: no getter runs.
	KindKeyer interface {
		Keyer
		KeyKinds(ctx context.Context) ([]codec.Value, []codec.Kind, error)
	}
	// Classer names the class of an object for people; without it that is the
	// name of the Go type. Class returns a constant: it may be asked under a lock.
	Classer interface {
		Class() string
	}
	// Remote is an object of another peer as a value. The objects in what it
	// answers are usable: Remote or *Object, not codec.Ref.
	Remote interface {
		codec.Value
		Caller
	}
)

// Object is a local object as a value: when it is sent it becomes a reference,
// and a reference to it that comes home becomes it again. Impl implements some
// of the interfaces above.
//
// Identity: two Objects whose Key is equal and not nil are the same object to
// every peer (one id). A nil Key means that the *Object itself is the identity.
type Object struct {
	Impl any
	Key  any // comparable, or nil
	// Doc returns what people are told that it is, where it is served, in
	// place of what Impl says of itself; "" leaves that. nil does as well.
	Doc func() string
	// Scope makes what peers reach through the object end with it when
	// Service.Revoke ends it.
	Scope bool
}

// Identity returns what makes o one object: its key, or itself.
func (o *Object) Identity() any {
	if o.Key != nil && reflect.ValueOf(o.Key).Comparable() {
		return o.Key
	}
	return o
}

// Titled puts the title of an object into its description.
func (o *Object) Titled(d *codec.Description) {
	if o.Doc == nil {
		return
	}
	if s := o.Doc(); s != "" {
		d.Doc = s
	}
}

var _ codec.Value = (*Object)(nil)

// Kind returns KindRef: an Object is always sent as a reference.
func (o *Object) Kind() codec.Kind { return codec.KindRef }

// String returns the object's repr.
func (o *Object) String() string { return ReprOf(context.Background(), o.Impl) }
