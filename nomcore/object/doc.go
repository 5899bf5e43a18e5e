// Package object says what an object can do. Each capability is a small
// interface; a Go type becomes an object by implementing some of them. Package
// wrap makes objects of other Go values.
//
//	operation        interface                  without it
//	o.a              AttrGetter                 AttributeError
//	o.a = v          AttrSetter                 AttributeError
//	del o.a          AttrDeleter                AttributeError
//	o.a(x, k=y)      AttrCaller                 GetAttr, then Call
//	o[k]             ItemGetter                 TypeError
//	o[k] = v         ItemSetter                 TypeError
//	del o[k]         ItemDeleter                TypeError
//	len(o)           Lener                      TypeError
//	o(x, k=y)        Caller                     TypeError
//	repr(o)          Reprer                     <Class object>
//	str(o)           Strer, error, Stringer     repr(o)
//	description      Describer, Classer         the name of the Go type
//	dir(o)           Direr                      the names that Describer gives
//	keys             Keyer, KindKeyer           not listed
//	attributes       Snapshotter                one GetAttr each
//
// A clock whose only attribute is the time:
//
//	type clock struct{}
//
//	func (clock) GetAttr(_ context.Context, name string) (codec.Value, error) {
//		if name != "now" {
//			return nil, object.NoAttr("clock", name)
//		}
//		return codec.StringValue(time.Now().Format(time.RFC3339)), nil
//	}
//
// # Rules for implementations
//
// Peers call all methods concurrently. The context carries the identity of the
// caller and the logger (see LogFrom), and is cancelled when no client waits for
// the answer any more. Arguments and results may contain *Object, which is an
// object of this process and is sent as a reference, and Remote, which is an
// object of another peer. The map of keyword arguments may be nil.
//
// An error becomes the exception that the peer raises: a codec.Exception (see
// Errorf) as it is, other errors by their kind. A panic is logged and becomes a
// RuntimeError, see RunUser.
package object
