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
	"nomfs/nomcore/wire"
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
	s := newMemNet().newService(t, serverAddr, plainOnly)
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
		w := newWorker(s, nil)
		if err := w.pkt.Parse(b); err != nil {
			t.Fatal(err)
		}
		j := w.newJob(s.peers.guest(clientAt), b)
		j.w, j.raw = w, b
		got := s.encodeAnswer(s.outbox(j.p, j.p.refs, source{}), &j, tt.answer)
		if want := vectors[tt.reply]; !bytes.Equal(got, want) {
			t.Errorf("%s:\n got %x\nwant %x", tt.reply, got, want)
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
		if _, err := parsePacket(b); !errors.Is(err, wire.ErrPacket) {
			t.Errorf("%s: %v, want wire.ErrPacket", name, err)
		}
	}
}

func TestSalvage(t *testing.T) {
	vectors := packetVectors(t)
	for name, b := range vectors {
		xid, reply, ok := wire.Salvage(b)
		p, _ := parsePacket(b)
		want, _ := p.xid()
		if !ok || xid != want || reply != p.isReply() {
			t.Errorf("%s: salvage = %d, %v, %v, want %d, %v", name, xid, reply, ok, want, p.isReply())
		}
		if len(b) > 24 { // break a value in the middle: what matters stays readable
			broken := bytes.Clone(b)
			broken[5]++
			if x, r, ok := wire.Salvage(broken); !ok || x != want || r != reply {
				t.Errorf("%s, broken: salvage = %d, %v, %v", name, x, r, ok)
			}
		}
	}
	if _, _, ok := wire.Salvage(nil); ok {
		t.Error("salvaged something from nothing")
	}
}

func FuzzPacket(f *testing.F) {
	for _, b := range packetVectors(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		wire.Salvage(b)
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
