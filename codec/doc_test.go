package codec

import (
	"bytes"
	"os"
	"regexp"
	"testing"
)

// TestDocExamples makes sure that the values of the package comment are what
// they are said to be.
func TestDocExamples(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	example := regexp.MustCompile(`(?m)^//\t([0-9a-f]{2} (?:[0-9a-f]{2,} )+) {2,}(.+)$`)
	found := example.FindAllStringSubmatch(string(doc), -1)
	const atLeast = 14
	if len(found) < atLeast {
		t.Fatalf("%d examples found", len(found))
	}
	for _, m := range found {
		raw := unhex(t, m[1])
		v, n, err := Parse(raw, Limits{})
		if err != nil || n != len(raw) || v.String() != m[2] {
			t.Errorf("%s is %v, %v, want %s", m[1], v, err, m[2])
			continue
		}
		if out, err := Append(nil, v); err != nil || !bytes.Equal(out, raw) {
			t.Errorf("%s is written as %x, %v", m[2], out, err)
		}
	}
}
