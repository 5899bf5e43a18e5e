package nomcore

import "time"

// Every number of the protocol and of its timing, with its unit and reason.
const (
	// DefaultPort is the UDP port of a peer that names none.
	DefaultPort = 12074

	// maxDatagram is the largest UDP payload over IPv4, in bytes: 65,535
	// less 20 of IP header and 8 of UDP header. A packet is one datagram.
	maxDatagram = 65507

	// recvBuffer is what one read can take, in bytes: more than any datagram,
	// so that none is ever cut without notice.
	recvBuffer = 1 << 16

	// socketBuffer is asked for as the kernel's receive and send buffer, in
	// bytes. Linux's default of 208 KiB loses a quarter of a burst of 1024
	// small datagrams.
	socketBuffer = 4 << 20

	// defaultTimeout bounds an operation whose context has no deadline:
	// longer than any healthy answer, short enough for a person to wait.
	defaultTimeout = 5 * time.Second

	// rtoInitial is the first retransmission timeout while nothing was
	// measured (RFC 6298, section 2.1).
	rtoInitial = time.Second
	// rtoMin keeps a fast loopback from resending while the peer is merely
	// scheduled out.
	rtoMin = 100 * time.Millisecond
	// rtoMax caps the doubling: a peer that comes back is noticed.
	rtoMax = 8 * time.Second
	// maxResends is how often one packet is sent again to an original peer,
	// which executes every copy.
	maxResends = 4
	// maxResendsUnknown is the same for an address that we were merely given
	// in a reference, and that has never answered: it may be nobody's peer,
	// and whoever gave it must not make us send it much.
	maxResendsUnknown = 1
	// rtoMaxSession caps the doubling towards our own peers, which drop
	// copies: there it is sent until the caller's deadline. At 30 % loss each
	// way every second try succeeds.
	rtoMaxSession = 2 * time.Second
	// rtoJitter is the part of a timeout that is random, both ways, so that
	// peers that lost a burst together do not resend together.
	rtoJitter = 0.25

	// windowInitial and windowMax bound the requests in flight towards one
	// peer: the original answered every burst of 256 and half of 512, and it
	// starts a thread for each. The window grows by one per full window of
	// answers and is halved on a timeout.
	windowInitial = 8
	windowMax     = 32
	// windowExtended is the bound towards our own peers, which queue what
	// they cannot run at once.
	windowExtended = 256

	// probeAfter is the silence after which a waiting caller has the peer
	// probed, and the pause between probes.
	probeAfter = time.Second
	// probeCopies is how many probes go out in that time while nothing is
	// heard: at 30 % loss each way one of two is answered.
	probeCopies = 2
	// probeIdle ends the probing of a peer that is down when nobody has
	// asked for it for so long; the next caller tries it afresh.
	probeIdle = 10 * time.Minute

	// cancelWait bounds how long a peer is told that a call is cancelled.
	cancelWait = 10 * time.Second
	// tellWait bounds how long Close waits for that: some copies, and less
	// than a person at a shell takes for a delay.
	tellWait = 400 * time.Millisecond

	// dedupWindow is how long the answer to a request from an original peer
	// is replayed to identical copies. A copy made by the network arrives
	// within it; a script that is run again sends the same bytes from the
	// same port and must be served, but takes longer to start.
	dedupWindow = 2 * time.Second
	// syncCopyWindow is how long an identical SYNC is taken for a copy: less
	// than it takes to start a program again.
	syncCopyWindow = 50 * time.Millisecond
	// dedupPerClient and dedupBytes bound the table of answers.
	dedupPerClient = 256
	dedupBytes     = 16 << 20

	// sessionKept is how long a silent session is remembered: longer than any
	// copy of a request can be under way.
	sessionKept = 120 * time.Second
	// maxSessions bounds the sessions that one address opens, maxAllSessions
	// those of all, maxSessionCalls the requests of one session whose answers
	// its client has not acknowledged, maxSessionBytes their answers, and
	// maxSessionsBytes the answers of all, where each request counts with
	// entryCost bytes of its own.
	maxSessions      = 16
	maxAllSessions   = 1 << 16
	entryCost        = 128
	maxSessionCalls  = 1024
	maxSessionBytes  = maxSessionCalls*entryCost + 256<<10
	maxSessionsBytes = 64 << 20

	// leaseTime is how long the references of a peer of ours are kept after
	// its last sign of life. renewEvery is how often a silent holder gives
	// one: two may be lost.
	leaseTime  = 60 * time.Second
	renewEvery = 20 * time.Second
	// housekeepEvery is how often leases are checked and references given
	// back.
	housekeepEvery = 5 * time.Second
	// maxOriginalRefs bounds the references of an original peer, which never
	// gives one back; the least recently used is forgotten. The same bound
	// holds for all addresses together that are not validated.
	maxOriginalRefs = 4096
	// maxPeerRefs bounds the references of a peer of ours, and maxPeerRefBytes
	// what they may keep in memory, in bytes: for 100,000 objects. A further
	// one is refused with errTooManyReferences.
	maxPeerRefs     = 1 << 17
	maxPeerRefBytes = 64 << 20
	// maxRefs bounds the references of all peers, and maxRefBytes what they
	// may keep in memory, in bytes. When they are full, the peer whose
	// references keep most in memory pays for the next one of any other peer,
	// see registry.makeRoom: a newcomer is always served.
	maxRefs     = 1 << 20
	maxRefBytes = 256 << 20
	// maxOrigins bounds the origins under which one object is known, and
	// maxOriginBytes what their sets may take, in bytes. An object that is
	// reached under more is known under the first ones. To add one to a set
	// costs some 0.1 µs for each that is in it.
	maxOrigins     = 1024
	maxOriginBytes = 16 << 20
	// maxReceivedBytes bounds what we keep to count the references that peers
	// gave us, in bytes; their number is bounded by maxPeerRefs for each peer.
	maxReceivedBytes = 64 << 20
	// releaseBatch bounds the references given back in one request.
	releaseBatch = 512

	// maxPeers bounds the addresses that have proven that they are who they
	// say; the least recently heard of is forgotten. maxStrangers bounds the
	// others, apart, so that forged addresses cannot displace real clients.
	maxPeers     = 16384
	maxStrangers = 4096
	// maxHomes bounds the addresses under which peers know us: all that a
	// machine has, but not all of 127.0.0.0/8.
	maxHomes = 4096
	// amplification is how many bytes an unproven address may be sent for
	// each byte that it sent.
	amplification = 3
	// strangerRate and strangerBurst bound the requests of an unproven
	// address, per second and at once. When only challengeBelow of the burst
	// are left it is asked for proof, so that one that is real has given it
	// by the time it is needed.
	strangerRate   = 20
	strangerBurst  = 50
	challengeBelow = 10
	// strangersRate bounds the datagrams of all unproven addresses together,
	// per second; at once it is one for each that there is room for. What
	// exceeds that is dropped before it costs anything: a flood, for real
	// clients come one by one and try again.
	strangersRate = 2000
	// maxHeld bounds what waits for the proof of one address: answers and
	// requests together; maxHeldBytes the bytes of all.
	maxHeld      = 64
	maxHeldBytes = 4 << 20

	// maxWorkers bounds the requests that run at once, callbacks that wait
	// for callbacks included; workQueue how many more wait for a worker.
	// What exceeds both is dropped and counted, as a full socket buffer would.
	maxWorkers = 4096
	workQueue  = 4096
	// maxPeerWorkers is how many of them one peer may keep busy. Its further
	// requests wait, maxPeerBacklog of them.
	maxPeerWorkers = 1024
	maxPeerBacklog = 4096
	// maxControlWorkers are kept for what must be answered however busy the
	// others are: LIST, and the operations about the connection.
	maxControlWorkers = 64
	// workerIdle is how long a worker without work is kept.
	workerIdle = 10 * time.Second

	// closeWait bounds how long Close waits for handlers that ignore their
	// context.
	closeWait = time.Second

	// pageBytes is about how much one answer of Dir, Keys or Describe
	// carries; the rest follows in further pages. It leaves room for the
	// last entry and for the echo of the request.
	pageBytes = 32 << 10

	// maxEntry is the most that one entry of a page may take, in bytes, so
	// that it fits a datagram with all that goes with it.
	maxEntry = 60_000

	// badLogEvery limits how often bad datagrams are logged.
	badLogEvery = time.Second
)
