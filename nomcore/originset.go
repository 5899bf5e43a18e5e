package nomcore

import (
	"cmp"
	"encoding/binary"
	"slices"
	"sync/atomic"
)

// originSet is the set of origins under which objects were reached. They are
// revoked with the last of them. Objects with equal sets share one. All fields
// but names are guarded by registry.mu.
//
// No origin in a set is a part of another one in it: the other one lasts at
// least as long.
type originSet struct {
	list  []*origin // by serial
	alive int       // how many have not ended; kept up while objects have the set
	names atomic.Pointer[setNames]

	first   *exported // the objects that have this set, linked by next and prev
	members int       // their number
}

// setNames is the names of a set at some state of the registry.
type setNames struct {
	version uint64 // see registry.version
	names   []string
}

// originCost is about what one origin in a set takes, in bytes: a pointer in
// the list, its serial number in the key of the table of sets, and an entry of
// origin.sets.
const originCost = 64

// live reports whether one of the origins has not ended, for the set of an
// object. nil is the set of what was reached under no name: nothing revokes it.
func (s *originSet) live() bool { return s == nil || s.alive > 0 }

// origins returns the origins that have not ended.
func (s *originSet) origins() []*origin {
	if s == nil {
		return nil
	}
	ended := func(o *origin) bool { return o.ended }
	if !slices.ContainsFunc(s.list, ended) {
		return s.list
	}
	return slices.DeleteFunc(slices.Clone(s.list), ended)
}

// has reports whether o, or what it is a part of, is in the set.
func (s *originSet) has(o *origin) bool {
	for ; o != nil; o = o.parent {
		at, found := slices.BinarySearchFunc(s.list, o.serial, compareSerial)
		if found && !s.list[at].ended {
			return true
		}
	}
	return false
}

func sortOrigins(list []*origin) {
	slices.SortFunc(list, func(a, b *origin) int { return cmp.Compare(a.serial, b.serial) })
}

func compareSerial(o *origin, serial uint64) int { return cmp.Compare(o.serial, serial) }

// covers reports whether adding the origins of t would change nothing.
func (s *originSet) covers(t *originSet) bool {
	for _, o := range t.list {
		if !o.ended && !s.has(o) {
			return false
		}
	}
	return true
}

// enter makes e an object with this set. mu must be held.
func (s *originSet) enter(e *exported) {
	e.next = s.first
	if s.first != nil {
		s.first.prev = e
	}
	s.first = e
	s.members++
}

// leave undoes enter. mu must be held.
func (s *originSet) leave(e *exported) {
	if e.prev != nil {
		e.prev.next = e.next
	} else {
		s.first = e.next
	}
	if e.next != nil {
		e.next.prev = e.prev
	}
	e.next, e.prev = nil, nil
	s.members--
}

// setOf returns the one set of some origins, which are sorted by serial and
// none of which has ended. mu must be held.
func (r *registry) setOf(list []*origin) *originSet {
	if len(list) == 1 {
		o := list[0]
		if o.single == nil {
			o.single = &originSet{list: []*origin{o}, alive: 1}
		}
		return o.single
	}
	key := setKey(list)
	s := r.sets[string(key)]
	if s != nil {
		return s
	}
	s = &originSet{list: slices.Clone(list), alive: len(list)}
	r.sets[string(key)] = s
	for _, o := range list {
		if o.sets == nil {
			o.sets = make(map[*originSet]struct{})
		}
		o.sets[s] = struct{}{}
	}
	r.setBytes += originCost * len(list)
	return s
}

// setKey is what a set of more than one origin is found by.
func setKey(list []*origin) []byte {
	key := make([]byte, 0, 8*len(list))
	for _, o := range list {
		key = binary.BigEndian.AppendUint64(key, o.serial)
	}
	return key
}

// freeSet forgets a set that no object has. mu must be held.
func (r *registry) freeSet(s *originSet) {
	if s == nil || s.members > 0 {
		return
	}
	if len(s.list) == 1 {
		if o := s.list[0]; o.single == s {
			o.single = nil
			r.prune(o)
		}
		return
	}
	key := setKey(s.list)
	if r.sets[string(key)] != s {
		return
	}
	delete(r.sets, string(key))
	r.setBytes -= originCost * len(s.list)
	for _, o := range s.list {
		delete(o.sets, s)
		r.prune(o)
	}
}

// inUse returns the set with the origins of s that have not ended: s itself
// while objects have it. There must be one. mu must be held.
func (r *registry) inUse(s *originSet) *originSet {
	if s == nil || s.members > 0 {
		return s
	}
	return r.setOf(s.origins())
}

// union returns the set of the origins of either. Origins that have ended are
// left out; one must not have. mu must be held.
func (r *registry) union(s, t *originSet) *originSet {
	switch {
	case s == nil || !s.live():
		return r.inUse(t)
	case t == nil || s == t || s.covers(t):
		return s
	}
	var more, list []*origin
	for _, o := range t.origins() {
		if !s.has(o) {
			more = append(more, o)
		}
	}
	added := &originSet{list: more}
	for _, o := range s.origins() {
		if !added.has(o.parent) {
			list = append(list, o)
		}
	}
	list = append(list, more...)
	sortOrigins(list)
	return r.setOf(list)
}

// mayJoin reports whether there is room for the union of two sets. What was
// reached under more than fits is known under what it was reached under first.
// mu must be held.
func (r *registry) mayJoin(s, t *originSet) bool {
	if s == nil || t == nil {
		return true
	}
	n := s.alive + t.alive
	return n <= r.limits.origins && r.setBytes+originCost*n <= r.limits.setBytes
}

// namesOf returns the registered names under which an object was reached, nil
// for an object that was reached under none. It allocates nothing while neither
// they nor the names of the registry have changed. The list must not be
// changed.
func (r *registry) namesOf(e *exported) []string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	s := e.set
	if s == nil {
		return nil
	}
	if l := s.names.Load(); l != nil && l.version == r.version {
		return l.names
	}
	var names []string
	for _, o := range s.origins() {
		if root := o.root(); root != nil {
			for _, reg := range root.names {
				names = append(names, reg.name)
			}
		}
	}
	slices.Sort(names)
	names = slices.Compact(names) // scopes of one registered object have its names
	s.names.Store(&setNames{r.version, names})
	return names
}
