package codec

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
)

// contentKinds are the errors that only Parse finds.
var contentKinds = []error{ErrNumber, ErrCodec, ErrText, ErrUnhashable}

func isContent(err error) bool {
	return slices.ContainsFunc(contentKinds, func(kind error) bool { return errors.Is(err, kind) })
}

// checkSkip compares Skip, ReadInt and ReadString with Parse, WalkAttrs with
// ParseAttrs.
func checkSkip(t *testing.T, data []byte, lim Limits) {
	t.Helper()
	v, n, parseErr := Parse(data, lim)
	m, skipErr := Skip(data, lim)
	switch {
	case parseErr == nil && (skipErr != nil || m != n):
		t.Fatalf("%x: Parse %d, Skip %d, %v", data, n, m, skipErr)
	case parseErr != nil && !isContent(parseErr) && !reflect.DeepEqual(parseErr, skipErr):
		t.Fatalf("%x: Parse %v, Skip %v", data, parseErr, skipErr)
	}
	if parseErr == nil {
		checkRead(t, data[:n], v)
	}
	walked, m, walkErr := walkAttrs(t, data, lim)
	attrs, n, parseErr := ParseAttrs(data, lim)
	switch {
	case parseErr == nil && (walkErr != nil || m != n || !equalAttrs(attrs, walked)):
		t.Fatalf("%x: ParseAttrs %v %d, WalkAttrs %v %d, %v", data, attrs, n, walked, m, walkErr)
	case parseErr != nil && !isContent(parseErr) && !sameFailure(parseErr, walkErr):
		t.Fatalf("%x: ParseAttrs %v, WalkAttrs %v", data, parseErr, walkErr)
	}
}

// sameFailure compares errors but for their details.
func sameFailure(a, b error) bool {
	var x, y *WireError
	return errors.As(a, &x) && errors.As(b, &y) && x.Offset == y.Offset && x.Err == y.Err
}

// walkAttrs does with WalkAttrs what ParseAttrs does.
func walkAttrs(t *testing.T, data []byte, lim Limits) (attrs []Attr, n int, err error) {
	t.Helper()
	n, err = WalkAttrs(data, lim, func(name, value []byte) error {
		v, used, err := Parse(value, Limits{})
		if err != nil {
			return err
		}
		if used != len(value) {
			t.Fatalf("%x: the value of %q has %d bytes, Parse takes %d", data, name, len(value), used)
		}
		if i := slices.IndexFunc(attrs, func(a Attr) bool { return a.Name == string(name) }); i >= 0 {
			attrs[i].Value = v
			return nil
		}
		attrs = append(attrs, Attr{string(name), v})
		return nil
	})
	return attrs, n, err
}

func equalAttrs(a, b []Attr) bool {
	return slices.EqualFunc(a, b, func(x, y Attr) bool { return x.Name == y.Name && Equal(x.Value, y.Value) })
}

func checkRead(t *testing.T, data []byte, v Value) {
	t.Helper()
	n, ok := ReadInt(data)
	if wantN, want := Int64Of(v); n != wantN || ok != want {
		t.Fatalf("%x: ReadInt %d %t, want %d %t", data, n, ok, wantN, want)
	}
	s, ok := ReadString(data)
	if wantS, want := StringOf(v); string(s) != wantS || ok != want {
		t.Fatalf("%x: ReadString %q %t, want %q %t", data, s, ok, wantS, want)
	}
}

func TestSkip(t *testing.T) {
	inputs := hostileInputs()
	for _, file := range []string{"testdata/values.tsv", "../nomcore/testdata/packets.tsv"} {
		for _, row := range goldenLines(t, file) {
			raw := []byte(row[0])
			if file != "testdata/values.tsv" {
				raw = raw[1:] // without the command
			}
			n, err := Skip(append(raw, 0xff, 0), Limits{})
			if err != nil || n != len(raw) {
				t.Errorf("%s: Skip %d of %d bytes, %v", row[1], n, len(raw), err)
			}
			for n := range len(raw) {
				if _, err := Skip(raw[:n], Limits{}); !errors.Is(err, ErrTruncated) {
					t.Errorf("%s: Skip of %d of %d bytes: %v", row[1], n, len(raw), err)
				}
				inputs[fmt.Sprintf("%s cut at %d", row[1], n)] = raw[:n]
			}
			inputs[row[1]] = raw
		}
	}
	for _, test := range badBytes {
		inputs[test.in] = unhex(t, test.in)
	}
	for _, test := range readOnly {
		inputs[test.in] = unhex(t, test.in)
	}
	for _, in := range inputs {
		checkSkip(t, in, Limits{})
		checkSkip(t, in, smallLimits)
	}
}

// smallLimits are reached by small inputs.
var smallLimits = Limits{Depth: 3, Items: 8, Bytes: 64}

func FuzzSkip(f *testing.F) {
	for _, row := range goldenLines(f, "testdata/values.tsv") {
		f.Add([]byte(row[0]))
	}
	for _, row := range goldenLines(f, "../nomcore/testdata/packets.tsv") {
		f.Add([]byte(row[0])[1:])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		checkSkip(t, data, Limits{})
		checkSkip(t, data, smallLimits)
	})
}

func TestWalkAttrs(t *testing.T) {
	// A name in TEXT, one in latin-1, one twice, and bytes after the map.
	raw := unhex(t, `08 00000004 00000002 01 05 00000005 5554462d38 00000002 c3a9 0a
		00000002 00 04 00000001 61 0c 00000002 01 05 00000006 6c6174696e31 00000001 e9 0c 00000002 01 04 00000001 61 0a ffff`)
	var got []string
	n, err := WalkAttrs(raw, Limits{}, func(name, value []byte) error {
		got = append(got, fmt.Sprintf("%s=%x", name, value))
		return nil
	})
	if want := []string{"é=0a", "a=0c", "é=0c", "a=0a"}; err != nil || n != len(raw)-2 || !slices.Equal(got, want) {
		t.Errorf("WalkAttrs: %q, %d, %v, want %q", got, n, err, want)
	}
	stop := errors.New("stop")
	if n, err := WalkAttrs(raw, Limits{}, func(_, _ []byte) error { return stop }); n != 0 || err != stop {
		t.Errorf("an error of f: %d, %v", n, err)
	}
}

// TestPieces writes packets piece by piece.
func TestPieces(t *testing.T) {
	b := AppendMapHeader(nil, 2)
	b = AppendAttrName(b, "op")
	b = AppendBytes(b, []byte("Len"))
	b = AppendAttrName(b, []byte("xid"))
	b = AppendInt(b, 7)
	if want := unhex(t, "08 00000002 00000002 01 04 00000002 6f70 04 00000003 4c656e 00000002 01 04 00000003 786964 01 00000007"); !bytes.Equal(b, want) {
		t.Errorf("got %x, want %x", b, want)
	}
	tests := []struct {
		got  []byte
		want Value
	}{
		{AppendInt(nil, -1), Int(-1)},
		{AppendInt(nil, 1<<31), Int(1 << 31)},
		{AppendInt(nil, -1<<31), Int(-1 << 31)},
		{AppendInt(nil, -1<<63), Int(-1 << 63)},
		{AppendLong(nil, ID("42")), Long("42")},
		{AppendBytes(nil, "\xff"), Bytes("\xff")},
		{AppendText(nil, []byte("é")), Text("é")},
		{AppendString(nil, "abc"), StringValue("abc")},
		{AppendString(nil, "abcdefghé"), StringValue("abcdefghé")},
		{AppendString(nil, "abcdefgh\xff"), StringValue("abcdefgh\xff")},
		{AppendBool(nil, true), Bool(true)},
		{AppendNone(nil), None{}},
		{AppendInt(AppendTupleHeader(nil, 1), 5), Tuple{Int(5)}},
		{AppendInt(AppendListHeader(nil, 1), 5), List{Int(5)}},
		{AppendNone(AppendAttrName(AppendMapHeader(nil, 1), "k")), mustMap(Pair{Bytes("k"), None{}})},
	}
	for _, test := range tests {
		if want, err := Append(nil, test.want); err != nil || !bytes.Equal(test.got, want) {
			t.Errorf("%s: got %x, want %x, %v", test.want, test.got, want, err)
		}
	}
}

// TestSkipAllocs: neither reading an envelope nor writing one allocates.
func TestSkipAllocs(t *testing.T) {
	args, err := Append(nil, Tuple{Int(1), Float(2), Text("é"), List{Long("5")}, mustMap(Pair{Bytes("a"), Slice{}}),
		Exception{"E", nil}, Ref{"42", NewHome("127.0.0.1", 12074)}})
	if err != nil {
		t.Fatal(err)
	}
	const most = 1 << 10 // bytes: larger than the packet
	buf := make([]byte, 0, most)
	var xid int64
	var op []byte
	n := testing.AllocsPerRun(100, func() {
		b := AppendAttrName(AppendMapHeader(buf, 4), "args")
		b = append(b, args...)
		b = AppendLong(AppendAttrName(b, "oid"), "123456789012345678901234567890")
		b = AppendText(AppendAttrName(b, "op"), "Call")
		b = AppendInt(AppendAttrName(b, "xid"), 7)
		if _, err := Skip(b, Limits{}); err != nil {
			t.Fatal(err)
		}
		if _, err := WalkAttrs(b, Limits{}, func(name, value []byte) error {
			switch string(name) {
			case "xid":
				xid, _ = ReadInt(value)
			case "op":
				op, _ = ReadString(value)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 || xid != 7 || string(op) != "Call" {
		t.Errorf("%v allocations, xid %d, op %s", n, xid, op)
	}
}
