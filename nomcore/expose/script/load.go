package script

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"go.starlark.net/resolve"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"nomfs/codec"
)

// maxFile is the size of a script in bytes. Whoever writes more by hand has
// the wrong tool; and the parser needs stack for each bracket.
const maxFile = 256 << 10

// Error is one thing that is wrong with a file.
type Error struct {
	File      string
	Line, Col int // from 1, Col in characters; 0 where it is the file as a whole
	Text      string
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", e.File, e.Text)
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Col, e.Text)
}

func errorAt(pos syntax.Position, format string, args ...any) error {
	return &Error{pos.Filename(), int(pos.Line), int(pos.Col), fmt.Sprintf(format, args...)}
}

// Load reads a file, runs its top level, and freezes what it made. The error
// joins all that is wrong, each an *Error with its place, in the order of the
// file; errors of reading the file are those of package os.
func Load(path string, env Env) (*Script, error) {
	src, err := readFile(path)
	if err != nil {
		return nil, err
	}
	s := newScript(path, env)
	if err := s.load(src); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &Error{File: path, Text: "not a regular file"}
	}
	src, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(src) > maxFile {
		return nil, &Error{File: path, Text: fmt.Sprintf("a script of more than %d KiB", maxFile>>10)}
	}
	return src, nil
}

func (s *Script) load(src []byte) error {
	// Names are attributes and bound once; the rest of the language makes
	// loops easier to write, and its steps are counted.
	options := &syntax.FileOptions{Set: true, While: true, TopLevelControl: true}
	file, err := options.Parse(s.path, src, 0)
	if err != nil {
		return parseError(s.path, err)
	}
	s.doc = docOf(file.Stmts)
	places, wrong := survey(file)
	_, stateful := places.assigned[stateName]
	file.Stmts = (&lowerer{stateful: stateful}).block(file.Stmts)

	names := s.predeclared()
	program, err := starlark.FileProgram(file, names.Has)
	var unresolved resolve.ErrorList
	switch {
	case errors.As(err, &unresolved):
		for _, e := range unresolved {
			wrong = append(wrong, errorAt(e.Pos, "%s", e.Msg))
		}
	case err != nil:
		wrong = append(wrong, &Error{File: s.path, Text: err.Error()})
	}
	if len(wrong) > 0 {
		return joined(wrong)
	}
	globals, err := s.topLevel(program, names)
	if err != nil {
		return err
	}
	if err := joined(s.adopt(globals, places)); err != nil {
		return err
	}
	s.mu.Lock()
	s.loaded = true
	s.mu.Unlock()
	return nil
}

// parseError gives the error of the parser its place.
func parseError(path string, err error) error {
	var e syntax.Error
	if errors.As(err, &e) {
		return errorAt(e.Pos, "%s", e.Msg)
	}
	return &Error{File: path, Text: err.Error()}
}

// joined returns errors in the order of the file, each once.
func joined(wrong []error) error {
	slices.SortStableFunc(wrong, func(a, b error) int {
		var x, y *Error
		if !errors.As(a, &x) || !errors.As(b, &y) {
			return 0
		}
		if x.Line != y.Line {
			return x.Line - y.Line
		}
		return x.Col - y.Col
	})
	wrong = slices.CompactFunc(wrong, func(a, b error) bool { return a.Error() == b.Error() })
	return errors.Join(wrong...)
}

// topLevel runs the file.
func (s *Script) topLevel(program *starlark.Program, names starlark.StringDict) (starlark.StringDict, error) {
	var globals starlark.StringDict
	var raw error
	err := s.run(context.WithValue(context.Background(), loadingKey{}, s), "the top level", func(r *run) error {
		globals, raw = program.Init(r.thread, names)
		return raw
	})
	if err == nil {
		return globals, nil
	}
	place := &Error{File: s.path, Text: err.Error()}
	var exc codec.Exception
	if errors.As(err, &exc) && len(exc.Args) == 1 {
		if text, ok := codec.StringOf(exc.Args[0]); ok {
			place.Text = text // without the class, as in the other errors
		}
	}
	var eval *starlark.EvalError
	if errors.As(raw, &eval) {
		for i := range eval.CallStack {
			if pos := eval.CallStack.At(i).Pos; pos.Line > 0 {
				place.Line, place.Col = int(pos.Line), int(pos.Col)
				break
			}
		}
	}
	return nil, place
}

// places is where a file binds its top-level names.
type places struct {
	bound    map[string]syntax.Position
	assigned map[string]syntax.Position // those among them that are no functions
}

// survey finds the top-level names, and statements that are not for scripts.
func survey(file *syntax.File) (places, []error) {
	p := places{make(map[string]syntax.Position), make(map[string]syntax.Position)}
	var wrong []error
	syntax.Walk(file, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.LoadStmt:
			wrong = append(wrong, errorAt(n.Load, "load: a script is one file"))
			return false
		case *syntax.DefStmt:
			p.bind(n.Name, false)
			return false
		case *syntax.AssignStmt:
			p.bindAll(n.LHS)
			return false
		case *syntax.ForStmt:
			p.bindAll(n.Vars)
		case syntax.Expr:
			return false
		}
		return true
	})
	return p, wrong
}

func (p places) bind(id *syntax.Ident, assigned bool) {
	if _, again := p.bound[id.Name]; again {
		return
	}
	p.bound[id.Name] = id.NamePos
	if assigned {
		p.assigned[id.Name] = id.NamePos
	}
}

func (p places) bindAll(target syntax.Expr) {
	switch e := unparen(target).(type) {
	case *syntax.Ident:
		p.bind(e, true)
	case *syntax.TupleExpr:
		for _, x := range e.List {
			p.bindAll(x)
		}
	case *syntax.ListExpr:
		for _, x := range e.List {
			p.bindAll(x)
		}
	}
}

// docOf returns the text at the start of a file.
func docOf(stmts []syntax.Stmt) string {
	if len(stmts) == 0 {
		return ""
	}
	x, ok := stmts[0].(*syntax.ExprStmt)
	if !ok {
		return ""
	}
	text, ok := x.X.(*syntax.Literal)
	if !ok || text.Token != syntax.STRING {
		return ""
	}
	return cleanDoc(text.Value.(string))
}

// cleanDoc takes the indentation of the code away from the lines of a text.
func cleanDoc(doc string) string {
	lines := strings.Split(strings.ReplaceAll(doc, "\t", "    "), "\n")
	indent := -1
	for _, line := range lines[1:] {
		if text := strings.TrimLeft(line, " "); text != "" && (indent < 0 || len(line)-len(text) < indent) {
			indent = len(line) - len(text)
		}
	}
	for i := range lines {
		if i > 0 && len(lines[i]) >= indent && indent > 0 {
			lines[i] = lines[i][indent:]
		}
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}
