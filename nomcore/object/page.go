package object

import (
	"context"
	"slices"

	"nomfs/codec"
)

// DescribeFrom describes an object from one of its attributes on: as a
// PageDescriber does, or by its whole description.
func DescribeFrom(ctx context.Context, o Describer, from int, yield func(codec.AttrInfo) bool) (codec.Description, error) {
	if p, ok := o.(PageDescriber); ok {
		return p.DescribeFrom(ctx, from, yield)
	}
	d, err := o.Describe(ctx)
	if err != nil {
		return d, err
	}
	for _, a := range d.Attrs[min(from, len(d.Attrs)):] {
		if !yield(a) {
			break
		}
	}
	d.Attrs = nil
	return d, nil
}

// DescribeAttr returns what an object tells of one attribute; ok is false where
// it tells nothing.
func DescribeAttr(ctx context.Context, o Describer, name string) (info codec.AttrInfo, ok bool) {
	from := 0
	if p, isPaged := o.(interface {
		PageDescriber
		Direr
	}); isPaged {
		names, err := p.Dir(ctx)
		if err != nil {
			return info, false
		}
		if from, ok = slices.BinarySearch(names, name); !ok {
			return info, false
		}
	}
	_, err := DescribeFrom(ctx, o, from, func(a codec.AttrInfo) bool {
		info, ok = a, a.Name == name
		return !ok
	})
	return info, ok && err == nil
}
