package nomcore

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nomfs/codec"
	"nomfs/nomcore/wire"
)

// An error of a request that was never sent does not claim that there was no
// answer, nor that it may have run.
func TestUnsentIsSaid(t *testing.T) {
	block := func(n *memNet) { // nothing arrives any more
		n.setFilter(func(netip.AddrPort, netip.AddrPort, []byte, func()) {})
	}
	deadline := func(t *testing.T) (context.Context, context.CancelFunc) {
		return context.WithTimeout(t.Context(), time.Second)
	}
	plain := func(t *testing.T) (context.Context, context.CancelFunc) { return t.Context(), func() {} }
	arg := []codec.Value{codec.Int(1)}
	for _, tt := range []struct {
		name    string
		prepare func(t *testing.T, p *pair)
		ctx     func(t *testing.T) (context.Context, context.CancelFunc)
		args    []codec.Value
		want    error
		says    string
	}{
		{"the window is full", func(_ *testing.T, p *pair) {
			for range windowExtended {
				p.peer.ask().win.inUse[placeOuter]++
			}
		}, deadline, arg, ErrTimeout, "waited 1s for its turn"},
		{"the window is full, without a deadline", func(_ *testing.T, p *pair) {
			p.peer.ask().win.inUse[placeOuter] = windowExtended
		}, plain, arg, ErrTimeout, "waited 5s for its turn"},
		{"the span is full", func(_ *testing.T, p *pair) {
			sess := p.peer.ask().sess.Load()
			sess.next = sess.below + sessionSpan
		}, deadline, arg, ErrTimeout, "waited 1s for its turn"},
		{"the session cannot be opened", func(_ *testing.T, p *pair) {
			p.peer.ask().sess.Store(nil)
			block(p.net)
		}, plain, arg, ErrTimeout, "SYNC was not answered in 5s"},
		{"the session cannot be opened in time", func(_ *testing.T, p *pair) {
			p.peer.ask().sess.Store(nil)
			block(p.net)
		}, deadline, arg, ErrTimeout, "SYNC was not answered in 1s"},
		{"another opens the session", func(t *testing.T, p *pair) {
			p.peer.ask().sess.Store(nil)
			p.peer.ask().syncing <- struct{}{}
			t.Cleanup(func() { <-p.peer.ask().syncing })
		}, deadline, arg, ErrTimeout, "waited 1s for its turn"},
		{"the peer makes no sense of SYNC", func(t *testing.T, p *pair) {
			p.peer.ask().sess.Store(nil)
			p.net.setFilter(func(from, to netip.AddrPort, b []byte, deliver func()) {
				pkt, _ := parsePacket(b)
				if xid, _ := pkt.xid(); to == serverAt && pkt.cmd == cmdSync {
					p.net.deliver(serverAt, clientAt, rawRequest(t, cmdSync, xidAttr(int(xid)),
						helloAttr(wire.SessionID{byte(xid)}), codec.Attr{Name: attrResult, Value: codec.Bool(true)}))
				}
			})
		}, plain, arg, ErrProtocol, "opens no session"},
		{"the context is cancelled", nil, func(t *testing.T) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			return ctx, cancel
		}, arg, context.Canceled, "canceled"},
		{"the deadline has passed", nil, func(t *testing.T) (context.Context, context.CancelFunc) {
			return context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
		}, arg, ErrTimeout, "was not sent"},
		{"an argument cannot be encoded", nil, plain, []codec.Value{foreign{}}, codec.ErrUnencodable, "foreign"},
		{"an argument is too large", nil, plain, []codec.Value{codec.Bytes(strings.Repeat("x", maxDatagram))}, ErrTooLarge, "65,507"},
		{"the peer is down", func(_ *testing.T, p *pair) { block(p.net); p.peer.markDown() }, plain, arg, ErrDown, "down"},
		{"the service is closed", func(_ *testing.T, p *pair) { p.client.Close() }, plain, arg, ErrClosed, "closed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCounterObject()
				p := newPair(t, c, noLog)
				if tt.prepare != nil {
					tt.prepare(t, p)
				}
				calls := 0
				p.net.onSend(func(_, _ netip.AddrPort, b []byte) {
					if pkt, err := parsePacket(b); err == nil && pkt.cmd == cmdPull && !pkt.isReply() {
						calls++
					}
				})
				ctx, cancel := tt.ctx(t)
				defer cancel()
				_, err := p.peer.Call(ctx, p.ref, tt.args, nil)
				if err == nil || !errors.Is(err, tt.want) || errors.Is(err, ErrOutcomeUnknown) {
					t.Errorf("error %v, want %v", err, tt.want)
				}
				text := ""
				if err != nil {
					text = err.Error()
				}
				if !strings.Contains(text, tt.says) || strings.Contains(text, "no answer") || strings.Contains(text, "may have run") {
					t.Errorf("it says %q, want %q", text, tt.says)
				}
				if n, _ := c.runs(); n != 0 || calls != 0 {
					t.Errorf("%d calls were sent, %d ran", calls, n)
				}
			})
		})
	}
}

// Connecting says how long it waited for another that connects.
func TestReconnectWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, newCounterObject(), noLog)
		p.peer.ask().syncing <- struct{}{}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := p.peer.Reconnect(ctx); !errors.Is(err, ErrTimeout) || !strings.Contains(err.Error(), "waited 1s for its turn") {
			t.Errorf("Reconnect: %v", err)
		}
		<-p.peer.ask().syncing
	})
}
