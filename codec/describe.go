package codec

import (
	"fmt"
	"slices"
	"strings"
)

// Description is what an object says about itself: a client lists the object with
// one request instead of one for each attribute. It travels as a MAP, see Value
// and ParseDescription.
type Description struct {
	Class     string     // name of the object's class
	Doc       string     // documentation, "" where there is none
	Callable  bool       // Call works
	Sized     bool       // Len works
	Indexable bool       // GetItem works
	Params    []Param    // parameters of a call, nil where unknown or not callable
	Attrs     []AttrInfo // sorted by name: those that the client may read
}

// AttrInfo describes one attribute.
type AttrInfo struct {
	Name   string
	Kind   Kind    // kind of its value; KindRef for objects and methods, KindInvalid where unknown
	Type   string  // name of its type for people, "" where unknown
	Doc    string  // documentation, "" where there is none
	Write  bool    // the client may set it
	Delete bool    // the client may delete it
	Call   bool    // it is a method: a callable that belongs to the object
	Params []Param // of a method, nil where unknown
}

// Param describes one parameter of a callable.
type Param struct {
	Name    string // "" where only the position counts
	Type    string // for people, "" where unknown
	Default Value  // nil where the argument is required
	Rest    bool   // takes any number of further arguments
}

// The keys of a description on the wire. Description.Value leaves out members that
// are false, empty or unknown, to keep the description of a large object within a
// datagram; readers ignore unknown keys.
const (
	keyAttrs     = "attrs"
	keyCall      = "call"
	keyCallable  = "callable"
	keyClass     = "class"
	keyDefault   = "default"
	keyDelete    = "delete"
	keyDoc       = "doc"
	keyIndexable = "indexable"
	keyKind      = "kind"
	keyName      = "name"
	keyParams    = "params"
	keyRest      = "rest"
	keySized     = "sized"
	keyType      = "type"
	keyWrite     = "write"
)

// record is a map under construction.
type record []Pair

func (r *record) text(key, s string) {
	if s != "" {
		*r = append(*r, Pair{Bytes(key), StringValue(s)})
	}
}

func (r *record) flag(key string, on bool) {
	if on {
		*r = append(*r, Pair{Bytes(key), Bool(true)})
	}
}

// params leaves out nil, which means unknown; no parameters are an empty list.
func (r *record) params(params []Param) {
	if params == nil {
		return
	}
	list := make(List, len(params))
	for i, p := range params {
		var pr record
		pr.text(keyName, p.Name)
		pr.text(keyType, p.Type)
		if p.Default != nil {
			pr = append(pr, Pair{Bytes(keyDefault), p.Default})
		}
		pr.flag(keyRest, p.Rest)
		list[i] = makeMap(pr)
	}
	*r = append(*r, Pair{Bytes(keyParams), list})
}

// Value returns the description as the map that it travels as.
func (d Description) Value() *Map {
	attrs := make(List, len(d.Attrs))
	for i, a := range d.Attrs {
		attrs[i] = a.Value()
	}
	return d.ValueWith(attrs)
}

// ValueWith is Value for attributes that AttrInfo.Value has made maps of; Attrs
// does not count.
func (d Description) ValueWith(attrs List) *Map {
	var r record
	r.text(keyClass, d.Class)
	r.text(keyDoc, d.Doc)
	r.flag(keyCallable, d.Callable)
	r.flag(keySized, d.Sized)
	r.flag(keyIndexable, d.Indexable)
	r.params(d.Params)
	if len(attrs) > 0 {
		r = append(r, Pair{Bytes(keyAttrs), attrs})
	}
	return makeMap(r)
}

// Value returns the map that describes the attribute.
func (a AttrInfo) Value() *Map {
	var r record
	r.text(keyName, a.Name)
	if a.Kind != KindInvalid {
		r.text(keyKind, a.Kind.String())
	}
	r.text(keyType, a.Type)
	r.text(keyDoc, a.Doc)
	r.flag(keyWrite, a.Write)
	r.flag(keyDelete, a.Delete)
	r.flag(keyCall, a.Call)
	r.params(a.Params)
	return makeMap(r)
}

// ParseDescription reads a map that Description.Value of this or another version
// made. It ignores unknown keys; a key that is missing or has an unexpected value
// counts as false, empty or unknown. The attributes of the result are sorted by
// name, the last of each name. The error wraps ErrType: v, or a member of its
// lists, is no map.
func ParseDescription(v Value) (Description, error) {
	m, ok := v.(*Map)
	if !ok {
		return Description{}, fmt.Errorf("description: %w", mismatch("dict", v))
	}
	d := Description{
		Class:     m.text(keyClass),
		Doc:       m.text(keyDoc),
		Callable:  m.flag(keyCallable),
		Sized:     m.flag(keySized),
		Indexable: m.flag(keyIndexable),
	}
	var err error
	if d.Params, err = m.params(); err != nil {
		return Description{}, fmt.Errorf("description: %w", err)
	}
	for i, item := range m.members(keyAttrs) {
		a, err := parseAttrInfo(item)
		if err != nil {
			return Description{}, fmt.Errorf("description: attribute %d: %w", i, err)
		}
		d.Attrs = append(d.Attrs, a)
	}
	slices.SortStableFunc(d.Attrs, func(a, b AttrInfo) int { return strings.Compare(a.Name, b.Name) })
	slices.Reverse(d.Attrs)
	d.Attrs = slices.CompactFunc(d.Attrs, func(a, b AttrInfo) bool { return a.Name == b.Name })
	slices.Reverse(d.Attrs)
	return d, nil
}

func parseAttrInfo(v Value) (AttrInfo, error) {
	m, ok := v.(*Map)
	if !ok {
		return AttrInfo{}, mismatch("dict", v)
	}
	params, err := m.params()
	if err != nil {
		return AttrInfo{}, err
	}
	return AttrInfo{
		Name:   m.text(keyName),
		Kind:   kindNamed(m.text(keyKind)),
		Type:   m.text(keyType),
		Doc:    m.text(keyDoc),
		Write:  m.flag(keyWrite),
		Delete: m.flag(keyDelete),
		Call:   m.flag(keyCall),
		Params: params,
	}, nil
}

// kindNamed returns the kind of a name, KindInvalid for a name not known.
func kindNamed(name string) Kind {
	return Kind(max(slices.Index(kindNames[:], name), 0))
}

func (m *Map) text(key string) string {
	v, _ := m.Get(Bytes(key))
	s, _ := StringOf(v)
	return s
}

func (m *Map) flag(key string) bool {
	v, _ := m.Get(Bytes(key))
	on, _ := v.(Bool)
	return bool(on)
}

func (m *Map) members(key string) []Value {
	v, _ := m.Get(Bytes(key))
	items, _ := membersOf(v)
	return items
}

func (m *Map) params() ([]Param, error) {
	items := m.members(keyParams)
	if items == nil {
		return nil, nil
	}
	params := make([]Param, len(items))
	for i, item := range items {
		pm, ok := item.(*Map)
		if !ok {
			return nil, fmt.Errorf("parameter %d: %w", i, mismatch("dict", item))
		}
		params[i] = Param{Name: pm.text(keyName), Type: pm.text(keyType), Rest: pm.flag(keyRest)}
		params[i].Default, _ = pm.Get(Bytes(keyDefault))
	}
	return params, nil
}
