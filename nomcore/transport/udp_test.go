package transport

import (
	"context"
	"testing"
)

// An address with a zone has one port at most.
func TestSplitHostPort(t *testing.T) {
	for _, tt := range []struct {
		addr, host string
		port       uint16
	}{
		{"[fe80::1%eth0]:12074", "fe80::1%eth0", 12074},
		{"[fe80::1%eth0]", "fe80::1%eth0", 1},
		{"fe80::1%eth0", "fe80::1%eth0", 1},
		{"[::1]:5", "::1", 5},
		{"127.0.0.1:5", "127.0.0.1", 5},
		{"host:5", "host", 5},
		{"host", "host", 1},
	} {
		if host, port, err := splitHostPort(tt.addr, 1); err != nil || host != tt.host || port != tt.port {
			t.Errorf("%s = %q, %d, %v", tt.addr, host, port, err)
		}
	}
}

func TestResolveAddresses(t *testing.T) {
	tests := map[string]string{
		"127.0.0.1":             "127.0.0.1:12074",
		"127.0.0.1:5":           "127.0.0.1:5",
		"":                      "0.0.0.0:12074",
		":7":                    "0.0.0.0:7",
		"::1":                   "[::1]:12074",
		"[::1]":                 "[::1]:12074",
		"[::1]:9":               "[::1]:9",
		"localhost:3":           "127.0.0.1:3",
		"::ffff:127.0.0.1":      "127.0.0.1:12074",
		"127.0.0.1:65536":       "",
		"127.0.0.1:x":           "",
		"127.0.0.1:":            "",
		"[::1]:1:2":             "",
		"no such host.invalid":  "",
		"127.0.0.1:5:something": "",
	}
	for in, want := range tests {
		got, err := Resolve(context.Background(), in, 12074)
		if want == "" && err == nil || want != "" && (err != nil || got.String() != want) {
			t.Errorf("resolve(%q) = %v, %v, want %q", in, got, err, want)
		}
	}
}
