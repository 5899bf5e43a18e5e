package nomcore

import (
	"math/big"
	"strings"
	"testing"
)

// objectIDTexts are texts of ids and of what is none.
var objectIDTexts = []string{
	"", "0", "00", "7", "007", "42", "-1", "+1", " 1", "1L", "1 ", "x", "1x", "12/34", "12:34",
	"9999999999999999999", "10000000000000000000", "10000000000000000001",
	"18446744073709551615", "18446744073709551616", "140271493814784",
	"99999999999999999999999999999999999999", "100000000000000000000000000000000000000",
	"100000000000000000010000000000000000001",
	"340282366920938463463374607431768211455", "340282366920938463463374607431768211456",
	"999999999999999999999999999999999999999", strings.Repeat("9", 60), strings.Repeat("0", 60) + "5",
}

func FuzzObjectID(f *testing.F) {
	for _, text := range objectIDTexts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		const most = 8 * idBytes // bits
		want, isNumber := new(big.Int).SetString(text, 10)
		isNumber = isNumber && strings.Trim(text, "0123456789") == "" && want.BitLen() <= most
		id, ok := parseObjectID(text)
		if fromBytes, okBytes := parseObjectID([]byte(text)); ok != isNumber || okBytes != ok || fromBytes != id {
			t.Fatalf("%q: %v %v, as bytes %v %v, want %v", text, id, ok, fromBytes, okBytes, isNumber)
		}
		if !ok {
			return
		}
		if got := string(id.text()); got != want.String() {
			t.Errorf("%q is written %q", text, got)
		}
		b := id.bytes()
		if new(big.Int).SetBytes(b[:]).Cmp(want) != 0 || objectIDOf(string(b[:])) != id {
			t.Errorf("%q has the bytes %x", text, b)
		}
	})
}

func TestObjectIDAllocates(t *testing.T) {
	text := []byte("340282366920938463463374607431768211455")
	if n := testing.AllocsPerRun(100, func() { parseObjectID(text) }); n != 0 {
		t.Errorf("parsing allocates %v times", n)
	}
	id, _ := parseObjectID(text)
	if n := testing.AllocsPerRun(100, func() { _ = id.text() }); n > 1 {
		t.Errorf("writing allocates %v times", n)
	}
}
