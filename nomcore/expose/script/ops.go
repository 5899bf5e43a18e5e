package script

import (
	"slices"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// operator is a function that lowering calls.
type operator = func(r *run, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error)

// operators has all of them by the names that no script can write.
var operators = map[string]operator{
	opCall: func(r *run, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		return r.call(args[0], args[1:], kwargs)
	},
	opMethod: func(r *run, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		name := string(args[1].(starlark.String))
		if target, ok := args[0].(*ref); ok {
			return r.callAttr(target, name, args[2:], kwargs)
		}
		f, err := r.attr(args[0], name)
		if err != nil {
			return nil, err
		}
		return r.call(f, args[2:], kwargs)
	},
	opAttr: func(r *run, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
		return r.attr(args[0], string(args[1].(starlark.String)))
	},
	opSetAttr: func(r *run, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
		name := string(args[2].(starlark.String))
		if target, ok := args[1].(*ref); ok {
			return starlark.None, r.setAttr(target, name, args[0])
		}
		return nil, raise(classAttribute, "can't assign to .%s field of %s", name, args[1].Type())
	},
	opItem: func(r *run, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
		return r.item(args[0], args[1])
	},
	opSetItem: func(r *run, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
		return starlark.None, r.storeItem(args[1], args[2], args[0])
	},
	opSlice: func(r *run, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
		if _, ok := args[0].(starlark.Sliceable); !ok {
			return nil, raise(classType, "invalid slice operand %s", args[0].Type())
		}
		return args[0], r.charge(sizeOf(args[0]))
	},
	opIter: func(_ *run, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
		return iterable(args[0])
	},
	opUnpack: func(_ *run, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
		return unpackable(args[0], args[1])
	},
	opState: func(r *run, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
		return args[0], r.lock()
	},
	opAddTo: func(r *run, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
		list, ok := args[0].(*starlark.List)
		if _, iterable := args[1].(starlark.Iterable); !ok || !iterable {
			return r.binary(syntax.PLUS, args[0], args[1])
		}
		extend, err := list.Attr("extend")
		if err == nil {
			_, err = r.call(extend, args[1:], nil)
		}
		return list, err
	},
	opUniteTo: func(r *run, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
		_, right := args[1].(*starlark.Dict)
		if dict, ok := args[0].(*starlark.Dict); ok && right {
			update, err := dict.Attr("update")
			if err == nil {
				_, err = r.call(update, args[1:], nil)
			}
			return dict, err
		}
		return r.binary(syntax.PIPE, args[0], args[1])
	},
}

// binaryTokens are the operators of two operands that are lowered.
var binaryTokens = []syntax.Token{
	syntax.PLUS, syntax.MINUS, syntax.STAR, syntax.SLASH, syntax.SLASHSLASH, syntax.PERCENT, syntax.AMP,
	syntax.PIPE, syntax.CIRCUMFLEX, syntax.LTLT, syntax.GTGT, syntax.LT, syntax.GT, syntax.LE, syntax.GE,
	syntax.IN, syntax.NOT_IN,
}

// comparisons are those among them that compare.
var comparisons = []syntax.Token{syntax.LT, syntax.GT, syntax.LE, syntax.GE}

func init() { // not in the literal: each needs its token
	for _, tok := range binaryTokens {
		operators[tok.String()] = func(r *run, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
			return r.binary(tok, args[0], args[1])
		}
	}
	for _, tok := range []syntax.Token{syntax.PLUS, syntax.MINUS, syntax.TILDE} {
		operators[unaryMark+tok.String()] = func(_ *run, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
			v, err := starlark.Unary(tok, args[0])
			return v, raiseAs(classType, err)
		}
	}
}

func (r *run) binary(tok syntax.Token, x, y starlark.Value) (starlark.Value, error) {
	if slices.Contains(comparisons, tok) {
		yes, err := starlark.Compare(tok, x, y)
		return starlark.Bool(yes), raiseAs(classType, err)
	}
	if tok != syntax.IN && tok != syntax.NOT_IN {
		if err := r.chargeBinary(tok, x, y); err != nil {
			return nil, err
		}
	}
	v, err := starlark.Binary(tok, x, y)
	if err == nil {
		return v, nil
	}
	return nil, raiseAs(binaryClass(tok, x, y), err)
}

// binaryClass is the class of the error of an operator.
func binaryClass(tok syntax.Token, x, y starlark.Value) string {
	_, xNumber := starlark.AsFloat(x)
	divisor, yNumber := starlark.AsFloat(y)
	switch {
	case !xNumber || !yNumber:
		return classType
	case tok == syntax.SLASH || tok == syntax.SLASHSLASH || tok == syntax.PERCENT:
		if divisor == 0 {
			return classZero
		}
		return classValue
	case tok == syntax.LTLT || tok == syntax.GTGT:
		return classValue
	}
	return classType
}

// attr is x.name.
func (r *run) attr(x starlark.Value, name string) (starlark.Value, error) {
	switch x := x.(type) {
	case *ref:
		return r.getAttr(x, name)
	case outsider:
		return x.attr(r, name)
	case starlark.HasAttrs:
		v, err := x.Attr(name)
		if v != nil || err != nil {
			return v, raiseAs(classAttribute, err)
		}
	}
	return nil, raise(classAttribute, "%s has no .%s field or method", x.Type(), name)
}

// item is x[key].
func (r *run) item(x, key starlark.Value) (starlark.Value, error) {
	switch x := x.(type) {
	case *ref:
		return r.getItem(x, key)
	case outsider:
		name, ok := starlark.AsString(key)
		if !ok {
			return nil, raise(classType, "%s: names are strings, not %s", x.Type(), key.Type())
		}
		return x.attr(r, name)
	case starlark.Mapping:
		v, found, err := x.Get(key)
		if err != nil {
			return nil, raiseAs(classType, err)
		}
		if !found {
			return nil, raise(classKey, "key %s not in %s", r.shown(key), x.Type())
		}
		return v, nil
	case starlark.Indexable:
		i, err := index(x, key)
		if err != nil {
			return nil, err
		}
		return x.Index(i), nil
	}
	return nil, raise(classType, "%s has no items", x.Type())
}

// shown is a value in the text of an error.
func (r *run) shown(v starlark.Value) string {
	if n, err := r.textSize(v); err != nil || n > maxMessage {
		return "of type " + v.Type()
	}
	return v.String()
}

// index returns the place of an item, counted from the start.
func index(x starlark.Indexable, key starlark.Value) (int, error) {
	i, err := starlark.AsInt32(key)
	if _, isInt := key.(starlark.Int); !isInt {
		return 0, raise(classType, "%s index: got %s, want int", x.Type(), key.Type())
	}
	n := x.Len()
	if err != nil || i < -n || i >= n {
		return 0, raise(classIndex, "%s index %v out of range: it has %d items", x.Type(), key, n)
	}
	if i < 0 {
		i += n
	}
	return i, nil
}

// storeItem is x[key] = v.
func (r *run) storeItem(x, key, v starlark.Value) error {
	switch x := x.(type) {
	case *ref:
		return r.setItem(x, key, v)
	case starlark.HasSetKey:
		return raiseAs(classType, x.SetKey(key, v))
	case starlark.HasSetIndex:
		i, err := index(x, key)
		if err != nil {
			return err
		}
		return raiseAs(classType, x.SetIndex(i, v))
	}
	return raise(classType, "%s value does not support item assignment", x.Type())
}

// iterable returns what a loop goes through. A container that can change is
// copied: while the loop waits for another object, other calls may change it.
func iterable(x starlark.Value) (starlark.Value, error) {
	switch x := x.(type) {
	case *starlark.List, *starlark.Dict, *starlark.Set:
		seq := x.(starlark.Sequence)
		items := make(starlark.Tuple, 0, seq.Len())
		for e := range starlark.Elements(seq) {
			items = append(items, e)
		}
		return items, nil
	case starlark.Iterable:
		return x, nil
	}
	return nil, raise(classType, "%s value is not iterable", x.Type())
}

// unpackable returns x if it has n elements.
func unpackable(x, n starlark.Value) (starlark.Value, error) {
	seq, ok := x.(starlark.Sequence)
	if !ok {
		return nil, raise(classType, "got %s in sequence assignment", x.Type())
	}
	want, err := starlark.AsInt32(n)
	if err == nil && seq.Len() != want {
		few := "few"
		if seq.Len() > want {
			few = "many"
		}
		return nil, raise(classValue, "too %s values to unpack (got %d, want %d)", few, seq.Len(), want)
	}
	return x, nil
}
