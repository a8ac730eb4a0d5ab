package transport

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"testing"
)

// offline keeps lookups from leaving this machine: only its own hosts file is
// left to answer.
func offline(t *testing.T) {
	before := net.DefaultResolver
	t.Cleanup(func() { net.DefaultResolver = before })
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("offline")
	}}
}

// loopback returns the interface of 127.0.0.1.
func loopback(t *testing.T) *net.Interface {
	t.Helper()
	all, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, ifi := range all {
		if ifi.Flags&net.FlagLoopback != 0 && ifi.Flags&net.FlagUp != 0 {
			return &ifi
		}
	}
	t.Skip("this machine has no loopback interface")
	return nil
}

func TestLocal(t *testing.T) {
	offline(t)
	lo := loopback(t)
	index := strconv.Itoa(lo.Index)
	tests := []struct {
		name, host string
		ipv6       bool
		want       string // the best address; "" if kind is set
		kind       error
	}{
		{name: "any is every IPv4 address", host: "*", want: "0.0.0.0:5"},
		{name: "any is every address with IPv6", host: "*", ipv6: true, want: "[::]:5"},
		{name: "IPv4", host: "127.0.0.1", want: "127.0.0.1:5"},
		{name: "IPv4 is mapped with IPv6", host: "127.0.0.1", ipv6: true, want: "[::ffff:127.0.0.1]:5"},
		{name: "all of IPv4 is mapped with IPv6", host: "0.0.0.0", ipv6: true, want: "[::ffff:0.0.0.0]:5"},
		{name: "mapped IPv4 stays with IPv6", host: "::ffff:127.0.0.1", ipv6: true, want: "[::ffff:127.0.0.1]:5"},
		{name: "mapped IPv4 without IPv6", host: "::ffff:127.0.0.1", kind: ErrNoDevice},
		{name: "IPv6", host: "::1", ipv6: true, want: "[::1]:5"},
		{name: "IPv6 without IPv6", host: "::1", kind: ErrNoDevice},
		{name: "a zone by name", host: "fe80::1%" + lo.Name, ipv6: true, want: "[fe80::1%" + lo.Name + "]:5"},
		{name: "a zone by number", host: "fe80::1%" + index, ipv6: true, want: "[fe80::1%" + index + "]:5"},
		{name: "a zone without IPv6", host: "fe80::1%" + index, kind: ErrNoDevice},
		{name: "an unknown zone", host: "fe80::1%nope", ipv6: true, kind: ErrInvalid},
		{name: "an unknown zone without IPv6", host: "fe80::1%nope", kind: ErrInvalid},
		{name: "an empty zone", host: "fe80::1%", ipv6: true, kind: ErrInvalid},
		{name: "zone number zero", host: "fe80::1%0", ipv6: true, kind: ErrInvalid},
		{name: "a negative zone", host: "fe80::1%-1", ipv6: true, kind: ErrInvalid},
		{name: "a zone beyond counting", host: "fe80::1%99999999999", ipv6: true, kind: ErrInvalid},
		{name: "a zone of an IPv4 address", host: "127.0.0.1%" + lo.Name, ipv6: true, kind: ErrInvalid},
		{name: "a zone of a mapped address", host: "::ffff:1.2.3.4%" + lo.Name, ipv6: true, kind: ErrInvalid},
		{name: "a zone of a name", host: "localhost%" + lo.Name, kind: ErrInvalid},
		{name: "an interface", host: lo.Name, want: "127.0.0.1:5"},
		{name: "a host name comes after interfaces", host: "localhost", want: "127.0.0.1:5"},
		{name: "an unknown name", host: "nope", kind: ErrNoDevice},
		{name: "a bad literal", host: "256.1.1.1", kind: ErrNoDevice},
		{name: "a bad IPv6 literal", host: "1:2:3", ipv6: true, kind: ErrNoDevice},
		{name: "half a pair of brackets", host: "[::1", ipv6: true, kind: ErrNoDevice},
		{name: "a space", host: " 127.0.0.1", kind: ErrNoDevice},
		{name: "nothing", host: "", kind: ErrNoDevice},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := HostPort{test.host, 5}
			got, err := h.Local(t.Context(), test.ipv6)
			if test.kind != nil {
				checkKind(t, err, test.kind, h.String())
				return
			}
			if err != nil || len(got) == 0 || got[0].String() != test.want {
				t.Errorf("got %v, %v; want %v", got, err, test.want)
			}
		})
	}
}

func TestLocalOfAnInterfacePrefersIPv6(t *testing.T) {
	lo := loopback(t)
	addrs, known := interfaceAddrs(lo.Name)
	if !known || !slices.Contains(addrs, netip.IPv6Loopback()) {
		t.Skipf("interface %s has no ::1", lo.Name)
	}
	got, err := HostPort{lo.Name, 5}.Local(t.Context(), true)
	if err != nil || got[0].String() != "[::1]:5" || got[len(got)-1].String() != "[::ffff:127.0.0.1]:5" {
		t.Errorf("got %v, %v; want ::1 first and 127.0.0.1, mapped, last", got, err)
	}
}

func TestLocalEndsWithItsContext(t *testing.T) {
	offline(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (HostPort{"nope", 5}).Local(ctx, false); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

func TestRemote(t *testing.T) {
	lo := loopback(t)
	tests := []struct {
		name, host string
		ipv6       bool
		want       string
		kind       error
	}{
		{name: "IPv4", host: "127.0.0.1", want: "127.0.0.1:5"},
		{name: "IPv4 with IPv6", host: "127.0.0.1", ipv6: true, want: "127.0.0.1:5"},
		{name: "IPv6", host: "::1", ipv6: true, want: "[::1]:5"},
		{name: "IPv6 without IPv6", host: "::1", kind: ErrNoDevice},
		{name: "a zone", host: "fe80::1%" + lo.Name, ipv6: true, want: "[fe80::1%" + lo.Name + "]:5"},
		{name: "an unknown zone", host: "fe80::1%nope", ipv6: true, kind: ErrInvalid},
		{name: "an empty zone", host: "fe80::1%", ipv6: true, kind: ErrInvalid},
		{name: "a name is not resolved", host: "nope.example", want: "nope.example:5"},
		{name: "the name of an interface is a host name", host: lo.Name, want: lo.Name + ":5"},
		{name: "any", host: "*", kind: ErrNoDevice},
		{name: "nothing is not the local host", host: "", kind: ErrNoDevice},
		{name: "half a pair of brackets", host: "[::1", ipv6: true, kind: ErrNoDevice},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := HostPort{test.host, 5}
			got, err := h.Remote(test.ipv6)
			if test.kind != nil {
				checkKind(t, err, test.kind, h.String())
				return
			}
			if err != nil || got != test.want {
				t.Errorf("got %q, %v; want %q", got, err, test.want)
			}
		})
	}
}
