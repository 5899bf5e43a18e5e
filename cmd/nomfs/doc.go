// Nomfs serves live objects, mounts those of other peers, and works on them
// without a mount.
//
//	nomfs serve  [--config FILE] [--insecure] [--listen ADDR] [--object host|demo]...
//	nomfs init   [FILE]
//	nomfs check  FILE
//	nomfs mount  [--timeout D] [--allow-other] [--ro] [--delete WHAT] [--detach] PEER DIR
//	nomfs sh     [-c CMD] PEER
//	nomfs umount DIR
//	nomfs demo   [DIR]
//	nomfs why
//	nomfs ls     PEER [PATH]
//	nomfs get | repr | str | len   PEER PATH
//	nomfs set    PEER PATH VALUE
//	nomfs del    PEER PATH
//	nomfs call   PEER PATH [ARG|K=V]...
//	nomfs help   [COMMAND]
//	nomfs version
//
// PEER is host or host:port, PATH a path in the tree as a mount shows it:
//
//	$ nomfs get 127.0.0.1 demo/numbers/index/3
//	5
//	$ nomfs set 127.0.0.1 demo/number -5
//	$ nomfs call 127.0.0.1 demo/add 2 b=3
//	5
//
// All that talk take --plain CIDR: plain NOM, which nothing protects, goes
// nowhere else. The default is loopback.
//
// # Words
//
// Flags go before the arguments; one that comes later is refused, not
// ignored. After PATH, set and call take every word as it is. Of the words of
// call, identifier=… is a keyword argument, =TEXT is exactly that text, and
// after -- nothing is a keyword:
//
//	word        argument
//	5  -5       the numbers
//	bob         the text bob, since it is no literal
//	'5'  =5     the text 5
//	n=5         the keyword n with the number 5
//	n==5        the keyword n with the text 5
//	-- n=5      the text n=5
//
// # Commands in a mount
//
// The files in .bin directories of a mount are run by nomfs call-file. Their
// words are those of call, and
//
//	--n=5       the keyword n with the number 5
//	--n==5      the keyword n with the text 5
//	@demo/me    the object at that path in the mount
//	-           what standard input holds, read like a word, without its
//	            last newline
//	--help      prints how it is called and its documentation
//
// The call is over when the command is: an interrupt cancels it.
//
// # Output
//
// Standard output is data alone. What goes wrong is said on standard error, in
// a line that begins with "nomfs: error: " and perhaps one with "nomfs: hint: ".
//
//	code  meaning
//	0     ok
//	1     failure
//	2     usage
//	3     remote exception
//	4     no such name
//	5     denied
//	6     unreachable or timeout
//	130   interrupted
//
// serve, mount and demo run until they are told to end by an interrupt, a
// SIGTERM or a hangup; that is their normal end, with status 0. A hangup does
// not end serve with --config: it reads the file again. sh, and demo
// with a shell inside, end with the status of what ran.
//
// # Limitations
//
// Mounting needs Linux; the other commands do not. An operation waits for
// --timeout, calls included: a call that takes longer may have run.
package main
