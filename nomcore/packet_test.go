package nomcore

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"strings"
	"testing"

	"nomfs/codec"
	"nomfs/nomcore/object"
)

// packetVectors returns the packets of testdata/packets.tsv with what they are.
func packetVectors(t testing.TB) map[string][]byte {
	t.Helper()
	text, err := os.ReadFile("testdata/packets.tsv")
	if err != nil {
		t.Fatal(err)
	}
	out := make(map[string][]byte)
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		digits, name, _ := strings.Cut(line, "\t")
		b, err := hex.DecodeString(digits)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		out[name] = b
	}
	if len(out) < 30 {
		t.Fatalf("%d packets", len(out))
	}
	return out
}

func TestPacketVectors(t *testing.T) {
	for name, b := range packetVectors(t) {
		p, err := parsePacket(b)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		out, err := p.append(nil, &codec.Encoder{})
		if err != nil || !bytes.Equal(out, b) {
			t.Errorf("%s: %v\n got %x\nwant %x", name, err, out, b)
		}
		if want := strings.Contains(name, "reply") && !strings.Contains(name, "no reply"); p.isReply() != want {
			t.Errorf("%s: isReply = %v", name, p.isReply())
		}
		if _, ok := p.xid(); !ok {
			t.Errorf("%s: no xid", name)
		}
	}
}

// The replies of the original to its own requests, made by our code.
func TestReplyVectors(t *testing.T) {
	vectors := packetVectors(t)
	home := codec.NewHome("127.0.0.1", 12074)
	tests := []struct {
		request, reply string
		answer         answer
	}{
		{"SYNC request, xid 0", "SYNC reply accepted", answer{result: codec.Bool(true)}},
		{"SYNC request, xid 0", "SYNC reply refused", answer{result: codec.Bool(false)}},
		{`RESOLVE request "X"`, "RESOLVE reply, a reference", answer{result: codec.Ref{ID: "43", Home: home}}},
		{`RESOLVE request "X"`, "RESOLVE reply, unknown name", answer{err: exception("NameError", "No such name")}},
		{"LIST request", "LIST reply", answer{result: codec.List{codec.Bytes("X"), codec.Bytes("Y")}}},
		{"PULL GetAttr request", "PULL GetAttr reply value 5", answer{result: codec.Int(5)}},
		{"PULL GetAttr request", "PULL GetAttr reply error", answer{err: object.NoAttr("X", "foo")}},
		{"PULL GetAttr request", "PULL reply stale or unknown oid", answer{err: unknownID("42")}},
		{"PULL SetAttr request", "PULL SetAttr reply", answer{}},
		{"PULL Len request", "PULL Len reply 3", answer{result: codec.Int(3)}},
		{"PULL Call request, no arguments", "PULL Call reply None", answer{}},
	}
	for _, tt := range tests {
		b, ok := vectors[tt.request]
		if !ok {
			t.Fatalf("no %q", tt.request)
		}
		req, err := parsePacket(b)
		if err != nil {
			t.Fatal(err)
		}
		rep := req.reply(true, tt.answer.attrs()...)
		got, err := rep.append(nil, &codec.Encoder{})
		if want := vectors[tt.reply]; err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %v\n got %x\nwant %x", tt.reply, err, got, want)
		}
	}
}

func TestParsePacketErrors(t *testing.T) {
	tests := map[string]string{
		"empty":                    "",
		"command 6":                "06080000000000000002",
		"the packet of one death":  "090800000000",
		"not a map":                "0007000000000",
		"attribute count too high": "00087fffffff",
		"count negative":           "0008ffffffff",
		"cut in a number":          "000800000001000000020104000000037869640100",
		"pair of three":            "0008000000010000000301040000000378696401000000000a",
		"key is a list":            "0008000000010000000201070000000000010000000",
		"length beyond the end":    "00080000000100000002010400000fff786964",
		"length negative":          "000800000001000000020104ffffffff786964",
	}
	for name, digits := range tests {
		b, _ := hex.DecodeString(digits[:len(digits)/2*2])
		if _, err := parsePacket(b); !errors.Is(err, errBadPacket) {
			t.Errorf("%s: %v, want errBadPacket", name, err)
		}
	}
}

func TestSalvage(t *testing.T) {
	vectors := packetVectors(t)
	for name, b := range vectors {
		xid, reply, ok := salvage(b)
		p, _ := parsePacket(b)
		want, _ := p.xid()
		if !ok || xid != want || reply != p.isReply() {
			t.Errorf("%s: salvage = %d, %v, %v, want %d, %v", name, xid, reply, ok, want, p.isReply())
		}
		if len(b) > 24 { // break a value in the middle: what matters stays readable
			broken := bytes.Clone(b)
			broken[5]++
			if x, r, ok := salvage(broken); !ok || x != want || r != reply {
				t.Errorf("%s, broken: salvage = %d, %v, %v", name, x, r, ok)
			}
		}
	}
	if _, _, ok := salvage(nil); ok {
		t.Error("salvaged something from nothing")
	}
}

func FuzzPacket(f *testing.F) {
	for _, b := range packetVectors(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		salvage(b)
		p, err := parsePacket(b)
		if err != nil {
			return
		}
		sortAttrs(p.attrs)
		once, err := p.append(nil, &codec.Encoder{})
		if err != nil {
			t.Fatalf("parsed, but not encoded: %v", err)
		}
		again, err := parsePacket(once)
		if err != nil {
			t.Fatalf("encoded, but not parsed: %v", err)
		}
		if twice, err := again.append(nil, &codec.Encoder{}); err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("%v\nonce  %x\ntwice %x", err, once, twice)
		}
	})
}

func TestNomx(t *testing.T) {
	x := nomx{version: 1, flags: 7, boot: bootID{1, 2}, nonce: [16]byte{15: 9}, key: [32]byte{31: 7}}
	v := x.value()
	const want = "6e6f6d2f31" + "00" + "01" + "00000007" +
		"0000000000000000000000000000000000000000000000000000000000000007" +
		"0102000000000000" + "00000000000000000000000000000009" + "00"
	if got := hex.EncodeToString([]byte(v)); got != want {
		t.Errorf("encoded\n got %s\nwant %s", got, want)
	}
	if got, err := parseNomx(v); err != nil || got != x {
		t.Errorf("parsed %+v, %v", got, err)
	}
	if got, err := parseNomx(v + "later"); err != nil || got != x {
		t.Errorf("a longer one: %+v, %v", got, err)
	}
	for _, bad := range []codec.Value{codec.Int(1), codec.Bytes(""), v[:67], "mon" + v[3:], v[:6] + "\x00" + v[7:], codec.Text(v)} {
		if _, err := parseNomx(bad); !errors.Is(err, errBadPacket) {
			t.Errorf("parseNomx(%v) = %v, want an error", bad, err)
		}
	}
}
