package wrap

import (
	"context"
	"reflect"

	"nomfs/codec"
	"nomfs/nomcore/object"
)

// goItems is a slice, array or map as an object: what goObject does, and
// items.
type goItems struct{ *goObject }

var _ interface {
	object.ItemGetter
	object.ItemSetter
	object.ItemDeleter
	object.Lener
	object.KindKeyer
	object.PageDescriber
} = (*goItems)(nil)

// What sequences answer, in Python's words.
var (
	errIndex       = object.Errorf("IndexError", "list index out of range")
	errAssignIndex = object.Errorf("IndexError", "list assignment index out of range")
	errSliceStep   = object.Errorf("ValueError", "slice step cannot be zero")
)

func keyError(key codec.Value) error {
	return codec.Exception{Class: "KeyError", Args: codec.Tuple{key}}
}

func (o *goItems) Len(ctx context.Context) (n int, err error) {
	defer object.Recover(ctx, "len", &err)
	o.guard.rlock()
	defer o.guard.runlock()
	return o.value().Len(), nil
}

// Keys returns the keys of a map in the order of a dict, or the indexes of a
// sequence.
func (o *goItems) Keys(ctx context.Context) ([]codec.Value, error) {
	keys, _, err := o.KeyKinds(ctx)
	return keys, err
}

// KeyKinds is Keys and what the items are.
func (o *goItems) KeyKinds(ctx context.Context) (keys []codec.Value, kinds []codec.Kind, err error) {
	defer object.Recover(ctx, "keys", &err)
	o.guard.rlock()
	defer o.guard.runlock()
	v := o.value()
	if v.Kind() != reflect.Map {
		keys, kinds = make([]codec.Value, v.Len()), make([]codec.Kind, v.Len())
		for i := range keys {
			keys[i], kinds[i] = codec.Int(i), kindOf(v.Index(i))
		}
		return keys, kinds, nil
	}
	pairs := make([]codec.Pair, 0, v.Len())
	r := reader{guard: o.guard}
	for it := v.MapRange(); it.Next(); {
		k, err := r.key(it.Key())
		if err != nil {
			return nil, nil, err
		}
		pairs = append(pairs, codec.Pair{Key: k, Value: codec.Int(kindOf(it.Value()))})
	}
	m, err := codec.NewMap(pairs...) // puts them into the order of a dict
	if err != nil {
		return nil, nil, object.Errorf("TypeError", "%v", err)
	}
	keys, kinds = make([]codec.Value, 0, m.Len()), make([]codec.Kind, 0, m.Len())
	for _, p := range m.Pairs() {
		kind, _ := codec.Int64Of(p.Value)
		keys, kinds = append(keys, p.Key), append(kinds, codec.Kind(kind))
	}
	return keys, kinds, nil
}

func (o *goItems) Describe(ctx context.Context) (codec.Description, error) {
	d, err := o.goObject.Describe(ctx)
	d.Sized, d.Indexable = true, true
	return d, err
}

func (o *goItems) DescribeFrom(ctx context.Context, from int, yield func(codec.AttrInfo) bool) (codec.Description, error) {
	d, err := o.goObject.DescribeFrom(ctx, from, yield)
	d.Sized, d.Indexable = true, true
	return d, err
}

func (o *goItems) GetItem(ctx context.Context, key codec.Value) (_ codec.Value, err error) {
	defer object.Recover(ctx, "item", &err)
	want := o.goKey(key)
	o.guard.rlock()
	defer o.guard.runlock()
	v := o.value()
	r := reader{guard: o.guard}
	if v.Kind() == reflect.Map {
		k := findKey(v, want, key)
		if !k.IsValid() {
			return nil, keyError(key)
		}
		return r.value(v.MapIndex(k))
	}
	if s, ok := key.(codec.Slice); ok {
		return o.slice(r, v, s)
	}
	i, err := index(key, v.Len(), errIndex)
	if err != nil {
		return nil, err
	}
	return r.value(v.Index(i))
}

// slice returns the items that s takes from v: bytes of bytes, else a list.
func (o *goItems) slice(r reader, v reflect.Value, s codec.Slice) (codec.Value, error) {
	at, err := indexes(s, v.Len())
	if err != nil {
		return nil, err
	}
	if v.Type().Elem().Kind() == reflect.Uint8 {
		b := make([]byte, len(at))
		for i, x := range at {
			b[i] = byte(v.Index(x).Uint())
		}
		return codec.Bytes(b), nil
	}
	list := make(codec.List, len(at))
	for i, x := range at {
		if list[i], err = r.value(v.Index(x)); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// goKey returns what key is as a key of the Go map, invalid where it cannot be
// one. It must be called without the lock.
func (o *goItems) goKey(key codec.Value) reflect.Value {
	if o.info.kind != reflect.Map {
		return reflect.Value{}
	}
	k, err := writer{o.guard}.key(key, o.info.base.Key())
	if err != nil {
		return reflect.Value{}
	}
	return k
}

// findKey returns the key of map m that key means, invalid if there is none;
// k is what key is in Go. The lock must be held.
func findKey(m, k reflect.Value, key codec.Value) reflect.Value {
	if k.IsValid() && m.MapIndex(k).IsValid() {
		return k
	}
	switch m.Type().Key().Kind() {
	case reflect.Interface, reflect.Struct, reflect.Array, reflect.Pointer:
	default:
		return reflect.Value{}
	}
	// Several Go values may be one key to a peer: int(1) and int64(1).
	for it := m.MapRange(); it.Next(); {
		if v, err := (reader{}).key(it.Key()); err == nil && sameKey(v, key) {
			return it.Key()
		}
	}
	return reflect.Value{}
}

// sameKey tells whether two keys are equal, objects by identity.
func sameKey(a, b codec.Value) bool {
	x, ok := a.(*object.Object)
	if !ok {
		return codec.Equal(a, b)
	}
	y, ok := b.(*object.Object)
	return ok && (x == y || x.Key != nil && x.Key == y.Key)
}

// index returns the index that key means in a sequence of n items, negative
// ones counting from the end.
func index(key codec.Value, n int, outside error) (int, error) {
	if _, ok := codec.BigIntOf(key); !ok {
		return 0, object.Errorf("TypeError", "list indices must be integers, not %s", key.Kind())
	}
	i, ok := codec.Int64Of(key)
	if i < 0 {
		i += int64(n)
	}
	if !ok || i < 0 || i >= int64(n) {
		return 0, outside
	}
	return int(i), nil
}

// bounds clips s to n items as Python does. The numbers are wide enough that
// a step beyond the end does not wrap around.
func bounds(s codec.Slice, n int) (start, stop, step int64, err error) {
	step = int64(s.Step)
	if step == 0 {
		return 0, 0, 0, errSliceStep
	}
	low, high := int64(0), int64(n)
	if step < 0 {
		low, high = -1, int64(n)-1
	}
	clip := func(i int64) int64 {
		if i < 0 {
			i += int64(n)
		}
		return max(low, min(i, high))
	}
	return clip(int64(s.Start)), clip(int64(s.Stop)), step, nil
}

// indexes returns the indexes that s takes from n items, in its order.
func indexes(s codec.Slice, n int) ([]int, error) {
	start, stop, step, err := bounds(s, n)
	if err != nil {
		return nil, err
	}
	var at []int
	for i := start; step > 0 && i < stop || step < 0 && i > stop; i += step {
		at = append(at, int(i))
	}
	return at, nil
}

func (o *goItems) SetItem(ctx context.Context, key, v codec.Value) (err error) {
	defer object.Recover(ctx, "item", &err)
	if o.info.kind == reflect.Map {
		return o.setKey(key, v)
	}
	if s, ok := key.(codec.Slice); ok {
		return o.setSlice(s, v)
	}
	elem := o.info.base.Elem()
	if isPart(elem) {
		return object.Errorf("TypeError", "an item of '%s' is a %s, set its attributes", o.info.class, typeName(elem))
	}
	w, err := writer{o.guard}.convert(v, elem)
	if err != nil {
		return conversionError("item "+key.String(), err)
	}
	o.guard.lock()
	defer o.guard.unlock()
	c := o.value()
	i, err := index(key, c.Len(), errAssignIndex)
	if err != nil {
		return err
	}
	if !c.Index(i).CanSet() {
		return o.noItem("assignment")
	}
	c.Index(i).Set(w)
	return nil
}

func (o *goItems) noItem(what string) error {
	return object.Errorf("TypeError", "'%s' object does not support item %s", o.info.class, what)
}

func (o *goItems) setKey(key, v codec.Value) error {
	t := o.info.base
	k, err := writer{o.guard}.key(key, t.Key())
	if err != nil {
		return conversionError("key", err)
	}
	w, err := writer{o.guard}.convert(v, t.Elem())
	if err != nil {
		return conversionError("item "+gotName(key), err)
	}
	o.guard.lock()
	defer o.guard.unlock()
	m := o.value()
	if m.IsNil() {
		if !m.CanSet() {
			return o.noItem("assignment")
		}
		m.Set(reflect.MakeMap(t))
	}
	if same := findKey(m, k, key); same.IsValid() {
		k = same
	}
	m.SetMapIndex(k, w)
	return nil
}

func (o *goItems) DelItem(ctx context.Context, key codec.Value) (err error) {
	defer object.Recover(ctx, "item", &err)
	want := o.goKey(key)
	o.guard.lock()
	defer o.guard.unlock()
	v := o.value()
	if v.Kind() == reflect.Map {
		k := findKey(v, want, key)
		if !k.IsValid() {
			return keyError(key)
		}
		v.SetMapIndex(k, reflect.Value{})
		return nil
	}
	if v.Kind() != reflect.Slice || !v.CanSet() {
		return o.noItem("deletion")
	}
	var gone []int
	if s, ok := key.(codec.Slice); ok {
		if gone, err = indexes(s, v.Len()); err != nil {
			return err
		}
	} else {
		i, err := index(key, v.Len(), errAssignIndex)
		if err != nil {
			return err
		}
		gone = []int{i}
	}
	v.Set(without(v, gone))
	return nil
}

// without returns a copy of slice v that lacks some indexes. It is a copy so
// that Go code that still walks the old slice sees it whole.
func without(v reflect.Value, gone []int) reflect.Value {
	drop := make(map[int]bool, len(gone))
	for _, i := range gone {
		drop[i] = true
	}
	rest := reflect.MakeSlice(v.Type(), v.Len()-len(gone), v.Len()-len(gone))
	to := 0
	for i := range v.Len() {
		if !drop[i] {
			rest.Index(to).Set(v.Index(i))
			to++
		}
	}
	return rest
}

// setSlice replaces the items that s takes by those of v. A slice that a
// pointer leads to may grow and shrink by it: s[n:n] = [x] appends.
func (o *goItems) setSlice(s codec.Slice, v codec.Value) error {
	if v.Kind() == codec.KindNone {
		return object.Errorf("TypeError", "can only assign an iterable")
	}
	w, err := writer{o.guard}.convert(v, reflect.SliceOf(o.info.base.Elem()))
	if err != nil {
		return conversionError("slice", err)
	}
	o.guard.lock()
	defer o.guard.unlock()
	c := o.value()
	start, stop, step, err := bounds(s, c.Len())
	if err != nil {
		return err
	}
	if step == 1 && c.Kind() == reflect.Slice && c.CanSet() {
		from, to := int(start), int(max(start, stop))
		grown := reflect.MakeSlice(c.Type(), 0, c.Len()-(to-from)+w.Len())
		grown = reflect.AppendSlice(grown, c.Slice(0, from))
		for i := range w.Len() {
			grown = reflect.Append(grown, w.Index(i))
		}
		c.Set(reflect.AppendSlice(grown, c.Slice(to, c.Len())))
		return nil
	}
	at, err := indexes(s, c.Len())
	switch {
	case err != nil:
		return err
	case len(at) != w.Len():
		return object.Errorf("ValueError", "attempt to assign sequence of size %d to slice of size %d", w.Len(), len(at))
	}
	for i, x := range at {
		if !c.Index(x).CanSet() {
			return o.noItem("assignment")
		}
		c.Index(x).Set(w.Index(i))
	}
	return nil
}
