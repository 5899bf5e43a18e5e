// Package wire is the bytes of NOM: packets, and the two attributes by which
// peers of ours know each other (nomx) and number their requests (nomq). It is
// pure: bytes in, bytes out; no socket, lock, clock or log.
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
//	0 SYNC     xid [home nomx]            xid result [home nomx]
//	1 DESYNC   xid [nomq]                 none
//	2 PULL     xid oid op …               the request + result or error
//	3 RESOLVE  xid name                   the request + result or error
//	4 LIST     xid [from refs]            the request + result [next refs]
//	5 PUSH     xid                        the request + error: Unknown command
//
// A packet with a result or an error is an answer, whatever its command; the
// error counts if both are there. An answer belongs to the request with its xid,
// a number of 31 bits that the client chose, and counts only if it comes from
// the address that the client asked. Peers of ours are answered with xid and
// result alone, and so is any client if the repeated request would not fit.
//
//	op        attributes       does                     right    repeatable
//	GetAttr   attr [info]      o.attr                   read     yes
//	SetAttr   attr val         o.attr = val             write    no
//	DelAttr   attr             del o.attr               delete   no
//	GetItem   item             o[item]                  read     yes
//	SetItem   item val         o[item] = val            write    no
//	DelItem   item             del o[item]              delete   no
//	Len                        len(o)                   read     yes
//	Repr                       repr(o)                  read     yes
//	Str                        str(o)                   read     yes
//	Call      args kwargs      o(*args, **kwargs)       call     no
//	Describe  from             what there is            read     yes   extension
//	Dir       from             names of attributes      read     yes   extension
//	Keys      from             keys of items            read     yes   extension
//	Snapshot  from [names]     plain attributes         read     yes   extension
//	CallAttr  attr args kwargs o.attr(*args, **kwargs)  call     no    extension
//	Release   refs             references given back    connect  no    extension
//	Cancel    seq              cancel a running request connect  yes   extension
//	Running   seq              which requests still run connect  yes   extension
//
// Describe, Dir, Keys and Snapshot answer with a map of "entries" and "next";
// where next is a number, asking again with it as "from" gives the following
// page. Keys also has "kinds", a letter for each item where the object tells.
//
// Three attributes ask peers of ours for more. A LIST with from is answered with
// the names from that number on, as many as fit, and the number of the next page
// as next (NONE at the end). With refs as well, it also brings the references of
// the registered objects: refs is a TUPLE of the server's home and of 16 bytes
// for each name, zero where no object is registered that the client may have. A
// GetAttr with info is answered, if the attribute is a method, with the method's
// description as info instead of a reference to it.
//
// The seq of Cancel is the number of the request as INT. The seq of Running is
// BYTES, 8 for each number; the answer is BYTES, one for each: 0 the server does
// not know it, 1 it runs, 2 it has run, and the server sends its answer again.
//
// # nomx: who is there
//
// In SYNC two peers of ours recognise each other by the attribute nomx. The
// original protocol has room for it: an original ignores unknown attributes in a
// request, and never puts them into its reply to SYNC.
//
//	0        5  6  7     11                 43      51            67  68
//	+--------+--+--+-----+------------------+-------+-------------+---+
//	| nom/1  |00|v |flags| ed25519 key      | boot  | nonce       |00 |
//	+--------+--+--+-----+------------------+-------+-------------+---+
//	             1   u32   32 bytes           8 bytes 16 bytes
//
// The key is zero where there is none. The boot id is random for each Service; a
// different one means that the peer was restarted. flags are the extensions that
// the sender offers, see the Ext constants. Beside nomx stands home: the host
// and port by which the sender calls itself in references, as they stand there.
//
// The nonce of a server's reply is a cookie: 2 bytes of the client's nonce, the
// time, and a keyed hash of both and of the client's address. The server keeps
// nothing for it. A client that repeats the cookie as the nonce of its next SYNC
// has received what was sent to its address: the address is validated, and the
// cookie is the id of a session.
//
//	client                          server
//	SYNC nonce=random    ------->   keeps nothing
//	                     <-------   cookie
//	SYNC nonce=cookie    ------->   validates the address, opens the session
//	                     <-------   cookie, the same
//
// A client that has a session sends its id at once.
//
// # nomq: requests in a session
//
// A session makes requests run at most once, however often they are sent. The
// client numbers its requests from 1. The server keeps the answer to each number
// until the client acknowledges it. nomq in a request:
//
//	0         16     24       32        40
//	+---------+------+--------+---------+ - - - - - - - +
//	| session | boot | number | below   | acknowledged… |   8 bytes each
//	+---------+------+--------+---------+ - - - - - - - +
//
// All numbers below "below" are acknowledged, but for those that were answered
// "running"; these are acknowledged one by one, in the list that follows. boot is
// the boot id of the server as the client knows it. nomq in an answer:
//
//	0        8   9          17
//	+--------+---+----------+
//	| number | f | memory   |   memory in nanoseconds
//	+--------+---+----------+
//
//	f 01  the session is unknown: the request was not run
//	f 04  it has run; its answer is not kept any more
//	f 08  it runs; its answer will follow
//	f 10  the server has no room for it now: it was not run
//
// memory is how far back the server knows every session that it has heard of: it
// has not been restarted since, and has forgotten none.
//
//	client                            server
//	number 7, below 5   ------->      runs 7, forgets 4
//	number 7, below 5   ------->      7 runs: says so
//	                    <-------      7: running
//	number 8, below 8   ------->      runs 8; 7 still runs
//	                    <-------      answer of 7
//	number 9, below 9, 7   ----->     runs 9, forgets 7 and 8
package wire
