package expose

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"nomfs/codec"
)

// Error is one mistake in a file, and where it is.
type Error struct {
	File         string
	Line, Column int    // counted from 1, the column in characters; 0 where the file could not be read
	Key          string // the key it is about, dotted; "" for the file as a whole
	Text         string // what is wrong, and what was expected
}

// Error returns file:line:column: key: text.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", e.Line, e.Column)
	}
	if e.Key != "" {
		b.WriteString(": " + e.Key)
	}
	return b.String() + ": " + e.Text
}

// problems collects the mistakes in one file.
type problems struct {
	file string
	text []byte
	list []*Error
}

// add notes a mistake at a byte of the file.
func (p *problems) add(at int, key, format string, args ...any) {
	line, column := position(p.text, at)
	p.list = append(p.list, &Error{File: p.file, Line: line, Column: column, Key: key, Text: fmt.Sprintf(format, args...)})
}

// err returns all mistakes in the order of the file, nil where there are none.
func (p *problems) err() error {
	slices.SortStableFunc(p.list, func(a, b *Error) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	all := make([]error, len(p.list))
	for i, e := range p.list {
		all[i] = e
	}
	return errors.Join(all...)
}

// position returns the line and column of a byte.
func position(text []byte, at int) (line, column int) {
	before := string(text[:min(max(at, 0), len(text))])
	start := strings.LastIndexByte(before, '\n') + 1
	return strings.Count(before, "\n") + 1, utf8.RuneCountInString(before[start:]) + 1
}

// nearest returns the words that are most like one that is not known: those
// that differ in less than half of their letters, the nearest first.
func nearest(word string, known []string) []string {
	const most = 3 // suggestions; more is a list
	type near struct {
		word string
		far  int
	}
	var found []near
	for _, k := range known {
		far := distance(word, k)
		if 2*far <= max(len(word), len(k)) && far < len(k) {
			found = append(found, near{k, far})
		}
	}
	slices.SortStableFunc(found, func(a, b near) int { return a.far - b.far })
	words := make([]string, 0, most)
	for _, n := range found[:min(len(found), most)] {
		words = append(words, n.word)
	}
	return words
}

// distance is how many letters must be put in, taken out, changed, or
// exchanged with the next one to make b of a.
func distance(a, b string) int {
	before, last := []int{}, make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			same := 1
			if a[i-1] == b[j-1] {
				same = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+same)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}

// exception makes the error that a client gets.
func exception(class, format string, args ...any) codec.Exception {
	return codec.Exception{Class: class, Args: codec.Tuple{codec.Bytes(fmt.Sprintf(format, args...))}}
}

// reason is the text of an exception of ours without its class, which is for
// clients.
func reason(err error) string {
	var exc codec.Exception
	if errors.As(err, &exc) && len(exc.Args) == 1 {
		if s, ok := codec.StringOf(exc.Args[0]); ok {
			return s
		}
	}
	return err.Error()
}

// errGone answers those who still hold an object that was taken out of the
// file.
var errGone = exception("ReferenceError", "it was changed or taken away where it is exposed: look for it again")

func errReadOnly(name string) error {
	return exception("AttributeError", "attribute '%s' is read-only", name)
}
