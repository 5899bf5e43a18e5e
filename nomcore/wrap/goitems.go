package wrap

import (
	"context"
	"reflect"

	"nomfs/codec"
	"nomfs/nomcore/object"
)

// goItems is a slice, array or map as an object: a goObject with items.
type goItems struct{ *goObject }

var _ interface {
	object.ItemGetter
	object.ItemSetter
	object.ItemDeleter
	object.Lener
	object.KindKeyer
	object.PageDescriber
} = (*goItems)(nil)

func keyError(key codec.Value) error {
	return codec.Exception{Class: "KeyError", Args: codec.Tuple{key}}
}

func (o *goItems) Len(ctx context.Context) (n int, err error) {
	defer object.Recover(ctx, "len", &err)
	o.guard.read.Lock()
	defer o.guard.read.Unlock()
	return o.value().Len(), nil
}

// Keys returns the keys of a map in the order of a dict, or the indexes of a
// sequence.
func (o *goItems) Keys(ctx context.Context) ([]codec.Value, error) {
	keys, _, err := o.KeyKinds(ctx)
	return keys, err
}

// KeyKinds returns the keys and the kinds of the items.
func (o *goItems) KeyKinds(ctx context.Context) (keys []codec.Value, kinds []codec.Kind, err error) {
	defer object.Recover(ctx, "keys", &err)
	o.guard.read.Lock()
	defer o.guard.read.Unlock()
	v := o.value()
	if v.Kind() != reflect.Map {
		keys, kinds = make([]codec.Value, v.Len()), make([]codec.Kind, v.Len())
		for i := range keys {
			keys[i], kinds[i] = codec.Int(i), kindOf(v.Index(i))
		}
		return keys, kinds, nil
	}
	m, err := reader{guard: o.guard}.pairs(v, func(item reflect.Value) (codec.Value, error) { return codec.Int(kindOf(item)), nil })
	if err != nil {
		return nil, nil, err
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
	var want reflect.Value // must be made without the lock
	if o.info.kind == reflect.Map {
		want, _ = writer{o.guard}.key(key, o.info.base.Key())
	}
	o.guard.read.Lock()
	defer o.guard.read.Unlock()
	v := o.value()
	r := reader{guard: o.guard}
	if v.Kind() == reflect.Map {
		k := findKey(v, want, key)
		if !k.IsValid() {
			return nil, keyError(key)
		}
		return r.value(v.MapIndex(k))
	}
	at, err := indexes(key, v.Len(), "list index")
	if err != nil {
		return nil, err
	}
	if key.Kind() != codec.KindSlice {
		return r.value(v.Index(at[0]))
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

// findKey returns the key of map m that key means, invalid if there is none;
// k is what key is in Go, invalid if it can be none. The lock must be held.
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

// sameKey reports whether two keys are equal; objects are compared by identity.
func sameKey(a, b codec.Value) bool {
	x, isX := a.(*object.Object)
	y, isY := b.(*object.Object)
	if isX && isY {
		return x.Identity() == y.Identity()
	}
	return codec.Equal(a, b)
}

// indexes returns the indexes in a sequence of n items that key means, in its
// order: one, or those that a slice takes. what is the word for an index that is
// not there.
func indexes(key codec.Value, n int, what string) ([]int, error) {
	if s, ok := key.(codec.Slice); ok {
		if s.Step == 0 {
			return nil, object.Errorf("ValueError", "slice step cannot be zero")
		}
		var at []int
		start, stop, step := bounds(s, n)
		for i := int64(start); step > 0 && i < int64(stop) || step < 0 && i > int64(stop); i += int64(step) {
			at = append(at, int(i))
		}
		return at, nil
	}
	if k := key.Kind(); k != codec.KindInt && k != codec.KindBool {
		return nil, object.Errorf("TypeError", "list indices must be integers, not %s", k)
	}
	i, ok := codec.Int64Of(key)
	if i < 0 {
		i += int64(n)
	}
	if !ok || i < 0 || i >= int64(n) {
		return nil, object.Errorf("IndexError", "%s out of range", what)
	}
	return []int{int(i)}, nil
}

// bounds clips s to n items as Python does.
func bounds(s codec.Slice, n int) (start, stop, step int) {
	low, high := 0, n
	if s.Step < 0 {
		low, high = -1, n-1
	}
	clip := func(at int32) int {
		i := int(at)
		if i < 0 {
			i += n
		}
		return max(low, min(i, high))
	}
	return clip(s.Start), clip(s.Stop), int(s.Step)
}

func (o *goItems) SetItem(ctx context.Context, key, v codec.Value) (err error) {
	defer object.Recover(ctx, "item", &err)
	if o.info.kind == reflect.Map {
		return o.setKey(key, v)
	}
	w, err := o.assigned(key, v)
	if err != nil {
		return err
	}
	o.guard.write.Lock()
	defer o.guard.write.Unlock()
	c := o.value()
	at, err := indexes(key, c.Len(), "list assignment index")
	if err != nil {
		return err
	}
	if s, ok := key.(codec.Slice); ok && s.Step == 1 && c.Kind() == reflect.Slice && c.CanSet() {
		start, stop, _ := bounds(s, c.Len())
		grown := reflect.MakeSlice(c.Type(), 0, c.Len()-len(at)+w.Len())
		grown = reflect.AppendSlice(grown, c.Slice(0, start))
		grown = reflect.AppendSlice(grown, w)
		c.Set(reflect.AppendSlice(grown, c.Slice(max(start, stop), c.Len())))
		return nil
	}
	if len(at) != w.Len() {
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

// assigned returns the new items of a sequence: as many as there are in v for a
// slice, which a slice that a pointer leads to takes by growing or shrinking,
// so that s[n:n] = [x] appends; else v alone.
func (o *goItems) assigned(key, v codec.Value) (items reflect.Value, err error) {
	elem := o.info.base.Elem()
	items = reflect.New(o.info.base).Elem()
	if items.Kind() != reflect.Slice {
		items = reflect.New(reflect.SliceOf(elem)).Elem()
	}
	_, isSlice := key.(codec.Slice)
	switch {
	case isPart(elem):
		return items, object.Errorf("TypeError", "an item of '%s' is a %s, set its attributes", o.info.class, typeName(elem))
	case isSlice && v.Kind() == codec.KindNone:
		return items, object.Errorf("TypeError", "can only assign an iterable")
	case isSlice:
		return items, labelled("slice", writer{o.guard}.set(items, v))
	}
	items.Set(reflect.MakeSlice(items.Type(), 1, 1))
	return items, labelled("item "+key.String(), writer{o.guard}.set(items.Index(0), v))
}

func (o *goItems) noItem(what string) error {
	return object.Errorf("TypeError", "'%s' object does not support item %s", o.info.class, what)
}

func (o *goItems) setKey(key, v codec.Value) error {
	t := o.info.base
	k, err := writer{o.guard}.key(key, t.Key())
	if err != nil {
		return labelled("key", err)
	}
	w, err := writer{o.guard}.convert(v, t.Elem())
	if err != nil {
		return labelled("item "+gotName(key), err)
	}
	o.guard.write.Lock()
	defer o.guard.write.Unlock()
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
	var want reflect.Value // must be made without the lock
	if o.info.kind == reflect.Map {
		want, _ = writer{o.guard}.key(key, o.info.base.Key())
	}
	o.guard.write.Lock()
	defer o.guard.write.Unlock()
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
	gone, err := indexes(key, v.Len(), "list assignment index")
	if err != nil {
		return err
	}
	drop := make(map[int]bool, len(gone))
	for _, i := range gone {
		drop[i] = true
	}
	// A copy, so that Go code that still walks the old slice sees it whole.
	rest := reflect.MakeSlice(v.Type(), 0, v.Len()-len(gone))
	for i := range v.Len() {
		if !drop[i] {
			rest = reflect.Append(rest, v.Index(i))
		}
	}
	v.Set(rest)
	return nil
}
