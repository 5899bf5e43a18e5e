// Package nomcore mirrors live objects between processes. A Service registers
// objects under names, serves them to its peers and uses those of others, all
// over one UDP socket; a Peer is another process, and does one operation per
// method on objects named by references.
//
//	s, _ := nomcore.Listen("127.0.0.1:12074", &nomcore.Config{Authenticator: auth.Default})
//	s.Register("app", &app)                       // any Go value, see Wrap
//
//	c, p, _ := nomcore.Dial(ctx, "127.0.0.1:12074", cfg)
//	v, _ := p.Resolve(ctx, "app")                 // codec.Ref: it lives over there
//	n, _ := p.GetAttr(ctx, v.(codec.Ref), "limit")
//
// # Packets
//
// A packet is one datagram of at most 65,507 bytes: a command, and a MAP (see
// package codec) from attribute names to values, sorted by name.
//
//	00                                    command: SYNC
//	08 00 00 00 01                        MAP of one pair
//	00 00 00 02 01                        a pair
//	04 00 00 00 03 78 69 64               BYTES "xid"
//	01 00 00 00 00                        INT 0
//
//	command    request                    answer
//	0 SYNC     xid [nomx]                 xid result [nomx]
//	1 DESYNC   xid                        none
//	2 PULL     xid oid op …               the request + result or error
//	3 RESOLVE  xid name                   the request + result or error
//	4 LIST     xid                        the request + result
//	5 PUSH     xid                        the request + error: Unknown command
//
// A packet with a result or an error is an answer, whatever its command; error
// counts if both are there. It belongs to the request with its xid, a number of
// 31 bits that the asker chose, and counts only if it comes from the address
// that was asked. Peers of ours are answered with xid and result alone, and so
// is anyone if the repeated request would not fit.
//
//	op        attributes       does                    right    repeatable
//	GetAttr   attr             o.attr                  read     yes
//	SetAttr   attr val         o.attr = val            write    no
//	DelAttr   attr             del o.attr              delete   no
//	GetItem   item             o[item]                 read     yes
//	SetItem   item val         o[item] = val           write    no
//	DelItem   item             del o[item]             delete   no
//	Len                        len(o)                  read     yes
//	Repr                       repr(o)                 read     yes
//	Str                        str(o)                  read     yes
//	Call      args kwargs      o(*args, **kwargs)      call     no
//	Describe  from             what there is           read     yes   extension
//	Dir       from             names of attributes     read     yes   extension
//	Keys      from             keys of items           read     yes   extension
//	Snapshot  from [names]     plain attributes        read     yes   extension
//	CallAttr  attr args kwargs o.attr(*args, **kwargs) call     no    extension
//	Release   refs             references given back   connect  no    extension
//	Renew                      we are still here       connect  yes   extension
//	Cancel    seq              end a running request   connect  yes   extension
//
// Describe, Dir, Keys and Snapshot answer with a map of "entries" and "next";
// where next is a number, asking again with it as "from" gives the following
// page. Keys also has "kinds", a letter for each item where the object tells.
//
// Two attributes ask peers of ours for more: a LIST with refs also brings the
// references of the registered objects (see roots.go), and a GetAttr with info
// is answered, if the attribute is a method, with its description as info
// instead of a reference to it.
//
// # Extensions
//
// In SYNC two peers of ours recognise each other by one further attribute,
// nomx: 68 bytes with a version, the extensions offered, a boot id that is new
// for each Service, and a nonce. The original protocol has room for it: unknown
// attributes are ignored. An operation that a peer does not offer is
// errors.ErrUnsupported and costs no packet.
//
// # Sessions
//
// The nonce of a SYNC opens a session. Each request in it carries the attribute
// nomq, with the session, the boot id of the answerer, a number that is never
// used again, the number below which nothing is awaited any more, and a cookie
// that proves the address; see session.go for the bytes. A session belongs to no
// address: whoever goes on in it goes on. The answerer keeps the answer of each number until
// it is not awaited, so a request can be sent until it is answered, and a copy
// gets the answer of the first. A session that is silent for 120 s is
// forgotten.
//
//	asker                         answerer
//	number 7, low 5   ------->    runs 7, forgets 4
//	number 7, low 5   ------->    7 is running: dropped
//	                  <-------    answer of 7, lost
//	number 7, low 5   ------->    7 has run: answer of 7
//	number 8, low 8   ------->    runs 8, forgets 7
//
// A request for a session that is not known, because the answerer was restarted
// or has forgotten it, is run only if that is harmless. Otherwise it is refused,
// and the asker decides: it sends it again in a new session if it is certain
// that it has not run, which it is if the answerer has been up for longer than
// the request is old. If not, the error is ErrOutcomeUnknown.
//
// # References
//
// Numbers, text, bytes and containers of them are sent as copies, everything
// else as a reference: an object id and a home, the address at which the
// object's process knows itself. Ids have 128 random bits, so whoever has one
// was given it. The same object is the same reference for everyone, and a
// reference that comes home is the object itself again. A home is kept byte for
// byte and is an identity; the route is derived from it and from who sent it: a
// wildcard or loopback home means the sender's machine, an address that plain
// NOM may not go to means that no packet is sent (ErrPlainRefused), and names
// are never looked up.
//
// The server counts the references that it gives to a client. A reference count
// ends when the client gives it back (Release), or with the lease, 60 s after
// the client's last sign of life; clients that have references give one every
// 20 s. A client that presents a reference which another client passed on has a
// reference count of its own from then on. An original never gives a reference
// back: the 4096 that it used last are kept, and as many of all addresses
// together that are not validated. Registered objects stay.
//
// The server knows the registered objects through which each object was
// reached. Unregister revokes the object that loses its last name, and all that
// was reached through it alone, whatever lay between and whatever was given back
// meanwhile. Service.Revoke does the same for an object without a name, see
// Object.Scope. What was reached under no name, such as a callback, is revoked
// by neither. Using an id that is revoked, forgotten, or from before a restart is
// ErrStale, never another object.
//
// References are bounded in number and in bytes, for each client and in all. A
// client of ours that has too many is refused the next one with a MemoryError.
// If all references together are too many, the client with the most pays: its
// references are forgotten for the sake of others.
//
// # Promises
//
// Nothing waits for ever: every operation is bounded by its context or by
// Config.Timeout, and fails at once while the peer is known to be down. While
// an answer does not come the request is sent again, after a timeout that
// follows the measured round trip: within a session until the deadline, towards
// an original at most 4 times, and only what is harmless to repeat. Cancelling
// the context of a call cancels the context of the callee.
//
// Nothing runs twice. Outside a session a datagram that arrives again within
// two seconds of its answer gets that answer again; SYNC forgets the past, so
// that a program that is started again may send what its predecessor sent. If
// an answer is lost for good the error is ErrOutcomeUnknown.
//
// No datagram stops the service. What does not parse is counted, and answered
// if its transaction can be made out. A result that cannot be sent is answered
// with an error that says why. Code of the application that panics is answered
// with RuntimeError.
//
// # Strangers
//
// The source of a datagram can be forged. Until an address has answered
// something, or has repeated the cookie of our answer to its SYNC, it is sent at
// most three bytes for each that it sent, and is served 20 requests a second;
// what exceeds that waits, and a LIST is sent, which any peer answers. All such
// addresses together are looked at 2000 times a second. A SYNC or DESYNC in the
// name of a peer that is known changes nothing until it is proven. An address
// that we know only from a reference is asked twice, not again and again, until
// it answers.
//
// # Limits
//
// The tables have fixed bounds, all in params.go: 16384 proven addresses and
// 4096 others; 16 sessions of each with 1024 requests and 256 KiB of answers,
// 64 MiB in all; 4096 requests running, 1024 of them of one peer, and as many
// waiting. A client that holds ten references takes about 5 KiB.
//
// Two limits of the protocol remain. A reference that a client passes on is
// kept by its home only while somebody holds it: whoever gets one should use it
// before the giver lets go. And the answer of an original that is lost after a
// change or a call cannot be had again.
package nomcore
