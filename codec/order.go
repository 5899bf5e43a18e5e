package codec

import (
	"cmp"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
)

// keyOrder says, for each depth inside keys that are tuples, where strings
// stand among keys of other types. Python 2 orders different types by name, so
// a unicode comes after a tuple and a str before it, yet compares str and
// unicode as text: no order can have all three. Bit d set means that there is
// no str at depth d and unicode keeps its own place; clear means that strings
// stand where str does. Deeper levels than bits share the last bit.
type keyOrder uint64

// maxOrderDepth is the number of the last bit of a keyOrder.
const maxOrderDepth = 63

func (o keyOrder) deeper(depth int) int { return min(depth+1, maxOrderDepth) }

// textOwnRank tells whether unicode keeps its own place at a depth.
func (o keyOrder) textOwnRank(depth int) bool { return o>>depth&1 != 0 }

// withKey clears the bits of the depths at which the key holds a str.
func (o keyOrder) withKey(v Value, depth int) keyOrder {
	switch v := v.(type) {
	case Bytes:
		return o &^ (1 << depth)
	case Tuple:
		for _, item := range v {
			o = o.withKey(item, o.deeper(depth))
		}
	}
	return o
}

// Ranks of the types, in the order of the names that Python 2 gives them.
const (
	rankNone     = iota // smaller than anything
	rankNumber          // numbers have the empty name
	rankRef             // Proxy
	rankForeign         // becomes a Ref when it is sent
	rankMap             // dict
	rankEllipsis        // ellipsis
	rankError           // exceptions.…
	rankList            // list
	rankSet             // set
	rankSlice           // slice
	rankStr             // str
	rankTuple           // tuple
	rankUnicode         // unicode
)

func (o keyOrder) rank(v Value, depth int) int {
	switch v.(type) {
	case None:
		return rankNone
	case Bool, Int, Long, Float:
		return rankNumber
	case Bytes, Text:
		if o.textOwnRank(depth) {
			return rankUnicode
		}
		return rankStr
	case List:
		return rankList
	case Tuple:
		return rankTuple
	case Set:
		return rankSet
	case *Map:
		return rankMap
	case Slice:
		return rankSlice
	case Ellipsis:
		return rankEllipsis
	case Exception:
		return rankError
	case Ref:
		return rankRef
	}
	return rankForeign
}

// compare is a total order of all values; 0 means the same key: 1, 1.0 and
// True, or an ASCII str and the unicode of the same text. Its cost is at most
// linear in the smaller value, so sorting n bytes of keys takes O(n log n).
// Values must not contain themselves: hashable has made sure of that, and
// Equal counts its steps.
func (o keyOrder) compare(a, b Value, depth int) int {
	ra, rb := o.rank(a, depth), o.rank(b, depth)
	if ra != rb {
		return cmp.Compare(ra, rb)
	}
	switch ra {
	case rankNumber:
		return compareNumbers(a, b)
	case rankStr, rankUnicode:
		return compareStrings(a, b)
	case rankForeign:
		return compareForeign(a, b)
	}
	switch a := a.(type) {
	case Tuple:
		return o.compareItems(a, b.(Tuple), depth)
	case List:
		return o.compareItems(a, b.(List), depth)
	case Set:
		return o.compareItems(a, b.(Set), depth)
	case *Map:
		return o.compareMaps(a, b.(*Map), depth)
	case Slice:
		b := b.(Slice)
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.Stop, b.Stop), cmp.Compare(a.Step, b.Step))
	case Exception:
		b := b.(Exception)
		if c := strings.Compare(a.Class, b.Class); c != 0 {
			return c
		}
		return o.compareItems(a.Args, b.Args, depth)
	case Ref:
		b := b.(Ref)
		x, y := decimal{digits: string(a.ID)}, decimal{digits: string(b.ID)}
		return cmp.Or(x.compare(y), strings.Compare(string(a.Home), string(b.Home)))
	}
	return 0 // None and Ellipsis have one value each
}

func (o keyOrder) compareItems(a, b []Value, depth int) int {
	for i := range min(len(a), len(b)) {
		if c := o.compare(a[i], b[i], o.deeper(depth)); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(a), len(b))
}

func (o keyOrder) compareMaps(a, b *Map, depth int) int {
	return slices.CompareFunc(a.Pairs(), b.Pairs(), func(p, q Pair) int {
		if c := o.compare(p.Key, q.Key, o.deeper(depth)); c != 0 {
			return c
		}
		return o.compare(p.Value, q.Value, o.deeper(depth))
	})
}

// compareStrings orders Bytes and Text by their bytes, which for UTF-8 is the
// order of code points. The same bytes are the same key if they are ASCII;
// otherwise Python calls str and unicode different, and str comes first.
func compareStrings(a, b Value) int {
	sa, _ := StringOf(a)
	sb, _ := StringOf(b)
	if c := strings.Compare(sa, sb); c != 0 {
		return c
	}
	if a.Kind() == b.Kind() || isASCII(sa) {
		return 0
	}
	return cmp.Compare(a.Kind(), b.Kind()) // KindBytes < KindText
}

// compareForeign orders values of other packages by identity. The order means
// nothing; that it is one keeps sorting sound.
func compareForeign(a, b Value) int {
	if a == nil || b == nil {
		return cmp.Compare(boolInt(a != nil), boolInt(b != nil))
	}
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	if x.Kind() == reflect.Pointer && y.Kind() == reflect.Pointer {
		return cmp.Compare(x.Pointer(), y.Pointer())
	}
	return strings.Compare(fmt.Sprintf("%T", a), fmt.Sprintf("%T", b))
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// isForeign tells whether v is of another package: something that becomes a
// Ref when it is sent.
func isForeign(v Value) bool {
	switch v.(type) {
	case nil, None, Bool, Int, Long, Float, Bytes, Text, List, Tuple, Set, *Map, Slice, Ellipsis, Exception, Ref:
		return false
	}
	return true
}

// budget bounds a walk over values that a caller built, which may contain
// themselves or share parts without end.
type budget struct {
	depth, items int
	tree         bool // the values come from Parse: they cannot contain themselves
}

func newBudget() *budget { return &budget{depth: DefaultDepth, items: DefaultItems} }

// treeBudget is for values whose size was limited when they were read.
func treeBudget() budget { return budget{depth: math.MaxInt, items: math.MaxInt, tree: true} }

// hashable tells whether v can be a key: everything but lists, sets, maps and
// slices, also inside tuples. Errors are keys whatever their arguments are, as
// objects are in Python. A value of another package is a key if it is a
// pointer: its identity is its hash.
func (w *budget) hashable(v Value) error {
	switch v := v.(type) {
	case None, Bool, Int, Long, Float, Bytes, Text, Ellipsis, Ref:
		return nil
	case Exception:
		return w.acyclic(v.Args)
	case Tuple:
		if err := w.enter(len(v)); err != nil {
			return err
		}
		for _, item := range v {
			if err := w.hashable(item); err != nil {
				return err
			}
		}
		w.depth++
		return nil
	case nil:
		return fmt.Errorf("%w: no value", ErrUnhashable)
	case List, Set, *Map, Slice:
		return fmt.Errorf("%w type: %s", ErrUnhashable, pythonName(v))
	}
	if reflect.TypeOf(v).Kind() == reflect.Pointer {
		return nil
	}
	return fmt.Errorf("%w type: %T", ErrUnhashable, v)
}

// acyclic makes sure that comparing the values ends.
func (w *budget) acyclic(items []Value) error {
	if w.tree {
		return nil
	}
	if err := w.enter(len(items)); err != nil {
		return err
	}
	for _, item := range items {
		var err error
		switch v := item.(type) {
		case List:
			err = w.acyclic(v)
		case Tuple:
			err = w.acyclic(v)
		case Set:
			err = w.acyclic(v)
		case Exception:
			err = w.acyclic(v.Args)
		case *Map:
			for _, p := range v.Pairs() {
				if err = w.acyclic([]Value{p.Key, p.Value}); err != nil {
					break
				}
			}
		}
		if err != nil {
			return err
		}
	}
	w.depth++
	return nil
}

// enter counts one container of n members; the caller leaves it by
// incrementing depth.
func (w *budget) enter(n int) error {
	w.depth--
	w.items -= n
	switch {
	case w.depth < 0:
		return ErrDepth
	case w.items < 0:
		return ErrItems
	}
	return nil
}

// firstOfEach removes later duplicates from the members of a set, in place. All
// members must be hashable.
func firstOfEach(items []Value) []Value {
	if len(items) < 2 {
		return items
	}
	order := ^keyOrder(0)
	for _, v := range items {
		order = order.withKey(v, 0)
	}
	sorted := make([]int32, len(items))
	for i := range sorted {
		sorted[i] = int32(i)
	}
	slices.SortFunc(sorted, func(i, j int32) int {
		return cmp.Or(order.compare(items[i], items[j], 0), cmp.Compare(i, j))
	})
	drop := 0
	first := sorted[0]
	for _, i := range sorted[1:] {
		if order.compare(items[first], items[i], 0) != 0 {
			first = i
			continue
		}
		items[i] = nil
		drop++
	}
	if drop == 0 {
		return items
	}
	return slices.DeleteFunc(items, func(v Value) bool { return v == nil })
}
