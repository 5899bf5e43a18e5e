package object

import (
	"context"
	"reflect"

	"nomfs/codec"
)

// What an object can do; the package comment says what happens without.
type (
	// AttrGetter returns an attribute: an AttributeError for one that the
	// object lacks.
	AttrGetter interface {
		GetAttr(ctx context.Context, name string) (codec.Value, error)
	}
	// AttrSetter sets an attribute.
	AttrSetter interface {
		SetAttr(ctx context.Context, name string, v codec.Value) error
	}
	// AttrDeleter deletes an attribute.
	AttrDeleter interface {
		DelAttr(ctx context.Context, name string) error
	}
	// ItemGetter returns an item: a KeyError or IndexError for one that the
	// object lacks. The key may be a codec.Slice.
	ItemGetter interface {
		GetItem(ctx context.Context, key codec.Value) (codec.Value, error)
	}
	// ItemSetter sets an item.
	ItemSetter interface {
		SetItem(ctx context.Context, key, v codec.Value) error
	}
	// ItemDeleter deletes an item.
	ItemDeleter interface {
		DelItem(ctx context.Context, key codec.Value) error
	}
	// Lener returns the number of items.
	Lener interface {
		Len(ctx context.Context) (int, error)
	}
	// Reprer returns the repr, the text for programmers.
	Reprer interface {
		Repr(ctx context.Context) (string, error)
	}
	// Strer returns the str, the text for users.
	Strer interface {
		Str(ctx context.Context) (string, error)
	}
	// Caller calls the object. kwargs may be nil.
	Caller interface {
		Call(ctx context.Context, args []codec.Value, kwargs map[string]codec.Value) (codec.Value, error)
	}
	// AttrCaller calls a method without making an object of it first. It does
	// what GetAttr and Call do, one after the other.
	AttrCaller interface {
		CallAttr(ctx context.Context, name string, args []codec.Value, kwargs map[string]codec.Value) (codec.Value, error)
	}
	// Describer describes the object without reading an attribute: no getter
	// runs. The engine then removes what the client has no right to.
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
	// moment. It may leave out attributes that cannot be read, and those whose
	// getter may block.
	Snapshotter interface {
		Snapshot(ctx context.Context, names []string) (map[string]codec.Value, error)
	}
	// AttrNamer returns the listed name of an attribute that has several
	// names. The authenticator is asked about that name.
	AttrNamer interface {
		AttrName(name string) string
	}
	// Follower is an object with events. Only the process of the object can
	// follow it: no operation of the protocol does that. Follow returns the
	// events after number after, each as a line without a newline, and the
	// number with which to go on; 0 is the beginning. It waits until there is
	// an event. The error is that of ctx, or io.EOF after the last event.
	Follower interface {
		Follow(ctx context.Context, after uint64) (lines []string, next uint64, err error)
	}
	// Keyer returns the keys of the items, in the object's own order.
	Keyer interface {
		Keys(ctx context.Context) ([]codec.Value, error)
	}
	// KindKeyer is a Keyer that also returns the kind of each item,
	// KindInvalid where only a read can find out. It reads no item: no getter
	// runs.
	KindKeyer interface {
		Keyer
		KeyKinds(ctx context.Context) ([]codec.Value, []codec.Kind, error)
	}
	// Classer returns the name of the class for people. It must do no more than
	// return a constant: it may be called under a lock.
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

// Object is a local object as a value. It is sent as a reference, and a
// reference to it that comes home is the same *Object again.
type Object struct {
	Impl any // implements some of the interfaces above
	// Key is the identity, comparable or nil: Objects with equal keys are one
	// object to every peer, with one id. Without a key the *Object itself is
	// the identity.
	Key any
	// Doc returns the documentation of the object where it is served, instead
	// of the one that Impl gives. A nil func and "" leave that.
	Doc func() string
	// Scope makes what peers reach through the object end with it when
	// Service.Revoke ends it.
	Scope bool
}

// Identity returns the key of o, or o where it has no key that can be compared.
func (o *Object) Identity() any {
	if o.Key != nil && reflect.ValueOf(o.Key).Comparable() {
		return o.Key
	}
	return o
}

// Titled puts the documentation of Doc, if there is one, into a description.
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
