package codec

import (
	"fmt"
	"math"
	"math/big"
	"reflect"
	"strconv"
	"time"
)

// ToGo stores v in dst, which must be settable; if it fails, dst is unchanged.
// A dst whose type is any, Value, or that of v receives v itself. Otherwise dst
// decides:
//
//	bool                 Bool
//	integers, *big.Int   Int, Long, Bool
//	floats               Float, Int, Long, Bool
//	string               Bytes, Text
//	[]byte, [N]byte      Bytes, Text as UTF-8, or a list of small integers
//	slice                List, Tuple, Set
//	array                List, Tuple of that length
//	map                  *Map; a Set where the elements are struct{}
//	time.Duration        a number: seconds
//	time.Time            a number: seconds since 1970; the result is in UTC
//	pointer              None: nil; otherwise a new variable with the value
//
// Errors wrap ErrType, or ErrRange for a number that does not fit, and say what
// was wanted: "want int, got text 'x'".
func ToGo(v Value, dst reflect.Value) error {
	if !dst.CanSet() {
		return fmt.Errorf("%w: destination cannot be set", ErrType)
	}
	t := toGo{left: *newBudget()}
	return t.store(v, dst)
}

type toGo struct{ left budget }

func mismatch(want string, v Value) error {
	return fmt.Errorf("%w: want %s, got %s", ErrType, want, found(v))
}

func outOfRange(want string, v Value) error {
	return fmt.Errorf("%w: want %s, got %s", ErrRange, want, found(v))
}

// store converts v to the type of dst.
func (t *toGo) store(v Value, dst reflect.Value) error {
	if v == nil {
		return mismatch(wanted(dst.Type()), v)
	}
	if reflect.TypeOf(v).AssignableTo(dst.Type()) {
		dst.Set(reflect.ValueOf(v))
		return nil
	}
	switch dst.Type() {
	case typeBigInt, typeLong:
		return storeBig(v, dst)
	case typeText:
		return storeText(v, dst)
	case typeDuration:
		return storeDuration(v, dst)
	case typeTime:
		return storeTime(v, dst)
	}
	switch dst.Kind() {
	case reflect.Bool:
		b, ok := v.(Bool)
		if !ok {
			return mismatch(wanted(dst.Type()), v)
		}
		dst.SetBool(bool(b))
		return nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return storeInt(v, dst)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return storeUint(v, dst)
	case reflect.Float32, reflect.Float64:
		return storeFloat(v, dst)
	case reflect.String:
		s, ok := StringOf(v)
		if !ok {
			return mismatch(wanted(dst.Type()), v)
		}
		dst.SetString(s)
		return nil
	case reflect.Slice, reflect.Array:
		return t.storeSequence(v, dst)
	case reflect.Map:
		return t.storeMap(v, dst)
	case reflect.Pointer:
		return t.storePointer(v, dst)
	}
	return mismatch(wanted(dst.Type()), v)
}

// wanted returns the Python name of the values that fit a Go type.
func wanted(t reflect.Type) string {
	switch t {
	case typeBigInt, typeLong:
		return "int"
	case typeDuration, typeTime:
		return "number of seconds"
	}
	switch t.Kind() {
	case reflect.Bool:
		return "bool"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return "int"
	case reflect.Float32, reflect.Float64:
		return "float"
	case reflect.String:
		return "text"
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			return "bytes"
		}
		if t.Kind() == reflect.Array {
			return fmt.Sprintf("list of %d", t.Len())
		}
		return "list"
	case reflect.Map:
		if t.Elem() == typeEmpty {
			return "set"
		}
		return "dict"
	case reflect.Pointer:
		return wanted(t.Elem())
	}
	return t.String()
}

// isNumberLike tells whether v is an integer for Python, as True and False are.
func isNumberLike(v Value) bool { return v.Kind() == KindInt || v.Kind() == KindBool }

func storeBig(v Value, dst reflect.Value) error {
	if _, isNone := v.(None); isNone && dst.Kind() == reflect.Pointer {
		dst.SetZero()
		return nil
	}
	if dst.Type() == typeLong {
		return storeLong(v, dst)
	}
	n, ok := BigIntOf(v)
	switch {
	case !ok && isNumberLike(v):
		return outOfRange(fmt.Sprintf("int of at most %d digits", MaxBigDigits), v)
	case !ok:
		return mismatch(wanted(dst.Type()), v)
	}
	dst.Set(reflect.ValueOf(n))
	return nil
}

// storeLong stores an integer as its decimal text.
func storeLong(v Value, dst reflect.Value) error {
	if n, ok := Int64Of(v); ok {
		dst.SetString(strconv.FormatInt(n, 10))
		return nil
	}
	l, isLong := v.(Long)
	s, ok := canonicalLong(string(l))
	if !isLong || !ok {
		return mismatch(wanted(dst.Type()), v)
	}
	dst.SetString(s)
	return nil
}

func storeText(v Value, dst reflect.Value) error {
	s, ok := StringOf(v)
	if !ok || !validText(s) {
		return mismatch("text", v)
	}
	dst.SetString(s)
	return nil
}

func storeInt(v Value, dst reflect.Value) error {
	if !isNumberLike(v) {
		return mismatch(wanted(dst.Type()), v)
	}
	n, ok := Int64Of(v)
	if !ok || dst.OverflowInt(n) {
		return outOfRange(fmt.Sprintf("int of %d bits", dst.Type().Bits()), v)
	}
	dst.SetInt(n)
	return nil
}

func storeUint(v Value, dst reflect.Value) error {
	if !isNumberLike(v) {
		return mismatch(wanted(dst.Type()), v)
	}
	n, ok := uint64Of(v)
	if !ok || dst.OverflowUint(n) {
		return outOfRange(fmt.Sprintf("int of %d bits, not negative", dst.Type().Bits()), v)
	}
	dst.SetUint(n)
	return nil
}

func uint64Of(v Value) (uint64, bool) {
	if n, ok := Int64Of(v); ok {
		return uint64(n), n >= 0
	}
	const maxUint64Digits = 20 // decimal digits of 2⁶⁴−1
	l, _ := v.(Long)
	if neg, digits, ok := splitLong(string(l)); !ok || neg || len(digits) > maxUint64Digits {
		return 0, false
	}
	n, ok := BigIntOf(v)
	if !ok || !n.IsUint64() {
		return 0, false
	}
	return n.Uint64(), true
}

// floatOf returns a number as float64; ok is false if v is none. An integer too
// large is infinite.
func floatOf(v Value) (f float64, ok bool) {
	if f, ok := v.(Float); ok {
		return float64(f), true
	}
	if n, ok := Int64Of(v); ok {
		return float64(n), true
	}
	l, ok := v.(Long)
	if !ok {
		return 0, false
	}
	neg, digits, ok := splitLong(string(l))
	if !ok {
		return 0, false
	}
	if len(digits) > floatDigits {
		return math.Inf(1 - 2*boolInt(neg)), true
	}
	n, _ := BigIntOf(v)
	f, _ = new(big.Float).SetInt(n).Float64()
	return f, true
}

func storeFloat(v Value, dst reflect.Value) error {
	f, ok := floatOf(v)
	if !ok {
		return mismatch(wanted(dst.Type()), v)
	}
	_, wasFloat := v.(Float)
	if dst.OverflowFloat(f) || math.IsInf(f, 0) && !wasFloat {
		return outOfRange(fmt.Sprintf("float of %d bits", dst.Type().Bits()), v)
	}
	dst.SetFloat(f)
	return nil
}

func storeDuration(v Value, dst reflect.Value) error {
	d, err := durationOf(v)
	if err != nil {
		return err
	}
	dst.SetInt(int64(d))
	return nil
}

// durationOf returns a number of seconds, rounded to the nanosecond.
func durationOf(v Value) (time.Duration, error) {
	const want = "number of seconds"
	if n, ok := Int64Of(v); ok {
		const most = int64(math.MaxInt64 / time.Second)
		if n > most || n < -most {
			return 0, outOfRange(want, v)
		}
		return time.Duration(n) * time.Second, nil
	}
	f, ok := floatOf(v)
	if !ok {
		return 0, mismatch(want, v)
	}
	ns := math.Round(f * float64(time.Second))
	if !(math.Abs(ns) < math.MaxInt64) { // also false for nan
		return 0, outOfRange(want, v)
	}
	return time.Duration(ns), nil
}

func storeTime(v Value, dst reflect.Value) error {
	const want = "number of seconds since 1970"
	// Beyond the year 9999 a time cannot be written as text any more.
	const most = 253402300800
	f, ok := floatOf(v)
	switch {
	case !ok:
		return mismatch(want, v)
	case !(math.Abs(f) < most):
		return outOfRange(want, v)
	}
	whole, fraction := math.Modf(f)
	ns := math.Round(fraction * float64(time.Second))
	dst.Set(reflect.ValueOf(time.Unix(int64(whole), int64(ns)).UTC()))
	return nil
}

// membersOf returns the members of a sequence or set.
func membersOf(v Value) ([]Value, bool) {
	switch v := v.(type) {
	case List:
		return v, true
	case Tuple:
		return v, true
	case Set:
		return v, true
	}
	return nil, false
}

func (t *toGo) storeSequence(v Value, dst reflect.Value) error {
	typ := dst.Type()
	if s, ok := StringOf(v); ok && typ.Elem().Kind() == reflect.Uint8 {
		return storeBytes(s, v, dst)
	}
	items, ok := membersOf(v)
	if !ok || dst.Kind() == reflect.Array && (len(items) != typ.Len() || v.Kind() == KindSet) {
		return mismatch(wanted(typ), v)
	}
	if err := t.left.enter(len(items)); err != nil {
		return err
	}
	// The result is built aside, so that an error does not change dst.
	seq := reflect.New(typ).Elem()
	if typ.Kind() == reflect.Slice {
		seq.Set(reflect.MakeSlice(typ, len(items), len(items)))
	}
	for i, item := range items {
		if err := t.store(item, seq.Index(i)); err != nil {
			return at(err, "item %d", i)
		}
	}
	t.left.depth++
	dst.Set(seq)
	return nil
}

func storeBytes(s string, v Value, dst reflect.Value) error {
	typ := dst.Type()
	seq := reflect.New(typ).Elem()
	switch {
	case typ.Kind() == reflect.Slice:
		seq.Set(reflect.MakeSlice(typ, len(s), len(s)))
	case len(s) != typ.Len():
		return mismatch(fmt.Sprintf("%d bytes", typ.Len()), v)
	}
	reflect.Copy(seq, reflect.ValueOf(s))
	dst.Set(seq)
	return nil
}

func (t *toGo) storeMap(v Value, dst reflect.Value) error {
	typ := dst.Type()
	if s, ok := v.(Set); ok && typ.Elem() == typeEmpty {
		pairs := make([]Pair, len(s))
		for i, item := range s {
			pairs[i].Key = item
		}
		return t.storePairs(pairs, dst)
	}
	m, ok := v.(*Map)
	if !ok || typ.Elem() == typeEmpty && m.Len() > 0 {
		return mismatch(wanted(typ), v)
	}
	return t.storePairs(m.Pairs(), dst)
}

// storePairs fills a map; a pair without a value is a member of a set.
func (t *toGo) storePairs(pairs []Pair, dst reflect.Value) error {
	typ := dst.Type()
	if err := t.left.enter(pairLen * len(pairs)); err != nil {
		return err
	}
	m := reflect.MakeMapWithSize(typ, len(pairs))
	for _, p := range pairs {
		key, elem := reflect.New(typ.Key()).Elem(), reflect.New(typ.Elem()).Elem()
		if err := t.store(p.Key, key); err != nil {
			return at(err, "key")
		}
		if !key.Comparable() {
			return fmt.Errorf("key: %w", mismatch("a comparable key", p.Key))
		}
		if p.Value != nil {
			if err := t.store(p.Value, elem); err != nil {
				return at(err, "key %s", brief(p.Key))
			}
		}
		m.SetMapIndex(key, elem)
	}
	t.left.depth++
	dst.Set(m)
	return nil
}

func (t *toGo) storePointer(v Value, dst reflect.Value) error {
	if _, isNone := v.(None); isNone {
		dst.SetZero()
		return nil
	}
	// A pointer type may point to itself: type p *p.
	if err := t.left.enter(1); err != nil {
		return err
	}
	p := reflect.New(dst.Type().Elem())
	if err := t.store(v, p.Elem()); err != nil {
		return err
	}
	t.left.depth++
	dst.Set(p)
	return nil
}
