package fsview

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"slices"
	"strings"
	"unicode/utf8"

	"nomfs/codec"
)

// What JSON has no words for is an object with one member, whose name is one
// of these marks.
const (
	markRef     = "@"        // a path, from the directory of the object
	markTuple   = "@tuple"   // the items
	markSet     = "@set"     // the items, sorted
	markDict    = "@dict"    // pairs [key, value], where a key is no text
	markBase64  = "@base64"  // bytes that are no UTF-8
	markFloat   = "@float"   // "inf", "-inf" or "nan"
	markLiteral = "@literal" // anything else, as Python writes it
)

var marks = map[string]bool{
	markRef: true, markTuple: true, markSet: true, markDict: true,
	markBase64: true, markFloat: true, markLiteral: true,
}

// appendJSON appends v as JSON: members sorted by name, indented by two blanks,
// one item a line, with a newline at the end.
func appendJSON(b []byte, v any) ([]byte, error) {
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(v)
	return append(b, buf.Bytes()...), err
}

// jsonOf returns v as encoding/json takes it. refPath tells the path of a
// reference.
func jsonOf(v codec.Value, refPath func(codec.Ref) string) any {
	items := func(list []codec.Value) []any {
		out := make([]any, len(list))
		for i, item := range list {
			out[i] = jsonOf(item, refPath)
		}
		return out
	}
	switch v := v.(type) {
	case codec.None:
		return nil
	case codec.Bool:
		return bool(v)
	case codec.Int, codec.Long:
		return json.Number(v.String())
	case codec.Float:
		if f := float64(v); math.IsInf(f, 0) || math.IsNaN(f) {
			return map[string]any{markFloat: floatWord(f)}
		}
		return json.Number(v.String())
	case codec.Bytes:
		if !utf8.ValidString(string(v)) {
			return map[string]any{markBase64: base64.StdEncoding.EncodeToString([]byte(v))}
		}
		return string(v)
	case codec.Text:
		if utf8.ValidString(string(v)) {
			return string(v)
		}
	case codec.List:
		return items(v)
	case codec.Tuple:
		return map[string]any{markTuple: items(v)}
	case codec.Set:
		sorted := slices.Clone(v)
		slices.SortFunc(sorted, func(a, b codec.Value) int { return strings.Compare(a.String(), b.String()) })
		return map[string]any{markSet: items(sorted)}
	case *codec.Map:
		return jsonOfMap(v, refPath)
	case codec.Ref:
		return map[string]any{markRef: refPath(v)}
	}
	return map[string]any{markLiteral: v.String()}
}

// floatWord is a float that JSON has no number for, as parseSpecialFloat reads
// it.
func floatWord(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	}
	return "nan"
}

// jsonOfMap returns a dict as an object where all its keys are text, no two of
// them the same, and it cannot be taken for something else.
func jsonOfMap(m *codec.Map, refPath func(codec.Ref) string) any {
	object := make(map[string]any, m.Len())
	for _, pair := range m.Pairs() {
		if s, ok := codec.StringOf(pair.Key); ok && utf8.ValidString(s) && !(marks[s] && m.Len() == 1) {
			object[s] = jsonOf(pair.Value, refPath)
		}
	}
	if len(object) == m.Len() {
		return object
	}
	pairs := make([]any, 0, m.Len())
	sorted := slices.Clone(m.Pairs())
	slices.SortFunc(sorted, func(a, b codec.Pair) int { return strings.Compare(a.Key.String(), b.Key.String()) })
	for _, pair := range sorted {
		pairs = append(pairs, []any{jsonOf(pair.Key, refPath), jsonOf(pair.Value, refPath)})
	}
	return map[string]any{markDict: pairs}
}

// parseJSON reads what appendJSON wrote, or anybody else. ref finds the object
// at a path. What JSON cannot tell apart, byte string and text, int and long,
// becomes what cur has in the same place; cur may be nil.
func parseJSON(text []byte, cur codec.Value, ref func(path string) (codec.Value, error)) (codec.Value, error) {
	bad := func(err error) error {
		return &textError{
			words:      "want JSON: " + err.Error(),
			incomplete: errors.Is(err, io.ErrUnexpectedEOF),
		}
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var x any
	if err := d.Decode(&x); err != nil {
		return nil, bad(err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, bad(errors.New("more follows after the value"))
	}
	if err := codec.CheckJSON(text); err != nil {
		return nil, bad(err)
	}
	v, err := fromJSON(x, ref)
	if err != nil {
		return nil, err
	}
	return alike(v, cur), nil
}

func jsonError(format string, args ...any) error {
	return &textError{words: "want JSON of a value: " + fmt.Sprintf(format, args...)}
}

func fromJSON(x any, ref func(string) (codec.Value, error)) (codec.Value, error) {
	switch x := x.(type) {
	case nil:
		return codec.None{}, nil
	case bool:
		return codec.Bool(x), nil
	case json.Number:
		return numberOf(x.String())
	case string:
		return codec.StringValue(x), nil
	case []any:
		list, err := listFromJSON(x, ref)
		return codec.List(list), err
	case map[string]any:
		if len(x) == 1 {
			for name, member := range x {
				if marks[name] {
					return markedFromJSON(name, member, ref)
				}
			}
		}
		pairs := make([]codec.Pair, 0, len(x))
		for name, member := range x {
			v, err := fromJSON(member, ref)
			if err != nil {
				return nil, err
			}
			pairs = append(pairs, codec.Pair{Key: codec.StringValue(name), Value: v})
		}
		slices.SortFunc(pairs, func(a, b codec.Pair) int { return strings.Compare(a.Key.String(), b.Key.String()) })
		return mapOf(pairs)
	}
	return nil, jsonError("unexpected %T", x)
}

func mapOf(pairs []codec.Pair) (codec.Value, error) {
	m, err := codec.NewMap(pairs...)
	if err != nil {
		return nil, jsonError("%v", err)
	}
	return m, nil
}

func listFromJSON(x []any, ref func(string) (codec.Value, error)) ([]codec.Value, error) {
	list := make([]codec.Value, len(x))
	for i, item := range x {
		var err error
		if list[i], err = fromJSON(item, ref); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func numberOf(s string) (codec.Value, error) {
	if strings.ContainsAny(s, ".eE") {
		var f big.Float
		if _, ok := f.SetString(s); ok {
			if n, _ := f.Float64(); !math.IsInf(n, 0) {
				return codec.ParseLiteral(s) // rounds once
			}
		}
		return nil, jsonError("%s is out of range", s)
	}
	n, ok := new(big.Int).SetString(s, 10)
	if !ok {
		return nil, jsonError("%s is no number", s)
	}
	return codec.IntValue(n), nil
}

// markedFromJSON reads an object with one member that is a mark.
func markedFromJSON(mark string, x any, ref func(string) (codec.Value, error)) (codec.Value, error) {
	switch mark {
	case markTuple, markSet, markDict:
		array, ok := x.([]any)
		if !ok {
			return nil, jsonError("%q must be an array", mark)
		}
		list, err := listFromJSON(array, ref)
		switch {
		case err != nil:
			return nil, err
		case mark == markTuple:
			return codec.Tuple(list), nil
		case mark == markDict:
			return dictFromPairs(list)
		}
		return setOf(list)
	}
	s, ok := x.(string)
	if !ok {
		return nil, jsonError("%q must be a string", mark)
	}
	switch mark {
	case markRef:
		return ref(s)
	case markBase64:
		b, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			return nil, jsonError("%v", err)
		}
		return codec.Bytes(b), nil
	case markFloat:
		if f, ok := parseSpecialFloat(s); ok {
			return f, nil
		}
		return nil, jsonError("%q must be inf, -inf or nan", mark)
	}
	v, err := codec.ParseLiteral(s)
	if err != nil {
		return nil, jsonError("%v", err)
	}
	return v, nil
}

func dictFromPairs(list []codec.Value) (codec.Value, error) {
	pairs := make([]codec.Pair, len(list))
	for i, item := range list {
		pair, ok := item.(codec.List)
		if !ok || len(pair) != 2 {
			return nil, jsonError("%q must hold pairs", markDict)
		}
		pairs[i] = codec.Pair{Key: pair[0], Value: pair[1]}
	}
	return mapOf(pairs)
}

// setOf returns the set of items, each once; what cannot be a key cannot be in
// a set either.
func setOf(list []codec.Value) (codec.Value, error) {
	pairs := make([]codec.Pair, len(list))
	for i, item := range list {
		pairs[i] = codec.Pair{Key: item, Value: codec.None{}}
	}
	m, err := codec.NewMap(pairs...)
	if err != nil {
		return nil, jsonError("%v", err)
	}
	set := make(codec.Set, 0, m.Len())
	for _, pair := range m.Pairs() {
		set = append(set, pair.Key)
	}
	return set, nil
}

// alike gives v the types of cur where JSON could not tell them.
func alike(v, cur codec.Value) codec.Value {
	switch cur := cur.(type) {
	case codec.Bytes:
		if s, ok := codec.StringOf(v); ok {
			return codec.Bytes(s)
		}
	case codec.Text:
		if s, ok := codec.StringOf(v); ok && utf8.ValidString(s) {
			return codec.Text(s)
		}
	case codec.Long, codec.Float:
		if v.Kind() == codec.KindInt {
			if n, err := convertTo(v, cur, ""); err == nil {
				return n
			}
		}
	case codec.List:
		if list, ok := v.(codec.List); ok {
			return codec.List(alikeItems(list, cur))
		}
	case codec.Tuple:
		if list, ok := v.(codec.Tuple); ok {
			return codec.Tuple(alikeItems(list, cur))
		}
	case codec.Set:
		if set, ok := v.(codec.Set); ok {
			return codec.Set(alikeKeys(set, cur))
		}
	case *codec.Map:
		if m, ok := v.(*codec.Map); ok {
			return alikeMap(m, cur)
		}
	}
	return v
}

func alikeItems(list, cur []codec.Value) []codec.Value {
	for i := range min(len(list), len(cur)) {
		list[i] = alike(list[i], cur[i])
	}
	return list
}

// alikeKeys gives keys the types that the same keys have in cur.
func alikeKeys(keys, cur []codec.Value) []codec.Value {
	same := make(map[string]codec.Value, len(cur))
	for _, key := range cur {
		same[keyText(key)] = key
	}
	out := make([]codec.Value, len(keys))
	for i, key := range keys {
		if old, ok := same[keyText(key)]; ok {
			key = old
		}
		out[i] = key
	}
	return out
}

// keyText is the same for keys that JSON does not tell apart.
func keyText(key codec.Value) string {
	b, err := appendJSON(nil, jsonOf(key, func(r codec.Ref) string { return r.String() }))
	if err != nil {
		return key.String()
	}
	return string(b)
}

func alikeMap(m, cur *codec.Map) codec.Value {
	var keys, curKeys []codec.Value
	old := make(map[string]codec.Value, cur.Len())
	for _, pair := range cur.Pairs() {
		curKeys = append(curKeys, pair.Key)
		old[keyText(pair.Key)] = pair.Value
	}
	for _, pair := range m.Pairs() {
		keys = append(keys, pair.Key)
	}
	keys = alikeKeys(keys, curKeys)
	pairs := make([]codec.Pair, len(keys))
	for i, pair := range m.Pairs() {
		pairs[i] = codec.Pair{Key: keys[i], Value: alike(pair.Value, old[keyText(pair.Key)])}
	}
	if same, err := codec.NewMap(pairs...); err == nil {
		return same
	}
	return m
}
