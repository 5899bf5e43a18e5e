// Package nomcore lets programs use each other's live objects. A Service serves
// the objects that are registered with it, over one UDP socket; a Peer is
// another process, and a Proxy an object of it.
//
// To serve any Go value, register it. Its exported fields become attributes and
// its methods can be called, in snake case (see Wrap):
//
//	type Counter struct {
//		sync.Mutex // covers the fields, for peers too
//		Count int
//	}
//
//	func (c *Counter) Add(n int) int { … }
//
//	cfg := &nomcore.Config{Authenticator: auth.Default}
//	s, err := nomcore.Listen("127.0.0.1:12074", cfg)
//	err = s.Register("counter", &Counter{})
//
// To use it from another process:
//
//	peer, err := nomcore.Dial(ctx, "127.0.0.1:12074", cfg)
//	defer peer.Close()
//	counter, err := peer.Object(ctx, "counter")
//	n, err := nomcore.Call[int](ctx, counter, "add", 5)
//	n, err = nomcore.Get[int](ctx, counter, "count")
//	err = nomcore.Set(ctx, counter, "count", 0)
//
// Item, SetItem, DelItem and the loops Items, Keys and Attrs go on like this. An
// object in a result is a *Proxy like counter. A func in an argument is a
// callback: the peer calls it, and it runs here. Errors have kinds: errors.Is
// finds fs.ErrNotExist, fs.ErrPermission, context.DeadlineExceeded and those of
// this package; errors.As finds the exception of a peer as a *RemoteError. The
// Authenticator screens each access, see package auth.
//
// The methods of Peer and Proxy do the same with values of package codec. The
// bytes are described in package wire, the rules for Go values in package wrap,
// what an object can do in package object.
//
// # References
//
// Numbers, text, bytes and containers of them are sent as copies, everything
// else as a reference: an object id and a home, which is the address by which the
// object's process calls itself. Ids have 128 random bits, so that a client can
// only have one that it was given. The same object is the same reference for
// every peer, and a reference that comes home is the object itself again.
//
// A home is kept byte for byte and is an identity. The route follows from it and
// from the peer that sent it: what a peer calls itself leads to the address of
// that peer, a wildcard or loopback home to the peer's machine. To an address
// where plain NOM may not go no packet is sent (ErrPlainRefused), and names are
// never looked up.
//
// A server counts the references that it gives to a client, and keeps the objects
// until the client gives them back or its lease ends, 60 s after its last sign of
// life; a silent client that has references shows every 20 s that it is there. An
// original gives nothing back: the server keeps the 4096 references that it used
// last. Unregister revokes what peers reached under that name alone. A reference
// that is revoked, given back, or from before a restart is ErrStale, and never
// another object.
//
// References are bounded in number and in bytes, for each client and in all. A
// client of ours that has too many is refused the next one with a MemoryError.
// If all references together are too many, the client with the most pays: its
// references are forgotten for the sake of others.
//
// # Promises
//
// Nothing waits for ever. An operation is bounded by its context, or by
// Config.Timeout if that has no deadline, and fails at once while the peer is known
// to be down. A request that is not answered is sent again, after a timeout that
// follows the measured round trip, until its deadline; a request that runs for
// more than 3 ms is answered "running", and a few bytes now and then ask whether
// it still runs. Cancelling the context of an operation cancels the context of
// the handler.
//
// Nothing runs twice. Peers of ours number their requests in a session, and the
// server keeps each answer until the client has acknowledged it: a copy of a
// request gets the same answer, if the client still has the right to it. A server
// that was restarted refuses what it might have run before, and the error is
// ErrOutcomeUnknown unless it is certain that nothing ran. To an original, a
// request is sent again at most 4 times, and only what is harmless to repeat;
// what an original sends twice within 2 s is answered from the duplicate cache.
//
// No datagram stops the service, and no code of the application: a panic is
// answered with RuntimeError. Calls that take long hold up no other operation.
//
// # Validated addresses
//
// The source of a datagram can be forged. A server keeps nothing of a peer of
// ours before its address is validated: SYNC is answered with a cookie, which the
// client repeats. Other addresses are guests until they answer something. They are
// sent at most three bytes for each that they sent, and are served 20 datagrams a
// second; what exceeds that waits, while the server asks for a LIST to be
// answered. A SYNC or DESYNC in the name of a validated peer changes nothing
// without the session.
//
// # Limits
//
// Every table and budget has a bound in number and in bytes; params.go says what
// happens when it is full. A client may take at most what is still free, so that
// a newcomer is served beside clients that take all they can. What finds no room
// does not run and is ErrBusy.
//
//	a datagram                             65,507 bytes
//	validated addresses; guests            16,384; 256
//	calls that run, of all clients         65,536, 512 MiB
//	answers kept, of all clients           64 MiB
//	references of a client; of all         131,072, 64 MiB; 1,048,576, 256 MiB
//	one listing that a client collects     131,072 entries, 32 MiB
//
// Two limits of the protocol remain. A reference that a client passes on is kept
// by its home only while a client has it: the receiver should use it before the
// giver gives it back. The answer of an original that is lost after a change or a
// call cannot be had again.
package nomcore
