package wire

import (
	"encoding/hex"
	"errors"
	"testing"
	"time"
)

func TestHello(t *testing.T) {
	x := Hello{Version: 1, Flags: 7, Boot: BootID{1, 2}, Nonce: SessionID{15: 9}, Key: [32]byte{31: 7}}
	b := x.Append(nil)
	const want = "6e6f6d2f31" + "00" + "01" + "00000007" +
		"0000000000000000000000000000000000000000000000000000000000000007" +
		"0102000000000000" + "00000000000000000000000000000009" + "00"
	if got := hex.EncodeToString(b); got != want {
		t.Errorf("encoded\n got %s\nwant %s", got, want)
	}
	for _, ok := range [][]byte{b, append(b[:len(b):len(b)], "later"...)} {
		if got, err := ParseHello(ok); err != nil || got != x {
			t.Errorf("parsed %+v, %v", got, err)
		}
	}
	for _, bad := range []string{"", string(b[:67]), "mon" + string(b[3:]), string(b[:6]) + "\x00" + string(b[7:])} {
		if _, err := ParseHello([]byte(bad)); !errors.Is(err, ErrPacket) {
			t.Errorf("ParseHello(%q) = %v, want ErrPacket", bad, err)
		}
	}
}

func TestTag(t *testing.T) {
	x := Tag{Session: SessionID{0: 1}, Boot: BootID{0: 2}, Seq: 9, Below: 3, Acks: AppendSeq(AppendSeq(nil, 5), 7)}
	const want = "01000000000000000000000000000000" + "0200000000000000" +
		"0000000000000009" + "0000000000000003" + "0000000000000005" + "0000000000000007"
	b := x.Append(nil)
	if got := hex.EncodeToString(b); got != want || x.Size() != len(b) {
		t.Errorf("encoded\n got %s\nwant %s", got, want)
	}
	got, err := ParseTag(b)
	if err != nil || got.Session != x.Session || got.Boot != x.Boot || got.Seq != 9 || got.Below != 3 || string(got.Acks) != string(x.Acks) {
		t.Errorf("parsed %+v, %v", got, err)
	}
	for name, bad := range map[string]Tag{"number 0": {}, "below the number": {Seq: 1, Below: 2}} {
		if _, err := ParseTag(bad.Append(nil)); !errors.Is(err, ErrPacket) {
			t.Errorf("%s: %v, want ErrPacket", name, err)
		}
	}
	for _, n := range []int{0, 39, 41, 47} {
		if _, err := ParseTag(b[:n]); !errors.Is(err, ErrPacket) {
			t.Errorf("%d bytes: %v, want ErrPacket", n, err)
		}
	}
}

func TestAck(t *testing.T) {
	x := Ack{Seq: 9, Flags: AckRunning, Memory: time.Second}
	b := x.Append(nil)
	if got := hex.EncodeToString(b); got != "0000000000000009"+"08"+"000000003b9aca00" {
		t.Errorf("encoded %s", got)
	}
	if got, err := ParseAck(b); err != nil || got != x {
		t.Errorf("parsed %+v, %v", got, err)
	}
	if _, err := ParseAck(b[:16]); !errors.Is(err, ErrPacket) {
		t.Errorf("16 bytes: %v, want ErrPacket", err)
	}
}

func FuzzAttributes(f *testing.F) {
	tag := Tag{Session: SessionID{1}, Boot: BootID{2}, Seq: 9, Below: 3}
	ack := Ack{Seq: 7, Flags: AckLost, Memory: time.Hour}
	hello := Hello{Version: 1, Flags: ExtAll, Boot: BootID{5}}
	for _, b := range [][]byte{tag.Append(nil), ack.Append(nil), hello.Append(nil)} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if got, err := ParseTag(b); err == nil && string(got.Append(nil)) != string(b) {
			t.Errorf("tag % x became %+v", b, got)
		}
		if got, err := ParseAck(b); err == nil && string(got.Append(nil)) != string(b[:ackSize]) {
			t.Errorf("ack % x became %+v", b, got)
		}
		if got, err := ParseHello(b); err == nil {
			if again, err := ParseHello(got.Append(nil)); err != nil || again != got {
				t.Errorf("nomx % x became %+v", b, got)
			}
		}
	})
}

// The fields are in the order of the wire, and found by their names.
func TestFields(t *testing.T) {
	for f := Field(0); f < numFields; f++ {
		if f > 0 && fieldNames[f-1] >= fieldNames[f] {
			t.Errorf("%s does not follow %s", f, f-1)
		}
		if got, ok := fieldOf([]byte(f.String())); !ok || got != f {
			t.Errorf("fieldOf(%s) = %v, %v", f, got, ok)
		}
	}
	if _, ok := fieldOf([]byte("cmd")); ok {
		t.Error("cmd is no field")
	}
}
