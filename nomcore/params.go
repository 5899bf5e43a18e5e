package nomcore

import (
	"time"

	"nomfs/nomcore/wire"
)

// Every number of the engine, with its unit and reason.
const (
	// DefaultPort is the UDP port of a peer that names none.
	DefaultPort = 12074

	// recvBuffer is what one read can take, in bytes: more than any datagram,
	// so that none is ever cut without notice.
	recvBuffer = 1 << 16

	// defaultTimeout bounds an operation whose context has no deadline:
	// longer than any healthy answer, short enough for a person to wait.
	defaultTimeout = 5 * time.Second
)

// Sending again.
const (
	// rtoInitial is the first retransmission timeout while nothing was
	// measured (RFC 6298, section 2.1).
	rtoInitial = time.Second
	// rtoMin keeps a fast loopback from resending while the peer is merely
	// scheduled out.
	rtoMin = 100 * time.Millisecond
	// rtoMax caps the doubling: a peer that comes back is noticed.
	rtoMax = 8 * time.Second
	// rtoMaxSession caps the doubling towards our own peers, which run no copy:
	// there a request is sent until its deadline. At 30 % loss each way every
	// second try succeeds.
	rtoMaxSession = 2 * time.Second
	// rtoJitter is the part of a timeout that is random, both ways, so that
	// peers that lost a burst together do not resend together.
	rtoJitter = 0.25
	// maxResends is how often one packet is sent again to an original peer,
	// which executes every copy.
	maxResends = 4
	// maxResendsUnknown is the same for an address that we were merely given
	// in a reference, and that has never answered: it may be nobody's peer,
	// and whoever gave it must not make us send it much.
	maxResendsUnknown = 1

	// windowInitial and windowMax bound the requests in flight towards one
	// original peer: it answered every burst of 256 and half of 512, and it
	// starts a thread for each. The window grows by one per full window of
	// answers and is halved on a timeout.
	windowInitial = 8
	windowMax     = 32
	// windowExtended is the bound towards our own peers. Requests that the
	// peer said to be running do not count.
	windowExtended = 256

	// probeAfter is the silence after which a waiting client has an original
	// probed, and the pause between probes of a peer that is down.
	probeAfter = time.Second
	// probeCopies is how many probes go out in that time while nothing is
	// heard: at 30 % loss each way one of two is answered.
	probeCopies = 2
	// probeIdle ends the probing of a peer that is down when nobody has
	// asked for it for so long; the next operation tries it afresh.
	probeIdle = 10 * time.Minute
	// downAfter is how many times Config.Timeout a peer must have been silent,
	// though asked, before operations that wait for long are given up. It is
	// more than one: at 30 % loss each way a second passes unanswered quite
	// often.
	downAfter = 2
	// pollEvery is how often a peer is asked which of the requests that it said
	// to be running still run: a few bytes for each, and seldom enough that
	// 10,000 of them cost nothing.
	pollEvery = 2 * time.Second
	// pollBatch bounds the numbers in one such question: 32 KiB.
	pollBatch = 4096

	// cancelWait bounds how long a peer is told that a call is cancelled.
	cancelWait = 10 * time.Second
	// tellWait bounds how long Close waits for that: some copies, and less
	// than a person at a shell takes for a delay.
	tellWait = 400 * time.Millisecond
	// closeWait bounds how long Close waits for handlers that ignore their
	// context.
	closeWait = time.Second
)

// Serving.
const (
	// overdueAfter is how long a request may run before another goroutine takes
	// over reading the socket, and the client is told that it runs: a few times
	// as long as a reader that the system descheduled is away.
	overdueAfter = 3 * time.Millisecond
	// slowFor is for how many calls a method that once took slowAfter gets a
	// goroutine of its own, so that it holds up the socket once in a while only.
	// While such a call runs that is so for slowAtFirst calls each time: it may
	// be the system that makes it look slow.
	slowFor     = 1000
	slowAfter   = 10 * time.Millisecond
	slowAtFirst = 16
	// slowSlots is the size of the table of such methods, for all clients: 4
	// KiB. It is never full: two that share a slot are both taken for slow. The
	// next calls of the slot use it up.
	slowSlots = 1024

	// The budgets for all clients are shared by one rule: a client may take what
	// is still free, so that half of what the others left is always there for the
	// next one. What is named "always" each client may have, whatever the others
	// take: at most so much for each of maxPeers is taken beyond the bound.

	// maxCalls bounds the requests that run at once and are overdue or have a
	// goroutine of their own, of all clients. A request that finds no room is not
	// run, nor is any other of a client that has too many, but for Cancel and the
	// like. A peer of ours is told so (wire.AckBusy) and sends it again until its
	// deadline (ErrBusy); an original gets a RuntimeError, errBusy. Each request
	// gives its room back when it ends, and is told to end when its client gives
	// it up or is gone.
	maxCalls    = 1 << 16
	callsAlways = 4
	// maxCallBytes bounds the memory of these requests, in bytes, likewise:
	// callCost for each, and what its arguments take once they are decoded.
	// callBytesAlways is enough for some small requests.
	maxCallBytes    = 512 << 20
	callBytesAlways = 64 << 10
	// callCost is what a request that runs takes without its arguments, in
	// bytes: a goroutine with its first stack, and its entry.
	callCost = 8 << 10
	// decodedFactor is how many bytes of memory one byte of encoded arguments
	// may take: a list of NONEs takes 16, and few values more.
	decodedFactor = 16

	// sessionKept is how long a silent session is remembered: longer than any
	// copy of a request can be under way. What runs in it then is cancelled.
	sessionKept = 120 * time.Second
	// maxSessions bounds the sessions of one client; those of all are bounded by
	// maxPeers, and their bytes by maxKept. A further one takes the place of the
	// one that is silent longest and in which nothing runs; where there is none,
	// it is refused: the answer to its SYNC offers no session, and the client is
	// served like an original, until a request ends or a session has been silent
	// for sessionKept.
	maxSessions = 4
	// sessionSpan bounds the numbers between the first that a client has not
	// acknowledged and its newest, not counting those that it knows to be
	// running; their bytes count in maxKept. A client of ours waits before it
	// exceeds it, until its deadline (ErrTimeout, nothing was sent). What exceeds
	// it all the same is answered wire.AckBusy. Acknowledging gives the room back.
	sessionSpan = 1 << 14
	// sessionRing is how many numbers a new session has room for, a power of
	// two; it grows as needed.
	sessionRing = 4
	// maxKept bounds the answers that are kept for copies of requests, and the
	// entries of sessions, of all clients, in bytes. An answer for which there
	// is no room is not kept: a copy of its request is answered ErrResultLost,
	// or run again where that is harmless. A request whose entry finds no room
	// is answered wire.AckBusy, and so is every further one of a client that has
	// too much: entries of requests that take long are taken beyond the bound,
	// slotCost for each call of maxCalls. Acknowledging gives the room back, and
	// so does the end of the session. keptAlways is a first ring for each session
	// of a client.
	maxKept    = 64 << 20
	keptAlways = maxSessions * sessionRing * slotCost
	// entryCost is what an entry of a session takes, in bytes.
	entryCost = 64
	// answerReused is the largest answer buffer that an entry keeps for its next
	// request, in bytes; larger ones are freed when they are acknowledged. An
	// entry takes slotCost with it.
	answerReused = 256
	slotCost     = entryCost + answerReused

	// dupWindow is how long the answer to a request from an original peer is
	// replayed to identical copies. A copy made by the network arrives within
	// it; a script that is run again sends the same bytes from the same port
	// and must be served, see duplicates.
	dupWindow = 2 * time.Second
	// maxDupsClient bounds the requests kept of one address, maxDups those of
	// all, and maxDupBytes their answers, in bytes; those of one address have no
	// bound of their own. When one is full, the oldest answered request is
	// forgotten, of that address or of all: nobody is refused, but a copy of it
	// would run again. What still runs is kept beyond maxDups; maxCalls bounds
	// it. Each entry is given up dupWindow after its answer.
	maxDupsClient = 256
	maxDups       = 1 << 14
	maxDupBytes   = 16 << 20
)

// References.
const (
	// leaseTime is how long the references of a peer of ours are kept after
	// its last sign of life, which any datagram of its session is. keepEvery is
	// how often a silent client that holds some gives one: two may be lost.
	leaseTime = 60 * time.Second
	keepEvery = 20 * time.Second
	// housekeepEvery is how often leases and sessions are checked and
	// references given back.
	housekeepEvery = 5 * time.Second
	// maxOriginalRefs bounds the references of an original peer, which never
	// gives one back; maxPeerRefBytes bounds their memory as well. The least
	// recently used is forgotten: to use it is ErrStale.
	maxOriginalRefs = 4096
	// maxPeerRefs bounds the references of a peer of ours, and maxPeerRefBytes
	// what they may keep in memory, in bytes: for 100,000 objects. A further
	// one is refused with errTooManyReferences, a MemoryError, until the peer
	// gives some back, or its lease ends.
	maxPeerRefs     = 1 << 17
	maxPeerRefBytes = 64 << 20
	// maxRefs bounds the references of all peers, and maxRefBytes what they
	// may keep in memory, in bytes. When they are full, the peer whose
	// references keep most in memory pays for the next one of any other peer,
	// see registry.makeRoom: a newcomer is always served. To use what a peer lost
	// that way is ErrStale.
	maxRefs     = 1 << 20
	maxRefBytes = 256 << 20
	// maxOrigins bounds the origins under which one object is known, and
	// maxOriginBytes what their sets may take, in bytes, for all objects. An
	// object that is reached under more is known under the first ones; nobody is
	// refused. The sets go with their objects, see above. To add an origin to a
	// set costs some 0.1 µs for each that is in it.
	maxOrigins     = 1024
	maxOriginBytes = 16 << 20
	// maxReceivedBytes bounds what we keep to count the references that peers
	// gave us, in bytes, shared like the other budgets; their number is bounded by
	// maxPeerRefs for each peer. A further one can be used, but is not given back:
	// its lease ends with us. A reference that is given back makes room, and so
	// does a peer that is gone for a lease.
	maxReceivedBytes = 64 << 20
	// releaseBatch bounds the references given back in one request.
	releaseBatch = 512
)

// Addresses.
const (
	// maxPeers bounds the validated addresses, and those that we chose to talk
	// to, some 1.5 KiB each with a session; the least recently heard of is
	// forgotten, what runs for it is cancelled, and what it held is given back.
	// Nobody is refused: one that is forgotten opens a session anew, and to use
	// what it had is ErrStale.
	maxPeers = 16384
	// maxGuests bounds the addresses that are not validated and are served like
	// originals, some 1.5 KiB each and what they hold: that is forgotten with the
	// least recently heard of. Peers of ours are not among them: nothing is kept
	// of one before its address is validated.
	maxGuests = 256
	// maxHeld bounds the answers and requests that wait until an address is
	// validated, of all addresses, and maxHeldBytes their bytes. The oldest is
	// dropped: its client hears nothing, and asks again if it does that. They go
	// when their address is validated, or after heldKept, when nobody waits for
	// them any more.
	maxHeld      = 256
	maxHeldBytes = 1 << 20
	heldKept     = 10 * time.Second
	// amplification is how many bytes an unvalidated address may be sent for
	// each byte that it sent (RFC 9000, section 8.1).
	amplification = 3
	// sourceRate and sourceBurst bound what is read of an unvalidated address,
	// per second and at once, in datagrams of sourceUnit bytes. When only
	// challengeBelow of the burst are left, the address is asked to validate
	// itself, so that an original has done it by the time it is needed. What
	// exceeds the burst is held, or dropped without a word; the bucket is full
	// again after sourceBurst/sourceRate seconds.
	sourceRate     = 20
	sourceBurst    = 50
	sourceUnit     = 1500
	challengeBelow = 10
	// sourceSlots is how many token buckets there are for these addresses, some
	// 80 bytes each. Two that share one share its rate; which ones do is a
	// secret.
	sourceSlots = 4096
	// largeRate bounds the datagrams above largeAbove bytes of all unvalidated
	// addresses together, in bytes per second and at once. No program needs
	// such a datagram before its address is validated: what exceeds the rate is
	// held or dropped likewise. A second later there is room again.
	largeRate  = 4 << 20
	largeAbove = 512
	// guestRate bounds the datagrams of all unvalidated addresses together, per
	// second and at once, and helloRate the SYNCs of peers of ours among them, which
	// are not counted there. What exceeds that is dropped before it costs anything,
	// so that a flood from forged addresses leaves the machine to validated clients:
	// originals come one by one, and a peer of ours sends its SYNC again.
	guestRate = 2000
	helloRate = 20_000
	// helloMost is the size of the largest SYNC of a peer of ours, in bytes.
	helloMost = 256
	// challengeEvery is the shortest pause between two challenges.
	challengeEvery = 100 * time.Millisecond
	// cookieTime is how long a cookie is good: less than sessionKept, so that
	// none opens a session again that was forgotten in its time.
	cookieTime = time.Minute
	// maxHomes bounds the addresses under which peers know us, some 200 bytes
	// each: all that a machine has, but not all of 127.0.0.0/8. A reference that
	// names a further one is known to be ours only if it leads to our socket.
	// They are kept as long as the Service.
	maxHomes = 4096
	// peerHomes bounds the homes by which one peer calls itself, some 100 bytes
	// each; the oldest is forgotten, and references that name it go by its
	// address.
	peerHomes = 8
)

// Listings.
const (
	// pageBytes is about how much one page of a listing carries, in bytes. It
	// leaves room for the last entry and for the rest of the packet.
	pageBytes = 60_000
	// maxEntry is the most that one entry of a page may take, in bytes, so
	// that it fits a datagram with all that goes with it.
	maxEntry = 60_000
	// maxListed and maxListedBytes bound one listing that a client collects, in
	// entries and in bytes, those on the wire and valueCost for each value: some
	// hundred times what a person wants to see in one directory. A longer one
	// ends with what was collected and codec.ErrPartial.
	maxListed      = 1 << 17
	maxListedBytes = 32 << 20
	// valueCost is about what a value takes in memory beside its bytes, in bytes.
	valueCost = 32
	// pageCost is what each page counts with at least, in bytes, so that pages
	// without entries do not go on for ever.
	pageCost = 1 << 10
)

// maxDatagram is the largest packet, in bytes.
const maxDatagram = wire.MaxDatagram

// badLogEvery limits how often bad datagrams are logged.
const badLogEvery = time.Second
