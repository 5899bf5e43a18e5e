// Command bench.d measures nomfs beside other ways to reach another process,
// and beside other ways to turn values into bytes. scripts/bench builds and runs
// it. It is a module of its own, so that the modules it measures do not become
// requirements of nomfs. It runs on Linux.
//
//	scripts/bench                         all groups, 7 rounds
//	scripts/bench -rows call,bulk         some groups
//	scripts/bench -rounds 3 -o new.json   fewer rounds, another file
//	scripts/bench compare old.json new.json
//
// # How it measures
//
// Client and server are processes of their own. In each round every measurement
// is made with one system after the other, and each round begins with another
// system, so that what disturbs the machine disturbs all of them. A value is the
// median of the rounds. A ratio is taken within a round, nomfs divided by the
// other system; the table shows the median of these ratios and, in brackets, the
// smallest and the largest one. No process is bound to a core: both ends share
// all of them.
//
// A measurement that fails in one round is not tried again: its cell says
// "failed", and below the table stands why.
//
// # Systems
//
//	nomfs      a struct with a lock, registered with a service and called
//	           through the public interface of package nomcore
//	udp table  UDP and nothing else: one unconnected socket at each end, the
//	           client has a table of requests, the server answers in its read loop
//	udp ping   UDP and nothing else: a connected socket for each caller, which
//	           reads its own answer
//	net/rpc    the package of the standard library, one TCP connection
//	gRPC       unary calls with a BytesValue each way, one connection, no TLS
//
// Each system sends and takes the type that is natural to it: codec.Bytes,
// []byte, BytesValue. The value to send exists before the call; the call makes
// whatever else it needs.
//
// # Group call: the call path
//
// An echo sends 96 bytes and gets them back. Callers share one client; each makes
// its next call when the last one is answered.
//
//	echo, N callers, calls/s     answers per second of all callers together
//	echo, N callers, p50 µs      half of the calls took no longer
//	echo, N callers, p99 µs      99 of 100 calls took no longer
//	echo, N callers, allocs      allocations per call, both processes together
//	echo, N callers, CPU µs      user and system time per call, both processes
//	attribute, 1 caller, p50 µs  GetAttr of 96 bytes; beside it the UDP echo
//	1 % sleep, N callers, p99 ms the callee of one call in a hundred sleeps for
//	                             50 ms; the row is about the other 99
//
// # Group bulk
//
// One caller and 60,000 bytes: put sends them and gets a number, get sends a
// number and gets them, echo does both.
//
// # Group codec
//
// A process of its own measures this, a new one in each round.
//
// How often one goroutine turns a value into bytes, or bytes into a value, in a
// second of processor time, which includes the garbage collector's. Buffers and
// encoders are used again wherever a library can do that. Each message can be read
// alone, as a datagram must be, and by a reader who does not know what it holds:
// into the values of package codec, into an any by the libraries for CBOR,
// MessagePack and JSON. Package gob has to be told the type, and sends its types in
// each message; "gob stream" has sent them before. The others send a reference as a
// struct of id, host and port. The geometric means are over the seven values.
// "best" is the fastest of the others in each round, without gob stream.
//
//	int               2²⁰
//	text              1,024 ASCII characters
//	bytes             60,000
//	reference         an id of 128 bits, and its home
//	list              100 integers
//	map               20 short names and integers
//	record            a map with maps, lists, text and numbers in it
//
// # Group growth
//
// The same calls to a service that has much to remember, beside one that has
// nothing: "empty".
//
//	names      100,000 objects are registered
//	refs       100 clients hold 1,000 references each
//	waiting    10 other clients have 1,000 calls each that do not return
//	own        the client that is measured has 10,000 such calls itself
//
//	echo, 1 caller, p50 µs       as in group call
//	echo, 64 callers, calls/s
//	attribute, 1 caller, p50 µs
//	newcomer's SYNC, µs          a new client connects,
//	newcomer's LIST, µs          lists the names,
//	newcomer's RESOLVE, µs       and looks one up
//	RSS, MB                      of the server, that of the empty one, too
//
// The rows of a service that cannot be brought into the state fail.
//
// # Group memory
//
// The heap of a server after a garbage collection, and what the system counts as
// its resident memory then, while 10,000 clients hold 10 references each. A MB is
// 10⁶ bytes. All clients are real and alive. This is measured in three rounds at
// most, because it takes long and hardly varies.
//
// # Group cold
//
//	nomfs get, ms                the command, from its start to its end
//	first answer, ms             a program of this module, from its start until it
//	                             has the answer to one echo
//	dial and call, ms            the part of that after the start of main
//
// Each is the median of 5 starts in each round.
//
// # Comparing
//
// compare prints one line for each row of nomfs: the value in either file, and new
// divided by old. Where the row has other systems, their change is taken out of
// it: each round's value is divided by the geometric mean of the other systems in
// that round, so that a machine that is slower today changes nothing. In brackets
// are the smallest and the largest ratio between a round of the one file and a
// round of the other, without the lowest and the highest sixth of each: one round
// of seven. A row is worse, or better, if 1 is not within the brackets and the
// ratio is more than 5 % away from 1. The exit status is 1 if a row is worse or
// fails now, 2 after a mistake in the arguments, 0 otherwise.
package main
