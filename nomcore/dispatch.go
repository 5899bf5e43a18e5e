package nomcore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"nomfs/auth"
	"nomfs/codec"
)

// answer is the outcome of a request.
type answer struct {
	result codec.Value // nil for none, where err says why
	err    error
	both   bool   // unknown operations are answered with both, as ever
	from   source // of the objects in it
	extra  []codec.Attr
	flags  byte // of the acknowledgement, within a session
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
	bare  bool     // about the connection, not about an object; for all who are admitted
	run   func(*pullRequest) (codec.Value, error)
}

// The operations about the connection.
const (
	opRelease = "Release"
	opRenew   = "Renew"
	opCancel  = "Cancel"
)

// ops is the one table of operations. What is not in it is refused.
var ops map[string]operation

func init() { // not a literal: run reaches back to the table through Peer.pull

	ops = map[string]operation{
		"GetAttr": {right: auth.RightRead, needs: []string{attrAttr}, safe: true, run: (*pullRequest).getOrLook},
		"SetAttr": {right: auth.RightWrite, needs: []string{attrAttr, attrVal}, run: (*pullRequest).setAttr},
		"DelAttr": {right: auth.RightDelete, needs: []string{attrAttr}, run: (*pullRequest).delAttr},
		"GetItem": {right: auth.RightRead, needs: []string{attrItem}, safe: true, run: (*pullRequest).getItem},
		"SetItem": {right: auth.RightWrite, needs: []string{attrItem, attrVal}, run: (*pullRequest).setItem},
		"DelItem": {right: auth.RightDelete, needs: []string{attrItem}, run: (*pullRequest).delItem},
		"Len":     {right: auth.RightRead, safe: true, run: (*pullRequest).len},
		"Repr":    {right: auth.RightRead, safe: true, run: (*pullRequest).repr},
		"Str":     {right: auth.RightRead, safe: true, run: (*pullRequest).str},
		"Call":    {right: auth.RightCall, needs: []string{attrArgs, attrKwargs}, run: (*pullRequest).call},

		"Describe": {right: auth.RightRead, safe: true, ext: true, run: (*pullRequest).describe},
		"Dir":      {right: auth.RightRead, safe: true, ext: true, run: (*pullRequest).dir},
		"Keys":     {right: auth.RightRead, safe: true, ext: true, run: (*pullRequest).keys},
		"Snapshot": {right: auth.RightRead, safe: true, ext: true, run: (*pullRequest).snapshot},
		"CallAttr": {right: auth.RightCall, needs: []string{attrAttr, attrArgs, attrKwargs}, ext: true, run: (*pullRequest).callAttr},
		opRelease:  {right: auth.RightConnect, needs: []string{attrRefs}, ext: true, bare: true, run: (*pullRequest).release},
		opRenew:    {right: auth.RightConnect, safe: true, ext: true, bare: true, run: (*pullRequest).renew},
		opCancel:   {right: auth.RightConnect, needs: []string{attrSeq}, safe: true, ext: true, bare: true, run: (*pullRequest).cancel},
	}
}

// commandRights are the rights of the commands that are screened by themselves.
// SYNC is screened by Admit, a PULL by the right of its operation.
var commandRights = map[command]auth.Right{
	cmdList:    auth.RightList,
	cmdResolve: auth.RightRead,
}

// execute runs a request.
func (s *Service) execute(ctx context.Context, j *job) answer {
	p, pkt := j.peer, &j.pkt
	refused := p.admission(ctx, pkt.cmd == cmdSync)
	if pkt.cmd == cmdSync {
		return s.executeSync(p, pkt, refused)
	}
	if refused != nil {
		return answer{err: errDenied}
	}
	switch pkt.cmd {
	case cmdList:
		if err := s.allow(ctx, p, auth.Request{Right: commandRights[pkt.cmd], Op: pkt.cmd.String()}); err != nil {
			return answer{err: err}
		}
		return s.list(ctx, p, pkt)
	case cmdResolve:
		return s.resolveName(ctx, p, pkt)
	case cmdPull:
		return s.pull(ctx, j)
	default:
		return answer{err: exception("NameError", "Unknown command")}
	}
}

// executeSync answers SYNC: whether the client is admitted, and to a peer of
// ours what we offer.
func (s *Service) executeSync(p *Peer, pkt *packet, refused error) answer {
	theirs, ours := p.offered(pkt)
	p.heardSync(theirs, ours)
	a := answer{result: codec.Bool(refused == nil)}
	if refused == nil && ours {
		x := s.nomx()
		copy(x.nonce[:], p.cookie[:])
		if theirs.flags&extSession != 0 && !s.sessions.open(theirs.nonce, p.addr) {
			x.flags &^= extSession // no room: it is served as an original is
		}
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
func (s *Service) resolveName(ctx context.Context, p *Peer, pkt *packet) answer {
	v, ok := pkt.get(attrName)
	if !ok {
		return answer{err: exception("KeyError", attrName)}
	}
	name, isText := codec.StringOf(v)
	if err := s.allowResolve(ctx, p, name); err != nil {
		return answer{err: err}
	}
	if reg := s.reg.lookup(name); reg != nil && isText {
		return answer{result: reg.value, from: source{name: reg}}
	}
	return answer{err: exception("NameError", "No such name")}
}

// allowResolve asks whether the client may have what is registered under name.
func (s *Service) allowResolve(ctx context.Context, p *Peer, name string) error {
	return s.allow(ctx, p, auth.Request{Right: commandRights[cmdResolve], Op: cmdResolve.String(), Name: name})
}

// pullRequest is a PULL that passed the checks.
type pullRequest struct {
	ctx  context.Context
	s    *Service
	peer *Peer
	pkt  *packet
	tag  *sessionTag
	id   codec.ID
	obj  *Object
	via  *exported   // obj, as it is exported
	attr string      // of the operations on attributes
	item codec.Value // of those on items

	extra []codec.Attr // of the answer
	used  bool         // the references in the request have been counted
}

// pull runs an operation on an object: first whether it is known and complete,
// then whether the client may, then the object.
func (s *Service) pull(ctx context.Context, j *job) answer {
	p, pkt := j.peer, &j.pkt
	name, ok := pkt.text(attrOp)
	if !ok {
		return answer{err: exception("KeyError", attrOp)}
	}
	op, known := ops[name]
	if !known || op.ext && s.cfg.NoExtensions {
		return answer{result: codec.None{}, err: exception("NameError", errUnknownPull), both: true}
	}
	rq := pullRequest{ctx: ctx, s: s, peer: p, pkt: pkt, tag: j.tag}
	defer rq.countUnused()
	if err := rq.check(op, name); err != nil {
		return answer{err: err}
	}
	v, err := op.run(&rq)
	return answer{result: v, err: err, from: source{via: rq.via}, extra: rq.extra}
}

// countUnused gives back the references in a request that was refused before it
// used them: whoever sent them counts them as given.
func (rq *pullRequest) countUnused() {
	if rq.used || !rq.peer.isOurs.Load() {
		return
	}
	for _, a := range rq.pkt.attrs {
		_, _ = mapRefs(a.Value, func(r codec.Ref) (codec.Value, error) {
			if !rq.s.isHome(r.Home) {
				rq.peer.received.count(r)
				rq.peer.received.giveBack(r, 1)
			}
			return r, nil
		})
	}
}

// check finds the object and the arguments and asks the authenticator.
func (rq *pullRequest) check(op operation, name string) error {
	if err := rq.find(op); err != nil {
		return err
	}
	for _, need := range op.needs {
		if _, ok := rq.pkt.get(need); !ok {
			return exception("KeyError", need)
		}
	}
	if op.bare {
		return nil
	}
	if v, ok := rq.pkt.get(attrAttr); ok {
		if rq.attr, ok = codec.StringOf(v); !ok {
			return exception("TypeError", fmt.Sprintf("attribute name must be string, not %v", v.Kind()))
		}
		rq.attr = rq.attrName(rq.attr)
	}
	if v, ok := rq.pkt.get(attrItem); ok {
		rq.item = v
	}
	return rq.s.allow(rq.ctx, rq.peer, auth.Request{
		Right: op.right, Op: name, ID: rq.id, Obj: rq.obj.Impl, Attr: rq.attr, Item: rq.item,
	})
}

// attrName returns the name under which an attribute is screened and used.
func (rq *pullRequest) attrName(name string) string {
	if o, ok := rq.obj.Impl.(AttrNamer); ok {
		return o.AttrName(name)
	}
	return name
}

// find finds the object that the request is about.
func (rq *pullRequest) find(op operation) error {
	if op.bare {
		return nil
	}
	v, ok := rq.pkt.get(attrOID)
	if !ok {
		return exception("KeyError", attrOID)
	}
	if rq.id, ok = idOf(v); ok {
		if id, ok := parseObjectID(rq.id); ok {
			rq.obj, rq.via = rq.s.reg.use(rq.peer.refTable(), id)
		}
	}
	if rq.obj == nil {
		return codec.Exception{Class: "KeyError", Args: codec.Tuple{v}}
	}
	return nil
}

// idOf reads an oid, which may come as any number.
func idOf(v codec.Value) (codec.ID, bool) {
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
func (s *Service) answer(j *job, a answer) []byte {
	if _, ok := j.pkt.get(attrXID); !ok {
		return nil
	}
	if j.tag != nil {
		ack := sessionAck{boot: s.boot, seq: j.tag.seq, flags: a.flags, uptime: time.Since(s.born)}
		a.extra = append(a.extra, codec.Attr{Name: attrNomq, Value: ack.value()})
	}
	out := s.outbox(j.peer, j.peer.refTable(), a.from)
	defer out.release()
	s.encodeAnswer(out, j.peer, &j.pkt, a)
	if out.refs == s.unvalidated && len(out.given) > 0 {
		j.peer.gave(out.given)
	}
	b := append([]byte(nil), out.buf...)
	if err := j.peer.sendAnswer(b); err != nil && !errors.Is(err, ErrClosed) {
		s.log.Warn("answer not sent", "client", j.peer.addr, "err", err)
	}
	return b
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
	case errors.As(err, &exc): // errRevoked or errTooManyReferences
	case errors.Is(err, ErrTooLarge):
		exc = ExceptionOf(fmt.Errorf("the answer is too large: %w", err))
	case a.err != nil: // an exception whose arguments cannot be sent
		e := ExceptionOf(a.err)
		exc = exception(e.Class, clip(e.Error()))
	default:
		exc = exception("TypeError", "the result cannot be sent: "+clip(err.Error()))
	}
	// Without the request, which may be what could not be encoded.
	a = answer{err: exc, extra: a.extra}
	if err := out.encode(pkt.reply(false, a.attrs()...)); err != nil {
		a.err = exception("RuntimeError", "the answer cannot be sent")
		_ = out.encode(pkt.reply(false, a.attrs()...))
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

// attrs returns the outcome as attributes.
func (a answer) attrs() []codec.Attr {
	attrs := slices.Clip(a.extra)
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
