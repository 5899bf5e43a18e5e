package nomcore

import (
	"context"
	"errors"
	"fmt"

	"nomfs/auth"
	"nomfs/codec"
)

// answer is the outcome of a request.
type answer struct {
	result codec.Value // nil for none, where err says why
	err    error
	both   bool     // unknown operations are answered with both, as ever
	via    codec.ID // object whose operation this was, see registry.export
	extra  []codec.Attr
}

// errUnknownPull is the text of the NameError that answers an unknown
// operation.
const errUnknownPull = "Unknown pull"

// operation is what the service knows of one PULL operation.
type operation struct {
	right auth.Right
	needs []string // attributes that the request must have
	safe  bool     // running it twice is harmless
	ext   bool     // not known to the original
	run   func(*pullRequest) (codec.Value, error)
}

// ops is the one table of operations. What is not in it is refused.
var ops map[string]operation

func init() { // not a literal: run reaches back to the table through Peer.pull
	ops = map[string]operation{
		"GetAttr": {auth.RightRead, []string{attrAttr}, true, false, (*pullRequest).getAttr},
		"SetAttr": {auth.RightWrite, []string{attrAttr, attrVal}, false, false, (*pullRequest).setAttr},
		"DelAttr": {auth.RightDelete, []string{attrAttr}, false, false, (*pullRequest).delAttr},
		"GetItem": {auth.RightRead, []string{attrItem}, true, false, (*pullRequest).getItem},
		"SetItem": {auth.RightWrite, []string{attrItem, attrVal}, false, false, (*pullRequest).setItem},
		"DelItem": {auth.RightDelete, []string{attrItem}, false, false, (*pullRequest).delItem},
		"Len":     {auth.RightRead, nil, true, false, (*pullRequest).len},
		"Repr":    {auth.RightRead, nil, true, false, (*pullRequest).repr},
		"Str":     {auth.RightRead, nil, true, false, (*pullRequest).str},
		"Call":    {auth.RightCall, []string{attrArgs, attrKwargs}, false, false, (*pullRequest).call},

		"Describe": {auth.RightRead, nil, true, true, (*pullRequest).describe},
		"Dir":      {auth.RightRead, nil, true, true, (*pullRequest).dir},
		"Keys":     {auth.RightRead, nil, true, true, (*pullRequest).keys},
	}
}

// commandRights are the rights of the commands that are not operations.
var commandRights = map[command]auth.Right{
	cmdSync:    auth.RightConnect,
	cmdList:    auth.RightList,
	cmdResolve: auth.RightRead,
	cmdPull:    auth.RightNone, // each operation has its own
	cmdPush:    auth.RightNone,
	cmdDesync:  auth.RightNone, // never answered
}

// execute runs a request.
func (s *Service) execute(ctx context.Context, p *Peer, pkt *packet) answer {
	refused := p.admission(ctx, pkt.cmd == cmdSync)
	if pkt.cmd == cmdSync {
		return s.executeSync(p, pkt, refused)
	}
	if refused != nil {
		return answer{err: errDenied}
	}
	switch pkt.cmd {
	case cmdList:
		if err := s.allow(ctx, p, auth.Request{Right: auth.RightList, Op: pkt.cmd.String()}); err != nil {
			return answer{err: err}
		}
		names := s.reg.list()
		list := make(codec.List, len(names))
		for i, n := range names {
			list[i] = codec.StringValue(n)
		}
		return answer{result: list}
	case cmdResolve:
		v, err := s.resolveName(ctx, p, pkt)
		return answer{result: v, err: err}
	case cmdPull:
		return s.pull(ctx, p, pkt)
	default:
		return answer{err: exception("NameError", "Unknown command")}
	}
}

// executeSync answers SYNC: whether the client is admitted, and to a peer of
// ours what we offer.
func (s *Service) executeSync(p *Peer, pkt *packet, refused error) answer {
	p.learn(pkt)
	a := answer{result: codec.Bool(refused == nil)}
	if refused == nil && p.isOurs.Load() {
		x := s.nomx()
		a.extra = []codec.Attr{{Name: attrNomx, Value: x.value()}}
	}
	return a
}

// nomx returns the attribute that we send.
func (s *Service) nomx() nomx {
	x := nomx{version: nomxVersion, flags: extOffered, boot: s.boot}
	randomBytes(x.nonce[:])
	return x
}

// allow asks the authenticator. Its reasons go to the log, not to the client.
func (s *Service) allow(ctx context.Context, p *Peer, req auth.Request) error {
	if req.Right == auth.RightNone {
		return errDenied
	}
	a, _ := s.authenticator()
	if err := a.Allow(ctx, p.identity(), req); err != nil {
		s.log.Debug("access denied", "client", p.addr, "op", req.Op, "attr", req.Attr, "err", err)
		return errDenied
	}
	return nil
}

// resolveName looks up a registered name.
func (s *Service) resolveName(ctx context.Context, p *Peer, pkt *packet) (codec.Value, error) {
	v, ok := pkt.get(attrName)
	if !ok {
		return nil, exception("KeyError", attrName)
	}
	name, isText := codec.StringOf(v)
	if err := s.allow(ctx, p, auth.Request{
		Right: commandRights[cmdResolve], Op: pkt.cmd.String(), Name: name,
	}); err != nil {
		return nil, err
	}
	if v, ok := s.reg.lookup(name); ok && isText {
		return v, nil
	}
	return nil, exception("NameError", "No such name")
}

// pullRequest is a PULL that passed the checks.
type pullRequest struct {
	ctx  context.Context
	s    *Service
	peer *Peer
	pkt  *packet
	id   codec.ID
	obj  *Object
	attr string      // of the operations on attributes
	item codec.Value // of those on items
}

// pull runs an operation on an object: first whether it is known and complete,
// then whether the client may, then the object.
func (s *Service) pull(ctx context.Context, p *Peer, pkt *packet) answer {
	name, ok := pkt.text(attrOp)
	if !ok {
		return answer{err: exception("KeyError", attrOp)}
	}
	op, known := ops[name]
	if !known || op.ext && s.cfg.NoExtensions {
		return answer{result: codec.None{}, err: exception("NameError", errUnknownPull), both: true}
	}
	rq := pullRequest{ctx: ctx, s: s, peer: p, pkt: pkt}
	if err := rq.check(op, name); err != nil {
		return answer{err: err}
	}
	v, err := op.run(&rq)
	return answer{result: v, err: err, via: rq.id}
}

// check finds the object and the arguments and asks the authenticator.
func (rq *pullRequest) check(op operation, name string) error {
	v, ok := rq.pkt.get(attrOID)
	if !ok {
		return exception("KeyError", attrOID)
	}
	if rq.id, ok = objectID(v); ok {
		rq.obj = rq.s.reg.object(rq.id)
	}
	if rq.obj == nil {
		return codec.Exception{Class: "KeyError", Args: codec.Tuple{v}}
	}
	for _, need := range op.needs {
		if _, ok := rq.pkt.get(need); !ok {
			return exception("KeyError", need)
		}
	}
	if v, ok := rq.pkt.get(attrAttr); ok {
		if rq.attr, ok = codec.StringOf(v); !ok {
			return exception("TypeError", fmt.Sprintf("attribute name must be string, not %v", v.Kind()))
		}
	}
	if v, ok := rq.pkt.get(attrItem); ok {
		rq.item = v
	}
	return rq.s.allow(rq.ctx, rq.peer, auth.Request{
		Right: op.right, Op: name, ID: rq.id, Obj: rq.obj.Impl, Attr: rq.attr, Item: rq.item,
	})
}

// objectID reads an oid, which may come as any number.
func objectID(v codec.Value) (codec.ID, bool) {
	switch v := v.(type) {
	case codec.Long:
		return codec.ID(v), true
	case codec.Int, codec.Float:
		n, ok := integral(v)
		if !ok {
			return "", false
		}
		return codec.ID(n), true
	}
	return "", false
}

// answer sends the outcome of a request and returns the datagram. What cannot
// be sent becomes an error that can.
func (s *Service) answer(p *Peer, pkt *packet, a answer) []byte {
	if _, ok := pkt.get(attrXID); !ok {
		return nil
	}
	out := s.outbox(p.addr.Addr(), a.via)
	defer out.release()
	s.encodeAnswer(out, p, pkt, a)
	if err := s.send(out.buf, p.addr); err != nil && !errors.Is(err, ErrClosed) {
		s.log.Warn("answer not sent", "client", p.addr, "err", err)
	}
	return append([]byte(nil), out.buf...)
}

// encodeAnswer writes the reply into out.buf: the request and its outcome; if
// that is too large the outcome alone; if that is too large, or cannot be
// encoded, an error instead of it.
func (s *Service) encodeAnswer(out *outbox, p *Peer, pkt *packet, a answer) {
	echo := !p.isOurs.Load()
	attrs := a.attrs()
	err := out.encode(pkt.reply(echo, attrs...))
	if errors.Is(err, ErrTooLarge) && echo {
		echo = false
		err = out.encode(pkt.reply(false, attrs...))
	}
	if err == nil {
		return
	}
	var exc codec.Exception
	switch {
	case errors.Is(err, ErrTooLarge):
		exc = ExceptionOf(fmt.Errorf("the answer is too large: %w", err))
	case a.err != nil: // an exception whose arguments cannot be sent
		e := ExceptionOf(a.err)
		exc = exception(e.Class, clip(e.Error()))
	default:
		exc = exception("TypeError", "the result cannot be sent: "+clip(err.Error()))
	}
	a = answer{err: exc}
	// Without the request, which may be what could not be encoded.
	if err := out.encode(pkt.reply(false, a.attrs()...)); err != nil {
		exc = exception("RuntimeError", "the answer cannot be sent")
		_ = out.encode(pkt.reply(false, codec.Attr{Name: attrError, Value: exc}))
	}
}

// clip bounds a text that goes into an error.
func clip(s string) string {
	const most = 1000 // bytes; enough for a person
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}

// encode writes a packet into the buffer.
func (o *outbox) encode(pkt packet) error {
	b, err := pkt.append(o.buf[:0], &o.enc)
	if err != nil {
		return err
	}
	if o.buf = b; len(b) > maxDatagram {
		return fmt.Errorf("%w: it has %d", ErrTooLarge, len(b))
	}
	return nil
}

// attrs returns the outcome as attributes.
func (a answer) attrs() []codec.Attr {
	attrs := a.extra
	if a.err != nil {
		attrs = append(attrs, codec.Attr{Name: attrError, Value: ExceptionOf(a.err)})
		if !a.both {
			return attrs
		}
	}
	v := a.result
	if v == nil {
		v = codec.None{}
	}
	return append(attrs, codec.Attr{Name: attrResult, Value: v})
}
