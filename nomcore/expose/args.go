package expose

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"nomfs/codec"
)

// A param is one argument that a call takes.
type param struct {
	name string
	typ  output      // "" for anything that can be written as text
	def  codec.Value // nil where the argument is required
	rest bool        // it takes any number
	raw  bool        // it goes to standard input alone, which takes every byte
}

var (
	// paramPattern is NAME, NAME:TYPE, NAME=LITERAL, NAME:TYPE=LITERAL, or
	// *NAME for any number of arguments.
	paramPattern = regexp.MustCompile(`^(\*?)\s*([A-Za-z_][A-Za-z0-9_]*)\s*(?::\s*([a-z]+)\s*)?(?:=(.*))?$`)
	// wordPattern is a word that stands for an argument, or for itself
	// without its outer braces.
	wordPattern = regexp.MustCompile(`^(\{)?\{([A-Za-z_][A-Za-z0-9_]*)\}(\})?$`)
)

// paramTypes are the types that an argument can be said to have.
var paramTypes = []string{"text", "int", "float", "bool"}

// params reads the arguments that a call takes.
func (f *fields) params(key string) []param {
	var list []param
	optional := false
	for _, s := range f.words(key) {
		m := paramPattern.FindStringSubmatch(strings.TrimSpace(s))
		if m == nil {
			f.bad(key, `%q is no argument: expected "name", "name=default", "name:int" or "*names"`, s)
			return list
		}
		p := param{name: m[2], rest: m[1] != "", typ: output(m[3])}
		hasDefault := strings.Contains(s, "=")
		switch {
		case slices.ContainsFunc(list, func(o param) bool { return o.name == p.name }):
			f.bad(key, "there are two arguments %s", p.name)
		case p.typ != "" && !slices.Contains(paramTypes, m[3]):
			f.bad(key, "%s: expected one of %s, got %q", p.name, strings.Join(paramTypes, ", "), m[3])
			p.typ = ""
		case len(list) > 0 && list[len(list)-1].rest:
			f.bad(key, "nothing can follow *%s", list[len(list)-1].name)
		case p.rest && hasDefault:
			f.bad(key, "*%s takes any number of arguments, none as well, and needs no default", p.name)
		case optional && !hasDefault && !p.rest:
			f.bad(key, "%s needs a default, as the one before it has one", p.name)
		}
		if hasDefault {
			optional = true
			p.def = codec.StringValue(m[4])
			if v, err := codec.ParseLiteral(strings.TrimSpace(m[4])); err == nil {
				p.def = v
			}
			if p.typ == "bool" { // as TOML and programs write it, too
				if v, err := p.typ.value([]byte(m[4])); err == nil {
					p.def = v
				}
			}
			if _, err := p.word(p.def); err != nil {
				f.bad(key, "the default of %s: %s", p.name, reason(err))
			}
		}
		list = append(list, p)
	}
	return list
}

// word is an argument as a word for a program. Text is passed as it is, true and
// false as programs write them, everything else as its literal.
func (p param) word(v codec.Value) (string, error) {
	s, isString := codec.StringOf(v)
	kind := v.Kind()
	switch {
	case p.typ == "float" && kind == codec.KindInt:
	case p.typ != "" && kind != p.typ.kind() && !(isString && isText(p.typ.kind())):
		return "", exception("TypeError", "argument %s: expected %s, got %s", p.name, kindWord(p.typ.kind()), kindWord(kind))
	}
	if on, ok := v.(codec.Bool); ok {
		return strconv.FormatBool(bool(on)), nil
	}
	if !isString {
		s = v.String()
		if back, err := codec.ParseLiteral(s); err != nil || !codec.Equal(back, v) {
			return "", exception("TypeError", "argument %s: %s cannot be given to a program", p.name, kindWord(kind))
		}
	}
	if !p.raw && strings.ContainsRune(s, 0) {
		return "", exception("ValueError", "argument %s has a zero byte, which no program can be given", p.name)
	}
	return s, nil
}

// A template is a command with places for arguments.
type template []string

// template reads a command. A word {name} is the place of an argument; {{name}}
// is the text {name}. An argument within a word is refused, as it would be a
// way to make a word of one's own; all other braces are text.
func (f *fields) template(key string, params []param) template {
	argv := f.words(key)
	f.program(key, argv)
	for _, word := range argv {
		m := wordPattern.FindStringSubmatch(word)
		if m == nil {
			for _, p := range params {
				if strings.Contains(word, "{"+p.name+"}") {
					f.bad(key, "{%s} must be a word by itself, not a part of %q", p.name, word)
				}
			}
			continue
		}
		if (m[1] == "") != (m[3] == "") {
			continue // braces that do not match are text
		}
		if m[1] == "" && !slices.ContainsFunc(params, func(p param) bool { return p.name == m[2] }) {
			f.bad(key, "there is no argument %s; {{%s}} is the text {%s}", m[2], m[2], m[2])
		}
	}
	return argv
}

// uses tells whether an argument has a place.
func (t template) uses(name string) bool { return slices.Contains(t, "{"+name+"}") }

// fill puts words in their places. A place of a rest argument becomes as many
// words as there are.
func (t template) fill(words map[string][]string) []string {
	argv := make([]string, 0, len(t))
	for _, word := range t {
		m := wordPattern.FindStringSubmatch(word)
		switch {
		case m == nil || (m[1] == "") != (m[3] == ""):
			argv = append(argv, word)
		case m[1] != "":
			argv = append(argv, word[1:len(word)-1])
		default:
			argv = append(argv, words[m[2]]...)
		}
	}
	return argv
}

// bind puts the arguments of a call in their places, as Python would.
func bind(name string, params []param, args []codec.Value, kwargs map[string]codec.Value) (map[string][]string, error) {
	words := make(map[string][]string, len(params))
	fixed := len(params)
	rest := fixed > 0 && params[fixed-1].rest
	if rest {
		fixed--
		words[params[fixed].name] = nil
	}
	if len(args) > fixed && !rest {
		return nil, exception("TypeError", "%s() takes at most %d argument(s) (%d given)", name, fixed, len(args))
	}
	for kw := range kwargs {
		at := slices.IndexFunc(params[:fixed], func(p param) bool { return p.name == kw })
		switch {
		case at < 0:
			return nil, exception("TypeError", "%s() got an unexpected keyword argument '%s'", name, kw)
		case at < len(args):
			return nil, exception("TypeError", "%s() got multiple values for keyword argument '%s'", name, kw)
		}
	}
	for i, p := range params[:fixed] {
		v := p.def
		if i < len(args) {
			v = args[i]
		} else if kw, ok := kwargs[p.name]; ok {
			v = kw
		}
		if v == nil {
			return nil, exception("TypeError", "%s() needs the argument %s", name, p.name)
		}
		word, err := p.word(v)
		if err != nil {
			return nil, err
		}
		words[p.name] = []string{word}
	}
	for i := fixed; i < len(args); i++ {
		word, err := params[fixed].word(args[i])
		if err != nil {
			return nil, err
		}
		words[params[fixed].name] = append(words[params[fixed].name], word)
	}
	return words, nil
}

// described tells clients what a call takes.
func described(params []param) []codec.Param {
	list := make([]codec.Param, len(params))
	for i, p := range params {
		list[i] = codec.Param{Name: p.name, Type: string(p.typ), Default: p.def, Rest: p.rest}
	}
	return list
}
