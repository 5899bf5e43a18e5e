// Package wrap makes objects of Go values and funcs by reflection. Wrap takes any
// Go value, Func a func whose parameters have names, and ToGo, FromGo and Natural
// convert between Go values and values of the wire.
//
//	type Shop struct {
//		sync.Mutex                       // covers the fields, for peers too
//		Name   string
//		Prices map[string]float64
//		Opened time.Time                 `nom:",readonly"`
//		OnSale func(what string) error
//	}
//
//	func (s *Shop) SetPrice(what string, price float64) error
//
//	o := wrap.Wrap(&Shop{Name: "corner"})
//
// A peer in Python then does:
//
//	shop.name = 'at the corner'
//	shop.set_price('tea', 2.5)
//	shop.prices                   # {'tea': 2.5}, a copy
//	shop.opened                   # '2026-11-28T08:00:00Z'
//	shop.on_sale = print          # the shop calls the peer
//
// # Attributes
//
// Exported fields and methods are attributes, those that embedded structs promote
// included. The name is in snake case: HTTPServer is http_server. Go's own name
// works too, but is not listed. A tag changes a field:
//
//	nom:"price"       the attribute has this name; one with _ in front is not listed
//	nom:"-"           no attribute; of an embedded field nothing is promoted
//	nom:",readonly"   peers cannot set it or change a part of it
//	nom:",getter"     a func() T or func() (T, error), perhaps with a context: reading
//	                  the attribute calls it
//
// Where two want one name, a tag wins over a field, and a field over a method.
// A slice, array or map has items and a length as well; the keys of a map are
// items and never attributes. Deleting an attribute sets the field to nil.
//
// A value that implements one of the interfaces object.AttrGetter to object.Keyer
// is an object as it is: nothing of it is found by reflection.
//
// # Values
//
// Reading an attribute or item, and the result of a call, give:
//
//	Go                                   peer
//	bool, integers, floats, strings      the same; pointers to them: that, or None
//	[]byte, [N]byte                      bytes
//	slices, arrays                       list, a copy
//	map[K]V                              dict, a copy; an array as key is a tuple
//	map[K]struct{}                       set, a copy
//	nil                                  None; an empty list or dict for those
//	codec.Value                          as it is
//	pointer to a struct or container     reference to that place
//	struct with an address               reference to that place
//	other structs, chan, complex         reference to a copy
//	func                                 reference that can be called
//	contents of an interface             if it has methods, reference with the methods
//
// A named type is what its kind is, whatever its methods. These types of the
// library go by value, and so do pointers to them:
//
//	time.Time                            RFC 3339 text, to the nanosecond
//	time.Duration                        seconds, a float; "1h2m3.5s" where no float is exact
//	netip.Addr, AddrPort, Prefix         text; the invalid one is ''
//	net.IP, IPNet, HardwareAddr          text; nil is ''
//	net.UDPAddr, TCPAddr                 HOST:PORT
//	url.URL                              text
//	big.Int                              int
//	big.Rat                              text, "1/3"
//	big.Float                            float; float.hex() text where no float is exact
//
// Text is what people read and Python parses. A duration is a number because
// Python counts seconds as float everywhere. Assigning what was read gives the
// same value again; a duration may be assigned as Go's text, too.
//
// Assigning, and the arguments of a call, convert in the other direction, see
// ToGo. A reference to a wrapped pointer or map is that pointer or map again, and
// fits the type of what it points to as a copy. A field of func type takes any
// object that can be called: calling the func calls the object, and reading the
// attribute gives the same reference, as long as the field contains that func. A
// field of type any takes what Natural returns.
//
// # Calls
//
// Arguments go by position; a first context.Context is filled in. Keywords need
// names: those of Func, and for the methods of a type those that its method
// NomParams() map[string][]string returns, by the name of the method. It must
// return a constant. A last result of type error becomes the exception, no other
// result is None, several are a tuple. A panic is logged and becomes a
// RuntimeError. The text of an object, str(o), is that of object.Strer, error or
// fmt.Stringer; repr(o) that of object.Reprer.
//
// # Locks
//
// Peers use an object concurrently, and the program does, too. If the type is a
// sync.Locker, as it is with an embedded sync.Mutex or sync.RWMutex, its lock is
// taken while a peer reads or sets a field or item; methods, getters and funcs run
// without it and take it themselves. The lock also covers what the object leads to
// and has no lock of its own: parts, containers, pointers, results. Everything else
// is under one lock that all values without a lock share. So the program must not
// touch a value without a lock while it is served.
//
// A type that has methods or getters, and fields or items that peers can set, but
// no lock of its own, is refused with ErrNoLock, which says what to do: a peer
// could set what a method is reading, and a text read half way is foreign memory. A
// private field mu does not count, since peers do not take it.
//
//	type Point struct{ X, Y int }                      // served: it has no methods
//	type Item struct{ Text string }                    // refused
//	type Item struct{ sync.Mutex; Text string }        // served: the methods take the lock
//	type Item struct{ Text string `nom:",readonly"` }  // served: the tag promises that the
//	                                                   // program does not change it either
//
//	func (i *Item) Length() int { … }
//
// The types to which its fields and items lead are checked with it. What only an
// interface or a result brings is checked when it is read: that read or call
// fails. Unlocked serves such a value all the same, if its author promises that
// no lock is needed.
//
// # What no peer sees
//
// Fields of types of sync, sync/atomic, context and reflect are no attributes, and
// no method that an embedded one of them promotes is, at any depth: Wait, Unlock or
// Done, called by a peer, could stop the process. For the same reason the methods
// of every sync.Locker and context.Context are hidden. What decodes into a value
// would make the right to call one to write: methods whose names begin with
// Unmarshal, GobDecode, Scan of fmt.Scanner and sql.Scanner, and Set of flag.Value.
// A method that has the name of a hidden promoted one is hidden, too.
//
// # Identity
//
// Two objects made of one pointer or one map are the same object to every peer, and
// so are two reads of one method, or of the func in one field. Anything else that
// goes by reference, such as a struct in a map or in an interface, is a copy made
// when it is read, and an object of its own each time. It cannot be changed.
package wrap
