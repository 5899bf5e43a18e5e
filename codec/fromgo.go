package codec

import (
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"strings"
	"time"
)

// FromGo returns the value of plain Go data:
//
//	nil; a nil pointer, func or channel            None
//	bool, integers, floats                         Bool, Int or Long, Float
//	string                                         StringValue
//	[]byte, [N]byte                                Bytes
//	slice, array                                   List, Tuple
//	map[K]struct{}, any other map                  Set, *Map
//	*big.Int                                       Int or Long
//	time.Duration, time.Time                       Float: seconds, seconds since 1970
//	a Value                                        itself
//
// A nil slice or map is an empty one. A named type counts as its underlying type,
// methods or not. FromGo passes everything else to other: pointers, structs,
// funcs, channels, complex numbers and members that are interfaces with methods;
// if other is nil it is ErrUnencodable. Data that contains itself is ErrDepth; a
// map key that Python cannot hash is ErrUnhashable.
func FromGo(x any, other func(reflect.Value) (Value, error)) (Value, error) {
	if x == nil {
		return None{}, nil
	}
	c := fromGo{other: other, left: *newBudget()}
	return c.value(reflect.ValueOf(x))
}

// Types with a meaning of their own, which their underlying types have not.
var (
	typeValue    = reflect.TypeFor[Value]()
	typeBigInt   = reflect.TypeFor[*big.Int]()
	typeDuration = reflect.TypeFor[time.Duration]()
	typeTime     = reflect.TypeFor[time.Time]()
	typeLong     = reflect.TypeFor[Long]()
	typeText     = reflect.TypeFor[Text]()
	typeEmpty    = reflect.TypeFor[struct{}]()
)

type fromGo struct {
	other func(reflect.Value) (Value, error)
	left  budget
}

// value converts x, which is valid.
func (c *fromGo) value(x reflect.Value) (Value, error) {
	if v, ok := c.special(x); ok {
		return v, nil
	}
	switch x.Kind() {
	case reflect.Bool:
		return Bool(x.Bool()), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return Int(x.Int()), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return IntValue(new(big.Int).SetUint64(x.Uint())), nil
	case reflect.Float32, reflect.Float64:
		return Float(x.Float()), nil
	case reflect.String:
		return StringValue(x.String()), nil
	case reflect.Slice, reflect.Array:
		return c.sequence(x)
	case reflect.Map:
		return c.dict(x)
	case reflect.Interface:
		if x.IsNil() {
			return None{}, nil
		}
		if x.NumMethod() == 0 {
			return c.value(x.Elem())
		}
	case reflect.Pointer, reflect.Func, reflect.Chan, reflect.UnsafePointer:
		if x.IsNil() {
			return None{}, nil
		}
	}
	if c.other == nil {
		return nil, fmt.Errorf("%w: %v", ErrUnencodable, x.Type())
	}
	return c.other(x)
}

// special converts values and the types with a meaning of their own.
func (c *fromGo) special(x reflect.Value) (Value, bool) {
	if x.Type().Implements(typeValue) && x.CanInterface() {
		if nilable(x) && x.IsNil() && x.Kind() != reflect.Slice {
			return None{}, true
		}
		return x.Interface().(Value), true
	}
	switch x.Type() {
	case typeBigInt:
		if x.CanInterface() && !x.IsNil() {
			return IntValue(x.Interface().(*big.Int)), true
		}
	case typeDuration:
		return Float(time.Duration(x.Int()).Seconds()), true
	case typeTime:
		if x.CanInterface() {
			return Float(secondsOf(x.Interface().(time.Time))), true
		}
	}
	return nil, false
}

func nilable(x reflect.Value) bool {
	switch x.Kind() {
	case reflect.Pointer, reflect.Interface, reflect.Slice, reflect.Map, reflect.Func, reflect.Chan:
		return true
	}
	return false
}

// secondsOf returns a time as Python's time.time() tells it.
func secondsOf(t time.Time) float64 {
	return float64(t.Unix()) + float64(t.Nanosecond())/float64(time.Second)
}

func (c *fromGo) sequence(x reflect.Value) (Value, error) {
	n := x.Len()
	if x.Type().Elem().Kind() == reflect.Uint8 {
		return Bytes(bytesOf(x)), nil
	}
	if err := c.left.enter(n); err != nil {
		return nil, err
	}
	items := make([]Value, n)
	for i := range items {
		var err error
		if items[i], err = c.value(x.Index(i)); err != nil {
			return nil, at(err, "item %d", i)
		}
	}
	c.left.depth++
	if x.Kind() == reflect.Array {
		return Tuple(items), nil
	}
	return List(items), nil
}

// bytesOf returns the bytes of a slice or array; those of a slice are shared.
func bytesOf(x reflect.Value) []byte {
	if x.Kind() == reflect.Slice || x.CanAddr() {
		return x.Bytes()
	}
	addressable := reflect.New(x.Type()).Elem()
	addressable.Set(x)
	return addressable.Bytes()
}

func (c *fromGo) dict(x reflect.Value) (Value, error) {
	if err := c.left.enter(pairLen * x.Len()); err != nil {
		return nil, err
	}
	isSet := x.Type().Elem() == typeEmpty
	pairs := make([]Pair, 0, x.Len())
	for it := x.MapRange(); it.Next(); {
		key, err := c.value(it.Key())
		if err == nil {
			err = newBudget().hashable(key)
		}
		if err != nil {
			return nil, fmt.Errorf("key: %w", err)
		}
		p := Pair{Key: key}
		if !isSet {
			if p.Value, err = c.value(it.Value()); err != nil {
				return nil, at(err, "key %s", brief(key))
			}
		}
		pairs = append(pairs, p)
	}
	c.left.depth++
	m := makeMap(pairs)
	if !isSet {
		return m, nil
	}
	items := make(Set, m.Len())
	for i, p := range m.Pairs() {
		items[i] = p.Key
	}
	return items, nil
}

// at adds the place in a container to an error. Errors that end the walk at its
// limits keep their short text: their path would be as long as the limit.
func at(err error, format string, args ...any) error {
	if errors.Is(err, ErrDepth) || errors.Is(err, ErrItems) {
		return err
	}
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), err)
}

// messageLen is how many bytes of a literal an error message shows.
const messageLen = 60

// brief returns a value for an error message.
func brief(v Value) string { return Brief(v, messageLen) }

// found names a value in an error: None, int 5, text 'x', list [1, 2].
func found(v Value) string {
	switch v := v.(type) {
	case nil:
		return "nothing"
	case None, Ellipsis:
		return literalOf(v)
	case Text:
		return "text " + strings.TrimPrefix(brief(v), "u")
	}
	if isForeign(v) {
		return v.Kind().String() // its text may cost a request
	}
	return v.Kind().String() + " " + brief(v)
}
