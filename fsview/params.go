package fsview

import "time"

// What a mount holds in memory that a peer, or a user of the mount, can make grow.
// Each table has a bound in number and one in bytes; what happens when it is full,
// and how room comes back, is said with it. What has no line here is as large as
// the number of files that processes have open, or as one datagram.
const (
	// maxListed and maxListedBytes bound one listing: the keys, attributes or names
	// that a peer tells in one answer. When it is full the listing ends there: what
	// it has is shown, the rest is left out, and .nom/error and .nom/log say so
	// (codec.ErrPartial). Names that are left out work when they are typed.
	// 100,000 described attributes with 100 bytes of text each fit.
	maxListed      = 1 << 17
	maxListedBytes = 24 << 20
	// maxGuessedKeys is how many items are listed of an object that has a length but
	// cannot tell its keys. The listing says so like one that is full.
	maxGuessedKeys = 10_000
	// maxOpenListed bounds the entries of all open directories together. When it is
	// full no further directory is listed (ENFILE) until one is closed.
	maxOpenListed = 1 << 19

	// maxObjects and maxKept, in bytes, bound what is remembered of the objects of one
	// peer: values, descriptions, keys and names. When it is full the objects used
	// longest ago are forgotten, and asked for again when they are used.
	maxObjects = 8192
	maxKept    = 64 << 20
	// maxKeptValues, in bytes, bounds the values among it of one object. When they are
	// full they are forgotten, and asked for again.
	maxKeptValues = 16 << 20
	// maxLearnt bounds the names that one object was found to have without telling
	// them, and the names that a peer was found to have registered. When it is full,
	// what is found is used, but is not listed, and no link leads to it.
	maxLearnt = 10_000

	// maxRefs and maxRefBytes bound the references of one peer. When they are full,
	// those that nothing in the mount uses are given back, the oldest first, until a
	// quarter is free. What nodes and operations use stays, see maxNodes.
	maxRefs     = 1 << 18
	maxRefBytes = 64 << 20
	// maxIDs bounds the names below .nom/obj. When they are full, the name used
	// longest ago goes (ENOENT); who looks at a link to the object makes it again.
	maxIDs = 1 << 16
	// maxNodes bounds the files and directories that the kernel knows. When it is
	// full, listings tell names alone, and the kernel is asked to forget: files and
	// links first, then directories that nobody has used for nodeIdle. A name that is
	// looked up is refused (ENFILE) only at maxNodes and a quarter more.
	maxNodes = 1 << 17
	nodeIdle = time.Minute

	// maxCalls bounds the calls that run. When it is full, a call is refused (EAGAIN)
	// until another one ends.
	maxCalls = 1 << 14
	// maxResult bounds the results of the lines of one write, in bytes. A call whose
	// results are more fails (EFBIG), and the lines after it are not called.
	maxResult = 4 << 20
	// maxResults and maxResultBytes bound the results kept for sessions. When they are
	// full, the result used longest ago goes, and reads as if there had been no call.
	// Each of them lasts resultTime.
	maxResults     = 4096
	maxResultBytes = 64 << 20
	resultTime     = time.Minute

	// maxErrorSessions and maxErrorPaths bound the errors that are remembered of
	// sessions, of paths, and of processes. When they are full, the oldest goes.
	maxErrorSessions = 256
	maxErrorPaths    = 1024
	// maxErrorText bounds one of them, in bytes. A longer one is cut.
	maxErrorText = 4 << 10
	// maxLog bounds the log in memory, in bytes: some ten thousand lines. When it is
	// full its older half goes, and who follows it sees the file shrink.
	maxLog = 1 << 20

	// maxWholeText bounds the JSON of a whole object, in bytes. That of a larger one
	// cannot be read (EFBIG): one that ends in the middle is no JSON.
	maxWholeText = 16 << 20
	// maxItemsText bounds the text that the items of an iterator fill, in bytes. What
	// has more fails (EMSGSIZE): what goes on for ever must be stopped somewhere.
	maxItemsText = 1 << 20
	// maxUnread bounds what a stream keeps for a reader that does not read, in bytes.
	// When it is full, a watch tells what changed once the reader has caught up, and
	// the callers of a listener are told that nobody reads.
	maxUnread = 1 << 20
	// maxAwaiting is how many calls of one listener may wait for an answer. When that
	// many wait, a caller is told that nobody reads.
	maxAwaiting = 1024

	// maxScratch is the largest scratch file in bytes (EFBIG): far more than any value
	// that one datagram carries, and room for an editor's swap file. maxScratchFiles
	// and maxScratchTotal, in bytes, bound all of them (ENOSPC), until one is removed.
	maxScratch      = 1 << 20
	maxScratchFiles = 256
	maxScratchTotal = 16 << 20
	// maxMoved bounds the paths whose inode went elsewhere by a rename. When it is
	// full, a new file at such a path has the number of the old one.
	maxMoved = 1 << 16
)
