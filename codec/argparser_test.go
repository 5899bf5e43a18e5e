package codec

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestArgs(t *testing.T) {
	path := func(path string) (Value, error) {
		if path == "/no" {
			return nil, errTest
		}
		return Exception{Class: path}, nil
	}
	tests := []struct{ in, want string }{
		{"", ""},
		{" \n", ""},
		{"1, \"a\", k=2", "1 'a' k=2"},
		{"1,", "1"},
		{"bob", "'bob'"},
		{"café", "'café'"},
		{" a/b.txt , *.go,x=-v", "'a/b.txt' '*.go' x='-v'"},
		{"10.0.0.1, 12:30, 2024-01-01, 12abc, 08", "'10.0.0.1' '12:30' '2024-01-01' '12abc' '08'"},
		{"#chan", "'#chan'"},
		{"2 # two", "2"},
		{"k = [1, 2], j=u'x'", "k=[1, 2] j=u'x'"},
		{"{'a': (1, 2)}, set([1])", "{'a': (1, 2)} set([1])"},
		{"@/demo/x, cb=@ /a b ", "/demo/x() cb=\\x20/a\\x20b()"},
		{"None, True, nope", "None True 'nope'"},
		{"é=1", "é=1"},
		{"'a,b', \"c=d\"", "'a,b' 'c=d'"},
		{"1\n,\n2\n", "1 2"},
	}
	for _, test := range tests {
		p := ArgParser{Path: path}
		args, kwargs, err := p.Parse(test.in)
		var words []string
		for _, v := range args {
			words = append(words, v.String())
		}
		for _, a := range kwargs {
			words = append(words, a.Name+"="+a.Value.String())
		}
		if got := strings.Join(words, " "); err != nil || got != test.want {
			t.Errorf("%q: got %s, %v, want %s", test.in, got, err, test.want)
		}
	}
}

var errTest = errors.New("no such path")

func TestBadArgs(t *testing.T) {
	path := func(string) (Value, error) { return nil, errTest }
	tests := []struct {
		in   string
		path func(string) (Value, error)
		part string
		kind error
	}{
		{"1 2", nil, "',' between arguments", ErrLiteral},
		{"a b", nil, "text needs quotes", ErrLiteral},
		{",", nil, "a value", ErrLiteral},
		{"1,,2", nil, "a value", ErrLiteral},
		{"k=1, 2", nil, "cannot follow k=", ErrLiteral},
		{"k=1, k=2", nil, "twice", ErrLiteral},
		{"None=1", nil, "name of an argument", ErrLiteral},
		{"a==b", nil, "text needs quotes", ErrLiteral},
		{"k=", nil, "a value", ErrLiteral},
		{"k=a=b", nil, "text needs quotes", ErrLiteral},
		{"it's", nil, "text needs quotes", ErrLiteral},
		{"f(x)", nil, "f(...) is not a literal", ErrLiteral},
		{"[1, 2", nil, "found the end", ErrIncomplete},
		{"1, k='a", nil, "starts here", ErrIncomplete},
		{"@x", nil, "do not work here", ErrLiteral},
		{"@", path, "a path after @", ErrLiteral},
		{"@x", path, "no such path", errTest},
		{strings.Repeat("[", 1000), nil, "too deeply", ErrDepth},
	}
	for _, test := range tests {
		p := ArgParser{Path: test.path}
		args, kwargs, err := p.Parse(test.in)
		if !errors.Is(err, test.kind) || !strings.Contains(err.Error(), test.part) {
			t.Errorf("%s: %v %v %v, want %q", excerpt(test.in), args, kwargs, err, test.part)
		}
	}
	if _, _, err := ParseArgs("@x"); !errors.Is(err, ErrLiteral) {
		t.Errorf("ParseArgs(@x): %v", err)
	}
}

// TestLiteralTime reads texts that are long and hostile: anything quadratic
// would take minutes here, under the race detector at least.
func TestLiteralTime(t *testing.T) {
	const n = 1 << 17
	texts := map[string]string{
		"digits":      strings.Repeat("9", n),
		"underscores": strings.Repeat("1_", n) + "1",
		"fraction":    "0." + strings.Repeat("1", n),
		"signs":       strings.Repeat("- ", n) + "1",
		"pieces":      strings.Repeat("'a' ", n/4),
		"escapes":     "'" + strings.Repeat(`\u00e9`, n/6) + "'",
		"comments":    strings.Repeat("#\n", n/2) + "1",
		"words":       strings.Repeat("a,", n/2),
		"bad items":   "[" + strings.Repeat("a,", n/2),
		"same keys":   "{" + strings.Repeat("(1,2):3,", n/8) + "}",
		"tuples":      "set([" + strings.Repeat("(1,2,'a'),", n/10) + "])",
		"keywords":    keywords(n / 10),
	}
	for name, text := range texts {
		start := time.Now()
		if v, err := ParseLiteral(text); err == nil {
			_ = v.String()
		}
		_, _, _ = ParseArgs(text)
		if d := time.Since(start); d > 15*time.Second {
			t.Errorf("%s: %v", name, d)
		}
	}
}

func keywords(n int) string {
	var sb strings.Builder
	for i := range n {
		fmt.Fprintf(&sb, "k%d=%d,", i, i)
	}
	return sb.String()
}

func TestKeywordName(t *testing.T) {
	for name, want := range map[string]string{
		"a": "a", "_a1": "_a1", "größe": "größe", "": "''", "1a": "'1a'", "a b": "'a b'", "a=1, b": "'a=1, b'",
		"a\n2 line": `'a\n2 line'`, "\x1b[2J": `'\x1b[2J'`, "\xff": `b'\xff'`,
	} {
		if got := KeywordName(name); got != want {
			t.Errorf("%q is written %s, want %s", name, got, want)
		}
	}
}
