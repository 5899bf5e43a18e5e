package script

import (
	"time"
	"unicode/utf8"

	startime "go.starlark.net/lib/time"
	"go.starlark.net/starlark"

	"nomfs/codec"
	"nomfs/nomcore"
)

// maxNesting is how many containers may lie in one another, in levels: as
// elsewhere in nomcore. It stops a list that contains itself.
const maxNesting = 200

// maxMembers bounds what leaves a script, in members of all containers: four
// times what a datagram holds. A list that refers to the same other in many
// places is written out in each, and could be of any size.
const maxMembers = 1 << 18

// inward returns the Starlark value of v.
func (s *Script) inward(v codec.Value) (starlark.Value, error) { return inward{s}.value(v, 0) }

type inward struct{ s *Script }

func (c inward) value(v codec.Value, depth int) (starlark.Value, error) {
	if depth > codec.DefaultDepth {
		return nil, raise(classValue, "a value nests deeper than %d levels", codec.DefaultDepth)
	}
	switch v := v.(type) {
	case nil, codec.None:
		return starlark.None, nil
	case codec.Bool:
		return starlark.Bool(v), nil
	case codec.Int:
		return starlark.MakeInt64(int64(v)), nil
	case codec.Long:
		n, ok := codec.BigIntOf(v)
		if !ok {
			return nil, raise(classValue, "bad number")
		}
		return starlark.MakeBigInt(n), nil
	case codec.Float:
		return starlark.Float(v), nil
	case codec.Text:
		return starlark.String(v), nil
	case codec.Bytes:
		if utf8.ValidString(string(v)) {
			return starlark.String(v), nil
		}
		return starlark.Bytes(v), nil
	case codec.List:
		items, err := c.items(v, depth)
		return starlark.NewList(items), err
	case codec.Tuple:
		items, err := c.items(v, depth)
		return starlark.Tuple(items), err
	case codec.Set:
		return c.set(v, depth)
	case *codec.Map:
		return c.dict(v, depth)
	case codec.Ref, *nomcore.Object, *nomcore.Proxy:
		return c.s.reference(v), nil
	}
	return opaque{v}, nil // slice, Ellipsis, exception
}

func (c inward) items(vs []codec.Value, depth int) ([]starlark.Value, error) {
	items := make([]starlark.Value, len(vs))
	for i, v := range vs {
		var err error
		if items[i], err = c.value(v, depth+1); err != nil {
			return nil, err
		}
	}
	return items, nil
}

func (c inward) set(v codec.Set, depth int) (starlark.Value, error) {
	set := starlark.NewSet(len(v))
	for _, item := range v {
		e, err := c.value(item, depth+1)
		if err != nil {
			return nil, err
		}
		if err := set.Insert(e); err != nil {
			return nil, raiseAs(classType, err)
		}
	}
	return set, nil
}

func (c inward) dict(v *codec.Map, depth int) (starlark.Value, error) {
	d := starlark.NewDict(v.Len())
	for _, p := range v.Pairs() {
		k, err := c.value(p.Key, depth+1)
		if err != nil {
			return nil, err
		}
		e, err := c.value(p.Value, depth+1)
		if err != nil {
			return nil, err
		}
		if err := d.SetKey(k, e); err != nil {
			return nil, raiseAs(classType, err)
		}
	}
	return d, nil
}

// outward returns the codec value of v: a copy, except for references and
// functions. The lock of the state must be held if v belongs to it.
func (s *Script) outward(v starlark.Value) (codec.Value, error) {
	c := outward{s: s, left: maxMembers}
	return c.value(v, 0)
}

type outward struct {
	s    *Script
	left int // members of containers that may still come
}

func (c *outward) value(v starlark.Value, depth int) (codec.Value, error) {
	if depth > maxNesting {
		return nil, raise(classValue, "a value nests deeper than %d levels, or contains itself", maxNesting)
	}
	switch v := v.(type) {
	case starlark.NoneType:
		return codec.None{}, nil
	case starlark.Bool:
		return codec.Bool(v), nil
	case starlark.Int:
		if n, ok := v.Int64(); ok {
			return codec.Int(n), nil
		}
		return codec.IntValue(v.BigInt()), nil
	case starlark.Float:
		return codec.Float(v), nil
	case starlark.String:
		return codec.StringValue(string(v)), nil
	case starlark.Bytes:
		return codec.Bytes(v), nil
	case startime.Duration, startime.Time:
		return timeValue(v), nil
	case *ref:
		return v.v, nil
	case opaque:
		return v.v, nil
	case *server:
		return &nomcore.Object{Key: serverKey{v.s, v.addr}, Impl: v}, nil
	case *starlark.Function:
		return c.s.exported(v)
	case starlark.Tuple:
		items, err := c.items(v, depth)
		return codec.Tuple(items), err
	case *starlark.Set:
		items, err := c.items(v, depth)
		return codec.Set(items), err
	case *starlark.Dict:
		return c.dict(v, depth)
	case starlark.Sequence: // a list, a range, the elements of a string
		items, err := c.items(v, depth)
		return codec.List(items), err
	}
	return nil, raise(classType, "a %s cannot leave the script", v.Type())
}

// spend counts members.
func (c *outward) spend(n int) error {
	if c.left -= n; c.left < 0 {
		return raise(classValue, "a value has more than %d members", maxMembers)
	}
	return nil
}

func (c *outward) items(v starlark.Sequence, depth int) ([]codec.Value, error) {
	if err := c.spend(v.Len()); err != nil {
		return nil, err
	}
	items := make([]codec.Value, 0, v.Len())
	for e := range starlark.Elements(v) {
		item, err := c.value(e, depth+1)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, nil
}

func (c *outward) dict(v *starlark.Dict, depth int) (codec.Value, error) {
	if err := c.spend(2 * v.Len()); err != nil {
		return nil, err
	}
	pairs := make([]codec.Pair, 0, v.Len())
	for k, e := range v.Entries() {
		key, err := c.value(k, depth+1)
		if err != nil {
			return nil, err
		}
		item, err := c.value(e, depth+1)
		if err != nil {
			return nil, err
		}
		pairs = append(pairs, codec.Pair{Key: key, Value: item})
	}
	m, err := codec.NewMap(pairs...)
	if err != nil {
		return nil, raiseAs(classType, err)
	}
	return m, nil
}

// timeValue returns seconds, or seconds since 1970, as the codec has times of
// Go.
func timeValue(v starlark.Value) codec.Value {
	var x any
	switch v := v.(type) {
	case startime.Duration:
		x = time.Duration(v)
	case startime.Time:
		x = time.Time(v)
	}
	out, err := codec.FromGo(x, nil)
	if err != nil {
		return codec.None{} // not with these types
	}
	return out
}
