package wrap

import (
	"encoding"
	"errors"
	"math"
	"math/big"
	"net"
	"net/netip"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"

	"nomfs/codec"
)

// plain says how a type goes by value, whatever its kind, fields and methods.
type plain struct {
	kind  codec.Kind
	word  string // for people
	read  func(reflect.Value) (codec.Value, error)
	parse func(codec.Value) (reflect.Value, error) // the inverse of read
}

// plains are the types that go by value. So do pointers to them; nil is None.
var plains = make(map[reflect.Type]plain)

func init() {
	byValue(codec.KindInt, "int", func(n big.Int) (codec.Value, error) { return codec.IntValue(&n), nil }, parseBigInt)
	byValue(codec.KindFloat, "float", readBigFloat, parseBigFloat)
	byString("fraction", func(x big.Rat) string { return x.RatString() }, parseBigRat)
	byValue(codec.KindFloat, "seconds", readDuration, parseDuration)
	byString("RFC 3339 time", timeText, func(s string) (time.Time, error) { return time.Parse(time.RFC3339, s) })
	byText[netip.Addr]("IP address")
	byText[netip.AddrPort]("IP address and port")
	byText[netip.Prefix]("IP prefix")
	byText[net.IP]("IP address")
	byString("IP prefix", ipNetText, parseIPNet)
	byString("MAC address", net.HardwareAddr.String, net.ParseMAC)
	byString("IP address and port", func(a net.UDPAddr) string { return a.String() },
		func(s string) (a net.UDPAddr, err error) { a.IP, a.Port, a.Zone, err = parseAddrPort(s); return a, err })
	byString("IP address and port", func(a net.TCPAddr) string { return a.String() },
		func(s string) (a net.TCPAddr, err error) { a.IP, a.Port, a.Zone, err = parseAddrPort(s); return a, err })
	byString("URL", func(u url.URL) string { return u.String() }, parseURL)
}

// plainOf returns the plain of t, or of the type to which t points; ok is false for
// a type that does not go by value.
func plainOf(t reflect.Type) (p plain, pointer, ok bool) {
	if t.Kind() == reflect.Pointer {
		p, ok = plains[t.Elem()]
		return p, true, ok
	}
	if t.PkgPath() == "" {
		return p, false, false // a type of the language
	}
	p, ok = plains[t]
	return p, false, ok
}

// errForm: a value is none that read returns.
var errForm = errors.New("wrong form")

// byValue makes T a plain type.
func byValue[T any](kind codec.Kind, word string, read func(T) (codec.Value, error), parse func(codec.Value) (T, error)) {
	plains[reflect.TypeFor[T]()] = plain{
		kind: kind,
		word: word,
		read: func(v reflect.Value) (codec.Value, error) { return read(v.Interface().(T)) },
		parse: func(v codec.Value) (reflect.Value, error) {
			x, err := parse(v)
			return reflect.ValueOf(&x).Elem(), err
		},
	}
}

// byString makes T a plain type that goes as text; "" is the zero T.
func byString[T any](word string, format func(T) string, parse func(string) (T, error)) {
	byValue(codec.KindBytes, word,
		func(x T) (codec.Value, error) { return codec.StringValue(format(x)), nil },
		func(v codec.Value) (x T, err error) {
			s, ok := codec.StringOf(v)
			switch {
			case !ok:
				return x, errForm
			case s == "":
				return x, nil
			}
			return parse(s)
		})
}

// byText makes T a plain type that goes as the text of its MarshalText.
func byText[T any, P interface {
	*T
	encoding.TextMarshaler
	encoding.TextUnmarshaler
}](word string) {
	byValue(codec.KindBytes, word,
		func(x T) (codec.Value, error) {
			b, err := P(&x).MarshalText()
			return codec.StringValue(string(b)), err
		},
		func(v codec.Value) (x T, err error) {
			s, ok := codec.StringOf(v)
			if !ok {
				return x, errForm
			}
			err = P(&x).UnmarshalText([]byte(s))
			return x, err
		})
}

func parseBigInt(v codec.Value) (x big.Int, err error) {
	n, ok := codec.BigIntOf(v)
	if !ok {
		return x, errForm
	}
	return *n, nil
}

// readBigFloat returns a float where that is exact, else hexadecimal text, as
// Python's float.fromhex reads it.
func readBigFloat(x big.Float) (codec.Value, error) {
	if f, accuracy := x.Float64(); accuracy == big.Exact {
		return codec.Float(f), nil
	}
	return codec.StringValue(x.Text('x', -1)), nil
}

func parseBigFloat(v codec.Value) (x big.Float, err error) {
	if f, ok := v.(codec.Float); ok && !math.IsNaN(float64(f)) {
		return *x.SetFloat64(float64(f)), nil
	}
	if n, ok := codec.BigIntOf(v); ok {
		return *x.SetInt(n), nil
	}
	s, ok := codec.StringOf(v)
	if !ok {
		return x, errForm
	}
	const bits, bitsPerByte = 64, 4 // of the mantissa: a usual one, and more than the digits say
	n, _, err := new(big.Float).SetPrec(uint(bits+bitsPerByte*len(s))).Parse(s, 0)
	if err != nil {
		return x, err
	}
	return *n, nil
}

// parseBigRat takes no exponent: a short text could make a number that fills
// the memory.
func parseBigRat(s string) (x big.Rat, err error) {
	if !strings.ContainsAny(s, "eEpP") {
		if _, ok := x.SetString(s); ok {
			return x, nil
		}
	}
	return x, errForm
}

// readDuration returns seconds, as Python counts time, where a float is exact
// to the nanosecond; a longer time, or a finer one than its float, is Go's text.
func readDuration(d time.Duration) (codec.Value, error) {
	f := codec.Float(d.Seconds())
	if back, err := parseDuration(f); err == nil && back == d {
		return f, nil
	}
	return codec.StringValue(d.String()), nil
}

func parseDuration(v codec.Value) (d time.Duration, err error) {
	if s, ok := codec.StringOf(v); ok {
		return time.ParseDuration(s)
	}
	err = codec.ToGo(v, reflect.ValueOf(&d).Elem())
	return d, err
}

// timeText writes a time to the nanosecond; in UTC where its zone is not whole
// minutes from that, which RFC 3339 cannot write.
func timeText(t time.Time) string {
	const minute, day = 60, 24 * 60 * 60 // seconds
	if _, offset := t.Zone(); offset%minute != 0 || offset <= -day || offset >= day {
		t = t.UTC()
	}
	return t.Format(time.RFC3339Nano)
}

func ipNetText(n net.IPNet) string {
	if n.IP == nil {
		return ""
	}
	return n.String()
}

// parseIPNet keeps the address as it is, with the bits that the mask hides.
func parseIPNet(s string) (net.IPNet, error) {
	ip, n, err := net.ParseCIDR(s)
	if err != nil {
		return net.IPNet{}, err
	}
	return net.IPNet{IP: ip, Mask: n.Mask}, nil
}

// parseAddrPort reads HOST:PORT without looking up names; HOST may be empty.
func parseAddrPort(s string) (ip net.IP, port int, zone string, err error) {
	host, number, err := net.SplitHostPort(s)
	if err != nil {
		return nil, 0, "", err
	}
	const portBits = 16
	n, err := strconv.ParseUint(number, 10, portBits)
	if err != nil || host == "" {
		return nil, int(n), "", err
	}
	a, err := netip.ParseAddr(host)
	return a.AsSlice(), int(n), a.Zone(), err
}

func parseURL(s string) (url.URL, error) {
	u, err := url.Parse(s)
	if err != nil {
		return url.URL{}, err
	}
	return *u, nil
}
