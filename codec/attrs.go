package codec

import (
	"slices"
	"strings"
)

// Attr is one attribute of a packet.
type Attr struct {
	Name  string
	Value Value
}

func compareAttrs(a, b Attr) int { return strings.Compare(a.Name, b.Name) }

// fewAttrs is the number of attributes up to which a search for a duplicate name
// one by one is cheaper than a table; the packets of the protocol have at most
// six.
const fewAttrs = 8

// attrsHeader reads the tag and the count of the MAP.
func (p *parser) attrsHeader() (n int, err error) {
	tag, err := p.byte()
	if err != nil {
		return 0, err
	}
	if tag != tagMap {
		return 0, p.fail(0, ErrTag, "%#02x instead of a map", tag)
	}
	return p.count(minPair, pairLen)
}

// attrs reads a MAP with strings as keys, tag included.
func (p *parser) attrs() ([]Attr, error) {
	n, err := p.attrsHeader()
	if err != nil {
		return nil, err
	}
	attrs := make([]Attr, 0, n)
	var indexes map[string]int
	if n > fewAttrs {
		indexes = make(map[string]int)
	}
	p.owed += n * minPair
	for range n {
		p.owed -= minPair
		a, err := p.attr()
		if err != nil {
			return nil, err
		}
		if i := indexOfName(attrs, indexes, a.Name); i >= 0 {
			attrs[i].Value = a.Value
			continue
		}
		if indexes != nil {
			indexes[a.Name] = len(attrs)
		}
		attrs = append(attrs, a)
	}
	p.depth--
	return attrs, nil
}

// indexOfName returns the index of the attribute of a name, or -1.
func indexOfName(attrs []Attr, indexes map[string]int, name string) int {
	if indexes != nil {
		if i, ok := indexes[name]; ok {
			return i
		}
		return -1
	}
	for i := range attrs {
		if attrs[i].Name == name {
			return i
		}
	}
	return -1
}

// attr reads one pair.
func (p *parser) attr() (Attr, error) {
	if err := p.pair(); err != nil {
		return Attr{}, err
	}
	at := p.off
	p.owed += minValue
	key, err := p.value()
	if err != nil {
		return Attr{}, err
	}
	p.owed -= minValue
	name, ok := StringOf(key)
	if !ok {
		return Attr{}, p.fail(at, ErrTag, "%s as the name of an attribute", pythonName(key))
	}
	v, err := p.value()
	if err != nil {
		return Attr{}, err
	}
	return Attr{name, v}, nil
}

func strictlySorted(attrs []Attr) bool {
	for i := 1; i < len(attrs); i++ {
		if attrs[i-1].Name >= attrs[i].Name {
			return false
		}
	}
	return true
}

// sortAttrs returns the attributes sorted by name, the last of each name.
func sortAttrs(attrs []Attr) []Attr {
	attrs = slices.Clone(attrs)
	slices.SortStableFunc(attrs, compareAttrs)
	kept := attrs[:0]
	for i, a := range attrs {
		if i+1 < len(attrs) && attrs[i+1].Name == a.Name {
			continue
		}
		kept = append(kept, a)
	}
	return kept
}
