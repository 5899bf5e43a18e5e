package codec

import (
	"encoding/binary"
	"net"
	"strconv"
)

// NewHome returns the home that calls itself by this host and port, in the
// spelling of the original: a tuple of BYTES and INT. NewHome does not look at the
// host; of the port it keeps 32 bits.
func NewHome(host string, port int) Home {
	b := make([]byte, 0, sizeSeqHdr+2*(sizeTag+sizeI32)+len(host))
	b = appendSeqHeader(b, addrLen, seqTuple)
	b = append(b, tagBytes)
	b = appendI32(b, len(host))
	b = append(b, host...)
	b = append(b, tagInt)
	b = appendI32(b, port)
	return Home(b)
}

// Addr returns host and port of the home; ok is false if the home is anything but
// a host and a port between 0 and 65535.
func (h Home) Addr() (host string, port int, ok bool) {
	const maxPort = 1<<16 - 1
	p := newParser([]byte(h), Limits{})
	n, _, err := p.seqHeader(seqTuple)
	if err != nil || n != addrLen {
		return "", 0, false
	}
	name, err := p.value()
	if err != nil {
		return "", 0, false
	}
	host, ok = StringOf(name)
	if !ok {
		return "", 0, false
	}
	number, err := p.value()
	if err != nil || number.Kind() != KindInt {
		return "", 0, false
	}
	n64, ok := Int64Of(number)
	if !ok || n64 < 0 || n64 > maxPort {
		return "", 0, false
	}
	return host, int(n64), true
}

// String returns the home as host:port, or "?" where it is neither.
func (h Home) String() string {
	host, port, ok := h.Addr()
	if !ok {
		return "?"
	}
	return net.JoinHostPort(printable(host), strconv.Itoa(port))
}

// plainHomeLen returns the length of the home at the start of s if it has the
// usual shape, a host in BYTES and a port in INT, whatever they are; 0 for any
// other, which must be parsed.
func plainHomeLen[S ~string | ~[]byte](s S) int {
	const hostAt = sizeSeqHdr + sizeTag + sizeI32
	const portLen = sizeTag + sizeI32
	if len(s) < hostAt+portLen || i32(s) != addrLen || s[sizeI32] > seqTuple || s[sizeSeqHdr] != tagBytes {
		return 0
	}
	n := i32(s[sizeSeqHdr+sizeTag:])
	if n < 0 || n > len(s)-hostAt-portLen || s[hostAt+n] != tagInt {
		return 0
	}
	return hostAt + n + portLen
}

// i32 reads a big-endian 32-bit number from the start of s.
func i32[S ~string | ~[]byte](s S) int {
	u := uint32(s[0])<<24 | uint32(s[1])<<16 | uint32(s[2])<<8 | uint32(s[3])
	return int(int32(u))
}

// appendI32 writes the low 32 bits of n.
func appendI32(b []byte, n int) []byte {
	return binary.BigEndian.AppendUint32(b, uint32(n))
}

// appendSeqHeader writes the count and kind of a SEQ body.
func appendSeqHeader(b []byte, n int, kind byte) []byte {
	return append(appendI32(b, n), kind)
}
