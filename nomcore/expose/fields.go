package expose

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"nomfs/codec"
)

// fields reads the keys of one table. What was asked for is known; finish
// refuses everything else.
type fields struct {
	l     *loader
	n     *node
	path  string // name of the table
	known []string
	torn  bool // two keys decide: what belongs here is not known
}

// take returns the value of a key, nil where it is not there.
func (f *fields) take(key string) *node {
	f.known = append(f.known, key)
	return f.n.table[key]
}

// has tells whether a key is there.
func (f *fields) has(key string) bool { return f.n.table[key] != nil }

// bad notes a mistake in the value of a key.
func (f *fields) bad(key, format string, args ...any) {
	at := f.n.at
	if v := f.n.table[key]; v != nil {
		at = v.at
	}
	f.l.bad.add(at, join(f.path, key), format, args...)
}

// badKey notes that a key should not be there.
func (f *fields) badKey(key, format string, args ...any) {
	f.l.bad.add(f.n.keyAt[key], join(f.path, key), format, args...)
}

// want notes that a value is of the wrong type.
func (f *fields) want(key, what string) {
	f.bad(key, "expected %s, got %s", what, f.n.table[key].what())
}

// text returns a text, "" where there is none.
func (f *fields) text(key string) string {
	v := f.take(key)
	if v == nil {
		return ""
	}
	s, ok := v.text()
	if !ok {
		f.want(key, "text in quotes")
	}
	return s
}

// name returns a text that must not be empty.
func (f *fields) name(key string) string {
	s := f.text(key)
	if v := f.n.table[key]; v != nil && s == "" {
		if _, isText := v.text(); isText {
			f.bad(key, "expected text, and it is empty")
		}
	}
	return s
}

// flag returns true or false.
func (f *fields) flag(key string) bool {
	v := f.take(key)
	if v == nil {
		return false
	}
	on, ok := v.value.(codec.Bool)
	if !ok || v.array {
		f.want(key, "true or false")
	}
	return bool(on)
}

// count returns a number from 1 to most, def where there is none.
func (f *fields) count(key string, def, most int) int {
	v := f.take(key)
	if v == nil {
		return def
	}
	n, ok := v.value.(codec.Int)
	switch {
	case !ok || v.array:
		f.want(key, "an integer")
		return def
	case n < 1 || int64(n) > int64(most):
		f.bad(key, "expected a number from 1 to %d, got %d", most, n)
		return def
	}
	return int(n)
}

// duration returns a time such as "1s", def where there is none.
func (f *fields) duration(key string, def, most time.Duration) time.Duration {
	v := f.take(key)
	if v == nil {
		return def
	}
	s, ok := v.text()
	if !ok {
		f.want(key, `a time such as "1s" or "500ms"`)
		return def
	}
	d, err := time.ParseDuration(s)
	switch {
	case err != nil:
		f.bad(key, `expected a time such as "1s", "500ms" or "2m", got %q`, s)
		return def
	case d <= 0 || d > most:
		f.bad(key, "expected a time above 0 and up to %v, got %v", most, d)
		return def
	}
	return d
}

// words returns an array of texts.
func (f *fields) words(key string) []string {
	v := f.take(key)
	if v == nil {
		return nil
	}
	if !v.array {
		f.want(key, `an array of words such as ["cat", "/proc/loadavg"]`)
		return nil
	}
	list := make([]string, 0, len(v.items))
	for i, item := range v.items {
		s, ok := item.text()
		if !ok {
			f.l.bad.add(item.at, fmt.Sprintf("%s[%d]", join(f.path, key), i), "expected text in quotes, got %s", item.what())
			return nil
		}
		list = append(list, s)
	}
	return list
}

// texts returns a table of texts.
func (f *fields) texts(key string) map[string]string {
	v := f.take(key)
	if v == nil {
		return nil
	}
	if !v.isTable() {
		f.want(key, `a table of texts such as { LANG = "C" }`)
		return nil
	}
	all := make(map[string]string, len(v.table))
	for _, name := range v.keys {
		s, ok := v.table[name].text()
		if !ok {
			f.l.bad.add(v.table[name].at, join(join(f.path, key), name), "expected text in quotes, got %s", v.table[name].what())
		}
		all[name] = s
	}
	return all
}

// file returns a path, made absolute: relative ones begin at the directory of
// the file that names them.
func (f *fields) file(key string) string {
	s := f.name(key)
	if s == "" {
		return ""
	}
	return f.l.abs(s)
}

func (l *loader) abs(path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(l.dir, path)
}

// oneOf returns a text that must be one of several, def where there is none.
func (f *fields) oneOf(key, def string, all []string) string {
	s := f.text(key)
	if s == "" && !f.has(key) {
		return def
	}
	for _, a := range all {
		if a == s {
			return s
		}
	}
	if _, isText := f.n.table[key].text(); isText {
		f.bad(key, "expected one of %s, got %q%s", strings.Join(all, ", "), s, didYouMean(s, all))
	}
	return def
}

// didYouMean ends a message with the words that are most like one, if there
// are any.
func didYouMean(word string, known []string) string {
	if near := nearest(word, known); len(near) > 0 {
		return "; did you mean " + strings.Join(near, " or ") + "?"
	}
	return ""
}

// finish refuses the keys that nobody asked for. decided is the key that makes
// the table what it is: below a header it may be meant as a name like the others.
func (f *fields) finish(what, decided string) {
	known := make(map[string]bool, len(f.known))
	for _, k := range f.known {
		known[k] = true
	}
	for _, key := range f.n.keys {
		if known[key] {
			continue
		}
		hint := didYouMean(key, f.known)
		if hint == "" {
			hint = "; it takes " + strings.Join(f.known, ", ")
		}
		if decided != "" && !f.n.inline {
			hint += fmt.Sprintf("; an attribute that is called %s belongs to [%s.attrs]", decided, f.path)
			decided = "" // once is enough
		}
		f.badKey(key, "%s has no such key%s", what, hint)
	}
}
