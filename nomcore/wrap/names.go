package wrap

import (
	"fmt"
	"reflect"
	"strings"
	"unicode"

	"nomfs/codec"
	"nomfs/nomcore/object"
)

// snakeCase returns the attribute name of a Go name: HTTPServer is
// http_server, CPUPercent cpu_percent, X2 x2.
func snakeCase(name string) string {
	runes := []rune(name)
	var b strings.Builder
	for i, r := range runes {
		if unicode.IsUpper(r) && i > 0 && runes[i-1] != '_' {
			startsWord := i+1 < len(runes) && unicode.IsLower(runes[i+1])
			if !unicode.IsUpper(runes[i-1]) || startsWord {
				b.WriteByte('_')
			}
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// className returns the name of a type for people, without its package: that
// of the Go type, or Python's name for types that have none.
func className(t reflect.Type) string {
	for t.Kind() == reflect.Pointer && t.Name() == "" {
		t = t.Elem()
	}
	if t.PkgPath() != "" {
		return object.TypeName(t)
	}
	switch t.Kind() {
	case reflect.Struct:
		return "struct"
	case reflect.Func:
		return "function"
	}
	return kindWord(t)
}

// kindWord returns Python's word for the kind of t: int, list, callable.
func kindWord(t reflect.Type) string {
	if t.Kind() == reflect.Func {
		return "callable"
	}
	switch k := kindOfType(t); k {
	case codec.KindInvalid:
		return "any value"
	case codec.KindRef:
		return t.String()
	default:
		return k.String()
	}
}

// typeName returns the name of a type for people: int, list of text, the class of
// a pointer or struct.
func typeName(t reflect.Type) string {
	if p, _, ok := plainOf(t); ok {
		return p.word
	}
	if t.Kind() == reflect.Pointer && !isScalar(t.Elem()) || t.Kind() == reflect.Struct {
		return className(t)
	}
	word := kindWord(t)
	switch t.Kind() {
	case reflect.Slice, reflect.Array:
		if t.Kind() == reflect.Array {
			word = fmt.Sprintf("%s of length %d", word, t.Len())
		}
		return listName(word, t.Elem())
	case reflect.Map:
		if isSet(t) {
			return listName(word, t.Key())
		}
	}
	return word
}

// listName adds the type of the items to the word for a container, where that is
// short and helps.
func listName(word string, elem reflect.Type) string {
	switch elem.Kind() {
	case reflect.Uint8, reflect.Interface:
		return word
	case reflect.Slice, reflect.Array, reflect.Map:
		return word + " of " + kindWord(elem) // no deeper: a type may contain itself
	}
	return word + " of " + typeName(elem)
}

// isSet reports whether t is a map to struct{}, Go's way to write a set.
func isSet(t reflect.Type) bool {
	return t.Kind() == reflect.Map && t.Elem().Kind() == reflect.Struct && t.Elem().NumField() == 0
}
