// Package fsview shows the objects of a peer as a file system.
//
// The rule behind everything: a file is a value, a directory is a reference.
// Numbers, text, bytes, lists, tuples, sets and dicts are sent as copies, so
// they are files. Everything else stays where it is and is used from afar, so
// it is a directory.
//
//	$ ls -l demo
//	drwxr-xr-x 1 root root    0 Nov 22 11:13 add
//	drwxr-xr-x 1 root root    0 Nov 22 11:13 child
//	-r--r--r-- 1 root root 4096 Nov 22 11:13 fixed
//	-rw-r--r-- 1 root root    6 Nov 22 11:13 name
//	-rw-r--r-- 1 root root    2 Nov 22 11:13 number
//	drwxr-xr-x 1 root root    0 Nov 22 11:13 numbers
//	lrwxrwxrwx 1 root root    8 Nov 22 11:13 other -> ../other
//	lrwxrwxrwx 1 root root    1 Nov 22 11:13 self -> .
//	$ echo 6 > demo/number; cat demo/number
//	6
//	$ echo x > demo/number
//	bash: echo: write error: Invalid argument
//	$ cat demo/number.err
//	EINVAL: want int, got "x": column 1: expected a value, found the name x: text needs quotes
//	$ echo '2, b=3' > demo/add/call; cat demo/add/call
//	5
//	$ demo/.bin/add 2 --b=3
//	5
//	$ ls demo/numbers/index; cat demo/numbers/len
//	0  1  2
//	3
//
// # What is where
//
// The root holds the registered names and .nom; of several peers, a directory for
// each, which holds its names. .local has what this process itself exposes, and is
// listed if that is anything. An object's directory holds its
// attributes, and where they fit: call, to call it; len, its length; index/,
// its items. Not listed, but there: repr and str, .dir (names), .type, .doc,
// .oid, .sig (how it is called: add(a, b=2)), .bin/ (see Commands), .json
// and the views of each attribute (see Views). Below .nom are
// README, status, error (the last error of the caller's login session), log (all
// failed operations, at most 1 MiB of them), ctl (see Control) and obj/ID, where
// every object that a link or a result has named can be reached.
//
// Looking up is the authority, listing does its best: a peer that cannot tell
// the attributes of its objects still answers for each name that is typed, and
// names that answered once are listed from then on. A name that is no identifier
// is asked for where the object does not advertise its names; where it does, its
// description is believed for ten seconds.
//
// # Names
//
// A name that cannot be a file name is spelled with %XX for each byte that is
// in the way: a slash, control bytes, the percent sign, bytes that are not
// UTF-8, a leading dot, and in an object's directory every dot. The empty name
// is a lone %. An attribute that is called like a control entry gets a % at its
// end: index%. Every name has one spelling only. Names that begin with an
// underscore are not listed.
//
// A key of index/ is its text. A name that is the text of no key that the peer
// advertises is read as a literal where it is an integer, quoted or bracketed, as a
// slice where it looks like 1:3 or ::2, and else as text.
//
// # References
//
// A reference is a directory, unless the same object is registered, with any peer
// of the mount or in .local, or lies on
// the path already, or the path has four objects on it: then it is a relative
// link to its better place, in the last case below .nom/obj. So every path
// ends, and find, du, cp -r, grep -r and tar end as well. Every path has an
// inode of its own. When a reference has become stale, because the peer was
// restarted, the path is resolved again; an id in .nom/obj is not. Calls and
// changes are tried again only where it is certain that nothing has run.
//
// A reference that the kernel has forgotten, and that nothing else in the mount
// uses, is given back to the peer some seconds later. What a call returned is
// kept for ten minutes, since its path may be in somebody's hands. Which object
// is registered is known from one request for all names, at most ten seconds
// old; of a peer that cannot tell, from the names that were looked up or
// listed.
//
// # Requests
//
// A name is looked up with one request, which also brings the value. A method is
// never fetched: looking it up tells what it is, and calling it names its
// object. A listing is one Describe, or one Keys, and a request for each
// attribute that is a reference. Whoever reads more than eight attributes of an
// object in a tenth of a second, waiting for the peer not counted, gets the
// others from one Snapshot.
//
//	cat a/b/c/d              4 requests: names and references, b, c, d
//	echo 2 > a/add/call      3 requests: names and references, add, the call
//	cat wide/*               14 requests for a thousand small values
//	ls processes/index       a few requests for any number of items
//
// # Reading
//
// A value is asked for once when a file is opened, and all reads of that open
// file see the same. It may be up to a second old, if it was asked for by the
// lookup before, unless something was written or called in this mount since
// then. Text, and bytes that are text, are shown as they are, other bytes raw,
// and everything else as a Python literal; a newline follows all but raw bytes.
// Reading a file and writing the same back changes nothing.
//
// The size is exact while the value is known, then as it was last, and 4096
// before that; a process that has the file open itself is told the size of what it
// sees there. The time of change is when this mount last saw the value change.
//
// # Writing
//
// Truncating does nothing by itself: a handle starts empty, and what is written
// replaces the value. The first write whose length is no multiple of 4096
// assigns at once, so that the shell sees the error; what follows is assigned
// when the file is closed or synced. The text must fit the type that the
// attribute has. Where there is none, it becomes a literal if it is one, and
// text if not. Appending works for text and bytes, to what they hold by then:
// of several who append through one mount none loses the lines of the others. A
// literal whose bracket or quote is still open waits for the rest. Programs
// that merely inherited the descriptor change nothing when they end. A program
// that keeps a file open and writes again from its start assigns again.
//
// A new file becomes an attribute with the first write; closed without one, it
// was never there. Until then it is there for who created it.
//
// @ and the absolute path of an object in this mount assigns the reference,
// except to what holds text, which takes it as text; ATTR.repr takes it always.
// So does a symbolic link into the mount.
//
//	$ echo @/mnt/x/other > demo/friend; readlink demo/friend
//	../other
//
// rm and rmdir delete an attribute or item, whatever is in it. Who has listed
// the directory and has it open, as rm -r and find -delete have, is refused, and
// so is rm -r of more than one name, which the shell makes of rm -r *. A mount
// can also be told to delete nothing, or to let rm -r through.
//
// A name that was deleted keeps its type for ten seconds: mv from elsewhere,
// install and tar delete first and write then. If what these write is refused
// (mv, cp, install, tar, bsdtar, cpio and git, by the name of the process), the
// value that they deleted is put back. What the peer sets but does not delete, or
// only empties, as it does the fields of a Go struct, is out of their sight for as
// long; of what it does not delete anyone else hears EPERM.
//
// # Tools' own files
//
// Editors and tools save by way of files of their own. These are known by their
// names alone: a leading dot or #, a trailing ~, digits (not in index/, where
// they are keys), a dot inside that begins no view, sed and six characters, tmp
// and anything, and the temporary names of perl -i and, for links, of ln -sf. Such
// a file lives in the memory of the mount, at most 1 MiB each, 256 of them and 16 MiB in all, and
// is gone with it. The peer never hears of it. It is not listed, but .nom/status
// tells what is left. An attribute that the object is known to have is always
// that attribute; but a name of these shapes is never asked for, so that an
// attribute that is not advertised, and called tmp1, cannot be reached.
//
//	$ sed -i s/5/6/ demo/number       the peer sees one assignment
//	$ sed -i s/6/x/ demo/number
//	sed: cannot rename demo/sedq4xi9P: Invalid argument
//
// Renaming such a file to an attribute assigns its text as a write would, and a
// refusal leaves it where it was. Who has it open and writes more assigns again
// when closing. Renaming an attribute to such a name, as vim and cp --backup do,
// makes a copy and asks the peer for nothing: the attribute is out of sight until
// it is written anew, at most ten seconds, and is then back as it was. Renaming
// the copy back undoes it.
//
// Renaming an attribute sets the new name to the same value or reference and
// deletes the old one, between any two objects of the mount. If the old one
// cannot be deleted, a new name that was not there is taken back. Two names are
// never exchanged.
//
// # Views
//
// An attribute can be looked at in other ways, which are not listed:
//
//	ATTR.err     its last error; a method's covers its call
//	ATTR.type    its type
//	ATTR.repr    the exact literal, to read and to write; of a reference, @PATH
//	ATTR.json    JSON, to read and to write
//	ATTR.lines   of a list, tuple, set or dict: one item a line
//	ATTR.items/  of the same: its items as files, containers as directories
//	ATTR.watch   its value, and a line for each change
//	ATTR.listen  a line for each call of what is assigned to ATTR by opening it
//
// JSON is indented by two blanks, one item a line, members sorted. What it has
// no words for is an object with one member: {"@tuple": [...]}, {"@set": [...]},
// {"@dict": [[key, value], ...]} where a key is no text, {"@base64": "..."} for
// bytes that are no UTF-8, {"@float": "inf"}, {"@": "path"} for a reference, from
// the directory of the object, and {"@literal": "..."} for anything else. Byte
// string and text, int and long look alike; written back they become what the
// value has in the same place, and a whole number where a float is becomes one.
// So a program that reads JSON, changes a part and writes it keeps the types of
// the rest. Like .repr it can also set any other type.
//
//	$ cat demo/pair.json
//	{
//	  "@tuple": [
//	    1,
//	    "x"
//	  ]
//	}
//
// OBJ/.json is the whole object: the plain attributes from one request, as they
// are at one moment, references as their names, no methods. What does not come
// with that request, such as an attribute that is computed, one that holds
// references or a large one, costs one of its own. A peer that cannot tell its
// attributes is asked for each that is known.
//
// A line of ATTR.lines is the text of the item, and its literal where that holds
// a newline or raw bytes; of a dict it is key, tab, value. Lists and tuples are
// in order, sets and dicts sorted. What is in ATTR.items has the names that
// index/ would have, those of a set the items themselves. Both show the copy that
// the value is, at most a second old, and cannot be written (EROFS).
//
// # Calling
//
// One line written to call is one call: 1, "a", k=2 with Python literals,
// keywords, @PATH for an object of this mount, from where the caller stands or
// from the root; a plain word is text. All lines
// of one write are read before the first is called; after an error the rest of
// them is not called. The result is read from the same open file, or within a
// minute by any process of the same login session. Reading never calls. None
// reads as nothing, a reference as its path, an iterator, which is what has
// __iter__ and next, or a built-in next on a peer that denies the former, as its
// items, one a line and a mebibyte at most. An error is
// told once, to whoever waits for it first.
//
// A write waits a second for the result, closing and reading wait for the rest
// and can be interrupted. A caller that is exiting is never made to wait. A
// signal that kills the caller cancels the call; a program that repeats a write
// after another signal does not call twice. Who waits when the mount ends, or the
// peer is taken out of it, gets ENODEV.
//
// # Commands
//
// .bin/METHOD in an object's directory, and .bin/NAME in the root for what is
// registered and can be called, are programs, listed in .bin alone. Each is a
// script whose interpreter opens METHOD/call and reads the result through the
// same descriptor, so that any number may run at once. It is a file of its own,
// which nobody may write, since a file that somebody has open for writing cannot
// be run. A peer that cannot tell its methods may have any that is an
// identifier; one that can is not asked for others, except when its
// description is older than ten seconds.
//
//	#!/usr/local/bin/nomfs call-file
//
// What went wrong in a call of the process that asks is the extended attribute
// user.nom.error of the call file, whatever others called meanwhile.
//
// # Following
//
// ATTR.watch and ATTR.listen are texts that grow while they are open. Below the
// end they can be read again, at the end reading waits: cat, head -n1 and while
// read all work, and Ctrl-C ends them. Who opens them with O_NONBLOCK, as tools do
// that walk through trees, gets what is there and the end.
//
// A watch asks once a second. Its lines are those of ATTR.lines: a value with a
// newline in it is a literal. A value that cannot be had at the moment is waited
// for; when the attribute is gone, reading fails with ENOENT. What changes while
// the reader lags a mebibyte behind is told once it has caught up.
//
// ATTR.listen makes an object that can be called, assigns it to the attribute,
// and tells each call, by whoever, with a tag and the arguments as call takes
// them. Opened for reading the call is answered with None at once; opened for
// both, by a line with the tag and a value, or error and a text. Since even
// reading assigns, only the owner of the mount may open it.
//
//	$ cat demo/on_change.listen &            $ demo/.bin/on_change hello k=1
//	tag=1 ['hello', k=1]
//	$ exec 3<>demo/on_change.listen
//	$ read -r l <&3; echo $l                 $ demo/.bin/fire
//	tag=1 [42]
//	$ echo 'tag=1 "thanks"' >&3              thanks
//
// Only nothing, None or what can be called is replaced (EBUSY), and what cannot be
// reached, such as the listener of a mount that was killed; by one listener at a
// time in this mount. When the file is closed, or the mount ends, the value
// from before is put back, as soon as the peer answers, unless somebody else has
// assigned another; None if that was a listener that is over. Where the attribute
// was assigned anew, or the peer was restarted, which is looked for every five
// seconds, reading fails with ESTALE. Up to 1024 calls wait for answers; a
// listener that lags a mebibyte behind is not called any more, and the callers
// are told.
//
// # Control
//
// .nom/ctl takes commands, a line each. It is not listed, since nobody but root
// may read it and tar would fail.
//
//	refresh            forget what the peers advertised
//	reconnect [PEER]   synchronize anew
//	timeout SECONDS    bound each operation but calls, fractions allowed
//	drop PEER          take one of several peers out of the mount
//
// # Bounds
//
// Whatever a peer answers, a mount stays within the bounds of params.go, which says
// of each table how large it gets, what happens when it is full, and how room comes
// back. A listing that would be too long is truncated: its beginning is shown, and
// .nom/error and .nom/log say so. Names that are left out work when they are typed.
//
//	$ ls endless/index | wc -l; cat .nom/error
//	131072
//	2026-11-28T12:00:00Z list endless/index EFBIG: the listing is truncated after 131072 entries, 5111808 bytes
//
// # Limitations
//
// Sizes are guesses before the first read. Nothing wakes inotify. select and
// poll say that every file is ready. A value has no holes and no shared
// mappings. Hard links are refused. An editor that fails to save may write back
// what it had read. A program that lists a directory, closes it and then deletes
// what was in it, as perl's rmtree and vim's delete() do, is not taken for rm -r.
// bash writes each line of a
// multi-line echo by itself, so a value of two lines is assigned twice. A tree
// that was saved with its call files, copied back, calls what they hold.
package fsview
