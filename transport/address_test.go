package transport

import (
	"errors"
	"strings"
	"syscall"
	"testing"
)

func TestSplitEndpoint(t *testing.T) {
	tests := []struct {
		name, endpoint, scheme, address string
		invalid                         bool
	}{
		{name: "scheme and address", endpoint: "tcp://127.0.0.1:5555", scheme: "tcp", address: "127.0.0.1:5555"},
		{name: "an absolute path keeps its slash", endpoint: "ipc:///tmp/x", scheme: "ipc", address: "/tmp/x"},
		{name: "the first separator counts", endpoint: "inproc://a://b", scheme: "inproc", address: "a://b"},
		{name: "the scheme is not changed", endpoint: "TCP://x:1", scheme: "TCP", address: "x:1"},
		{name: "any octets may follow", endpoint: "inproc://\x00\xff ", scheme: "inproc", address: "\x00\xff "},
		{name: "empty", endpoint: "", invalid: true},
		{name: "no separator", endpoint: "tcp:x", invalid: true},
		{name: "half a separator", endpoint: "tcp:/x", invalid: true},
		{name: "only a separator", endpoint: "://", invalid: true},
		{name: "no scheme", endpoint: "://x", invalid: true},
		{name: "no address", endpoint: "tcp://", invalid: true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			scheme, address, err := SplitEndpoint(test.endpoint)
			if test.invalid {
				checkKind(t, err, ErrInvalid, test.endpoint)
				return
			}
			if err != nil || scheme != test.scheme || address != test.address {
				t.Errorf("got %q, %q, %v; want %q, %q", scheme, address, err, test.scheme, test.address)
			}
		})
	}
}

// checkKind checks that err is of a kind, matches its errno, and names what was wrong.
func checkKind(t *testing.T, err, kind error, subject string) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Fatalf("got %v, want %v", err, kind)
	}
	var want, got syscall.Errno
	errors.As(kind, &want)
	if !errors.As(err, &got) || got != want {
		t.Errorf("got errno %v, want %v", got, want)
	}
	var bad *AddressError
	if !errors.As(err, &bad) {
		t.Fatalf("got a %T, want an *AddressError", err)
	}
	if bad.Address != subject {
		t.Errorf("the error names %q, want %q", bad.Address, subject)
	}
	if bad.Why == "" || !strings.Contains(err.Error(), bad.Why) {
		t.Errorf("%q does not say why", err)
	}
}

func TestErrnoOfKinds(t *testing.T) {
	for kind, want := range map[error]syscall.Errno{
		ErrInvalid: syscall.EINVAL, ErrNoDevice: syscall.ENODEV, ErrNameTooLong: syscall.ENAMETOOLONG,
	} {
		if !errors.Is(kind, want) {
			t.Errorf("%v is not %v", kind, want)
		}
	}
}

func TestParseBind(t *testing.T) {
	tests := []struct {
		name, address string
		local, source HostPort
		kind          error
	}{
		{name: "any host and any port", address: "*:*", local: HostPort{"*", 0}},
		{name: "port zero is any port", address: "*:0", local: HostPort{"*", 0}},
		{name: "IPv4", address: "127.0.0.1:5555", local: HostPort{"127.0.0.1", 5555}},
		{name: "the highest port", address: "*:65535", local: HostPort{"*", 65535}},
		{name: "a name", address: "localhost:5555", local: HostPort{"localhost", 5555}},
		{name: "an interface", address: "eth0:*", local: HostPort{"eth0", 0}},
		{name: "IPv6 in brackets", address: "[::1]:5555", local: HostPort{"::1", 5555}},
		{name: "bare IPv6", address: "::1:5555", local: HostPort{"::1", 5555}},
		{name: "IPv6 with a zone", address: "[fe80::1%eth0]:1", local: HostPort{"fe80::1%eth0", 1}},
		{name: "bare IPv6 with a zone", address: "fe80::1%3:1", local: HostPort{"fe80::1%3", 1}},
		{name: "IPv4 in brackets", address: "[127.0.0.1]:1", local: HostPort{"127.0.0.1", 1}},
		{name: "half a pair of brackets stays", address: "[::1:1", local: HostPort{"[::1", 1}},
		{name: "a source address", address: "lo:*;*:5", source: HostPort{"lo", 0}, local: HostPort{"*", 5}},
		{name: "the last semicolon counts", address: "a:1;b:2;*:5", source: HostPort{"a:1;b", 2}, local: HostPort{"*", 5}},

		{name: "no port", address: "127.0.0.1", kind: ErrInvalid},
		{name: "an empty port", address: "127.0.0.1:", kind: ErrInvalid},
		{name: "a port in letters", address: "127.0.0.1:http", kind: ErrInvalid},
		{name: "a port above 65535", address: "127.0.0.1:65536", kind: ErrInvalid},
		{name: "a port beyond counting", address: "127.0.0.1:99999999999999999999999", kind: ErrInvalid},
		{name: "a negative port", address: "127.0.0.1:-1", kind: ErrInvalid},
		{name: "a port with a sign", address: "127.0.0.1:+1", kind: ErrInvalid},
		{name: "a port followed by a letter", address: "127.0.0.1:80x", kind: ErrInvalid},
		{name: "a port followed by a star", address: "127.0.0.1:8*", kind: ErrInvalid},
		{name: "a path", address: "127.0.0.1:80/x", kind: ErrInvalid},
		{name: "a source without a port", address: "127.0.0.1;*:5", kind: ErrInvalid},
		{name: "an empty source", address: ";*:5", kind: ErrInvalid},
		{name: "nothing after the semicolon", address: "*:5;", kind: ErrInvalid},
		{name: "empty", address: "", kind: ErrInvalid},
		{name: "an empty host", address: ":5", kind: ErrNoDevice},
		{name: "an empty host in brackets", address: "[]:5", kind: ErrNoDevice},
		{name: "an empty source host", address: ":1;*:5", kind: ErrNoDevice},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			source, local, err := ParseBind(test.address)
			if test.kind != nil {
				checkKind(t, err, test.kind, test.address)
				return
			}
			if err != nil || source != test.source || local != test.local {
				t.Errorf("got %v, %v, %v; want %v, %v", source, local, err, test.source, test.local)
			}
		})
	}
}

func TestParseConnect(t *testing.T) {
	tests := []struct {
		name, address       string
		destination, source HostPort
		invalid             bool
	}{
		{name: "IPv4", address: "127.0.0.1:5555", destination: HostPort{"127.0.0.1", 5555}},
		{name: "port zero", address: "127.0.0.1:0", destination: HostPort{"127.0.0.1", 0}},
		{name: "a name", address: "my-host_1.example:5", destination: HostPort{"my-host_1.example", 5}},
		{name: "IPv6 in brackets", address: "[::1]:5", destination: HostPort{"::1", 5}},
		{name: "bare IPv6", address: "::1:5", destination: HostPort{"::1", 5}},
		{name: "IPv6 with a zone", address: "[fe80::1%eth0]:5", destination: HostPort{"fe80::1%eth0", 5}},
		{name: "an empty zone waits for the attempt", address: "[fe80::1%]:5", destination: HostPort{"fe80::1%", 5}},
		{name: "an empty host waits for the attempt", address: ":5", destination: HostPort{"", 5}},
		{name: "a bad literal waits for the attempt", address: "256.1.1.1:5", destination: HostPort{"256.1.1.1", 5}},
		{name: "a star inside a name waits for the attempt", address: "a*b:5", destination: HostPort{"a*b", 5}},
		{name: "half a pair of brackets waits for the attempt", address: "[::1:5", destination: HostPort{"[::1", 5}},
		{name: "a source", address: "127.0.0.1:4;127.0.0.1:5", source: HostPort{"127.0.0.1", 4}, destination: HostPort{"127.0.0.1", 5}},
		{name: "a source with any port", address: "eth0:*;h:5", source: HostPort{"eth0", 0}, destination: HostPort{"h", 5}},
		{name: "any source", address: "*:4;h:5", source: HostPort{"*", 4}, destination: HostPort{"h", 5}},
		{name: "an IPv6 source", address: "[::1]:*;[::1]:5", source: HostPort{"::1", 0}, destination: HostPort{"::1", 5}},

		{name: "any host", address: "*:5", invalid: true},
		{name: "any port", address: "127.0.0.1:*", invalid: true},
		{name: "any host after a source", address: "127.0.0.1:*;*:5", invalid: true},
		{name: "no port", address: "h", invalid: true},
		{name: "an empty port", address: "h:", invalid: true},
		{name: "a port in letters", address: "h:http", invalid: true},
		{name: "a port above 65535", address: "h:65536", invalid: true},
		{name: "a negative port", address: "h:-1", invalid: true},
		{name: "a port with a sign", address: "h:+5", invalid: true},
		{name: "a port followed by a letter", address: "h:80x", invalid: true},
		{name: "no colon after the brackets", address: "[::1]5", invalid: true},
		{name: "a path", address: "h:5/x", invalid: true},
		{name: "a leading hyphen", address: "-h:5", invalid: true},
		{name: "a leading underscore", address: "_h:5", invalid: true},
		{name: "a space", address: "a b:5", invalid: true},
		{name: "a letter beyond ASCII", address: "hôte:5", invalid: true},
		{name: "a NUL", address: "h\x00:5", invalid: true},
		{name: "a source without a port", address: "127.0.0.1;h:5", invalid: true},
		{name: "a source without a host", address: ":4;h:5", invalid: true},
		{name: "an empty source", address: ";h:5", invalid: true},
		{name: "nothing after the semicolon", address: "h:5;", invalid: true},
		{name: "a source with a space", address: "a b:4;h:5", invalid: true},
		{name: "empty", address: "", invalid: true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			source, destination, err := ParseConnect(test.address)
			if test.invalid {
				checkKind(t, err, ErrInvalid, test.address)
				return
			}
			if err != nil || source != test.source || destination != test.destination {
				t.Errorf("got %v, %v, %v; want %v, %v", source, destination, err, test.source, test.destination)
			}
		})
	}
}

// FuzzEndpoint checks that what SplitEndpoint takes apart fits together again.
func FuzzEndpoint(f *testing.F) {
	for _, seed := range []string{"tcp://127.0.0.1:5555", "ipc:///tmp/x", "inproc://a://b", "://", "", ":/", "tcp://", "\xff://\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, endpoint string) {
		scheme, address, err := SplitEndpoint(endpoint)
		if err != nil {
			if !errors.Is(err, ErrInvalid) {
				t.Errorf("got %v, want ErrInvalid", err)
			}
			return
		}
		if scheme == "" || address == "" || strings.Contains(scheme, "://") || scheme+"://"+address != endpoint {
			t.Errorf("%q was split into %q and %q", endpoint, scheme, address)
		}
	})
}

// FuzzAddress checks that reading an address undoes writing it, and that what
// can be connected to has a form that can be bound.
func FuzzAddress(f *testing.F) {
	for _, seed := range []string{
		"*:*", "*:0", "127.0.0.1:5555", "[::1]:5", "::1:5", "fe80::1%eth0:5", "[fe80::1%3]:5", "[[x]]:1", "[::1:1",
		"lo:*;127.0.0.1:5", "a:1;b:2;c:3", ";", ":", "[]:", "h:65536", "h:-1", "h:80x", "hôte:1", "",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, address string) {
		source, local, err := ParseBind(address)
		if err != nil {
			if !errors.Is(err, ErrInvalid) && !errors.Is(err, ErrNoDevice) {
				t.Errorf("bind: got %v, want ErrInvalid or ErrNoDevice", err)
			}
		} else {
			written := local.String()
			if !source.IsZero() {
				written = source.String() + ";" + written
			}
			if s, l, err := ParseBind(written); err != nil || s != source || l != local {
				t.Errorf("%q was written as %q, which reads %v, %v, %v", address, written, s, l, err)
			}
		}
		connectSource, destination, connectErr := ParseConnect(address)
		switch {
		case connectErr != nil && !errors.Is(connectErr, ErrInvalid):
			t.Errorf("connect: got %v, want ErrInvalid", connectErr)
		case connectErr != nil || errors.Is(err, ErrNoDevice):
		case err != nil || connectSource != source || destination != local:
			t.Errorf("%q connects to %v from %v, but binds %v from %v (%v)", address, destination, connectSource, local, source, err)
		}
	})
}
