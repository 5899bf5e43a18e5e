package codec

import "slices"

// HasRef tells whether v is or contains something that is sent as a reference:
// a Ref, or a value of another package that stands for an object.
func HasRef(v Value) bool {
	switch v := v.(type) {
	case List:
		return slices.ContainsFunc(v, HasRef)
	case Tuple:
		return slices.ContainsFunc(v, HasRef)
	case Set:
		return slices.ContainsFunc(v, HasRef)
	case Exception:
		return slices.ContainsFunc(v.Args, HasRef)
	case *Map:
		return slices.ContainsFunc(v.Pairs(), func(p Pair) bool { return HasRef(p.Key) || HasRef(p.Value) })
	}
	return v.Kind() == KindRef
}

// MapRefs returns v with everything in it that is sent as a reference replaced
// by what f returns. Containers without any are returned as they are, others
// are copied, so that v itself never changes. The error is that of f, or
// ErrUnhashable where f made a key of a dict something that cannot be one.
func MapRefs(v Value, f func(Value) (Value, error)) (Value, error) {
	switch v := v.(type) {
	case List:
		out, err := mapRefsIn(v, f)
		return List(out), err
	case Tuple:
		out, err := mapRefsIn(v, f)
		return Tuple(out), err
	case Set:
		out, err := mapRefsIn(v, f)
		return Set(out), err
	case Exception:
		out, err := mapRefsIn(v.Args, f)
		return Exception{Class: v.Class, Args: out}, err
	case *Map:
		return mapRefsInMap(v, f)
	}
	if v.Kind() == KindRef {
		return f(v)
	}
	return v, nil
}

func mapRefsIn(vs []Value, f func(Value) (Value, error)) ([]Value, error) {
	if !slices.ContainsFunc(vs, HasRef) {
		return vs, nil
	}
	out := make([]Value, len(vs))
	for i, v := range vs {
		var err error
		if out[i], err = MapRefs(v, f); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func mapRefsInMap(m *Map, f func(Value) (Value, error)) (Value, error) {
	if !HasRef(m) {
		return m, nil
	}
	pairs := slices.Clone(m.Pairs())
	for i := range pairs {
		var err error
		if pairs[i].Key, err = MapRefs(pairs[i].Key, f); err != nil {
			return nil, err
		}
		if pairs[i].Value, err = MapRefs(pairs[i].Value, f); err != nil {
			return nil, err
		}
	}
	return NewMap(pairs...)
}
