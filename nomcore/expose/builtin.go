package expose

import (
	"maps"
	"slices"

	"nomfs/codec"
	"nomfs/nomcore"
	"nomfs/nomcore/expose/demo"
	"nomfs/nomcore/expose/host"
)

// builtinKind is an object that this program brings along.
//
//	builtin  its name, one of builtins
var builtinKind = kind{key: "builtin", what: "a builtin object", object: true, read: func(f *fields, _ *def) maker {
	name := f.oneOf("builtin", "", slices.Sorted(maps.Keys(builtins)))
	return func(s *site) (member, error) {
		make := s.v.opt.Builtins[name]
		if make == nil {
			make = builtins[name]
		}
		return s.fixed(nomcore.Wrap(make()), codec.AttrInfo{Kind: codec.KindRef}, nil), nil
	}
}}

// builtins make the objects, by name.
var builtins = map[string]func() any{
	"host": func() any { return host.New() },
	"demo": func() any { return demo.New() },
}
