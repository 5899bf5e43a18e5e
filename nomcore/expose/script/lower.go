package script

import (
	"strconv"
	"strings"

	"go.starlark.net/syntax"
)

// Before a script is compiled, its operators, calls, attributes and items are
// made calls of functions of ours, whose names no script can write. Starlark
// offers no other place to count memory, to know on whose behalf an attribute
// of a remote object is read, or to tell what kind of error there was:
//
//	a.b             "."(a, "b")           a.b = c         ".="(c, a, "b")
//	a[i]            "[]"(a, i)            a[i] = c        "[]="(c, a, i)
//	f(x)            "()"(f, x)            a.f(x)          "()."(a, "f", x)
//	a * b           "*"(a, b)             a *= b          a = "*"(a, b)
//	for x in a:     for x in "for"(a):    x, y = a        x, y = "="(a, 2)
//	a[i:j]          "[:]"(a)[i:j]         state           "state"(state)
//
// Comparisons by == and !=, and, or, not and conditions stay as they are: they
// need none of it.
const (
	opCall    = "()"
	opMethod  = "()."
	opAttr    = "."
	opSetAttr = ".="
	opItem    = "[]"
	opSetItem = "[]="
	opSlice   = "[:]"
	opIter    = "for"
	opUnpack  = "="
	opState   = "state()"
	opAddTo   = "+="
	opUniteTo = "|="
	unaryMark = "unary " // before the operator
)

// tempMark begins the names of variables that a script cannot see.
const tempMark = "#"

// lowerer rewrites one file.
type lowerer struct {
	stateful bool // the file declares a mutable state
	temps    int  // hidden variables made so far
}

// op makes a call of one of our functions, which errors place at pos.
func op(name string, pos syntax.Position, args ...syntax.Expr) *syntax.CallExpr {
	return &syntax.CallExpr{
		Fn:     &syntax.Ident{NamePos: pos, Name: name},
		Lparen: pos, Args: args, Rparen: pos,
	}
}

func textAt(pos syntax.Position, s string) syntax.Expr {
	return &syntax.Literal{Token: syntax.STRING, TokenPos: pos, Raw: strconv.Quote(s), Value: s}
}

func numberAt(pos syntax.Position, n int) syntax.Expr {
	return &syntax.Literal{Token: syntax.INT, TokenPos: pos, Raw: strconv.Itoa(n), Value: int64(n)}
}

func unparen(e syntax.Expr) syntax.Expr {
	for {
		p, ok := e.(*syntax.ParenExpr)
		if !ok {
			return e
		}
		e = p.X
	}
}

// block rewrites statements. Some become several.
func (l *lowerer) block(in []syntax.Stmt) []syntax.Stmt {
	out := make([]syntax.Stmt, 0, len(in))
	for _, s := range in {
		out = append(out, l.stmt(s)...)
	}
	return out
}

func (l *lowerer) stmt(s syntax.Stmt) []syntax.Stmt {
	switch s := s.(type) {
	case *syntax.AssignStmt:
		if s.Op == syntax.EQ {
			return []syntax.Stmt{l.assign(s)}
		}
		return l.augmented(s)
	case *syntax.DefStmt:
		l.params(s.Params)
		s.Body = l.block(s.Body)
	case *syntax.ExprStmt:
		s.X = l.expr(s.X)
	case *syntax.ForStmt:
		s.X = op(opIter, s.For, l.expr(s.X))
		l.target(s.Vars)
		s.Body = l.block(s.Body)
	case *syntax.WhileStmt:
		s.Cond = l.expr(s.Cond)
		s.Body = l.block(s.Body)
	case *syntax.IfStmt:
		s.Cond = l.expr(s.Cond)
		s.True = l.block(s.True)
		if s.False != nil {
			s.False = l.block(s.False)
		}
	case *syntax.ReturnStmt:
		s.Result = l.expr(s.Result)
	}
	return []syntax.Stmt{s} // break, continue, pass, load have nothing inside
}

func (l *lowerer) assign(s *syntax.AssignStmt) syntax.Stmt {
	s.RHS = l.expr(s.RHS)
	switch lhs := unparen(s.LHS).(type) {
	case *syntax.DotExpr:
		return &syntax.ExprStmt{X: op(opSetAttr, lhs.Dot, s.RHS, l.expr(lhs.X), textAt(lhs.NamePos, lhs.Name.Name))}
	case *syntax.IndexExpr:
		return &syntax.ExprStmt{X: op(opSetItem, lhs.Lbrack, s.RHS, l.expr(lhs.X), l.expr(lhs.Y))}
	case *syntax.TupleExpr:
		s.RHS = op(opUnpack, s.OpPos, s.RHS, numberAt(s.OpPos, len(lhs.List)))
	case *syntax.ListExpr:
		s.RHS = op(opUnpack, s.OpPos, s.RHS, numberAt(s.OpPos, len(lhs.List)))
	}
	l.target(s.LHS)
	return s
}

// target rewrites what is read to find the places that are assigned to.
func (l *lowerer) target(e syntax.Expr) {
	switch e := e.(type) {
	case *syntax.ParenExpr:
		l.target(e.X)
	case *syntax.TupleExpr:
		for _, x := range e.List {
			l.target(x)
		}
	case *syntax.ListExpr:
		for _, x := range e.List {
			l.target(x)
		}
	case *syntax.DotExpr:
		e.X = l.expr(e.X)
	case *syntax.IndexExpr:
		e.X, e.Y = l.expr(e.X), l.expr(e.Y)
	}
}

// augmented rewrites a op= b. What a is made of is evaluated once.
func (l *lowerer) augmented(s *syntax.AssignStmt) []syntax.Stmt {
	name := s.Op.String()
	if name != opAddTo && name != opUniteTo { // these two change a list and a dict in place
		name = strings.TrimSuffix(name, "=")
	}
	rhs := l.expr(s.RHS)
	switch lhs := unparen(s.LHS).(type) {
	case *syntax.Ident:
		load := &syntax.Ident{NamePos: lhs.NamePos, Name: lhs.Name}
		s.Op, s.RHS = syntax.EQ, op(name, s.OpPos, load, rhs)
	case *syntax.DotExpr:
		hold, x := l.temp(lhs.Dot, l.expr(lhs.X))
		attr := func() syntax.Expr { return textAt(lhs.NamePos, lhs.Name.Name) }
		old := op(opAttr, lhs.Dot, x(), attr())
		return []syntax.Stmt{hold, &syntax.ExprStmt{X: op(opSetAttr, lhs.Dot, op(name, s.OpPos, old, rhs), x(), attr())}}
	case *syntax.IndexExpr:
		holdX, x := l.temp(lhs.Lbrack, l.expr(lhs.X))
		holdY, y := l.temp(lhs.Lbrack, l.expr(lhs.Y))
		old := op(opItem, lhs.Lbrack, x(), y())
		return []syntax.Stmt{holdX, holdY, &syntax.ExprStmt{X: op(opSetItem, lhs.Lbrack, op(name, s.OpPos, old, rhs), x(), y())}}
	}
	return []syntax.Stmt{s} // anything else the resolver refuses
}

// temp keeps a value in a hidden variable, and returns what reads it.
func (l *lowerer) temp(pos syntax.Position, value syntax.Expr) (syntax.Stmt, func() syntax.Expr) {
	l.temps++
	name := tempMark + strconv.Itoa(l.temps)
	ident := func() syntax.Expr { return &syntax.Ident{NamePos: pos, Name: name} }
	return &syntax.AssignStmt{OpPos: pos, Op: syntax.EQ, LHS: ident(), RHS: value}, ident
}

// params rewrites the defaults of parameters.
func (l *lowerer) params(params []syntax.Expr) {
	for _, p := range params {
		if b, ok := p.(*syntax.BinaryExpr); ok {
			b.Y = l.expr(b.Y)
		}
	}
}
