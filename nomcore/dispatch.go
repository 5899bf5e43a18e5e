package nomcore

import (
	"context"
	"fmt"

	"nomfs/auth"
	"nomfs/codec"
	"nomfs/nomcore/object"
	"nomfs/nomcore/wire"
)

// errUnknownPull is the text of the NameError that answers an unknown
// operation.
const errUnknownPull = "Unknown pull"

// operation is what the service knows of one PULL operation.
type operation struct {
	name  string
	right auth.Right
	needs []wire.Field // attributes that the request must have
	safe  bool         // running it twice is harmless
	ext   bool         // not known to the original
	bare  bool         // about the connection, not about an object; for all who are admitted
	run   func(*pull) (codec.Value, error)
}

// The operations about the connection.
const (
	opRelease = "Release"
	opCancel  = "Cancel"
	opRunning = "Running"
)

// ops is the one table of operations. What is not in it is refused.
var ops map[string]*operation

func init() { // not a literal: run reaches back to the table through Peer.pull
	ops = make(map[string]*operation)
	for _, op := range []operation{
		{name: "GetAttr", right: auth.RightRead, needs: []wire.Field{wire.Attr}, safe: true, run: (*pull).getOrDescribe},
		{name: "SetAttr", right: auth.RightWrite, needs: []wire.Field{wire.Attr, wire.Val}, run: (*pull).setAttr},
		{name: "DelAttr", right: auth.RightDelete, needs: []wire.Field{wire.Attr}, run: (*pull).delAttr},
		{name: "GetItem", right: auth.RightRead, needs: []wire.Field{wire.Item}, safe: true, run: (*pull).getItem},
		{name: "SetItem", right: auth.RightWrite, needs: []wire.Field{wire.Item, wire.Val}, run: (*pull).setItem},
		{name: "DelItem", right: auth.RightDelete, needs: []wire.Field{wire.Item}, run: (*pull).delItem},
		{name: "Len", right: auth.RightRead, safe: true, run: (*pull).len},
		{name: "Repr", right: auth.RightRead, safe: true, run: (*pull).repr},
		{name: "Str", right: auth.RightRead, safe: true, run: (*pull).str},
		{name: "Call", right: auth.RightCall, needs: []wire.Field{wire.Args, wire.Kwargs}, run: (*pull).call},

		{name: "Describe", right: auth.RightRead, safe: true, ext: true, run: (*pull).describePage},
		{name: "Dir", right: auth.RightRead, safe: true, ext: true, run: (*pull).dirPage},
		{name: "Keys", right: auth.RightRead, safe: true, ext: true, run: (*pull).keysPage},
		{name: "Snapshot", right: auth.RightRead, safe: true, ext: true, run: (*pull).snapshotPage},
		{name: "CallAttr", right: auth.RightCall, needs: []wire.Field{wire.Attr, wire.Args, wire.Kwargs}, ext: true, run: (*pull).callAttr},
		{name: opRelease, right: auth.RightConnect, needs: []wire.Field{wire.Refs}, ext: true, bare: true, run: (*pull).release},
		{name: opCancel, right: auth.RightConnect, needs: []wire.Field{wire.Seq}, safe: true, ext: true, bare: true, run: (*pull).cancel},
		{name: opRunning, right: auth.RightConnect, needs: []wire.Field{wire.Seq}, safe: true, ext: true, bare: true, run: (*pull).running},
	} {
		ops[op.name] = &op
	}
}

// commandRights are the rights of the commands that are screened by themselves.
// SYNC is screened by Admit, a PULL by the right of its operation.
var commandRights = map[wire.Command]auth.Right{
	wire.List:    auth.RightList,
	wire.Resolve: auth.RightRead,
}

// execute runs a request. One that was answered before is only screened again,
// and gets the same answer.
func (s *Service) execute(j *job) answer {
	p, pkt := j.p, &j.w.pkt
	ctx := context.Context(j.ctx)
	refused := p.admitted(ctx, pkt.Cmd == wire.Sync)
	if pkt.Cmd == wire.Sync {
		return answer{result: codec.Bool(refused == nil), hello: j.hello}
	}
	if refused != nil {
		return answer{err: errDenied}
	}
	switch pkt.Cmd {
	case wire.List:
		if err := s.allow(ctx, p, auth.Request{Right: commandRights[pkt.Cmd], Op: pkt.Cmd.String()}); err != nil {
			return answer{err: err}
		}
		if j.replay != nil {
			return answer{ready: j.replay}
		}
		return s.list(ctx, p, pkt)
	case wire.Resolve:
		a := s.resolveName(ctx, p, pkt)
		if a.err == nil && j.replay != nil {
			return answer{ready: j.replay}
		}
		return a
	case wire.Pull:
		return s.pull(ctx, j)
	default:
		return answer{err: exception("NameError", "Unknown command")}
	}
}

// resolveName looks up a registered name.
func (s *Service) resolveName(ctx context.Context, p *Peer, pkt *wire.Packet) answer {
	if !pkt.Has(wire.Name) {
		return answer{err: exception("KeyError", wire.Name.String())}
	}
	text, isText := pkt.Text(wire.Name)
	name := string(text)
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
	return s.allow(ctx, p, auth.Request{Right: commandRights[wire.Resolve], Op: wire.Resolve.String(), Name: name})
}

// pull is one operation on an object, whoever asks for it: a peer by a packet,
// or the owner of the objects through Self.
type pull struct {
	ctx  context.Context
	s    *Service
	peer *Peer // nil for the owner, who may do everything
	job  *job  // nil for the owner
	op   *operation
	id   codec.ID
	obj  *Object
	via  *exported // obj, as it is exported

	attr   string // of the operations on attributes
	item   codec.Value
	val    codec.Value
	args   []codec.Value
	kwargs map[string]codec.Value
	from   int64    // first entry wanted of a listing
	names  []string // attributes wanted of a Snapshot, all where it is nil
	look   bool     // a GetAttr describes a method instead of exporting it

	info codec.Value // of the answer: what describes a method
	used bool        // the references in the request have been counted
}

// pull runs an operation of a packet: first whether the object is known and the
// request complete, then whether the client may, then the object.
func (s *Service) pull(ctx context.Context, j *job) answer {
	pkt := &j.w.pkt
	name, ok := pkt.Text(wire.Op)
	if !ok {
		return answer{err: exception("KeyError", wire.Op.String())}
	}
	op := ops[string(name)]
	if op == nil || op.ext && s.cfg.NoExtensions {
		return answer{result: codec.None{}, err: exception("NameError", errUnknownPull), both: true}
	}
	rq := &pull{ctx: ctx, s: s, peer: j.p, job: j, op: op}
	if j.replay != nil {
		return rq.replay()
	}
	if err := rq.check(); err != nil {
		rq.countUnused()
		return answer{err: err}
	}
	v, err := op.run(rq)
	rq.countUnused()
	return answer{result: v, err: err, from: source{via: rq.via}, info: rq.info}
}

// replay answers a request that has run, if the client may still ask for it.
func (rq *pull) replay() answer {
	if err := rq.find(); err != nil {
		return answer{err: exception("RuntimeError", ErrResultLost.Error()), flags: wire.AckLost}
	}
	if err := rq.check(); err != nil {
		return answer{err: err}
	}
	return answer{ready: rq.job.replay}
}

// countUnused gives back the references in a request that was refused before it
// used them: whoever sent them counts them as given.
func (rq *pull) countUnused() {
	if rq.used || !rq.peer.isOurs.Load() {
		return
	}
	for _, f := range [...]wire.Field{wire.Args, wire.Item, wire.Kwargs, wire.Val} {
		v, err := rq.job.w.pkt.Value(f)
		if v == nil || err != nil {
			continue
		}
		_, _ = mapRefs(v, func(r codec.Ref) (codec.Value, error) {
			if !rq.s.isHome(r.Home) {
				rq.peer.received.count(r)
				rq.peer.received.giveBack(r, 1)
			}
			return r, nil
		})
	}
}

// check finds the object and asks the authenticator.
func (rq *pull) check() error {
	pkt := &rq.job.w.pkt
	if err := rq.find(); err != nil {
		return err
	}
	for _, need := range rq.op.needs {
		if !pkt.Has(need) {
			return exception("KeyError", need.String())
		}
	}
	if rq.op.bare {
		return nil
	}
	if pkt.Has(wire.Attr) {
		name, ok := pkt.Text(wire.Attr)
		if !ok {
			v, _ := pkt.Value(wire.Attr)
			return exception("TypeError", fmt.Sprintf("attribute name must be string, not %v", kindOf(v)))
		}
		rq.attr = nameIn(rq.obj, string(name))
	}
	if pkt.Has(wire.Item) {
		v, err := pkt.Value(wire.Item)
		if err != nil {
			return exception("ValueError", err.Error())
		}
		rq.item = v
	}
	return rq.s.allow(rq.ctx, rq.peer, auth.Request{
		Right: rq.op.right, Op: rq.op.name, ID: rq.id, Obj: rq.obj.Impl, Attr: rq.attr, Item: rq.item,
	})
}

// kindOf returns the kind of a value, KindInvalid for none.
func kindOf(v codec.Value) codec.Kind {
	if v == nil {
		return codec.KindInvalid
	}
	return v.Kind()
}

// nameIn returns the name under which an attribute is screened and used.
func nameIn(obj *Object, name string) string {
	if o, ok := obj.Impl.(object.AttrNamer); ok {
		return o.AttrName(name)
	}
	return name
}

// find finds the object that the request is about.
func (rq *pull) find() error {
	if rq.op.bare || rq.obj != nil {
		return nil
	}
	pkt := &rq.job.w.pkt
	if !pkt.Has(wire.OID) {
		return exception("KeyError", wire.OID.String())
	}
	if digits, ok := codec.ReadDigits(pkt.Fields[wire.OID]); ok {
		rq.use(parseObjectID(digits))
	}
	if rq.obj != nil {
		return nil
	}
	v, err := pkt.Value(wire.OID)
	if err != nil {
		return exception("ValueError", err.Error())
	}
	if text, ok := idOf(v); ok {
		rq.use(parseObjectID(text))
	}
	if rq.obj == nil {
		return codec.Exception{Class: "KeyError", Args: codec.Tuple{v}}
	}
	return nil
}

// use makes the object with an id that of the request.
func (rq *pull) use(id objectID, ok bool) {
	if !ok {
		return
	}
	if rq.obj, rq.via = rq.s.reg.use(rq.peer.refs, id); rq.obj != nil {
		rq.id = id.text()
	}
}

// load reads the arguments of the request and makes its references usable, just
// before the object gets them. The owner of the objects has them already.
func (rq *pull) load() error {
	if rq.job == nil {
		return nil
	}
	pkt := &rq.job.w.pkt
	rq.used = true
	for _, f := range rq.op.needs {
		var err error
		switch f {
		case wire.Val:
			rq.val, err = rq.value(f)
		case wire.Item:
			rq.item, err = rq.value(f)
		case wire.Args:
			err = rq.loadArgs()
		case wire.Kwargs:
			err = rq.loadKwargs()
		}
		if err != nil {
			return err
		}
	}
	rq.look = pkt.Has(wire.Info) && rq.peer.isOurs.Load() && !rq.s.cfg.NoExtensions
	if rq.op.ext {
		if err := rq.loadListing(pkt); err != nil {
			return err
		}
	}
	rq.job.w.offerBuffer()
	return nil
}

// value decodes an attribute of the request.
func (rq *pull) value(f wire.Field) (codec.Value, error) {
	v, err := rq.job.w.pkt.Value(f)
	if err != nil {
		return nil, exception("ValueError", err.Error())
	}
	return rq.s.incoming(v, rq.peer)
}

func (rq *pull) loadArgs() error {
	value := rq.job.w.pkt.Fields[wire.Args]
	args, ok, err := codec.ParseItems(value, codec.Limits{Bytes: maxDatagram})
	switch {
	case err != nil:
		return exception("ValueError", err.Error())
	case !ok:
		v, _ := rq.job.w.pkt.Value(wire.Args)
		return exception("TypeError", fmt.Sprintf("arguments must be a sequence, not %v", kindOf(v)))
	}
	for i := range args {
		if args[i], err = rq.s.incoming(args[i], rq.peer); err != nil {
			return err
		}
	}
	rq.args = args
	return nil
}

func (rq *pull) loadKwargs() error {
	if codec.IsEmptyMap(rq.job.w.pkt.Fields[wire.Kwargs]) {
		return nil
	}
	v, err := rq.value(wire.Kwargs)
	if err != nil {
		return err
	}
	m, ok := v.(*codec.Map)
	if !ok {
		return exception("TypeError", fmt.Sprintf("keywords must be a mapping, not %v", v.Kind()))
	}
	if m.Len() == 0 {
		return nil
	}
	rq.kwargs = make(map[string]codec.Value, m.Len())
	for _, pair := range m.Pairs() {
		name, ok := codec.StringOf(pair.Key)
		if !ok {
			return exception("TypeError", "keywords must be strings")
		}
		rq.kwargs[name] = pair.Value
	}
	return nil
}

// loadListing reads what is wanted of a listing.
func (rq *pull) loadListing(pkt *wire.Packet) error {
	if pkt.Has(wire.From) {
		from, ok := pkt.Int(wire.From)
		if !ok || from < 0 {
			return exception("ValueError", "page must start at a number from 0")
		}
		rq.from = from
	}
	if !pkt.Has(wire.Names) {
		return nil
	}
	v, err := pkt.Value(wire.Names)
	list, ok := v.(codec.List)
	if err != nil || !ok {
		return exception("TypeError", "names must be a list")
	}
	rq.names = make([]string, 0, len(list))
	for _, v := range list {
		if n, ok := codec.StringOf(v); ok {
			rq.names = append(rq.names, nameIn(rq.obj, n))
		}
	}
	return nil
}

// may asks whether the client may do that to an attribute.
func (rq *pull) may(op, attr string) bool {
	return rq.peer == nil || rq.s.allow(rq.ctx, rq.peer, auth.Request{
		Right: ops[op].right, Op: op, ID: rq.id, Obj: rq.obj.Impl, Attr: attr,
	}) == nil
}
