package codec

import (
	"bytes"
	"encoding/hex"
	"os"
	"strings"
	"testing"
)

// goldenLines returns the rows of a table of hex and description.
func goldenLines(t testing.TB, name string) [][2]string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var rows [][2]string
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		h, what, _ := strings.Cut(line, "\t")
		raw, err := hex.DecodeString(h)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		rows = append(rows, [2]string{string(raw), what})
	}
	return rows
}

func TestGoldenValues(t *testing.T) {
	for _, row := range goldenLines(t, "testdata/values.tsv") {
		raw, what := []byte(row[0]), row[1]
		v, n, err := Parse(raw, Limits{})
		if err != nil || n != len(raw) {
			t.Errorf("%s: Parse: %d of %d bytes, %v", what, n, len(raw), err)
			continue
		}
		out, err := Append(nil, v)
		if err != nil || !bytes.Equal(out, raw) {
			t.Errorf("%s: Append(%s) = %x, %v, want %x", what, v, out, err, raw)
		}
	}
}

func TestGoldenPackets(t *testing.T) {
	for _, row := range goldenLines(t, "../nomcore/testdata/packets.tsv") {
		raw, what := []byte(row[0])[1:], row[1] // without the command
		attrs, n, err := ParseAttrs(raw, Limits{})
		if err != nil || n != len(raw) {
			t.Errorf("%s: ParseAttrs: %d of %d bytes, %v", what, n, len(raw), err)
			continue
		}
		out, err := new(Encoder).AppendAttrs(nil, attrs)
		if err != nil || !bytes.Equal(out, raw) {
			t.Errorf("%s: AppendAttrs = %x, %v, want %x", what, out, err, raw)
		}
		v, n, err := Parse(raw, Limits{})
		if err != nil || n != len(raw) {
			t.Errorf("%s: Parse: %d of %d bytes, %v", what, n, len(raw), err)
			continue
		}
		if out, err = Append(nil, v); err != nil || !bytes.Equal(out, raw) {
			t.Errorf("%s: Append = %x, %v, want %x", what, out, err, raw)
		}
	}
}
