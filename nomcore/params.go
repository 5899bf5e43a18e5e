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
	// maxResends is how often one packet is sent again.
	maxResends = 4
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
	// probeIdle ends the probing of a peer that is down when nobody has
	// asked for it for so long; the next caller tries it afresh.
	probeIdle = 10 * time.Minute

	// dedupWindow is how long the answer to a request from an original peer
	// is replayed to identical copies. A copy made by the network arrives
	// within it; a script that is run again sends the same bytes from the
	// same port and must be served, but takes longer to start.
	dedupWindow = 2 * time.Second
	// dedupPerClient and dedupBytes bound the table of answers.
	dedupPerClient = 256
	dedupBytes     = 16 << 20

	// maxClients bounds the table of addresses that have contacted us; the
	// least recently seen is forgotten, and screened again when it returns.
	maxClients = 4096
	// maxPeers bounds the table of addresses that we call, callbacks
	// included. Those in use are never dropped.
	maxPeers = 4096

	// maxWorkers bounds the requests that run at once, callbacks that wait
	// for callbacks included; workQueue how many more wait for a worker.
	// What exceeds both is dropped and counted, as a full socket buffer would.
	maxWorkers = 1024
	workQueue  = 4096
	// workerIdle is how long a worker without work is kept.
	workerIdle = 10 * time.Second

	// closeWait bounds how long Close waits for handlers that ignore their
	// context.
	closeWait = time.Second

	// pageBytes is about how much one answer of Dir, Keys or Describe
	// carries; the rest follows in further pages. It leaves room for the
	// last entry and for the echo of the request.
	pageBytes = 32 << 10

	// badLogEvery limits how often bad datagrams are logged.
	badLogEvery = time.Second
)
