package codec

import (
	"fmt"
	"math"
	"reflect"
)

// budget bounds a walk over values that a program built, which may contain
// themselves or share parts without end.
type budget struct{ depth, items int }

func newBudget() *budget { return &budget{depth: DefaultDepth, items: DefaultItems} }

// unlimited is the budget for values that Parse made: Parse has limited their size.
func unlimited() budget { return budget{depth: math.MaxInt, items: math.MaxInt} }

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

// hashable tells whether v can be a key: everything but lists, sets, maps and
// slices, also inside tuples. An exception is a key whatever its arguments are,
// as objects are in Python. A value of another package is a key if it is a
// pointer: its identity is its hash.
func (w *budget) hashable(v Value) error {
	switch v := v.(type) {
	case None, Bool, Int, Float, Bytes, Text, Ellipsis, Ref, Exception:
		return nil
	case Long:
		if _, _, ok := splitLong(string(v)); !ok {
			return fmt.Errorf("%w: Long %s", ErrUnhashable, excerpt(v))
		}
		return nil
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
