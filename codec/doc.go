// Package codec turns values into the bytes of the NOM wire and back, and into
// text that is Python and back. It is pure: no sockets, no clocks, no locks, and
// nothing but the standard library.
//
// # Values
//
// NOM connects Python programs, so its values are Python's: None, bool, integers
// of any size, float, byte strings (str in Python 2), text (unicode), list,
// tuple, set, dict, slice, Ellipsis, exceptions, and references to objects that
// stay where they are. Each is a Go type of its own here. Types that Python keeps
// apart stay apart: a tuple that is read, changed and written back is still a
// tuple, and bytes do not become text. Only the widths INT and LONG are one
// kind: both are integers.
//
// # Encoding
//
// A value is one byte, its tag, and a body. All numbers are big-endian. An i32
// is a signed number of 4 bytes. "raw" is an i32 length and that many bytes. A
// "seq" is an i32 count, one byte for the kind (0 list, 1 tuple, 2 set), and so
// many values with their tags.
//
//	tag  name      body
//	01   INT       i32
//	02   LONG      raw: decimal digits, a minus sign before them if negative
//	03   FLOAT     8 bytes, IEEE 754
//	04   BYTES     raw
//	05   TEXT      raw: name of a codec; raw: the encoded text
//	06   BOOL      i32: 0 False, anything else True
//	07   SEQ       seq
//	08   MAP       i32 count; per pair a seq of two without the tag: key, value
//	09   BYTE      1 byte: a small integer; read, never written
//	0a   NONE
//	0b   SLICE     i32 start, i32 stop, i32 step
//	0c   ELLIPSIS
//	0d   ERROR     raw: name of the class; seq: the arguments, a tuple
//	ff   REF       raw: decimal id; seq: the home, a tuple of host and port
//
// Tag 00 and the tags from 0e to fe are errors. The bodies have no length in
// front, so a reader cannot step over a tag that it does not know.
//
// Each line is a whole value, spaced for reading, and its literal:
//
//	01 00000005                                       5
//	02 0000000a 32313437343833363438                  2147483648
//	03 3ff8000000000000                               1.5
//	04 00000003 616263                                'abc'
//	04 00000002 ff00                                  b'\xff\x00'
//	05 00000005 5554462d38 00000005 c3a9e282ac        'é€'
//	06 00000001                                       True
//	07 00000002 00 01 00000001 04 00000001 61         [1, 'a']
//	07 00000001 01 0a                                 (None,)
//	07 00000001 02 01 00000007                        set([7])
//	08 00000001 00000002 01 04 00000001 61 0c         {'a': Ellipsis}
//	0b 00000000 00000005 ffffffff                     slice(0, 5, -1)
//	0d 0000000a 56616c75654572726f72 00000001 01 04 00000003 626164   ValueError('bad')
//	ff 00000002 3432 00000002 01 04 00000009 3132372e302e302e31 01 00002f2a   <object 42 at 127.0.0.1:12074>
//
// A writer sends an integer as INT where it fits 32 bits and as LONG where not;
// the type Long is always LONG. It sends TEXT as UTF-8 with the codec name
// "UTF-8", arguments and pairs as tuples (kind 1), and the pairs of a MAP in the
// order of their keys. A reader takes more: the spellings of a LONG that
// Python's long() takes (" +12L "); TEXT in UTF-8, ASCII, latin-1, UTF-16 and
// UTF-32 under any of Python's names for them; kind 0 for arguments, pairs and
// homes. Text may hold lone surrogates, in three bytes each, as Python 2 has
// them. A reader accepts no other codec: an unknown one is an error, where an
// original reads empty text.
//
// # Keys
//
// A key, and a member of a set, is anything but a list, set, dict or slice, also
// inside tuples. As in Python, 1, 1.0 and True are one key, and so are ASCII
// bytes and the same text; the last value of a key counts, under the first key.
// Nan is a key like any other, equal to itself if it has the same bits. No two
// exceptions are the same key, as objects are not in Python, and none is found
// by Get.
//
// The order of keys is that of Python 2: None; numbers by value, compared
// exactly however large they are; then by the name of the type (ellipsis,
// exceptions, str, tuple, unicode), and by value within a type, tuples member
// by member, exceptions by class and then as they came. Bytes and text compare as
// text. Where a map mixes str, tuple and unicode, Python's order depends on
// chance; here both kinds of string come before tuples then.
//
// To sort keys, each is written once as bytes whose order is that of the keys. No
// comparison prints or converts a number, and none walks through a tuple.
//
// # References
//
// A reference names an object by its id and its home: what the process that owns
// the object calls its own address. An original peer recognizes its own objects
// by comparing homes as text, so a Ref keeps the bytes of the home as they came,
// and they go back unchanged, even when they are no address at all. This package
// does not decide whether and where such a home can be reached.
//
// # Limits
//
// Bytes come from anywhere. The parser compares each length with the bytes that
// remain and each count with the bytes that its members need at least, before it
// allocates memory. It allocates at most about 20 times what it reads; most of
// that is 16 bytes for each member of a list. Nesting, members and size have
// limits, see Limits, each with an error of its own. Reading takes linear time
// but for keys that are not in order: n of them take n log n comparisons, in a
// datagram at most 4 for each byte. The digits of a LONG stay text until BigIntOf
// converts them.
//
// # Packets without values
//
// A packet can be read and written without a Value for each of its parts. Skip
// returns the length of a value. WalkAttrs passes over the attributes of a packet
// and yields names and encoded values; ReadInt and ReadString read one of these.
// AppendMapHeader, AppendAttrName, AppendInt, AppendBytes and the like write a
// packet piece by piece. None of them allocates.
//
// # Literals
//
// String returns a Python literal, for files, arguments and traces. ParseLiteral
// reads it back to an Equal value, except for exceptions, references,
// infinities and nan. It reads what Python 2 and Python 3 write:
//
//	None True False Ellipsis ...
//	12 -12 12L 0755 0o755 0xff 0b1 1_000
//	1.5 1. .5 1e-5
//	'a' "a" '''a''' b'a' u'a' r'a' 'a' "b"
//	[1, 2] (1, 2) (1,) {1: 2} {1, 2} set([1, 2]) set()
//	slice(1, 2, 3) slice(None, 5) 1:2:3 :5 ::-1
//	float('inf') float('-inf') float('nan')
//
// A slice on the wire has no open ends. An absent step is 1, open ends are 0 and
// 2³¹−1, and for a negative step 2³¹−1 and −2³¹. Without the word slice it can
// stand only where an index key can: alone, or as a member of a tuple without
// parentheses.
//
// Python 2 and 3 disagree about strings alone. With these rules every string that
// is printed reads back exactly:
//
//	'abc'     bytes: ASCII only
//	'\xff'    bytes: an escape \xNN or \ooo does not make text
//	b'\xff'   bytes; printed so if one of them is not ASCII
//	'café'    text: a character that is not ASCII makes it text
//	'\u20ac'  text: so do the escapes \u and \U
//	u'abc'    text; printed so if no character beyond ASCII can be shown as it is
//
// Escapes are Python's, except that \N{...} is refused. In text \xNN is the
// character of that number. Strings that stand side by side are joined; they are
// text if one of them is, and the others must be ASCII then.
//
// The arguments of a call, read by ParseArgs, are literals separated by commas,
// keywords as name=literal after them, and words: an argument that is no literal
// and has no quote, bracket, white space or = in it stands for itself, as if it
// were quoted.
package codec
