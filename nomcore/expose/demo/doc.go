// Package demo exposes one object that has something of everything, to try
// out what can be done with an object of another process.
//
//	number, big, ratio, flag, name, title     scalars, all writable
//	blob                                      raw bytes
//	nothing                                   None; takes any value
//	pair, tags, list, config                  tuple, set, list and dict: copies
//	numbers, table                            a list and a dict that are live
//	me                                        the object itself
//	ticks                                     moves by itself, ten times a second
//	calls                                     how often add has run
//	add(a, b=2)  greet(name="world")          methods with keywords
//	echo(value)  make(text="a note")          give the value back; a new object
//	fail()  slow(seconds)                     raises ValueError; takes its time
//	on_change  fire()                         a callback, and what calls it
package demo
