package wrap

import (
	"fmt"
	"reflect"
	"strings"
)

// fieldTag is a struct tag: nom:"name,readonly,getter".
type fieldTag struct {
	name     string // "" where the tag gives none
	skip     bool   // "-"
	readonly bool
	getter   bool
}

func parseTag(f reflect.StructField) (fieldTag, error) {
	text := f.Tag.Get("nom")
	if text == "-" {
		return fieldTag{skip: true}, nil
	}
	name, options, _ := strings.Cut(text, ",")
	tag := fieldTag{name: name}
	for option := range strings.SplitSeq(options, ",") {
		switch option {
		case "":
		case "readonly":
			tag.readonly = true
		case "getter":
			tag.getter = true
		default:
			return tag, fmt.Errorf("field %s: unknown option %q in its nom tag", f.Name, option)
		}
	}
	return tag, nil
}
