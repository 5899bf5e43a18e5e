package expose

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"go.yaml.in/yaml/v3"

	"nomfs/codec"
)

func formatOf(path string) string {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".json":
		return "json"
	case ".yaml", ".yml":
		return "yaml"
	case ".toml":
		return "toml"
	}
	return ""
}

// parseData reads a file, which must hold a table or a list.
func parseData(path, format string) (codec.Value, error) {
	text, err := readLimited(path, maxData)
	if err != nil {
		return nil, errors.New(whyNot(err))
	}
	v, err := dataValue(bytes.TrimPrefix(text, byteOrderMark), format)
	if err == nil && v.Kind() != codec.KindMap && v.Kind() != codec.KindList {
		err = fmt.Errorf("expected a table or a list, got %s", kindWord(v.Kind()))
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %s", path, strings.ReplaceAll(err.Error(), "\n", " "))
	}
	return v, nil
}

// yamlVersion is the line that says that a file is YAML 1.2. The decoder reads
// that, but refuses the line.
var yamlVersion = regexp.MustCompile(`\A((?:[ \t]*(?:#.*)?\r?\n)*%YAML[ \t]+)1\.2\b`)

func dataValue(text []byte, format string) (codec.Value, error) {
	switch format {
	case "json":
		v, err := jsonValue(text)
		var at *json.SyntaxError
		if errors.As(err, &at) {
			line, column := position(text, int(at.Offset)-1) // it counts what it has read
			err = fmt.Errorf("%d:%d: %w", line, column, err)
		}
		return v, err
	case "yaml":
		d := yaml.NewDecoder(bytes.NewReader(yamlVersion.ReplaceAll(text, []byte("${1}1.1"))))
		var top yaml.Node
		var x, more any
		if err := d.Decode(&top); err != nil {
			if errors.Is(err, io.EOF) {
				err = errors.New("there is nothing")
			}
			return nil, err
		}
		if err := d.Decode(&more); !errors.Is(err, io.EOF) {
			return nil, errors.New("it has more than one document")
		}
		if err := yamlLossless(&top); err != nil {
			return nil, err
		}
		if err := top.Decode(&x); err != nil {
			return nil, err
		}
		return treeValue(x)
	}
	if len(bytes.TrimSpace(text)) == 0 { // it would be a table, but is most likely being written
		return nil, errors.New("there is nothing")
	}
	var x map[string]any
	err := toml.Unmarshal(text, &x)
	var at *toml.DecodeError
	if errors.As(err, &at) {
		line, column := position(text, offset(text, at))
		return nil, fmt.Errorf("%d:%d: %s", line, column, words(at))
	}
	if err != nil {
		return nil, err
	}
	return treeValue(x)
}

// yamlLossless refuses whole numbers that the decoder can hold as floats alone:
// their last digits would be lost. It makes dates and times text as it is
// written, which the decoder would make a moment of one day.
func yamlLossless(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!timestamp" {
		n.Tag = "!!str"
	}
	const tooLong = len("18446744073709551615") // as long as the largest that it holds
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!float" && len(n.Value) >= tooLong &&
		strings.Trim(strings.TrimLeft(n.Value, "+-"), "0123456789_") == "" {
		return fmt.Errorf("%d:%d: the number is too large for YAML; write it as text, or use JSON", n.Line, n.Column)
	}
	for _, child := range n.Content { // what an alias stands for is elsewhere in the file
		if err := yamlLossless(child); err != nil {
			return err
		}
	}
	return nil
}
