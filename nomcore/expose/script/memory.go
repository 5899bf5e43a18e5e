package script

import (
	"math"
	"slices"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// What a call may allocate is counted where a single operation can make much
// of little: repeating, joining, formatting, copying. Starlark has no counter
// of its own; its steps bound what is made bit by bit.
const (
	// maxMemory is in bytes, all together in one call, still in use or not:
	// thousands of times what an answer holds, and little enough that a few
	// such calls at once do not end the process.
	maxMemory = 256 << 20
	// maxRange is in elements. A range itself takes no memory and no time,
	// but functions that go through one do not count steps.
	maxRange = 1 << 22
	// maxIntBits bounds integers: 315,000 digits, more than a datagram holds.
	maxIntBits = 1 << 20

	sizeValue = 16 // bytes of a value in a list or tuple
	sizeEntry = 64 // bytes of an entry of a dict or set
	escaped   = 4  // bytes that a byte takes in a quoted string: \xff

	bitsPerDigit = 3 // of an integer in decimal, rounded down
)

// charge counts n bytes.
func (r *run) charge(n int64) error {
	if n < 0 || n > r.s.memory-r.used {
		return raise(classMemory, "%s takes more than %d MiB of memory", r.what, r.s.memory>>20)
	}
	r.used += n
	return nil
}

// times multiplies sizes; what is too large for a number is too large anyway.
func times(a, b int64) int64 {
	if a != 0 && b > math.MaxInt64/a {
		return math.MaxInt64
	}
	return a * b
}

// sizeOf is what a copy of v takes, not counting what it refers to.
func sizeOf(v starlark.Value) int64 {
	switch v := v.(type) {
	case starlark.String:
		return int64(len(v))
	case starlark.Bytes:
		return int64(len(v))
	case starlark.Int:
		if _, small := v.Int64(); !small {
			return int64(bits(v) / 8)
		}
	case *starlark.Dict:
		return int64(v.Len()) * sizeEntry
	case *starlark.Set:
		return int64(v.Len()) * sizeEntry
	case starlark.Sequence:
		return int64(v.Len()) * sizeValue
	}
	return 0
}

func bits(n starlark.Int) int {
	if _, small := n.Int64(); small {
		return 64
	}
	return n.BigInt().BitLen()
}

// chargeBinary counts what an operator is about to make.
func (r *run) chargeBinary(tok syntax.Token, x, y starlark.Value) error {
	a, b := sizeOf(x), sizeOf(y)
	n, xInt := x.(starlark.Int)
	m, yInt := y.(starlark.Int)
	switch {
	case tok == syntax.STAR && xInt && yInt:
		if bits(n)+bits(m) > maxIntBits {
			return raise(classMemory, "an integer of more than %d bits", maxIntBits)
		}
		return r.charge(a + b)
	case tok == syntax.STAR && xInt:
		return r.charge(repeated(b, n))
	case tok == syntax.STAR && yInt:
		return r.charge(repeated(a, m))
	case tok == syntax.PERCENT && !xInt:
		return r.chargeFormat(x, '%', y)
	}
	return r.charge(a + b)
}

// repeated is the size of n copies. More than an int64 counts is refused like
// any other number that is too large.
func repeated(size int64, n starlark.Int) int64 {
	if n.Sign() <= 0 || size == 0 {
		return 0
	}
	k, ok := n.Int64()
	if !ok {
		return math.MaxInt64
	}
	return times(size, k)
}

// chargeFormat counts the text that a format and its arguments make. Each
// place of the format may show any of them.
func (r *run) chargeFormat(format starlark.Value, mark byte, args ...starlark.Value) error {
	s, ok := format.(starlark.String)
	if !ok {
		return nil // the operation itself says so
	}
	places := int64(0)
	for i := range len(s) {
		if s[i] == mark {
			places++
		}
	}
	size := int64(0)
	for _, a := range args {
		n, err := r.textSize(a)
		if err != nil {
			return err
		}
		size += n
	}
	return r.charge(int64(len(s)) + times(places, size))
}

// textSize is at least what v takes as text. What refers to the same value in
// many places is written out in each; counting ends where memory does.
func (r *run) textSize(v starlark.Value) (int64, error) {
	w := textMeter{left: r.s.memory - r.used}
	w.add(v)
	if w.left < 0 {
		return 0, raise(classMemory, "%s takes more than %d MiB of memory", r.what, r.s.memory>>20)
	}
	return r.s.memory - r.used - w.left, nil
}

type textMeter struct {
	left int64
	path []starlark.Value // the containers around, to know one that contains itself
}

// maxTextDepth is in containers within each other. Starlark looks through all
// of them for each, so that more would take long; and a text of that kind is of
// no use.
const maxTextDepth = 1000

func (w *textMeter) add(v starlark.Value) {
	w.left -= sizeValue // for a number, a comma, brackets
	if len(w.path) > maxTextDepth {
		w.left = -1
	}
	if w.left < 0 {
		return
	}
	switch v.(type) {
	case *starlark.List, *starlark.Dict:
		if slices.Contains(w.path, v) {
			return
		}
		w.path = append(w.path, v)
		defer func() { w.path = w.path[:len(w.path)-1] }()
	case starlark.Tuple: // which cannot be compared, nor contain itself alone
		w.path = append(w.path, nil)
		defer func() { w.path = w.path[:len(w.path)-1] }()
	}
	switch v := v.(type) {
	case starlark.String:
		w.left -= escaped * int64(len(v))
	case starlark.Bytes:
		w.left -= escaped * int64(len(v))
	case starlark.Int:
		w.left -= int64(bits(v)) / bitsPerDigit
	case *starlark.Dict:
		for k, e := range v.Entries() {
			if w.left < 0 {
				return
			}
			w.add(k)
			w.add(e)
		}
	case starlark.Iterable:
		for e := range starlark.Elements(v) {
			if w.left < 0 {
				return
			}
			w.add(e)
		}
	}
}

// cheap are methods that make nothing of the size of what they work on.
var cheap = map[string]bool{
	"append": true, "add": true, "clear": true, "count": true, "discard": true, "endswith": true, "find": true,
	"get": true, "index": true, "insert": true, "isalnum": true, "isalpha": true, "isdigit": true, "islower": true,
	"isspace": true, "istitle": true, "isupper": true, "issubset": true, "issuperset": true, "lstrip": true,
	"partition": true, "pop": true, "popitem": true, "remove": true, "removeprefix": true, "removesuffix": true,
	"rfind": true, "rindex": true, "rpartition": true, "rstrip": true, "setdefault": true, "startswith": true, "strip": true,
	"any": true, "all": true, "abs": true, "bool": true, "hash": true, "max": true, "min": true, "type": true, "float": true,
}

// chargeCall counts what one of Starlark's functions is about to make.
func (r *run) chargeCall(b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) error {
	name, recv := b.Name(), b.Receiver()
	text, isText := recv.(starlark.String)
	switch {
	case cheap[name]:
		return nil
	case isText && name == "replace" && len(args) >= 2:
		return r.chargeReplace(text, args)
	case isText && name == "join" && len(args) == 1:
		return r.chargeJoin(text, args[0])
	case isText && name == "format":
		all := append(starlark.Tuple{}, args...)
		for _, kv := range kwargs {
			all = append(all, kv[1])
		}
		return r.chargeFormat(text, '{', all...)
	case recv == nil && name == "int" && len(args) > 0 && sizeOf(args[0]) > maxIntBits/bitsPerDigit:
		return raise(classMemory, "an integer of more than %d bits", maxIntBits)
	case name == "json.encode" || name == "json.encode_indent" || name == "print" || name == "fail":
		return r.chargeTexts(args)
	}
	size := int64(0)
	if recv != nil {
		size = sizeOf(recv)
		if strings.Contains(name, "split") {
			size *= sizeValue // at worst a value of each byte
		}
	}
	for _, a := range args {
		size += sizeOf(a)
	}
	return r.charge(size)
}

func (r *run) chargeTexts(args starlark.Tuple) error {
	for _, a := range args {
		n, err := r.textSize(a)
		if err != nil {
			return err
		}
		if err := r.charge(n); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) chargeReplace(s starlark.String, args starlark.Tuple) error {
	old, ok1 := starlark.AsString(args[0])
	with, ok2 := starlark.AsString(args[1])
	if !ok1 || !ok2 {
		return nil
	}
	places := int64(len(s)) + 1
	if old != "" {
		places = int64(len(s) / len(old))
	}
	return r.charge(int64(len(s)) + times(places, int64(len(with))))
}

func (r *run) chargeJoin(sep starlark.String, list starlark.Value) error {
	seq, ok := list.(starlark.Iterable)
	if !ok {
		return nil
	}
	size := int64(0)
	for e := range starlark.Elements(seq) {
		if size += int64(len(sep)) + sizeOf(e); size > r.s.memory {
			break
		}
	}
	return r.charge(size)
}
