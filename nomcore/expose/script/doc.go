// Package script exposes a Starlark file as a live object. Starlark is a small
// Python (https://go.starlark.net): what the file binds at its top level are
// the attributes of the object, and its functions are the methods.
//
//	"""Opens and closes the gate."""
//	version = "1.2"
//	state = {"open": False, "moved": 0, "watchers": []}
//	_slowest = 30
//
//	def move(open, speed = 5, *, quiet = False):
//	    """Opens or closes the gate."""
//	    if speed > _slowest:
//	        fail("a gate is not a door: at most %d" % _slowest)
//	    state["open"] = open
//	    state["moved"] += 1
//	    if not quiet:
//	        for watcher in state["watchers"]:
//	            _, error = attempt(watcher, open)
//	            if error: # it is gone, most likely
//	                state["watchers"].remove(watcher)
//	    return state["moved"]
//
//	def watch(callback):
//	    """Has callback called with each move."""
//	    if callback not in state["watchers"]:
//	        state["watchers"].append(callback)
//
// Seen by a peer, where a.star is served under the name gate:
//
//	gate.version                    '1.2'; to set it is AttributeError: read-only
//	gate.move(True, speed=3)        1
//	gate.state                      {'open': True, 'moved': 1, 'watchers': []}: a copy
//	gate.move(True, 50)             RuntimeError: a gate is not a door: at most 30 (a.star:9:13 in move)
//	gate.move()                     TypeError: move() takes at least 1 argument (0 given)
//	gate._slowest                   not there: names that begin with _ are private
//
// The parameters of a method, their defaults, and the text at the start of a
// function and of the file are described to peers.
//
// # State
//
// The top level runs once, when the file is loaded. Then everything is frozen:
// a function that tries to change it fails. The exception is a top-level dict,
// list or set of the name state, which functions change in place, and which
// nothing else may share a part with. It is forgotten when the script is closed.
//
// Calls run in parallel until they read the name state. From there to its end a
// call has the state for itself, except while it waits for another object: then
// others may have it. So a callback may call the script that calls it, a slow
// peer holds up nobody, and no two scripts wait for each other; but what a
// function read from state may have changed when a call of another object
// returns. A loop goes through the elements that a list, dict or set had when
// the loop began.
//
// # Values
//
//	Starlark         on the wire
//	None bool int    the same; integers of up to 2²⁰ bits
//	float            float
//	string           bytes if it is ASCII, text if it is other UTF-8, as everywhere in NOM
//	bytes            bytes; those that are UTF-8 come in as a string
//	list tuple set   the same; a range is a list
//	dict             dict; 1 and True are one key on the wire, and two here
//	function         a reference, see below
//	reference        a reference: a local object or one of another peer
//	time, duration   float: seconds since 1970, seconds
//	slice, Ellipsis, exceptions come in as values to keep, compare and give back
//
// A value that leaves a script has at most 2¹⁸ members, 200 levels deep.
//
// A reference has attributes, items, len, str, repr, dir, hasattr and getattr,
// can be called, compared, used as a key and kept in state: that is how a script
// calls later what it was given. In a container it shows its id, and so it does
// in a format; str asks it. Attributes and items are set one at a time, not in
// a, b = … or by a for.
//
// A function that is returned, passed or assigned to an attribute of an object
// becomes a reference to it; one that was made by a call can leave only if it
// uses no variables of the function around it: lambda v, name=name: … has its
// own.
//
// # Names
//
// Besides what Starlark has, sets and while included:
//
//	objects.app, objects["app"]   other objects of the same file
//	connect("host:port")          a peer; its attributes are its registered names
//	fail(…)                       ends the call with a RuntimeError
//	attempt(f, …)                 (f(…), None), or (None, text) if that fails
//	print(…)                      writes to the log, with file and line
//	json math time                the modules of those names
//
// connect does not wait: the peer is connected to when it is first used, and
// disconnected from when the script is closed. Under a public name it is an
// object too, and gives what is registered there to whoever may read that.
//
// attempt is how a function goes on when another fails: a callback may be of
// somebody who is gone. The text is that of the exception. It takes no more than
// half of the time that the call has left. What ends the whole call, as its
// steps or its memory do, ends it all the same.
//
// There are no files and no network but connect, and no load: a script is one
// file of at most 256 KiB. The module time reads the clock and the machine's
// list of time zones.
//
// # Errors
//
// An error is an exception of the class that Python would raise, with the
// places that the call was at, the innermost first:
//
//	KeyError('key "x" not in dict (a.star:4:12 in inner, called at a.star:9:5 in outer)')
//
// What is wrong with a type is a TypeError, an attribute an AttributeError, a
// key a KeyError, an index an IndexError, a division by zero a
// ZeroDivisionError, a value of the right type a ValueError. Where Starlark
// tells only a text, the class is RuntimeError: for unhashable keys, recursion
// and variables without a value. Exceptions of other objects pass unchanged. A
// call that takes too long is an IOError with the number of ETIMEDOUT.
//
// # Limits
//
// A call ends after Env.Steps steps, after Env.Timeout, when its caller does not
// wait any more, and when the script is closed. It may allocate 256 MiB, counted
// where one operation makes much of little, whether or not it is still in use;
// more is a MemoryError. A range has at most 2²² elements. Functions cannot
// recurse; scripts that call each other may wait 32 deep.
//
// Not bounded are: what a script puts into state from call to call; how many
// calls run at once, which is the service's affair; and the time of one
// operation of Starlark's, which is ended only when it is over: sorting a list
// of four million, decoding a number of a million digits, or hashing a tuple
// that holds the same tuple twice at each of many levels. An object of this
// process that does not heed its context is left behind when the call ends, and
// keeps its goroutine.
package script
