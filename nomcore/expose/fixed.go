package expose

import (
	"context"

	"nomfs/codec"
	"nomfs/nomcore"
)

// fixed is a member that is one object for as long as it is there.
type fixed struct {
	constant
	o     *nomcore.Object
	about codec.AttrInfo
	end   func() // nil for nothing
}

func (m *fixed) info() codec.AttrInfo { return m.about }

func (m *fixed) get(context.Context) (codec.Value, error) { return m.o, nil }

func (m *fixed) close() {
	if m.end != nil {
		m.end()
	}
}
