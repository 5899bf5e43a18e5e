// Package auth defines access rights: the Authenticator, which screens every client
// and every access of a server, and Default, the Authenticator of a server that
// has no other.
//
// # Flow
//
// At the first packet from an address, and at each SYNC, the server calls Admit. It
// answers False to the SYNC of a client that Admit refuses and "Access denied" to
// all its other requests, and looks nothing up for it. For an admitted client the
// server calls Allow before each access, with the right that the operation needs:
//
//	right    operations
//	list     LIST
//	read     RESOLVE, GetAttr, GetItem, Len, Repr, Str, Describe, Dir, Keys
//	write    SetAttr, SetItem
//	delete   DelAttr, DelItem
//	call     Call
//
// The server refuses an operation without a right and asks nobody. For listings
// (Dir, Describe) it calls Allow once for each name and leaves out the names that
// the client may not read.
//
// # Default
//
// Default admits every client and refuses attributes whose name begins with an
// underscore, for reading, writing and deleting alike. Items, calls, lengths
// and texts are not restricted.
//
//	nomfs get host _secret      Access denied
//	nomfs get host hostname     allowed
//
// # Threat model
//
// Over plain UDP an Identity is a source address. Anyone on the path, or anyone who
// can forge a source address, can claim it. Therefore a server speaks plain NOM on
// loopback only, unless its configuration allows more, and object ids are random:
// a client can use an object only after it got its reference. An Authenticator
// over plain UDP restrains honest clients; it does not keep out an attacker on the
// network.
package auth
