package nomcore

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// check tests what is true of a registry between two methods.
func (r *registry) check(t *testing.T) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	members := make(map[*originSet]int)
	exported := make(map[*exported]struct{ tables, peers int32 })
	refs, bytes := 0, 0
	for i, table := range r.tables {
		if table.at != i || i > 0 && r.tables[(i-1)/2].bytes < table.bytes {
			t.Errorf("table %d of %d with %d bytes is out of place", i, len(r.tables), table.bytes)
		}
		weight := 0
		for e := range table.all() {
			n := exported[e]
			n.tables++
			n.peers++
			exported[e] = n
			weight += refCost + int(e.cost)
			refs++
			bytes += refCost
		}
		if weight != table.bytes || weight == 0 {
			t.Errorf("a table has %d bytes, counted %d", table.bytes, weight)
		}
	}
	for id, e := range r.byID {
		if n := exported[e]; e.peers != n.peers || e.tables < n.tables || e.tables == 0 && !e.named {
			t.Errorf("an object is in %d tables, %d of peers; counted %d", e.tables, e.peers, n.peers)
		}
		if e.peers > 0 {
			bytes += int(e.cost)
		}
		o := e.obj.Load()
		if id != e.id.lo || (o == nil) != e.revoked || e.revoked && e.named {
			t.Errorf("%v is an object with the id %v, revoked %v, named %v", id, e.id, e.revoked, e.named)
		}
		if e.revoked {
			continue
		}
		if r.byIdentity[identityOf(o)] != e || (r.roots[identityOf(o)] != nil) != e.named || !e.set.live() {
			t.Errorf("id %v is not what it should be", id)
		}
		if e.set != nil {
			members[e.set]++
		}
	}
	if r.refs != refs || r.bytes != bytes {
		t.Errorf("%d references with %d bytes, counted %d with %d", r.refs, r.bytes, refs, bytes)
	}
	r.checkSets(t, members)
}

// checkSets tests the sets of origins, which have so many members.
func (r *registry) checkSets(t *testing.T, members map[*originSet]int) {
	t.Helper()
	setBytes := 0
	for key, s := range r.sets {
		setBytes += originCost * len(s.list)
		if members[s] == 0 || key != string(setKey(s.list)) {
			t.Errorf("a set of %d origins has %d members", len(s.list), members[s])
		}
	}
	if setBytes != r.setBytes {
		t.Errorf("sets have %d bytes, counted %d", r.setBytes, setBytes)
	}
	for s, n := range members {
		alive := 0
		for i, o := range s.list {
			if !o.ended {
				alive++
			}
			if _, ok := o.sets[s]; o.single != s && !ok || i > 0 && s.list[i-1].serial >= o.serial {
				t.Error("a set and its origins do not fit each other")
			}
		}
		linked := 0
		for e := s.first; e != nil; e = e.next {
			linked++
		}
		if s.members != n || linked != n || s.alive != alive {
			t.Errorf("a set has %d members, %d linked, counted %d; %d alive, counted %d", s.members, linked, n, s.alive, alive)
		}
	}
	for _, sc := range r.scopes {
		if sc.e == nil && len(sc.parts) == 0 {
			t.Error("a scope is kept for nothing")
		}
		for parent, o := range sc.parts {
			if o.ended || o.scope != sc || o.parent != parent || parent != nil && parent.parts[sc] != o {
				t.Error("a scope and its parts do not fit each other")
			}
			if o.single == nil && len(o.sets) == 0 && len(o.parts) == 0 {
				t.Error("a part is kept for nothing")
			}
		}
	}
}

// A model of the registry: the same, without sharing, indices or limits in
// bytes.
type (
	model struct {
		limit map[*refTable]int
		order map[*refTable][]*modelRef // the least recently used first
		now   map[*Object]*modelExport
		names map[string]*Object
		roots map[*Object]*modelToken
		scope map[*Object]map[string]*modelToken // by the way to the scope
	}
	// modelToken ends with a registered object, or with a scope.
	modelToken struct {
		id    int
		obj   *Object // whose names it gives, nil for a scope
		ended bool
	}
	modelWay    []*modelToken
	modelExport struct {
		e       *exported // what the registry has
		obj     *Object
		ways    []modelWay // nil for an object that was reached under no name
		revoked bool
	}
	modelRef struct {
		x     *modelExport
		count int
	}
)

var modelTokens int

func (w modelWay) live() bool {
	return !slices.ContainsFunc(w, func(t *modelToken) bool { return t.ended })
}

func (w modelWay) String() (s string) {
	for _, t := range w {
		s += fmt.Sprint("/", t.id)
	}
	return s
}

func (x *modelExport) live() bool {
	return !x.revoked && (x.ways == nil || slices.ContainsFunc(x.ways, modelWay.live))
}

func (m *model) find(t *refTable, x *modelExport) int {
	return slices.IndexFunc(m.order[t], func(ref *modelRef) bool { return ref.x == x })
}

// kept reports whether an export is known at all.
func (m *model) kept(x *modelExport) bool {
	for t := range m.order {
		if m.find(t, x) >= 0 {
			return true
		}
	}
	return m.roots[x.obj] != nil && x.live()
}

// ways returns the ways through a source.
func (m *model) ways(name string, via *modelExport) (ways []modelWay, ok bool) {
	switch {
	case name != "":
		root := m.rootOfName(name)
		return []modelWay{{root}}, root != nil
	case via == nil:
		return nil, true
	case !via.live() || via.obj.Scope && m.now[via.obj] != via:
		return nil, false
	}
	for _, w := range via.ways {
		if w.live() {
			ways = append(ways, m.through(w, via.obj))
		}
	}
	if via.ways == nil && via.obj.Scope {
		ways = []modelWay{m.through(nil, via.obj)}
	}
	return ways, true
}

// through returns the way that goes on through an object.
func (m *model) through(w modelWay, o *Object) modelWay {
	if !o.Scope {
		return w
	}
	for i, t := range w {
		if tokens := m.scope[o]; tokens[w[:i].String()] == t {
			return w
		}
	}
	if m.scope[o] == nil {
		m.scope[o] = make(map[string]*modelToken)
	}
	t := m.scope[o][w.String()]
	if t == nil {
		modelTokens++
		t = &modelToken{id: modelTokens}
		m.scope[o][w.String()] = t
	}
	return append(slices.Clone(w), t)
}

func (m *model) rootOfName(name string) *modelToken {
	o := m.names[name]
	if o == nil {
		return nil
	}
	return m.roots[o]
}

func (m *model) register(name string, o *Object) {
	m.names[name] = o
	if m.roots[o] != nil {
		return
	}
	modelTokens++
	m.roots[o] = &modelToken{id: modelTokens, obj: o}
	if x := m.now[o]; x != nil && x.live() {
		x.ways = append(x.ways, modelWay{m.roots[o]})
	}
}

func (m *model) unregister(name string) {
	o := m.names[name]
	delete(m.names, name)
	for _, other := range m.names {
		if other == o {
			return
		}
	}
	m.roots[o].ended = true
	delete(m.roots, o)
	m.sweep()
}

func (m *model) revoke(o *Object) {
	for _, t := range m.scope[o] {
		t.ended = true
	}
	delete(m.scope, o)
	if x := m.now[o]; x != nil && m.roots[o] == nil {
		x.revoked = true
	}
	m.sweep()
}

// sweep forgets what is revoked or kept by nobody, ways that go on from where
// another one ends, and scopes through which no way leads any more.
func (m *model) sweep() {
	ways := make(map[string]bool) // and their beginnings
	for o, x := range m.now {
		if !x.live() {
			x.revoked = true
		}
		if x.revoked || !m.kept(x) {
			delete(m.now, o)
			continue
		}
		x.ways = slices.DeleteFunc(x.ways, func(w modelWay) bool {
			return !w.live() || slices.ContainsFunc(x.ways, func(other modelWay) bool {
				return other.live() && len(other) < len(w) && slices.Equal(other, w[:len(other)])
			})
		})
		for _, w := range x.ways {
			for i := range w {
				ways[w[:i+1].String()] = true
			}
		}
	}
	for _, tokens := range m.scope {
		for before, t := range tokens {
			if !ways[before+modelWay{t}.String()] {
				t.ended = true
				delete(tokens, before)
			}
		}
	}
}

// count counts n references and reports whether there was room.
func (m *model) count(t *refTable, x *modelExport, n int) bool {
	refs := m.order[t]
	at := m.find(t, x)
	if at < 0 {
		if len(refs) >= m.limit[t] {
			if t.kind == refsOurs {
				return false
			}
			refs = refs[1:]
		}
		refs = append(slices.Clone(refs), &modelRef{x, n})
	} else {
		ref := refs[at]
		ref.count += n
		refs = append(slices.Delete(slices.Clone(refs), at, at+1), ref)
	}
	m.order[t] = refs
	return true
}

func (m *model) release(t *refTable, x *modelExport, n int) {
	at := m.find(t, x)
	if at < 0 {
		return
	}
	refs := m.order[t]
	if refs[at].count > n { // the order stays
		refs[at].count -= n
		if t.kind == refsOriginal { // taken note of as used
			ref := refs[at]
			m.order[t] = append(slices.Delete(slices.Clone(refs), at, at+1), ref)
		}
		return
	}
	m.order[t] = slices.Delete(slices.Clone(refs), at, at+1)
	m.sweep()
}

// TestRegistryModel does the same to the registry and to the model.
func TestRegistryModel(t *testing.T) {
	const most = 30 // steps that are told
	seeds, steps := 30, 400
	if full {
		seeds, steps = 1000, 1000
	}
	for seed := range uint64(seeds) {
		w := newModelWalk(seed)
		var log []string
		for step := range steps {
			log = append(log, w.step())
			w.compare(t)
			w.r.check(t)
			if t.Failed() {
				for _, l := range log[max(0, len(log)-most):] {
					t.Log(l)
				}
				t.Fatalf("seed %d, step %d", seed, step)
			}
		}
		w.end(t)
		if t.Failed() {
			t.Fatalf("seed %d, at the end", seed)
		}
	}
}

// modelWalk is one random sequence.
type modelWalk struct {
	rand    *rand.Rand
	r       *registry
	m       *model
	objects []*Object
	tables  []*refTable
	all     []*modelExport // that there ever were
}

func newModelWalk(seed uint64) *modelWalk {
	const objects, limit = 8, 4
	w := &modelWalk{rand: rand.New(rand.NewPCG(seed, 0)), r: newRegistry()}
	w.m = &model{
		limit: make(map[*refTable]int), order: make(map[*refTable][]*modelRef),
		now: make(map[*Object]*modelExport), names: make(map[string]*Object),
		roots: make(map[*Object]*modelToken), scope: make(map[*Object]map[string]*modelToken),
	}
	for i := range objects {
		w.objects = append(w.objects, &Object{Key: i, Scope: i%3 == 0})
	}
	w.r.limits.original, w.r.limits.ours = limit, limit
	for i, kind := range []refKind{refsOriginal, refsOurs, refsOurs, refsInside} {
		w.tables = append(w.tables, newRefTable(kind))
		w.m.limit[w.tables[i]] = limit
		w.m.order[w.tables[i]] = nil
	}
	w.m.limit[w.tables[3]] = 1 << 20
	return w
}

// step does one thing, and says what.
func (w *modelWalk) step() string {
	const names = 5
	table := w.rand.IntN(len(w.tables))
	t := w.tables[table]
	o := w.objects[w.rand.IntN(len(w.objects))]
	name := fmt.Sprint("name", w.rand.IntN(names))
	var x *modelExport
	if len(w.all) > 0 {
		x = w.all[len(w.all)-1-w.rand.IntN(min(len(w.all), 20))]
	}
	switch n := w.rand.IntN(100); {
	case n < 8:
		if w.r.register(name, o) == nil {
			w.m.register(name, o)
		}
		return fmt.Sprintf("register %s as %v", name, o.Key)
	case n < 14:
		if w.r.unregister(name) == nil {
			w.m.unregister(name)
		}
		return "unregister " + name
	case n < 18:
		w.r.revoke(o)
		w.m.revoke(o)
		return fmt.Sprintf("revoke %v", o.Key)
	case n < 22 && t.kind != refsInside:
		w.r.drop(t)
		w.m.order[t] = nil
		w.m.sweep()
		return fmt.Sprintf("drop %d", table)
	case x == nil || n < 70:
		return w.give(table, t, o, x)
	case n < 85:
		return w.release(table, t, x)
	}
	got, e := w.r.use(t, x.e.id)
	if got != nil {
		w.m.count(t, x, 0)
		w.m.sweep()
	}
	return fmt.Sprintf("use %v by %d: %v", x.obj.Key, table, e != nil)
}

// give gives an object out, by an object, a name, or nothing.
func (w *modelWalk) give(table int, t *refTable, o *Object, via *modelExport) string {
	var from source
	var name string
	switch w.rand.IntN(5) {
	case 0:
		via = nil
	case 1:
		via = nil
		for name = range w.m.names {
			o = w.m.names[name]
			from.name = w.r.lookup(name)
			break
		}
	default:
		if via != nil {
			from.via = via.e
		}
	}
	what := fmt.Sprintf("give %v to %d", o.Key, table)
	if via != nil {
		what += fmt.Sprintf(" via %v", via.obj.Key)
	}
	e, err := w.r.give(t, o, from)
	ways, ok := w.m.ways(name, via)
	if !ok {
		if err == nil {
			return what + ": it was given, though the source is revoked"
		}
		return what
	}
	x := w.m.now[o]
	if x == nil {
		x = &modelExport{obj: o}
		if root := w.m.roots[o]; root != nil {
			x.ways = []modelWay{{root}}
		}
		w.m.now[o] = x
	}
	for _, way := range ways {
		if !slices.ContainsFunc(x.ways, func(other modelWay) bool { return slices.Equal(way, other) }) {
			x.ways = append(x.ways, way)
		}
	}
	if w.m.count(t, x, 1) {
		if x.e == nil {
			x.e = e
			w.all = append(w.all, x)
		}
	} else if x.e == nil && w.m.roots[o] != nil { // refused, and exported all the same
		x.e = w.r.byIdentity[identityOf(o)]
		w.all = append(w.all, x)
	}
	w.m.sweep()
	return fmt.Sprint(what, ": ", err)
}

func (w *modelWalk) release(table int, t *refTable, x *modelExport) string {
	n := 1 + w.rand.IntN(3)
	switch w.rand.IntN(3) {
	case 0:
		w.r.releaseAll(t, x.e.id)
		n = 1 << 20
	case 1:
		w.r.release(t, x.e.id, n)
	default:
		n = 1
		w.r.abandon(t, []*exported{x.e})
	}
	w.m.release(t, x, n)
	return fmt.Sprintf("release %d of %v by %d", n, x.obj.Key, table)
}

// compare tests that the registry is as the model.
func (w *modelWalk) compare(t *testing.T) {
	t.Helper()
	if names, objects := w.r.size(); names != len(w.m.names) || objects != len(w.m.now) {
		t.Errorf("%d names, %d objects, want %d, %d", names, objects, len(w.m.names), len(w.m.now))
	}
	for i, table := range w.tables {
		if w.r.references(table) != len(w.m.order[table]) {
			t.Errorf("table %d has %d references, want %d", i, w.r.references(table), len(w.m.order[table]))
		}
		at := 0
		for e, count := range table.all() {
			want := slices.IndexFunc(w.m.order[table], func(ref *modelRef) bool { return ref.x.e == e })
			if want < 0 || w.m.order[table][want].count != int(count) {
				t.Errorf("table %d has %d references to %v", i, count, e.id)
			} else if table.kind == refsOriginal && want != at {
				t.Errorf("table %d has a reference at %d, want %d", i, at, want)
			}
			at++
		}
	}
	for _, x := range w.all[max(0, len(w.all)-20):] {
		o := w.r.object(x.e.id)
		live := w.m.now[x.obj] == x
		if (o == x.obj) != live || o != nil != live {
			t.Errorf("%v: %v, want live %v", x.obj.Key, o, live)
		}
		if names, want := w.r.namesOf(x.e), w.names(x); live && !slices.Equal(names, want) {
			t.Errorf("%v: names %v, want %v", x.obj.Key, names, want)
		}
	}
}

// names returns the names under which an object was reached.
func (w *modelWalk) names(x *modelExport) (names []string) {
	for name, o := range w.m.names {
		for _, way := range x.ways {
			if len(way) > 0 && way[0].obj == o && way.live() {
				names = append(names, name)
				break
			}
		}
	}
	slices.Sort(names)
	return names
}

// end gives everything back and looks for what is left.
func (w *modelWalk) end(t *testing.T) {
	t.Helper()
	for name := range w.m.names {
		if err := w.r.unregister(name); err != nil {
			t.Error(err)
		}
	}
	for i, table := range w.tables {
		if i%2 == 0 {
			w.r.discard(table)
		} else {
			w.r.drop(table)
		}
	}
	w.r.check(t)
	r := w.r
	if n := len(r.byID) + len(r.byIdentity) + len(r.roots) + len(r.scopes) + len(r.sets) + len(r.tables) + len(r.names) + r.refs + r.bytes + r.setBytes; n != 0 {
		t.Errorf("left: %d ids, %d identities, %d roots, %d scopes, %d sets, %d tables, %d names, %d references, %d bytes, %d bytes of sets",
			len(r.byID), len(r.byIdentity), len(r.roots), len(r.scopes), len(r.sets), len(r.tables), len(r.names), r.refs, r.bytes, r.setBytes)
	}
	if _, err := r.give(w.tables[0], w.objects[0], source{}); err != nil || r.references(w.tables[0]) != 0 {
		t.Errorf("a peer that is forgotten has references: %v", err)
	}
}
