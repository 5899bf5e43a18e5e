// Package auth says who may do what: it defines the Authenticator that screens
// every client and every access of a service, and the one that services use
// unless they bring their own.
//
// # Flow
//
// When an address is heard of for the first time, and at each SYNC, the service
// asks Admit. A client that is not admitted gets False as the answer to its
// SYNC and "Access denied" to everything else; nothing is looked up for it.
// For a client that is admitted the service asks Allow before each access,
// with the right that the operation needs:
//
//	right    operations
//	list     LIST
//	read     RESOLVE, GetAttr, GetItem, Len, Repr, Str, Describe, Dir, Keys
//	write    SetAttr, SetItem
//	delete   DelAttr, DelItem
//	call     Call
//
// An operation without a right is refused before anyone is asked. Listings
// (Dir, Describe) ask once for each name and leave out what may not be read.
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
// Over plain UDP an Identity is a source address, and anyone on the path, or
// anyone who can forge a source address, can claim it. That is why a service
// talks plain NOM on loopback only, unless told otherwise, and why object ids
// are random: an object can be used by those who were given its reference. An
// Authenticator over plain UDP restrains the honest; it does not keep out an
// attacker who is on the network.
package auth
