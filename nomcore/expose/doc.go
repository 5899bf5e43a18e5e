// Package expose makes objects of what a machine has, as a file says: values,
// files, programs, data, mailboxes, and objects of other peers.
//
//	listen = "127.0.0.1:12074"
//
//	[objects.app]                        # an object with attributes
//	doc     = "the thing we run"
//	version = "1.4.2"
//	limit   = { value = 10, writable = true, persist = true }
//	motd    = { file = "/etc/motd", writable = true }
//	load    = { command = ["cat", "/proc/loadavg"], cache = "1s" }
//	power   = { get = ["pw", "get"], set = ["pw", "set", "{value}"] }
//	restart = { call = ["systemctl", "restart", "{unit}"], args = ["unit"] }
//	token   = { env = "APP_TOKEN", hidden = true }
//	logic   = { script = "logic.star" }
//	stock   = { data = "stock.json" }
//	inbox   = { mailbox = 1000 }
//	host    = { builtin = "host" }
//	other   = { peer = "10.0.0.7:12074", object = "app" }
//
//	[objects.app.sub]                    # an object within it
//	x = 1
//
// # The file
//
// It is TOML. listen is where to serve; below objects each table is an object
// that is registered under its name, and each key in it an attribute. A key in
// a table decides what that is:
//
//	value    a value                        command   what a program prints
//	file     what is in a file              get, set  what programs read and set
//	env      a variable of the environment  call      a program to be called
//	script   a Starlark file                data      a file of JSON, YAML or TOML
//	mailbox  calls are kept                 builtin   host or demo
//	peer     an object of another peer      slot      what clients put there
//
// A table with none of them, and a header, is an object with attributes. Any
// other value is a read-only attribute with that value; dates and times are
// text. script, data, mailbox, builtin, peer and call make objects, which can be
// registered as well: [objects.stock] with data = "stock.json". Whatever has
// one of the names above may be called so in a table attrs, where every key is
// the name of an attribute:
//
//	[objects.app.attrs]
//	value = 21.5
//
// Every entry takes doc, a text for people, and hidden and readonly: true hides
// it from listings, or refuses to change it. They are hints; who may do what is
// the authenticator's affair. Paths that are not absolute begin at the
// directory of the file.
//
// A key that is not known, a wrong type, a key that is there twice, a missing
// file or program: all mistakes are told at once, as file:line:column: key:
// text. After a mistake in the TOML itself nothing else can be told.
//
// # Values
//
// writable lets clients set it to what is of the same type, an int for a float
// included; type = "any" lifts that. persist keeps what was set: when setting
// returns it is safe, even if the machine stops. The state is one file, replaced
// in one step, FILE.state next to the file, or where nobody may write there
// $XDG_STATE_HOME/nomfs/…; one that is damaged is kept as FILE.state.bad-TIME,
// and that is logged. What was set counts until the value in the file is
// edited. Several processes may serve the same file: what each of them sets is
// kept, of one value what was set last, and the others have it when they start
// again. slot = true is a place for anything, a callback most often; as long as
// nothing is in it there is no such attribute.
//
// # Text
//
// file, env, command, get and call have a type, which says what their text
// stands for:
//
//	text     the text without its last newline, which writing puts back
//	bytes    every byte
//	int float bool   a number; true, yes, on, 1, or false, no, off, 0
//	lines    a list with the text of each line
//	json     a JSON value
//	literal  a Python literal
//
// At most 60,000 bytes are read. What cannot be read as the type is a
// ValueError, and what is set has to have the type.
//
// # Files
//
// A file is read to its end each time, so that those in /proc work; pipes and
// devices are refused. Setting the attribute replaces the file in one step:
// mode and owner stay, a symbolic link stays and its target is replaced. create
// lets it be missing. direct writes in place instead, which files in /sys need, and
// those that are mounted by themselves.
//
// # Programs
//
// A program runs without a shell. A word {name} of it is the place of the
// argument name, {value} that of the value to be set; {{name}} is the text
// {name}; other braces are text, and an argument within a word is refused. An
// argument is one word for the program, whatever is in it: text as it is, true
// and false, everything else as a literal. A zero byte in a word is a ValueError,
// an argument that is missing, not known, or one too many a TypeError. args lists
// what a call takes:
//
//	args = ["unit", "n:int", "how=fast", "k:float=0.5", "*rest"]
//
// where the types are text, int, float and bool, and {rest} stands for any
// number of words. stdin = "name" gives that argument to the standard input of
// a call, stdin = "value" that to be set to set. Without a type, a call that
// prints nothing returns None.
//
//	timeout  how long it may take, waiting for its turn included; 4s, calls 30s
//	max      how many run at once; 4
//	cache    for how long one run answers all who read; no time
//	dir      where it runs; the directory of the file
//	env      variables to add: env = { LANG = "C" }
//
// A status other than 0 is CommandError(status, text), with the negative number
// of the signal for one that was killed, and the end of its standard error. A
// program has a process group of its own. When it takes too long, when its
// caller goes, or when the entry is gone, the group gets a SIGTERM and half a
// second later a SIGKILL; what it leaves there when it ends by itself is
// killed, too, so a program that starts another for good has to give it a
// session of its own, as setsid -f does. One that prints more than is read is
// killed, which is an OverflowError.
//
// Listing an object runs nothing.
//
// # Scripts
//
// What a Starlark file binds at its top level are the attributes of an object,
// and its functions are methods: see package script. It sees the other objects
// of the file as objects.NAME when it is called, not yet while it is loaded.
// steps and timeout bound a call. When the file changes it is loaded again, and
// is another object.
//
// # Data
//
// The members of a table are attributes and items of the object, those of a
// list are items; what is inside them is copied. The object follows the file:
// each read looks whether it has changed. A file that cannot be read leaves
// what was there, and that is logged, if it lasts for a second; so does one of
// which a part would be lost: a member that is there twice, keys that are the
// same here, a whole number that YAML has only as a float. One that was a table
// and is a list now, or the other way round, is another object once the
// configuration is read again.
//
// # Mailboxes
//
// A mailbox can be called with anything, and returns None. It keeps the last
// calls, as many as it says; what is dropped is counted, and told to those who
// follow (see nomcore.Follower), as does whoever reads .calls in a mount of this
// process. Its attributes calls, total and dropped tell everybody who may read
// them. It stays what it is when the file lets it keep more or fewer.
//
// # Peers
//
// An object of another peer is reached through this process: clients need no
// way of their own, and what it gives out, callbacks included, goes the same
// way. It is connected to when somebody asks, and again when it was restarted.
// While it is down, using it is an error, and nothing else is; one that could
// not be reached is tried again after a second. timeout bounds
// an operation, 4s, and a call, 30s; readonly passes on no change, but calls. At
// most 128 operations of an entry are under way at once, the others wait: two
// gateways that lead to each other stay usable.
//
// # Applying a change
//
// Reload reads the file again; Watch does so when it has changed. If all of it
// is right it takes the place of the old one: an entry that is defined as
// before stays what it was, the same object for those who hold it; a table
// stays the same object with other attributes; what is not there any more is
// ended and answers ReferenceError. If anything is wrong, nothing changes. The
// address to listen on takes effect at the next start.
//
// # Limitations
//
// What a program leaves outside of its process group, and what runs when this
// process is killed, is not ended. Where the process group is unknown to the
// system, as on Windows, only the program itself is.
package expose
