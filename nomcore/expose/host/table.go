package host

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"nomfs/codec"
	"nomfs/nomcore"
)

// field is one attribute: how to read it now, and what it is without reading
// it. KindInvalid says that only a read can tell.
type field struct {
	name string
	kind codec.Kind
	doc  string
	get  func(ctx context.Context) (codec.Value, error)
}

// table is an object made of fields; all objects of this package are.
type table struct {
	class  string
	label  string // what follows the class in the repr, "" for nothing
	doc    string
	fields []field // sorted by name
}

var (
	_ nomcore.AttrGetter = (*table)(nil)
	_ nomcore.Describer  = (*table)(nil)
	_ nomcore.Direr      = (*table)(nil)
	_ nomcore.Reprer     = (*table)(nil)
)

// newTable sorts the fields, which may come in the order that reads best.
func newTable(class, label, doc string, fields ...field) *table {
	slices.SortFunc(fields, func(a, b field) int { return strings.Compare(a.name, b.name) })
	return &table{class: class, label: label, doc: doc, fields: fields}
}

// GetAttr reads the field called name.
func (t *table) GetAttr(ctx context.Context, name string) (codec.Value, error) {
	i, ok := slices.BinarySearchFunc(t.fields, name, func(f field, name string) int {
		return strings.Compare(f.name, name)
	})
	if !ok {
		return nil, exception("AttributeError", fmt.Sprintf("'%s' object has no attribute '%s'", t.class, name))
	}
	return t.fields[i].get(ctx)
}

// Describe lists the fields; it reads none.
func (t *table) Describe(context.Context) (codec.Description, error) {
	d := codec.Description{Class: t.class, Doc: t.doc}
	for _, f := range t.fields {
		d.Attrs = append(d.Attrs, codec.AttrInfo{Name: f.name, Kind: f.kind, Doc: f.doc})
	}
	return d, nil
}

// Dir returns the names of the fields.
func (t *table) Dir(context.Context) ([]string, error) {
	names := make([]string, len(t.fields))
	for i, f := range t.fields {
		names[i] = f.name
	}
	return names, nil
}

// Repr returns the class and the label.
func (t *table) Repr(context.Context) (string, error) {
	return "<" + strings.TrimSpace(t.class+" "+t.label) + ">", nil
}

// items is a table that holds other objects by key.
type items struct {
	table
	keys func(ctx context.Context) ([]codec.Value, error)
	item func(ctx context.Context, key codec.Value) (codec.Value, error)
}

var (
	_ nomcore.ItemGetter = (*items)(nil)
	_ nomcore.KindKeyer  = (*items)(nil)
	_ nomcore.Lener      = (*items)(nil)
)

// GetItem returns the object under key.
func (t *items) GetItem(ctx context.Context, key codec.Value) (codec.Value, error) {
	return t.item(ctx, key)
}

// Keys returns the keys as they are now.
func (t *items) Keys(ctx context.Context) ([]codec.Value, error) { return t.keys(ctx) }

// KeyKinds returns the keys as they are now; every item is an object.
func (t *items) KeyKinds(ctx context.Context) ([]codec.Value, []codec.Kind, error) {
	keys, err := t.keys(ctx)
	return keys, slices.Repeat([]codec.Kind{codec.KindRef}, len(keys)), err
}

// Len returns the number of keys.
func (t *items) Len(ctx context.Context) (int, error) {
	keys, err := t.keys(ctx)
	return len(keys), err
}

// Describe says that there are items.
func (t *items) Describe(ctx context.Context) (codec.Description, error) {
	d, err := t.table.Describe(ctx)
	d.Sized, d.Indexable = true, true
	return d, err
}

func exception(class string, args ...string) codec.Exception {
	e := codec.Exception{Class: class, Args: codec.Tuple{}}
	for _, a := range args {
		e.Args = append(e.Args, codec.StringValue(a))
	}
	return e
}

// noKey is the answer to a key that is not there.
func noKey(key codec.Value) error {
	return codec.Exception{Class: "KeyError", Args: codec.Tuple{key}}
}

// constant is the getter of what cannot change.
func constant(v codec.Value) func(context.Context) (codec.Value, error) {
	return func(context.Context) (codec.Value, error) { return v, nil }
}

// count is an unsigned counter or size as a value.
func count(n uint64) codec.Value {
	if n > math.MaxInt64 {
		return codec.Long(strconv.FormatUint(n, 10))
	}
	return codec.Int(n)
}

// percent is a percentage as a value, to a tenth: more digits are noise.
func percent(p float64) codec.Value {
	const tenths = 10
	if math.IsNaN(p) || math.IsInf(p, 0) {
		p = 0
	}
	return codec.Float(math.Round(p*tenths) / tenths)
}
