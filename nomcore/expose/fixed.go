package expose

import (
	"context"

	"nomfs/codec"
	"nomfs/nomcore"
)

// fixed is a member that is one object for as long as it is there.
type fixed struct {
	constant
	svc   *nomcore.Service
	o     *nomcore.Object
	about codec.AttrInfo
	end   func() // nil for nothing
}

// fixed makes one, which end closes. What the file says that it is counts more
// than what the object says. What clients reach through it ends with it.
func (s *site) fixed(o *nomcore.Object, about codec.AttrInfo, end func()) *fixed {
	o.Doc, o.Scope = s.doc.String, true
	return &fixed{svc: s.svc, o: o, about: about, end: end}
}

func (m *fixed) info() codec.AttrInfo { return m.about }

func (m *fixed) get(context.Context) (codec.Value, error) { return m.o, nil }

// close ends the object for those who hold it, too.
func (m *fixed) close() {
	if m.end != nil {
		m.end()
	}
	m.svc.Revoke(m.o)
}
