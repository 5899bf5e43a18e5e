package codec

import (
	"errors"
	"fmt"
	"strings"
)

// ParseArgs reads the arguments of a call as they stand between its
// parentheses: 1, "a", k=2. It is the Parse of an ArgParser without paths.
func ParseArgs(s string) (args []Value, kwargs []Attr, err error) {
	var p ArgParser
	return p.Parse(s)
}

// ArgParser reads the arguments of a call.
type ArgParser struct {
	// Path turns the argument @path, without the @, into a value. The path
	// is all up to the next comma, less white space around it. If Path is
	// nil such an argument is an error.
	Path func(path string) (Value, error)
}

// Parse reads arguments separated by commas: literals, keywords as k=2, paths as
// @path, and plain words. A word is an argument that is no literal and has no
// quote, comma, bracket, white space or =; its value is the StringValue of the
// word. Empty text has no arguments. The keywords are in the order of the text.
//
// Errors are those of ParseLiteral; an error of Path is returned as it is.
func (a *ArgParser) Parse(s string) (args []Value, kwargs []Attr, err error) {
	p := argParser{literalParser: literalParser{s: s}, path: a.Path}
	if len(s) > DefaultBytes {
		return nil, nil, p.limit(0, ErrSize, fmt.Sprintf("at most %d bytes", DefaultBytes))
	}
	for p.blank(); p.pos < len(p.s); p.blank() {
		if err := p.argument(); err != nil {
			return nil, nil, err
		}
	}
	return p.args, p.kwargs, nil
}

type argParser struct {
	literalParser
	path   func(string) (Value, error)
	args   []Value
	kwargs []Attr
	seen   map[string]bool // the keywords
}

// argument reads one argument and the comma after it.
func (p *argParser) argument() error {
	if err := p.count(); err != nil {
		return err
	}
	at := p.pos
	name, isKeyword := p.keyword()
	if isKeyword {
		switch {
		case name == "None" || name == "True" || name == "False":
			return p.fail(at, "%s cannot be the name of an argument", name)
		case p.seen[name]:
			return p.fail(at, "argument %s is given twice", excerptName(name))
		}
	} else if len(p.kwargs) > 0 {
		return p.fail(at, "an argument without a name cannot follow %s=...", excerptName(p.kwargs[0].Name))
	}
	v, err := p.operand()
	if err != nil {
		return err
	}
	if !isKeyword {
		p.args = append(p.args, v)
		return nil
	}
	if p.seen == nil {
		p.seen = make(map[string]bool)
	}
	p.seen[name] = true
	p.kwargs = append(p.kwargs, Attr{name, v})
	return nil
}

// KeywordName returns the name of a keyword argument as text for a line: an
// identifier as it is, and any other name, which only a program can give, in
// quotes.
func KeywordName(name string) string {
	p := literalParser{s: name}
	if name != "" && p.identifier() == name {
		return name
	}
	return StringValue(name).String()
}

// keyword passes name= if it is there.
func (p *argParser) keyword() (name string, ok bool) {
	start := p.pos
	name = p.identifier()
	p.pos += len(name)
	p.blank()
	if name == "" || p.peek(0) != '=' || p.peek(1) == '=' {
		p.pos = start
		return "", false
	}
	p.pos++
	p.blank()
	return strings.Clone(name), true
}

// operand reads the value of an argument, and the comma after it.
func (p *argParser) operand() (Value, error) {
	start := p.pos
	if p.peek(0) == '@' {
		return p.pathOperand()
	}
	v, err := p.value()
	if err == nil {
		switch p.next() {
		case ',':
			p.pos++
			return v, nil
		case 0:
			if p.pos >= len(p.s) {
				return v, nil
			}
		}
		err = p.unexpected("',' between arguments")
	} else if e := (*LiteralError)(nil); errors.As(err, &e) && e.cause != nil {
		return nil, err // too large or too deep: a literal, but a bad one
	}
	p.pos = start
	word := p.untilComma()
	if word == "" || strings.ContainsAny(word, pythonSpace+`'"()[]{}=`) {
		return nil, err
	}
	return StringValue(strings.Clone(word)), nil
}

// untilComma passes everything up to the next comma, and that.
func (p *argParser) untilComma() string {
	text, _, found := strings.Cut(p.s[p.pos:], ",")
	p.pos += len(text) + boolInt(found)
	return strings.Trim(text, pythonSpace)
}

func (p *argParser) pathOperand() (Value, error) {
	at := p.pos
	path := p.untilComma()[1:]
	switch {
	case p.path == nil:
		return nil, p.fail(at, "paths such as @%s do not work here", excerptName(path))
	case path == "":
		return nil, p.fail(at, "expected a path after @")
	}
	return p.path(strings.Clone(path))
}
