package nomcore

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// PeerStatus is what is known about one peer, from memory.
type PeerStatus struct {
	Addr        netip.AddrPort
	State       string        // up, suspect (silent while somebody waits), down, or unknown while it has said nothing
	Extended    bool          // it is one of ours
	RTT         time.Duration // smoothed; 0 while nothing was measured
	Pending     int           // operations of ours that wait for it
	Running     int           // operations of its that run here
	LastContact time.Time     // zero for never
	Exported    int           // objects of ours that it holds
	Imported    int           // references of its that we hold
	Sessions    int           // that it has open with us
}

// Status returns what is known about the peer.
func (p *Peer) Status() PeerStatus {
	st := PeerStatus{
		Addr: p.addr, State: "up", Extended: p.isOurs.Load(),
		Pending: p.pending(), Running: int(p.inbound.Load()),
		Exported: p.s.reg.references(p.refs),
	}
	if ask := p.asking.Load(); ask != nil {
		st.RTT = ask.rtt.smoothed()
	}
	st.Imported, _ = p.received.size()
	if at := p.heardAt.Load(); at != 0 {
		st.LastContact = p.s.born.Add(time.Duration(at))
	} else {
		st.State = "unknown"
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	st.Sessions = len(p.sessions)
	switch {
	case p.down.Load():
		st.State = "down"
	case p.silentAt != 0:
		st.State = "suspect"
	}
	return st
}

// Peers returns the status of all peers that are known, sorted by address.
func (s *Service) Peers() []PeerStatus {
	var out []PeerStatus
	for _, p := range s.peers.all() {
		out = append(out, p.Status())
	}
	slices.SortFunc(out, func(a, b PeerStatus) int { return a.Addr.Compare(b.Addr) })
	return out
}

// StatusText describes the connection for people, a name and a value on each
// line, the values below each other. It answers from memory.
func (p *Peer) StatusText() string {
	st := p.Status()
	kind := "original"
	if st.Extended {
		kind = "extended"
	}
	contact := "never"
	if !st.LastContact.IsZero() {
		contact = time.Since(st.LastContact).Round(time.Millisecond).String() + " ago"
	}
	return statusText([]statusLine{
		{"peer", st.Addr}, {"state", st.State}, {"kind", kind}, {"rtt", st.RTT.Round(time.Microsecond)},
		{"pending", st.Pending}, {"running", st.Running}, {"last_contact", contact},
		{"references_given", st.Exported}, {"references_held", st.Imported},
	})
}

// statusLine is a line of a status for people.
type statusLine struct {
	name  string
	value any
}

func statusText(lines []statusLine) string {
	var b strings.Builder
	for _, line := range lines {
		fmt.Fprintf(&b, "%-20s %v\n", line.name, line.value)
	}
	return b.String()
}
