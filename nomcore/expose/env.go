package expose

import (
	"context"
	"os"

	"nomfs/codec"
)

// envKind is a variable of the environment in which the program was started;
// None where it is not set.
//
//	env   its name
//	type  what its text stands for, see output
var envKind = kind{key: "env", what: "a variable", read: func(f *fields, _ *def) maker {
	name, of := f.name("env"), f.output()
	if s, ok := os.LookupEnv(name); ok {
		if _, err := of.value([]byte(s)); err != nil {
			f.bad("env", "%s: %s", name, reason(err))
		}
	}
	return func(*site) (member, error) { return &variable{name: name, of: of}, nil }
}}

type variable struct {
	constant
	idle
	name string
	of   output
}

func (m *variable) info() codec.AttrInfo { return codec.AttrInfo{Kind: m.still().Kind()} }

func (m *variable) still() codec.Value {
	s, ok := os.LookupEnv(m.name)
	if !ok {
		return codec.None{}
	}
	v, err := m.of.value([]byte(s))
	if err != nil { // it was right when the file was read
		return codec.None{}
	}
	return v
}

func (m *variable) get(context.Context) (codec.Value, error) { return m.still(), nil }
