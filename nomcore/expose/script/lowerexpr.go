package script

import "go.starlark.net/syntax"

// expr rewrites an expression; nil stays nil.
func (l *lowerer) expr(e syntax.Expr) syntax.Expr {
	switch e := e.(type) {
	case *syntax.Ident:
		if l.stateful && e.Name == stateName {
			return op(opState, e.NamePos, e)
		}
	case *syntax.ParenExpr:
		e.X = l.expr(e.X)
	case *syntax.CallExpr:
		return l.call(e)
	case *syntax.BinaryExpr:
		return l.binary(e)
	case *syntax.UnaryExpr:
		return l.unary(e)
	case *syntax.DotExpr:
		return op(opAttr, e.Dot, l.expr(e.X), textAt(e.NamePos, e.Name.Name))
	case *syntax.IndexExpr:
		return op(opItem, e.Lbrack, l.expr(e.X), l.expr(e.Y))
	case *syntax.SliceExpr:
		e.X = op(opSlice, e.Lbrack, l.expr(e.X))
		e.Lo, e.Hi, e.Step = l.expr(e.Lo), l.expr(e.Hi), l.expr(e.Step)
	case *syntax.CondExpr:
		e.Cond, e.True, e.False = l.expr(e.Cond), l.expr(e.True), l.expr(e.False)
	case *syntax.ListExpr:
		l.exprs(e.List)
	case *syntax.TupleExpr:
		l.exprs(e.List)
	case *syntax.DictExpr:
		l.exprs(e.List)
	case *syntax.DictEntry:
		e.Key, e.Value = l.expr(e.Key), l.expr(e.Value)
	case *syntax.LambdaExpr:
		l.params(e.Params)
		e.Body = l.expr(e.Body)
	case *syntax.Comprehension:
		l.comprehension(e)
	}
	return e
}

func (l *lowerer) exprs(list []syntax.Expr) {
	for i := range list {
		list[i] = l.expr(list[i])
	}
}

func (l *lowerer) comprehension(e *syntax.Comprehension) {
	e.Body = l.expr(e.Body)
	for _, c := range e.Clauses {
		switch c := c.(type) {
		case *syntax.ForClause:
			c.X = op(opIter, c.For, l.expr(c.X))
			l.target(c.Vars)
		case *syntax.IfClause:
			c.Cond = l.expr(c.Cond)
		}
	}
}

func (l *lowerer) call(e *syntax.CallExpr) syntax.Expr {
	for i, arg := range e.Args {
		switch arg := arg.(type) {
		case *syntax.BinaryExpr:
			if arg.Op == syntax.EQ { // a keyword argument
				arg.Y = l.expr(arg.Y)
				continue
			}
		case *syntax.UnaryExpr:
			if arg.Op == syntax.STAR || arg.Op == syntax.STARSTAR {
				arg.X = l.expr(arg.X)
				continue
			}
		}
		e.Args[i] = l.expr(arg)
	}
	if fn, ok := unparen(e.Fn).(*syntax.DotExpr); ok {
		return op(opMethod, e.Lparen, append([]syntax.Expr{l.expr(fn.X), textAt(fn.NamePos, fn.Name.Name)}, e.Args...)...)
	}
	return op(opCall, e.Lparen, append([]syntax.Expr{l.expr(e.Fn)}, e.Args...)...)
}

func (l *lowerer) binary(e *syntax.BinaryExpr) syntax.Expr {
	e.X, e.Y = l.expr(e.X), l.expr(e.Y)
	switch e.Op {
	case syntax.AND, syntax.OR, syntax.EQL, syntax.NEQ:
		return e
	}
	return op(e.Op.String(), e.OpPos, e.X, e.Y)
}

func (l *lowerer) unary(e *syntax.UnaryExpr) syntax.Expr {
	literal, _ := unparen(e.X).(*syntax.Literal)
	e.X = l.expr(e.X)
	if e.Op == syntax.NOT || literal != nil && literal.Token != syntax.STRING && literal.Token != syntax.BYTES {
		return e
	}
	return op(unaryMark+e.Op.String(), e.OpPos, e.X)
}
