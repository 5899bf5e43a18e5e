package nomcore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"nomfs/codec"
)

// mustGive gives an object out.
func mustGive(t *testing.T, r *registry, table *refTable, o *Object, from source) *exported {
	t.Helper()
	e, err := r.give(table, o, from)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// What was reached under a name ends with it, whatever lay between and whatever
// was given back.
func TestUnregisterRevokesWhatWasReached(t *testing.T) {
	for name, extended := range map[string]bool{"original": false, "extended": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx := t.Context()
				p := newPair(t, newCounterObject(), noLog, func(c *Config) { c.NoExtensions = !extended })
				p.server.known(clientAt).prove()
				process := &knot{Name: "process"}
				host := &knot{"host", &knot{"processes", process}}
				get := func(r codec.Ref) codec.Ref {
					v, err := p.peer.GetAttr(ctx, r, "next")
					if err != nil {
						t.Fatal(err)
					}
					return v.(codec.Ref)
				}
				stale := func(r codec.Ref) bool {
					_, err := p.peer.GetAttr(ctx, r, "name")
					if err != nil && !errors.Is(err, ErrStale) {
						t.Error(err)
					}
					return err != nil
				}
				refHost := p.offer(t, "host", Wrap(host))
				refProcesses := get(refHost)
				refProcess := get(refProcesses)
				if extended {
					p.peer.Release(refProcesses)
					time.Sleep(2 * housekeepEvery)
				} else {
					p.server.reg.releaseAll(p.server.known(clientAt).refs, idIn(t, refProcesses))
				}
				if !stale(refProcesses) || stale(refProcess) {
					t.Fatal("the reference that was given back is not")
				}
				other := p.offer(t, "other", Wrap(&knot{"other", &knot{Name: "of other"}}))
				refOther := get(other)
				if err := p.server.Unregister("host"); err != nil {
					t.Fatal(err)
				}
				if !stale(refHost) || !stale(refProcess) {
					t.Error("what was reached under the name that is gone is still there")
				}
				if stale(other) || stale(refOther) {
					t.Error("what was reached under another name is gone")
				}
				if n := p.server.Stats().Objects; n != 3 {
					t.Errorf("%d objects, want x, other and of other", n)
				}
			})
		})
	}
}

// An object that two names lead to ends with the last of them; one that none
// leads to ends with neither.
func TestNamesOfAnObject(t *testing.T) {
	ctx := t.Context()
	p := newPair(t, newCounterObject(), noLog)
	shared := &knot{Name: "shared"}
	a, b := p.offer(t, "a", Wrap(&knot{"a", shared})), p.offer(t, "b", Wrap(&knot{"b", shared}))
	if err := p.server.Register("a2", shared); err != nil { // of no consequence for what follows
		t.Fatal(err)
	}
	if err := p.server.Unregister("a2"); err != nil {
		t.Fatal(err)
	}
	var ref codec.Ref
	for _, r := range []codec.Ref{a, b} {
		v, err := p.peer.GetAttr(ctx, r, "next")
		if err != nil {
			t.Fatal(err)
		}
		ref = v.(codec.Ref)
	}
	names := func(r codec.Ref) []string {
		_, e := p.server.reg.use(nil, idIn(t, r))
		if e == nil {
			return []string{"stale"}
		}
		return p.server.reg.namesOf(e)
	}
	callback := &Object{Impl: echo}
	e := mustGive(t, p.server.reg, p.server.known(clientAt).refs, callback, source{})
	for _, step := range []struct {
		gone string
		want []string
	}{{"", []string{"a", "b"}}, {"a", []string{"b"}}, {"b", []string{"stale"}}} {
		if step.gone != "" {
			if err := p.server.Unregister(step.gone); err != nil {
				t.Fatal(err)
			}
		}
		if got := names(ref); !slices.Equal(got, step.want) {
			t.Errorf("without %q the names are %v, want %v", step.gone, got, step.want)
		}
	}
	if got := names(codec.Ref{ID: e.id.text()}); got != nil {
		t.Errorf("the callback has the names %v", got)
	}
}

// A name that was withdrawn while an operation ran gives nothing out any more.
func TestUnregisterDuringAnOperation(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	p := newPair(t, newCounterObject(), noLog)
	ref := p.offer(t, "slow", &Object{Impl: fn(func(context.Context, []codec.Value, map[string]codec.Value) (codec.Value, error) {
		close(entered)
		<-leave
		return &Object{Impl: echo}, nil
	})})
	done := make(chan error)
	go func() {
		_, err := p.peer.Call(t.Context(), ref, nil, nil)
		done <- err
	}()
	<-entered
	if err := p.server.Unregister("slow"); err != nil {
		t.Fatal(err)
	}
	close(leave)
	var exc codec.Exception
	if err := <-done; !errors.As(err, &exc) || exc.Class != "ReferenceError" {
		t.Errorf("the call returns %v, want a ReferenceError", err)
	}
	if n := p.server.Stats().Objects; n != 1 {
		t.Errorf("%d objects, want x alone", n)
	}
}

// A name that was withdrawn after a client resolved it gives nothing out.
func TestUnregisterDuringResolve(t *testing.T) {
	r := newRegistry()
	o := &Object{}
	for name, v := range map[string]codec.Value{"object": o, "list": codec.List{o}} {
		if err := r.register(name, v); err != nil {
			t.Fatal(err)
		}
		reg := r.lookup(name)
		if err := r.unregister(name); err != nil {
			t.Fatal(err)
		}
		if e, err := r.give(newRefTable(refsOurs), o, source{name: reg}); !errors.Is(err, errRevoked) {
			t.Errorf("%s: %v, %v", name, e, err)
		}
	}
	r.check(t)
}

// A scope that ends leaves nothing of those that it was reached through.
func TestScopesInScopes(t *testing.T) {
	r := newRegistry()
	table := newRefTable(refsOurs)
	outer, inner := &Object{Scope: true}, &Object{Scope: true}
	var e []*exported
	for i, o := range []*Object{outer, inner, {}} {
		var from source
		if i > 0 {
			from.via = e[i-1]
		}
		e = append(e, mustGive(t, r, table, o, from))
	}
	r.releaseAll(table, e[1].id)
	r.revoke(inner)
	if r.object(e[2].id) != nil {
		t.Error("what was reached through the inner scope is still there")
	}
	if r.object(e[0].id) == nil {
		t.Error("the outer scope is gone")
	}
	r.check(t)
	r.drop(table)
	if len(r.scopes) != 0 || len(r.byID) != 0 {
		t.Errorf("%d scopes and %d objects are left", len(r.scopes), len(r.byID))
	}
}

// The bounds of all tables are kept, a newcomer is served whatever others have,
// and all is given back.
func TestReferencesAreBounded(t *testing.T) {
	const hostile, share = 20, 50
	for _, tt := range []struct {
		name  string
		kind  refKind
		key   int // bytes of text in the key of each object
		limit func(*refLimits)
	}{
		{"references of one original", refsOriginal, 0, func(l *refLimits) { l.original = share }},
		{"references of one peer of ours", refsOurs, 0, func(l *refLimits) { l.ours = share }},
		{"bytes of one original", refsOriginal, 60_000, func(l *refLimits) { l.bytes = share * 61_000 }},
		{"bytes of one peer of ours", refsOurs, 60_000, func(l *refLimits) { l.bytes = share * 61_000 }},
		{"references of all originals", refsOriginal, 0, func(l *refLimits) { l.all = (hostile + 1) * share }},
		{"references of all peers of ours", refsOurs, 0, func(l *refLimits) { l.all = (hostile + 1) * share }},
		{"bytes of all originals", refsOriginal, 60_000, func(l *refLimits) { l.allBytes = (hostile + 1) * share * 61_000 }},
		{"bytes of all peers of ours", refsOurs, 60_000, func(l *refLimits) { l.allBytes = (hostile + 1) * share * 61_000 }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRegistry()
			tt.limit(&r.limits)
			n := 0
			give := func(table *refTable) (*exported, error) {
				n++
				key := fmt.Sprint(n, strings.Repeat("x", tt.key))
				return r.give(table, &Object{Key: methodKeyOf(key)}, source{})
			}
			var tables []*refTable
			for range hostile {
				tables = append(tables, newRefTable(tt.kind))
			}
			refused := 0
			for range 2 * share {
				for _, table := range tables {
					if _, err := give(table); errors.Is(err, errTooManyReferences) {
						refused++
					} else if err != nil {
						t.Fatal(err)
					}
				}
			}
			if (refused > 0) != (tt.kind == refsOurs) {
				t.Errorf("%d references were refused", refused)
			}
			newcomer := newRefTable(tt.kind)
			for i := range share * 9 / 10 { // the figures are rounded
				if _, err := give(newcomer); err != nil {
					t.Fatalf("a newcomer is refused reference %d: %v", i, err)
				}
			}
			for i, table := range append(tables, newcomer) {
				if n := r.references(table); n > share+share/10 && tt.limit != nil && n > 2*share || n < share*8/10 {
					t.Errorf("peer %d has %d references", i, n)
				}
			}
			l := r.limits
			if r.refs > l.all || r.bytes > l.allBytes || len(r.byID) > r.refs {
				t.Errorf("%d references with %d bytes, %d objects", r.refs, r.bytes, len(r.byID))
			}
			r.check(t)
			for _, table := range append(tables, newcomer) {
				r.discard(table)
			}
			if r.refs != 0 || r.bytes != 0 || len(r.byID) != 0 || len(r.tables) != 0 {
				t.Errorf("%d references with %d bytes are left, %d objects", r.refs, r.bytes, len(r.byID))
			}
		})
	}
}

// methodKeyOf is a key with text inside.
func methodKeyOf(text string) any {
	type key struct {
		parent any
		name   string
	}
	return key{parent: key{name: text}, name: "method"}
}

// An object that was reached under more names than fit is known under the
// first ones, and sets take no more memory than they may.
func TestOriginsAreBounded(t *testing.T) {
	const most = 20
	for _, byBytes := range []bool{false, true} {
		r := newRegistry()
		if r.limits.origins = most; byBytes {
			r.limits.origins, r.limits.setBytes = 1000, most*originCost
		}
		table := newRefTable(refsOurs)
		shared := &Object{}
		var e *exported
		for i := range 2 * most {
			o := &Object{}
			name := fmt.Sprint(i)
			if err := r.register(name, o); err != nil {
				t.Fatal(err)
			}
			e = mustGive(t, r, table, shared, source{via: mustGive(t, r, table, o, source{name: r.lookup(name)})})
		}
		if n := len(r.namesOf(e)); n < most/2 || n > most {
			t.Errorf("the object has %d names", n)
		}
		r.check(t)
		for i := range most {
			if err := r.unregister(fmt.Sprint(i)); err != nil {
				t.Fatal(err)
			}
		}
		if r.object(e.id) != nil {
			t.Error("the object is still there")
		}
		// Then there is room again.
		last := fmt.Sprint(2*most - 1)
		via := mustGive(t, r, table, r.lookup(last).value.(*Object), source{name: r.lookup(last)})
		e = mustGive(t, r, table, shared, source{via: via})
		if got := r.namesOf(e); !slices.Equal(got, []string{last}) {
			t.Errorf("names %v", got)
		}
		r.check(t)
	}
}

// A name or a client with many objects is withdrawn some at a time: others use
// the registry meanwhile.
func TestUnregisterHoldsNobodyUp(t *testing.T) {
	const objects, atLeast = 50_000, 20
	r := newRegistry()
	table, other := newRefTable(refsInside), newRefTable(refsOurs)
	host, bystander := &Object{}, &Object{}
	for what, withdraw := range map[string]func(){
		"unregister": func() { _ = r.unregister("host") },
		"discard":    func() { r.drop(table) },
	} {
		if err := r.register("host", host); err != nil {
			t.Fatal(err)
		}
		via := mustGive(t, r, table, host, source{})
		for range objects {
			mustGive(t, r, table, &Object{}, source{via: via})
		}
		id := mustGive(t, r, other, bystander, source{}).id
		done := make(chan struct{})
		go func() {
			defer close(done)
			withdraw()
		}()
		meanwhile := 0
		for ended := false; !ended; {
			select {
			case <-done:
				ended = true
			default:
			}
			if o, _ := r.use(other, id); o != bystander {
				t.Fatal("the object is gone")
			}
			if _, left := r.size(); left > 2 && left < objects {
				meanwhile++
			}
		}
		if meanwhile < atLeast {
			t.Errorf("%s: the registry was used %d times meanwhile", what, meanwhile)
		}
		_ = r.unregister("host")
		r.drop(table)
		if n := len(r.byID); n != 1 {
			t.Errorf("%s: %d objects are left", what, n)
		}
	}
}

// To use an object allocates nothing, and of peers of ours takes no lock that
// excludes others.
func TestUse(t *testing.T) {
	r := newRegistry()
	o := &Object{}
	for name, kind := range map[string]refKind{"original": refsOriginal, "ours": refsOurs, "inside": refsInside} {
		table := newRefTable(kind)
		text := []byte(mustGive(t, r, table, o, source{}).id.text())
		use := func() {
			id, ok := parseObjectID(text)
			if got, _ := r.use(table, id); got != o || !ok {
				t.Fatal("the object is gone")
			}
		}
		if n := testing.AllocsPerRun(100, use); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
		if kind != refsOriginal {
			r.mu.RLock()
			done := make(chan struct{})
			go func() { use(); close(done) }()
			<-done // or never
			r.mu.RUnlock()
		}
	}
}

// The cost of everything is that of what it changes, however much there is.
func TestRegistryGrowth(t *testing.T) {
	const small, factor = 1000, 8 // what grows with the number is 20 times as much, or 100
	large := 20_000
	if full {
		large = 100_000
	}
	r := newRegistry()
	table := newRefTable(refsInside)
	one, shared := &Object{}, &Object{}
	viaOne := func() source { return source{name: r.lookup("one 0")} }
	var given []*exported
	n := 0
	grow := map[string]func(i int){
		"register objects":            func(i int) { _ = r.register(fmt.Sprint("name ", i), &Object{}) },
		"register one object":         func(i int) { _ = r.register(fmt.Sprint("one ", i), one) },
		"give objects":                func(int) { given = append(given, mustGive(t, r, table, &Object{}, viaOne())) },
		"give one object under names": func(i int) { mustGive(t, r, table, shared, source{name: r.lookup(fmt.Sprint("name ", i))}) },
	}
	use := map[string]func(i int){
		"use":                func(i int) { r.use(table, given[i*997%len(given)].id) },
		"names of an object": func(i int) { r.namesOf(given[i*997%len(given)]) },
		"page of names":      func(i int) { r.page(i*997%len(r.order), 100) },
		"register, withdraw": func(i int) { _ = r.register("x", &Object{}); _ = r.unregister("x") },
		"withdraw, register": func(i int) { name := fmt.Sprint("one ", 1+i); _ = r.unregister(name); _ = r.register(name, one) },
		"give, release":      func(i int) { r.releaseAll(table, mustGive(t, r, table, &Object{}, viaOne()).id) },
		"give again, release": func(i int) {
			e := given[i*997%len(given)]
			r.abandon(table, []*exported{mustGive(t, r, table, e.obj.Load(), viaOne())})
		},
	}
	best := func(f func(int)) time.Duration {
		const rounds, times = 9, 200
		least := time.Hour
		for range rounds {
			start := time.Now()
			for i := range times {
				f(i)
			}
			least = min(least, time.Since(start))
		}
		return least / times
	}
	measure := func() map[string]time.Duration {
		took := make(map[string]time.Duration)
		for what, f := range use {
			took[what] = best(f)
		}
		return took
	}
	growTo := func(to int) {
		for _, what := range []string{"register one object", "register objects", "give objects", "give one object under names"} {
			start := time.Now()
			for i := n; i < to; i++ {
				grow[what](i)
			}
			t.Logf("%s, %d to %d: %v each", what, n, to, time.Since(start)/time.Duration(to-n))
		}
		n = to
	}
	growTo(small)
	before := measure()
	growTo(large)
	after := measure()
	for what := range use {
		t.Logf("%-22s %8v with %d, %8v with %d", what, before[what], small, after[what], large)
		if after[what] > factor*max(before[what], 100*time.Nanosecond) {
			t.Errorf("%s: %v with %d, %v with %d", what, before[what], small, after[what], large)
		}
	}
	runtime.KeepAlive(given)
}

// Many do at once what TestRegistryModel does one after the other.
func TestRegistryConcurrently(t *testing.T) {
	const workers, objects, names = 8, 12, 5
	steps := 3000
	if full {
		steps = 100_000
	}
	r := newRegistry()
	r.limits.original, r.limits.ours, r.limits.all = 10, 10, 40
	all := make([]*Object, objects)
	for i := range all {
		all[i] = &Object{Key: i, Scope: i%4 == 0}
	}
	tables := make([]*refTable, workers)
	var wg sync.WaitGroup
	for w := range tables {
		table := newRefTable(refKind(w % 3))
		tables[w] = table
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(w), 0))
			var mine []*exported
			for range steps {
				o, name := all[rnd.IntN(objects)], fmt.Sprint(rnd.IntN(names))
				switch rnd.IntN(16) {
				case 0:
					_ = r.register(name, o)
				case 1:
					_ = r.unregister(name)
				case 2:
					r.revoke(o)
				case 3:
					r.drop(table)
					mine = nil
				case 4:
					if reg := r.lookup(name); reg != nil {
						_, _ = r.give(table, reg.value.(*Object), source{name: reg})
					}
				case 5:
					r.setOurs(tables[w%2], rnd.IntN(2) == 0)
				case 6, 7:
					if len(mine) > 0 {
						r.release(table, mine[0].id, 1)
						mine = mine[1:]
					}
				default:
					var from source
					if len(mine) > 0 {
						if o, via := r.use(table, mine[rnd.IntN(len(mine))].id); o != nil {
							from.via = via
							r.namesOf(via)
						}
					}
					if e, err := r.give(table, o, from); err == nil {
						mine = append(mine, e)
					}
				}
			}
		})
	}
	wg.Wait()
	r.check(t)
	for _, reg := range func() []*registration { regs, _ := r.page(0, -1); return regs }() {
		if err := r.unregister(reg.name); err != nil {
			t.Error(err)
		}
	}
	for _, table := range tables {
		r.discard(table)
	}
	r.check(t)
	if n := len(r.byID) + len(r.scopes) + len(r.sets) + r.refs + r.bytes + r.setBytes; n != 0 {
		t.Errorf("something is left: %d", n)
	}
}

// References that were given to an address before it was validated are its own
// afterwards.
func TestReferencesOfAnAddressThatIsValidated(t *testing.T) {
	p := newPair(t, newFactory(echo), plainOnly, noLog)
	var refs []codec.Ref
	for range 2 {
		v, err := p.peer.GetAttr(t.Context(), p.ref, "m")
		if err != nil {
			t.Fatal(err)
		}
		refs = append(refs, v.(codec.Ref))
		p.server.known(clientAt).prove()
	}
	for range maxOriginalRefs { // of others
		mustGive(t, p.server.reg, p.server.unvalidated, &Object{}, source{})
	}
	for i, r := range refs {
		if _, err := p.peer.Repr(t.Context(), r); err != nil {
			t.Errorf("reference %d: %v", i, err)
		}
	}
	if n := p.server.reg.references(p.server.known(clientAt).refs); n < len(refs) {
		t.Errorf("the client has %d references", n)
	}
}

// References that are given to forged addresses are bounded in all, and given up
// with the addresses.
func TestReferencesOfForgedAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const addresses, requests = 150, strangerBurst - 1
		p := newPair(t, newFactory(echo), noLog)
		p.net.setFilter(func(_, to netip.AddrPort, b []byte, deliver func()) {
			if to == serverAt {
				deliver()
			}
		})
		for a := range addresses {
			from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 9, 0, byte(a)}), 1)
			for i := range requests {
				p.net.deliver(from, serverAt, rawRequest(t, cmdPull, codec.Attr{Name: attrOp, Value: codec.Bytes("GetAttr")},
					codec.Attr{Name: attrOID, Value: codec.Long(p.ref.ID)}, codec.Attr{Name: attrAttr, Value: codec.Bytes("m")}, xidAttr(i)))
			}
			time.Sleep(time.Second)
		}
		if n := p.server.Stats().Objects; n < maxOriginalRefs/2 || n > maxOriginalRefs+1 {
			t.Errorf("%d objects", n)
		}
		for i := range maxStrangers {
			p.server.peer(netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 1, byte(i >> 8), byte(i)}), 9), false)
		}
		if n := p.server.Stats().Objects; n != 1 {
			t.Errorf("%d objects, want x alone", n)
		}
	})
}
