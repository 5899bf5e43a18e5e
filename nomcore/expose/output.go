package expose

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"strconv"
	"strings"

	"nomfs/codec"
)

// output says what a text stands for that comes from a file or a program: one
// of outputTypes.
type output string

// outputTypes are the values of the key type:
//
//	text     the text without its last newline
//	bytes    every byte
//	int float bool   a number; true, yes, on, 1 and their opposites
//	lines    a list with the text of each line
//	json     a JSON value
//	literal  a Python literal
var outputTypes = []string{"text", "bytes", "int", "float", "bool", "lines", "json", "literal"}

// output reads the key type.
func (f *fields) output() output { return output(f.oneOf("type", "text", outputTypes)) }

// kind is what is known of the value before there is one.
func (o output) kind() codec.Kind {
	switch o {
	case "text":
		return codec.KindText
	case "bytes":
		return codec.KindBytes
	case "int":
		return codec.KindInt
	case "float":
		return codec.KindFloat
	case "bool":
		return codec.KindBool
	case "lines":
		return codec.KindList
	}
	return codec.KindInvalid
}

// value reads a text. What it cannot read is a ValueError.
func (o output) value(text []byte) (codec.Value, error) {
	s := strings.TrimSpace(string(text))
	fail := func() (codec.Value, error) {
		return nil, exception("ValueError", "expected %s, got %s", o.words(), excerpt(text))
	}
	switch o {
	case "bytes":
		return codec.Bytes(text), nil
	case "int":
		n, ok := new(big.Int).SetString(s, 10)
		if !ok {
			return fail()
		}
		return codec.IntValue(n), nil
	case "float":
		n, err := strconv.ParseFloat(s, 64)
		if err != nil && !errors.Is(err, strconv.ErrRange) {
			return fail()
		}
		return codec.Float(n), nil
	case "bool":
		switch strings.ToLower(s) {
		case "true", "yes", "on", "1":
			return codec.Bool(true), nil
		case "false", "no", "off", "0":
			return codec.Bool(false), nil
		}
		return fail()
	case "lines":
		list := codec.List{}
		for line := range strings.Lines(string(text)) {
			list = append(list, codec.StringValue(strings.TrimSuffix(line, "\n")))
		}
		return list, nil
	case "json":
		v, err := jsonValue(text)
		if err != nil {
			return nil, exception("ValueError", "expected JSON: %v", err)
		}
		return v, nil
	case "literal":
		v, err := codec.ParseLiteral(s)
		if err != nil {
			return nil, exception("ValueError", "expected a literal: %v", err)
		}
		return v, nil
	}
	return codec.StringValue(strings.TrimSuffix(string(text), "\n")), nil
}

func (o output) words() string {
	switch o {
	case "int":
		return "an integer"
	case "float":
		return "a number"
	}
	return "true or false"
}

// excerpt is the beginning of a text, quoted.
func excerpt(text []byte) string {
	const most = 40 // bytes; enough to recognise it
	if len(text) > most {
		return strconv.Quote(string(text[:most])) + "…"
	}
	return strconv.Quote(string(text))
}

// text writes a value as value would read it, with the newline that ends a
// file. A value of another type is a TypeError.
func (o output) text(v codec.Value) ([]byte, error) {
	s, isString := codec.StringOf(v)
	wrong := exception("TypeError", "expected %s, got %s", kindWord(o.kind()), kindWord(v.Kind()))
	switch o {
	case "bytes", "text":
		if !isString {
			return nil, wrong
		}
		if o == "text" && s != "" {
			s += "\n"
		}
		return []byte(s), nil
	case "lines":
		list, ok := v.(codec.List)
		if !ok {
			return nil, wrong
		}
		var b bytes.Buffer
		for _, item := range list {
			line, ok := codec.StringOf(item)
			if !ok {
				return nil, exception("TypeError", "expected a list of lines, got %s in it", kindWord(item.Kind()))
			}
			if strings.Contains(line, "\n") {
				return nil, exception("ValueError", "a line cannot have a newline in it, as %s has", excerpt([]byte(line)))
			}
			b.WriteString(line + "\n")
		}
		return b.Bytes(), nil
	case "json":
		x, err := plainGo(v)
		if err != nil {
			return nil, err
		}
		text, err := json.MarshalIndent(x, "", "  ")
		if err != nil {
			return nil, exception("ValueError", "%v", err)
		}
		return append(text, '\n'), nil
	case "literal":
		if back, err := codec.ParseLiteral(v.String()); err != nil || !codec.Equal(back, v) {
			return nil, exception("TypeError", "%s has no literal", kindWord(v.Kind()))
		}
		return []byte(v.String() + "\n"), nil
	case "float":
		if v.Kind() == codec.KindInt {
			break
		}
		fallthrough
	default:
		if v.Kind() != o.kind() {
			return nil, wrong
		}
	}
	if on, ok := v.(codec.Bool); ok {
		return []byte(strconv.FormatBool(bool(on)) + "\n"), nil
	}
	return []byte(v.String() + "\n"), nil
}

// jsonValue reads one JSON value. Integers keep all their digits.
func jsonValue(text []byte) (codec.Value, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var x any
	if err := d.Decode(&x); err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("there is nothing")
		}
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more follows after the value")
	}
	if err := codec.CheckJSON(text); err != nil {
		return nil, err
	}
	return treeValue(x)
}

// treeValue makes a value of what a decoder of data made.
func treeValue(x any) (codec.Value, error) {
	switch x := x.(type) {
	case json.Number:
		if n, ok := new(big.Int).SetString(x.String(), 10); ok {
			return codec.IntValue(n), nil
		}
		f, err := x.Float64()
		if errors.Is(err, strconv.ErrRange) {
			err = nil // infinity is as near as a float gets
		}
		return codec.Float(f), err
	case map[string]any:
		pairs := make(map[string]codec.Value, len(x))
		for key, member := range x {
			v, err := treeValue(member)
			if err != nil {
				return nil, err
			}
			pairs[key] = v
		}
		return codec.MapOf(pairs), nil
	case map[any]any:
		pairs := make([]codec.Pair, 0, len(x))
		for key, member := range x {
			k, err := treeValue(key)
			if err != nil {
				return nil, err
			}
			v, err := treeValue(member)
			if err != nil {
				return nil, err
			}
			pairs = append(pairs, codec.Pair{Key: k, Value: v})
		}
		m, err := codec.NewMap(pairs...)
		if err == nil && m.Len() != len(x) {
			err = errors.New("two keys of a table are the same here, such as 1 and 1.0, or 1 and true")
		}
		return m, err
	case []any:
		list := make(codec.List, len(x))
		for i, member := range x {
			v, err := treeValue(member)
			if err != nil {
				return nil, err
			}
			list[i] = v
		}
		return list, nil
	case interface{ MarshalText() ([]byte, error) }: // dates and times
		text, err := x.MarshalText()
		return codec.StringValue(string(text)), err
	}
	return codec.FromGo(x, nil)
}

// plainGo makes of a value what JSON can hold. Bytes that are no text, and
// references, are a TypeError.
func plainGo(v codec.Value) (any, error) {
	switch v := v.(type) {
	case codec.None:
		return nil, nil
	case codec.Bool:
		return bool(v), nil
	case codec.Int, codec.Long:
		return json.Number(v.String()), nil
	case codec.Float:
		return float64(v), nil
	case codec.Bytes, codec.Text:
		s, _ := codec.StringOf(v)
		return s, nil
	case codec.List:
		return plainList(v)
	case codec.Tuple:
		return plainList(v)
	case *codec.Map:
		all := make(map[string]any, v.Len())
		for _, p := range v.Pairs() {
			key, ok := codec.StringOf(p.Key)
			if !ok {
				return nil, exception("TypeError", "the keys of JSON are text, not %s", p.Key.Kind())
			}
			x, err := plainGo(p.Value)
			if err != nil {
				return nil, err
			}
			all[key] = x
		}
		return all, nil
	}
	return nil, exception("TypeError", "JSON has no %s", v.Kind())
}

func plainList(list []codec.Value) (any, error) {
	all := make([]any, len(list))
	for i, v := range list {
		x, err := plainGo(v)
		if err != nil {
			return nil, err
		}
		all[i] = x
	}
	return all, nil
}
