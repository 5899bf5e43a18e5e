package wrap

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"net"
	"net/netip"
	"net/url"
	"reflect"
	"testing"
	"time"

	"nomfs/codec"
	"nomfs/nomcore/object"
)

// sure returns x, which came without an error.
func sure[T any](x T, err error) T {
	if err != nil {
		panic(err)
	}
	return x
}

// back reads x, converts what that gave to the type of x and reads it again.
func back(t *testing.T, x any) (read codec.Value, y any) {
	t.Helper()
	read, err := ValueOf(x)
	if err != nil {
		t.Errorf("%T %v: %v", x, x, err)
		return codec.None{}, nil
	}
	w, err := writer{shared}.convert(read, reflect.TypeOf(x))
	if err != nil {
		t.Errorf("%T %v was read as %v: %v", x, x, read, err)
		return read, nil
	}
	again, err := ValueOf(w.Interface())
	if err != nil || again.Kind() != read.Kind() || !codec.Equal(again, read) {
		t.Errorf("%T %v: read as %v, after assigning that as %v, %v", x, x, read, again, err)
	}
	return read, w.Interface()
}

// TestPlain: library types go by value, and assigning what was read gives the
// same value.
func TestPlain(t *testing.T) {
	huge := new(big.Int).Lsh(big.NewInt(1), 100)
	third := new(big.Float).SetPrec(200).Quo(big.NewFloat(1), big.NewFloat(3))
	_, ipNet, _ := net.ParseCIDR("10.0.0.0/8")
	for _, c := range []struct {
		x    any
		want string
	}{
		{time.Date(2026, 11, 28, 3, 33, 0, 5000, time.UTC), "'2026-11-28T03:33:00.000005Z'"},
		{time.Date(2026, 11, 28, 3, 33, 0, 0, time.FixedZone("", -5400)), "'2026-11-28T03:33:00-01:30'"},
		{time.Date(2026, 11, 28, 3, 33, 0, 0, time.FixedZone("", 3601)), "'2026-11-28T02:32:59Z'"},
		{time.Time{}, "'0001-01-01T00:00:00Z'"},
		{1500 * time.Millisecond, "1.5"},
		{time.Duration(0), "0.0"},
		{-time.Nanosecond, "-1e-09"},
		{time.Duration(math.MaxInt64), "'2562047h47m16.854775807s'"},
		{time.Duration(math.MinInt64), "'-2562047h47m16.854775808s'"},
		{netip.MustParseAddr("fe80::1%eth0"), "'fe80::1%eth0'"},
		{netip.Addr{}, "''"},
		{netip.MustParseAddrPort("[::1]:80"), "'[::1]:80'"},
		{netip.MustParsePrefix("10.1.2.3/8"), "'10.1.2.3/8'"},
		{net.IPv4(192, 0, 2, 1), "'192.0.2.1'"},
		{net.IP(nil), "''"},
		{*ipNet, "'10.0.0.0/8'"},
		{net.IPNet{}, "''"},
		{net.IPNet{IP: net.IPv4(10, 1, 2, 3), Mask: net.CIDRMask(8, 32)}, "'10.1.2.3/8'"},
		{sure(net.ParseMAC("00:00:5e:00:53:01")), "'00:00:5e:00:53:01'"},
		{net.HardwareAddr(nil), "''"},
		{net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 12074}, "'127.0.0.1:12074'"},
		{net.UDPAddr{IP: net.ParseIP("fe80::1"), Port: 1, Zone: "eth0"}, "'[fe80::1%eth0]:1'"},
		{&net.TCPAddr{Port: 80}, "':80'"},
		{*sure(url.Parse("http://user:word@example.org/a%2fb?q=1#top")), "'http://user:word@example.org/a%2fb?q=1#top'"},
		{&url.URL{}, "''"},
		{*huge, huge.String()},
		{huge, huge.String()},
		{*big.NewFloat(0.1), "0.1"},
		{third, "'0x1.55555555555555555555555555555555555555555555555556p-02'"},
		{*big.NewRat(1, 3), "'1/3'"},
		{big.NewRat(4, 2), "'2'"},
		{(*time.Time)(nil), "None"},
		{[]netip.Addr{netip.IPv6Loopback()}, "['::1']"},
		{map[netip.Addr]time.Duration{netip.IPv6Loopback(): time.Second}, "{'::1': 1.0}"},
		{[1]any{time.Second}, ""},
	} {
		read, y := back(t, c.x)
		if c.want != "" {
			wantOutcome(t, read, nil, c.want)
		}
		if a, ok := c.x.(time.Time); ok && !a.Equal(y.(time.Time)) {
			t.Errorf("%v became %v", a, y)
		}
		if a, ok := c.x.(*big.Float); ok && a.Cmp(y.(*big.Float)) != 0 {
			t.Errorf("%v became %v", a, y)
		}
		if _, ok := c.x.(time.Duration); ok && c.x != y {
			t.Errorf("%v became %v", c.x, y)
		}
	}
}

// TestPlainDurations: every duration comes back to the nanosecond.
func TestPlainDurations(t *testing.T) {
	for range 20000 {
		d := time.Duration(rand.Int64() >> rand.IntN(63))
		if _, y := back(t, d); y != any(d) {
			t.Fatalf("%v became %v", d, y)
		}
	}
}

// TestPlainParse: what people write for a value, and what is refused.
func TestPlainParse(t *testing.T) {
	for _, c := range []struct {
		zero        any
		value, want string // want: the repr of what it became, or the error
	}{
		{time.Duration(0), "90", "90.0"},
		{time.Duration(0), "'1m30s'", "90.0"},
		{time.Duration(0), "1e300", "!TypeError: expected seconds, got float 1e+300"},
		{time.Duration(0), "1e400", "!TypeError: expected seconds, got float inf"},
		{time.Duration(0), "'soon'", "!TypeError: expected seconds, got text 'soon'"},
		{time.Time{}, "''", "'0001-01-01T00:00:00Z'"},
		{time.Time{}, "'2026-11-28'", "!TypeError: expected RFC 3339 time, got text '2026-11-28'"},
		{time.Time{}, "5", "!TypeError: expected RFC 3339 time, got int 5"},
		{net.UDPAddr{}, "'localhost:80'", "!TypeError: expected IP address and port, got text 'localhost:80'"},
		{net.UDPAddr{}, "'[::1]:70000'", "!TypeError: expected IP address and port, got text '[::1]:70000'"},
		{net.UDPAddr{}, "''", "':0'"},
		{&netip.Addr{}, "None", "None"},
		{netip.Addr{}, "None", "!TypeError: expected IP address, got None"},
		{big.Float{}, "'0.5'", "0.5"},
		{big.Float{}, "3", "3.0"},
		{big.Float{}, "'0.1'", "'0x1.999999999999999999ap-04'"},
		{big.Rat{}, "'0.5'", "'1/2'"},
		{big.Rat{}, "'1/0'", "!TypeError: expected fraction, got text '1/0'"},
		{url.URL{}, "'%zz'", "!TypeError: expected URL, got text '%zz'"},
	} {
		w, err := writer{shared}.convert(lit(t, c.value), reflect.TypeOf(c.zero))
		var got codec.Value
		if err == nil {
			got, err = ValueOf(w.Interface())
		}
		t.Run(fmt.Sprintf("%T %s", c.zero, c.value), func(t *testing.T) { wantOutcome(t, got, err, c.want) })
	}
}

// TestPlainHasNoMethods: a value that was wrapped shows itself and nothing else.
func TestPlainHasNoMethods(t *testing.T) {
	for _, x := range []any{time.Now(), time.Second, &url.URL{}, big.NewInt(1), netip.Addr{}} {
		if _, ok := Wrap(x).Impl.(object.AttrGetter); ok {
			t.Errorf("%T has attributes", x)
		}
	}
}
