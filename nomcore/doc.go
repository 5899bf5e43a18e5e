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
//
// The extensions answer with a map of "entries" and "next"; where next is a
// number, asking again with it as "from" gives the following page.
//
// # Extensions
//
// In SYNC two peers of ours recognise each other by one further attribute,
// nomx: 68 bytes with a version, the extensions offered and a boot id that is
// new for each Service. The original protocol has room for it: unknown
// attributes are ignored. An operation that a peer does not offer is
// errors.ErrUnsupported and costs no packet.
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
// Unregister revokes what was given out under the name. Using a revoked id, or
// one from before a restart, is ErrStale, never another object.
//
// # Promises
//
// Nothing waits for ever: every operation is bounded by its context or by
// Config.Timeout, and fails at once while the peer is known to be down. When an
// answer does not come, requests that are harmless to repeat are sent again, up
// to 4 times, after a timeout that follows the measured round trip. Changes and
// calls are never sent twice; if the answer is lost the error is
// ErrOutcomeUnknown.
//
// Nothing runs twice: a datagram that arrives again within two seconds of its
// answer gets that answer again. SYNC forgets the past, so that a program that
// is started again may send what its predecessor sent.
//
// No datagram stops the service. What does not parse is counted, and answered
// if its transaction can be made out. A result that cannot be sent is answered
// with an error that says why. Code of the application that panics is answered
// with RuntimeError.
//
// # Limits
//
// The tables have fixed bounds, all in params.go: 4096 addresses, 256 answers
// of each kept for copies and 16 MiB in all, 1024 requests running and 4096
// waiting. References that were given out are kept until their name is
// unregistered.
package nomcore
